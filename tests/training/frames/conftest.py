"""Made-up clips: random spectra, and a known pitch."""

from collections.abc import Sequence

import numpy as np
import pytest

from training.audio.spectra import Spectra, Variant, variant_frames
from training.examples import Examples
from training.frames.batches import FrameExamples
from training.voice.summary import clip_means

SPEAKERS, CLIPS = 4, 6
VARIANTS = 7  # the recording, four dry ones, two rooms
LABELS = ("calm", "lively")


def spectra_of(row: int) -> Spectra:
    """About twenty loud frames in each variant, of which every other one is voiced."""
    random = np.random.default_rng(row)
    lengths = 18 + random.integers(8, size=VARIANTS)
    variants = [_variant(int(length), random) for length in lengths]
    frames = [np.hstack([variant.decibels, variant.pitch]) for variant in variants]
    means = [clip_means(*variant_frames(variant)) for variant in variants]
    return Spectra(np.concatenate(frames), np.cumsum(lengths), np.stack(means))


def _variant(length: int, random: np.random.Generator) -> Variant:
    decibels = random.normal(-20, 3, (length, 129)).astype(np.float16)
    voiced = np.arange(length) % 2
    pitch = np.stack([voiced * random.uniform(2, 3, length), 0.3 + 0.6 * voiced], axis=1)
    return Variant(decibels, pitch.astype(np.float16))


@pytest.fixture(scope="package")
def spectra() -> list[Spectra]:
    return [spectra_of(row) for row in range(SPEAKERS * CLIPS)]


@pytest.fixture(scope="package")
def clips(spectra: Sequence[Spectra]) -> FrameExamples:
    """Six clips of each of four speakers."""
    count = len(spectra)
    examples = Examples(
        features=np.stack([item.means for item in spectra])[:, :1],
        targets=np.arange(count) % 2,
        speakers=np.array([f"{row // CLIPS}" for row in range(count)]),
        content_hashes=np.array([f"{row:032x}" for row in range(count)]),
        auxiliary_labels=np.full((count, 3), -1),
        corpora=np.full(count, "one"),
        possible=np.ones((count, len(LABELS)), bool),
        labels=LABELS,
    )
    recordings = [variant_frames(item[0])[0] for item in spectra]
    return FrameExamples(examples, spectra, recordings)
