"""The exercises of notebook 05, Can a loss learn its own weights?"""

import numpy as np

from lossutils.teaching.exercises.base import Exercise, require, returned


def _numbers(value, size):
    """The answer's result as an array of `size` numbers."""
    array = returned(value).astype("float64")
    require(
        array.shape == ((size,) if size else ()),
        f"One number {'for each class ' if size else ''}is wanted, but your function returned the "
        f"shape {array.shape}.",
    )
    return array


class SettledWeight(Exercise):
    """Where the weight of a task settles when s costs more or less than 1."""

    asks_for = "settled_weight"
    hints = (
        "Write down the slope over s, and ask where it is zero.",
        "The slope is -exp(-s) * loss + price. The weight is exp(-s).",
    )
    praise = "With the price 1/2 of the paper's classification the weight is 1 / (2 L)."

    def reference(loss, price):
        return price / loss

    def grade(self, answer):
        usual = float(_numbers(answer(4.0, 1.0), 0))
        require(
            not np.isclose(usual, 4.0),
            "For the price 1 and a loss of 4 you return 4. That is exp(s); the weight is exp(-s).",
        )
        require(
            not np.isclose(usual, np.log(4.0)) and not np.isclose(usual, -np.log(4.0)),
            "You return s or -s. The weight is exp(-s).",
        )
        require(
            np.isclose(usual, 0.25),
            f"With the price 1 a loss of 4 should get the weight 1/4, as in the notebook, not "
            f"{usual:.3g}.",
        )
        half = float(_numbers(answer(4.0, 0.5), 0))
        require(
            not np.isclose(half, 0.25),
            "Your weight does not depend on the price. A cheaper s grows further: which way does "
            "that move the weight?",
        )
        require(
            not np.isclose(half, 0.5),
            "The price acts the wrong way round: when s is cheap it grows, and the weight exp(-s) "
            "falls.",
        )
        require(
            np.isclose(half, 0.125),
            f"For a loss of 4 and the price 0.5 your weight {half:.3g} is not where the slope over "
            "s, -exp(-s) * loss + price, is zero.",
        )
        require(
            np.isclose(float(_numbers(answer(0.5, 3.0), 0)), 6.0),
            "For a loss below 1 your weight is off. It may well be above 1.",
        )


class OpponentsMove(Exercise):
    """One step of exponentiated gradient."""

    asks_for = "opponents_move"
    hints = (
        "Multiply each weight by something that is larger, the larger its loss.",
        "moved = weights * np.exp(step_size * losses), and then? The weights must add up to 1.",
    )
    praise = "A step of any size keeps the weights positive, and their sum at 1."

    def reference(weights, losses, step_size):
        moved = weights * np.exp(step_size * losses)
        return moved / np.sum(moved)

    def grade(self, answer):
        weights, losses = np.array([0.5, 0.3, 0.2]), np.array([0.2, 1.0, 2.0])
        moved = _numbers(answer(weights.copy(), losses.copy(), 0.5), 3)
        wanted = OpponentsMove.reference(weights, losses, 0.5)
        require(
            np.isclose(moved.sum(), 1.0),
            f"Your new weights add up to {moved.sum():.3g}; they should add up to 1. Divide by "
            "their sum.",
        )
        require(
            moved[0] < weights[0] or np.allclose(moved, weights),
            "Your opponent helps the network: the weight of the easiest class went up. The worst "
            "class should gain.",
        )
        require(
            not np.allclose(moved, weights), "Nothing moved: the weights are the same as before."
        )
        softmax = np.exp(0.5 * losses) / np.exp(0.5 * losses).sum()
        require(
            not np.allclose(moved, softmax),
            "You forgot the old weights: the factor exp(step_size * loss) multiplies them.",
        )
        still = _numbers(answer(weights.copy(), losses.copy(), 0.0), 3)
        require(
            np.allclose(still, weights),
            "With the step size 0 nothing should move. Where does the step size belong?",
        )
        require(
            np.allclose(moved, wanted),
            f"The worst class gains, but not as it should: wanted {wanted.round(3).tolist()}, "
            f"yours {moved.round(3).tolist()}. The step multiplies by an exponential.",
        )


class WhichWeights(Exercise):
    """Choose the kind of weights for five projects."""

    wants_function = False
    asks_for = "choices"
    hints = (
        "Ask in this order: is a cost known? Are the labels to be trusted? Tasks, or classes?",
        "Among tasks: does the unit differ, or the noise? Dividing by the standard deviation "
        "settles the unit; uncertainty weights find the noise as well.",
    )
    praise = "The last row of the notebook's table is never the answer."

    KINDS = ("known costs", "standardise", "uncertainty", "worst case", "balanced")
    WHY = {
        "brakes": "The cost of each mistake is known. A known cost is data, nothing to learn.",
        "weather": "Two tasks whose units differ and whose noise is small: what settles the unit "
        "in one line, with nothing to learn?",
        "dialects": "The worst group decides here, and its labels can be trusted.",
        "crowd": "Two classes are mixed up by the labels: an opponent would chase these mistakes. "
        "Which simple answer to rare classes is left?",
        "depth": "Six labels of one distance, in one unit, and their noise differs: which weights "
        "find the good sensors?",
    }

    def reference():
        return {
            "brakes": "known costs",
            "weather": "standardise",
            "dialects": "worst case",
            "crowd": "balanced",
            "depth": "uncertainty",
        }

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: one answer for each project.")
        missing = [project for project in self.WHY if answer.get(project) in (None, ...)]
        require(not missing, f"Not answered yet for {missing}: write one of the five kinds.")
        unknown = [kind for kind in answer.values() if kind not in self.KINDS]
        require(not unknown, f"{unknown} is none of the five kinds; copy one from the list.")
        for project, kind in WhichWeights.reference().items():
            require(answer[project] == kind, f"Look at {project!r} again. {self.WHY[project]}")


settled_weight = SettledWeight()
opponents_move = OpponentsMove()
which_weights = WhichWeights()
