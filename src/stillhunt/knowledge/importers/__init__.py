"""One file per format that other people write and knowledge is imported from."""
