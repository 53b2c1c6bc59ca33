"""The exercises of notebook 05, Can a loss learn its own weights?"""

import numpy as np

from lossutils.teaching.exercises import Exercise, quiz, returned


def settled_weight(loss, price):
    return price / loss


def _of_prices(answer):
    yield returned(answer(4.0, 1.0)), "A loss of 4 should get the weight 1/4, not {got}."
    yield returned(answer(4.0, 0.5)), (
        "Your weight {got} is not where the slope over s, -exp(-s) * loss + price, is 0."
    )
    yield returned(answer(0.5, 3.0)), "For a loss below 1 your weight is off. It may be above 1."


settled_weight = Exercise(
    settled_weight, _of_prices,
    "Write down the slope over s, and ask where it is zero.",
    "The slope is -exp(-s) * loss + price. The weight is exp(-s).",
    praise="With the price 1/2 of the paper's classification the weight is 1 / (2 L).",
    slips={
        "You return exp(s). The weight is exp(-s).": lambda loss, price: loss / price,
        "You return s or -s. The weight is exp(-s).": [
            lambda loss, price: np.log(loss / price),
            lambda loss, price: np.log(price / loss),
        ],
        "Your weight does not depend on the price.": lambda loss, price: 1 / loss,
        "The price acts the wrong way round: when s is cheap it grows, and the weight exp(-s) "
        "falls.": lambda loss, price: 1 / (loss * price),
        "should get the weight 1/4": [
            lambda loss, price: np.sqrt(price / loss),
            lambda loss, price: [price / loss],
        ],
        "is not where the slope": lambda loss, price: price**2 / loss,
        "For a loss below 1": lambda loss, price: min(1.0, price / loss),
    },
)


def opponents_move(weights, losses, step_size):
    moved = weights * np.exp(step_size * losses)
    return moved / np.sum(moved)


def _a_move(answer):
    weights, losses = np.array([0.5, 0.3, 0.2]), np.array([0.2, 1.0, 2.0])
    moved = returned(answer(weights.copy(), losses.copy(), 0.5))
    yield moved.shape, "One number for each class is wanted; your result has the shape {got}."
    yield moved.sum(), "Your new weights add up to {got}; they should add up to 1: divide by it."
    yield returned(answer(weights.copy(), losses.copy(), 0.0)), (
        "With the step size 0 nothing should move. Where does the step size belong?"
    )
    yield moved, "Not as it should: multiply by an exponential; wanted {wanted}, yours {got}."


def _normalised(w):
    return w / np.sum(w)


opponents_move = Exercise(
    opponents_move, _a_move,
    "Multiply each weight by something that is larger, the larger its loss.",
    "moved = weights * np.exp(step_size * losses), and then? The weights must add up to 1.",
    praise="A step of any size keeps the weights positive, and their sum at 1.",
    slips={
        "add up to": [
            lambda w, losses, step: w * np.exp(step * losses),
            lambda w, losses, step: w + step * losses,
        ],
        "Your opponent helps the network: the weight of the easiest class went up. The worst class "
        "should gain.": lambda w, losses, step: _normalised(w * np.exp(-step * losses)),
        "You forgot the old weights: the factor exp(step_size * loss) multiplies "
        "them.": lambda w, losses, step: _normalised(np.exp(step * losses)),
        "Nothing moved: the weights are the same as before.": lambda w, losses, step: w,
        "With the step size 0": [
            lambda w, losses, step: _normalised(w * np.exp(losses)),
            lambda w, losses, step: np.eye(3)[np.argmax(losses)],
        ],
        "Not as it should": [
            lambda w, losses, step: _normalised(w + step * losses),
            lambda w, losses, step: _normalised(w * (1 + step * losses)),
        ],
        "One number for each class": lambda w, losses, step: np.sum(w * losses),
    },
)

which_weights = quiz(
    "choices",
    {
        "brakes": "The cost of each mistake is known. A known cost is data, nothing to learn.",
        "weather": "The units differ: what settles the unit in one line, with nothing to learn?",
        "dialects": "The worst group decides here, and its labels can be trusted.",
        "crowd": "An opponent would chase these mistakes. What is left for rare classes?",
        "depth": "One unit, and their noise differs: which weights find the good sensors?",
    },
    "Ask in this order: is a cost known? Are the labels to be trusted? Tasks, or classes?",
    "Among tasks: does the unit differ, or the noise? Dividing by the standard deviation "
    "settles the unit; uncertainty weights find the noise as well.",
    right=("known costs", "standardise", "worst case", "balanced", "uncertainty"),
    write="write one of the five kinds",
    praise="The last row of the notebook's table is never the answer.",
)
