"""Folders of a models directory are sets of networks: their names, extractors and faults."""

from collections.abc import Callable
from pathlib import Path

import pytest

from server.models.activation import activate, check, network_names, roll_back
from server.models.catalog import load_catalog
from server.models.deployment import Deployment
from server.models.first_release import deploy_at_start
from server.models.releases import RefusedModelsError, ReleaseError, ReleaseStore
from server.models.staging.copies import StagedRelease, stage
from server.models.staging.model_sets import ModelSet, unreadable_sets
from server.settings import DEFAULT_MAXIMUM_FILE_BYTES, ModelSettings
from tests.support.models.tiny import (
    LABELS,
    PROSODY,
    RECIPE,
    write_extractor,
    write_frame_network,
    write_recording_extractor,
    write_vector_network,
)

SETTINGS = ModelSettings()
GERMAN_LABELS = ["angry", "bored", "happy"]


@pytest.fixture
def german(models: Path) -> Path:
    """A set in a folder of the models directory, with its own labels and the same extractor."""
    folder = models / "German"
    folder.mkdir()
    write_extractor(folder)
    write_frame_network(folder, "TCN", labels=GERMAN_LABELS)
    return folder


def staged(models: Path, folder: Path) -> StagedRelease:
    folder.mkdir()
    return stage(models, folder, DEFAULT_MAXIMUM_FILE_BYTES)


def release_files(found: StagedRelease) -> set[str]:
    return {path.name for path in found.path.iterdir() if not path.is_symlink()}


def test_a_set_is_served_under_its_folder_s_name_with_its_own_labels(
    models: Path, german: Path
) -> None:
    found = staged(models, german.parent / ".copy")
    assert not found.faults
    catalog = load_catalog(found.path)
    assert (catalog.names, dict(catalog.faults)) == (["DNN", "German-TCN", "TCN"], {})
    labels = {name: list(n.metadata.labels) for name, n in catalog.networks.items()}
    assert labels == {"dnn": LABELS, "tcn": LABELS, "german-tcn": GERMAN_LABELS}
    assert catalog.find("german-TCN") is catalog.find("German-tcn")


def test_files_that_are_no_models_of_a_set_are_not_copied(models: Path, german: Path) -> None:
    write_recording_extractor(german, 8_000)
    (german / "deeper").mkdir()
    for folder in (models / ".hidden", german / "deeper", models / "notes"):
        folder.mkdir(exist_ok=True)
    write_vector_network(models / ".hidden", "DNN")
    write_vector_network(german / "deeper", "DNN")
    (models / "notes" / "reference-of-a-patient.wav").write_bytes(b"a recording")
    (german / "loop").symlink_to(models)
    (models / "gone").symlink_to(models / "nothing")
    found = staged(models, models / ".copy")
    assert not found.faults
    # The set with the most extractors has those of all.
    names = {"DNN.onnx", "TCN.onnx", "German-TCN.onnx", "mfcc.onnx", "reference.wav"}
    assert release_files(found) == names | {"extractor-8000.onnx"}


def test_a_set_with_more_extractors_but_not_the_first_has_none_served(models: Path) -> None:
    folder = models / "Phones"
    folder.mkdir()
    for rate in (8_000, 16_000):
        write_recording_extractor(folder, rate)
    found = staged(models, models / ".copy")
    assert release_files(found) == {"DNN.onnx", "TCN.onnx", "mfcc.onnx", "reference.wav"}
    assert not load_catalog(found.path).faults


def test_without_an_extractor_of_its_own_a_directory_has_that_of_its_first_set(
    tmp_path: Path,
) -> None:
    for name in ("Open", "English"):
        (tmp_path / name).mkdir()
        write_extractor(tmp_path / name)
        write_vector_network(tmp_path / name, "DNN")
    assert check(tmp_path, SETTINGS) == ["English-DNN", "Open-DNN"]


def of_another_recipe(folder: Path) -> None:
    recipe = RECIPE | {"sampleRate": 16_000}
    write_extractor(folder, recipe=recipe)
    write_frame_network(folder, "TCN", recipe=recipe)


def of_another_prosody(folder: Path) -> None:
    write_recording_extractor(folder, 8_000, prosody=PROSODY | {"f0Maximum": 400})
    for rate in (8_000, 22_050):
        write_recording_extractor(folder.parent, rate)


def with_the_name_of_another(folder: Path) -> None:
    write_vector_network(folder.parent, "German-TCN")


def with_a_name_that_is_too_long(folder: Path) -> None:
    write_vector_network(folder, "N" * 60)


def with_a_name_that_is_reserved(folder: Path) -> None:
    (folder.parent / "extractor").mkdir()
    write_vector_network(folder.parent / "extractor", "DNN")


def in_a_folder_with_an_unsafe_name(folder: Path) -> None:
    (folder.parent / "sét\n").mkdir()
    write_vector_network(folder.parent / "sét\n", "DNN")


def with_a_name_in_another_case(folder: Path) -> None:
    (folder.parent / "german").symlink_to(folder)


def with_a_file_that_is_too_large(folder: Path) -> None:
    (folder / "DNN.onnx").write_bytes(bytes(DEFAULT_MAXIMUM_FILE_BYTES + 1))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (of_another_recipe, "German/mfcc.onnx: has another recipe than mfcc.onnx; all networks"),
        (of_another_recipe, "German/TCN.onnx: was made for another feature recipe than mfcc.onnx"),
        (of_another_prosody, "German/extractor-8000.onnx: has another prosody than extractor-"),
        (with_the_name_of_another, "German/TCN.onnx: is served as German-TCN, which is the name"),
        (with_a_name_that_is_too_long, "NN.onnx: has a name that cannot be served"),
        (with_a_name_that_is_reserved, "extractor/DNN.onnx: would be served as extractor-DNN.onnx"),
        (in_a_folder_with_an_unsafe_name, r"'s\xe9t\n/DNN.onnx': has a name that cannot be served"),
        (with_a_name_in_another_case, "german/TCN.onnx: has a name that differs from another"),
        (with_a_file_that_is_too_large, "German/DNN.onnx: is larger than 16,777,216 bytes"),
    ],
)
def test_a_set_that_does_not_fit_is_refused(
    models: Path, german: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(german)
    with pytest.raises(RefusedModelsError) as refused:
        check(models, SETTINGS)
    assert reason in str(refused.value)


def test_a_server_does_not_start_with_a_set_of_another_recipe(models: Path, german: Path) -> None:
    of_another_recipe(german)
    store = ReleaseStore(models / ".state")
    (store.directory / "releases").mkdir(parents=True)
    with pytest.raises(ReleaseError, match=r"German/mfcc\.onnx has another recipe than mfcc\.onnx"):
        deploy_at_start(store, ModelSettings(models))


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_all_sets_are_activated_and_rolled_back_as_one(
    models: Path, german: Path, tmp_path: Path, share: float
) -> None:
    store = ReleaseStore(tmp_path / ".state")
    (store.directory / "releases").mkdir(parents=True)
    with store.staged(models) as first:
        store.deploy(Deployment(store.publish(first).name))
    names, served = ["DNN", "German-TCN", "TCN"], store.deployment
    write_frame_network(german, "TCN", labels=GERMAN_LABELS, distance_limit=6.0)
    assert activate(models, store, lambda _: {}, SETTINGS, share) == names
    assert roll_back(store, lambda _: {}, SETTINGS) == names
    assert store.deployment.current == served.current
    assert network_names(store, served.current) == names


def test_a_canary_needs_the_networks_of_every_set(
    models: Path, german: Path, tmp_path: Path
) -> None:
    store = ReleaseStore(tmp_path / ".state")
    (store.directory / "releases").mkdir(parents=True)
    with store.staged(models) as first:
        store.deploy(Deployment(store.publish(first).name))
    (german / "TCN.onnx").unlink()
    with pytest.raises(RefusedModelsError, match=r"German-TCN\.onnx: is missing"):
        activate(models, store, lambda _: {}, SETTINGS, 0.5)


def test_a_set_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    gone, no_set = ModelSet("Open", tmp_path / "a"), ModelSet("lost+found", tmp_path / "b")
    reasons = {"Open": "cannot be read: No such file or directory"}
    assert dict(unreadable_sets([gone, no_set])) == reasons


def test_a_link_without_end_is_no_set(models: Path) -> None:
    (models / "self").symlink_to("self")
    assert check(models, SETTINGS) == ["DNN", "TCN"]
