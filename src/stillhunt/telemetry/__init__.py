"""Logs to events: sources read files, collect walks them, coverage says what they could show."""
