"""The graph, one module per stage: ingest, landing checks, build, audit, publish."""
