"""Paths that more than one room treats apart."""

# Asked for without a key, against no limit and behind no queue.
HEALTH_PATHS = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})
