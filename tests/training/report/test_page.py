import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import sync_playwright

from tests.support.missing import missing
from tests.support.web.browser import FLAGS
from training.arrays import Float32
from training.corpora.union import Corpora
from training.evaluation import Evaluation
from training.features.loading import load_audio
from training.features.mfcc import extract_frames
from training.features.standardisation import Standardisation
from training.frames.hyperparameters import Hyperparameters
from training.frames.network import FrameNetwork, Member
from training.protocols.results import results_of
from training.report.network_report import write_report
from training.systems.base.system import Fitted
from training.systems.base.vectors import FittedVectors
from training.systems.dnn import DNN
from training.systems.tcn import FittedFrames

NONE = np.zeros(1, np.float32)


@pytest.fixture(scope="module")
def clips(corpora: Corpora) -> list[Float32]:
    return [extract_frames(load_audio(utterance.path)) for utterance in corpora.utterances]


@pytest.fixture(scope="module")
def fitted(clips: Sequence[Float32], corpora: Corpora) -> dict[str, Fitted]:
    torch.manual_seed(0)
    labels = corpora.labels
    standardisation = Standardisation.fit(np.concatenate(clips))
    member = Member(Hyperparameters(channels=16), (1, 2, 4), len(labels))
    return {
        "Good": FittedFrames(FrameNetwork([member]).eval(), NONE),
        "Bad": FittedVectors(standardisation, DNN(len(labels), 0.0).eval(), NONE),
    }


@pytest.fixture(scope="module")
def write(
    corpora: Corpora,
    evaluations: list[Evaluation],
    fitted: dict[str, Fitted],
    clips: list[Float32],
) -> Callable[[Path], None]:
    return lambda path: write_report(
        path, corpora, list(map(results_of, evaluations)), fitted, clips
    )


@pytest.fixture(scope="module")
def report(write: Callable[[Path], None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write(path)
    return path


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.found if attribute in attributes]


def test_the_page_is_self_contained(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    tags = Tags(page)
    names = {tag for tag, _ in tags.found}
    assert not names & {"script", "link", "iframe", "img", "object"}
    addresses = tags.values("href") + tags.values("xlink:href") + tags.values("src")
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    assert "url(http" not in page
    assert report.stat().st_size < 1e6


def test_references_within_the_page_are_unique(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    tags = Tags(page)
    names = Counter(tags.values("id"))
    wanted = {a[1:] for a in tags.values("href") + tags.values("xlink:href") if a[0] == "#"}
    wanted |= set(re.findall(r"url\(#([^)]*)\)", page)) | set(tags.values("aria-labelledby"))
    assert wanted <= names.keys()
    assert names.most_common(1)[0][1] == 1


def test_every_figure_has_a_text_alternative(report: Path) -> None:
    tags = Tags(report.read_text(encoding="utf-8"))
    plots = [attributes for tag, attributes in tags.found if tag == "svg"]
    # 1 of recall, 2 of the corpus, 1 of speakers, 1 of robustness, 4 of each network; attributions:
    # 4 of the network for frames, 1 of the network for vectors.
    assert len(plots) == 1 + 2 + 1 + 1 + 2 * 4 + 4 + 1
    assert all(len(attributes["aria-label"]) > 30 for attributes in plots)


def test_the_page_gives_the_results(report: Path, evaluations: list[Evaluation]) -> None:
    page = report.read_text(encoding="utf-8")
    for evaluation in evaluations:
        assert f"{evaluation.uar().mean:.1%}" in page
        assert f"{evaluation.uar('telephone band').mean:.1%}" in page
    assert "random split (inflated)" in page
    assert "not measured" in page


def test_the_same_input_gives_the_same_bytes(
    tmp_path: Path, report: Path, write: Callable[[Path], None]
) -> None:
    again = tmp_path / "again.html"
    write(again)
    assert again.read_bytes() == report.read_bytes()


def test_a_phone_shows_the_page_without_horizontal_scrolling(report: Path) -> None:
    chromium = shutil.which("chromium") or missing("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 360, "height": 740})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(report.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert not complaints
        browser.close()
