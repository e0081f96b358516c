"""A case and the knowledge: which known group it most likely is, or that nobody can be named."""
