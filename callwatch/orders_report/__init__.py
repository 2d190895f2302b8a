"""The bulletin of a shift, day, week or month: orders, figures, plots and trend notes, from the log alone."""
