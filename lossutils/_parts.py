"""Losses that are parts of another loss: found by name, called per sample, saved with the whole."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from lossutils import closures


def resolved(argument: str, loss: Any) -> Callable:
    """The loss that a Keras name, a function or an object stands for; ValueError for others."""
    wanted = f"`{argument}` must hold a name, a function or a loss"
    if not isinstance(loss, str) and not callable(loss):
        raise ValueError(f"{wanted}, but holds {loss!r}.")
    try:
        loss = keras.losses.get(loss)
    except ValueError as error:
        raise ValueError(f"{wanted}, but {loss!r} is unknown to Keras.") from error
    if not isinstance(loss, keras.layers.Layer) and _holds_a_variable(loss):
        raise ValueError(
            f"`{argument}` must not hold {name_of(loss)!r}: it has a variable of its own, which "
            "would neither train nor be saved. Write it as a StatefulLoss."
        )
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
    function = getattr(loss, "fn", loss)  # of a keras Loss
    sparse = function is keras.losses.sparse_categorical_crossentropy
    return getattr(loss, "labels_like_predictions", not sparse)


def values_of(name: str, loss: Callable, y_true: Any, y_pred: Any, **offered: Any) -> Any:
    """One value per sample; a layer is given what its call has an argument for of ``offered``."""
    if isinstance(loss, keras.layers.Layer):
        wanted = inspect.signature(loss.call).parameters
        values = loss(y_true, y_pred, **{k: v for k, v in offered.items() if k in wanted})
    else:
        # Called as a whole, a keras Loss would reduce the batch to one number.
        values = (loss.call if isinstance(loss, keras.losses.Loss) else loss)(y_true, y_pred)
    if len(values.shape) == 0:
        raise ValueError(
            f"{name} returned a scalar; one value per sample is wanted, or sample weights and "
            "masks have nothing to act on. Average over the last axis only: ops.mean(..., axis=-1)."
        )
    return values


def stored(loss: Callable, name: str) -> Any:
    """The config of a loss, after a look at whether it brings the same loss back.

    A function is stored by its name, by which a closure is not found again. Some losses come back
    with other settings: in Keras 3.15 keras.losses.Huber(0.5) is stored without its delta and comes
    back with 1.
    """
    try:
        config = getattr(loss, "made_by", None) or keras.saving.serialize_keras_object(loss)
        json.dumps(config)
        with keras.saving.custom_object_scope({type(loss).__name__: type(loss)}):
            back = restored(config)
        same = _settings(back) == _settings(loss)
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ValueError(
            f"the loss {name!r} cannot be saved: Keras would not bring the same one back. Write it "
            "as a function of (y_true, y_pred) that is registered with "
            "keras.saving.register_keras_serializable, or as a class with all its settings in "
            "get_config."
        )
    return config


def config_of(loss: Callable, name: str) -> Any:
    """What `stored` gives; a layer is looked at when it is made part of a loss, and not again."""
    if isinstance(loss, keras.layers.Layer):
        return keras.saving.serialize_keras_object(loss)
    return stored(loss, name)


def restored(config: Any) -> Callable:
    """The loss that `stored` gave the config of, or the loss itself if it is one already."""
    if not isinstance(config, dict):
        return config
    if "closure" in config:
        return closures.STORABLE[config["closure"]](**config["arguments"])
    return keras.saving.deserialize_keras_object(config)


def _settings(loss: Callable) -> Any:
    if isinstance(loss, keras.layers.Layer):
        return type(loss)  # its config is all that is known of its settings
    if isinstance(loss, types.FunctionType):
        return getattr(loss, "made_by", loss)
    simple = (bool, int, float, str, tuple, list, dict, type(None), types.FunctionType)
    return {k: v for k, v in getattr(loss, "__dict__", {}).items() if isinstance(v, simple)}
