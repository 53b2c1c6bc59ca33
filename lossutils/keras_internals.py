"""What this package needs of Keras and TensorFlow that they do not offer openly.

Each function has a test that fails when a version does it otherwise.
"""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from keras.src.backend.common import global_state
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from tensorflow.python.eager import context


def called_by_compiled_model() -> bool:
    """Whether the caller runs as the loss of ``compile(loss=...)``: those have a name scope."""
    return any(s.startswith("compile_loss") for s in tf.get_current_name_scope().split("/"))


def mask_of(y_pred: Any) -> Any:
    """The mask that layers before have put on predictions, or None."""
    return getattr(y_pred, "_keras_mask", None)


def keep_from_decay(optimizer: keras.optimizers.Optimizer, variables: list[Any]) -> None:
    """Exclude variables from weight decay, besides those that are excluded already."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    if optimizer.built or not optimizer.weight_decay:
        return
    # Keras forgets at each call what it was told to exclude before.
    others = getattr(optimizer, "_exclude_from_weight_decay", set())
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    optimizer.exclude_from_weight_decay(variables)
    optimizer._exclude_from_weight_decay |= others
    optimizer._exclude_from_weight_decay_pattern = pattern


def as_object(loss: Any) -> Any:
    """A loss as Keras calls it: a function becomes an object that mends a missing last axis."""
    loss = keras.losses.get(loss)
    is_object = isinstance(loss, (keras.losses.Loss, keras.layers.Layer))
    return loss if is_object else LossFunctionWrapper(loss)


def compiled_losses(model: keras.Model, y_true: Any, y_pred: Any) -> list[tuple[Any, ...]]:
    """What Keras puts together for each output of a compiled model.

    That is the loss, labels, predictions, the operation that makes them, " (output 'its name')" if
    there are several, and the weight of the loss, None for 1.
    """
    heard, parts = [], [id(part) for part in tree.flatten(y_pred)]

    class Listener(keras.losses.Loss):
        def __init__(self, loss):
            super().__init__()
            self.loss = as_object(loss)

        def __call__(self, y_true, y_pred, sample_weight=None):
            last = last_operation(model, parts.index(id(y_pred)))
            heard.append((self.loss, y_true, y_pred, last))
            return 0.0

    listeners = tree.map_structure(lambda loss: loss and Listener(loss), model.loss)
    weights, names = model._compile_loss._user_loss_weights, model._compile_loss.output_names
    listening = type(model._compile_loss)(listeners, weights, output_names=names)
    listening(y_true, y_pred)
    pairs = zip(heard, listening._flat_losses, strict=True)
    where = " (output {!r})" if len(parts) > 1 else ""
    return [(*row, where.format(one.name), one.loss_weights) for row, one in pairs]


def last_operation(network: keras.Model, position: int) -> Any:
    """The layer or operation that makes an output of a network; None where Keras cannot say."""
    try:
        history = tree.flatten(network.outputs)[position]._keras_history
    except (AttributeError, IndexError):  # a network that is a class of its own
        return None
    if isinstance(history.operation, keras.Model):
        return last_operation(history.operation, history.tensor_index)
    return history.operation


def before_activation(prediction: Any) -> Any:
    """What went into a sigmoid or softmax, where Keras noted it; else the prediction itself."""
    return getattr(prediction, "_keras_logits", prediction)


def all_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a network, those inside other layers too."""
    return list(network._flatten_layers())


def known_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The variables that an optimizer was built for."""
    return getattr(optimizer, "_trainable_variables", [])


@contextlib.contextmanager
def seeds_put_back() -> Iterator[None]:
    """Draw random numbers inside the block from other sources than outside."""
    python, numpy = random.getstate(), np.random.get_state()
    generator = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    eager = context.context()
    seeds = getattr(eager, "_rng", None)  # none as long as nobody set a seed
    # Seeds of its own: TensorFlow's kernels remember how often a seed was drawn from.
    eager._rng = random.Random("diagnose")
    global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, None)
    try:
        yield
    finally:
        eager._rng = seeds
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, generator)
        random.setstate(python)
        np.random.set_state(numpy)
