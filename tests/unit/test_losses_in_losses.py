"""Losses with variables as parts of another loss: they train, keep their state, and are saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import StatefulLossContract, arrays, equal, replicas, state, train_on
from keras import ops
from small_losses import LaplaceNLL, RunningScaleError, TemperedCrossentropy

from lossutils import (
    NCA,
    AdaptiveRobustLoss,
    BlendedLoss,
    CostThreshold,
    F1Threshold,
    MahalanobisNLL,
    ModelWithLoss,
    StatefulLoss,
    StateSwitchedLoss,
    SwitchedLoss,
    UncertaintyWeights,
    WorstCaseWeights,
    huber,
    near_zero_penalty,
    pinball,
    weighted_binary_crossentropy,
)

RNG = np.random.default_rng(2)
X = RNG.normal(size=(16, 2)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
PAIR = np.hstack([Y, 1 - Y])


def model_with(loss, outputs=1, optimizer=None, **options):
    keras.utils.set_random_seed(5)
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(outputs, "sigmoid")])
    model = ModelWithLoss(network, loss)
    model.compile(optimizer or keras.optimizers.Adam(0.05), **options)
    return model


INNER = {
    "MahalanobisNLL": (lambda: MahalanobisNLL(1), Y),
    "AdaptiveRobustLoss": (lambda: AdaptiveRobustLoss(1), Y),
    "UncertaintyWeights": (lambda: UncertaintyWeights(["mse"]), Y),
    "CostThreshold": (lambda: CostThreshold(1, 3), Y),
    "F1Threshold": (lambda: F1Threshold(), Y),
    "NCA": (lambda: NCA(2), Y[:, 0]),
    "WorstCaseWeights": (lambda: WorstCaseWeights((8, 8), 0.1, loss="mse"), Y),
    "StateSwitchedLoss": (lambda: StateSwitchedLoss(["mse", "mae"], 0.1, 0.2), Y),
    "SwitchedLoss": (lambda: SwitchedLoss([LaplaceNLL(), "mse"]), Y),
    "BlendedLoss": (lambda: BlendedLoss([LaplaceNLL(), RunningScaleError()]), Y),
    "a user's own": (RunningScaleError, Y),
}


def nested(inner):
    """The inner loss mixed into a BlendedLoss, which is the active one of a SwitchedLoss."""
    wants_classes = isinstance(inner, NCA)
    blend = BlendedLoss(
        [inner, TemperedCrossentropy() if wants_classes else "mse"], names=["inner", "other"]
    )
    blend.share = 0.25
    plain = "sparse_categorical_crossentropy" if wants_classes else "mse"
    return SwitchedLoss([blend, plain], names=["blend", "plain"])


@pytest.mark.parametrize("name", INNER)
@pytest.mark.slow
def test_an_inner_loss_trains_and_goes_on_bit_for_bit_after_a_reload(name, tmp_path):
    make, y = INNER[name]
    keras.utils.set_random_seed(1)
    inner = make()
    model = model_with(nested(inner), outputs=2 if name == "NCA" else 1)
    fresh = arrays(inner.variables)
    model.save(tmp_path / "fresh.keras")
    train_on(model, X, y, 2)
    assert not equal(arrays(inner.variables), fresh) or name == "SwitchedLoss"
    model.save(tmp_path / "trained.keras")
    again = keras.models.load_model(tmp_path / "trained.keras")
    assert equal(state(again), state(model))
    assert train_on(again, X, y, 2) == train_on(model, X, y, 2)
    assert equal(state(again), state(model))
    loaded = keras.models.load_model(tmp_path / "fresh.keras")
    assert equal(arrays(loaded.loss_layer.branches[0].branches[0].variables), fresh)


class TestSwitchedToAState(StatefulLossContract):
    def make_loss(self):
        return SwitchedLoss([RunningScaleError(), LaplaceNLL()])

    def test_two_replicas_train_like_one_device(self):
        """It is refused there, see below."""


class TestBlendOfTrainedLosses(StatefulLossContract):
    def make_loss(self):
        loss = BlendedLoss([LaplaceNLL(start=0.3), AdaptiveRobustLoss(1)])
        loss.share = 0.5
        return loss

    def test_its_config_makes_it_again(self):
        loss = self.make_loss()
        again = BlendedLoss.from_config(loss.get_config())
        assert again.names == loss.names and again.share == 0  # a state is no setting


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}, {"run_eagerly": True}], ids=str)
@pytest.mark.parametrize("outer", [SwitchedLoss, BlendedLoss])
def test_a_loss_out_of_use_keeps_state_and_variables(outer, options):
    parts = [StateSwitchedLoss(["mse", "mae"], 1, 2, name="state"), LaplaceNLL(start=0.5)]
    loss = outer(parts, names=["state", "laplace"])
    model = model_with(loss, optimizer=keras.optimizers.SGD(0.1), **options)
    train_on(model, X, Y, 1)
    assert np.isfinite(parts[0].average) and parts[1].log_scale.numpy() == 0.5
    if outer is SwitchedLoss:
        loss.activate("laplace")
    else:
        loss.share = 1.0
    before = arrays(parts[0].variables)
    train_on(model, X, Y, 1)
    assert equal(arrays(parts[0].variables), before) and parts[1].log_scale.numpy() != 0.5


def test_an_inner_state_moves_as_it_does_alone():
    parts = [StateSwitchedLoss(["mse", "mae"], 1, 2), WorstCaseWeights((8, 8), 0.1, loss="mse")]
    copies = [type(part).from_config(part.get_config()) for part in parts]
    for part, alone in zip(parts, copies, strict=True):
        nested = model_with(SwitchedLoss([part, "mse"], names=["part", "mse"]))
        plain, fresh = model_with(alone), arrays(alone.variables)
        assert train_on(nested, X, Y, 2) == train_on(plain, X, Y, 2)
        assert equal(arrays(part.variables), arrays(alone.variables))
        assert not equal(arrays(part.variables), fresh)
        nested.evaluate(X, Y, verbose=0)
        assert equal(arrays(part.variables), arrays(alone.variables))


def test_an_end_of_a_blend_is_one_loss_alone():
    """Also where the other one has no value: 0 times infinity would be NaN."""
    blend = BlendedLoss(["mean_squared_error", lambda y, p: ops.log(0.0 * p[..., 0])], ["a", "b"])
    np.testing.assert_array_equal(blend(Y, Y + 2), np.full(16, 4.0))


# The module's own functions.


@pytest.mark.parametrize("outer", [SwitchedLoss, BlendedLoss])
def test_a_pair_of_closures_trains_and_is_saved(outer, tmp_path):
    model = model_with(outer([huber(1.5), pinball(quantile=0.9)]))
    assert model.loss_layer.names == ("huber", "pinball")
    train_on(model, X, Y, 1)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert equal(state(again), state(model))
    for one, other in zip(*(m.loss_layer.branches for m in (again, model)), strict=True):
        np.testing.assert_array_equal(one(Y, 3 * Y - 1), other(Y, 3 * Y - 1))
    assert train_on(again, X, Y, 1) == train_on(model, X, Y, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: weighted_binary_crossentropy(np.array([0.3, 2.0])),
        lambda: weighted_binary_crossentropy((np.float32(0.25), 1)),
        lambda: near_zero_penalty(epsilon=np.float64(0.3)),
        lambda: pinball(np.float32(0.75)),
    ],
)
def test_arguments_from_numpy_are_kept(make):
    loss = make()
    outer = SwitchedLoss.from_config(SwitchedLoss([loss]).get_config())
    np.testing.assert_array_equal(outer(Y, 0.5 * Y + 0.25), loss(Y, 0.5 * Y + 0.25))


@pytest.mark.parametrize("name", ["UncertaintyWeights", "WorstCaseWeights"])
def test_a_closure_may_be_a_task_or_a_class_loss(name):
    binary = weighted_binary_crossentropy((1.0, 2.0))
    makes = {
        "UncertaintyWeights": lambda: UncertaintyWeights([binary]),
        "WorstCaseWeights": lambda: WorstCaseWeights((8, 8), loss=binary),
    }
    loss = makes[name]()
    again = type(loss).from_config(loss.get_config())
    np.testing.assert_array_equal(again(Y, 0.5 * Y + 0.25), loss(Y, 0.5 * Y + 0.25))


@pytest.mark.parametrize(
    "second",
    [TemperedCrossentropy, lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True)],
    ids=["layer", "object"],
)
@pytest.mark.parametrize("labels", [Y, Y[:, 0]], ids=["column", "row"])
def test_class_numbers_reach_a_loss_that_wants_them(second, labels):
    loss = SwitchedLoss(["sparse_categorical_crossentropy", second()], names=["plain", "other"])
    model = model_with(loss, outputs=3)
    assert np.all(np.isfinite(train_on(model, X, labels.astype("int32"), 1)))


# What is refused is refused by name, and when the outer loss is made.


class Stubborn(StatefulLoss):
    """A loss that cannot be made from what it says."""

    def __init__(self, must, **kwargs):
        super().__init__(**kwargs)

    def get_config(self):
        return keras.layers.Layer.get_config(self)


class Unregistered(LaplaceNLL):
    """A loss that is to be found through custom_objects, as Keras has it."""


class Held(keras.losses.Loss):
    """A loss object with a variable, which Keras neither trains nor saves."""

    def __init__(self):
        super().__init__(name="held")
        self.level = keras.Variable(1.0)

    def call(self, y_true, y_pred):
        return self.level * ops.mean(ops.abs(y_true - y_pred), axis=-1)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda: Stubborn(3, name="mine"), ["mine", "cannot be saved", "get_config"]),
        (Held, ["'held'", "variable", "neither train nor be saved", "StatefulLoss"]),
        (lambda: huber(keras.Variable(1.0)), ["'huber'", "variable", "StatefulLoss"]),
        (lambda: huber(tf.Variable(1.0)), ["'huber'", "variable", "StatefulLoss"]),
    ],
)
def test_what_cannot_be_part_of_a_loss_is_named_at_once(loss, words):
    for make in (SwitchedLoss, lambda losses: BlendedLoss([*losses, "mse"])):
        with pytest.raises(ValueError) as caught:
            make([loss()])
        assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    "make",
    [lambda loss: UncertaintyWeights([loss]), lambda loss: WorstCaseWeights((1, 1), loss=loss)],
)
@pytest.mark.parametrize("loss", [lambda: MahalanobisNLL(1), Held], ids=["layer", "object"])
def test_weights_take_no_losses_with_variables(make, loss):
    with pytest.raises(ValueError, match="variable"):
        make(loss())


def test_a_part_that_is_not_registered_needs_custom_objects(tmp_path):
    model = model_with(SwitchedLoss([Unregistered(start=0.5), "mse"]))
    train_on(model, X, Y, 1)
    model.save(tmp_path / "model.keras")
    with pytest.raises(TypeError, match="Unregistered"):
        keras.models.load_model(tmp_path / "model.keras")
    objects = {"Unregistered": Unregistered}
    again = keras.models.load_model(tmp_path / "model.keras", custom_objects=objects)
    assert equal(state(again), state(model))


def a_state_among_replicas():
    """The error of a loss that is made where two replicas are."""
    with replicas().scope():
        try:
            SwitchedLoss([RunningScaleError(name="running"), "mse"])
        except ValueError as error:
            return str(error)


def test_a_state_inside_another_loss_is_refused_on_several_replicas(other_process):
    message = other_process.submit(a_state_among_replicas).result()
    assert "'running'" in message and "2 replicas" in message


# Only what counts moves a state.


def error_of(errors):
    return np.float32(errors)[:, None], np.zeros((len(errors), 1), "float32")


@pytest.mark.parametrize("nested", [False, True])
def test_samples_of_weight_0_do_not_reach_the_average(nested):
    loss = StateSwitchedLoss(["mse", "mae"], lower=1, upper=2, momentum=0.5)
    model = model_with(SwitchedLoss([loss, "mse"], names=["state", "mse"]) if nested else loss)
    model.network.layers[-1].activation = keras.activations.linear
    model.network.set_weights([np.zeros_like(w) for w in model.network.get_weights()])
    model.compile(keras.optimizers.SGD(0.0))
    y = np.float32([0.5] * 4 + [1000] * 4)[:, None]
    weights = np.float32([1] * 4 + [0] * 4)
    model.train_on_batch(X[:8], y, sample_weight=weights)
    assert (loss.average, loss.active) == (0.5, 0)
    model.train_on_batch(X[:8], y, sample_weight=0 * weights)
    assert (loss.average, loss.active) == (0.5, 0)
    model.train_on_batch(X[:8], y, sample_weight=weights + 1)
    wanted = (0.5 * 0.5 + (2 * 4 * 0.5 + 4 * 1000) / 12) / 1.5
    assert loss.average == pytest.approx(wanted, rel=1e-6)


def padded(loss, labels, steps=4):
    """A sequence model whose inputs end in padding, and its labels with rubbish there."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, steps, 2)).astype("float32")
    keras.utils.set_random_seed(1)
    inputs = keras.Input((None, 2))
    masked = keras.layers.Masking()(inputs)
    network = keras.Model(inputs, keras.layers.Dense(labels.shape[-1])(masked))
    model = ModelWithLoss(network, loss)
    model.compile(keras.optimizers.SGD(0.0))
    return model, x


@pytest.mark.parametrize("weighted", [False, True])
def test_padding_reaches_neither_average_nor_adversary(weighted):
    one_hot = np.eye(2, dtype="float32")[np.arange(24).reshape(6, 4) % 2]
    for make, labels in (
        (lambda: StateSwitchedLoss(["mse", "mae"], 1, 2), one_hot),
        (lambda: WorstCaseWeights((12, 12), 0.5), one_hot),
    ):
        short, x = padded(make(), labels)
        padding = np.zeros((6, 3, 2), "float32")
        long_y = np.concatenate([labels, padding + np.float32([0, 1])], axis=1)
        long, _ = padded(make(), labels)
        weights = np.linspace(0.5, 1, 42, dtype="float32").reshape(6, 7) if weighted else None
        short.train_on_batch(x, labels, sample_weight=weights[:, :4] if weighted else None)
        long.train_on_batch(np.concatenate([x, padding], axis=1), long_y, sample_weight=weights)
        for one, other in zip(*(m.loss_layer.variables for m in (short, long)), strict=True):
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-7)
        assert not equal(arrays(make().variables), arrays(short.loss_layer.variables))


def test_samples_of_weight_0_do_not_reach_the_adversary():
    y, logits = np.eye(2, dtype="float32")[[0, 1, 1, 1]], RNG.normal(size=(4, 2)).astype("float32")
    weights = np.float32([1, 1, 0, 0])
    some, all_of_them = (WorstCaseWeights((2, 2), step_size=1.0) for _ in range(2))
    some(y[:2], logits[:2], training=True)
    spoilt = np.where(weights[:, None] > 0, logits, np.nan)
    all_of_them(y, spoilt, training=True, sample_weight=weights)
    np.testing.assert_allclose(all_of_them.class_weights, some.class_weights, rtol=1e-6)
    assert abs(float(some.class_weights[0]) - 0.5) > 1e-3
