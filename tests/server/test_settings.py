import os
import tempfile
from pathlib import Path

import pytest

from configuration import SettingError
from server.settings import check_files, load_settings, settings_text


def write(folder: Path, text: str) -> Path:
    path = folder / "config.ini"
    path.write_text(text)
    return path


def test_the_default_file_is_valid() -> None:
    assert load_settings().server.port == 8080


def test_the_environment_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "[server]\nport = 8081  # a comment\n")
    assert load_settings(path).server.port == 8081
    monkeypatch.setenv("SER_SERVER_PORT", "9000")
    assert load_settings(path).server.port == 9000


def test_relative_paths_are_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[models]\ndirectory = mine\n")
    assert load_settings(path).models.directory == tmp_path / "mine"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[server]\nport = http\n", ["port", "'http'", "whole number"]),
        ("[server]\nport = 70000\n", ["port", "70000", "65535"]),
        ("[server]\nworkers = 0\n", ["workers", "0", "at least 1"]),
        ("[server]\nprot = 80\n", ["prot", "port"]),
        ("[server]\nheader_timeout_seconds = 0\n", ["header_timeout_seconds", "at least 1"]),
        ("[server]\ntrusted_proxies = 10.0.0.0/8 proxy\n", ["trusted_proxies", "'proxy'"]),
        ("[server]\ncors_origins = https://a/b\n", ["cors_origins", "'https://a/b'"]),
        ("[server]\ncors_origins = *\n", ["cors_origins", "'*'", "https://"]),
        ("[server]\ntls_key_path = key\n", ["tls_certificate_path", "both"]),
        ("[server]\nclient_ca_path = ca\n", ["client_ca_path", "tls_certificate_path"]),
        ("[models]\nmaximum_file_bytes = 1\n", ["maximum_file_bytes", "1024"]),
        ("port = 80\n", ["cannot be read"]),
        ("[sever]\nport = 80\n", ["[sever]", "server"]),
    ],
)
def test_an_error_names_key_value_and_expected_value(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings(write(tmp_path, text))
    assert all(part in str(caught.value) for part in parts)


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("SER_SERVER_API_KEY_PATH", "SER_SERVER_API_KEYS_PATH"),
        ("SER_SEVER_PORT", "SER_SERVER_PORT"),
        ("SER_MODELS_DIR", "SER_MODELS_DIRECTORY"),
        ("SER_CONFIGURATION", "SER_CONFIG"),
        ("SER_server_port", "SER_SERVER_PORT"),
    ],
)
def test_an_unknown_variable_is_an_error_that_names_the_nearest(
    monkeypatch: pytest.MonkeyPatch, variable: str, nearest: str
) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingError, match=f"^{variable}: unknown .* {nearest}$"):
        load_settings()


def test_variables_of_others_are_not_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the client, of the trainer, and of Kubernetes for a Service named ser-server."""
    for variable in ("SER_API_KEY", "SER_TRAINING_EPOCHS", "SERVER_PORT"):
        monkeypatch.setenv(variable, "x")
    for suffix in ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT_8080_TCP_ADDR"):
        monkeypatch.setenv(f"SER_{suffix}", "x")
        monkeypatch.setenv(f"SER_SERVER_{suffix}", "x")
    assert load_settings().server.port == 8080


def test_a_missing_file_in_the_settings_is_an_error_at_start(tmp_path: Path) -> None:
    server = load_settings(write(tmp_path, "[server]\napi_keys_path = none\n")).server
    with pytest.raises(SettingError, match=r"api_keys_path: .*none.* read"):
        check_files(server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_key_that_another_user_owns_is_an_error_that_names_both() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for file in ("chain.pem", "key.pem"):
            (folder / file).touch(0o600 if file == "key.pem" else 0o644)
        text = "[server]\ntls_certificate_path = chain.pem\ntls_key_path = key.pem\n"
        server = load_settings(write(folder, text)).server
        check_files(server)
        os.setegid(10002)
        os.seteuid(10001)
        try:
            with pytest.raises(SettingError) as refused:
                check_files(server)
        finally:
            os.seteuid(0)
            os.setegid(0)
    assert str(refused.value) == (
        f"[server] tls_key_path: '{folder}/key.pem' is not a readable file: user 10001 (group "
        "10002) cannot read it; it belongs to user 0 (group 0) and has the mode 0600"
    )


def test_a_missing_settings_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        load_settings(tmp_path / "none.ini")


def test_settings_are_written_and_read_again(tmp_path: Path) -> None:
    text = "[server]\nport = 81\ncors_origins = https://a\naccess_log = no\n[models]\ndirectory = m"
    settings = load_settings(write(tmp_path, text))
    (tmp_path / "deeper").mkdir()
    assert load_settings(write(tmp_path / "deeper", settings_text(settings))) == settings
