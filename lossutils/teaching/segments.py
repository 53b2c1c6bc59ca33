"""Pictures with one label per pixel: made ones, whose best mask is known, and cluttered digits."""

from dataclasses import dataclass

import keras
import numpy as np
import sklearn.datasets
from matplotlib.figure import Figure

from lossutils.teaching.plots import new_figure

SIDE, SETS = 16, 10
CUTS = np.linspace(0.01, 0.99, 99)
_STEEPNESS = 3.0


@dataclass(frozen=True)
class MadePictures:
    """Ten independent sets of n noisy pictures; the truth about each pixel is a probability.

    A pixel belongs to the object with probability sigmoid(3 v + b), where v is the sum of its 3 x 3
    neighbourhood over 3, standard normal, and b sets the share of such pixels. Each pixel's label
    is drawn on its own, from `chance`, so no mask can know more than `probability`.

    Attributes:
        x: the neighbourhood of each pixel, shape (n, pixels, sets, 9).
        chance: uniform numbers, shape (n, pixels, sets).
    """

    x: np.ndarray
    chance: np.ndarray

    def probability(self, share: float) -> np.ndarray:
        """The probability that each pixel belongs to the object, shape (n, pixels, sets)."""
        return _sigmoid(_STEEPNESS * self.x.sum(axis=-1) / 3 + _offset(share))

    def labels(self, share: float) -> np.ndarray:
        """One drawn mask for each picture, shape (n, pixels, sets)."""
        return (self.chance < self.probability(share)).astype("float32")


def made_pictures(n: int, *, seed: int) -> MadePictures:
    """Return ten sets of n pictures of 16 x 16 pixels.

    >>> made_pictures(2, seed=0).labels(0.1).shape
    (2, 256, 10)
    """
    random = np.random.default_rng(seed)
    noise = random.normal(size=(n, SIDE + 2, SIDE + 2, SETS)).astype("float32")
    shifts = [noise[:, i : i + SIDE, j : j + SIDE] for i in range(3) for j in range(3)]
    x = np.stack(shifts, axis=-1).reshape(n, SIDE * SIDE, SETS, 9)
    return MadePictures(x, random.random((n, SIDE * SIDE, SETS)))


def pixel_networks() -> keras.Sequential:
    """Ten networks side by side: each weighs the 3 x 3 neighbourhood, as a convolution does."""
    dense = keras.layers.EinsumDense(
        "npsf,sf->nps",
        (SIDE * SIDE, SETS),
        bias_axes="s",
        activation="sigmoid",
        kernel_initializer="zeros",
    )
    return keras.Sequential([keras.Input((SIDE * SIDE, SETS, 9)), dense])


def dice_score(mask: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The overlap of all pixels of each set, 2 |both| / (|mask| + |labels|), shape (sets,).

    >>> ones = np.ones((1, 4, 2))
    >>> dice_score(ones, ones).tolist()
    [1.0, 1.0]
    """
    return 2 * (mask * labels).sum((0, 1)) / (mask.sum((0, 1)) + labels.sum((0, 1)))


def best_cut(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cut with the largest Dice score and that score, of 99 cuts, for each set."""
    found = np.stack([dice_score(scores > cut, labels) for cut in CUTS])
    return CUTS[found.argmax(axis=0)], found.max(axis=0)


def cluttered_digits(n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n pictures of one digit among four 4 x 4 pieces of other digits, and its ink.

    Pictures and masks have shape (n, 16, 16, 1). The digits are scikit-learn's, ink above 0.4 of
    the darkest; Gaussian noise of 0.1 lies over all.

    >>> x, mask = cluttered_digits(3, seed=0)
    >>> x.shape, bool(0.05 < mask.mean() < 0.12)
    ((3, 16, 16, 1), True)
    """
    random = np.random.default_rng(seed)
    digits = (sklearn.datasets.load_digits().images / 16).astype("float32")
    x, mask = np.zeros((2, n, SIDE, SIDE, 1), "float32")
    for picture, ink in zip(x[..., 0], mask[..., 0], strict=True):
        for _ in range(4):
            row, column = random.integers(0, 5, 2)
            piece = digits[random.integers(len(digits)), row : row + 4, column : column + 4]
            _paste(picture, piece, random)
        digit = digits[random.integers(len(digits))]
        row, column = _paste(picture, digit, random)
        ink[row : row + 8, column : column + 8] = digit > 0.4
    return x + random.normal(0, 0.1, x.shape).astype("float32"), mask


def pictures(*rows: dict[str, np.ndarray]) -> Figure:
    """Draw pictures of SIDE x SIDE numbers in rows, each under its title, from black to white.

    >>> figure = pictures({"left": np.zeros(256), "right": np.ones((16, 16, 1))})
    >>> len(figure.axes)
    2
    """
    columns = len(rows[0])
    figure, panels = new_figure(columns, len(rows), width=2.2 * columns, height=2.4 * len(rows))
    figure.subplots_adjust(0.02, 0.02, 0.98, 1 - 0.3 / (2.4 * len(rows)), 0.1, 0.16)
    named = [item for row in rows for item in row.items()]
    for axes, (title, picture) in zip(panels, named, strict=True):
        axes.imshow(np.reshape(picture, (SIDE, SIDE)), cmap="gray", interpolation="nearest")
        axes.set(title=title, xticks=[], yticks=[])
        axes.grid(False)
    return figure


def _paste(picture: np.ndarray, piece: np.ndarray, random: np.random.Generator) -> tuple[int, int]:
    height, width = piece.shape
    row, column = random.integers(0, SIDE - height + 1), random.integers(0, SIDE - width + 1)
    place = picture[row : row + height, column : column + width]
    np.maximum(place, piece, out=place)
    return row, column


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _offset(share: float) -> float:
    """The b for which the mean of sigmoid(3 v + b) over a standard normal v is `share`."""
    v = np.linspace(-8, 8, 2001)
    density = np.exp(-(v**2) / 2)
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        below = np.average(_sigmoid(_STEEPNESS * v + middle), weights=density) < share
        low, high = (middle, high) if below else (low, middle)
    return low
