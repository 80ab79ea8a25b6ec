"""What clients are verified with: a reference clip, and fingerprints of known mistakes."""
