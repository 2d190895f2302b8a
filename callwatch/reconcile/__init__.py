"""``callwatch reconcile``: a PBX's own interval report beside our figures, and the calls behind each difference."""
