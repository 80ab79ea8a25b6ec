"""The message of a server without Nginx, and the settings that it refuses."""

from configuration import SettingError
from server.settings import ServerSettings

INSTALL_NGINX = "install Nginx (sudo apt-get install nginx) and start without --without-nginx"
START_MESSAGE = (
    "Serving without Nginx, for a try-out only: no HTTPS, no API keys, no limits on connections, "
    "request rates and slow clients, no access log, no web pages and no /metrics. To get these, "
    f"{INSTALL_NGINX}"
)

# Settings that only Nginx enforces, or that are safe only if Nginx enforces the others.
NEED_NGINX = (
    "tls_certificate_path",
    "tls_key_path",
    "api_keys_path",
    "trusted_proxies",
    "operator_port",
    "connections_per_address",
    "requests_per_second_per_address",
    "maximum_body_memory_bytes",
    "maximum_connections",
    "maximum_header_line_bytes",
    "maximum_open_requests",
    "header_timeout_seconds",
    "body_timeout_seconds",
    "send_timeout_seconds",
    "minimum_answer_bytes_per_second",
    "idle_timeout_seconds",
)


def check_usable_without_nginx(server: ServerSettings) -> None:
    """Checks that all settings that need Nginx have their defaults.

    Raises:
        SettingError: names the first key with another value, and that value.
    """
    defaults = ServerSettings()
    for key in NEED_NGINX:
        value = getattr(server, key)
        if value != getattr(defaults, key):
            raise SettingError(
                f"[server] {key}: {str(value)!r} needs Nginx: {INSTALL_NGINX}, "
                f"or leave {key} at its default"
            )
