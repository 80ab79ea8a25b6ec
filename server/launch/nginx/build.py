"""Which Nginx is installed: its version and its modules."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

LUA_MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")


@dataclass(frozen=True)
class NginxBuild:
    """An installed Nginx.

    version: such as (1, 22, 1); empty if it is unknown.
    lua_modules: the modules that run clients.lua; empty if they are not installed.
    """

    version: tuple[int, ...]
    lua_modules: tuple[Path, ...]


def inspect_nginx(nginx: Path) -> NginxBuild:
    """What the executable says about itself."""
    build = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    version = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", build)
    folder = re.search(r"--modules-path=(\S+)", build)
    modules = [Path(folder[1]) / name for name in LUA_MODULES] if folder else []
    return NginxBuild(
        tuple(map(int, version.groups())) if version else (),
        tuple(modules) if all(path.exists() for path in modules) else (),
    )
