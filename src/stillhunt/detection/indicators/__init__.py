"""Indicators of others, as STIX patterns, compiled into the same programs as rules."""
