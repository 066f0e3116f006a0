"""The demo company: a seeded simulation of a retailer, its sources on disk, and the truths planted in them."""
