"""The warning for inputs that lie far from the training distribution."""

OUTSIDE_TRAINING = "outside-training-distribution"  # a code that clients compare
