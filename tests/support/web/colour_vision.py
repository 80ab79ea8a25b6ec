"""How colours look to colour-blind eyes, and how far apart they are."""

import numpy as np
import numpy.typing as npt

Colours = npt.NDArray[np.float64]

# On linear RGB, for complete loss of one kind of cone (Machado, Oliveira and Fernandes 2009).
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# From linear RGB to the cones' answers, and from their cube roots to OKLab (Ottosson 2020).
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
TO_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def linear(hexadecimal: list[str]) -> Colours:
    """Linear RGB (colours, 3) from 0 to 1 of colours such as #17616a or #fff."""
    digits = [each.strip("#") for each in hexadecimal]
    whole = [each if len(each) > 3 else "".join(2 * one for one in each) for each in digits]
    values = np.array([list(bytes.fromhex(each)) for each in whole]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def least_distance(colours: Colours, vision: str) -> float:
    """The distance of the two nearest colours in OKLab; from black to white it is 1."""
    seen = np.clip(colours @ VISIONS[vision].T, 0, 1)
    lab = np.cbrt(seen @ TO_CONES.T) @ TO_OKLAB.T
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return float(distances[np.triu_indices(len(lab), 1)].min())


def contrast(colours: Colours, background: Colours) -> Colours:
    """The contrasts (colours,) of WCAG with one background (1, 3)."""
    one, other = (each @ TO_LUMINANCE + 0.05 for each in (colours, background))
    return np.asarray(np.maximum(one, other) / np.minimum(one, other))
