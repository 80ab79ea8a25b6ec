"""Audio to features: the server's extractor, its process and its cache."""
