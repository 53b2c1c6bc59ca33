"""The data sets: their shapes, their scaling, and what was spoilt on purpose."""

import numpy as np
import pytest
import sklearn.datasets

from lossutils.teaching import datasets
from lossutils.teaching.datasets import (
    breast_cancer,
    diabetes,
    diabetes_with_outliers,
    digits,
    noisy_line,
    wine,
)

EVERY = [diabetes, diabetes_with_outliers, breast_cancer, wine, digits, noisy_line]
SHAPES = {
    diabetes: ((331, 10), (331, 1), (111, 10), (111, 1)),
    diabetes_with_outliers: ((331, 10), (331, 1), (111, 10), (111, 1)),
    breast_cancer: ((426, 30), (426, 1), (143, 30), (143, 1)),
    wine: ((133, 13), (133, 3), (45, 13), (45, 3)),
    digits: ((1347, 64), (1347, 10), (450, 64), (450, 10)),
    noisy_line: ((60, 1), (60, 1), (60, 1), (60, 1)),
}


def parts(data):
    return data.x_train, data.y_train, data.x_test, data.y_test


@pytest.mark.parametrize("load", EVERY)
def test_shapes_and_types(load):
    data = load()
    assert tuple(part.shape for part in parts(data)) == SHAPES[load]
    assert all(part.dtype == np.float32 and np.isfinite(part).all() for part in parts(data))
    assert len(data.feature_names) == data.x_train.shape[1]


@pytest.mark.parametrize("load", EVERY)
def test_the_seed_fixes_the_data(load):
    for first, second in zip(parts(load(seed=3)), parts(load(seed=3)), strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(load(seed=3).x_train, load(seed=4).x_train)


@pytest.mark.parametrize("load", [diabetes, diabetes_with_outliers, breast_cancer, wine])
def test_inputs_are_standardised_on_the_training_part_only(load):
    data = load()
    np.testing.assert_allclose(data.x_train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(data.x_train.std(axis=0), 1, atol=1e-5)
    assert np.abs(data.x_test.mean(axis=0)).max() > 0.01


def test_the_diabetes_target_has_unit_deviation_and_the_right_pairs():
    data = diabetes()
    np.testing.assert_allclose([data.y_train.mean(), data.y_train.std() - 1], 0, atol=1e-6)
    # Undoing the scaling must give rows of the source, each with its own target.
    source = sklearn.datasets.load_diabetes()
    correlation = np.corrcoef(source.data[:, 2], source.target)[0, 1]
    x = np.concatenate([data.x_train, data.x_test])[:, 2]
    y = np.concatenate([data.y_train, data.y_test])[:, 0]
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(correlation, abs=1e-6)


@pytest.mark.parametrize(("fraction", "count"), [(0.0, 0), (0.1, 33), (0.25, 83)])
def test_only_the_stated_share_of_training_targets_is_spoilt(fraction, count):
    clean, spoilt = diabetes(), diabetes_with_outliers(fraction, size=5.0)
    change = (spoilt.y_train - clean.y_train)[:, 0]
    assert spoilt.is_outlier.sum() == count
    np.testing.assert_allclose(change[spoilt.is_outlier], 5.0, atol=1e-5)
    np.testing.assert_array_equal(change[~spoilt.is_outlier], 0)
    for name in ("x_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(clean, name), getattr(spoilt, name))


def test_malignant_is_positive():
    data = breast_cancer()
    labels = np.concatenate([data.y_train, data.y_test])
    assert (labels == 1).sum() == 212 and (labels == 0).sum() == 357
    assert data.class_names == ("benign", "malignant")
    radius = data.x_train[:, data.feature_names.index("mean radius")]
    positive = data.y_train[:, 0] == 1
    assert radius[positive].mean() > radius[~positive].mean()


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
def test_malignant_cases_are_thinned_to_the_share(share):
    data = breast_cancer(positive_share=share)
    for y in (data.y_train, data.y_test):
        negatives = int((y == 0).sum())
        assert negatives in (267, 268, 89, 90)
        assert (y == 1).sum() == max(1, round(share / (1 - share) * negatives))


def test_the_test_part_can_stay_whole():
    whole, thinned = breast_cancer(), breast_cancer(positive_share=0.05, thin_test=False)
    np.testing.assert_array_equal(whole.y_test, thinned.y_test)
    assert thinned.y_train.mean() == pytest.approx(0.05, abs=0.003)


def test_one_hot_labels_follow_the_class_names():
    data = wine()
    assert data.class_names == ("grower 0", "grower 1", "grower 2")
    np.testing.assert_array_equal(data.y_train.sum(axis=1), 1)
    counts = data.y_train.sum(axis=0) + data.y_test.sum(axis=0)
    assert counts.tolist() == [59, 71, 48]


def test_chosen_digits_keep_the_given_order():
    data = digits(classes=[8, 3])
    assert data.class_names == ("8", "3")
    source = sklearn.datasets.load_digits()
    assert len(data.y_train) + len(data.y_test) == np.isin(source.target, [3, 8]).sum()
    columns = data.y_train.sum(axis=0) + data.y_test.sum(axis=0)
    assert columns.tolist() == [(source.target == 8).sum(), (source.target == 3).sum()]
    # The left edge of the middle rows is inked in an 8, hardly in a 3.
    eights = data.y_train[:, 0] == 1
    left = data.x_train[:, 2 * 8 + 2]
    assert left[eights].mean() > left[~eights].mean()


def test_pixels_share_one_scale():
    data = digits()
    assert data.x_train.std() == pytest.approx(1, abs=1e-5)
    assert np.abs(data.x_test).max() < 4


def test_the_line_is_known():
    data = noisy_line(n=200, outliers=20)
    np.testing.assert_allclose(data.y_test, 2 * data.x_test - 1, atol=1e-6)
    residual = (data.y_train - (2 * data.x_train - 1))[:, 0]
    assert data.is_outlier.sum() == 20
    assert residual[data.is_outlier].min() > 6 - 4 * datasets.LINE_NOISE
    assert np.abs(residual[~data.is_outlier]).max() < 4 * datasets.LINE_NOISE
    assert residual[~data.is_outlier].std() == pytest.approx(datasets.LINE_NOISE, abs=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diabetes_with_outliers(1.0), "fraction"),
        (lambda: diabetes_with_outliers(-0.1), "fraction"),
        (lambda: breast_cancer(0.0), "positive_share"),
        (lambda: breast_cancer(0.5), "positive_share"),
        (lambda: digits([3]), "classes"),
        (lambda: digits([3, 3]), "classes"),
        (lambda: digits([3, 10]), "classes"),
        (lambda: noisy_line(10, 10), "outliers"),
        (lambda: noisy_line(10, -1), "outliers"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
