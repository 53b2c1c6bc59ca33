"""Why does this model not learn? A checklist in the order of debugging, one probe for each item.

``diagnose(model, x, y)`` asks all of them. Each probe is also a function of its own, with the same
arguments, that returns one ``Finding``. Nothing is trained, and nothing of the model changes.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lossutils._setup import Setup, Skip, Term, in_short, unchanged, value_of
from lossutils.stateful import ModelWithLoss

_TINY = 1e-20  # a gradient below this is 0 for every practical purpose
_ONE_NUMBER = (keras.losses.Dice, keras.losses.Tversky, keras.losses.Circle)
_OF_PROBABILITIES = (
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
    keras.losses.categorical_crossentropy,
    keras.losses.categorical_focal_crossentropy,
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.kl_divergence,
)
_OF_TWO_CLASSES = _OF_PROBABILITIES[:2]
_ELEMENTWISE = (
    keras.losses.mean_squared_error,
    keras.losses.mean_absolute_error,
    keras.losses.mean_absolute_percentage_error,
    keras.losses.mean_squared_logarithmic_error,
    keras.losses.huber,
    keras.losses.log_cosh,
)


@dataclass(frozen=True)
class Finding:
    """What one probe saw, in plain words, and the cure; no cure: all is well.

    Attributes:
        probe: name of the probe, which is the name of its function.
        seen: what was seen.
        cure: what to do about it, empty if there is nothing to do.
        skipped: True if the probe could not be asked; ``seen`` says why.

    >>> print(Finding("variables", "nothing is trained", "set trainable = True"))
    PROBLEM variables      nothing is trained
            cure           set trainable = True
    """

    probe: str
    seen: str
    cure: str = ""
    skipped: bool = False

    @property
    def status(self) -> str:
        """ "ok", "PROBLEM" or "skipped"."""
        return "PROBLEM" if self.cure else "skipped" if self.skipped else "ok"

    def __str__(self) -> str:
        lines = _entry(self.status, self.probe, self.seen)
        return "\n".join(lines + (_entry("", "cure", self.cure) if self.cure else []))


def _entry(status: str, name: str, text: str) -> list[str]:
    left = f"{status:7} {name:14} "
    return textwrap.wrap(text, 97, initial_indent=left, subsequent_indent=" " * len(left))


class Diagnosis(tuple):
    """The findings of all probes, in the order of the checklist; printed, it is the checklist.

    Attributes:
        problems: the findings with a cure.
        healthy: True if there are none.
    """

    @property
    def problems(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self if finding.cure)

    @property
    def healthy(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        count = len(self.problems)
        total = f"{count} of {len(self)} need attention. Begin with the first."
        if count < 2:
            total = "1 needs attention." if count else _ALL_IS_WELL
        return "\n".join([*map(str, self), total])

    __repr__ = __str__


_ALL_IS_WELL = (
    "No probe found anything. (They cannot know what you meant: the sign, the pairing of x and y.)"
)


def diagnose(model: keras.Model, x: Any, y: Any = None) -> Diagnosis:
    """Go through the checklist of a broken loss, and say in plain words what was found.

    The model is asked as it stands, fresh or trained. Its weights, its optimizer, its compiled
    steps and the seeds are afterwards what they were before. The network runs as in ``evaluate``
    (no dropout). 256 samples, evenly spread over the data, are looked at. A loss that changes while
    it trains (``SwitchedLoss``, ``StateSwitchedLoss``, ``BlendedLoss``) is asked in every branch,
    and a finding that is not the same in all begins with the name of the branch.

    Args:
        model: a built and compiled Keras model, with any loss: a name, a function, a
            ``keras.losses.Loss``, a list or dict of them for several outputs; or a
            ``ModelWithLoss``.
        x: inputs as for ``fit``: an array, or a list or dict of them; or a ``tf.data.Dataset`` or
            ``PyDataset``, of which the first batch is looked at (one that shuffles is drawn from
            once by that).
        y: labels as for ``fit``, in arrays, as many as there are inputs; left out for a data set.

    Returns:
        A ``Diagnosis``, a tuple with one ``Finding`` for each probe. ``print`` shows the checklist,
        ``.problems`` holds what needs attention, ``.healthy`` says whether that is nothing.

    Raises:
        ValueError: a model that is not a Keras model, not built, not compiled or compiled without a
            loss; no data, a data set without labels or with labels besides, inputs and labels of
            different lengths, inputs the model cannot take.

    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> network.compile("adam", loss=lambda y_true, y_pred: ops.mean((y_true - y_pred) ** 2))
    >>> x = np.linspace(-1, 1, 8)[:, None]
    >>> [finding.probe for finding in diagnose(network, x, 2 * x).problems]
    ['per_sample']
    """
    setup = Setup(model, x, y)
    return Diagnosis(probe(setup) for probe in PROBES)


PROBES: list[Callable[..., Finding]] = []
"""All probes in the order of the checklist. Each takes ``(model, x, y)`` and returns a Finding."""


def _probe(function: Callable[[Setup], tuple[str, str]]) -> Callable[..., Finding]:
    """Make a probe of a function from a set-up to (what was seen, the cure or "")."""

    @functools.wraps(function)
    def probe(model: Any, x: Any = None, y: Any = None) -> Finding:
        setup = model if isinstance(model, Setup) else Setup(model, x, y)
        stages = setup.stages
        return _of_all(stages, [_ask(function, stage) for stage in stages])

    probe.__signature__ = inspect.Signature(
        [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in ("model", "x", "y")]
    )
    PROBES.append(probe)
    return probe


def _ask(function: Callable[[Setup], tuple[str, str]], setup: Setup) -> Finding:
    name = function.__name__
    try:
        with unchanged(setup.model):
            setup.enter()
            return Finding(name, *function(setup))
    except Skip as reason:
        return Finding(name, str(reason), skipped=True)
    except Exception as error:  # the model's own code may raise anything
        return Finding(name, f"could not be asked: {in_short(error)}", skipped=True)


def _of_all(stages: list[Setup], findings: list[Finding]) -> Finding:
    """One finding for all branches of the loss: what they agree on, or else the worst of them."""
    if len(set(findings)) == 1:
        return findings[0]
    # A branch that does not run comes first: what stops it spoils the compiled step of the others.
    pairs = sorted(
        zip(stages, findings, strict=True), key=lambda p: (not p[1].cure, p[0].error is None)
    )
    stage, worst = pairs[0]
    if worst.cure:
        return dataclasses.replace(worst, seen=f"branch {stage.branch_name!r}: {worst.seen}")
    first = findings[0]
    where = f"; asked in all branches, this is {stages[0].branch_name!r}"
    return dataclasses.replace(first, seen=first.seen + where)


# The checklist


@_probe
def numbers(setup: Setup) -> tuple[str, str]:
    """Are all inputs and labels finite numbers, and labels as the loss wants them?"""
    for name, parts in (("x", setup.all_x), ("y", setup.all_y)):
        for part in parts:
            bad = 0 if part.dtype.kind not in "fc" else int(np.sum(~np.isfinite(part)))
            if bad:
                return (
                    f"{bad} of {part.size} numbers in `{name}` are NaN or infinite",
                    f"find them with ~np.isfinite({name}), then repair or drop these samples: one "
                    "of them spoils every weight in its first step",
                )
    if isinstance(setup.model, ModelWithLoss):
        try:
            setup.model.loss_layer.check_labels(setup.raw_y)
        except ValueError as error:
            return in_short(error), "give the loss the labels it was written for"
    return f"x and y hold finite numbers, {setup.length} samples{setup.part}", ""


@_probe
def variables(setup: Setup) -> tuple[str, str]:
    """Is there anything to train?"""
    trained = setup.model.trainable_variables
    if not trained:
        everything = len(setup.model.variables)
        return (
            f"nothing is to be trained: the model has {everything} variables, all frozen"
            if everything
            else "nothing is to be trained: the model has no variables",
            "set layer.trainable = True where it should learn, then compile again",
        )
    return (
        f"{len(trained)} variables with {sum(int(np.prod(v.shape)) for v in trained)} numbers",
        "",
    )


@_probe
def runs(setup: Setup) -> tuple[str, str]:
    """Does the loss run, by hand and inside a compiled step?"""
    for loss in keras.tree.flatten(setup.model.loss):
        if isinstance(loss, keras.layers.Layer):
            return (
                f"{type(loss).__name__} in compile(loss=...) is a layer: its variables would "
                "neither train nor be saved",
                "let a model own it: ModelWithLoss(network, loss), compiled without a loss",
            )
    if setup.error is not None:
        return f"the loss stops: {in_short(setup.error)}", _cure_of_error(setup, setup.error)
    if setup.model.run_eagerly:
        return "the loss runs eagerly, as the model was compiled to", ""
    try:
        # Keras does not let AutoGraph rewrite the loss either.
        tf.function(setup.total, autograph=False).get_concrete_function(setup.y_pred)
    except Exception as error:
        return (
            f"the loss runs by hand, but not in a compiled step: {in_short(error)}",
            _cure_of_error(setup, error),
        )
    return "the loss runs, by hand and in a compiled step", ""


@_probe
def loss_weights(setup: Setup) -> tuple[str, str]:
    """Does compile(loss_weights=...) let every output learn?"""
    given = [(term, float(value_of(term.weight))) for term in setup.working_terms()]
    bad = [
        f"{repr(term.name) + ' ' if term.name else ''}the weight {weight:g}"
        for term, weight in given
        if not weight > 0
    ]
    if bad:
        return (
            f"loss_weights gives {_listed(bad)}: a loss with the weight 0 teaches nothing, and "
            "one with a negative weight is made large, not small",
            "give it a weight above 0; a loss that you want to watch and not to train on belongs "
            "in metrics=[...]",
        )
    return f"every loss counts, with the weight {', '.join(f'{w:g}' for _, w in given)}", ""


@_probe
def shapes(setup: Setup) -> tuple[str, str]:
    """Do labels and predictions fit each other?"""
    seen = []
    for term in setup.working_terms():
        if keras.tree.is_nested(term.y_pred) or keras.tree.is_nested(term.y):
            continue
        labels, predictions = tuple(term.y.shape), tuple(term.y_pred.shape)
        both = f"labels {labels}, predictions {predictions}{term.place}"
        meant = getattr(term.loss, "couples_samples", False) or isinstance(term.loss, _ONE_NUMBER)
        if len(labels) != len(predictions) and not meant and _mixes(term):
            return (
                f"{both}: they broadcast, so that each prediction meets every label",
                "give labels and predictions the same shape, y[:, None] for one output, and check "
                "shapes in the loss",
            )
        if getattr(term.loss, "fn", term.loss) in _ELEMENTWISE and _broadcasts(labels, predictions):
            return (
                f"{both}: one label meets {predictions[-1]} predictions of its sample",
                "give labels the shape of the predictions: one-hot for classes, or one output",
            )
        seen.append(both)
    return "; ".join(seen) or "labels and predictions are nested; the loss sorts them out", ""


@_probe
def per_sample(setup: Setup) -> tuple[str, str]:
    """Does the loss return one value per sample?"""
    for term in setup.working_terms():
        shape = tuple(term.values.shape)
        if shape[:1] == (setup.count,):
            continue
        if isinstance(term.loss, _ONE_NUMBER):
            return f"one number for the batch, as {type(term.loss).__name__} means it", ""
        what = "one number for the whole batch" if not shape else f"the shape {shape}"
        return (
            f"the loss returns {what}{term.place}: sample weights, masks and several devices will "
            "go wrong",
            _ONE_PER_SAMPLE,
        )
    return f"the loss returns one value for each of {setup.count} samples", ""


@_probe
def independent(setup: Setup) -> tuple[str, str]:
    """Does a sample's value depend on that sample alone?"""
    for term in setup.working_terms():
        if getattr(term.loss, "couples_samples", False) or isinstance(term.loss, _ONE_NUMBER):
            return "the samples of a batch share one value, as this loss means it", ""
        if tuple(term.values.shape)[:1] != (setup.count,):
            raise Skip("there are no values per sample, see per_sample")
        if _mixes(term):
            return (
                f"a sample alone has another value than in its batch{term.place}: the samples mix",
                "look for a mean, sum or maximum without axis=-1, and for shapes that broadcast; "
                "if it is meant so, set couples_samples = True on the loss",
            )
    return "a sample has the same value alone and in its batch", ""


@_probe
def labels(setup: Setup) -> tuple[str, str]:
    """Does the loss look at the labels?"""
    for term in setup.working_terms():
        if not np.all(np.isfinite(np.asarray(term.values, "float64"))):
            raise Skip("not all values are finite, see finite")
        others = _other_labels(term)
        if others and all(_as_before(term, y, term.y_pred) for y in others):
            # Predictions that stay in [0, 1] if they were there.
            moved = keras.tree.map_structure(lambda p: 0.9 * p + 0.05, term.y_pred)
            if _as_before(term, term.y, moved):
                raise Skip("the values move with nothing, see gradients")
            return (
                f"other labels give the same values{term.place}: the loss does not look at them",
                "use y_true in the loss, and look for a name that is written twice; if it is meant "
                "to learn without labels, let this be",
            )
    return "other labels would give other values", ""


@_probe
def predictions(setup: Setup) -> tuple[str, str]:
    """Are the predictions finite, and do they differ from sample to sample?"""
    flat = [np.asarray(p, "float64") for p in keras.tree.flatten(setup.y_pred)]
    if not all(np.all(np.isfinite(p)) for p in flat):
        return "some predictions are NaN or infinite", _cure_of_bad_predictions(setup)
    if setup.count == 1 or setup.inputs_are_equal():
        return "finite; whether they differ cannot be seen with one input", ""
    if not _network_of(setup.model).trainable_variables:
        return "finite; the network has nothing to train, so they may be what they are", ""
    spreads = [float(np.max(np.std(p, axis=0))) for p in flat]
    trained = setup.steps_taken > 0
    if max(spreads) <= (0.02 * setup.spread_of_labels() if trained else 0.0):
        first = np.mean(flat[0], axis=0).reshape(-1)[0]
        seen = f"(nearly) the same for every sample, about {first:.3g}{_plateau(setup)}"
        if not trained and _spread_after_a_step(setup) > 0:
            return f"{seen}; not trained yet, and a step would tell them apart", ""
        return (
            seen,
            "if a gradient is 0 below, units are dead or saturated: another initialisation, scaled "
            "inputs, a smaller learning rate; if not, ask whether x and y are still paired",
        )
    return f"finite, and they differ from sample to sample (spread {max(spreads):.2g})", ""


@_probe
def probabilities(setup: Setup) -> tuple[str, str]:
    """Probabilities or logits: does the loss get what it was told?"""
    for term in setup.working_terms():
        if keras.tree.is_nested(term.y_pred):
            continue
        base, told = getattr(term.loss, "fn", term.loss), _from_logits(term.loss)
        p = np.asarray(term.y_pred, "float64")
        outside = (p < 0) | (p > 1)
        if base in _OF_TWO_CLASSES and not _between_0_and_1(term.y):
            return (
                f"this loss wants labels from 0 to 1, but there is {_first_outside(term.y):g}",
                "recode the labels as 0 and 1",
            )
        if told is False and np.any(outside):
            return (
                f"{np.mean(outside):.0%} of the predictions lie outside [0, 1]{term.place}: the "
                "loss takes probabilities, and these are logits",
                "from_logits=True, or a sigmoid (softmax) on the last layer",
            )
        squeezed = _last_activation(setup.model) in ("sigmoid", "softmax")
        if told is True and squeezed and not _keras_steps_back(term):
            return (
                "the last layer squeezes to [0, 1], and from_logits=True squeezes again",
                "drop the activation of the last layer, or from_logits",
            )
        if told is None and np.any(outside) and _between_0_and_1(term.y) and _is_cut(term, outside):
            return (
                f"predictions outside [0, 1] have no gradient{term.place}: the loss clips them, so "
                "it takes probabilities, and these are logits",
                "compute the loss from logits (softplus, log_softmax), or end in a sigmoid",
            )
    return "predictions lie where the loss wants them", ""


@_probe
def finite(setup: Setup) -> tuple[str, str]:
    """Is the loss of every sample a finite number?"""
    for term in setup.working_terms():
        values = np.asarray(term.values, "float64")
        bad = ~np.isfinite(values)
        if not np.any(bad):
            continue
        half = keras.backend.standardize_dtype(term.values.dtype) == "float16"
        seen = f"{int(bad.sum())} of {bad.size} values are NaN or infinite{term.place}"
        if half:
            cure = "compute the loss in float32: in float16 everything above 65504 is infinite"
        else:
            cure = "a logarithm or division at 0, a root below it, or an overflow: " + _DOUBLE_WHERE
        return seen + _first_bad(term, bad), cure
    mean = float(np.mean([np.mean(np.asarray(t.values, "float64")) for t in setup.working_terms()]))
    return f"all values are finite, their mean is {mean:.3g}", ""


@_probe
def half_precision(setup: Setup) -> tuple[str, str]:
    """If anything is computed in float16, is the gradient saved from vanishing?"""
    dtypes = {layer.compute_dtype for layer in _layers(setup.model)}
    small = [v.path for v in setup.model.trainable_variables if v.dtype == "float16"]
    if small:
        return (
            f"{_listed(small)} in float16: steps smaller than a thousandth of a weight are lost",
            'the policy "mixed_float16", which computes in float16 and keeps weights in float32',
        )
    if "float16" not in dtypes:
        return "nothing is computed in float16", ""
    if isinstance(setup.model.optimizer, keras.optimizers.LossScaleOptimizer):
        return "computed in float16, with a scaled loss", ""
    lost = _share_lost_in_float16(setup)
    if lost > 0.01:
        return (
            f"{lost:.0%} of the gradient's entries vanish in float16, and the loss is not scaled",
            "keras.optimizers.LossScaleOptimizer around the optimizer, or the policy mixed_float16 "
            "for the model and not for its layers alone",
        )
    return "computed in float16 without loss scaling; the gradient survives here", ""


@_probe
def gradients(setup: Setup) -> tuple[str, str]:
    """Does every variable get a gradient: not None, not 0, not NaN?"""
    found = setup.gradients()
    names, norms = list(found), [None if g is None else _norm(g) for g in found.values()]
    if not norms:
        raise Skip("there is nothing to train, see variables")
    missing = [name for name, norm in zip(names, norms, strict=True) if norm is None]
    broken = [n for n, norm in zip(names, norms, strict=True) if norm is not None and norm != norm]
    if missing:
        which = "every variable" if len(missing) == len(names) else _listed(missing)
        return (
            f"the gradient of {which} is None: no derivative leads there",
            "look for round, cast, a comparison, argmax, stop_gradient or NumPy on the way, and "
            "put a smooth stand-in there; a variable that is not used at all can go",
        )
    if broken:
        return f"the gradient of {_listed(broken)} is NaN or infinite", _DOUBLE_WHERE
    dead = _dead(setup, found)
    if dead and setup.largest_value() > 0:
        return (
            f"the gradient of {_listed(dead)} is exactly 0, and stays 0 after a step",
            "look for what is flat: a saturated clip or sigmoid, sign, dead ReLU units; a zero "
            "gradient gives no warning",
        )
    span = f"norms from {min(norms):.2g} to {max(norms):.2g}"
    return f"each of {len(norms)} variables has one, {span}", ""


@_probe
def parameters(setup: Setup) -> tuple[str, str]:
    """Are the trainable variables that the loss uses known to the model?"""
    used, again = _variables_of_the_loss(setup), _variables_of_the_loss(setup)
    if {id(v) for v in used} != {id(v) for v in again}:
        return (
            "the loss makes a new variable in each call, which can learn nothing",
            "make it once, in __init__ of a StatefulLoss, and give that to ModelWithLoss",
        )
    known = {id(v.value) for v in setup.model.variables}
    strangers = [v for v in used if id(v) not in known]
    if strangers:
        listed = ", ".join(f"{v.name.split(':')[0]} = {_short(v)}" for v in strangers)
        return (
            f"the loss uses a trainable variable that the model does not know: {listed}; it will "
            "stay there",
            "a StatefulLoss in ModelWithLoss trains and saves it; if you set it by hand, make it "
            "trainable=False",
        )
    if used:
        return f"the loss has {len(used)} trained variable(s), and the model knows them", ""
    return "the loss has no trainable variables", ""


@_probe
def optimizer(setup: Setup) -> tuple[str, str]:
    """Does the optimizer know every variable that is to be trained?"""
    inner = setup.model.optimizer
    inner = getattr(inner, "inner_optimizer", inner)  # inside a LossScaleOptimizer
    for one in getattr(inner, "optimizers", [inner]):  # those of a MultiOptimizer
        if float(value_of(one.learning_rate)) == 0.0:
            return "the learning rate is 0", "give the optimizer a learning rate above 0"
    if not inner.built:
        return "not built yet: it will take the variables of the first step", ""
    known = {id(v) for v in getattr(inner, "_trainable_variables", setup.model.trainable_variables)}
    unknown = [v.path for v in setup.model.trainable_variables if id(v) not in known]
    if unknown:
        return (
            f"it was built before {_listed(unknown)} came, and will never move it",
            "add variables before the first fit, or compile again with a new optimizer",
        )
    return f"it knows all {len(known)} variables", ""


@_probe
def edges(setup: Setup) -> tuple[str, str]:
    """Are value and gradient finite for perfect and for extreme predictions, also under XLA?"""
    for term in setup.working_terms():
        if keras.tree.is_nested(term.y_pred):
            continue
        for compiled in (False, True):
            for where, y_pred in _edge_predictions(term):
                try:
                    fine = _finite_there(term, y_pred, compiled)
                except Exception as error:
                    if compiled and setup.model.jit_compile is True:
                        seen = f"XLA cannot compile the loss: {in_short(error)}"
                        return seen, "compile the model with jit_compile=False"
                    break
                if not fine:
                    how = " under XLA (as a GPU computes it)" if compiled else ""
                    return (
                        f"for {where} the loss or its gradient is NaN or infinite{how}{term.place}",
                        _DOUBLE_WHERE,
                    )
    return "finite for perfect and for extreme predictions, also under XLA", ""


_ONE_PER_SAMPLE = (
    "average over the last axis only: ops.mean(..., axis=-1); or, if the batch shares one value by "
    "design (a correlation), return it once per sample, value * ops.ones_like(y_pred[:, 0]), and "
    "set couples_samples = True on the loss"
)
_DOUBLE_WHERE = (
    "for a root or a quotient the double where, which keeps the argument safe in the branch that "
    "is not taken too: safe = ops.where(d > 0, d, 1), then ops.where(d > 0, ops.sqrt(safe), 0); "
    "for a logarithm compute from logits"
)


# What the probes are made of


def _other_labels(term: Term) -> list[Any]:
    """Labels of other samples, in the places of these; none if all are the same."""
    count = len(keras.tree.flatten(term.y)[0])
    # In another order, and all alike: a value of the whole batch may not depend on the order.
    orders = [np.roll(np.arange(count), 1), np.zeros(count, int), np.full(count, count - 1)]
    if all(np.all(part == part[:1]) for part in map(np.asarray, keras.tree.flatten(term.y))):
        return []
    return [
        keras.tree.map_structure(lambda t: tf.gather(t, order), term.y)  # noqa: B023
        for order in orders
    ]


def _as_before(term: Term, y: Any, y_pred: Any) -> bool:
    """Whether the loss has the same values for other labels or predictions."""
    values, found = np.asarray(term.values), np.asarray(term.at(y, y_pred))
    return found.shape == values.shape and np.array_equal(found, values, equal_nan=True)


def _mixes(term: Term) -> bool:
    """Whether a sample that comes alone gets another value than in its batch."""
    if len(term.values.shape) == 0:
        return False
    # A copy of the predictions: Keras notes on the original what went into its sigmoid.
    y_pred = keras.tree.map_structure(tf.identity, term.y_pred)
    values = term.at(term.y, y_pred)
    if not np.allclose(term.at(term.y, y_pred), values, rtol=1e-4, atol=1e-7, equal_nan=True):
        raise Skip("the loss draws random numbers, so that its values cannot be compared")
    for row in range(min(3, len(values))):
        one = slice(row, row + 1)
        alone = [
            keras.tree.map_structure(lambda t: t[one], part)  # noqa: B023
            for part in (term.y, y_pred)
        ]
        value, wanted = np.asarray(term.at(*alone)), np.asarray(values[one])
        if value.shape != wanted.shape or not np.allclose(
            value, wanted, rtol=1e-3, atol=1e-6, equal_nan=True
        ):
            return True
    return False


def _broadcasts(labels: tuple, predictions: tuple) -> bool:
    return len(labels) == len(predictions) and labels[-1] == 1 and predictions[-1] > 1


def _from_logits(loss: Any) -> bool | None:
    """What the loss was told about logits, None if that cannot be known."""
    told = getattr(loss, "from_logits", None)
    if told is None and getattr(loss, "fn", loss) in _OF_PROBABILITIES:
        return False
    if told is None and inspect.isfunction(loss):
        told = inspect.getclosurevars(loss).nonlocals.get("from_logits")
    return told if isinstance(told, bool) else None


def _keras_steps_back(term: Term) -> bool:
    """Whether Keras notices the sigmoid or softmax, and uses what went into it."""
    return not np.allclose(term.values, term.at(term.y, tf.identity(term.y_pred)))


def _between_0_and_1(y: Any) -> bool:
    values = np.asarray(y)
    return values.dtype.kind in "fiub" and bool(np.all((values >= 0) & (values <= 1)))


def _first_outside(y: Any) -> float:
    values = np.asarray(y).reshape(-1)
    return float(values[(values < 0) | (values > 1)][0])


def _is_cut(term: Term, outside: np.ndarray) -> bool:
    """Whether predictions outside [0, 1] are all without a gradient, and such inside are not."""
    # Without the second question a loss that is flat everywhere would pass for one that clips.
    slopes = [_slope(term, y_pred) for y_pred in (term.y_pred, ops.sigmoid(term.y_pred))]
    if any(slope is None for slope in slopes):
        return False
    here, inside = (np.abs(slope.numpy()) > 0 for slope in slopes)
    return bool(not np.any(here[outside]) and np.any(inside))


def _slope(term: Term, y_pred: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        total = tf.reduce_sum(term.at(term.y, y_pred))
    return tape.gradient(total, y_pred)


def _edge_predictions(term: Term) -> list[tuple[str, Any]]:
    """Predictions that a good or a saturated network really makes."""
    found = [("its own predictions", term.y_pred)]
    if not tf.is_tensor(term.y) or term.y.shape != term.y_pred.shape:
        return found
    perfect = tf.cast(term.y, term.y_pred.dtype)
    found.append(("perfect predictions", perfect))
    if _between_0_and_1(term.y) and _between_0_and_1(term.y_pred):
        # A sigmoid or softmax in float32 does reach 0 and 1.
        classes = perfect.shape[-1]
        wrong = 1 - perfect if classes == 1 else tf.roll(perfect, 1, axis=-1)
        found.append(("predictions that are surely wrong", wrong))
    return found


def _finite_there(term: Term, y_pred: Any, compiled: bool) -> bool:
    def ask(y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            values = term.at(term.y, y_pred)
        slope = tape.gradient(values, y_pred)
        return values, values if slope is None else slope

    if compiled:
        if not hasattr(term, "compiled"):
            term.compiled = tf.function(ask, jit_compile=True, autograph=False)
        ask = term.compiled
    return all(bool(tf.reduce_all(tf.math.is_finite(t))) for t in ask(y_pred))


def _norm(gradient: Any) -> float:
    norm = float(tf.norm(tf.cast(gradient, "float64")))
    return norm if np.isfinite(norm) else float("nan")


def _dead(setup: Setup, found: dict[str, Any]) -> list[str]:
    """Variables of layers whose gradients are all 0, now and after a small step.

    After a step, because below a layer that starts at zero they are 0 for one step only. Of whole
    layers, because single variables may rest while their layer learns.
    """
    first = _silent(found)
    if not first:
        return []
    with unchanged(setup.model):
        _small_step(setup, found)
        second = _silent(setup.gradients())
    return [name for name in first if name in second]


def _silent(found: dict[str, Any]) -> list[str]:
    quiet = {name: g is None or _norm(g) <= _TINY for name, g in found.items()}
    awake = {name.rpartition("/")[0] for name, silent in quiet.items() if not silent}
    return [n for n, silent in quiet.items() if silent and n.rpartition("/")[0] not in awake]


def _small_step(setup: Setup, found: dict[str, Any]) -> None:
    size = np.sqrt(sum(_norm(g) ** 2 for g in found.values() if g is not None))
    if not np.isfinite(size) or size == 0:
        return
    for variable in setup.trained:
        gradient = found[variable.path]
        if gradient is not None:
            variable.assign(variable - ops.cast(gradient, variable.dtype) * (0.01 / size))


def _spread_after_a_step(setup: Setup) -> float:
    if setup.error is not None:
        return 0.0
    with unchanged(setup.model):
        _small_step(setup, setup.gradients())
        after = keras.tree.flatten(setup.predict())
    return max(float(np.max(np.std(np.asarray(p, "float64"), axis=0))) for p in after)


def _variables_of_the_loss(setup: Setup) -> list[Any]:
    """The trainable variables that the loss reads, whatever way it reaches them."""
    setup.working_terms()
    with tf.GradientTape() as tape:
        setup.total(setup.y_pred)
    return list(tape.watched_variables())


def _plateau(setup: Setup) -> str:
    """Names the height of the loss, if it is that of a constant prediction."""
    if setup.error is not None:
        return ""
    value = float(setup.total(setup.y_pred))
    outputs = keras.tree.flatten(setup.y_pred)[0].shape[-1]
    known = {"ln 2, the loss of a coin": np.log(2)}
    if outputs is not None and outputs > 2:
        known[f"ln {outputs}, the loss of a guess among {outputs}"] = np.log(outputs)
    labels = keras.tree.flatten(setup.y)[0]
    if labels.dtype.is_floating:
        known["the variance of y, the loss of its mean"] = float(np.var(np.asarray(labels)))
    near = [name for name, height in known.items() if abs(value - height) < 0.02 * abs(height)]
    return f"; the loss is {value:.3g}" + (f", {near[0]}" if near else "")


def _first_bad(term: Term, bad: np.ndarray) -> str:
    if keras.tree.is_nested(term.y) or keras.tree.is_nested(term.y_pred) or bad.ndim == 0:
        return ""
    row = int(np.argwhere(bad)[0][0])
    label, prediction = (np.asarray(t[row]).reshape(-1)[0] for t in (term.y, term.y_pred))
    return f", first for the label {label:.3g} and the prediction {prediction:.3g}"


def _share_lost_in_float16(setup: Setup) -> float:
    """The share of the gradient's entries that are 0 unless the loss is scaled."""
    plain, scaled = setup.gradients(), setup.gradients(scale=2.0**10)
    lost = total = 0
    for name, gradient in plain.items():
        if gradient is not None:
            alive = np.asarray(scaled[name]) != 0
            lost += int(np.sum(alive & (np.asarray(gradient) == 0)))
            total += int(np.sum(alive))
    return lost / total if total else 0.0


def _cure_of_error(setup: Setup, error: Exception) -> str:
    text = f"{type(error).__name__} {error}"
    if "singleton tf.Variable" in text:
        return "a variable is made inside the call: make it once, in __init__ of a StatefulLoss"
    if "as a Python `bool`" in text or "OperatorNotAllowedInGraph" in text:
        return "a Python `if` cannot see values in a compiled step: ops.where, or tf.cond"
    if "returned a scalar" in text:
        return _ONE_PER_SAMPLE
    if "loss_weights" in text:
        return (
            "a list or dict of losses in compile(loss=...) too: one for each output, or one for all"
        )
    if "numpy" in text.lower():
        return "use keras.ops or TensorFlow in place of NumPy: NumPy sees no graph and no gradient"
    advice = _cure_of_classes(setup)
    return advice or (
        "call it by hand on two samples, loss(y[:2], p[:2]), and print both shapes inside"
    )


def _cure_of_classes(setup: Setup) -> str:
    labels, predicted = keras.tree.flatten(setup.y)[0], keras.tree.flatten(setup.y_pred)[0]
    classes = predicted.shape[-1]
    if classes > 1 and len(labels.shape) >= 1 and labels.shape != predicted.shape:
        whole = np.all(np.asarray(labels) == np.round(np.asarray(labels)))
        if whole and (len(labels.shape) < len(predicted.shape) or labels.shape[-1] == 1):
            return (
                "the labels are class numbers: sparse_categorical_crossentropy takes these, "
                "categorical_crossentropy wants one-hot (keras.utils.to_categorical)"
            )
    if labels.shape == predicted.shape and classes > 1:
        return "the labels look one-hot: categorical_crossentropy takes these, not the sparse one"
    return ""


def _cure_of_bad_predictions(setup: Setup) -> str:
    spoilt = [v.path for v in setup.model.variables if not np.all(np.isfinite(value_of(v)))]
    if spoilt:
        return (
            f"{_listed(spoilt)} already hold NaN: start from fresh weights, and see finite and "
            "edges for the term that did it"
        )
    if any(layer.compute_dtype == "float16" for layer in _layers(setup.model)):
        return 'above 65504 float16 is infinite: give the last layer dtype="float32", scale inputs'
    return "scale the inputs, or look for the layer whose output is the first that is not finite"


def _network_of(model: keras.Model) -> keras.Model:
    return model.network if isinstance(model, ModelWithLoss) else model


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers of the network, those inside other models too; not the loss."""
    found = []
    for layer in getattr(_network_of(model), "layers", []):
        found += _layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _last_activation(model: keras.Model) -> str:
    layers = _layers(model)
    return getattr(getattr(layers[-1], "activation", None), "__name__", "") if layers else ""


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _short(variable: Any) -> str:
    values = value_of(variable).reshape(-1)
    return f"{values[0]:.4g}" if values.size == 1 else f"{values.size} numbers"
