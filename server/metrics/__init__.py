"""Metrics for Prometheus, counted in memory that outlives a worker."""
