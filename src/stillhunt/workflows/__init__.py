"""The verbs; the only place where rooms meet."""
