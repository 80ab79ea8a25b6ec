"""Certificates for tests, made by openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path

    def copy_to(self, folder: Path) -> "Pair":
        """Copies both files; replaces earlier ones."""
        folder.mkdir(exist_ok=True)
        copy = Pair(folder / "certificate.pem", folder / "key.pem")
        shutil.copy(self.certificate, copy.certificate)
        shutil.copy(self.key, copy.key)
        return copy


def make_certificate(folder: Path, name: str, issuer: Pair | None = None) -> Pair:
    """Makes a certificate for 127.0.0.1, signed by itself or by `issuer`."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-keyout", str(pair.key), "-out", str(pair.certificate)]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    if issuer:
        command += ["-CA", str(issuer.certificate), "-CAkey", str(issuer.key)]
    subprocess.run(command, check=True, capture_output=True)
    return pair


def protect_key(pair: Pair, password: str) -> Path:
    """Encrypts the key; returns the file of the encrypted key."""
    path = pair.key.with_suffix(".protected")
    command = ["openssl", "pkey", "-in", str(pair.key), "-aes256", "-out", str(path)]
    subprocess.run([*command, "-passout", f"pass:{password}"], check=True, capture_output=True)
    return path


def make_revocation_list(authority: Pair) -> Path:
    """An empty list of revoked certificates, signed by the authority."""
    base = authority.certificate.with_suffix("")
    database, configuration, path = (base.with_suffix(f".{name}") for name in ("db", "cnf", "crl"))
    database.touch()
    lines = ["[ca]", "default_ca = list", "[list]", f"database = {database}"]
    lines += ["default_md = sha256", "default_crl_days = 2", ""]
    configuration.write_text("\n".join(lines))
    command = ["openssl", "ca", "-gencrl", "-config", str(configuration), "-out", str(path)]
    command += ["-keyfile", str(authority.key), "-cert", str(authority.certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return path
