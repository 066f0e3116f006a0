"""Data-driven attribution: how much of the conversions each channel stands for, from aggregated paths."""
