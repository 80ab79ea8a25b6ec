"""Several clips: one list of their results, each of which can be shown again and downloaded."""

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.support.hostile.faulty_proxy import FaultyProxy, replaced_by, reset, unchanged
from tests.support.sounds import several, silence, tone, write
from tests.web.conftest import OpenPage
from tests.web.visits import PHONE, Visit

FORMULA = "=1+1.wav"
LENGTH = 3.9  # seconds of that clip


@pytest.fixture
def files(originals: list[Path], tmp_path: Path) -> list[Path]:
    """Two clips, of which one has a formula as its name, and between them a silent one."""
    formula = tmp_path / FORMULA
    shutil.copy(originals[4], formula)
    silent = write(tmp_path / "silent, really.wav", silence(1), 22_050)
    return [formula, silent, write(tmp_path / "tone.wav", tone(1), 22_050)]


def wait_for_all(visited: Visit, done: int, failed: int) -> None:
    expected = f"{done} of {done + failed} analysed" + (f", {failed} failed." if failed else ".")
    expect(visited.by_id("clips-status")).to_have_text(expected)


def downloaded(visited: Visit, button: str) -> str:
    with visited.page.expect_download() as download:
        visited.page.get_by_role("button", name=button).click()
    return download.value.path().read_text(encoding="utf-8")


def downloaded_rows(visited: Visit) -> list[dict[str, str]]:
    """The rows of the CSV, which begins with the mark that Excel needs, and quotes every cell."""
    text = downloaded(visited, "Save as CSV")
    assert text.startswith("\ufeff")
    rows = text[1:]
    assert all(cell[0] == cell[-1] == '"' for cell in re.findall(r'"[^"]*"|[^,\r\n]+', rows))
    return list(csv.DictReader(io.StringIO(rows)))


@pytest.fixture
def visited(visit: OpenPage, files: list[Path]) -> Visit:
    """The list of the files."""
    visited = visit().wait_for_agreement()
    visited.upload(*files)
    wait_for_all(visited, 2, 1)
    return visited


def test_several_files_are_analysed_and_compared(visited: Visit, files: list[Path]) -> None:
    expect(visited.by_id("source")).to_contain_text(FORMULA)  # the first one is shown
    expect(visited.by_id("notice")).to_be_empty()
    rows = visited.by_id("clips-list").locator("li")
    expect(rows).to_have_count(len(files))
    expect(rows.nth(1)).to_contain_text("The recording is silent")
    expect(rows.nth(0)).to_contain_text(f"{LENGTH} s")
    expect(rows.nth(2)).to_contain_text("only a guess")
    assert visited.severe_violations() == []

    posts, before = len(visited.predictions), visited.probabilities()
    visited.page.get_by_role("button", name="tone.wav").press("Enter")
    expect(visited.by_id("source")).to_contain_text("tone.wav")
    expect(rows.nth(2).get_by_role("button")).to_have_attribute("aria-current", "true")
    visited.page.get_by_role("button", name=FORMULA).click()
    expect(visited.by_id("source")).to_contain_text(FORMULA)
    assert visited.probabilities() == before
    assert len(visited.predictions) == posts, "the results were kept"


def test_the_list_is_downloaded(visited: Visit, files: list[Path]) -> None:
    visited.page.get_by_role("button", name=FORMULA).click()
    expect(visited.by_id("source")).to_contain_text(FORMULA)
    rows = downloaded_rows(visited)
    assert [row["file"] for row in rows] == [f"'{FORMULA}", "silent, really.wav", "tone.wav"]
    clip, silent, guess = rows
    shown = visited.probabilities()
    assert clip["emotion"] == max(shown, key=shown.__getitem__)
    for label, probability in shown.items():
        assert float(clip[label]) == pytest.approx(probability, abs=1e-6)
    assert float(clip["seconds"]) == pytest.approx(LENGTH, abs=0.05)
    assert (silent["emotion"], silent["error"]) == ("", "silent")
    assert (guess["emotion"], guess["warning"]) == ("", "outside-training-distribution")

    clips: list[dict[str, Any]] = json.loads(downloaded(visited, "Save as JSON"))["clips"]
    assert [each["file"] for each in clips] == [path.name for path in files]
    found = {each["emotionType"]: each["prediction"] for each in clips[0]["results"]}
    assert found == shown
    assert clips[2]["warning"]["code"] == "outside-training-distribution"


def test_the_list_follows_the_network_when_asked(visited: Visit) -> None:
    visited.choose("Frames")
    expect(visited.by_id("source")).to_contain_text("Frames")
    rows = visited.by_id("clips-list").locator("li")
    expect(rows.nth(2)).to_contain_text("by ")
    visited.page.get_by_role("button", name="Predict all with Frames").press("Enter")
    expect(visited.by_id("clips-scroll")).to_be_focused()
    expect(rows.nth(2)).not_to_contain_text("by ")
    wait_for_all(visited, 2, 1)
    assert {row["network"] for row in downloaded_rows(visited)} == {"Frames", ""}

    visited.page.get_by_role("button", name="Clear the list").click()
    expect(visited.by_id("clips")).to_be_hidden()
    expect(visited.by_id("result")).to_be_focused()
    expect(visited.by_id("bars")).to_be_visible()
    # Strangers among them would be kept as the usual voice.
    expect(visited.by_id("voice-add")).to_have_text("Keep the clips so far")


def test_files_that_all_fail_say_why_at_first_sight(visit: OpenPage, tmp_path: Path) -> None:
    names = ("first.wav", "second.wav")
    files = [write(tmp_path / name, silence(1), 22_050) for name in names]
    visited = visit().wait_for_agreement()
    visited.upload(*files)
    wait_for_all(visited, 0, 2)
    for row in visited.by_id("clips-list").locator("li").all():
        expect(row).to_contain_text("The recording is silent")
    box = visited.by_id("clips").bounding_box()
    assert box
    assert box["width"] > PHONE["width"] / 2, (
        "it is there for everyone, not only for screen readers"
    )


def test_an_interrupted_clip_is_analysed_afterwards(
    visit: OpenPage, original: Path, originals: list[Path], tmp_path: Path
) -> None:
    visited = visit(viewport=PHONE, color_scheme="dark").wait_for_agreement()
    visited.upload(write(tmp_path / "long.wav", several(originals, 22_050, 30), 22_050))
    expect(visited.by_id("progress-text")).to_contain_text("Window")
    visited.upload(original)
    expect(visited.by_id("source")).to_contain_text(original.name)
    wait_for_all(visited, 2, 0)
    expect(visited.by_id("source")).to_contain_text(original.name)
    assert visited.severe_violations() == []
    assert visited.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    visited.screenshot("clips-phone-dark")


def test_a_long_wave_file_is_the_same_in_another_format(
    visit: OpenPage, originals: list[Path], tmp_path: Path
) -> None:
    """The page decodes such a file in parts."""
    left = several(originals, 8_000, 25)
    sound = np.stack([left, left[::-1]], axis=1)
    # Each encoder rounds in its own way.
    rounded = ((32_767 * sound).astype(np.int16) / 32_768).astype(np.float32)
    files = [write(tmp_path / name, rounded, 8_000, "PCM_16") for name in ("a.flac", "a.wav")]
    visited = visit().wait_for_agreement()
    visited.choose("DNN")
    visited.upload(*files)
    wait_for_all(visited, 2, 0)
    whole, parts = json.loads(downloaded(visited, "Save as JSON"))["clips"]
    assert parts["seconds"] == whole["seconds"]
    assert parts["results"] == whole["results"]
    assert parts["timeline"] == whole["timeline"]


def test_a_clip_that_failed_is_tried_again(
    open_through: OpenPage, proxy: FaultyProxy, prediction: str, originals: list[Path]
) -> None:
    visited = open_through().wait_for_agreement()
    proxy.faults[prediction] = [replaced_by(503)]
    visited.upload(*originals[:2])
    wait_for_all(visited, 1, 1)
    expect(visited.by_id("source")).to_contain_text(originals[1].name)
    failed = visited.by_id("clips-list").locator("li").first
    expect(failed).to_contain_text("The server is overloaded")
    failed.get_by_role("button", name="Try again").press("Enter")
    wait_for_all(visited, 2, 0)
    expect(visited.by_id("source")).to_contain_text(originals[0].name)
    expect(failed.get_by_role("button", name=originals[0].name)).to_be_focused()


def test_the_clip_that_is_shown_stays_when_it_cannot_be_asked_again(
    open_through: OpenPage, proxy: FaultyProxy, originals: list[Path]
) -> None:
    visited = open_through().wait_for_agreement()
    visited.upload(*originals[:2])
    wait_for_all(visited, 2, 0)
    source = visited.by_id("source").inner_text()
    assert originals[0].name in source
    proxy.faults["/prediction/DNN"] = [replaced_by(503)] * 2  # of the clip that is shown
    visited.choose("DNN")
    visited.page.get_by_role("button", name="Predict all with DNN").click()
    wait_for_all(visited, 1, 1)
    expect(visited.by_id("source")).to_have_text(source)


def test_a_clip_that_fails_halfway_gives_way_to_the_next(
    open_through: OpenPage,
    proxy: FaultyProxy,
    prediction: str,
    originals: list[Path],
    tmp_path: Path,
) -> None:
    long = write(tmp_path / "long.wav", several(originals, 22_050, 12), 22_050)
    visited = open_through().wait_for_agreement()
    proxy.faults[prediction] = [unchanged, replaced_by(400)]  # whole, then its first window
    visited.upload(long, originals[0])
    wait_for_all(visited, 1, 1)
    expect(visited.by_id("source")).to_contain_text(originals[0].name)


@pytest.mark.parametrize("seconds", [12, 70], ids=["as-a-whole", "in-windows-alone"])
def test_a_result_stays_whole_when_its_clip_fails_halfway_through_the_next_one(
    open_through: OpenPage,
    proxy: FaultyProxy,
    originals: list[Path],
    tmp_path: Path,
    seconds: int,
) -> None:
    """Headline, bars and timeline are of one network, as the row is."""
    long = write(tmp_path / "long.wav", several(originals, 22_050, seconds), 22_050)
    visited = open_through().wait_for_agreement()
    visited.upload(long, originals[0])
    wait_for_all(visited, 2, 0)
    parts = [visited.by_id(part) for part in ("source", "winner", "bars", "timeline-table")]
    before = [part.text_content() or "" for part in parts]
    asked = proxy.faults["/prediction/DNN"] = [unchanged, replaced_by(400)]
    visited.choose("DNN")
    wait_for_all(visited, 1, 1)
    assert not asked  # the first answer came, the second was the fault
    for part, text in zip(parts, before, strict=True):
        expect(part).to_have_text(text)


def test_a_server_that_does_not_answer_leaves_the_older_results(
    open_through: OpenPage, proxy: FaultyProxy, prediction: str, originals: list[Path]
) -> None:
    visited = open_through().wait_for_agreement()
    visited.upload(*originals[:2])
    wait_for_all(visited, 2, 0)
    before = downloaded_rows(visited)
    asked = "/prediction/DNN"
    proxy.faults[asked] = [reset] * 100
    visited.choose("DNN")  # asks at once for the clip that is shown
    visited.page.get_by_role("button", name="Predict all with DNN").click()
    wait_for_all(visited, 0, 2)
    rows = visited.by_id("clips-list").locator("li")
    for row in rows.all():
        expect(row).to_contain_text(f"by {prediction.rpartition('/')[2]}")
        expect(row).to_contain_text("could not be asked again: The server does not answer")
    assert downloaded_rows(visited) == [row | {"error": "away"} for row in before]
    clips = json.loads(downloaded(visited, "Save as JSON"))["clips"]
    assert [(clip["network"], clip["error"]) for clip in clips] == [
        (row["network"], "away") for row in before
    ]
    assert visited.severe_violations() == []

    proxy.faults[asked].clear()
    visited.page.get_by_role("button", name="Predict all with DNN").click()
    wait_for_all(visited, 2, 0)
    assert {row["network"] for row in downloaded_rows(visited)} == {"DNN"}
