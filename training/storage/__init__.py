"""Files, checkpoints and the scheduling of jobs."""
