"""The exercises of notebook 10, Can a loss learn how much to forgive?"""

from math import gamma, lgamma

import numpy as np
import tensorflow as tf

from lossutils.teaching.exercises import Exercise, quiz, require, returned


def _like(values, x):
    """What an answer returned, as an array in the shape of x."""
    array = returned(values).astype("float64")
    require(
        array.shape == x.shape,
        f"One number for each of {x.size} residuals is wanted; yours has the shape {array.shape}.",
    )
    return array


def pull(x, alpha, scale):
    b = 2 - alpha
    return x / scale**2 * (1 + (x / scale) ** 2 / b) ** (alpha / 2 - 1)


def _on_paper(answer):
    x = np.array([-6.0, -0.5, 0.5, 6.0])
    slope = answer(x.copy(), 1.0, 1.0)
    require(
        not type(slope).__module__.startswith("tensorflow"),
        "This is a tensor. No TensorFlow here: NumPy numbers go in and come out.",
    )
    require(
        "GradientTape" not in getattr(getattr(answer, "__code__", None), "co_names", ()),
        "A tape has found this slope. Differentiate on paper, and write the formula.",
    )
    yield _like(slope, x), (
        "For alpha 1 and scale 1 the residuals should pull with {wanted}, yours with {got}."
    )
    yield _like(answer(x.copy(), -2.0, 1.0), x), (
        "Right for alpha = 1 and wrong for alpha = -2. Where does b = 2 - alpha belong?"
    )
    yield _like(answer(x.copy(), 0.0, 1.0), x), (
        "At alpha = 0 it is not that of Cauchy's loss: cancel the division by alpha on paper."
    )
    yield _like(answer(x.copy(), 1.0, 2.0), x), (
        "It is wrong for scale 2: the slope of (x / scale)**2 over x is 2 * x / scale**2."
    )


def _family(formula):
    """A formula of the residual, of s = (x / scale)**2, of alpha and b, and of the scale."""
    return lambda x, alpha, c: formula(x, (x / c) ** 2, alpha, 2 - alpha, c)


def _by_differences(x, alpha, scale):
    loss = _family(lambda x, s, a, b, c: b / a * ((1 + s / b) ** (a / 2) - 1))
    return (loss(x + 1e-6, alpha, scale) - loss(x - 1e-6, alpha, scale)) / 2e-6 if alpha else 0 * x


def _by_a_tape(x, alpha, scale):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.sqrt(1 + (x / scale) ** 2)
    return tape.gradient(value, x).numpy()


def _of_the_pull(change):
    return lambda x, alpha, scale: change(pull.reference(x, alpha, scale), x, scale)


pull = Exercise(
    pull, _on_paper,
    "Differentiate (b / alpha) * ((1 + s / b)**(alpha / 2) - 1) with s = (x / scale)**2. First "
    "over s, then s over x.",
    "Over s: (1 + s / b)**(alpha / 2 - 1) / 2. The slope of s over x is 2 * x / scale**2.",
    praise="And it needs no case of its own at alpha = 0: only the loss has a hole there.",
    slips={
        "The sign is turned round: where the residual grows, the loss grows.":
            _of_the_pull(lambda pulls, x, scale: -pulls),
        "The pull on a negative residual points the other way: keep the sign of x.":
            _of_the_pull(lambda pulls, x, scale: abs(pulls)),
        "This is the loss. Its slope over x is wanted.":
            _family(lambda x, s, a, b, c: np.sqrt(1 + s) - 1),
        "This is the pull of the squared error: a far-off residual pulls without limit. Where "
        "does alpha come in?": _family(lambda x, s, a, b, c: x / c**2),
        "Your exponent is alpha / 2. A derivative lowers it by one.":
            _family(lambda x, s, a, b, c: x / c**2 * (1 + s / b) ** (a / 2)),
        "The inner derivative is missing: multiply by the slope of s = (x / scale)**2 over x.": [
            _family(lambda x, s, a, b, c: (1 + s / b) ** (a / 2 - 1)),
            _family(lambda x, s, a, b, c: 0.5 * (1 + s / b) ** (a / 2 - 1)),
        ],
        "At alpha = 0 you divide by 0. (b / alpha) * (alpha / 2) is b / 2: cancel on paper.":
            _family(lambda x, s, a, b, c: b / a * a / b * x / c**2 * (1 + s / b) ** (a / 2 - 1)),
        "should pull with": _of_the_pull(lambda pulls, x, scale: 2 * pulls),
        "wrong for alpha = -2": _family(lambda x, s, a, b, c: x / c**2 * (1 + s) ** (a / 2 - 1)),
        "that of Cauchy's loss": _by_differences,
        "wrong for scale 2": [
            _of_the_pull(lambda pulls, x, scale: scale * pulls),
            lambda x, alpha, scale: pull.reference(x / scale, alpha, 1.0),
        ],
        "This is a tensor": _of_the_pull(lambda pulls, x, scale: tf.constant(pulls)),
        "Differentiate on paper": _by_a_tape,
        "the shape ()": _of_the_pull(lambda pulls, x, scale: pulls.mean()),
    },
)


def priced_power(x, p, scale):
    from math import gamma

    return np.abs(x / scale) ** p + np.log(scale) + np.log(2 * gamma(1 + 1 / p))


def _log_integral(p):
    return np.log(2 * gamma(1 + 1 / p))


def _loss_and_prices(answer):
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])

    def cost(p, scale):
        return _like(answer(x.copy(), p, scale), x)

    for p, scale in ((1.0, 1.0), (2.0, 2.0), (1.5, 0.5)):
        costs = cost(p, scale)
        yield costs - costs[2], "The loss is not |x / scale|**p plus the prices."
    price = {(p, scale): cost(p, scale)[2] for p in (2.0, 1.0, 0.7) for scale in (1.0, 2.0)}
    yield np.ptp(list(price.values())) > 1e-6, (
        "This is the loss alone: divide exp(-loss) by its integral, then take minus the logarithm."
    )
    yield (price[2.0, 2.0] - price[2.0, 1.0]) / np.log(2.0), (
        "With twice the scale the price should rise by log(2); yours rises by {got} times that."
    )
    # A sum over some hundred places is a good integral too, off by less than a thousandth.
    areas = [np.exp(_log_integral(p) - price[p, 1.0]) for p in (2.0, 1.0, 0.7)]
    yield np.where(np.isclose(areas, 1.0, atol=2e-3), 1.0, areas), (
        "exp(-loss) has the integrals {got} for p = 2, 1, 0.7: a logarithm, and both sides."
    )


def _power(price):
    """The loss with another price of p and the scale."""
    return lambda x, p, scale: np.abs(x / scale) ** p + price(p, scale)


def _summed(p):
    """log(Z) by a sum over 400 places, as the notebook has it."""
    t = np.linspace(-20, 20, 400)
    return np.log(np.sum(np.exp(-(np.abs(np.sinh(t)) ** p)) * np.cosh(t) * (t[1] - t[0])))


priced_power = Exercise(
    priced_power, _loss_and_prices,
    "Three terms: the loss, the price of the scale, the price of the shape p.",
    "The integral of exp(-|x|**p) over all x is 2 * gamma(1 + 1 / p), with math.gamma.",
    praise="Now p and scale may be learned: exp(-loss) has the integral 1 for all of them.",
    also_right=(
        _power(lambda p, c: np.log(c) + _summed(p)),
        _power(lambda p, c: np.log(2 * c) + lgamma(1 + 1 / p)),
    ),
    slips={
        "This is exp(-loss), or its density. The loss is minus the logarithm of the density.": [
            lambda x, p, c: np.exp(-(np.abs(x / c) ** p)) / (2 * c * gamma(1 + 1 / p)),
            lambda x, p, c: np.exp(-(np.abs(x / c) ** p)),
        ],
        "A residual of -2 should cost what one of 2 costs: |x / scale| is np.abs(x / scale).":
            lambda x, p, c: (x / c) ** p + np.log(c) + _log_integral(p),
        "You divide |x / scale|**p by p. That is another family, with another integral.":
            lambda x, p, c: np.abs(x / c) ** p / p + np.log(c) + _log_integral(p),
        "The price of the scale has the wrong sign: a wide density must be low.": [
            _power(lambda p, c: _log_integral(p) - np.log(c)),
            _power(lambda p, c: -_log_integral(p) - np.log(c)),
        ],
        "With twice the scale exp(-loss) has twice the integral. The scale goes unpaid: it would "
        "run off.": [_power(lambda p, c: _log_integral(p)), _power(lambda p, c: _summed(p))],
        "Your price is p * log(scale). With twice the scale exp(-loss) has twice the integral, "
        "whatever p is: log(scale), once.": _power(lambda p, c: p * np.log(c) + _log_integral(p)),
        "The price of the shape has the wrong sign: the log of the integral is added.":
            _power(lambda p, c: np.log(c) - _log_integral(p)),
        "The shape goes unpaid, or pays the same for every p: integrate exp(-|x|**p).": [
            _power(lambda p, c: np.log(c)),
            _power(lambda p, c: np.log(c) + np.log(np.pi) / 2),
        ],
        "|x / scale|**p plus": lambda x, p, c: (x / c) ** 2 + np.log(c) + np.log(np.pi) / 2,
        "the loss alone": _power(lambda p, c: 0.0),
        "should rise by log(2)": _power(lambda p, c: np.log(c) / 2 + _log_integral(p)),
        "both sides": _power(lambda p, c: np.log(c) + lgamma(1 + 1 / p)),
        "a logarithm": _power(lambda p, c: np.log(c) + 2 * gamma(1 + 1 / p)),
        "the shape ()": lambda x, p, c: np.mean(priced_power.reference(x, p, c)),
    },
)

which_loss = quiz(
    "choices",
    {
        "balance": "The noise is Gaussian and nothing is off: which loss is made for that?",
        "lidar": "Gross errors, nobody knows how many or how large: who could find out?",
        "contract": "Somebody has written down what an error costs. Why learn it?",
        "form": "More than half of the labels are one wrong value. That would be the best fit.",
    },
    "Ask in this order: are the labels worth anything? Is the loss given? Are there outliers?",
    "A known cost is data, squared error is right for Gaussian noise, and where most labels "
    "are wrong, no loss can know it.",
    right=("squared error", "learned scale", "huber, fixed", "mend the data"),
    write="write one of the four answers",
    praise="Learn what the data know. Write down what you know.",
)
