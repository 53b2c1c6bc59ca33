"""The exercises of notebook 08, Can the validation data say when to switch?"""

import numpy as np

from lossutils.teaching.exercises.base import Exercise, require


class ReadCurves(Exercise):
    """Say of three curves where the rule fires."""

    wants_function = False
    asks_for = "readings"
    hints = (
        "For each epoch write two numbers below the error: the best so far, and the epochs waited.",
        "An error that only equals the best is no improvement. With min_delta the best moves only "
        "when an error lies below it by more than that.",
    )
    praise = "In curve C no single step is large enough, and the sum of three is."

    def reference():
        return {"A": 4, "B": 7, "C": "never", "new loss in A": 5}

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: one answer for each line.")
        wanted = ReadCurves.reference()
        missing = [name for name in wanted if answer.get(name, ...) in (None, ...)]
        require(not missing, f"Not answered yet for {missing}: an epoch, or the word never.")
        for name in wanted:
            given = answer[name]
            whole = isinstance(given, (int, np.integer)) and not isinstance(given, bool)
            require(
                whole or given == "never",
                f'For {name!r} write a whole number or "never", not {given!r}.',
            )
            require(given == wanted[name], f"Look again at {name!r}. {self._why(name, given)}")

    @staticmethod
    def _why(name, given):
        slips = {
            ("A", 3): "After epoch 3 it has waited for one epoch only, and the patience is 2.",
            ("A", 5): "Do the epochs count from 0? The error 9 is that of epoch 0.",
            ("A", "never"): "Does an error that equals the best count as an improvement?",
            ("B", 3): "After epoch 3 it has waited twice since the 7, and then comes a 6.",
            ("B", 6): "After epoch 6 it has waited twice since the 6, and the patience is 3.",
            ("B", 5): "The 6 in epoch 4 is a new best: the waiting begins anew.",
            ("B", 8): "Do the epochs count from 0? The error 9 is that of epoch 0.",
            ("B", "never"): "Since the 6 there are three errors that are no better.",
            ("C", 3): "Compare the 8.7 with the best so far, not with the error before it. What is "
            "the best, when 8.9 and 8.8 did not count?",
            ("C", 4): "The 8.7 lies below the 9 by 0.3, and that counts. So how long has it waited "
            "at the end?",
            ("new loss in A", 4): "After epoch 4 it fires. Which epoch can train with the new loss "
            "first?",
            ("new loss in A", 6): "The switch is made at the end of epoch 4, before epoch 5.",
        }
        general = {
            "A": "Where is the best error, and how many epochs after it are no better?",
            "B": "Start counting anew at every new best.",
            "C": "An error counts when it lies below the best by more than 0.25.",
            "new loss in A": "The rule looks in on_epoch_end.",
        }
        return slips.get((name, given), general[name])


def _answer_for(answer, *arguments):
    """What the learner's function returned, unless that is three dots."""
    result = answer(*arguments)
    require(
        result is not ...,
        "Not answered yet: your function returns nothing. Replace the three dots by the result.",
    )
    return result


class FirstStallInPercent(Exercise):
    """The plateau rule with an improvement relative to the best value."""

    asks_for = "first_stall_in_percent"
    hints = (
        "Begin as in Plateau: best, waited, and a loop over the curve with enumerate.",
        "Only one line is new: value < best * (1 - share). With best = np.inf at first the first "
        "value always counts.",
    )
    praise = "It fires at the same epoch in every unit. PyTorch calls this threshold_mode='rel'."

    def reference(curve, patience, share):
        best, waited = np.inf, 0
        for epoch, value in enumerate(curve):
            if value < best * (1 - share):
                best, waited = value, 0
            else:
                waited += 1
            if waited >= patience:
                return epoch
        return None

    def grade(self, answer):
        found = _answer_for(answer, [5.0, 4.0, 4.0, 4.0, 4.0], 2, 0.01)
        require(
            found is not None,
            "The curve 5, 4, 4, 4, 4 with patience 2 should fire, and your function returned None.",
        )
        require(
            np.ndim(found) == 0 and not isinstance(found, (bool, np.bool_, str)),
            f"One epoch is wanted, a whole number; you returned {found!r}.",
        )
        require(
            found != 4.0 or isinstance(found, (int, np.integer)),
            "You returned the error; the epoch is wanted.",
        )
        require(
            found != 4,
            "The curve 5, 4, 4, 4, 4 with patience 2 fires after epoch 3; yours fires one late. Do "
            "the epochs count from 0, and does waited == patience fire?",
        )
        require(
            found != 2,
            "The curve 5, 4, 4, 4, 4 with patience 2 fires after epoch 3; yours fires too soon. "
            "Does the 4 beat the 5? And the epoch of the best itself has not waited.",
        )
        require(
            found != 1,
            "The curve 5, 4, 4, 4, 4 with patience 2 fires after epoch 3; you answer 1. That is "
            "the epoch of the best error. Or did the first error not count as an improvement? With "
            "best = np.inf, inf minus a share of inf is no number, and nothing is below it: "
            "multiply the best, or begin with the first error.",
        )
        require(found == 3, f"The curve 5, 4, 4, 4, 4 with patience 2 fires after 3, not {found}.")
        found = _answer_for(answer, [5.0, 5.0, 5.0, 5.0], 2, 0.01)
        require(
            found == 2,
            f"On 5, 5, 5, 5 with patience 2 it fires after epoch 2, and yours answers {found}. The "
            "first error has not waited: it is the first best, and the count begins after it.",
        )
        require(
            _answer_for(answer, [5.0, 4.0, 3.0, 2.0], 2, 0.01) is None,
            "A curve that falls all the time should never fire: return None after the loop.",
        )
        found = _answer_for(answer, [5.0, 5.1, 4.0, 4.1, 3.0, 3.1, 2.0], 2, 0.01)
        require(
            found is None,
            f"On 5, 5.1, 4, 4.1, 3, 3.1, 2 with patience 2 yours fires after epoch {found}. A new "
            "best sets the epochs waited back to 0.",
        )
        curve = [100.0, 97.0, 94.0, 91.0, 88.0, 85.0]
        found = _answer_for(answer, curve, 2, 0.05)
        require(
            found is None,
            f"On {curve} with patience 2 and 5 percent yours fires after epoch {found}. The 94 is "
            "6 percent below the best that counted, 100. An error that does not count must not "
            "become the best, and is not what the next one is compared with.",
        )
        found = _answer_for(answer, [100.0, 99.5, 99.0, 98.5], 2, 0.05)
        require(
            found == 2,
            f"On 100, 99.5, 99, 98.5 with patience 2 and 5 percent it should fire after epoch 2, "
            f"and yours answers {found}. Half a percent is too little: where does share enter?",
        )
        found = _answer_for(answer, [100.0, 10.0, 9.0, 8.0, 7.0], 2, 0.05)
        require(
            found is None,
            f"On 100, 10, 9, 8, 7 with patience 2 and 5 percent yours fires after epoch {found}. "
            "Each is ten percent or more below the one before. A share of the best so far is "
            "wanted, not of the first error.",
        )
        small = [0.001 * value for value in (100.0, 94.0, 88.0, 82.0, 77.0)]
        found = _answer_for(answer, small, 2, 0.05)
        require(
            found is None,
            f"In percent the unit should not matter, but for the curve 0.1, 0.094, 0.088, ... "
            f"yours fires after epoch {found}. Multiply the best by something, do not subtract.",
        )


class AllStalls(Exercise):
    """All epochs after which a rule fires that starts afresh each time."""

    asks_for = "all_stalls"
    hints = (
        "Keep three things between the epochs: a Plateau, how many epochs of cooldown are left, "
        "and the list.",
        "In each epoch: if cooldown is left, count it down and look no further. Else ask the rule. "
        "If it has stalled: note the epoch, set the cooldown, and make a new Plateau(patience).",
    )
    praise = "That is SwitchOnMetric with several losses in `to`."

    def reference(curve, patience, cooldown):
        best, waited, left, fired = np.inf, 0, 0, []
        for epoch, value in enumerate(curve):
            if left > 0:
                left -= 1
            elif value < best:
                best, waited = value, 0
            else:
                waited += 1
                if waited >= patience:
                    fired.append(epoch)
                    best, waited, left = np.inf, 0, cooldown
        return fired

    def grade(self, answer):
        self._compare(
            answer, [5, 4, 4, 4], 2, 0, [3], "Begin with the rule as it is.", {4: "", (): ""}
        )
        flat = [5] * 9
        self._compare(
            answer,
            flat,
            2,
            0,
            [2, 5, 8],
            "After it fires, the next error is a first one: it becomes the best, and two more must "
            "follow.",
            {
                (2,): "It fires once and then no more. Go on after the first plateau.",
                (2, 6): "With cooldown 0 the rule looks again in the very next epoch; yours pauses "
                "for one epoch too many.",
                (2, 3, 4, 5, 6, 7, 8): "It goes on firing in every epoch: after it fires, the rule "
                "starts afresh, with a new Plateau.",
                (2, 4, 6, 8): "The old best is still there after it has fired. Afresh means no "
                "best value as well: the first error after it counts as an improvement.",
            },
        )
        self._compare(
            answer,
            [5] * 12,
            2,
            3,
            [2, 8],
            "During the cooldown the rule does not look, and afterwards it starts afresh.",
            {
                (2, 5, 8, 11): "Your answer does not depend on the cooldown.",
                (2, 7): "It is one epoch early: the cooldown lasts three whole epochs after the "
                "one in which it fires, and nobody looks at their errors, not even for the best.",
                (2, 9): "It is one epoch late: the cooldown lasts three whole epochs after the one "
                "in which it fires.",
                (5, 11): "The first plateau needs no cooldown: it comes after firing, not before.",
                (2,): "It fires once and then no more. The cooldown must end.",
            },
        )
        self._compare(
            answer,
            [9, 9, 1, 2, 5, 4, 3, 3],
            1,
            2,
            [1, 7],
            "The 1 and the 2 come during the cooldown: nobody looks at them, so they are no best "
            "value.",
            {},
        )
        require(
            list(_answer_for(answer, [5, 4, 3, 2], 1, 0)) == [],
            "For a curve that falls all the time return an empty list.",
        )

    @staticmethod
    def _compare(answer, curve, patience, cooldown, wanted, why, slips):
        result = _answer_for(answer, list(curve), patience, cooldown)
        require(
            result is not None and np.ndim(result) == 1,
            f"A list of epochs is wanted, but your function returned {result!r}.",
        )
        found = [int(epoch) for epoch in result]
        hint = slips.get(tuple(found)) or why
        require(
            found == wanted,
            f"On {list(curve)} with patience {patience} and cooldown {cooldown} it fires after "
            f"{wanted}, and yours after {found}. {hint}",
        )


read_curves = ReadCurves()
first_stall_in_percent = FirstStallInPercent()
all_stalls = AllStalls()
