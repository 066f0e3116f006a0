"""What every connector shares: contract, quarantine, lake, identifiers."""
