"""Correlations: what several matches of rules mean together, within a span of time."""
