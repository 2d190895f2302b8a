"""Plans: what is forecast, required and scheduled for a queue, by interval; in versions, through the log."""
