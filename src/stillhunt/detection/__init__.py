"""Events to findings."""
