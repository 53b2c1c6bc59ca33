"""The map of a classifier: regions in the right places, samples on top of them."""

import numpy as np

from lossutils.teaching.maps import region_map

X = np.array([[-1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])


def test_a_region_lies_where_its_class_is_said():
    figure, axes = region_map(
        lambda x: (x[:, 0] > 0).astype(int), X, np.array([0, 1, 1]), ["a", "b"]
    )
    (image,) = axes.images
    shades = image.get_array()
    left, right = shades[:, 0], shades[:, -1]
    assert np.ptp(left, axis=0).max() == np.ptp(right, axis=0).max() == 0
    assert np.abs(left - right).max() > 0


def test_up_is_up():
    _, axes = region_map(lambda x: (x[:, 1] > 0.5).astype(int), X, np.array([0, 0, 1]), ["a", "b"])
    (image,) = axes.images
    assert image.origin == "lower"
    assert not np.array_equal(image.get_array()[0], image.get_array()[-1])


def test_samples_stand_in_their_class_and_inside_the_map():
    figure, axes = region_map(lambda x: np.zeros(len(x), int), X, np.array([0, 1, 1]), ["a", "b"])
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn == {"a": X[:1].tolist(), "b": X[1:].tolist()}
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert low < -1 and high > 1 and bottom < 0 and top > 1
