"""The built-in pack: Sigma rules for what a state espionage lurker does after, and at, the break-in."""

__all__: list[str] = []
