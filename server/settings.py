"""The server's settings: `[server]` and `[models]` of config.ini as frozen dataclasses."""

from dataclasses import dataclass, fields
from pathlib import Path

from configuration import ROOT, config_path, read_section, setting
from server.model_files import DEFAULT_MAXIMUM_FILE_BYTES


@dataclass(frozen=True)
class ServerSettings:
    """`[server]`: where the server listens and what it accepts."""

    host: str = "0.0.0.0"  # noqa: S104  # phones and browsers reach it from outside
    port: int = setting(8080, minimum=1, maximum=65_535)
    workers: int | None = setting(None, minimum=1, maximum=1_024)  # None: the usable cores
    runtime_directory: Path | None = None  # None: a new temporary folder
    maximum_body_bytes: int = setting(1_048_576, minimum=1_024, maximum=1_073_741_824)


@dataclass(frozen=True)
class ModelSettings:
    """`[models]`: which networks are served."""

    directory: Path = ROOT / "models"
    state_directory: Path | None = None  # None: in the runtime directory
    maximum_file_bytes: int = setting(
        DEFAULT_MAXIMUM_FILE_BYTES, minimum=1_024, maximum=1_073_741_824
    )


@dataclass(frozen=True)
class Settings:
    """Everything that an operator can set."""

    server: ServerSettings
    models: ModelSettings


def load_settings(path: Path | None = None) -> Settings:
    """Reads config.ini and the environment.

    Raises:
        SettingError: names the key, the value and what was expected.
    """
    path = path or config_path()
    return Settings(
        server=read_section(ServerSettings, "server", path),
        models=read_section(ModelSettings, "models", path),
    )


def settings_text(settings: Settings) -> str:
    """The settings as a file that `load_settings` reads, whatever its folder."""
    lines = []
    for name, section in (("server", settings.server), ("models", settings.models)):
        lines.append(f"[{name}]")
        values = {field.name: getattr(section, field.name) for field in fields(section)}
        for key, value in values.items():
            if value is not None:
                lines.append(f"{key} = {value.absolute() if isinstance(value, Path) else value}")
    return "\n".join([*lines, ""])
