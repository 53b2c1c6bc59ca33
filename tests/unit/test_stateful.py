"""StatefulLoss and ModelWithLoss in fit, evaluate and predict, against plain Keras and NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import arrays, equal
from keras import ops
from small_losses import LaplaceNLL, RunningScaleError, TemperedCrossentropy, TwoOutputError

from lossutils import ModelWithLoss, StatefulLoss

RNG = np.random.default_rng(11)
X = RNG.normal(size=(16, 2)).astype("float32")
Y = (X[:, :1] - 2 * X[:, 1:] + 0.2 * RNG.normal(size=(16, 1))).astype("float32")
WEIGHTS = np.linspace(0, 2, 16, dtype="float32")


class AbsoluteError(StatefulLoss):
    """Mean absolute error: nothing to learn, so plain Keras must do the very same."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def network(outputs=1, **options):
    """A small network; the same at every call."""
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(outputs, **options)]
    )


def owning(loss, inner=None, optimizer="sgd", **options):
    """A compiled ModelWithLoss."""
    model = ModelWithLoss(network() if inner is None else inner, loss)
    model.compile(optimizer, **options)
    return model


def both(inner_of=network, **options):
    """The same network under ModelWithLoss(AbsoluteError) and under plain Keras with "mae"."""
    ours = owning(AbsoluteError(), inner_of(), **options)
    theirs = inner_of()
    theirs.compile("sgd", loss="mae", **options)
    return ours, theirs


def train(model, x=X, y=Y, epochs=3, batch_size=8, **options):
    """The history of a fit in a fixed order."""
    options = {"shuffle": False, "verbose": 0, **options}
    return model.fit(x, y, epochs=epochs, batch_size=batch_size, **options).history


def assert_same_training(ours, theirs, **options):
    """Both models train, and report, the same."""
    history, wanted = train(ours, **options), train(theirs, **options)
    assert set(history) == set(wanted)
    for key in wanted:
        np.testing.assert_allclose(history[key], wanted[key], rtol=2e-6, err_msg=key)
    for one, other in zip(ours.network.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


# Equal to plain Keras wherever plain Keras can do it.


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sample_weight": WEIGHTS},
        {"validation_data": (X[:5], Y[:5])},
        {"validation_data": (X[:4], Y[:4], WEIGHTS[2:6])},
        {"validation_split": 0.25},
        {"batch_size": 5},
        {"shuffle": True},
    ],
    ids=lambda options: "+".join(options) or "plain",
)
def test_fit_equals_plain_keras(options):
    ours, theirs = both(metrics=["mse"], weighted_metrics=["mae"])
    if options.get("shuffle"):
        keras.utils.set_random_seed(4)
        history = train(ours, **options)
        keras.utils.set_random_seed(4)
        assert history["loss"] == pytest.approx(train(theirs, **options)["loss"], rel=1e-6)
    else:
        assert_same_training(ours, theirs, **options)


@pytest.mark.parametrize(
    "options",
    [{"run_eagerly": True}, {"jit_compile": True}, {"steps_per_execution": 2}],
    ids=str,
)
def test_every_way_to_compile_equals_plain_keras(options):
    assert_same_training(*both(**options))


def test_evaluate_and_predict_equal_plain_keras():
    ours, theirs = both(metrics=["mse"])
    wanted = theirs.evaluate(X, Y, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    got = ours.evaluate(X, Y, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    assert got == pytest.approx(wanted, rel=1e-6)
    np.testing.assert_array_equal(ours.predict(X, verbose=0), theirs.predict(X, verbose=0))
    np.testing.assert_array_equal(ours(X), ours.network(X))


def test_single_batches_equal_plain_keras():
    ours, theirs = both(metrics=["mse"])
    for name in ("train_on_batch", "test_on_batch"):
        got, wanted = (
            getattr(model, name)(X, Y, sample_weight=WEIGHTS, return_dict=True)
            for model in (ours, theirs)
        )
        assert got.keys() == wanted.keys()
        np.testing.assert_allclose(list(got.values()), list(wanted.values()), rtol=1e-6)
    np.testing.assert_allclose(ours.predict_on_batch(X), theirs.predict_on_batch(X), rtol=1e-5)


def test_arguments_by_position_equal_plain_keras():
    ours, theirs = both()
    for model in (ours, theirs):
        keras.utils.set_random_seed(4)
        model.fit(X, Y, 8, 2, 0)
    np.testing.assert_allclose(ours.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_takes_a_tf_dataset_and_a_generator(weighted):
    columns = (X, Y, WEIGHTS) if weighted else (X, Y)
    ours, theirs = both()
    for model in (ours, theirs):
        model.fit(tf.data.Dataset.from_tensor_slices(columns).batch(8), epochs=2, verbose=0)
        batches = (tuple(c[i : i + 4] for c in columns) for i in (0, 4, 8))
        model.fit(batches, steps_per_epoch=3, epochs=1, verbose=0)
    np.testing.assert_allclose(ours.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-5)


@pytest.mark.parametrize("eager", [False, True])
def test_regularizers_and_add_loss_count_as_in_plain_keras(eager):
    class Bounded(keras.layers.Layer):
        def call(self, x):
            self.add_loss(0.1 * ops.mean(ops.square(x)))
            return x

    def penalised():
        keras.utils.set_random_seed(2)
        return keras.Sequential(
            [
                keras.Input((2,)),
                keras.layers.Dense(3, "tanh", kernel_regularizer=keras.regularizers.L2(0.3)),
                Bounded(),
                keras.layers.Dense(1, bias_regularizer="l1", activity_regularizer="l2"),
            ]
        )

    ours, theirs = both(penalised, run_eagerly=eager)
    assert_same_training(ours, theirs, sample_weight=WEIGHTS)
    got = ours.evaluate(X, Y, batch_size=8, verbose=0)
    assert got == pytest.approx(theirs.evaluate(X, Y, batch_size=8, verbose=0), rel=1e-6)
    plain = np.mean(np.abs(Y - ours.predict(X, verbose=0)))
    assert got > 1.05 * plain


@pytest.mark.parametrize("eager", [False, True])
def test_add_loss_inside_the_loss_counts_once_a_step(eager):
    class Costly(AbsoluteError):
        def call(self, y_true, y_pred):
            self.add_loss(ops.convert_to_tensor(2.0))
            return super().call(y_true, y_pred)

    model = owning(Costly(), optimizer=keras.optimizers.SGD(0.0), run_eagerly=eager)
    wanted = np.mean(np.abs(Y - model.predict(X, verbose=0))) + 2
    assert train(model)["loss"] == pytest.approx([wanted] * 3, rel=1e-6)


@pytest.mark.parametrize("eager", [False, True])
def test_regularizer_on_a_variable_of_the_loss_counts(eager):
    class Held(AbsoluteError):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.knob = self.add_weight(
                shape=(), initializer="ones", regularizer=keras.regularizers.L2(3.0)
            )

    model = owning(Held(), optimizer=keras.optimizers.SGD(0.1), run_eagerly=eager)
    wanted = np.mean(np.abs(Y - model.predict(X, verbose=0))) + 3
    assert model.train_on_batch(X, Y) == pytest.approx(wanted, rel=1e-6)
    assert float(model.loss_layer.knob.numpy()) == pytest.approx(1 - 0.1 * 6)


def test_dropout_and_batch_normalization_know_whether_they_train():
    def noisy():
        keras.utils.set_random_seed(2)
        layers = keras.layers
        return keras.Sequential(
            [keras.Input((2,)), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)]
        )

    assert_same_training(*both(noisy), validation_data=(X, Y))


def test_class_weight_equals_plain_keras():
    labels = (Y > 0).astype("int32")

    class Crossentropy(StatefulLoss):
        def call(self, y_true, y_pred):
            return keras.losses.binary_crossentropy(y_true, y_pred)

    ours = owning(Crossentropy(), network(activation="sigmoid"))
    theirs = network(activation="sigmoid")
    theirs.compile("sgd", loss="binary_crossentropy")
    assert_same_training(ours, theirs, y=labels, class_weight={0: 0.2, 1: 3.0})


@pytest.mark.parametrize("weighted", [False, True])
def test_masks_on_a_time_axis_equal_plain_keras(weighted):
    x = np.random.default_rng(0).normal(size=(6, 4, 2)).astype("float32")
    y = x.sum(axis=-1, keepdims=True)
    x[0, 2:] = x[3, 1:] = 0
    y[0, 2:] = y[3, 1:] = 50  # must not count

    def recurrent():
        keras.utils.set_random_seed(2)
        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input((4, 2)),
                layers.Masking(),
                layers.SimpleRNN(3, return_sequences=True),
                layers.Dense(1),
            ]
        )

    options = {"sample_weight": np.linspace(0.5, 1, 24).reshape(6, 4)} if weighted else {}
    ours, theirs = both(recurrent)
    assert_same_training(ours, theirs, x=x, y=y, batch_size=3, **options)
    keep = np.any(x != 0, axis=-1)
    wanted = np.mean(np.abs(y - ours.predict(x, verbose=0))[..., 0][keep])
    assert ours.evaluate(x, y, verbose=0) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight", "sum_over_batch_size"])
def test_reductions_equal_plain_keras(reduction):
    ours = owning(AbsoluteError(reduction=reduction))
    theirs = network()
    theirs.compile("sgd", loss=keras.losses.MeanAbsoluteError(reduction=reduction))
    assert_same_training(ours, theirs, sample_weight=WEIGHTS + 0.1)


# What plain Keras cannot do: variables of the loss.


def test_sample_weight_1_0_0_gives_a_third_of_the_first_value():
    model = owning(AbsoluteError())
    values = np.abs(Y - model.predict(X, verbose=0))[:3, 0]
    got = model.evaluate(X[:3], Y[:3], sample_weight=np.float32([1, 0, 0]), verbose=0)
    assert got == pytest.approx(values[0] / 3, rel=1e-6)


def test_the_scale_is_learned_to_its_closed_form():
    identity = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model = ModelWithLoss(identity, LaplaceNLL(start=1.0))
    model.compile(keras.optimizers.Adam(0.05))
    zeros = np.zeros_like(Y)
    model.fit(np.tile(zeros, (400, 1)), np.tile(Y, (400, 1)), 16, shuffle=False, verbose=0)
    scale = np.exp(model.loss_layer.log_scale.numpy())
    assert scale == pytest.approx(np.mean(np.abs(Y)), rel=1e-3)
    assert model.evaluate(zeros, Y, verbose=0) == pytest.approx(np.log(2 * scale) + 1, rel=1e-4)


def test_one_step_equals_the_hand_written_step():
    model = owning(LaplaceNLL(start=0.5), optimizer=keras.optimizers.SGD(0.1))
    before, size = model.network.get_weights(), np.abs(Y - model.predict(X, verbose=0))
    value = model.train_on_batch(X, Y)
    assert value == pytest.approx(size.mean() * np.exp(-0.5) + 0.5 + np.log(2), rel=1e-6)
    gradient = 1 - size.mean() * np.exp(-0.5)
    assert model.loss_layer.log_scale.numpy() == pytest.approx(0.5 - 0.1 * gradient, rel=1e-6)
    assert not any(map(np.array_equal, before, model.network.get_weights()))


def test_variables_of_the_loss_stand_last_in_the_lists():
    model = owning(LaplaceNLL())
    assert model.trainable_variables[-1] is model.loss_layer.log_scale
    assert len(model.trainable_variables) == len(model.network.trainable_variables) + 1
    state = owning(RunningScaleError())
    assert {"level", "steps"} <= {v.name for v in state.non_trainable_variables}


def test_a_frozen_network_lets_only_the_loss_learn():
    model = ModelWithLoss(network(), LaplaceNLL())
    model.network.trainable = False
    model.compile("sgd")
    before = model.network.get_weights()
    train(model)
    assert all(map(np.array_equal, before, model.network.get_weights()))
    assert model.loss_layer.log_scale.numpy() != 0


def test_a_frozen_loss_lets_only_the_network_learn():
    model = ModelWithLoss(network(), LaplaceNLL(start=0.5))
    model.loss_layer.trainable = False
    model.compile("sgd")
    before = model.network.get_weights()
    train(model)
    assert not any(map(np.array_equal, before, model.network.get_weights()))
    assert model.loss_layer.log_scale.numpy() == 0.5


@pytest.mark.parametrize("eager", [False, True])
def test_the_loss_is_told_whether_it_trains(eager):
    model = owning(RunningScaleError(), run_eagerly=eager)
    steps = model.loss_layer.steps
    train(model, epochs=3, batch_size=4, validation_data=(X, Y))
    assert steps.numpy() == 12
    model.evaluate(X, Y, verbose=0)
    model.test_on_batch(X, Y)
    model.predict(X, verbose=0)
    assert steps.numpy() == 12
    model.train_on_batch(X, Y)
    assert steps.numpy() == 13


def test_a_variable_set_by_a_callback_acts_at_once_and_without_a_new_trace():
    traces = []

    class Switched(StatefulLoss):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.factor = self.add_weight(shape=(), initializer="ones", trainable=False)

        def call(self, y_true, y_pred):
            traces.append(1)
            return self.factor * ops.mean(ops.abs(y_true - y_pred), axis=-1)

    model = owning(Switched(), optimizer=keras.optimizers.SGD(0.0))
    switch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.loss_layer.factor.assign(10.0**epoch)
    )
    losses = train(model, epochs=1)["loss"]
    after_first = len(traces)
    losses = train(model, epochs=4, callbacks=[switch])["loss"]
    assert len(traces) == after_first
    assert np.divide(losses, losses[0]) == pytest.approx([1, 10, 100, 1000], rel=1e-5)


def test_class_indices_against_logits():
    labels = np.argmax(np.hstack([X, -X[:, :1]]), axis=1)
    for y in (labels, labels[:, None]):
        model = owning(TemperedCrossentropy(), network(3), metrics=["accuracy"])
        logits = model.predict(X, verbose=0)
        wanted = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
        assert model.evaluate(X, y, verbose=0)[0] == pytest.approx(float(wanted), rel=1e-6)
        train(model, y=y)
        assert model.loss_layer.log_temperature.numpy() != 0


@pytest.mark.parametrize("kind", ["list", "dict"])
@pytest.mark.parametrize("eager", [False, True])
def test_networks_with_several_outputs(kind, eager):
    keras.utils.set_random_seed(2)
    inputs = keras.Input((2,))
    outputs = [keras.layers.Dense(1, name="a")(inputs), keras.layers.Dense(2, name="b")(inputs)]
    targets = [Y, X]
    if kind == "dict":
        outputs, targets = [{"a": a, "b": b} for a, b in (outputs, targets)]
    model = owning(TwoOutputError(), keras.Model(inputs, outputs), run_eagerly=eager)
    a, b = keras.tree.flatten(model.predict(X, verbose=0))
    values = ((Y - a) ** 2).mean(axis=1) + ((X - b) ** 2).mean(axis=1)
    assert model.evaluate(X, targets, verbose=0) == pytest.approx(values.mean(), rel=1e-6)
    got = model.evaluate(X, targets, sample_weight=WEIGHTS, batch_size=16, verbose=0)
    assert got == pytest.approx(np.mean(values * WEIGHTS), rel=1e-6)
    history = train(model, y=targets, epochs=5)["loss"]
    assert history[-1] < history[0]
    assert np.all(model.loss_layer.log_weights.numpy() != 0)


def test_metrics_of_several_outputs():
    keras.utils.set_random_seed(2)
    inputs = keras.Input((2,))
    outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in "ab"}
    model = owning(TwoOutputError(), keras.Model(inputs, outputs), metrics={"a": "mae", "b": "mse"})
    got = model.evaluate(X, {"a": Y, "b": Y}, verbose=0, return_dict=True)
    predicted = model.predict(X, verbose=0)
    assert got["a_mae"] == pytest.approx(np.mean(np.abs(Y - predicted["a"])), rel=1e-6)
    assert got["b_mse"] == pytest.approx(np.mean((Y - predicted["b"]) ** 2), rel=1e-6)


def test_a_network_with_several_inputs_and_none_built_yet():
    class Added(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs["left"] + inputs["right"])

    keras.utils.set_random_seed(2)
    model = owning(LaplaceNLL(), Added())
    history = train(model, x={"left": X, "right": X})["loss"]
    assert history[-1] < history[0]
    assert len(model.trainable_variables) == 3


def test_a_sequential_network_without_input_is_built_by_the_first_fit():
    keras.utils.set_random_seed(2)
    model = owning(LaplaceNLL(), keras.Sequential([keras.layers.Dense(1)]))
    history = train(model)["loss"]
    assert history[-1] < history[0]
    assert len(model.trainable_variables) == 3


# Optimizers.


def test_gradient_accumulation_waits_also_for_the_loss():
    model = owning(LaplaceNLL(), optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    model.train_on_batch(X, Y)
    assert model.loss_layer.log_scale.numpy() == 0
    model.train_on_batch(X, Y)
    assert model.loss_layer.log_scale.numpy() != 0


@pytest.mark.skipif(
    not hasattr(keras.optimizers, "MultiOptimizer"), reason="younger than Keras 3.13"
)
def test_the_loss_may_have_its_own_learning_rate():
    rates = keras.optimizers.OptimizerMap(
        keras.optimizers.SGD(0.0), {".*log_scale": keras.optimizers.SGD(0.1)}
    )
    multi = keras.optimizers.MultiOptimizer(rates)
    model = owning(LaplaceNLL(), optimizer=multi)
    before = model.network.get_weights()
    train(model)
    assert all(map(np.array_equal, before, model.network.get_weights()))
    assert model.loss_layer.log_scale.numpy() != 0


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
def test_mixed_float16_scales_the_loss_and_computes_it_in_float32(xla):
    seen = []

    class Watching(LaplaceNLL):
        def call(self, y_true, y_pred):
            seen.append((y_true.dtype, y_pred.dtype))
            return super().call(y_true, y_pred)

    keras.config.set_dtype_policy("mixed_float16")
    try:
        inner, loss = network(), Watching()
    finally:
        keras.config.set_dtype_policy("float32")
    model = owning(loss, inner, jit_compile=xla)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert model.network(X).dtype == tf.float16
    size = np.abs(Y - model.predict(X, verbose=0).astype("float32"))
    assert model.train_on_batch(X, Y) == pytest.approx(size.mean() + np.log(2), rel=1e-3)
    assert set(seen) == {(tf.float32, tf.float32)}
    assert model.loss_layer.log_scale.dtype == "float32"
    assert model.loss_layer.log_scale.numpy() == pytest.approx(0.01 * (size.mean() - 1), rel=1e-2)


DECAYING = {
    "AdamW": lambda decay: keras.optimizers.AdamW(0.1, weight_decay=decay),
    "SGD": lambda decay: keras.optimizers.SGD(0.1, weight_decay=decay),
    "Lion": lambda decay: keras.optimizers.Lion(0.1, weight_decay=decay),
}


@pytest.mark.parametrize("reload", [False, True])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("name", DECAYING)
def test_weight_decay_keeps_off_the_variables_of_the_loss(name, policy, reload, tmp_path):
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    inner.dtype_policy = keras.DTypePolicy(policy)
    model = ModelWithLoss(inner, LaplaceNLL(start=4.0))
    model.network.set_weights([np.ones((2, 1))])
    model.compile(DECAYING[name](0.5))
    if reload:
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
    # Inputs and labels of 0: nothing but the decay moves the network.
    model.train_on_batch(0 * X, 0 * Y)
    np.testing.assert_allclose(model.network.get_weights()[0], 0.95, atol=2e-3)
    without = ModelWithLoss(inner, LaplaceNLL(start=4.0))
    without.compile(DECAYING[name](None if name != "AdamW" else 0.0))
    model.network.set_weights([np.ones((2, 1))])
    without.train_on_batch(0 * X, 0 * Y)
    scales = model.loss_layer.log_scale.numpy(), without.loss_layer.log_scale.numpy()
    assert scales[0] == pytest.approx(scales[1], rel=1e-6) and scales[0] < 4


def test_what_was_excluded_from_weight_decay_before_stays_so():
    optimizer = keras.optimizers.SGD(0.1, weight_decay=0.5)
    inner = network()
    kernels = [layer.kernel for layer in inner.layers]
    optimizer.exclude_from_weight_decay(var_list=kernels[:1], var_names=["bias"])
    model = owning(LaplaceNLL(), inner, optimizer)
    model.optimizer.build(model.trainable_variables)
    decayed = [v.path for v in model.trainable_variables if optimizer._use_weight_decay(v)]
    assert decayed == [kernels[1].path]


# Callbacks.


def test_early_stopping_restores_the_variables_of_the_loss_too():
    model = owning(LaplaceNLL(), optimizer=keras.optimizers.Adam(0.1))
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            (logs["val_loss"], arrays(model.trainable_variables))
        )
    )
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    # Labels turned round for validation: the better the training, the worse the validation.
    train(model, epochs=30, validation_data=(X, -Y), callbacks=[watch, stop])
    assert len(seen) < 30
    best = min(seen, key=lambda record: record[0])[1]
    assert equal(arrays(model.trainable_variables), best)
    assert best[-1] != seen[-1][1][-1]


def test_reduce_on_plateau_and_terminate_on_nan_do_their_work():
    model = owning(LaplaceNLL(), optimizer=keras.optimizers.SGD(0.5))
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100)
    train(model, epochs=4, callbacks=[plateau])
    assert float(model.optimizer.learning_rate.numpy()) < 0.5

    class Broken(AbsoluteError):
        def call(self, y_true, y_pred):
            return super().call(y_true, y_pred) * np.nan

    model = owning(Broken())
    assert len(train(model, epochs=5, callbacks=[keras.callbacks.TerminateOnNaN()])["loss"]) <= 1


# Errors that say what to do.


@pytest.mark.parametrize(
    "options", [{}, {"run_eagerly": True}, {"jit_compile": True}], ids=["graph", "eager", "xla"]
)
@pytest.mark.parametrize("wrap", ["alone", "list", "dict"])
def test_compile_with_a_stateful_loss_says_what_to_do(wrap, options):
    inputs = keras.Input((2,))
    inner = keras.Model(inputs, keras.layers.Dense(1, name="a")(inputs))
    if wrap == "dict":
        inner = keras.Model(inputs, {"a": keras.layers.Dense(1, name="a")(inputs)})
    loss = {"alone": LaplaceNLL(), "list": [LaplaceNLL()], "dict": {"a": LaplaceNLL()}}[wrap]
    inner.compile("sgd", loss=loss, **options)
    y = {"a": Y} if wrap == "dict" else Y
    for step in (inner.fit, inner.evaluate):
        with pytest.raises(ValueError, match="LaplaceNLL.*neither train.*ModelWithLoss"):
            step(X, y, verbose=0)


def test_a_stateful_loss_may_still_be_called_by_hand():
    values = LaplaceNLL()(Y, Y + 2.0)
    np.testing.assert_allclose(values, np.full(16, 2 + np.log(2)), rtol=1e-6)


@pytest.mark.parametrize("eager", [False, True])
def test_a_scalar_is_refused(eager):
    class Scalar(StatefulLoss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true - y_pred))

    model = owning(Scalar(), run_eagerly=eager)
    with pytest.raises(ValueError, match=r"Scalar.call returned a scalar.*per sample.*axis=-1"):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("eager", [False, True])
def test_labels_without_the_last_axis_are_refused(eager):
    model = owning(AbsoluteError(), run_eagerly=eager)
    message = r"`y_true` has shape \((8|None),\).*\((8|None), 1\).*y_true\[:, None\]"
    with pytest.raises(ValueError, match=message):
        train(model, y=Y[:, 0])
    with pytest.raises(ValueError, match=r"`y_true` has shape .*, 2\)"):
        train(model, y=np.hstack([Y, Y]))


def test_no_labels_at_all_are_refused():
    model = owning(AbsoluteError())
    with pytest.raises(ValueError, match="`y` must hold the labels.*None"):
        model.fit(X, epochs=1, verbose=0)


@pytest.mark.parametrize("weights", [[WEIGHTS, WEIGHTS], {"a": WEIGHTS}], ids=["list", "dict"])
def test_one_weight_for_each_output_is_refused(weights):
    model = owning(AbsoluteError())
    with pytest.raises(ValueError, match="`sample_weight` must be one array for all outputs"):
        model.fit(X, Y, sample_weight=weights, verbose=0)


@pytest.mark.parametrize(
    "labels", [Y, {"a": Y}, {"a": Y, "c": Y}, [Y, Y]], ids=["array", "one", "name", "list"]
)
def test_labels_that_do_not_fit_the_outputs_are_refused(labels):
    inputs = keras.Input((2,))
    outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in "ab"}
    model = owning(TwoOutputError(), keras.Model(inputs, outputs))
    with pytest.raises(ValueError, match=r"`y_true` must hold .* each output, .*'a', 'b'"):
        model.fit(X, labels, verbose=0)
