"""The graph in Dagster, publishing, the report and the cx command."""
