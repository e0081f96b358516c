"""One file per scenario, each with the constant ``SCENARIO``."""
