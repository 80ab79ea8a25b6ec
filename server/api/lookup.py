"""Finds the network that a path names."""

from server import problems
from server.models.catalog import NetworkCatalog
from server.models.network import Network


def find_network(catalog: NetworkCatalog, name: str) -> Network:
    """The network of that name, matched without case.

    Raises:
        Problem: 404 where there is none, 503 where its file must not be served.
    """
    network = catalog.find(name)
    if network is not None:
        return network
    fault = catalog.fault(name)
    if fault is not None:
        raise problems.network_unavailable(name, fault)
    raise problems.unknown_network(name, catalog.names)
