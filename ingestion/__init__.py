"""Sources to the lake: connections, connectors, quarantine, append-only Parquet."""
