"""The weekly report: one self-contained HTML page made from the published marts."""
