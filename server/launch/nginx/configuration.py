"""Renders nginx.conf from its template and the settings."""

import os
import string
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from configuration import ROOT
from server.launch.capacity import default_workers
from server.launch.nginx.memory import NginxLimits
from server.launch.nginx.problems import nginx_problems
from server.launch.runtime_directory import Runtime
from server.paths import HEALTH_PATHS
from server.settings import ServerSettings

TEMPLATE = ROOT / "nginx" / "nginx.conf.template"
PAGE = ROOT / "clients" / "web" / "dist"
IDLE_CONNECTIONS = 128  # from each Nginx process to the workers
HTTP2_DIRECTIVE = (1, 25, 1)  # the first version with `http2 on`
FRESH_TRIES = 2  # of a request that got no response, on new connections
HEALTH_TRIES = 4
RETRY_AFTER = "add_header Retry-After 1 always; #common_headers;"
UNQUOTABLE = frozenset('$"\\\n')


class NginxError(Exception):
    """These settings cannot be expressed in nginx.conf."""


class _Template(string.Template):
    delimiter = "@"


def render(
    server: ServerSettings,
    runtime: Runtime,
    lua_modules: Sequence[Path],
    version: tuple[int, ...] = (),
    *,
    downloads: bool = True,
) -> str:
    """The text of nginx.conf.

    lua_modules: without them only the pauses within a request body are limited.
    version: of Nginx; HTTP/2 is enabled by another directive since 1.25.1.
    downloads: whether clients get the networks' files; otherwise the application refuses.

    Raises:
        NginxError: a path cannot be quoted.
    """
    _check_paths(runtime)
    limits = NginxLimits.of(server)
    health = "|".join(sorted(HEALTH_PATHS))
    values = {
        "processes": limits.processes,
        # As root, Nginx's workers change to a user without access to the socket by default.
        "user": "user root;" if os.geteuid() == 0 else "",
        "runtime": runtime.path,
        "models": runtime.state,
        "page": PAGE,
        "health": f"^({health})$",
        "health_paths": health,
        "connections": limits.worker_connections(server),
        "body_buffer_bytes": _with_chunk_sizes(server.maximum_body_bytes),
        "batch_buffer_bytes": _with_chunk_sizes(server.maximum_batch_bytes),
        "network_files": "/current/$network_file$version /previous/$network_file$earlier_version"
        if downloads
        else "/.none",
        "log": "/dev/stdout json buffer=4k flush=1s" if server.access_log else "off",
    }
    lua = _lua(server, runtime, limits, lua_modules)
    settings = {name: getattr(server, name) for name in server.__dataclass_fields__}
    text = _Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        settings,
        **values,
        **_upstreams(server, runtime),
        **lua,
        **nginx_problems(server, lua["count"]),
        **_access(server),
        **_tls(server, runtime, version, lua=bool(lua_modules)),
        **_address_limits(server),
        operator_server=_operator_server(server, lua=bool(lua_modules)),
    )
    # The headers of every response: a location with an `add_header` of its own inherits none.
    return text.replace("#common_headers;", _lines(_common_headers(server)))


def _with_chunk_sizes(body_bytes: int) -> int:
    """The bytes of a body in chunks of 64 bytes or more: Nginx buffers their sizes too."""
    return body_bytes + body_bytes // 8


def _check_paths(runtime: Runtime) -> None:
    for path in (PAGE, TEMPLATE.parent, runtime.path):
        if set(str(path)) & UNQUOTABLE:
            raise NginxError(f"Nginx cannot use the path {path}: it contains $, a quote or \\")


def _upstreams(server: ServerSettings, runtime: Runtime) -> dict[str, Any]:
    """The limit of open requests, and the socket several times: Nginx tries each line once."""
    line = f'server "unix:{runtime.socket}" max_fails=0'
    open_requests = server.open_requests(server.workers or default_workers())
    share = -(-open_requests // FRESH_TRIES)
    return {
        "socket": runtime.socket,
        "open_requests": open_requests,
        "fresh_upstream": _lines([f"{line} max_conns={share};"] * FRESH_TRIES),
        "health_upstream": _lines([f"{line};"] * HEALTH_TRIES),
        "idle_connections": min(IDLE_CONNECTIONS, open_requests),
        "idle_health_connections": HEALTH_TRIES // 2,
    }


def _lua(
    server: ServerSettings, runtime: Runtime, limits: NginxLimits, modules: Sequence[Path]
) -> dict[str, str]:
    if not modules:
        return {
            "modules": "",
            "lua": "",
            "read_body": "",
            "read_batch": "",
            "finish": "",
            "take_answer": "",
            "limit_file": "",
            "pause": "",
            "refuse_429": f"{RETRY_AFTER} return 429 $too_many_requests;",
            "refuse_503": f"{RETRY_AFTER} return 503 $overload;",
            "count": "",
        }
    budget = limits.transfer_bytes
    start = 'require("processes").start() require("transfers").limit_answers()'
    if server.tls:
        start += f' require("certificate").watch("{runtime.tls_pair}")'
    answer = f"{server.send_timeout_seconds}, {server.minimum_answer_bytes_per_second}"
    return {
        "modules": "\n".join(f'load_module "{module}";' for module in modules),
        "lua": f"""lua_shared_dict counts 64k;
    lua_shared_dict started 16k;
    lua_package_path "{TEMPLATE.parent}/?.lua;;";
    init_by_lua_file "{TEMPLATE.with_name("clients.lua")}";
    init_worker_by_lua_block {{ {start} }}""",
        "count": "log_by_lua_block { answered(ngx.var.file_route, ngx.status) }",
        "refuse_429": "content_by_lua_block { too_many_requests() }",
        "refuse_503": "content_by_lua_block { overloaded() }",
        "read_body": _read_body(server, server.maximum_body_bytes, budget),
        "read_batch": _read_body(server, server.maximum_batch_bytes, budget),
        "finish": "log_by_lua_block { finished() }",
        "take_answer": f"header_filter_by_lua_block {{ answer_begins({answer}, {budget}) }}\n"
        "            body_filter_by_lua_block { answer_continues() }",
        "limit_file": f"header_filter_by_lua_block {{ file_begins({answer}) }}",
        "pause": "access_by_lua_block { pause() }",
    }


def _read_body(server: ServerSettings, largest: int, budget: int) -> str:
    needs_key = str(bool(server.api_keys_path)).lower()
    arguments = f"{server.body_timeout_seconds}, {largest}, {budget}, {needs_key}"
    return f"access_by_lua_block {{ read_body({arguments}) }}"


def _access(server: ServerSettings) -> dict[str, str]:
    trusted = [f"set_real_ip_from {network};" for network in server.trusted_networks]
    return {
        "origins": _lines(f'"{origin}" $http_origin;' for origin in server.origins),
        "trusted": _lines([*trusted, "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"]),
        # The files need the same key as the handshake.
        "authorisation": "auth_request /.authorisation;" if server.api_keys_path else "",
    }


def _tls(
    server: ServerSettings, runtime: Runtime, version: tuple[int, ...], *, lua: bool
) -> dict[str, str]:
    """Nginx uses a new certificate without a reload, which would close idle connections.

    Without Lua it reads the file at each handshake, because its name is a variable.
    """
    listen = server.address.netloc
    if not server.tls:
        return {"listen": listen, "tls": "", "tls_pair": ""}
    lines = ["http2 on;"] if version >= HTTP2_DIRECTIVE else []
    pair = f'"{runtime.tls_pair}"' if lua else "$tls_pair"
    lines += [f"ssl_certificate {pair};", f"ssl_certificate_key {pair};"]
    if lua:
        lines.append('ssl_certificate_by_lua_block { require("certificate").present() }')
    if server.client_ca_path:
        lines += [
            f'ssl_client_certificate "{runtime.client_ca}";',
            "ssl_verify_client optional;",
            "if ($certificate_needed) { return 496; }",
        ]
    return {
        "listen": f"{listen} ssl" if version >= HTTP2_DIRECTIVE else f"{listen} ssl http2",
        "tls": _lines(lines),
        "tls_pair": str(runtime.tls_pair),
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
        exposed = "X-Request-Id, X-Model-Release, Retry-After"
        yield f'add_header Access-Control-Expose-Headers "{exposed}" always;'
        yield "add_header Vary Origin always;"


def _lines(lines: Iterable[str]) -> str:
    return "\n        ".join(lines)
