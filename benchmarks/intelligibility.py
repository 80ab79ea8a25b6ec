"""What can be heard again from the numbers that a client posts.

Clips of CREMA-D are computed to MFCCs, inverted to audio by librosa's own `mfcc_to_audio`, and
compared with the recordings: by short-time objective intelligibility (STOI, Taal et al. 2011), and
by the words that an offline recogniser understands (PocketSphinx).
"""

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jiwer
import librosa
import numpy as np
import numpy.typing as npt
import pocketsphinx
from pystoi import stoi

Float32 = npt.NDArray[np.float32]

RATE, RECOGNISER_RATE = 22050, 16000  # hertz
COEFFICIENTS, BANDS, TRIM_DB = 25, 128, 30
SENTENCES = MappingProxyType(
    {
        "IEO": "it's eleven o'clock",
        "TIE": "that is exactly what happened",
        "IOM": "i'm on my way to the meeting",
        "IWW": "i wonder what this is about",
        "TAI": "the airplane is almost full",
        "MTI": "maybe tomorrow it will be cold",
        "IWL": "i would like a new alarm clock",
        "ITH": "i think i have a doctor's appointment",
        "DFA": "don't forget a jacket",
        "ITS": "i think i've seen this before",
        "TSI": "the surface is slick",
        "WSI": "we'll stop in a couple of minutes",
    }
)
GRAMMAR = "#JSGF V1.0; grammar s; public <s> = {};".format(" | ".join(SENTENCES.values()))


def mfccs(audio: Float32) -> Float32:
    """(25, T), as the extractor computes them."""
    return np.asarray(librosa.feature.mfcc(y=audio, sr=RATE, n_mfcc=COEFFICIENTS), np.float32)


def inverted(cepstra: Float32, length: int) -> Float32:
    """Samples (length,) that have about these MFCCs."""
    return np.asarray(
        librosa.feature.inverse.mfcc_to_audio(cepstra, n_mels=BANDS, sr=RATE, length=length),
        np.float32,
    )


def mean_frame(cepstra: Float32) -> Float32:
    """The vector of a clip in place of each of its frames."""
    return np.broadcast_to(cepstra.mean(axis=1, keepdims=True), cepstra.shape).copy()


# What a client may post: a name, and what is left of the frames (25, T).
POSTED: Mapping[str, Callable[[Float32], Float32]] = {
    "frames: 25 coefficients": lambda cepstra: cepstra,
    "frames, rounded to 1": np.round,
    "frames, rounded to 10": lambda cepstra: np.round(cepstra, -1),
    "frames: 13 coefficients": lambda cepstra: cepstra[:13],
    "frames: 8 coefficients": lambda cepstra: cepstra[:8],
    "a vector: the mean of the frames": mean_frame,
}


class Recogniser:
    """PocketSphinx with its own English model, and with a choice of the twelve sentences."""

    def __init__(self) -> None:
        settings = {"samprate": RECOGNISER_RATE, "loglevel": "FATAL"}
        self.free = pocketsphinx.Decoder(**settings)
        self.choice = pocketsphinx.Decoder(lm=None, **settings)
        self.choice.add_jsgf_string("sentences", GRAMMAR)
        self.choice.activate_search("sentences")

    def words(self, audio: Float32, decoder: Any) -> str:
        """What it understands; nothing if it understands nothing."""
        samples = librosa.resample(audio, orig_sr=RATE, target_sr=RECOGNISER_RATE)
        loudest = max(float(np.abs(samples).max()), 1e-9)
        decoder.start_utt()
        decoder.process_raw((samples / loudest * 20000).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return re.sub(r"\(\d+\)", "", found.hypstr) if found else ""


def measure(path: Path, recogniser: Recogniser, seed: int) -> dict[str, tuple[float, str, bool]]:
    """STOI, the words, and whether the sentence is chosen, of each form of one clip."""
    audio, _ = librosa.load(path, sr=RATE)
    speech, _ = librosa.effects.trim(audio, top_db=TRIM_DB)
    cepstra, sentence = mfccs(speech), SENTENCES[path.stem.split("_")[1]]
    heard = {name: inverted(left(cepstra), len(speech)) for name, left in POSTED.items()}
    noise = np.random.default_rng(seed).normal(0, 0.1, len(speech)).astype(np.float32)
    heard = {"the recording": speech, **heard, "white noise": noise}
    return {
        name: (
            float(stoi(speech, sound, RATE)),
            recogniser.words(sound, recogniser.free),
            recogniser.words(sound, recogniser.choice) == sentence,
        )
        for name, sound in heard.items()
    }


def chosen_clips(folder: Path, count: int) -> list[Path]:
    """Clips of CREMA-D, spread evenly over speakers and sentences."""
    clips = sorted(path for path in folder.iterdir() if path.stem[5:8] in SENTENCES)
    if not clips:
        raise SystemExit(f"{folder}: no clip of CREMA-D, such as 1001_DFA_ANG_XX.ogg")
    return [clips[k] for k in np.random.default_rng(0).permutation(len(clips))[:count]]


def table(rows: list[dict[str, tuple[float, str, bool]]], spoken: list[str]) -> str:
    """Markdown."""
    lines = [
        "| heard again from | STOI | word error rate | right sentence of twelve |",
        "|---|---|---|---|",
    ]
    for name in rows[0]:
        scores, words, right = zip(*(row[name] for row in rows), strict=True)
        errors = jiwer.wer(spoken, list(words))
        lines.append(f"| {name} | {np.mean(scores):.2f} | {errors:.2f} | {np.mean(right):.0%} |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of CREMA-D's clips")
    parser.add_argument("--clips", type=int, default=60)
    options = parser.parse_args()
    clips, recogniser = chosen_clips(options.folder, options.clips), Recogniser()
    rows = [measure(path, recogniser, seed) for seed, path in enumerate(clips)]
    print(table(rows, [SENTENCES[path.stem[5:8]] for path in clips]))


if __name__ == "__main__":
    main()
