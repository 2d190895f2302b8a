"""One thing served worse than its like: a channel, a business line, a queue of a site, a site of a region."""
