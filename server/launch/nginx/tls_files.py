"""Checked copies of the TLS files. Nginx reads the copies, so an invalid file never stops it."""

import os
import signal
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from server.launch.logs import log
from server.launch.runtime_directory import Runtime
from server.processes import send_signal
from server.regular_file import UnusableFileError, read_regular_file, why_unreadable
from server.settings import ServerSettings

Version = tuple[tuple[int, int, int], ...]


class TlsFileError(ValueError):
    """The TLS files cannot be used; the message names the setting, the file and the reason."""


class _ProtectedKeyError(Exception):
    pass


class TlsFiles:
    """The certificate with its key, and the authority of client certificates."""

    def __init__(self, server: ServerSettings, runtime: Runtime) -> None:
        self._server = server
        self._runtime = runtime
        self._kept: dict[Callable[[], None], Version] = {}
        self._logged: dict[Callable[[], None], str] = {}

    def keep(self) -> None:
        """Copies the files at start.

        Raises:
            TlsFileError: a file cannot be used.
        """
        self._keep_if_changed(self._keep_pair, *self._pair)
        self._keep_if_changed(self._keep_client_ca, self._server.client_ca_path)

    def renew(self) -> None:
        """Copies files that have changed; logs why an invalid file is not used, once."""
        # Nginx reads the pair at each handshake, but the authority only when it is reloaded.
        self._renew(self._keep_pair, *self._pair)
        if self._renew(self._keep_client_ca, self._server.client_ca_path):
            with suppress(OSError, ValueError):
                send_signal(int(self._runtime.nginx_pid.read_text("ascii")), signal.SIGHUP)

    @property
    def _pair(self) -> tuple[Path | None, Path | None]:
        return self._server.tls_certificate_path, self._server.tls_key_path

    def _renew(self, keep: Callable[[], None], *paths: Path | None) -> bool:
        try:
            is_new = self._keep_if_changed(keep, *paths)
        except TlsFileError as error:
            if self._logged.get(keep) != str(error):
                self._logged[keep] = str(error)
                log("error", f"the TLS files stay as they were: {error}")
            return False
        self._logged.pop(keep, None)
        if is_new:
            log("info", f"in use: the new version of {', '.join(map(str, paths))}")
        return is_new

    def _keep_if_changed(self, keep: Callable[[], None], *paths: Path | None) -> bool:
        """Keeps files that have changed since they were kept; returns whether they have."""
        version = tuple(_version(path) for path in paths if path)
        if version == self._kept.get(keep, ()):
            return False
        keep()
        self._kept[keep] = version
        return True

    def _keep_pair(self) -> None:
        certificate, key = self._pair
        assert certificate
        assert key
        # One file, so that it is replaced at once. The key is first: a certificate's file may
        # contain an older key.
        content = _read("tls_key_path", key) + b"\n" + _read("tls_certificate_path", certificate)
        _replace(self._runtime.tls_pair, content, lambda copy: _check_pair(copy, certificate, key))

    def _keep_client_ca(self) -> None:
        path = self._server.client_ca_path
        assert path
        content = _read("client_ca_path", path)
        _replace(self._runtime.client_ca, content, lambda copy: _check_authority(copy, path))


def _version(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(key: str, path: Path) -> bytes:
    try:
        return read_regular_file(path)
    except UnusableFileError as error:
        raise TlsFileError(f"[server] {key}: {path}: {error}") from None
    except OSError as error:
        reason = why_unreadable(path) or error.strerror
        raise TlsFileError(f"[server] {key}: {path}: cannot be read: {reason}") from None


def _replace(path: Path, content: bytes, check: Callable[[Path], None]) -> None:
    """Writes a private file, and replaces `path` by it if it passes the check."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        check(part)
        part.replace(path)
    except OSError as error:
        raise TlsFileError(f"{part}: cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def _check_pair(copy: Path, certificate: Path, key: Path) -> None:
    def refuse() -> str:
        raise _ProtectedKeyError

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(copy, password=refuse)
    except _ProtectedKeyError:
        raise TlsFileError(
            f"[server] tls_key_path: {key} is protected by a password; expected a key without one, "
            "for example of `openssl pkey -in protected.pem -out key.pem`"
        ) from None
    except ssl.SSLError as error:
        raise TlsFileError(
            f"[server] tls_certificate_path, tls_key_path: {certificate} and {key}: expected a "
            f"certificate and its key in PEM format: {error.reason or error}"
        ) from None


def _check_authority(copy: Path, path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    place = f"[server] client_ca_path: {path}: expected certificates in PEM format"
    try:
        context.load_verify_locations(copy)
    except ssl.SSLError as error:
        raise TlsFileError(f"{place}: {error.reason or error}") from None
    if not context.cert_store_stats()["x509"]:  # a list of revoked ones alone would stop Nginx
        raise TlsFileError(f"{place}: it contains none")
