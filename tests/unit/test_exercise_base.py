"""The base of the exercises: no answer stops the notebook, every mistake gets its reason."""

import numpy as np
import pytest

from lossutils.teaching.exercises import Exercise, require


class PerSampleSquare(Exercise):
    """Asks for the squared error, one value per sample."""

    asks_for = "squared_error"
    hints = ("How many values go in, how many come out?", "Do not take the mean.")
    praise = "One value per sample."

    def reference(y_true, y_pred):
        """One value for each row."""
        return (y_true - y_pred) ** 2

    def grade(self, answer):
        y_true, y_pred = np.array([0.0, 1.0, 5.0]), np.array([1.0, 1.0, 2.0])
        values = answer(y_true, y_pred)
        require(values is not None, "Your function returns nothing.")
        require(np.shape(values) == (3,), f"Three samples, but the shape is {np.shape(values)}.")
        require((np.asarray(values) >= 0).all(), "A squared error is never negative.")
        require(np.allclose(values, [1, 0, 9]), "For errors 1, 0 and -3 the squares are 1, 0, 9.")


class BestConstant(Exercise):
    """Asks for a value."""

    asks_for = "constant"
    wants_function = False
    praise = "The mean."

    def reference():
        return (
            2.0 + 0.5
        )

    def grade(self, answer):
        require(abs(answer - 2.5) < 1e-6, "Try the mean.")


def unfinished(y_true, y_pred):
    raise NotImplementedError("your turn")


UNANSWERED = (
    "Not yet. Not answered yet: replace the three dots by your answer, then check it again."
)
WRONG = [
    (..., UNANSWERED),
    (None, UNANSWERED),
    (
        3.0,
        "Not yet. Hand over the function itself, its name without brackets; "
        "this is a value of type float.",
    ),
    (lambda t, p: None, "Not yet. Your function returns nothing."),
    (lambda t, p: np.mean((t - p) ** 2), "Not yet. Three samples, but the shape is ()."),
    (lambda t, p: t - p - 9, "Not yet. A squared error is never negative."),
    (lambda t, p: abs(t - p), "Not yet. For errors 1, 0 and -3 the squares are 1, 0, 9."),
    (lambda t, p: 1 / 0, "Not yet. Your code raised ZeroDivisionError: division by zero"),
    (lambda t, p: missing, "Not yet. Your code raised NameError: name 'missing' is not defined"),  # noqa: F821
    (
        unfinished,
        "Not yet. Your code is unfinished: it raised NotImplementedError: your turn",
    ),
]


@pytest.mark.parametrize(("answer", "printed"), WRONG)
def test_each_mistake_gets_its_reason(answer, printed, capsys):
    assert PerSampleSquare().check(answer) is None
    assert capsys.readouterr().out == printed + "\n"


def test_a_function_with_the_wrong_arguments_is_reported(capsys):
    PerSampleSquare().check(lambda y: y)
    assert capsys.readouterr().out.startswith("Not yet. Your code raised TypeError: ")


def test_the_solution_is_right(capsys):
    PerSampleSquare().check(PerSampleSquare.reference)
    assert capsys.readouterr().out == "Correct. One value per sample.\n"


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        (2.5, "Correct. The mean."),
        (2.0, "Not yet. Try the mean."),
        (
            lambda: 2.5,
            "Not yet. This asks for a value, and got a function: call it and hand over the result.",
        ),
        (
            "2.5",
            "Not yet. Your code raised TypeError: unsupported operand type(s) for -: 'str' and "
            "'float'",
        ),
        (..., UNANSWERED),
    ],
)
def test_a_value_is_graded(answer, printed, capsys):
    BestConstant().check(answer)
    assert capsys.readouterr().out == printed + "\n"


def test_an_interrupt_is_not_swallowed():
    def interrupted(y_true, y_pred):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PerSampleSquare().check(interrupted)


def test_hints_come_one_after_another(capsys):
    exercise = PerSampleSquare()
    for _ in range(3):
        exercise.hint()
    assert capsys.readouterr().out.splitlines() == [
        "Hint 1 of 2: How many values go in, how many come out?",
        "Hint 2 of 2: Do not take the mean.",
        "No more hints. The method solution() shows one way to do it.",
    ]


def test_hints_of_two_instances_are_apart(capsys):
    PerSampleSquare().hint()
    PerSampleSquare().hint()
    assert capsys.readouterr().out.count("Hint 1 of 2") == 2


def test_the_solution_is_printed_under_the_name_asked_for(capsys):
    PerSampleSquare().solution()
    BestConstant().solution()
    scope = {}
    exec(capsys.readouterr().out, scope)
    assert scope["squared_error"](3.0, 1.0) == 4.0
    assert scope["constant"] == 2.5


def test_a_class_may_keep_the_solutions_back(monkeypatch, capsys):
    monkeypatch.setenv("LOSSUTILS_SOLUTIONS", "off")
    PerSampleSquare().solution()
    assert "come later" in capsys.readouterr().out
