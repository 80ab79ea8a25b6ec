"""Renders nginx.conf from its template and the settings."""

import os
import re
import resource
import string
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from configuration import ROOT
from server.launch.capacity import default_body_memory, default_workers, usable_cores
from server.launch.nginx_problems import nginx_problems
from server.launch.runtime_directory import Runtime
from server.paths import HEALTH_PATHS
from server.settings import ServerSettings

TEMPLATE = ROOT / "nginx" / "nginx.conf.template"
PAGE = ROOT / "clients" / "web" / "dist"
LUA_MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
IDLE_CONNECTIONS = 128  # from each Nginx process to the workers
EXTRA_TRIES = 4  # of a request, beyond one for each idle connection
HEALTH_TRIES = 4
OTHER_OPEN_FILES = 64  # of an Nginx process, besides its connections
RETRY_AFTER = "add_header Retry-After 1 always; #common_headers;"
UNQUOTABLE = frozenset('$"\\\n')


class NginxError(Exception):
    """These settings cannot be expressed in nginx.conf."""


class _Template(string.Template):
    delimiter = "@"


def find_lua_modules(nginx: Path) -> tuple[Path, ...]:
    """The modules that limit the total time of a request body; empty if they are not installed."""
    build = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    folder = re.search(r"--modules-path=(\S+)", build)
    modules = [Path(folder[1]) / name for name in LUA_MODULES] if folder else []
    return tuple(modules) if all(path.exists() for path in modules) else ()


def render(server: ServerSettings, runtime: Runtime, lua_modules: Sequence[Path]) -> str:
    """The text of nginx.conf.

    lua_modules: without them only the pauses within a request body are limited.

    Raises:
        NginxError: a path cannot be quoted.
    """
    _check_paths(server, runtime)
    values = {
        "cores": usable_cores(),
        # As root, Nginx's workers change to a user without access to the socket by default.
        "user": "user root;" if os.geteuid() == 0 else "",
        "runtime": runtime.path,
        "models": runtime.state,
        "page": PAGE,
        "health": f"^({'|'.join(sorted(HEALTH_PATHS))})$",
        "connections": _connections(server),
        "log": "/dev/stdout json buffer=4k flush=1s" if server.access_log else "off",
    }
    lua = _lua(server, lua_modules)
    settings = {name: getattr(server, name) for name in server.__dataclass_fields__}
    text = _Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        settings,
        **values,
        **_upstreams(server, runtime),
        **lua,
        **nginx_problems(server, lua["count"]),
        **_access(server),
        **_address_limits(server),
        operator_server=_operator_server(server, lua=bool(lua_modules)),
    )
    # The headers of every response: a location with an `add_header` of its own inherits none.
    return text.replace("#common_headers;", _lines(_common_headers(server)))


def _check_paths(server: ServerSettings, runtime: Runtime) -> None:
    paths = [PAGE, TEMPLATE.parent, runtime.path, server.tls_certificate_path, server.tls_key_path]
    for path in filter(None, paths):
        if set(str(path)) & UNQUOTABLE:
            raise NginxError(f"Nginx cannot use the path {path}: it contains $, a quote or \\")


def _connections(server: ServerSettings) -> int:
    """Connections of an Nginx process: one for each client and one to a worker for each."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * server.maximum_connections
    if files == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, files - OTHER_OPEN_FILES))


def _upstreams(server: ServerSettings, runtime: Runtime) -> dict[str, Any]:
    """The socket several times: Nginx retries a request once for each `server` line.

    The `max_conns` of all lines add up to the limit of open requests.
    """
    line = f'server "unix:{runtime.socket}" max_fails=0'
    open_requests = server.open_requests(server.workers or default_workers())
    tries = min(IDLE_CONNECTIONS + EXTRA_TRIES, open_requests)
    shares = [open_requests // tries + (i < open_requests % tries) for i in range(tries)]
    return {
        "limited_upstream": _lines(f"{line} max_conns={share};" for share in shares),
        "health_upstream": _lines([f"{line};"] * HEALTH_TRIES),
        "idle_connections": tries - EXTRA_TRIES,
        "idle_health_connections": HEALTH_TRIES // 2,
    }


def _lua(server: ServerSettings, modules: Sequence[Path]) -> dict[str, str]:
    if not modules:
        return {
            "modules": "",
            "lua": "",
            "read_body": "",
            "read_batch": "",
            "finish": "",
            "refuse_429": f"{RETRY_AFTER} return 429 $too_many_requests;",
            "refuse_503": f"{RETRY_AFTER} return 503 $overload;",
            "count": "",
        }
    return {
        "modules": "\n".join(f'load_module "{module}";' for module in modules),
        "lua": f"lua_shared_dict counts 64k;\n    "
        f'init_by_lua_file "{TEMPLATE.with_name("clients.lua")}";',
        "count": "log_by_lua_block { answered(ngx.var.file_route, ngx.status) }",
        "refuse_429": "content_by_lua_block { too_many_requests() }",
        "refuse_503": "content_by_lua_block { overloaded() }",
        "read_body": _read_body(server, server.maximum_body_bytes),
        "read_batch": _read_body(server, server.maximum_batch_bytes),
        "finish": "log_by_lua_block { finished() }",
    }


def _read_body(server: ServerSettings, largest: int) -> str:
    budget = (server.maximum_body_memory_bytes or default_body_memory()) // usable_cores()
    return (
        f"access_by_lua_block {{ read_body({server.body_timeout_seconds}, {largest}, {budget}) }}"
    )


def _access(server: ServerSettings) -> dict[str, str]:
    listen = server.address.netloc
    tls = (
        f'ssl_certificate "{server.tls_certificate_path}";',
        f'ssl_certificate_key "{server.tls_key_path}";',
    )
    trusted = [f"set_real_ip_from {network};" for network in server.trusted_networks]
    return {
        "listen": f"{listen} ssl" if server.tls else listen,
        "tls": _lines(tls if server.tls else ()),
        "origins": _lines(f'"{origin}" $http_origin;' for origin in server.origins),
        "trusted": _lines([*trusted, "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"]),
        # The files need the same key as the handshake.
        "authorisation": "auth_request /.authorisation;" if server.api_keys_path else "",
    }


def _operator_server(server: ServerSettings, lua: bool) -> str:
    """The server of the operator port, which serves all paths of the application."""
    if not server.operator_address:
        return ""
    counts = "set_by_lua_block $counts { return counted() }" if lua else 'set $counts "";'
    return f"""server {{
        listen {server.operator_address.netloc};
        location / {{
            proxy_pass http://health;
        }}
        location = /metrics {{
            {counts}
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Request-Id $request_identifier;
            proxy_set_header X-Nginx-Counts $counts;
            proxy_pass http://health;
        }}
    }}"""


def _address_limits(server: ServerSettings) -> dict[str, str]:
    rate, connections = server.requests_per_second_per_address, server.connections_per_address
    zones, limits = [], []
    if rate:
        zones.append(f"limit_req_zone $limited_address zone=requests:4m rate={rate}r/s;")
        limits.append(f"limit_req zone=requests burst={rate} nodelay;")
    if connections:
        zones.append("limit_conn_zone $limited_address zone=connections:4m;")
        limits.append(f"limit_conn connections {connections};")
    return {"address_zones": _lines(zones), "address_limits": _lines(limits)}


def _common_headers(server: ServerSettings) -> Iterator[str]:
    yield "add_header X-Request-Id $request_identifier always;"
    yield "add_header X-Content-Type-Options nosniff always;"
    if server.tls:
        yield 'add_header Strict-Transport-Security "max-age=31536000" always;'
    if server.origins:
        yield "add_header Access-Control-Allow-Origin $allowed_origin always;"
        yield 'add_header Access-Control-Expose-Headers "X-Request-Id, Retry-After" always;'
        yield "add_header Vary Origin always;"


def _lines(lines: Iterable[str]) -> str:
    return "\n        ".join(lines)
