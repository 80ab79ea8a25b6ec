"""What systems have in common: how they are declared, and the kinds of models."""
