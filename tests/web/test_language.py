"""The page in English and in German."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.harness import Server
from tests.support.sounds import several, silence, tone, write
from tests.web.conftest import DIST, OpenPage
from tests.web.visits import Visit

LANGUAGES = ("english", "german")  # the files of their texts
GERMAN = {"locale": "de-DE", "reduced_motion": "reduce"}
# Every text of both languages; of a function, nothing.
TEXTS = """async (files) => {
    const flat = (value, path) =>
        typeof value === "string" ? [[path, value]]
        : typeof value === "object"
            ? Object.entries(value).flatMap(([name, each]) => flat(each, `${path}.${name}`))
            : [];
    const [english, german] = await Promise.all(files.map(file => import(file)));
    return [Object.fromEntries(flat(english, "")), Object.fromEntries(flat(german, ""))];
}"""
OPEN = "document.querySelectorAll('details').forEach(each => each.open = true)"
# Texts and labels, hidden ones too, but those that are marked as English.
SHOWN = """() => {
    const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (!parent.closest("script, style, noscript, [lang=en], pre")) {
            texts.push(walker.currentNode.data);
        }
    }
    for (const name of ["aria-label", "aria-valuetext", "title", "placeholder", "alt"]) {
        for (const each of document.querySelectorAll(`[${name}]`)) {
            texts.push(each.getAttribute(name));
        }
    }
    return texts.map(text => text.trim()).filter(text => text !== "");
}"""
# Words that no German text has.
ENGLISH = re.compile(
    r"\b(the|of|and|is|are|your|this|not|with|to|for|from|no|clip)\b", re.IGNORECASE
)
# The same in both languages.
SAME = {"API", "Emotion", "Status", "\u2013", "neutral"}


@pytest.fixture
def german(visit: OpenPage) -> Visit:
    return visit(**GERMAN)


def texts_of(visited: Visit) -> tuple[dict[str, str], dict[str, str]]:
    """The English and the German texts of the built page, by path."""
    files = [f"/assets/{next(DIST.glob(f'assets/{name}-*.js')).name}" for name in LANGUAGES]
    english, german = visited.page.evaluate(TEXTS, files)
    return english, german


def strings_in(value: Any) -> Iterator[str]:
    """Every string in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings_in(each)


def english_in(visited: Visit, site: Server) -> list[str]:
    """The shown texts that are English, apart from those of the server."""
    english, german = texts_of(visited)
    foreign = {text for path, text in english.items() if text != german[path]}
    told = set(strings_in(site.client.get("/init/configuration").json()))
    told = {text for text in told if len(text) > 10}
    found = []
    for text in visited.page.evaluate(SHOWN):
        own = text
        for each in told:
            own = own.replace(each, "")
        if text in foreign or ENGLISH.search(own):
            found.append(text)
    return found


def test_no_text_is_the_same_in_both_languages(german: Visit) -> None:
    english, translated = texts_of(german)
    assert english.keys() == translated.keys()
    same = {text for path, text in english.items() if translated[path] == text}
    assert same <= SAME


def test_a_german_page_has_no_english_text(
    german: Visit, site: Server, originals: list[Path], tmp_path: Path
) -> None:
    expect(german.page.locator("html")).to_have_attribute("lang", "de")
    expect(german.page).to_have_title("Emotionen in der Stimme")
    german.wait_for_agreement()
    assert english_in(german, site) == []
    german.screenshot("german-first-view")

    german.page.get_by_label("Aufnahme auswählen").set_input_files(
        write(tmp_path / "talk.wav", several(originals, 22_050, 9), 22_050)
    )
    german.wait_for_result()
    expect(german.by_id("source")).to_have_text(
        re.compile("^talk\\.wav, 9,0\xa0s, ausgewertet von [\\w-]+$")
    )
    expect(german.by_id("bars").locator(".value").first).to_have_text(re.compile("^\\d+\xa0%$"))
    german.page.evaluate(OPEN)
    german.page.get_by_role("button", name="Als curl kopieren").click()
    assert english_in(german, site) == []
    assert german.severe_violations() == []
    german.screenshot("german-result")

    german.by_id("file").set_input_files(write(tmp_path / "tone.wav", tone(3), 22_050))
    expect(german.by_id("winner")).to_contain_text("Unsicher")
    assert english_in(german, site) == []

    german.by_id("file").set_input_files(write(tmp_path / "mute.wav", silence(2), 22_050))
    expect(german.expect_fault("silent")).to_contain_text("Die Aufnahme ist stumm")
    assert english_in(german, site) == []


def test_german_fits_a_phone(german: Visit) -> None:
    german.page.set_viewport_size({"width": 320, "height": 740})
    expect(german.page.locator("input[name=network]").first).to_be_attached()
    german.page.evaluate(OPEN)
    german.screenshot("german-phone")
    assert german.page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_language_is_switched_and_remembered(visit: OpenPage) -> None:
    visited = visit(locale="de-AT")
    heading = visited.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Emotionen in der Stimme")
    visited.page.get_by_role("button", name="English").click()
    expect(heading).to_have_text("Speech emotions")
    expect(visited.page.locator("html")).to_have_attribute("lang", "en")
    visited.page.reload()
    expect(heading).to_have_text("Speech emotions")
    visited.page.get_by_role("button", name="Deutsch").click()
    expect(heading).to_have_text("Emotionen in der Stimme")


def test_a_result_is_lost_only_after_a_question(visit: OpenPage, original: Path) -> None:
    visited = visit().wait_for_agreement()
    visited.analyse(original)
    button = visited.page.get_by_role("button", name="Deutsch")
    button.press("Enter")
    question = visited.page.get_by_role("dialog", name="Change the language?")
    expect(question).to_contain_text("Its recordings and results are then lost.")
    expect(question.get_by_role("button", name="Stay here")).to_be_focused()
    assert visited.severe_violations() == []
    visited.page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    question.get_by_role("button", name="Stay here").click()
    expect(visited.by_id("source")).to_contain_text(original.name)

    button.click()
    question.get_by_role("button", name="Change it").click()
    expect(visited.page.locator("html")).to_have_attribute("lang", "de")
    expect(visited.by_id("bars").locator("li")).to_have_count(0)


def test_other_languages_get_english(visit: OpenPage) -> None:
    visited = visit(locale="fr-FR")
    expect(visited.page.locator("html")).to_have_attribute("lang", "en")
    expect(visited.page.get_by_role("button", name="Deutsch")).to_be_visible()


def test_without_javascript_the_page_is_english(visit: OpenPage) -> None:
    visited = visit(locale="de-DE", java_script_enabled=False)
    expect(visited.page.get_by_role("heading", level=1)).to_be_visible()
    expect(visited.page.get_by_role("heading", level=1)).to_have_text("Speech emotions")
