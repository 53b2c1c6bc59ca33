"""The exercises of notebook 10, Can a loss learn how much to forgive?"""

import numpy as np

from lossutils.teaching.exercises.base import Exercise, require, returned


def _like(values, x):
    """The answer's result as an array in the shape of x."""
    array = returned(values).astype("float64")
    require(
        array.shape == x.shape,
        f"One number for each of {x.size} residuals is wanted, but your function returned the "
        f"shape {array.shape}.",
    )
    return array


class Pull(Exercise):
    """The slope of the family over the residual."""

    asks_for = "pull"
    hints = (
        "Differentiate (b / alpha) * ((1 + s / b)**(alpha / 2) - 1) with s = (x / scale)**2. First "
        "over s, then s over x.",
        "Over s: (1 + s / b)**(alpha / 2 - 1) / 2. The slope of s over x is 2 * x / scale**2.",
    )
    praise = "And it needs no case of its own at alpha = 0: only the loss has a hole there."

    def reference(x, alpha, scale):
        b = 2 - alpha
        return x / scale**2 * (1 + (x / scale) ** 2 / b) ** (alpha / 2 - 1)

    def grade(self, answer):
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
        slope = _like(slope, x)
        wanted = self._wanted(x, 1.0, 1.0)
        require(
            not np.allclose(slope, -wanted),
            "The sign is turned round: where the residual grows, the loss grows.",
        )
        require(
            not np.allclose(slope, np.abs(wanted)),
            "The pull on a negative residual points the other way: keep the sign of x.",
        )
        require(
            not np.allclose(slope, np.sqrt(1 + x**2) - 1),
            "This is the loss. Its slope over x is wanted.",
        )
        require(
            not np.allclose(slope, x),
            "This is the pull of the squared error: a far-off residual pulls without limit. Where "
            "does alpha come in?",
        )
        require(
            not np.allclose(slope, x * np.sqrt(1 + x**2)),
            "Your exponent is alpha / 2. A derivative lowers it by one.",
        )
        over_s = wanted / x
        require(
            not (np.allclose(slope, over_s) or np.allclose(slope, over_s / 2)),
            "The inner derivative is missing: this is the slope over s = (x / scale)**2, or twice "
            "it. Multiply by the slope of s over x.",
        )
        require(
            np.allclose(slope, wanted),
            f"For alpha 1 and scale 1 a residual of 6 should pull with {wanted[-1]:.3f}, yours "
            f"pulls with {slope[-1]:.3f}.",
        )
        require(
            np.allclose(_like(answer(x.copy(), -2.0, 1.0), x), self._wanted(x, -2.0, 1.0)),
            "Right for alpha = 1, where 2 - alpha is 1, and wrong for alpha = -2. Where does "
            "b = 2 - alpha belong?",
        )
        try:
            at_zero = _like(answer(x.copy(), 0.0, 1.0), x)
        except ZeroDivisionError:
            require(
                False,
                "At alpha = 0 your formula divides by 0. The b / alpha of the loss times the "
                "alpha / 2 of its derivative is b / 2: cancel on paper.",
            )
        require(
            np.allclose(at_zero, x / (1 + x**2 / 2)),
            "At alpha = 0 your slope is not that of Cauchy's loss, x / (1 + x**2 / 2). The "
            "division by alpha cancels: do it on paper.",
        )
        require(
            np.allclose(_like(answer(x.copy(), 1.0, 2.0), x), self._wanted(x, 1.0, 2.0)),
            "Right for scale 1, and wrong for scale 2. The slope of (x / scale)**2 over x is "
            "2 * x / scale**2.",
        )

    @staticmethod
    def _wanted(x, alpha, scale):
        return Pull.reference(x, alpha, scale)


class PricedPower(Exercise):
    """Another family of losses, |x / scale|^p, made into a likelihood."""

    asks_for = "priced_power"
    hints = (
        "Three terms: the loss, the price of the scale, the price of the shape p.",
        "The integral of exp(-|x|**p) over all x is 2 * gamma(1 + 1 / p), with math.gamma.",
    )
    praise = "Now p and scale may be learned: exp(-loss) has the integral 1 for all of them."

    def reference(x, p, scale):
        from math import gamma

        return np.abs(x / scale) ** p + np.log(scale) + np.log(2 * gamma(1 + 1 / p))

    def grade(self, answer):
        x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])

        def loss_and_price(p, scale):
            """What grows with the residual, and what a residual of 0 pays."""
            loss = _like(answer(x.copy(), p, scale), x)
            density = loss[2] / np.exp(np.abs(x / scale) ** p)
            require(
                not np.allclose(loss, density),
                "This falls where the residual grows: exp(-loss), or its density. The loss is "
                "minus the logarithm of the density.",
            )
            require(
                np.allclose(loss, loss[::-1]),
                "A residual of -2 should cost what one of 2 costs, but for p = 1 yours does not do "
                "that: |x / scale| is np.abs(x / scale).",
            )
            return loss - loss[2], loss[2]

        self._check_loss(x, loss_and_price)
        self._check_that_something_is_paid(loss_and_price)
        self._check_price_of_scale(loss_and_price)
        self._check_price_of_shape(loss_and_price)

    @staticmethod
    def _check_loss(x, loss_and_price):
        for p, scale in ((1.0, 1.0), (2.0, 2.0), (1.5, 0.5)):
            loss, wanted = loss_and_price(p, scale)[0], np.abs(x / scale) ** p
            require(
                np.allclose(loss, wanted) or not np.allclose(loss, wanted / p),
                "You divide |x / scale|**p by p. That is another family, with another integral.",
            )
            require(np.allclose(loss, wanted), "The loss is not |x / scale|**p plus the prices.")

    @staticmethod
    def _check_that_something_is_paid(loss_and_price):
        prices = [loss_and_price(p, scale)[1] for p, scale in ((2.0, 1.0), (2.0, 3.0), (1.0, 1.0))]
        require(
            np.ptp(prices) > 1e-6,
            "This is the loss alone: neither the scale nor p is paid for, and both would run off. "
            "Divide exp(-loss) by its integral to make it a density, and take minus the logarithm.",
        )

    @staticmethod
    def _check_price_of_scale(loss_and_price):
        extra = (loss_and_price(2.0, 2.0)[1] - loss_and_price(2.0, 1.0)[1]) / np.log(2)
        require(
            not np.isclose(extra, -1),
            "The price of the scale has the wrong sign: log(scale) is added, for a wide density "
            "must be low.",
        )
        require(
            not np.isclose(extra, 0),
            "With twice the scale exp(-loss) has twice the integral. The scale goes unpaid: it "
            "would run off.",
        )
        require(
            not np.isclose(extra, 2),
            "Your price is p * log(scale). With twice the scale exp(-loss) has twice the integral, "
            "whatever p is: log(scale), once.",
        )
        require(
            np.isclose(extra, 1),
            f"With twice the scale the price should rise by log(2); yours rises by {extra:.3g} "
            "times that.",
        )

    @staticmethod
    def _check_price_of_shape(loss_and_price):
        shapes = (2.0, 1.0, 0.7)
        price = np.array([loss_and_price(p, 1.0)[1] for p in shapes])
        wanted = np.array([PricedPower.reference(0.0, p, 1.0) for p in shapes])
        require(
            not np.allclose(price, -wanted, atol=2e-3),
            "The price of the shape has the wrong sign: the log of the integral is added.",
        )
        require(
            np.ptp(price) > 1e-6,
            "The integral of exp(-loss) changes with p. The shape goes unpaid, or pays the same "
            "for every p: what is the integral of exp(-|x|**p)?",
        )
        # A sum over some hundred places is a good integral too, off by less than a thousandth.
        area = np.exp(wanted - price)
        require(
            np.allclose(area, 1, atol=2e-3),
            f"exp(-loss) should have the integral 1. For p = 2 yours has {area[0]:.3g}, for p = 1 "
            f"it has {area[1]:.3g}. The price is a logarithm, and the integral runs over both "
            "sides.",
        )


class WhichLoss(Exercise):
    """Choose a loss for four projects."""

    wants_function = False
    asks_for = "choices"
    hints = (
        "Ask in this order: are the labels worth anything? Is the loss given? Are there outliers?",
        "A known cost is data, squared error is right for Gaussian noise, and where most labels "
        "are wrong, no loss can know it.",
    )
    praise = "Learn what the data know. Write down what you know."

    KINDS = ("squared error", "huber, fixed", "learned scale", "mend the data")
    WHY = {
        "balance": "The noise is Gaussian and nothing is off: which loss is made for that?",
        "lidar": "Gross errors, nobody knows how many or how large: who could find out?",
        "contract": "Somebody has written down what an error costs. Why learn it?",
        "form": "More than half of the labels are one wrong value. That would be the best fit.",
    }

    def reference():
        return {
            "balance": "squared error",
            "lidar": "learned scale",
            "contract": "huber, fixed",
            "form": "mend the data",
        }

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: one answer for each project.")
        missing = [project for project in self.WHY if answer.get(project) in (None, ...)]
        require(not missing, f"Not answered yet for {missing}: write one of the four answers.")
        unknown = [kind for kind in answer.values() if kind not in self.KINDS]
        require(not unknown, f"{unknown} is none of the four answers; copy one from the list.")
        for project, kind in WhichLoss.reference().items():
            require(answer[project] == kind, f"Look at {project!r} again. {self.WHY[project]}")


pull = Pull()
priced_power = PricedPower()
which_loss = WhichLoss()
