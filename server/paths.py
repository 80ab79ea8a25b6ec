"""Paths that several rooms treat specially."""

# Requests to them need no key, count against no limit and bypass the queue.
HEALTH_PATHS = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})
