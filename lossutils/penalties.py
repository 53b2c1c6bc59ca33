"""Penalties on the weights of a model. They depend on no sample, so they are no part of a loss."""

from collections.abc import Iterable

from keras import ops

from lossutils import arguments


def l1_penalty(variables: Iterable, strength: float = 0.01):
    """``strength`` times the sum of the absolute values of all entries of all ``variables``.

    For a penalty on one layer, ``kernel_regularizer=keras.regularizers.L1(strength)`` is the right
    place. This function is for a penalty over a whole model, added once per step in
    ``compute_loss``; under a distribution strategy divide it there by the number of replicas.

    Args:
        variables: such as ``model.trainable_variables``; at least one.
        strength: finite, at least 0.

    Returns:
        A float32 scalar.

    Raises:
        ValueError: no variable, or a strength that is negative or not finite.

    Source: Tibshirani (1996), Regression Shrinkage and Selection via the Lasso,
    doi:10.1111/j.2517-6161.1996.tb02080.x.

    >>> import keras
    >>> float(l1_penalty([keras.Variable([1.0, -2.0])], strength=0.5))
    1.5
    """
    arguments.number("strength", strength, at_least=0)
    given = [] if isinstance(variables, str) or not isinstance(variables, Iterable) else variables
    sizes = [ops.sum(ops.abs(ops.cast(v, "float32"))) for v in given]
    arguments.check("variables", variables, "be an iterable of at least one variable", sizes)
    return ops.cast(strength, "float32") * ops.sum(ops.stack(sizes))
