"""The declaration of systems, and their kinds of models."""
