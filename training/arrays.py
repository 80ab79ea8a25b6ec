"""The array types that the trainer passes around."""

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
