"""The page in a real browser, and what the browser saw."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    WebError,
    expect,
)

from configuration import ROOT

SCREENSHOTS = ROOT / "test-output" / "web"
FLAGS = [
    "--no-sandbox",  # for root, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
# Drops a file and gives the milliseconds until its name and its bars are shown.
DROP = """([name, content]) => {
    const source = document.getElementById("source");
    const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    const begin = performance.now();
    const shown = new Promise(resolve => {
        const look = () => source.textContent.includes(name) && resolve(performance.now() - begin);
        new MutationObserver(look).observe(source, {childList: true});
    });
    const drop = new DragEvent("drop", {dataTransfer: transfer, bubbles: true});
    document.getElementById("drop").dispatchEvent(drop);
    return shown;
}"""
PATIENCE = 60_000  # ms; far above what anything here takes


@dataclass
class Visit:
    """One visitor's page, all requests of it and of its worker, and what went wrong."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def upload(self, *files: Path) -> None:
        self.page.get_by_label("Choose a recording").set_input_files(files)

    def drop(self, path: Path, name: str) -> float:
        """Drops a file under a name that was not used before; returns milliseconds."""
        content = base64.b64encode(path.read_bytes()).decode()
        elapsed: float = self.page.evaluate(DROP, [name, content])
        return elapsed

    def by_id(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def wait_for_agreement(self) -> None:
        expect(self.by_id("verification")).to_have_attribute("data-state", "agreement")

    def wait_for_result(self) -> None:
        """The bars are there, and nothing is being computed any more."""
        expect(self.by_id("bars").locator("li").first).to_be_visible()
        expect(self.by_id("progress")).to_be_hidden()

    def probabilities(self) -> dict[str, float]:
        rows = self.by_id("bars").locator("li").all()
        return {
            str(row.get_attribute("data-emotion")): float(
                row.get_attribute("data-probability") or "nan"
            )
            for row in rows
        }

    def expect_fault(self, kind: str) -> Locator:
        """The notice of that kind; its words stand in strings.ts alone."""
        notice = self.page.locator(f"#notice [data-kind={kind}]")
        expect(notice).to_be_visible()
        return notice

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def note_request(self, request: Request) -> None:
        self.requests.append(request)

    def note_error(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    def note_message(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.complaints.append(message.text)


def listening_to(playwright: Playwright, chromium: str, clip: Path, *, allowed: bool) -> Browser:
    """A browser whose microphone hears that clip again and again; `allowed` by the user."""
    flags = [
        *FLAGS,
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={clip.resolve()}",  # Chromium hears no path with ".."
        *(["--use-fake-ui-for-media-stream"] if allowed else []),
    ]
    return playwright.chromium.launch(executable_path=chromium, args=flags)


@contextmanager
def visiting(browser: Browser, url: str) -> Iterator[Callable[..., Visit]]:
    """Gives a function that opens the page; at the end nothing may have broken the policy."""
    visits: list[Visit] = []

    def open_page(address: str = url, **options: Any) -> Visit:
        context = browser.new_context(**{"viewport": DESKTOP} | options)
        context.set_default_timeout(PATIENCE)
        visit = Visit(context.new_page())
        visits.append(visit)
        context.on("request", visit.note_request)
        context.on("console", visit.note_message)
        context.on("weberror", visit.note_error)
        visit.page.goto(address)
        return visit

    expect.set_options(timeout=PATIENCE)
    yield open_page
    for visit in visits:
        visit.page.context.close()
        assert not visit.complaints, visit.complaints
