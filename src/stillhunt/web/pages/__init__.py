"""The pages, one file per part of the work; each is a list of routes."""
