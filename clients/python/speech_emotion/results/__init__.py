"""What is said of a recording beside its probabilities, and the answer for a long one."""
