"""Typical wrong answers to the exercises of notebook 12, with a fragment of the reply to each."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops


def _crossentropy(y_true, y_pred):
    return ops.mean(ops.softplus(y_pred) - y_true * y_pred, axis=-1)


def _distance(y_true, y_pred):
    return ops.mean(ops.abs(y_true - ops.sigmoid(y_pred)), axis=-1)


def _first_as_it_was(y_true, y_pred):
    return ops.mean(_crossentropy(y_true, y_pred)) * ops.ones_like(y_pred[:, 0])


def _counts_mistakes(y_true, y_pred):
    return ops.mean(ops.abs(y_true - (0.5 + 0.5 * ops.sign(y_pred))), axis=-1)


def _rounds(y_true, y_pred):
    return ops.mean(ops.abs(y_true - tf.round(tf.sigmoid(y_pred))), axis=-1)


def _mended(first=_crossentropy, second=_distance):
    return {"first": first, "second": second}


def _only_one_where(y_true, y_pred):
    quotient = ops.abs(y_pred - y_true) / ops.abs(y_true)
    return ops.mean(ops.where(y_true != 0, quotient, 0.0), axis=-1)


def _with_epsilon(y_true, y_pred):
    return ops.mean(ops.abs(y_pred - y_true) / (ops.abs(y_true) + 1e-4), axis=-1)


def _safe_without_choice(y_true, y_pred):
    safe = ops.where(y_true != 0, ops.abs(y_true), 1.0)
    return ops.mean(ops.abs(y_pred - y_true) / safe, axis=-1)


def _by_numpy(y_true, y_pred):
    y, p = np.array(y_true), np.array(y_pred)
    safe = np.where(y != 0, np.abs(y), 1)
    return ops.convert_to_tensor(np.where(y != 0, np.abs(p - y) / safe, 0).mean(-1))


def _signed(y_true, y_pred):
    safe = ops.where(y_true != 0, y_true, 1.0)
    return ops.mean(ops.where(y_true != 0, ops.abs(y_pred - y_true) / safe, 0.0), axis=-1)


def _fresh(model, path):
    keras.models.clone_model(model.network).save(path)


def _spoils(model, path):
    model.network.save(path)
    model.network.set_weights([0 * w for w in model.network.get_weights()])


WRONG = {
    "two_patients": [
        ({"first": _crossentropy}, "Fill in the dictionary"),
        ({"first": "independent", "second": "gradients"}, "Fill in the dictionary"),
        ([_crossentropy, _distance], "Fill in the dictionary"),
        (_mended(first=_first_as_it_was), "the same value"),
        (_mended(first=lambda t, p: ops.mean(_crossentropy(t, p))), "one number for the whole"),
        (_mended(first=lambda t, p: ops.softplus(p) - t * p), "the shape (4, 1)"),
        (_mended(first=_distance), "another one than its crossentropy"),
        (_mended(second=_counts_mistakes), "is 0 still"),
        (_mended(second=_rounds), "no gradient at all"),
        (_mended(second=lambda t, p: -_crossentropy(t, p)), "the wrong way"),
        (_mended(second=lambda t, p: ops.mean(_distance(t, p))), "one number for the whole"),
        (_mended(second=lambda t, p: ops.mean((1.0 - 2.0 * t) * p, axis=-1)), "never be below 0"),
    ],
    "relative_error": [
        (_only_one_where, "the gradient is NaN where the label is 0"),
        (_with_epsilon, "shifts every value"),
        (_safe_without_choice, "the value should be 0"),
        (_by_numpy, "no gradient"),
        (_signed, "is negative"),
        (lambda t, p: ops.mean(ops.abs(p - t), axis=-1), "not the relative error"),
        (lambda t, p: ops.mean(ops.abs(p - t) / ops.abs(t)), "one number for the whole batch"),
        (lambda t, p: ops.mean(ops.square(p - t) / ops.abs(t), axis=-1), "the relative errors are"),
        (lambda t, p: ops.abs(p - t) / ops.abs(t), "the shape (3, 1)"),
        (lambda t: t, "TypeError"),
    ],
    "ship": [
        (lambda model, path: model.save(path), "asks for lossutils"),
        (lambda model, path: model.network.export(path, verbose=False), "not a .keras file"),
        (lambda model, path: model.network, "Nothing was stored"),
        (lambda model, path: model.loss_layer.save(path), "AttributeError"),
        (lambda model, path: model.network.save_weights(path), "Weights alone are numbers"),
        (lambda model, path: model.save_weights(path), "Weights alone are numbers"),
        (lambda model, path: model.network.fit([1.0], [1.0]), "ValueError"),
        (_fresh, "with its trained weights"),
        (_spoils, "changed the model itself"),
        (lambda model: model.network.save("parcel.keras"), "TypeError"),
    ],
}


def _without_nan(y_true, y_pred):
    return ops.mean(tf.math.divide_no_nan(ops.abs(y_pred - y_true), ops.abs(y_true)), axis=-1)


ALSO_RIGHT = {
    "relative_error": [_without_nan],
    "two_patients": [
        _mended(second=_crossentropy),
        _mended(second=lambda t, p: ops.mean(ops.square(t - ops.sigmoid(p)), axis=-1)),
    ],
}
