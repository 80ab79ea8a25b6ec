"""One's own voice: baselines of earlier clips, and the files that hold them on this machine."""
