"""The exercise of notebook 00, Where do I start?"""

from lossutils.teaching.exercises import Exercise, require


def _size(delta):
    require(
        isinstance(delta, (int, float)) and not isinstance(delta, bool),
        f"A single number is wanted; this is a value of type {type(delta).__name__}.",
    )
    require(delta > 0, "Delta is a distance: it must be above 0.")
    if delta < 5:
        words = "errors from {got:g} minutes on are treated as mistakes. Up to 5 they are ordinary."
    else:
        words = "an error of {got:g} minutes pulls with {got:g}, harder than one of 5 minutes does."
    yield delta, f"With delta = {{got:g}} {words}"


choose_delta = Exercise(
    5.0, _size,
    "Beyond delta the pull stays the same. From which error on should it do so?",
    "The slope at an error of 5 minutes is 5, if delta is at least 5.",
    asks_for="delta",
    praise="Ordinary errors are squared, and nothing pulls harder than 5.",
    slips={
        "1 is the usual default, but it is 1 of *your* unit: here one minute. Errors between "
        "1 and 5 minutes would be treated as mistakes already.": 1.0,
        "The pull of an error e is e itself, up to delta: look at the slope.": [10.0, 12.5, 25.0],
        "treated as mistakes": 2.5,
        "harder than one of 5 minutes": 6,
        "above 0": [-5.0, 0],
        "single number": "5 minutes",
    },
)
