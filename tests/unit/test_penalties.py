"""The L1 penalty, against NumPy, the subgradient and Keras' own regularizer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lossutils import l1_penalty

entries = st.floats(-10, 10, width=32)
some_arrays = st.lists(
    arrays.arrays("float32", arrays.array_shapes(max_dims=3, max_side=3), elements=entries),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(some_arrays, st.floats(0, 4, width=32))
def test_is_its_formula(values, strength):
    got = l1_penalty([keras.Variable(v) for v in values], strength)
    wanted = strength * sum(np.abs(v.astype("float64")).sum() for v in values)
    assert got.shape == () and got.dtype == tf.float32
    assert float(got) == pytest.approx(wanted, rel=1e-5, abs=1e-6)


def test_default_strength():
    assert float(l1_penalty([np.float32([[100.0, -200.0]])])) == pytest.approx(3.0)


def test_equals_the_regularizer_of_keras():
    w = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    wanted = float(keras.regularizers.L1(0.03)(w))
    assert float(l1_penalty([w], 0.03)) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
def test_gradient_is_the_sign_and_0_at_0(xla):
    variable = tf.Variable([-2.0, 0.0, 3.0])

    @tf.function(jit_compile=xla)
    def gradient():
        with tf.GradientTape() as tape:
            value = l1_penalty([variable], strength=0.5)
        return tape.gradient(value, variable)

    assert gradient().numpy().tolist() == [-0.5, 0.0, 0.5]


def test_takes_half_precision_and_a_generator():
    values = (np.full(4000, 1.0, "float16") for _ in range(2))
    assert float(l1_penalty(values, strength=1.0)) == 8000  # beyond what float16 counts to


def test_strength_may_be_a_tensor_of_a_graph():
    in_graph = tf.function(lambda s: l1_penalty([np.float32([1, -2])], s))
    assert float(in_graph(tf.constant(0.5))) == 1.5


def test_in_compute_loss_equals_the_regularizers_of_the_layers():
    class Penalised(keras.Sequential):
        def compute_loss(self, *args, **kwargs):
            return super().compute_loss(*args, **kwargs) + l1_penalty(self.trainable_variables, 0.1)

    x = np.random.default_rng(1).normal(size=(16, 2)).astype("float32")

    def trained(model_class, **regularizers):
        keras.utils.set_random_seed(0)
        model = model_class([keras.Input((2,)), keras.layers.Dense(1, **regularizers)])
        model.compile(keras.optimizers.SGD(0.1), loss="mse")
        history = model.fit(x, x[:, :1], epochs=3, batch_size=16, verbose=0)
        return history.history["loss"], model.get_weights()

    l1 = keras.regularizers.L1(0.1)
    ours, ours_weights = trained(Penalised)
    theirs, their_weights = trained(keras.Sequential, kernel_regularizer=l1, bias_regularizer=l1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    for one, other in zip(ours_weights, their_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
