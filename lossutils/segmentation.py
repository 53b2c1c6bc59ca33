"""A loss on the overlap of masks: one value per picture, however many pixels it has."""

from keras import ops

from lossutils import arguments
from lossutils.closures import Loss, floats, storable


@storable
def tversky(false_positives=0.5, false_negatives=0.5, smooth=1.0) -> Loss:
    """One minus the Tversky index of two masks; with both weights at one half the Dice loss.

    With TP = sum y p, FP = sum (1 - y) p and FN = sum y (1 - p) over the pixels of a picture, the
    loss is 1 - (TP + s) / (TP + s + false_positives FP + false_negatives FN), where s is
    ``smooth`` / 2. Each channel is a class with a loss of its own; a picture has their mean.

    Args:
        false_positives: weight of what is marked and should not be; finite, at least 0.
        false_negatives: weight of what should be marked and is not; finite, at least 0.
        smooth: pixels added to the overlap, finite, above 0. Without it an empty picture that is
            left empty would be 0 / 0; with it the loss there is 0.

    Returns:
        ``loss(y_true, y_pred)``: masks of 0 and 1 and probabilities of shape
        (batch, ..., channels), such as (batch, height, width, channels), to values of shape
        (batch,), from 0 to 1.

    Raises:
        ValueError: a negative or non-finite weight, both 0, ``smooth`` not above 0, labels other
            than 0 and 1 (checked outside compiled steps), no axis of pixels, or shapes that differ.

    Source: Salehi, Erdogmus and Gholipour (2017), equation 4, arXiv:1706.05721; ``smooth`` as in
    common use. keras.losses.Tversky 3.15 has the two weights the other way round.

    >>> mask, marked = [[[[1.0], [1.0], [0.0], [0.0]]]], [[[[1.0], [0.0], [0.0], [0.0]]]]
    >>> [round(float(v), 4) for v in tversky(smooth=1.0)(mask, marked)]
    [0.25]
    """
    weights = (false_positives, false_negatives)
    weights = arguments.weights("(false_positives, false_negatives)", weights)
    arguments.number("smooth", smooth, above=0)

    def loss(y_true, y_pred):
        y_true, y_pred, w_fp, w_fn, s = floats(y_true, y_pred, *weights, smooth)
        wanted = "have axes of pixels, such as (batch, height, width, 1)"
        arguments.check("y_pred", tuple(y_pred.shape), wanted, len(y_pred.shape) >= 3)
        arguments.zeros_and_ones("y_true", y_true)
        pixels = tuple(range(1, len(y_pred.shape) - 1))
        overlap = ops.sum(y_true * y_pred, axis=pixels) + 0.5 * s
        too_much = ops.sum((1.0 - y_true) * y_pred, axis=pixels)
        too_little = ops.sum(y_true * (1.0 - y_pred), axis=pixels)
        index = overlap / (overlap + w_fp * too_much + w_fn * too_little)
        return ops.mean(1.0 - index, axis=-1)

    return loss
