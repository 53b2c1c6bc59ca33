"""Typical wrong answers to the exercises of notebook 05, with a fragment of the reply to each."""

import numpy as np

RIGHT = {
    "brakes": "known costs",
    "weather": "standardise",
    "dialects": "worst case",
    "crowd": "balanced",
    "depth": "uncertainty",
}


def _normalised(w):
    return w / np.sum(w)


WRONG = {
    "settled_weight": [
        (lambda loss, price: loss / price, "That is exp(s)"),
        (lambda loss, price: np.log(loss / price), "You return s or -s"),
        (lambda loss, price: np.log(price / loss), "You return s or -s"),
        (lambda loss, price: 1 / loss, "does not depend on the price"),
        (lambda loss, price: 1 / (loss * price), "the wrong way round"),
        (lambda loss, price: np.sqrt(price / loss), "should get the weight 1/4"),
        (lambda loss, price: price**2 / loss, "is not where the slope"),
        (lambda loss, price: min(1.0, price / loss), "For a loss below 1"),
        (lambda loss, price: [price / loss], "the shape (1,)"),
        (lambda loss: 1 / loss, "TypeError"),
    ],
    "opponents_move": [
        (lambda w, losses, step: w * np.exp(step * losses), "add up to"),
        (lambda w, losses, step: w + step * losses, "add up to"),
        (lambda w, losses, step: _normalised(w * np.exp(-step * losses)), "helps the network"),
        (lambda w, losses, step: _normalised(np.exp(step * losses)), "forgot the old weights"),
        (lambda w, losses, step: _normalised(w), "Nothing moved"),
        (lambda w, losses, step: _normalised(w * np.exp(losses)), "With the step size 0"),
        (lambda w, losses, step: np.eye(3)[np.argmax(losses)], "With the step size 0"),
        (lambda w, losses, step: _normalised(w + step * losses), "not as it should"),
        (lambda w, losses, step: _normalised(w * (1 + step * losses)), "not as it should"),
        (lambda w, losses, step: np.sum(w * losses), "One number for each class"),
        (lambda w, losses: w, "TypeError"),
    ],
    "which_weights": [
        ({"brakes": "known costs"}, "Not answered yet"),
        (list(RIGHT.values()), "Fill in the dictionary"),
        ({**RIGHT, "brakes": "softmax"}, "none of the five kinds"),
        ({**RIGHT, "brakes": "worst case"}, "A known cost is data"),
        ({**RIGHT, "weather": "uncertainty"}, "with nothing to learn"),
        ({**RIGHT, "weather": "balanced"}, "settles the unit"),
        ({**RIGHT, "dialects": "balanced"}, "The worst group decides"),
        ({**RIGHT, "crowd": "worst case"}, "would chase these mistakes"),
        ({**RIGHT, "depth": "worst case"}, "find the good sensors"),
        ({**RIGHT, "depth": "standardise"}, "their noise differs"),
    ],
}
