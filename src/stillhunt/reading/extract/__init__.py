"""What is read out of documents, one file per kind."""
