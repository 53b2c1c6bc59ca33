"""One table of bad inputs: each error names the argument, what came, and what is wanted."""

import keras
import numpy as np
import pytest
from keras import ops
from small_losses import LaplaceNLL

import lossutils
from lossutils import (
    ModelWithLoss,
    StatefulLoss,
    huber,
    l1_penalty,
    near_zero_penalty,
    pinball,
    weighted_binary_crossentropy,
    weighted_categorical_crossentropy,
)
from lossutils.teaching.trainer import CompiledTrainer

NAN, INF = float("nan"), float("inf")
X = np.ones((4, 2), "float32")
Y = np.ones((4, 1), "float32")
DEFAULT = huber()


def network(*layers):
    """A small network."""
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), *layers])


def trainer(model=None, loss=DEFAULT, x=X, y=Y, epochs=1, **options):
    """A trainer, good unless told otherwise."""
    return CompiledTrainer(model or network(), loss, x, y, epochs=epochs, **options)


def huber_of(y_true, y_pred, delta):
    """Huber with its parameter as an argument."""
    return huber(delta)(y_true, y_pred)


def owning(loss=None, **options):
    """A compiled ModelWithLoss."""
    model = ModelWithLoss(network(), loss or LaplaceNLL())
    model.compile("sgd", **options)
    return model


class Scalar(StatefulLoss):
    """A loss that breaks the contract."""

    def call(self, y_true, y_pred):
        return ops.mean(y_true - y_pred)


class Empty(StatefulLoss):
    """A loss that defines nothing."""


binary, categorical = weighted_binary_crossentropy, weighted_categorical_crossentropy
one_row = [[0.25, 0.75]]

# What is called, the argument, what came, what is wanted.
ROWS = [
    (lambda: huber(0), "`delta`", "is 0.", "finite number above 0"),
    (lambda: huber(-1.5), "`delta`", "-1.5", "finite number above 0"),
    (lambda: huber(NAN), "`delta`", "nan", "finite number above 0"),
    (lambda: huber(INF), "`delta`", "inf", "finite number above 0"),
    (lambda: huber("1"), "`delta`", "'1'", "finite number above 0"),
    (lambda: huber(None), "`delta`", "None", "finite number above 0"),
    (lambda: huber(True), "`delta`", "True", "finite number above 0"),
    (lambda: huber([1.0, 2.0]), "`delta`", "[1.0, 2.0]", "finite number above 0"),
    (lambda: huber(keras.Variable(-2.0)), "`delta`", "-2.0", "finite number above 0"),
    (lambda: huber(1 + 2j), "`delta`", "(1+2j)", "finite number above 0"),
    (lambda: huber(1e39), "`delta`", "1e+39", "finite number above 0"),
    (lambda: huber()(Y[:, 0], Y), "`y_true`", "(4,)", "y_true[:, None]"),
    (lambda: huber()(Y, Y[:, 0]), "`y_pred`", "(4,)", "y_pred[:, None]"),
    (lambda: huber()(Y, X), "`y_true`", "(4, 1)", "the same shape"),
    (lambda: huber()(Y[:1], Y), "`y_true`", "(1, 1)", "the same shape"),
    (lambda: huber()(Y[:, 0], Y[:, 0]), "`y_pred`", "(4,)", "(batch, 1)"),
    (lambda: pinball()(1.0, 2.0), "`y_pred`", "()", "(batch, 1)"),
    (lambda: huber(1e-46), "`delta`", "1e-46", "finite number above 0"),
    (lambda: pinball(0), "`quantile`", "is 0.", "above 0 and below 1"),
    (lambda: pinball(1.0), "`quantile`", "1.0", "above 0 and below 1"),
    (lambda: pinball(90), "`quantile`", "90", "above 0 and below 1"),
    (lambda: pinball(NAN), "`quantile`", "nan", "above 0 and below 1"),
    (lambda: near_zero_penalty(-0.1), "`strength`", "-0.1", "at least 0"),
    (lambda: near_zero_penalty(INF), "`strength`", "inf", "at least 0"),
    (lambda: near_zero_penalty(0.1, 0), "`epsilon`", "is 0.", "above 0"),
    (lambda: near_zero_penalty(0.1, "small"), "`epsilon`", "'small'", "above 0"),
    (lambda: near_zero_penalty()(Y, X), "`y_pred`", "(4, 2)", "the same shape"),
    (lambda: binary([1.0]), "`weights`", "[1.0]", "2 weights"),
    (lambda: binary([1, 2, 3]), "`weights`", "[1, 2, 3]", "2 weights"),
    (lambda: binary([1, -2]), "`weights`", "[1, -2]", "at least 0"),
    (lambda: binary([1, NAN]), "`weights`", "nan", "finite"),
    (lambda: binary([1, 1e39]), "`weights`", "1e+39", "finite"),
    (lambda: binary([1, 1j]), "`weights`", "1j", "finite"),
    (lambda: binary([0, 0]), "`weights`", "[0, 0]", "one weight above 0"),
    (lambda: binary(0.9), "`weights`", "0.9", "sequence"),
    (lambda: binary({0: 0.1, 1: 0.9}), "`weights`", "{0: 0.1, 1: 0.9}", "class order"),
    (lambda: binary("ab"), "`weights`", "'ab'", "sequence"),
    (lambda: binary(["a", "b"]), "`weights`", "['a', 'b']", "finite numbers"),
    (lambda: binary(None), "`weights`", "None", "sequence"),
    (lambda: binary(np.ones((2, 2))), "`weights`", "[1., 1.]", "sequence"),
    (lambda: binary((1, 1), from_logits=1), "`from_logits`", "1", "True or False"),
    (lambda: binary((1, 1), "logits"), "`from_logits`", "'logits'", "True or False"),
    (lambda: binary((1, 1))([[2.0]], [[0.5]]), "`y_true`", "2.0", "only 0 and 1"),
    (lambda: binary((1, 1))([[-1]], [[0.5]]), "`y_true`", "-1", "only 0 and 1"),
    (lambda: binary((1, 1))([[NAN]], [[0.5]]), "`y_true`", "nan", "only 0 and 1"),
    (lambda: binary((1, 1))(Y[:, 0], Y), "`y_true`", "(4,)", "y_true[:, None]"),
    (lambda: categorical([]), "`weights`", "[]", "at least one weight"),
    (lambda: categorical([1, INF]), "`weights`", "inf", "finite"),
    (lambda: categorical([[1, 2]]), "`weights`", "[[1, 2]]", "sequence"),
    (lambda: categorical([1, 2], None), "`from_logits`", "None", "True or False"),
    (lambda: categorical([1, 2, 3])([[0, 1]], one_row), "`weights`", "(1.0, 2.0", "2 classes"),
    (lambda: categorical([1, 2])([[1, 1]], one_row), "`y_true`", "[1. 1.]", "one-hot"),
    (lambda: categorical([1, 2])([[0, 0]], one_row), "`y_true`", "[0. 0.]", "one-hot"),
    (lambda: categorical([1, 2])([[0.4, 0.6]], one_row), "`y_true`", "0.4", "only 0 and 1"),
    (lambda: categorical([1, 2])([1], one_row), "`y_true`", "(1,)", "the same shape"),
    (lambda: l1_penalty([]), "`variables`", "[]", "at least one variable"),
    (lambda: l1_penalty(None), "`variables`", "None", "at least one variable"),
    (lambda: l1_penalty("kernel"), "`variables`", "'kernel'", "at least one variable"),
    (lambda: l1_penalty([Y], -1), "`strength`", "-1", "at least 0"),
    (lambda: l1_penalty([Y], NAN), "`strength`", "nan", "at least 0"),
    (lambda: LaplaceNLL(reduction="avg"), "`reduction`", "avg", "sum_over_batch_size"),
    (lambda: LaplaceNLL()(Y[:, 0], Y), "`y_true`", "(4,)", "y_true[:, None]"),
    (lambda: LaplaceNLL()([Y], [Y, Y]), "`y_true`", "holds 1", "one array of labels for each"),
    (
        lambda: owning(Scalar()).fit(X, Y, verbose=0),
        "Scalar.call",
        "scalar",
        "one value per sample",
    ),
    (lambda: ModelWithLoss("net", LaplaceNLL()), "`network`", "'net'", "keras.Model"),
    (lambda: ModelWithLoss(network(), huber()), "`loss`", "function huber", "StatefulLoss"),
    (lambda: ModelWithLoss(network(), "mse"), "`loss`", "'mse'", "StatefulLoss"),
    (lambda: ModelWithLoss(network(), LaplaceNLL), "`loss`", "class", "a StatefulLoss"),
    (lambda: owning(loss=None).compile("sgd", "mse"), "`loss`", "'mse'", "left out"),
    (lambda: owning().fit(X, Y * NAN, verbose=0), "`y`", "nan", "finite"),
    (lambda: owning().fit(X, Y * INF, verbose=0), "`y`", "inf", "finite"),
    (lambda: owning().fit(X, verbose=0), "`y`", "None", "labels"),
    (lambda: owning().fit(X, X, verbose=0), "`y_true`", "2)", "the same shape"),
    (
        lambda: owning().fit(X, Y, sample_weight=[Y[:, 0]], verbose=0),
        "`sample_weight`",
        "[array(",
        "one array",
    ),
    (lambda: trainer("net"), "`network`", "'net'", "keras.Model"),
    (
        lambda: trainer(keras.Sequential([keras.layers.Dense(1)])),
        "`network`",
        "no weights yet",
        "Input layer",
    ),
    (
        lambda: trainer(network(keras.layers.BatchNormalization())),
        "`network`",
        "moving_mean",
        "trainable weights and no others",
    ),
    (
        lambda: trainer(network(keras.layers.Dropout(0.5))),
        "`network`",
        "seed",
        "trainable weights and no others",
    ),
    (lambda: trainer(loss="mse"), "`loss`", "'mse'", "function"),
    (lambda: trainer(y=Y[:3]), "`y`", "4, 3", "equally long"),
    (lambda: trainer(x=X[:0], y=Y[:0]), "`x`", "0, 0", "not empty"),
    (lambda: trainer(epochs=0), "`epochs`", "0", "at least 1"),
    (lambda: trainer(epochs=2.5), "`epochs`", "2.5", "whole number"),
    (lambda: trainer(epochs=True), "`epochs`", "True", "whole number"),
    (lambda: trainer(batch_size=3), "`batch_size`", "is 3", "divides 4"),
    (lambda: trainer(batch_size=0), "`batch_size`", "is 0", "at least 1"),
    (lambda: trainer(optimizer="rmsprop"), "`optimizer`", "'rmsprop'", "['adam', 'sgd']"),
    (lambda: trainer(learning_rate=0), "`learning_rate`", "is 0", "above 0"),
    (lambda: trainer(learning_rate=NAN), "`learning_rate`", "nan", "above 0"),
    (lambda: trainer(learning_rate="fast"), "`learning_rate`", "'fast'", "above 0"),
    (lambda: trainer(loss=huber_of).train(), "`parameters`", "[]", "delta"),
    (lambda: trainer(loss=huber_of).train(beta=1), "`parameters`", "['beta']", "delta"),
    (lambda: trainer(loss=huber_of).train(delta=NAN), "`delta`", "nan", "finite number"),
    (lambda: trainer(loss=huber_of).train(delta="1m"), "`delta`", "'1m'", "finite number"),
    (
        lambda: trainer(loss=lambda y, p: ops.mean(y - p)).train(),
        "`loss`",
        "scalar",
        "one value per sample",
    ),
    (lambda: trainer(y=Y[:, 0]).train(), "`y_true`", "(4,)", "y_true[:, None]"),
]


@pytest.mark.parametrize("call, argument, came, wanted", ROWS, ids=range(len(ROWS)))
def test_the_error_names_the_argument_what_came_and_what_is_wanted(call, argument, came, wanted):
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert argument in message
    assert came in message
    assert wanted in message


@pytest.mark.parametrize("eager", [False, True])
def test_values_are_checked_where_there_are_values_only(eager):
    """Inside a compiled step a check of values would cost time; outside it costs nothing much."""
    model = network(keras.layers.Activation("sigmoid"))
    model.compile("sgd", loss=weighted_binary_crossentropy((1, 1)), run_eagerly=eager)
    if eager:
        with pytest.raises(ValueError, match="`y_true` must hold only 0 and 1"):
            model.fit(X, 2 * Y, verbose=0)
    else:
        assert np.isfinite(model.evaluate(X, 2 * Y, verbose=0))


def test_a_loss_that_defines_no_call_says_so():
    with pytest.raises(NotImplementedError, match="Empty does not have a `call` method"):
        Empty()(Y, Y)


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'hubert'"):
        lossutils.hubert  # noqa: B018


def test_good_input_at_the_border_is_taken():
    huber(1e-6), huber(np.float32(2)), huber(3), huber(keras.Variable(0.5))
    near_zero_penalty(0, 1)
    weighted_binary_crossentropy((0, 1)), weighted_binary_crossentropy(np.array([1, 2]))
    weighted_binary_crossentropy((1, 1), from_logits=np.bool_(True))
    pinball(1e-6), pinball(1 - 1e-6), l1_penalty([Y], 0), l1_penalty(iter([Y]))
    trainer(epochs=np.int64(2), batch_size=np.int64(2), learning_rate=np.float32(0.1))
