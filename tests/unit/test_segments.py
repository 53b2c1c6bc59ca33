"""The made pictures: their truth is what is said of it, and no mask beats the cut that it gives."""

import numpy as np
import pytest

from lossutils.teaching.segments import (
    CUTS,
    SETS,
    SIDE,
    best_cut,
    cluttered_digits,
    dice_score,
    made_pictures,
    pictures,
    pixel_networks,
)

MANY = made_pictures(200, seed=3)


@pytest.mark.parametrize("share", [0.3, 0.1, 0.03])
def test_the_share_is_the_one_asked_for(share):
    assert MANY.probability(share).mean() == pytest.approx(share, rel=0.05)
    assert MANY.labels(share).mean() == pytest.approx(share, rel=0.05)


def test_labels_come_as_often_as_their_probability_says():
    p, labels = MANY.probability(0.1), MANY.labels(0.1)
    for low in (0.1, 0.4, 0.8):
        among = (p > low) & (p < low + 0.1)
        assert labels[among].mean() == pytest.approx(p[among].mean(), abs=0.02)


def test_the_probability_follows_from_the_three_by_three_neighbourhood():
    pixels = MANY.x[0, :, 0].reshape(SIDE, SIDE, 9)
    centre = pixels[..., 4]
    assert np.array_equal(pixels[1:, :, 1], centre[:-1]) and MANY.x.shape[2] == SETS
    logit = np.log(MANY.probability(0.1) / (1 - MANY.probability(0.1)))
    moved = logit - MANY.x.sum(axis=-1)
    assert np.ptp(moved) < 1e-3


def test_the_best_cut_is_half_of_the_best_score():
    cut, best = best_cut(MANY.probability(0.1), MANY.labels(0.1))
    assert cut.mean() == pytest.approx(best.mean() / 2, abs=0.03)
    assert set(cut) <= set(CUTS)


def test_the_dice_score_is_counted_for_each_set():
    labels = np.zeros((1, 4, 2))
    labels[0, :2, 0] = labels[0, :1, 1] = 1
    mask = np.zeros((1, 4, 2))
    mask[0, 1:3] = 1
    assert dice_score(mask, labels).tolist() == [2 * 1 / 4, 0.0]


def test_the_networks_do_not_know_of_each_other():
    network = pixel_networks()
    x = MANY.x[:2].copy()
    network.layers[0].kernel.assign(np.ones((SETS, 9)))
    before = network(x).numpy()
    x[:, :, 0] = 0
    after = network(x).numpy()
    assert np.array_equal(before[..., 1:], after[..., 1:])
    assert not np.array_equal(before[..., 0], after[..., 0])


def test_the_ink_of_a_digit_is_dark_in_the_picture():
    x, mask = cluttered_digits(50, seed=1)
    assert x.shape == mask.shape == (50, SIDE, SIDE, 1) and set(np.unique(mask)) == {0.0, 1.0}
    assert x[mask == 1].mean() > 0.6 > 0.3 > x[mask == 0].mean()
    assert np.array_equal(x, cluttered_digits(50, seed=1)[0])


def test_each_picture_has_a_panel_and_its_title():
    row = {"a": np.zeros(256), "b": np.ones((16, 16)), "c": np.eye(16)[..., None]}
    panels = pictures(row, row).axes
    assert [axes.get_title() for axes in panels] == ["a", "b", "c"] * 2
