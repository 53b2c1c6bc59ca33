"""The exercise of notebook 00, Where do I start?"""

from lossutils.teaching.exercises.base import Exercise, require


class ChooseDelta(Exercise):
    """Choose Huber's delta from the size of ordinary errors, here 5 minutes."""

    wants_function = False
    asks_for = "delta"
    hints = (
        "Beyond delta the pull stays the same. From which error on should it do so?",
        "The slope at an error of 5 minutes is 5, if delta is at least 5.",
    )
    praise = "Ordinary errors are squared, and nothing pulls harder than 5."

    def reference():
        return 5.0

    def grade(self, answer):
        require(
            isinstance(answer, (int, float)) and not isinstance(answer, bool),
            f"A single number is wanted; this is a value of type {type(answer).__name__}.",
        )
        require(answer > 0, "Delta is a distance: it must be above 0.")
        require(
            answer != 1.0,
            "1 is the usual default, but it is 1 of *your* unit: here one minute. Errors between "
            "1 and 5 minutes would be treated as mistakes already.",
        )
        require(
            answer not in (10.0, 25.0, 12.5),
            "Look at the slope, not at the loss: the pull of an error e is e itself, up to delta.",
        )
        require(
            answer >= 5.0,
            f"With delta = {answer:g} errors from {answer:g} minutes on are treated as mistakes. "
            "Up to 5 minutes they are ordinary.",
        )
        require(
            answer <= 5.0,
            f"With delta = {answer:g} an error of {answer:g} minutes pulls with {answer:g}, harder "
            "than one of 5 minutes does.",
        )


choose_delta = ChooseDelta()
