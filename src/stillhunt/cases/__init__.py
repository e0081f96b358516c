"""Findings to cases: what belongs together, since when, how far."""
