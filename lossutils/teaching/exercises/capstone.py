"""The exercises of notebook 11, Does it pay on a real problem?"""

import numpy as np

from lossutils.teaching.exercises.base import Exercise, require, returned


class LeakOrFine(Exercise):
    """Find the leaks in five sentences of a report."""

    wants_function = False
    asks_for = "verdicts"
    hints = (
        "Ask of each sentence: could a test sample, or a near relative of it, have had a say?",
        "Two are fine. In one of the leaks the relatives are copies, in one they are the same "
        "person, and in one the test itself made a choice.",
    )
    praise = "Three leaks, and none of them needs bad intentions."

    WHY = {
        "twins": "An image may be trained on while its flipped copy is tested.",
        "weights": "Training labels may be used for training; that is what they are for.",
        "patients": "With 15 scans each, nearly every patient is on both sides.",
        "threshold": "Choices belong on validation data, and the test only came afterwards.",
        "epochs": "The test chose the epoch, so it can no longer judge it.",
    }

    def reference():
        return {
            "twins": "leak",
            "weights": "fine",
            "patients": "leak",
            "threshold": "fine",
            "epochs": "leak",
        }

    def grade(self, answer):
        require(isinstance(answer, dict), "Fill in the dictionary: one verdict for each sentence.")
        missing = [name for name in self.WHY if answer.get(name) in (None, ...)]
        require(not missing, f"Not answered yet for {missing}: write 'leak' or 'fine'.")
        unknown = [v for v in answer.values() if v not in ("leak", "fine")]
        require(not unknown, f"{unknown} is neither 'leak' nor 'fine'.")
        for name, verdict in LeakOrFine.reference().items():
            require(answer[name] == verdict, f"Look at {name!r} again. {self.WHY[name]}")


class CostOnBelt(Exercise):
    """Turn the rates of a test into the cost of 1000 images elsewhere."""

    asks_for = "cost_on_belt"
    hints = (
        "The share of faults in the test must not matter. Which two rates do not depend on it?",
        "np.mean(~alarm[is_fault]) is the share of faults that are missed. Weigh the two rates "
        "with share and 1 - share.",
    )
    praise = "The test may hold as many faults as you can find; the belt decides what they weigh."

    def reference(is_fault, alarm, share, miss, false_alarm):
        missed, false_alarms = np.mean(~alarm[is_fault]), np.mean(alarm[~is_fault])
        return 1000 * (share * miss * missed + (1 - share) * false_alarm * false_alarms)

    def grade(self, answer):
        is_fault = np.array([True, True, True, True, False, False])
        alarm = np.array([True, True, True, False, True, False])
        got = returned(answer(is_fault.copy(), alarm.copy(), 0.1, 30.0, 2.0), "the cost")
        got = got.astype("float64")
        require(got.shape == (), f"One number is wanted, but the shape is {got.shape}.")
        got = float(got)
        missed, false_alarms = 0.25, 0.5
        sums = 0.1 * 30 * 1 + 0.9 * 2 * 1  # one fault missed, one false alarm: numbers, not shares
        require(
            not np.any(np.isclose(got, [sums, 1000 * sums])),
            "You sum where an average is wanted: np.sum counts the mistakes, np.mean gives the "
            "share of the faults that is missed, and of the ordinary images that is flagged.",
        )
        require(
            not np.isclose(got, 0.1 * 30 * missed + 0.9 * 2 * false_alarms),
            "That is the cost of one image; 1000 pass.",
        )
        require(
            not np.isclose(got, 1 * 30 + 1 * 2) and not np.isclose(got, 1000 * 32 / 6),
            "You counted the mistakes of the test. It holds far more faults than the belt: take "
            "rates, and weigh them with `share`.",
        )
        require(
            not np.isclose(got, 1000 * (0.1 * 30 * 0.75 + 0.9 * 2 * false_alarms)),
            "You charge for the faults that were found. Missed ones have no alarm: ~alarm.",
        )
        require(
            not np.isclose(got, 1000 * (30 * missed + 2 * false_alarms)),
            "Faults and ordinary images weigh the same in yours. On the belt the share of faults "
            "is `share`, that of the others 1 - share.",
        )
        require(
            not np.isclose(got, 1000 * (0.1 * 30 * missed + 2 * false_alarms)),
            "Only the ordinary images, a share of 1 - share, can raise a false alarm.",
        )
        require(
            not np.isclose(got, 1000 * (0.1 * 30 * missed + 0.9 * false_alarms)),
            "A false alarm costs `false_alarm` here, not 1.",
        )
        hits_too = (4 / 6, 3 / 4)  # the share of alarms among all images, or among the faults
        require(
            not np.any(np.isclose(got, [1000 * (0.75 + 0.9 * 2 * rate) for rate in hits_too])),
            "You count hits as false alarms. An alarm about a fault is none: look at the ordinary "
            "images, alarm[~is_fault].",
        )
        require(
            not np.isclose(got, 1000 * (0.1 * 30 / 6 + 0.9 * 2 / 6)),
            "Divide the misses by the number of faults, and the false alarms by the number of "
            "ordinary images, not both by the number of all images.",
        )
        wanted = 1000 * (0.1 * 30 * missed + 0.9 * 2 * false_alarms)
        require(
            np.isclose(got, wanted),
            f"With a quarter of the faults missed, half of the others flagged, share 0.1 and the "
            f"prices 30 and 2, the cost should be {wanted:.0f}; yours is {got:.4g}.",
        )
        quiet = float(answer(is_fault, np.zeros(6, bool), 0.02, 10.0, 1.0))
        require(
            np.isclose(quiet, 200.0),
            f"Without any alarm, 20 faults of 1000 at a price of 10 cost 200, not {quiet:.4g}.",
        )


class PartsThatStay(Exercise):
    """Decide from paired costs which parts of a method stay."""

    asks_for = "parts_that_stay"
    hints = (
        "For each part take without[part] - full: one difference for each split.",
        "Two conditions: difference.mean() > 0, and np.mean(difference > 0) >= 0.75.",
    )
    praise = "A part must be missed, on average and nearly everywhere."

    def reference(full, without):
        stay = []
        for part, costs in without.items():
            difference = costs - full
            if difference.mean() > 0 and np.mean(difference > 0) >= 0.75:
                stay.append(part)
        return stay

    def grade(self, answer):
        # Splits differ by far more than the methods do.
        full = np.array([100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0])
        steps = {
            "missed": [5, 6, 4, 5, 7, 5, 6, 4],
            "useless": [1, -1, 0, 2, -2, 1, -1, -1],
            "harmful": [-9, -8, -9, -7, -9, -8, -9, -9],
            "one lucky split": [400, -2, -3, -1, -2, -3, -2, -1],
            "often, but dear": [1, 1, 1, 1, 1, 1, 1, -90],
            "just enough": [3, 3, 3, 3, 3, 3, -1, -1],
        }
        without = {name: full + np.array(step, float) for name, step in steps.items()}
        got = answer(full.copy(), {k: v.copy() for k, v in without.items()})
        returned(0 if got is not None and got is not ... else got, "the list of parts")
        require(
            isinstance(got, (list, tuple, set)) and all(isinstance(name, str) for name in got),
            "Return a list of the names of the parts that stay.",
        )
        got = set(got)
        require(got, "Your list is empty. A part that is missed in every split should stay.")
        require(
            "harmful" not in got,
            "A part stays although the method is cheaper without it in every split. Which way "
            "round is your difference?",
        )
        require(
            "missed" in got,
            "A part whose absence costs a little in every single split should stay. The splits "
            "differ much more than that: compare split by split.",
        )
        require(
            not {"one lucky split", "often, but dear"} <= got,
            "In yours one of the two conditions is enough. Both must hold: and, not or.",
        )
        require(
            "one lucky split" not in got,
            "The mean alone decides in yours: one split out of eight can carry it. Ask for three "
            "quarters of the splits too.",
        )
        require(
            "often, but dear" not in got,
            "You count the splits only. Without this part the cost is lower on average.",
        )
        require("useless" not in got, "A part stays that makes no difference on average.")
        require(
            "just enough" in got,
            "Six of eight splits are three quarters: at least means that this part stays.",
        )
        require(got == {"missed", "just enough"}, f"Your list holds {sorted(got)}.")


leak_or_fine = LeakOrFine()
cost_on_belt = CostOnBelt()
parts_that_stay = PartsThatStay()
