"""Small real data sets, and one synthetic line, ready for training.

All come from scikit-learn's bundled files or from a seed; none needs the network. Inputs are
float32 and standardised with the mean and standard deviation of the training part only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sklearn.datasets
from sklearn.model_selection import train_test_split

LINE_SLOPE = 2.0
LINE_INTERCEPT = -1.0
LINE_NOISE = 0.3


@dataclass(frozen=True)
class Dataset:
    """A training and a test part, float32.

    `x_*` have shape (n, features). `y_*` have shape (n, 1) for numbers and for two classes
    (0 or 1), and (n, classes), one-hot, for more classes. `is_outlier`, shape (n_train,), marks
    the training targets that were spoilt on purpose, and is None where none were.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    is_outlier: np.ndarray | None = None


def diabetes(*, seed: int = 0) -> Dataset:
    """Return the progression of diabetes in 442 patients: 331 to train on, 111 to test on.

    x (n, 10), y (n, 1). The target is standardised as well: a residual of 1 is one standard
    deviation of the training targets, about 77 points of the disease score.

    >>> data = diabetes()
    >>> data.x_train.shape, data.y_train.shape, data.x_test.shape
    ((331, 10), (331, 1), (111, 10))
    """
    source = sklearn.datasets.load_diabetes()
    parts = train_test_split(source.data, source.target[:, None], random_state=seed)
    x_train, x_test = _standardised(parts[0], parts[1])
    y_train, y_test = _standardised(parts[2], parts[3])
    return Dataset(x_train, y_train, x_test, y_test, tuple(source.feature_names))


def diabetes_with_outliers(fraction: float = 0.1, size: float = 8.0, *, seed: int = 0) -> Dataset:
    """Return `diabetes()` with gross errors in a share of the training targets.

    `size`, in standard deviations of the clean training targets, is added to
    `round(fraction * 331)` of them, as if a digit had been mistyped. All errors have the same
    sign. The targets are scaled before they are spoilt, and the test targets stay clean, so the
    test error says how well the clean relation was found.

    Raises ValueError for a fraction outside [0, 1).
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"`fraction` must be in [0, 1), but is {fraction}.")
    clean = diabetes(seed=seed)
    count = round(fraction * len(clean.y_train))
    is_outlier = _random_mask(len(clean.y_train), count, seed)
    y_train = clean.y_train.copy()
    y_train[is_outlier] += np.float32(size)
    return Dataset(
        clean.x_train,
        y_train,
        clean.x_test,
        clean.y_test,
        clean.feature_names,
        is_outlier=is_outlier,
    )


def breast_cancer(
    positive_share: float | None = None, *, thin_test: bool = True, seed: int = 0
) -> Dataset:
    """Return 569 tumours to tell apart: y is 1 for malignant (212) and 0 for benign (357).

    x (n, 30), y (n, 1), three quarters to train on, the classes split evenly. With
    `positive_share`, malignant cases are dropped at random until they are this share, in both
    parts, or in the training part only with `thin_test=False` (then each part has its own share).

    Raises ValueError for a share that is not between 0 and the natural share, about 0.373.

    >>> rare = breast_cancer(positive_share=0.05)
    >>> round(float(rare.y_train.mean()), 2)
    0.05
    """
    source = sklearn.datasets.load_breast_cancer()
    malignant = (source.target == 0).astype("float32")[:, None]
    if positive_share is not None and not 0 < positive_share <= malignant.mean():
        raise ValueError(
            f"positive_share must be above 0 and at most {malignant.mean():.3f}, "
            f"but is {positive_share}."
        )
    x_train, x_test, y_train, y_test = train_test_split(
        source.data, malignant, stratify=malignant, random_state=seed
    )
    if positive_share is not None:
        x_train, y_train = _thinned(x_train, y_train, positive_share, seed)
        if thin_test:
            x_test, y_test = _thinned(x_test, y_test, positive_share, seed)
    x_train, x_test = _standardised(x_train, x_test)
    names = tuple(str(name) for name in source.feature_names)
    return Dataset(x_train, y_train, x_test, y_test, names, ("benign", "malignant"))


def wine(*, seed: int = 0) -> Dataset:
    """Return 178 wines from three growers: x (n, 13), y (n, 3) one-hot, 133 to train on.

    >>> wine().y_train.shape
    (133, 3)
    """
    source = sklearn.datasets.load_wine()
    x_train, x_test, y_train, y_test = train_test_split(
        source.data, source.target, stratify=source.target, random_state=seed
    )
    x_train, x_test = _standardised(x_train, x_test)
    return Dataset(
        x_train,
        _one_hot(y_train, 3),
        x_test,
        _one_hot(y_test, 3),
        tuple(source.feature_names),
        ("grower 0", "grower 1", "grower 2"),
    )


def digits(classes: Sequence[int] | None = None, *, seed: int = 0) -> Dataset:
    """Return 8 x 8 images of handwritten digits: x (n, 64), y one-hot, three quarters to train on.

    `classes` picks digits, in the order of the one-hot columns, all ten without it. Each pixel is
    centred by its own training mean, and all are divided by one common standard deviation:
    border pixels are almost always empty, and a scale of their own would blow them up.

    Raises ValueError for fewer than two classes, a repeated one, or one that is not a digit.
    """
    classes = list(range(10)) if classes is None else list(classes)
    if len(classes) < 2 or len(set(classes)) < len(classes) or not set(classes) <= set(range(10)):
        raise ValueError(f"`classes` must be at least two different digits, but is {classes}.")
    source = sklearn.datasets.load_digits()
    wanted = np.isin(source.target, classes)
    labels = np.array([classes.index(digit) for digit in source.target[wanted]])
    x_train, x_test, y_train, y_test = train_test_split(
        source.data[wanted], labels, stratify=labels, random_state=seed
    )
    centre = x_train.mean(axis=0)
    scale = (x_train - centre).std()
    return Dataset(
        ((x_train - centre) / scale).astype("float32"),
        _one_hot(y_train, len(classes)),
        ((x_test - centre) / scale).astype("float32"),
        _one_hot(y_test, len(classes)),
        tuple(source.feature_names),
        tuple(str(digit) for digit in classes),
    )


def noisy_line(n: int = 60, outliers: int = 6, *, seed: int = 0) -> Dataset:
    """Return points near the line y = 2 x - 1, some of them far off it; the truth is known.

    x (n, 1), evenly drawn from [-2, 2] and not standardised, so that the slope stays 2. The noise
    is Gaussian with standard deviation 0.3. `outliers` of the training points, marked in
    `is_outlier`, are lifted by 6 to 10. The n test points lie on the line exactly.

    Raises ValueError unless 0 <= outliers < n.
    """
    if not 0 <= outliers < n:
        raise ValueError(f"`outliers` must be from 0 to n - 1 = {n - 1}, but is {outliers}.")
    random = np.random.default_rng(seed)
    x = random.uniform(-2, 2, size=(n, 1))
    y = LINE_SLOPE * x + LINE_INTERCEPT + random.normal(0, LINE_NOISE, size=(n, 1))
    is_outlier = _random_mask(n, outliers, seed)
    y[is_outlier] += random.uniform(6, 10, size=(outliers, 1))
    x_test = np.linspace(-2, 2, n)[:, None]
    y_test = LINE_SLOPE * x_test + LINE_INTERCEPT
    parts = (part.astype("float32") for part in (x, y, x_test, y_test))
    return Dataset(*parts, ("x",), is_outlier=is_outlier)


def _standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    scaled = ((part - mean) / deviation for part in (train, test))
    return tuple(part.astype("float32") for part in scaled)


def _one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype="float32")[labels]


def _random_mask(n: int, count: int, seed: int) -> np.ndarray:
    mask = np.zeros(n, dtype=bool)
    mask[np.random.default_rng(seed).choice(n, size=count, replace=False)] = True
    return mask


def _thinned(
    x: np.ndarray, y: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    positives = np.flatnonzero(y[:, 0] == 1)
    negatives = np.flatnonzero(y[:, 0] == 0)
    count = max(1, round(share / (1 - share) * len(negatives)))
    count = min(count, len(positives))
    kept = np.random.default_rng(seed).choice(positives, size=count, replace=False)
    rows = np.sort(np.concatenate([negatives, kept]))
    return x[rows], y[rows]
