"""The probes: what can be wrong with a loss, one question each, in the order of debugging.

A probe is a function of a ``Case``. It returns what it saw, or raises ``Fault``. Its docstring is
its question and, below, the cure; one that begins with words and a colon is for the faults in which
these words occur. To add a probe, write the function and put it into ``PROBES``.
"""

import functools
import inspect
import itertools
import re
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from keras import ops, tree

from lossutils import keras_internals as internals
from lossutils.diagnosis.case import Case, Fault, OutputLoss, Skip, value_of
from lossutils.errors import in_short


def numbers(case: Case) -> str:
    """Are all inputs and labels finite numbers, and labels as the loss wants them?

    Repair or drop these samples: one of them spoils every weight in its first step.

    `y` must hold: give the loss the labels it was written for.
    """
    for name, parts in (("x", case.all_x), ("y", case.all_y)):
        for part in tree.flatten(parts):
            bad = np.sum(~np.isfinite(part)) if part.dtype.kind in "fc" else 0
            if bad:
                raise Fault(f"{bad} of {part.size} numbers in `{name}` are NaN or infinite")
    if case.loss_layer is not None:
        try:
            case.loss_layer.check_labels(case.all_y)
        except ValueError as error:
            raise Fault(in_short(error)) from error
    return f"x and y hold finite numbers, {case.length} samples{case.part}"


def classes(case: Case) -> str:
    """Is there more than one class among the labels?

    Look at how the labels were made, and shuffle before you split or batch. From one class alone
    a network learns to ignore its inputs.
    """
    for one in case.outputs:
        about_classes = one.activation in ("sigmoid", "softmax") or one.from_logits is not None
        if one.nested or not about_classes or _some_differ(one.y_true):
            continue
        # A rare class may be missing among the samples looked at, or in the first batch.
        position = [id(part) for part in tree.flatten(case.y)].index(id(one.y_true))
        batches = [batch[1] for batch in itertools.islice(case.source, 32)] or [case.all_y]
        found = np.concatenate([np.asarray(tree.flatten(y)[position]) for y in batches])
        if not _some_differ(found):
            raise Fault(
                f"there is one class only: all labels are {found.flat[0] + 0.0:g}{one.where}"
            )
    return "the labels differ, or they are no classes"


def variables(case: Case) -> str:
    """Is there anything to train?

    Set layer.trainable = True where it should learn, then compile again.
    """
    trained, everything = case.model.trainable_variables, len(case.model.variables)
    if not trained:
        raise Fault(f"nothing is to be trained: {everything} variables, all frozen")
    return f"{len(trained)} variables with {sum(int(np.prod(v.shape)) for v in trained)} numbers"


def outputs(case: Case) -> str:
    """Can the last layer give what the labels ask for?

    Scale the labels into its range, or let the last layer be linear.

    a softmax: two classes want a sigmoid and binary_crossentropy, more want an output each.
    """
    for one in case.outputs:
        if one.right is None:
            continue
        softmax = one.activation == "softmax" or "categorical" in one.keras_name
        if softmax and one.y_pred.shape[-1] == 1:
            raise Fault(f"a softmax over a single output is always 1{one.where}")
        (low, high), y = one.reach, one.right
        nearest = np.clip(y, low, high)
        far = np.mean((y - nearest) ** 2) > 0.02 * np.var(y)
        if far and one.mean_at(y) < one.mean_at(nearest):
            asked = f"the labels go from {np.min(y):.3g} to {np.max(y):.3g}"
            raise Fault(f"the last layer gives {low:.3g} to {high:.3g}{one.where}, but {asked}")
    return "the last layer can give what the labels ask for"


def runs(case: Case) -> str:
    """Does the loss run, by hand and inside a compiled step?

    Call it by hand on two samples, loss(y[:2], p[:2]), and print both shapes inside.

    is a layer: let ModelWithLoss(network, loss) own it, and compile that without a loss.

    ndim: categorical_crossentropy wants one-hot labels, sparse_categorical_crossentropy class
    numbers.

    outside the valid range: count the classes from 0, and make an output for each.

    singleton tf.Variable: make the variable once, in __init__ of a StatefulLoss.

    as a Python `bool`: ops.where or tf.cond in place of a Python `if`, which sees no values.

    numpy: keras.ops in place of NumPy, which sees no graph and no gradient.

    returned a scalar: average over the last axis only, ops.mean(..., axis=-1).

    loss_weights: a list or dict of losses too, one for each output; or one loss for all.
    """
    for loss in tree.flatten(case.model.loss):
        if isinstance(loss, keras.layers.Layer):
            name = type(loss).__name__
            raise Fault(f"{name} is a layer: compile would neither train nor save its variables")
    how = "stops"
    try:
        if case.error is not None:
            raise case.error
        how = "runs by hand, but not in a compiled step"
        for one in () if case.model.run_eagerly else case.whole(case.y_pred):
            # Keras does not let AutoGraph rewrite the loss either.
            tf.function(one.at, autograph=False).get_concrete_function(one.y_pred)
    except Exception as error:
        raise Fault(f"the loss {how}: {in_short(error)}") from error
    return "the loss runs, by hand and in a compiled step"


def arguments(case: Case) -> str:
    """Does the loss take the labels first?

    Write def loss(y_true, y_pred), and keep that order where it calls another loss.
    """
    for one in case.outputs:
        if _named_the_other_way(one) or _known_the_other_way(one):
            raise Fault(
                f"the loss takes predictions first{one.where}, but Keras gives labels first"
            )
    return "the loss takes labels first, as far as can be seen"


def loss_weights(case: Case) -> str:
    """Does compile(loss_weights=...) let every output learn?

    Give it a weight above 0; what you only want to watch belongs in metrics=[...].
    """
    for one in case.outputs:
        if not value_of(one.weight) > 0:
            raise Fault(f"the weight {value_of(one.weight):g} makes no loss small{one.where}")
    return "every loss counts"


def shapes(case: Case) -> str:
    """Do labels and predictions fit each other?

    Give labels the shape of the predictions: y[:, None] for one output, one-hot for classes.
    """
    seen = []
    for one in case.outputs:
        y, p = ((), ()) if one.nested else (tuple(one.y_true.shape), tuple(one.y_pred.shape))
        seen.append(f"labels {y}, predictions {p}{one.where}")
        if len(y) != len(p) and not one.couples and _mixes(one):
            raise Fault(f"{seen[-1]}: they broadcast to all pairs")
        class_numbers = re.search("sparse|generalized", one.keras_name) or one.couples
        if one.keras_name and not class_numbers and y[1:] in ((), (1,)) and p[-1:] > (1,):
            raise Fault(f"{seen[-1]}: one label meets {p[-1]} predictions of its sample")
    return "; ".join(seen)


def per_sample(case: Case) -> str:
    """Does the loss return one value per sample?

    Average over the last axis only: ops.mean(..., axis=-1). If the batch shares one value by
    design, return value * ops.ones_like(y_pred[:, 0]) and set couples_samples = True on the loss.
    """
    for one in case.outputs:
        shape = tuple(one.values.shape)
        if shape[:1] != (case.count,) and not one.couples:
            what = f"the shape {shape}" if shape else "one number for the whole batch"
            raise Fault(f"the loss returns {what}{one.where}: sample weights and masks go wrong")
    return f"one value for each of {case.count} samples, or one that they share by design"


def independent(case: Case) -> str:
    """Does a sample's value depend on that sample alone?

    Look for a mean, sum or maximum without axis=-1, and for shapes that broadcast. If it is meant
    so, set couples_samples = True on the loss.
    """
    for one in case.outputs:
        if not one.couples and tuple(one.values.shape)[:1] != (case.count,):
            raise Skip("there are no values per sample, see per_sample")
        if not one.couples and _mixes(one):
            raise Fault(
                f"the samples mix{one.where}: one alone has another value than in its batch"
            )
    return "a sample has the same value alone and in its batch"


def labels(case: Case) -> str:
    """Does the loss look at the labels?

    Use y_true in the loss, and look for a name that is written twice. If it is meant to learn
    without labels, let this be.
    """
    for one in case.outputs:
        alike = tree.map_structure(lambda y: tf.repeat(y[:1], case.count, axis=0), one.y_true)
        tried = one.y_pred, tree.map_structure(_moved, one.y_pred)
        same = all(np.array_equal(one.at(p, alike), one.at(p)) for p in tried)
        if same and _some_differ(one.y_true):
            if not any(np.any(slope) for slope in tree.flatten(one.slope_at(one.y_pred)[1])):
                raise Skip("the values move with nothing, see gradients")
            raise Fault(f"other labels give the same values{one.where}: the loss ignores them")
    return "other labels would give other values"


def direction(case: Case) -> str:
    """Does the loss prefer right predictions to wrong ones?

    Turn its sign round: -log(p), 1 - dice. If predictions are meant to avoid the labels, let this
    be.
    """
    for one in case.outputs:
        if one.right is None:
            continue
        right, *wrong = map(one.cost_of, (0.01, 0.1, 0.5, 1.0))
        if right > max(wrong) + 1e-3 * abs(right):
            # Where a prediction is a distance, and a large one right for 0, beyond costs most.
            if (one.reach[0] >= 0 and one.reach[1] <= 1) or right < 0 or right > one.cost_of(-0.5):
                costs = f"right predictions cost {right:.2g}, wrong ones {wrong[-1]:.2g}"
                raise Fault(f"{costs}{one.where}: the loss rewards what is wrong")
    return "right predictions cost no more than wrong ones, as far as can be tried"


def inputs(case: Case) -> str:
    """Are the inputs of a size that the network can work with?

    Standardise them: keras.layers.Normalization, adapted to x, as the first layer.
    """
    parts = [np.zeros(1) if x.dtype == tf.string else np.asarray(x) for x in tree.flatten(case.x)]
    sizes = [np.sqrt(np.mean(np.square(part, dtype="float64"))) for part in parts]
    seen = f"inputs of a size of about {max(sizes):.0g}"
    if max(sizes) < 1000 or not case.outputs:
        return "no inputs are very large"
    smaller = [part / max(size, 1.0) for part, size in zip(parts, sizes, strict=True)]
    (loss, flat), (small, flat_if_small) = _tried(case, parts), _tried(case, smaller)
    if np.isfinite(small) and not loss < 100 * abs(small):
        raise Fault(f"{seen} make the loss {loss:.0e}; of a size of 1, {small:.1g}")
    if flat > 0.9 and flat_if_small < 0.5:
        raise Fault(f"{seen} saturate the network: it sees no change of 1 % in them")
    return f"{seen}, and the network can take them"


def predictions(case: Case) -> str:
    """Are the predictions finite, and do they differ from sample to sample?

    If a gradient is 0 below, units are dead: another initialisation, a smaller learning rate. If
    not, ask whether x and y are still paired.

    NaN: the weights may be spoilt, so start afresh, and see inputs, finite and edges.
    """
    parts = [np.asarray(part, "float64") for part in tree.flatten(case.y_pred)]
    if not all(np.all(np.isfinite(part)) for part in parts):
        raise Fault("some predictions are NaN or infinite")
    if not case.network.trainable_variables or not _some_differ(case.x):
        return "finite; with these inputs and weights they cannot differ"
    spread, fresh = _spread(parts), value_of(case.model.optimizer.iterations) == 0
    labels = [np.std(one.right) for one in case.outputs if one.right is not None]
    if spread > (0.0 if fresh else 0.02 * min([1.0, *labels])):
        return f"finite, and they differ from sample to sample (spread {spread:.2g})"
    logits = [internals.before_activation(part) for part in tree.flatten(case.y_pred)]
    _small_step(case, 0)
    if fresh and _spread([*logits, *tree.flatten(case.predict())]) > 0:
        return "the same for every sample, but their logits differ, or a step tells them apart"
    raise Fault(f"(nearly) the same for every sample, about {np.mean(parts[0]):.3g}")


def probabilities(case: Case) -> str:
    """Probabilities or logits: does the loss get what it was told?

    from_logits=True in the loss, or a sigmoid (softmax) on the last layer.

    squeezes again: drop the activation of the last layer, or from_logits.

    clips: compute the loss from logits (softplus, log_softmax), or end in a sigmoid.

    labels go: recode them as 0 and 1.
    """
    for one in case.outputs:
        if one.right is None:
            continue
        p, y, shares = np.asarray(one.y_pred, "float64"), one.right, _are_shares(one.right)
        outside = (p < 0) | (p > 1)
        if "binary" in one.keras_name and not shares:
            raise Fault(f"labels go from {np.min(y):g} to {np.max(y):g}: this loss wants 0 to 1")
        if one.from_logits is False and np.any(outside):
            share = f"{np.mean(outside):.0%} of the predictions lie outside [0, 1]{one.where}"
            raise Fault(f"{share}: the loss takes probabilities, and these are logits")
        if one.from_logits and one.activation in ("sigmoid", "softmax"):
            # Keras may notice the activation, and use what went into it.
            if np.allclose(one.values, one.at(tf.identity(one.y_pred))):
                raise Fault("the last layer squeezes to [0, 1], and from_logits squeezes again")
        if one.from_logits is None and shares and _is_cut(one, outside):
            raise Fault(f"the loss clips logits{one.where}: outside [0, 1] there is no gradient")
    return "predictions lie where the loss wants them"


def finite(case: Case) -> str:
    """Is the loss of every sample a finite number?

    A logarithm or division at 0, or a root below it: see edges for the cure. Or an overflow:
    compute in float32 and scale the labels.
    """
    for one in case.outputs:
        bad = ~np.isfinite(np.asarray(one.values, "float64"))
        if np.any(bad):
            raise Fault(f"{np.sum(bad)} of {bad.size} values are NaN or infinite{one.where}")
    means = [np.mean(np.asarray(one.values, "float64")) for one in case.outputs]
    return f"all values are finite, their mean is {np.mean(means):.3g}"


def half_precision(case: Case) -> str:
    """If anything is computed in float16, is the gradient saved from vanishing?

    Give the whole model the policy mixed_float16: it scales the loss and keeps weights in float32.
    """
    small = [v.path for v in case.model.trainable_variables if v.dtype == "float16"]
    if small:
        raise Fault(f"{_listed(small)} in float16: steps below a thousandth of a weight are lost")
    layers = [
        one.name for one in internals.all_layers(case.network) if one.compute_dtype == "float16"
    ]
    if layers and case.model.optimizer is _inner_optimizer(case):
        raise Fault(f"{_listed(layers)} in float16 without a scaled loss: small gradients vanish")
    return "nothing is computed in float16, or the loss is scaled"


def gradients(case: Case) -> str:
    """Does every variable get a gradient: not None, not 0, not NaN?

    None: look for round, cast, a comparison, argmax, stop_gradient or NumPy on the way, and put a
    smooth stand-in there. A variable that is not used can go.

    exactly 0: look for what is flat, a sign, a saturated clip or sigmoid, dead ReLU units.

    NaN: see edges.
    """
    sizes = [0.0]
    for stage, losses in enumerate(case.working_stages):
        where = losses[0].where if len(losses) == 1 else ""
        norms, penalised = _norms(case.gradients(stage)), case.gradients(stage, True, True)
        broken = [name for name, norm in norms.items() if not np.isfinite(norm)]
        missing = [name for name, gradient in penalised.items() if gradient is None]
        if missing:
            which = _listed(missing) if norms else "every variable"
            raise Fault(f"the gradient of {which} is None{where}: no derivative leads there")
        if broken:
            raise Fault(f"the gradient of {_listed(broken)} is NaN or infinite{where}")
        dead = _silent(norms)
        if dead and any(np.any(one.values) for one in losses):
            _small_step(case, stage)  # below a layer that starts at zero they are 0 for one step
            dead = [name for name in _silent(_norms(case.gradients(stage, True))) if name in dead]
            if dead:
                raise Fault(
                    f"the gradient of {_listed(dead)} is exactly 0{where}, after a step too"
                )
        sizes += norms.values()
    return f"each of {len(sizes) - 1} variables has one, the largest of a size of {max(sizes):.2g}"


def parameters(case: Case) -> str:
    """Are the trainable variables that the loss uses known to the model?

    A StatefulLoss in ModelWithLoss, which makes them once in __init__, trains and saves them. If
    you set one by hand, make it trainable=False.
    """
    with tf.GradientTape() as tape:
        [one.at(one.y_pred) for one in case.outputs]
    used, known = tape.watched_variables(), {id(v.value) for v in case.model.variables}
    unknown = [v for v in used if id(v) not in known]
    if unknown:
        names = [f"{v.name.split(':')[0]} = {np.ravel(value_of(v))[0]:.4g}" for v in unknown]
        raise Fault(f"the loss uses a variable that the model does not know: {_listed(names)}")
    return "the loss uses no trainable variable that the model does not know"


def optimizer(case: Case) -> str:
    """Does the optimizer know every variable that is to be trained?

    Add variables before the first fit, or compile again with a new optimizer.
    """
    inner, trained = _inner_optimizer(case), case.model.trainable_variables
    known = {id(v) for v in internals.known_variables(inner)}
    unknown = [v.path for v in trained if id(v) not in known]
    if inner.built and unknown:
        raise Fault(f"it was built before {_listed(unknown)} came, and will never move it")
    return "it knows all variables, or will take those of the first step"


def edges(case: Case) -> str:
    """Are value and gradient finite for perfect and for extreme predictions, also under XLA?

    Compute a logarithm from logits. Keep the argument of a root or quotient safe with the double
    where: safe = ops.where(d > 0, d, 1), then ops.where(d > 0, ops.sqrt(safe), 0).
    """
    for one in case.outputs:
        tried = {"its own predictions": one.y_pred}
        y = one.right
        if y is not None and y.size == np.size(one.y_true) and np.all(y == np.clip(y, *one.reach)):
            perfect = tried["perfect predictions"] = tf.constant(y, one.y_pred.dtype)
            if _are_shares(y) and _are_shares(one.y_pred.numpy()):
                # A sigmoid or softmax in float32 does reach 0 and 1.
                wrong = tf.roll(perfect, 1, axis=-1) if perfect.shape[-1] > 1 else 1 - perfect
                tried["predictions that are surely wrong"] = wrong
        ways = [("", one.slope_at)]
        if not one.keras_name:
            # As a partial it is new to TensorFlow, which would warn of so many tracings.
            new = functools.partial(one.slope_at)
            compiled = tf.function(new, jit_compile=True, autograph=False)
            ways.append((" under XLA (as a GPU computes it)", compiled))
        for (how, ask), (what, y_pred) in itertools.product(ways, tried.items()):
            try:
                fine = all(np.all(np.isfinite(t)) for t in tree.flatten(ask(y_pred)))
            except Exception:  # not everything can be compiled by XLA
                continue
            if not fine:
                seen = f"for {what} the loss or its gradient is NaN or infinite"
                raise Fault(f"{seen}{how}{one.where}")
    return "finite for perfect and for extreme predictions, also under XLA"


def step(case: Case) -> str:
    """Do steps of the optimizer move the weights, and not far out?

    Try a learning rate 100 times smaller. Inputs and labels of a size of about 1 help too.

    no weight: give the optimizer a larger learning rate.
    """
    others = tree.map_structure(lambda y: y[::-1], case.y)
    inner = _inner_optimizer(case)
    for stage, losses in enumerate(case.working_stages):
        slope = sum(_norms(case.gradients(stage)).values())
        if not 0 < slope < np.inf:
            raise Skip("there is no gradient to follow, see gradients")
        # One that is not built yet stays so.
        optimizer = inner if inner.built else type(inner).from_config(inner.get_config())
        with case.untouched():
            start, before = _weights(case), case.loss(stage)
            # What chance would give, or what there is: above it the steps have done harm.
            bound = max(before, case.loss(stage, others))
            bound += 0.2 * abs(bound)
            for after in itertools.islice(_steps(case, stage, optimizer), 20):
                moved = np.linalg.norm(_weights(case) - start)
                far = not moved <= 10 * max(np.linalg.norm(start), 1.0)
                still = moved <= 1e-7 * np.linalg.norm(start)
                if far or (after <= bound and not still):
                    break
        seen = f"a few steps, tried and undone, took the loss from {before:.2g} to {after:.2g}"
        if still and slope > 1e-3 * abs(before) and before > 0.1 * bound:
            raise Fault("20 steps, tried and undone, moved no weight")
        # Large labels may be far; a sigmoid at 0 or 1 learns no more, even if the loss fell.
        if not after <= bound or (far and np.all(np.isfinite([one.reach for one in losses]))):
            raise Fault(seen)
    return seen


# All probes, in the order of the checklist.
PROBES = [numbers, classes, variables, outputs, runs, arguments, loss_weights, shapes]
PROBES += [per_sample, independent, labels, direction, inputs, predictions, probabilities, finite]
PROBES += [half_precision, gradients, parameters, optimizer, edges, step]


# What the probes are made of


def _named_the_other_way(one: OutputLoss) -> bool:
    """Whether the loss calls its first argument a prediction, and the order matters to it."""
    function = one.function if inspect.isfunction(one.function) else one.loss.call
    first, second, *_ = [*inspect.signature(function).parameters, "", ""]
    if "pred" not in first or not re.search("true|label|target", second):
        return False
    return not np.allclose(one.values, one.at(one.y_true, one.y_pred))


def _known_the_other_way(one: OutputLoss) -> bool:
    """Whether the values are those of a well-known loss with its arguments exchanged."""
    if one.keras_name or one.right is None:
        return False
    y, p = tf.constant(one.right, "float32"), tf.cast(one.y_pred, "float32")
    names = "binary_crossentropy categorical_crossentropy kl_divergence poisson mape".split()
    pairs = [(np.mean(f(p, y)), np.mean(f(y, p))) for f in map(keras.losses.get, names)]
    found = one.mean_at(p)
    return any(np.isclose(found, a, 1e-4) and not np.isclose(found, b, 1e-2) for a, b in pairs)


def _some_differ(parts: object) -> bool:
    return any(np.any(part[1:] != part[:1]) for part in map(np.asarray, tree.flatten(parts)))


def _moved(y_pred: tf.Tensor) -> tf.Tensor:
    """Other predictions nearby; those from 0 to 1 stay there."""
    moves = np.random.default_rng(0).uniform(0, 0.1, y_pred.shape)
    return 0.9 * y_pred + tf.cast(moves, y_pred.dtype)


def _mixes(one: OutputLoss) -> bool:
    """Whether a sample that comes alone gets another value than in its batch."""
    # A copy of the predictions: Keras notes on the original what went into its sigmoid.
    y_pred = tree.map_structure(tf.identity, one.y_pred)
    values = np.atleast_1d(one.at(y_pred))
    if not np.allclose(one.at(y_pred), values, 1e-4, 1e-7, equal_nan=True):
        raise Skip("the loss draws random numbers, so that its values cannot be compared")
    for row in range(min(3, len(values))):
        y, p = tree.map_structure(lambda t: t[row : row + 1], (one.y_true, y_pred))  # noqa: B023
        alone, together = np.asarray(one.at(p, y)), values[row : row + 1]
        if alone.shape != together.shape or not np.allclose(alone, together, 1e-3, 1e-6, True):
            return True
    return False


def _are_shares(values: np.ndarray) -> bool:
    return bool(np.all((values >= 0) & (values <= 1)))


def _is_cut(one: OutputLoss, outside: np.ndarray) -> bool:
    """Whether predictions outside [0, 1] are all without a gradient, and such inside are not."""
    # Without the second question a loss that is flat everywhere would pass for one that clips.
    here, inside = (np.asarray(one.slope_at(p)[1]) for p in (one.y_pred, ops.sigmoid(one.y_pred)))
    return np.any(outside) and not np.any(here[outside]) and np.any(inside)


def _tried(case: Case, parts: list[np.ndarray]) -> tuple[float, float]:
    """The loss for these inputs, and the share of predictions that 1 % larger ones do not move."""
    given, more = (
        # In training, so that a layer which standardises its inputs does.
        case.model(tree.pack_sequence_as(case.x, [factor * x for x in parts]), training=True)
        for factor in (1.0, 1.01)
    )
    same = np.mean(np.equal(tree.flatten(given)[0], tree.flatten(more)[0]))
    return float(sum(one.mean_at(one.y_pred) for one in case.whole(given))), same


def _steps(case: Case, stage: int, optimizer: keras.optimizers.Optimizer) -> Iterator[float]:
    """Take step after step, and say what the loss is after each."""
    trained = internals.known_variables(optimizer) or case.model.trainable_variables
    scale = optimizer.loss_scale_factor or 1.0  # which it divides by
    while True:
        found = case.gradients(stage, training=True, penalties=True)
        slopes = [(found.get(v.path), v) for v in trained]
        slopes = [ops.zeros_like(v) if slope is None else slope * scale for slope, v in slopes]
        optimizer.apply(slopes, trained)
        yield case.loss(stage)


def _small_step(case: Case, stage: int) -> None:
    next(_steps(case, stage, keras.optimizers.SGD(0.01, global_clipnorm=1.0)))


def _inner_optimizer(case: Case) -> keras.optimizers.Optimizer:
    """The optimizer without the scaling of float16."""
    return getattr(case.model.optimizer, "inner_optimizer", case.model.optimizer)


def _weights(case: Case) -> np.ndarray:
    return np.concatenate([np.ravel(value_of(v)) for v in case.model.trainable_variables])


def _norms(found: dict[str, tf.Tensor | None]) -> dict[str, float]:
    return {n: float(tf.norm(tf.cast(g, "float64"))) for n, g in found.items() if g is not None}


def _silent(norms: dict[str, float]) -> list[str]:
    """Variables of layers whose gradients are all 0: single ones may rest while a layer learns."""
    awake = {name.rpartition("/")[0] for name, norm in norms.items() if norm > 1e-20}
    return [name for name in norms if name.rpartition("/")[0] not in awake]


def _spread(parts: list[np.ndarray]) -> float:
    return max(float(np.max(np.std(p, axis=0, dtype="float64"))) for p in parts)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
