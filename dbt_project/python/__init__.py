"""Mathematics of Python models: pure functions on aggregated rows, without dbt and without a database."""
