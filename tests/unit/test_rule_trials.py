"""The engines of 08 and 09: each network is trained by its own rule, as if it were alone."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from lossutils import ModelWithLoss, StateSwitchedLoss, huber
from lossutils.teaching import batches
from lossutils.teaching.rule_trials import (
    OneOfTwo,
    SwitchedByState,
    absolute_errors,
    descend,
    exchange_figure,
    record_errors,
    rule_figure,
    shuffled,
    squared,
    through_an_exchange,
    train_by_rules,
    train_by_state,
)
from lossutils.teaching.side_by_side import diabetes_splits, networks

SPLITS = diabetes_splits(2)


def fixed(curves, active):
    """A rule that looks at nothing: the losses are those of its number."""
    return np.broadcast_to(active, curves.shape)


def test_errors_are_those_of_each_split():
    y = np.array([[[1.0], [2.0]], [[3.0], [8.0]]])
    np.testing.assert_array_equal(absolute_errors(lambda x: x, 0 * y, y), [2, 5])


def test_shuffled_batches_are_the_same_in_each_training():
    x = np.arange(50.0)[:, None]
    first, again = ([batch for batch, _ in shuffled(x, x, 8)] for _ in range(2))
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(again))
    assert sorted(np.concatenate(first)[:, 0]) != list(np.concatenate(first)[:, 0])


def test_each_network_has_the_loss_that_is_active():
    loss = OneOfTwo([squared, squared], splits=2)
    loss.active.assign([[0, 1], [1, 0]])
    y, errors = np.zeros((1, 4, 1)), np.array([[[1.0], [2.0], [3.0], [4.0]]])
    assert float(loss.call(y, errors)[0]) == 1 + 1.5 + 2.5 + 16


def numpy_flips(errors, lower, upper, momentum):
    total = weight = active = flips = 0
    for error in errors:
        total, weight = momentum * total + error, momentum * weight + 1
        average, before = total / weight, active
        active = 1 if average > upper else 0 if average < lower else active
        flips += active != before
    return flips


@pytest.mark.parametrize("rule", [(1, 2, 0.0), (1, 2, 0.5), (0.5, 0.7, 0.9)])
def test_the_state_follows_the_average(rule):
    loss = SwitchedByState([squared], [(*rule, 1)], splits=1)
    errors = np.random.default_rng(0).exponential(size=60)
    for error in errors:
        loss.look_at(np.full((1, 1), error))
    assert float(loss.flips[0, 0]) == numpy_flips(errors, *rule) > 0


def test_a_callback_looks_at_the_mean_of_its_epoch():
    loss = SwitchedByState([squared], [(1, 2, 1, 4)], splits=1)
    seen = []
    for error in [9, 9, 0, 0, 0, 0, 0, 0]:
        loss.look_at(np.full((1, 1), float(error)))
        seen.append(int(loss.active[0, 0]))
    assert seen == [0, 0, 0, 1, 1, 1, 1, 0]


def test_a_rule_trains_each_split_as_if_it_were_alone():
    def parts(x, y):
        return batches(x, y, 80)

    curves, test = train_by_rules(SPLITS, fixed, [(1,), (0,)], parts=parts, epochs=3)
    assert curves.shape == (3, 2, 2)
    model = networks(2, seed=8)
    model.compile(keras.optimizers.SGD(0.1), loss=lambda y, p: keras.ops.sum(huber(1.0)(y, p), 1))
    stream = parts(SPLITS.x_train[:240], SPLITS.y_train[:240])
    model.fit(stream, epochs=3, verbose=0, shuffle=False)
    alone = absolute_errors(model, SPLITS.x_test, SPLITS.y_test)
    np.testing.assert_allclose(test[0], alone, rtol=1e-5)
    assert np.all(abs(test[1] - alone) > 1e-3)


def test_a_rule_sees_the_validation_errors_so_far():
    seen = []

    def decide(curves, active):
        seen.append(curves.copy())
        return fixed(curves, active)

    curves, _ = train_by_rules(SPLITS, decide, [(1,)], epochs=2, first=0)
    assert [len(errors) for errors in seen] == [1, 2]
    np.testing.assert_array_equal(seen[1], curves[:, 0])


def test_the_exchange_comes_at_its_batch():
    ways = [(squared, (99, 99, 0, 1)), (squared, (0, 0, 0, 1))]
    errors, flips = train_by_state(
        ways, spoilt=0.1, rate=0.003, total=20, every=10, shift=50.0, exchange=10
    )
    assert errors.shape == (2, 2, 20)
    assert errors[0].max() < 5 and errors[1].min() > 40
    np.testing.assert_array_equal(flips, [[0] * 20, [1] * 20])
    last = dict(spoilt=0.1, rate=0.003, total=11, every=11, shift=50.0)
    for exchange, wanted in ((10, 1), (11, 0)):
        _, flips = train_by_state([(squared, (20, 20, 0, 1))], exchange=exchange, **last)
        np.testing.assert_array_equal(flips, [[wanted] * 20])


def test_one_batch_of_all_samples_has_the_error_of_all():
    x, y = SPLITS.x_train[:32, 0], SPLITS.y_train[:32, 0]
    network = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    targets = [y, y + 9, y + 9]
    of_batch, of_all = record_errors(network, squared, x, lambda i: targets[i], epochs=3, size=32)
    np.testing.assert_allclose(of_batch, of_all, rtol=1e-5)
    assert of_batch[1] > of_batch[0] + 5


def test_descent_with_huber_finds_the_targets_and_welsch_does_not():
    far = replace(SPLITS, y_train=SPLITS.y_train + 9, y_test=SPLITS.y_test + 9)
    near = descend(far, 0.2, lambda epoch, errors: np.zeros(2, bool))
    lost = descend(far, 0.2, lambda epoch, errors: np.ones(2, bool))
    assert near.shape == (2,) and near.max() < 1.5 and lost.min() > 7
    again = descend(far, 0.2, lambda epoch, errors: errors < 2)
    assert again.max() < 1.5
    assert descend(far, 0.2, lambda epoch, errors: np.ones(2, bool), start=9.0).max() < 1.5
    assert np.all(descend(far, 0.2, lambda epoch, errors: np.ones(2, bool), welsch=True) > lost)


def test_an_exchange_after_twelve_epochs():
    loss = StateSwitchedLoss(["mse", "huber"], lower=99, upper=99)
    network = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    records = list(through_an_exchange(ModelWithLoss(network, loss), epochs=13))
    assert len(records) == 13 and records[-1]["active"] == 0
    assert records[12]["test"] > records[11]["test"] + 2
    assert records[12]["average"] > records[11]["average"] + 2
    left, right = exchange_figure(records, (3, 4)).axes
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [r["test"] for r in records])
    assert [line.get_ydata()[0] for line in left.lines[1:]] == [3, 4]


@pytest.mark.parametrize(("average", "words"), [(1.0, "what the rule sees"), (2.0, "moving")])
def test_the_picture_of_a_rule(average, words):
    errors, active = np.ones(4), np.array([0, 1, 1, 0])
    figure = rule_figure(errors, errors * average, active, (1, 2), "A rule")
    (axes,) = figure.axes
    assert axes.get_title() == "A rule, flips: 2"
    assert any(words in label for label in axes.get_legend_handles_labels()[1])
