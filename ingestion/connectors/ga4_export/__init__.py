"""Google Analytics 4 raw export: one file of events per day."""
