"""How much memory Nginx may take, and the limits that keep it within."""

import resource
from dataclasses import dataclass

from server.launch.capacity import default_workers, nginx_bytes, usable_cores, usable_memory
from server.settings import ServerSettings

# Measured and rounded up.
BYTES_PER_PROCESS = 8 * 2**20
BYTES_PER_CONNECTION = 64 * 2**10  # a header of full length, a body or an answer of 16 kB
BYTES_PER_TLS_CONNECTION = 64 * 2**10  # in addition

MINIMUM_BYTES_PER_PROCESS = 40 * 2**20  # otherwise there are fewer processes
MOST_TRANSFER_BYTES = 128 * 2**20
MOST_CONNECTIONS = 4_096
LEAST_CONNECTIONS = 64
OTHER_OPEN_FILES = 64  # of an Nginx process, besides its connections


@dataclass(frozen=True)
class NginxLimits:
    """The number of Nginx processes, and what each of them may hold."""

    processes: int
    connections: int  # to clients
    transfer_bytes: int  # of bodies and answers above 16 kB

    @classmethod
    def of(cls, server: ServerSettings, memory: int | None = None) -> "NginxLimits":
        """The limits that the settings name; those that they leave out follow from the memory.

        memory: bytes that the server may use; None: those of the machine or container.
        """
        share = nginx_bytes(usable_memory() if memory is None else memory)
        processes = max(1, min(usable_cores(), share // MINIMUM_BYTES_PER_PROCESS))
        transfers = server.maximum_body_memory_bytes or min(MOST_TRANSFER_BYTES, share // 3)
        rest = share - transfers - processes * BYTES_PER_PROCESS
        each = BYTES_PER_CONNECTION + (BYTES_PER_TLS_CONNECTION if server.tls else 0)
        # An attacker may use the connections to workers for clients too.
        affordable = max(LEAST_CONNECTIONS, rest // each // processes // 2)
        connections = server.maximum_connections or min(MOST_CONNECTIONS, affordable)
        return cls(processes, connections, transfers // processes)

    def worker_connections(self, server: ServerSettings) -> int:
        """Connections to clients, and one to a worker for each; no more than open files."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        to_workers = server.open_requests(server.workers or default_workers())
        wanted = self.connections + min(self.connections, to_workers + 256)
        if files == resource.RLIM_INFINITY:
            return wanted
        return max(1, min(wanted, files - OTHER_OPEN_FILES))
