"""Starts Chromium for tests."""

from pathlib import Path

from playwright.sync_api import Browser, Playwright

FLAGS = [
    "--no-sandbox",  # for root, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch_with_microphone(
    playwright: Playwright, chromium: str, clip: Path, *, allowed: bool
) -> Browser:
    """A browser whose microphone repeats the clip.

    allowed: whether the browser grants access to the microphone without asking.
    """
    flags = [
        *FLAGS,
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={clip.resolve()}",  # Chromium reads no path with ".."
        *(["--use-fake-ui-for-media-stream"] if allowed else []),
    ]
    return playwright.chromium.launch(executable_path=chromium, args=flags)
