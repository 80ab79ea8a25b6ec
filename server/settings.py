"""The server's settings: `[server]` and `[models]` of config.ini as frozen dataclasses."""

import re
from dataclasses import dataclass, fields
from ipaddress import ip_network
from pathlib import Path

from configuration import ROOT, SettingError, config_path, read_section, setting
from server.regular_file import why_unreadable

ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
DEFAULT_OPEN_REQUESTS_PER_WORKER = 100
DEFAULT_MAXIMUM_FILE_BYTES = 16_777_216


@dataclass(frozen=True)
class Address:
    """A host name or IP address, version 4 or 6, and a TCP port."""

    host: str
    port: int

    @property
    def netloc(self) -> str:
        """`host:port` as in URLs, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> "Address":
        """The address for clients on this machine."""
        wildcards = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
        return Address(wildcards.get(self.host, self.host), self.port)


@dataclass(frozen=True)
class ServerSettings:
    """`[server]`: addresses, limits, access and logs."""

    host: str = "0.0.0.0"  # noqa: S104  # clients are on other machines
    port: int = setting(8080, minimum=1, maximum=65_535)
    workers: int | None = setting(None, minimum=1, maximum=1_024)  # None: by cores and memory
    runtime_directory: Path | None = None  # None: the folder for temporary files
    maximum_body_bytes: int = setting(1_048_576, minimum=1_024, maximum=1_073_741_824)
    maximum_frames: int = setting(3_000, minimum=10, maximum=1_000_000)
    maximum_batch_bytes: int = setting(8_388_608, minimum=1_024, maximum=1_073_741_824)
    maximum_batch_rows: int = setting(65_536, minimum=1, maximum=16_777_216)
    maximum_batch_frames: int = setting(8_192, minimum=1, maximum=16_777_216)
    # None: by the memory
    maximum_body_memory_bytes: int | None = setting(None, minimum=65_536, maximum=1_099_511_627_776)
    maximum_open_batch_bytes: int = setting(16_777_216, minimum=1_024, maximum=1_073_741_824)
    maximum_header_line_bytes: int = setting(8_192, minimum=1_024, maximum=1_048_576)
    header_timeout_seconds: int = setting(10, minimum=1, maximum=3_600)
    body_timeout_seconds: int = setting(30, minimum=1, maximum=3_600)
    send_timeout_seconds: int = setting(30, minimum=1, maximum=3_600)
    minimum_answer_bytes_per_second: int = setting(32_768, minimum=1, maximum=1_073_741_824)
    idle_timeout_seconds: int = setting(75, minimum=1, maximum=3_600)
    maximum_connections: int | None = setting(None, minimum=64, maximum=1_048_576)  # by memory
    maximum_open_requests: int | None = setting(None, minimum=20, maximum=1_048_576)
    connections_per_address: int = setting(0, minimum=0, maximum=65_535)  # 0: unlimited
    requests_per_second_per_address: int = setting(0, minimum=0, maximum=1_000_000)
    trusted_proxies: str = ""  # networks, separated by spaces
    api_keys_path: Path | None = None
    tls_certificate_path: Path | None = None
    tls_key_path: Path | None = None
    client_ca_path: Path | None = None
    cors_origins: str = ""  # separated by spaces
    access_log: bool = True
    operator_host: str = "127.0.0.1"
    operator_port: int | None = setting(None, minimum=1, maximum=65_535)

    @property
    def address(self) -> Address:
        """Where clients connect."""
        return Address(self.host, self.port)

    @property
    def operator_address(self) -> Address | None:
        """Where the operator connects, if there is a port for that."""
        return Address(self.operator_host, self.operator_port) if self.operator_port else None

    @property
    def trusted_networks(self) -> tuple[str, ...]:
        """Networks and addresses of the trusted proxies."""
        return tuple(self.trusted_proxies.split())

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of the web pages that may use the server."""
        return tuple(self.cors_origins.split())

    def open_requests(self, workers: int) -> int:
        """The number of requests that may be open at the workers together."""
        return self.maximum_open_requests or DEFAULT_OPEN_REQUESTS_PER_WORKER * workers

    @property
    def tls(self) -> bool:
        """Whether the server uses HTTPS."""
        return self.tls_certificate_path is not None


@dataclass(frozen=True)
class ModelSettings:
    """`[models]`: the models that are served, and their copies."""

    directory: Path = ROOT / "models"
    state_directory: Path | None = None  # None: in the runtime directory
    maximum_file_bytes: int = setting(
        DEFAULT_MAXIMUM_FILE_BYTES, minimum=1_024, maximum=1_073_741_824
    )
    downloads: bool = True  # whether clients get the networks' files
    verification_timeout_seconds: int = setting(20, minimum=1, maximum=3_600)
    verification_memory_bytes: int = setting(
        536_870_912, minimum=268_435_456, maximum=1_099_511_627_776
    )


@dataclass(frozen=True)
class Settings:
    """All settings of an operator."""

    server: ServerSettings
    models: ModelSettings


def load_settings(path: Path | None = None) -> Settings:
    """Reads the settings file and the environment.

    Raises:
        SettingError: the message names the key, its value and the expected value.
    """
    path = path or config_path()
    settings = Settings(
        server=read_section(ServerSettings, "server", path),
        models=read_section(ModelSettings, "models", path),
    )
    _check(settings.server)
    return settings


def _check(server: ServerSettings) -> None:
    for network in server.trusted_networks:
        try:
            ip_network(network)
        except ValueError:
            expected = "an address or a network such as 10.0.0.0/8"
            raise SettingError(f"[server] trusted_proxies: {network!r} is not {expected}") from None
    for origin in server.origins:
        if not ORIGIN.fullmatch(origin):
            expected = "an origin such as https://example.org"
            raise SettingError(f"[server] cors_origins: {origin!r} is not {expected}")
    if (server.tls_certificate_path is None) != (server.tls_key_path is None):
        raise SettingError("[server] tls_certificate_path and tls_key_path: expected both or none")
    if server.client_ca_path and not server.tls:
        raise SettingError("[server] client_ca_path: expected tls_certificate_path as well")


def check_files(server: ServerSettings) -> None:
    """Checks that the files named in the settings exist.

    To be called at start only: a file that disappears later must not stop a running server.

    Raises:
        SettingError: the message names the key and the file.
    """
    for key in ("api_keys_path", "tls_certificate_path", "tls_key_path", "client_ca_path"):
        path: Path | None = getattr(server, key)
        if not path:
            continue
        if reason := why_unreadable(path):
            raise SettingError(f"[server] {key}: {str(path)!r} is not a readable file: {reason}")
        if not path.is_file():
            raise SettingError(f"[server] {key}: {str(path)!r} is not a readable file")


def settings_text(settings: Settings) -> str:
    """The settings as text for `load_settings`, with absolute paths."""
    lines = []
    for name, section in (("server", settings.server), ("models", settings.models)):
        lines.append(f"[{name}]")
        values = {field.name: getattr(section, field.name) for field in fields(section)}
        for key, value in values.items():
            if value is not None:
                lines.append(f"{key} = {value.absolute() if isinstance(value, Path) else value}")
    return "\n".join([*lines, ""])
