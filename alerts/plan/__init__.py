"""The plan as the expectation: what came against what was forecast, and how the day will end."""
