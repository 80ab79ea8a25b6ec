"""Paths and their templates, as several packages need them."""

# Health checks need no key, and no limit or queue applies to them.
HEALTH_PATHS = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})


def route(uri_template: str | None) -> str:
    """The path template of a request as openapi.yaml writes it; empty for unknown paths."""
    return (uri_template or "").replace("network_type", "networkType")
