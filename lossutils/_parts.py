"""Losses that are parts of another loss: found by name, and saved with the whole."""

import types
from collections.abc import Callable

import keras
import tensorflow as tf

from lossutils import arguments, closures
from lossutils.stateful import StatefulLoss


class LossOfLosses(StatefulLoss):
    """What losses that are made of others share: they are saved with them.

    On load Keras makes a loss again from the arguments it was made with; here some of them are
    losses themselves.
    """

    def get_config(self):
        return keras.tree.map_structure(_stored, super().get_config())

    @classmethod
    def from_config(cls, config):
        return cls(**_restored(config))


def resolved(argument: str, loss) -> Callable:
    """The loss that a Keras name, a function or an object stands for; ValueError for others."""
    known = isinstance(loss, str) or callable(loss)
    arguments.check(argument, loss, "hold a name, a function or a loss", known)
    loss = keras.losses.get(loss)  # which names what it does not know
    if isinstance(loss, keras.layers.Layer):
        check_storable(loss)
    else:
        wanted = "hold no variable outside a StatefulLoss: it would neither train nor be saved"
        arguments.check(argument, name_of(loss), wanted, not _holds_a_variable(loss))
    return loss


def _holds_a_variable(loss: Callable) -> bool:
    cells = getattr(loss, "__closure__", None) or ()
    held = [*getattr(loss, "__dict__", {}).values(), *(cell.cell_contents for cell in cells)]
    return any(isinstance(value, (keras.Variable, tf.Variable)) for value in held)


def name_of(loss: Callable) -> str:
    """The name by which a loss is spoken of if it is given no other."""
    made_by = getattr(loss, "made_by", {}).get("closure")
    return getattr(loss, "name", None) or made_by or getattr(loss, "__name__", str(loss))


def labels_like_predictions(loss: Callable) -> bool:
    """Whether a loss wants labels in the shape of the predictions, and no class numbers."""
    sparse = getattr(loss, "fn", loss) is keras.losses.sparse_categorical_crossentropy
    return getattr(loss, "labels_like_predictions", not sparse)


def check_storable(loss: Callable) -> None:
    """Raise ValueError for a loss that would not come back the same from a saved model.

    A function is stored by its name, by which a closure is not found again. Some losses come back
    with other settings: in Keras 3.15 keras.losses.Huber(0.5) is stored without its delta and comes
    back with 1.
    """
    try:
        with keras.saving.custom_object_scope({type(loss).__name__: type(loss)}):
            same = _settings(_restored(_config(loss))) == _settings(loss)
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ValueError(
            f"the loss {loss!r} cannot be saved: Keras would not bring the same one back. Register "
            "its function with keras.saving, or write a class with all settings in get_config."
        )


def _settings(loss: Callable):
    if isinstance(loss, keras.layers.Layer):
        return type(loss)  # its config is all that is known of its settings
    if isinstance(loss, types.FunctionType):
        return getattr(loss, "made_by", loss)
    simple = (bool, int, float, str, tuple, list, dict, type(None), types.FunctionType)
    return {k: v for k, v in getattr(loss, "__dict__", {}).items() if isinstance(v, simple)}


def _stored(argument):
    """A loss as its config, after a look at it; any other argument as it is.

    A layer is looked at when it is made part of a loss, and not again.
    """
    if callable(argument) and not isinstance(argument, keras.layers.Layer):
        check_storable(argument)
    return _config(argument) if callable(argument) else argument


def _config(loss: Callable):
    return getattr(loss, "made_by", None) or keras.saving.serialize_keras_object(loss)


def _restored(config):
    """What `_stored` was given, of a loss and of anything that holds some."""
    if isinstance(config, (list, tuple)):
        return type(config)(map(_restored, config))
    if not isinstance(config, dict):
        return config
    if "closure" in config:
        return closures.STORABLE[config["closure"]](**config["arguments"])
    if "class_name" in config:
        return keras.saving.deserialize_keras_object(config)
    return {name: _restored(part) for name, part in config.items()}
