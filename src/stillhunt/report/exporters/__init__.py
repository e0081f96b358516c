"""One file per format that a case can be exported in."""
