"""A network address of the server."""

import socket
from dataclasses import dataclass


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

    def check_free(self) -> None:
        """Raises OSError if the address cannot be listened on."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        socket.create_server((self.host, self.port), family=family).close()
