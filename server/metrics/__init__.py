"""What Prometheus scrapes, counted in memory that outlives a worker."""
