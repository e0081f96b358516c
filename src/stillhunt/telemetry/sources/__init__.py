"""One file per log source; the file's name is the source's name."""
