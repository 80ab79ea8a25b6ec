"""The page in a real browser, with all requests that the browser sent."""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebError,
    expect,
)

from configuration import ROOT
from tests.support.clip_requests import members_of

PREDICTIONS = re.compile(r"/prediction/\w[\w.-]*|/v2/models/\w[\w.-]*/infer")
AXE = ROOT / "clients" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SEVERE = {"serious", "critical"}
SCREENSHOTS = ROOT / "test-output" / "web"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
OPEN_ADVANCED = "document.querySelector('#advanced')?.setAttribute('open', '')"
# Drops a file; returns the milliseconds until the page shows its name and its bars.
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
TIMEOUT = 60_000  # ms; far more than any operation here needs


def is_prediction(url: str) -> bool:
    return PREDICTIONS.fullmatch(urlsplit(url).path) is not None


def recorded_for(seconds: int) -> re.Pattern[str]:
    """What the page shows while it records, from that many seconds on: a slow test sees few."""
    times = "|".join(f"{at // 60}:{at % 60:02}" for at in range(seconds, seconds + 60))
    return re.compile(f"^Recording, ({times})$")


def members(request: Request) -> dict[str, Any]:
    """What the page sent of a clip, from JSON or from binary tensors."""
    return members_of(request.post_data_buffer or b"")


@dataclass
class Visit:
    """An open page, the requests of the page and its worker, and the reported errors."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def predictions(self) -> list[Request]:
        """The requests for predictions, in JSON and in binary."""
        return [request for request in self.requests if is_prediction(request.url)]

    def upload(self, *files: Path) -> None:
        self.page.get_by_label("Choose a recording").set_input_files(files)

    def analyse(self, path: Path) -> None:
        self.upload(path)
        self.wait_for_result()

    def open_advanced(self) -> None:
        """Shows the networks and the usual voice."""
        self.page.evaluate(OPEN_ADVANCED)

    def choose(self, network: str) -> None:
        self.open_advanced()
        self.page.locator(f'input[name="network"][value="{network}"]').check()

    def drop(self, path: Path, name: str) -> float:
        """Drops a file under a new name; returns the milliseconds until its result is shown."""
        content = base64.b64encode(path.read_bytes()).decode()
        elapsed: float = self.page.evaluate(DROP, [name, content])
        return elapsed

    def by_id(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def wait_for_agreement(self) -> "Visit":
        """Waits until the server has accepted the features of the page; returns the visit."""
        expect(self.by_id("verification")).to_have_attribute("data-state", "agreement")
        return self

    def wait_for_result(self) -> None:
        """Waits until the bars are visible and no computation is running."""
        expect(self.by_id("bars").locator("li").first).to_be_visible()
        expect(self.by_id("progress")).to_be_hidden()

    def probabilities(self) -> dict[str, float]:
        # All in one call: in live mode the bars change at any time.
        pairs: list[tuple[str, str]] = (
            self.by_id("bars")
            .locator("li")
            .evaluate_all("bars => bars.map(bar => [bar.dataset.emotion, bar.dataset.probability])")
        )
        return {emotion: float(probability) for emotion, probability in pairs}

    def expect_fault(self, kind: str) -> Locator:
        """Waits for the notice of that kind; its text is in strings.ts."""
        notice = self.page.locator(f"#notice [data-kind={kind}]")
        expect(notice).to_be_visible()
        return notice

    def severe_violations(self) -> list[dict[str, Any]]:
        """The serious and critical violations that axe finds on the page in its current state."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        report = self.page.evaluate("axe.run()")
        return [
            {"rule": each["id"], "where": [node["html"] for node in each["nodes"]]}
            for each in report["violations"]
            if each["impact"] in SEVERE
        ]

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def note_request(self, request: Request) -> None:
        self.requests.append(request)

    def note_error(self, error: WebError) -> None:
        self.errors.append(str(error.error))

    def note_message(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)


@contextmanager
def visiting(browser: Browser, url: str) -> Iterator[Callable[..., Visit]]:
    """Yields a function that opens the page; at the end asserts that no page reported an error."""
    visits: list[Visit] = []

    def open_page(address: str = url, **options: Any) -> Visit:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce"} | options)
        context.set_default_timeout(TIMEOUT)
        visit = Visit(context.new_page())
        visits.append(visit)
        context.on("request", visit.note_request)
        context.on("console", visit.note_message)
        context.on("weberror", visit.note_error)
        visit.page.goto(address)
        return visit

    expect.set_options(timeout=TIMEOUT)
    yield open_page
    for visit in visits:
        visit.page.context.close()
        assert not visit.errors, visit.errors
