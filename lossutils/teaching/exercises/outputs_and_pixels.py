"""The exercises of notebook 14, What if there are several outputs, or one per pixel?"""

import keras
import numpy as np
from keras import ops

from lossutils.teaching.exercises import Exercise, require, slopes, values

GAPS = np.array([[1.0], [np.nan], [-2.0], [np.nan], [np.nan], [0.5]], "float32")


def without_gaps(labels):
    there = ~np.isnan(labels[:, 0])
    return np.nan_to_num(labels), there * len(labels) / there.sum()


_EMPTY = (
    "Not answered yet: your function returns nothing. Replace the three dots by the labels and the "
    "weights."
)


def _filled(answer):
    for labels in (GAPS, GAPS[:, ::-1] * 0 + 3.0, np.ones((3, 1), "float32")):
        result = answer(labels.copy())
        require(result is not None and result is not ..., _EMPTY)
        two = isinstance(result, tuple) and len(result) == 2
        require(two, "Return two things: the labels without gaps, and the weights.")
        filled, weights = map(np.asarray, result)
        yield str(filled.shape), "The labels should keep their shape {wanted}, not {got}."
        yield bool(np.isnan(filled).any()), (
            "There is a NaN left in the labels. A weight of 0 does not help: 0 times NaN is NaN."
        )
        there = ~np.isnan(labels)
        yield filled[there], "A label that is there should stay as it is."
        yield str(weights.shape), "The weights should have one number per sample, {wanted}: {got}."
        yield weights, (
            f"For the labels {labels.ravel().tolist()} the weights should be {{wanted}}, "
            "not {got}."
        )


def _weighing(weights):
    return lambda labels: (np.nan_to_num(labels), weights(~np.isnan(labels[:, 0])))


without_gaps = Exercise(
    without_gaps, _filled,
    "np.isnan(labels[:, 0]) says where the gaps are, and np.nan_to_num fills them.",
    "Keras divides by all samples. By what must the weights of the others grow, if half is gone?",
    praise="The printed part loss is now the mean over the labels that are there.",
    slips={
        "0 times NaN is NaN":
            lambda labels: (labels, without_gaps.reference(labels)[1]),
        "Right, but Keras divides by all samples, those with weight 0 too: the loss is too small "
        "by the share of labels that are there.": _weighing(lambda there: there * 1.0),
        "The weights are the wrong way round: a gap should weigh 0.":
            _weighing(lambda there: ~there * len(there) / max(1, (~there).sum())),
        "You multiply by the share of labels that are there. Divide by it.":
            _weighing(lambda there: there * there.mean()),
        "Weights that add up to 1 make the loss too small by the number of samples: Keras divides "
        "by that number once more.": _weighing(lambda there: there / there.sum()),
        "one number per sample":
            lambda labels: (np.nan_to_num(labels), without_gaps.reference(labels)[1][:, None]),
        "Return two things": lambda labels: np.nan_to_num(labels),
        "keep their shape":
            lambda labels: (labels[~np.isnan(labels)], without_gaps.reference(labels)[1]),
    },
)


def weighted_pixels(y_true, y_pred, class_weights):
    classes = ops.cast(y_true, "int32")
    costs = keras.losses.sparse_categorical_crossentropy(classes, y_pred)
    return ops.mean(ops.take(class_weights, classes) * costs, axis=(1, 2))


CLASSES = np.array([[[0, 1, 2], [0, 0, 2]], [[1, 1, 1], [0, 0, 0]]], "float32")
SCORES = np.random.default_rng(14).dirichlet(np.ones(3), size=(2, 2, 3)).astype("float32")
WEIGHTS = np.array([1.0, 4.0, 10.0], "float32")


def _pictures(answer):
    yield values(answer, CLASSES, SCORES, WEIGHTS), (
        "The two pictures should cost {wanted}, and cost {got}."
    )
    # By logits: Keras divides probabilities by their sum first, and a loss need not.
    yield slopes(lambda y, z, w: answer(y, ops.softmax(z), w), CLASSES, np.log(SCORES), WEIGHTS), (
        "Right values, but the slopes differ."
    )


def _by_hand(y_true, y_pred, w):
    marks = ops.one_hot(ops.cast(y_true, "int32"), 3)
    return -ops.mean(ops.sum(marks * w * ops.log(y_pred), axis=-1), axis=(1, 2))


def _pixels(change):
    def loss(y_true, y_pred, w):
        classes = ops.cast(y_true, "int32")
        costs = keras.losses.sparse_categorical_crossentropy(classes, y_pred)
        return change(classes, y_pred, costs, w)
    return loss


weighted_pixels = Exercise(
    weighted_pixels, _pictures,
    "keras.losses.sparse_categorical_crossentropy gives one value per pixel: (batch, 2, 3).",
    "ops.take(class_weights, classes) has that shape too, if the classes are whole numbers: cast "
    "them to int32. Multiply, then average over the axes 1 and 2.",
    praise="Inside fit labels arrive as float32, which is why the cast is needed.",
    also_right=(_by_hand,),
    slips={
        "one number for the whole batch": _pixels(lambda c, p, v, w: ops.mean(ops.take(w, c) * v)),
        "the shape (2, 2, 3)": _pixels(lambda c, p, v, w: ops.take(w, c) * v),
        "The weights are missing.": _pixels(lambda c, p, v, w: ops.mean(v, axis=(1, 2))),
        "You add up over the pixels: average, or large pictures count more.":
            _pixels(lambda c, p, v, w: ops.sum(ops.take(w, c) * v, axis=(1, 2))),
        "You divide by the weights of each picture. Then one with a rare class weighs no more than "
        "one without.":
            _pixels(lambda c, p, v, w: ops.sum(ops.take(w, c) * v, (1, 2))
                    / ops.sum(ops.take(w, c), (1, 2))),
        "You weigh by the class that is predicted. The weight belongs to the label.":
            _pixels(lambda c, p, v, w: ops.mean(ops.take(w, ops.argmax(p, axis=-1)) * v, (1, 2))),
        "The average runs over the batch: every picture lost its own value.":
            _pixels(lambda c, p, v, w: ops.mean(ops.take(w, c) * v, axis=(0, 1))[:2]),
    },
)


def contrastive(classes, z, margin=1.0):
    squared = ops.sum(ops.square(z[:, None] - z[None]), axis=-1)
    distance = ops.sqrt(ops.maximum(squared, 1e-12))
    same = ops.cast(classes[:, None] == classes[None], "float32")
    push = ops.square(ops.relu(margin - distance))
    return ops.mean(same * squared + (1 - same) * push, axis=-1)


GROUPS = np.array([0.0, 0.0, 1.0, 1.0, 2.0], "float32")
POINTS = np.array([[0, 0], [0.6, 0], [0, 0.5], [3, 0.5], [0.3, 0.4]], "float32")


def _distances(answer):
    yield values(answer, GROUPS, POINTS), "The five points should cost {wanted}, and cost {got}."
    yield values(answer, GROUPS, POINTS, 2.0), "Right for margin 1, but for 2 it costs {got}."
    yield slopes(answer, GROUPS, POINTS), "Right values, but the slopes differ."
    yield bool(np.isfinite(slopes(answer, GROUPS, POINTS, compiled=True)).all()), (
        "Right, but compiled by XLA the gradient is NaN: each point has distance 0 to itself, and "
        "there the slope of the root is infinite. Take ops.maximum(squared, 1e-12) before it."
    )


def _pairs(cost, reduce=ops.mean, safe=1e-12):
    def loss(classes, z, margin=1.0):
        squared = ops.sum(ops.square(z[:, None] - z[None]), axis=-1)
        same = ops.cast(classes[:, None] == classes[None], "float32")
        distance = ops.sqrt(ops.maximum(squared, safe) if safe else squared)
        return reduce(cost(same, squared, distance, margin), axis=-1)
    return loss


def _right(same, squared, distance, margin):
    return same * squared + (1 - same) * ops.square(ops.relu(margin - distance))


contrastive = Exercise(
    contrastive, _distances,
    "z[:, None] - z[None] holds all differences; add up their squares over the last axis.",
    "same = ops.cast(classes[:, None] == classes[None], 'float32'). A pair of one class costs "
    "squared, another ops.square(ops.relu(margin - distance)). A point and itself cost 0.",
    praise="Every pair takes part, near or far: no mining that could go wrong.",
    slips={
        "Same and different are swapped: pull together what is of one class.":
            _pairs(lambda s, q, d, m: _right(1 - s, q, d, m)),
        "Pairs that are further apart than the margin should cost nothing: ops.relu(...).":
            _pairs(lambda s, q, d, m: s * q + (1 - s) * ops.square(m - d)),
        "The push is squared, too: ops.square(ops.relu(margin - distance)).":
            _pairs(lambda s, q, d, m: s * q + (1 - s) * ops.relu(m - d)),
        "Nothing pushes: then one point for all is the best answer.":
            _pairs(lambda s, q, d, m: s * q),
        "You add up over the batch: average, or a larger batch takes larger steps.":
            _pairs(_right, reduce=ops.sum),
        "A pair of one class costs the squared distance, not the distance.":
            _pairs(lambda s, q, d, m: s * d + (1 - s) * ops.square(ops.relu(m - d))),
        "A point and itself are of one class, and cost 0: they do not push.":
            _pairs(lambda s, q, d, m: _right(s * (1 - ops.eye(5)), q, d, m)),
        "The push compares the margin with the squared distance.":
            _pairs(lambda s, q, d, m: s * q + (1 - s) * ops.square(ops.relu(m - q))),
        "for 2 it costs": _pairs(lambda s, q, d, m: _right(s, q, d, 1.0)),
        "the gradient is NaN": _pairs(_right, safe=0),
        "one number for the whole batch":
            lambda c, z, m=1.0: ops.mean(contrastive.reference(c, z, m)),
    },
)
