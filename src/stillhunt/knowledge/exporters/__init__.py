"""One file per format that other people read and knowledge is exported to."""
