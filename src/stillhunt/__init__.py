"""stillhunt: find who is lurking in months of logs, date it, attribute it, and tell it so it can be checked."""
