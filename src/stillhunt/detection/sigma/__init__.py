"""Sigma rules: read by pySigma, compiled for the kernel."""
