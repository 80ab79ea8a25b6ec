"""One file a system: its features, its model, its hyperparameters, and where it was published."""
