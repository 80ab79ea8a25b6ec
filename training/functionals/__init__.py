"""Heads over functionals of the frames, which corpora too small for convolutions alone need."""
