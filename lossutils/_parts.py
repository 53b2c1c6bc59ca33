"""Losses that are parts of another loss: found by name, called per sample, saved with the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def resolved(argument: str, loss: Any) -> Callable:
    """The loss that a Keras name, a function or an object stands for; ValueError for others."""
    wanted = f"`{argument}` must hold a name, a function or a loss"
    if not isinstance(loss, str) and not callable(loss):
        raise ValueError(f"{wanted}, but holds {loss!r}.")
    try:
        return keras.losses.get(loss)
    except ValueError as error:
        raise ValueError(f"{wanted}, but {loss!r} is unknown to Keras.") from error


def per_sample(loss: Callable) -> Callable:
    """The function of a loss that gives one value per sample."""
    # Called as a whole, a keras Loss would reduce the batch to one number.
    return loss.call if isinstance(loss, keras.losses.Loss) else loss


def stored(loss: Callable, name: str) -> Any:
    """The config of a loss, after a look at whether it brings the same loss back.

    A closure is stored by its name and not found again. Some losses come back with other settings:
    in Keras 3.15 keras.losses.Huber(0.5) is stored without its delta and comes back with 1.
    """
    config = keras.saving.serialize_keras_object(loss)
    try:
        back = restored(config)
    except (TypeError, ValueError):
        back = None
    if back is None or _settings(back) != _settings(loss):
        raise ValueError(
            f"the loss {name!r} cannot be saved: Keras would not bring the same one back. Write it "
            "as a function of (y_true, y_pred) that is registered with "
            "keras.saving.register_keras_serializable, or as a Loss with all its settings in "
            "get_config."
        )
    return config


def restored(config: Any) -> Callable:
    """The loss that `stored` gave the config of, or the loss itself if it is one already."""
    return keras.saving.deserialize_keras_object(config) if isinstance(config, dict) else config


def _settings(loss: Callable) -> dict[str, Any]:
    simple = (bool, int, float, str, tuple, list, dict, type(None))
    return {k: v for k, v in getattr(loss, "__dict__", {}).items() if isinstance(v, simple)}
