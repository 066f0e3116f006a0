"""The demo company: simulated data and local stand-ins of the vendors' APIs."""
