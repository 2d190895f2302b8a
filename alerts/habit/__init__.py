"""Habit: what is normal for each queue at this half-hour of its week, and how unusual what happens now is, live."""
