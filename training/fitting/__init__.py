"""How networks are fitted: the training loop, and its targets."""
