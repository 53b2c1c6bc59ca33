"""Losses for Keras, written so that they can be read.

A loss without state is a closure; a loss with state is a layer that the model owns.

Names are imported when they are first used, so that `python -m lossutils` can report on an
installation in which TensorFlow is missing. After ``import lossutils`` Keras finds every class in a
saved model all the same.

>>> from lossutils import huber
>>> huber(delta=1.0)([[0.0]], [[3.0]]).numpy().tolist()
[2.5]
"""

from importlib import import_module
from typing import Any

from lossutils._registration import register

_HOME = {
    "huber": "closures",
    "weighted_binary_crossentropy": "closures",
    "weighted_categorical_crossentropy": "closures",
    "near_zero_penalty": "closures",
    "pinball": "closures",
    "tversky": "segmentation",
    "l1_penalty": "penalties",
    "soft_threshold": "threshold",
    "straight_through_threshold": "threshold",
    "CostThreshold": "threshold",
    "F1Threshold": "threshold",
    "StatefulLoss": "stateful",
    "ModelWithLoss": "stateful",
    "mahalanobis_squared": "mahalanobis",
    "MahalanobisNLL": "mahalanobis",
    "NCA": "mahalanobis",
    "UncertaintyWeights": "weights",
    "WorstCaseWeights": "weights",
    "general_robust_loss": "robust",
    "AdaptiveRobustLoss": "robust",
    "SwitchedLoss": "switching",
    "BlendedLoss": "switching",
    "StateSwitchedLoss": "switching",
    "SwitchAtEpoch": "switching",
    "SwitchOnMetric": "switching",
    "RampOverEpochs": "switching",
    "diagnose": "diagnosis",
    "check_installation": "installation",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _HOME[name] != "installation":
        import_module(f"{__name__}.installation").require_tensorflow()
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, also those that are not imported yet."""
    return sorted({*globals(), *__all__})


register([name for name in _HOME if name[0].isupper()])
