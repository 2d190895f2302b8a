"""Detectors: what is normal for a figure, how far a value is from it, and whether that is worth a person's time."""
