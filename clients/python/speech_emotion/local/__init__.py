"""Predictions on this machine: the network itself runs here, and nothing is posted."""
