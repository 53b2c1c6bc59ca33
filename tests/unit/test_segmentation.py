"""The loss on the overlap of masks, against float64 NumPy, Keras and counts by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lossutils import tversky

RANDOM = np.random.default_rng(14)
MASKS = (RANDOM.random((5, 6, 4, 3)) < 0.4).astype("float32")
SCORES = RANDOM.random((5, 6, 4, 3)).astype("float32")


def by_hand(y, p, fp, fn, smooth):
    y, p = np.asarray(y, "float64"), np.asarray(p, "float64")
    hits = (y * p).sum((1, 2)) + smooth / 2
    index = hits / (hits + fp * ((1 - y) * p).sum((1, 2)) + fn * (y * (1 - p)).sum((1, 2)))
    return 1 - index.mean(axis=-1)


@pytest.mark.parametrize("weights", [(0.5, 0.5, 1.0), (0.3, 0.7, 0.1), (1.0, 0.0, 2.0)])
def test_it_is_its_formula_for_each_picture(weights):
    got = tversky(*weights)(MASKS, SCORES)
    assert got.shape == (5,) and got.dtype == tf.float32
    np.testing.assert_allclose(got, by_hand(MASKS, SCORES, *weights), rtol=1e-5)
    wide = tversky(*weights)(MASKS.astype("float64"), tf.constant(SCORES, "float64"))
    np.testing.assert_allclose(wide, by_hand(MASKS, SCORES, *weights), rtol=1e-12)


def test_without_smoothing_and_with_halves_it_is_the_dice_loss_of_keras():
    one = MASKS[..., :1], SCORES[..., :1]
    theirs = keras.losses.dice(*one, axis=(1, 2, 3))
    np.testing.assert_allclose(tversky(smooth=1e-6)(*one), theirs, rtol=1e-5)


def test_false_positives_are_what_is_marked_and_should_not_be():
    empty, full = np.zeros((1, 2, 2, 1), "float32"), np.ones((1, 2, 2, 1), "float32")
    loss = tversky(false_positives=1.0, false_negatives=0.25, smooth=2.0)
    assert float(loss(empty, full)[0]) == pytest.approx(1 - 1 / (1 + 4 * 1.0))
    assert float(loss(full, empty)[0]) == pytest.approx(1 - 1 / (1 + 4 * 0.25))


def test_an_empty_picture_left_empty_costs_nothing():
    empty = np.zeros((2, 3, 3, 1), "float32")
    assert np.array_equal(tversky()(empty, empty), [0.0, 0.0])


def test_a_line_of_pixels_is_enough_and_channels_are_averaged():
    y, p = MASKS.reshape(5, 24, 3), SCORES.reshape(5, 24, 3)
    np.testing.assert_allclose(tversky()(y, p), tversky()(MASKS, SCORES), rtol=1e-6)
    each = [tversky()(y[..., [c]], p[..., [c]]) for c in range(3)]
    np.testing.assert_allclose(tversky()(y, p), np.mean(each, axis=0), rtol=1e-6)


def test_the_slope_is_that_of_finite_differences():
    y, p = tf.constant(MASKS[:1], "float64"), tf.Variable(SCORES[:1].astype("float64"))
    loss = tversky(0.3, 0.7)
    with tf.GradientTape() as tape:
        value = loss(y, p)
    slope = tape.gradient(value, p).numpy()
    step = np.zeros_like(slope)
    step[0, 2, 1, 0] = 1e-6
    difference = (loss(y, p + step) - loss(y, p - step)) / 2e-6
    assert float(difference[0]) == pytest.approx(slope[0, 2, 1, 0], rel=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_it_trains_in_a_compiled_step_and_heeds_weights_of_pictures(jit_compile):
    model = keras.Sequential([keras.Input((6, 4, 3)), keras.layers.Conv2D(3, 1)])
    model.compile("sgd", loss=tversky(), jit_compile=jit_compile)
    weights = np.array([1.0, 0.0, 2.0, 0.0, 0.5], "float32")
    before = (weights * by_hand(MASKS, model(SCORES), 0.5, 0.5, 1.0)).mean()
    got = model.fit(SCORES, MASKS, sample_weight=weights, batch_size=5, verbose=0).history["loss"]
    assert got[0] == pytest.approx(before, rel=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tversky(-1.0), "(false_positives, false_negatives)"),
        (lambda: tversky(0.0, 0.0), "at least one weight above 0"),
        (lambda: tversky(smooth=0), "`smooth` must be a finite number above 0"),
        (lambda: tversky()(MASKS[:, 0, 0], SCORES[:, 0, 0]), "axes of pixels"),
        (lambda: tversky()(MASKS[..., :1], SCORES), "shape"),
        (lambda: tversky()(MASKS + 1, SCORES), "only 0 and 1"),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)
