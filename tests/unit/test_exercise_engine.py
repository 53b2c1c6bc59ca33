"""The engine of the exercises: no answer stops the notebook, every mistake gets its reason."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from lossutils.stateful import StatefulLoss
from lossutils.teaching.exercises import (
    Exercise,
    changed,
    explains,
    in_a_graph,
    quiz,
    slopes,
    sound,
    values,
)


def squared_error(y_true, y_pred):
    """One value for each row."""
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def two_batches(loss):
    yield values(loss, [0.0, 1.0], [1.0, 1.0]), "The first should be {wanted}, yours are {got}."
    yield values(loss, [5.0], [2.0]), "The second should be {wanted}, yours is {got}."
    yield from sound(loss, [0.0, 1.0, 5.0], [1.0, 1.0, 2.0])


@pytest.fixture
def square():
    return Exercise(
        squared_error,
        two_batches,
        "How many values go in, how many come out?",
        "Take the mean over the last axis.",
        slips={
            "That is the absolute error.": [lambda t, p: ops.mean(abs(t - p), axis=-1)],
            "You divide by 2.": lambda t, p: squared_error(t, p) / 2,
        },
        praise="One value per sample.",
    )


def said(exercise, answer, capsys):
    capsys.readouterr()
    assert exercise.check(answer) is None
    return capsys.readouterr().out


def unfinished(y_true, y_pred):
    raise NotImplementedError("your turn")


UNANSWERED = "Not answered yet: replace the three dots by your answer, then check it again."
NOT_A_FUNCTION = (
    "Hand over the function itself, its name without brackets; this is a value of type float."
)
IN_A_GRAPH = "It works on numbers, but not inside a compiled step"
WRONG = [
    (..., UNANSWERED),
    (None, UNANSWERED),
    (3.0, NOT_A_FUNCTION),
    (lambda t, p: None, "Not answered yet: your function returns nothing. Replace the three dots"),
    (lambda t, p: ..., "Not answered yet: your function returns nothing. Replace the three dots"),
    (lambda t, p: ops.mean(t), "Your loss returned one number for the whole batch."),
    (lambda t, p: t - p, "For 2 samples your loss returned the shape (2, 1); (2,) is wanted."),
    (lambda t, p: t[:, 0] + 8, "The first should be [1.0, 0.0], yours are [8.0, 9.0]."),
    (lambda t, p: abs(t - p)[:, 0] ** 3, "The second should be [9.0], yours is [27.0]."),
    # What differs first decides: the absolute error in the second batch, with a wrong slope.
    (lambda t, p: abs(t - p)[:, 0], "That is the absolute error."),
    (lambda t, p: squared_error(t, p) * 0.5, "You divide by 2."),
    (lambda t, p: 1 / 0, "Your code raised ZeroDivisionError: division by zero"),
    (lambda t, p: missing, "Your code raised NameError: name 'missing' is not defined"),  # noqa: F821
    (lambda y: y, "Your code raised TypeError: "),
    (unfinished, "Your code is unfinished: it raised NotImplementedError: your turn"),
    (lambda t, p: t if t > p else p, "Python's `if`, `and`, `or`, `min` and `max` want one answer"),
    (lambda t, p: max(t, p), "Python's `if`, `and`, `or`, `min` and `max` want one answer"),
    (lambda t, p: ops.square(t - p)[:, 0], "With two outputs per sample the loss should average"),
    (lambda t, p: ops.stop_gradient(squared_error(t, p)), "The values are right, but no gradient"),
    (lambda t, p: np.mean(np.square(t - p), axis=-1), "The values are right, but no gradient"),
    (
        lambda t, p: 2 * ops.stop_gradient(squared_error(t, p)) - squared_error(t, p),
        "The values are right, but the slopes over y_pred should be [2.0, 0.0, -6.0], and are",
    ),
    (lambda t, p: squared_error(t, p) + 0 * float(p[0, 0]), IN_A_GRAPH),
    (
        lambda t, p: squared_error(t, p) + (0.0 if tf.executing_eagerly() else 1.0),
        "In a compiled step your loss has other values: [2.0, 1.0, 10.0] instead of",
    ),
]


@pytest.mark.parametrize(("answer", "printed"), WRONG)
def test_each_mistake_gets_its_reason(square, answer, printed, capsys):
    assert said(square, answer, capsys).startswith(f"Not yet. {printed}")


@pytest.mark.parametrize("answer", [squared_error, lambda t, p: ops.mean((p - t) ** 2, axis=-1)])
def test_what_behaves_like_the_reference_is_right(square, answer, capsys):
    assert said(square, answer, capsys) == "Correct. One value per sample.\n"


def test_a_slip_must_agree_up_to_the_step_where_the_answer_differs(capsys):
    def observe(answer):
        yield answer(1), "At 1 it should be {wanted}."
        yield answer(2), "At 2 it should be {wanted}."

    exercise = Exercise(abs, observe, slips={"You add 1.": [lambda x: x + 1]})
    assert said(exercise, lambda x: 2 * x, capsys) == "Not yet. You add 1.\n"  # 2 at 1, as x + 1
    assert said(exercise, lambda x: x + (x > 1), capsys) == "Not yet. At 2 it should be 2.\n"


def test_a_slip_that_fails_is_known_by_how_it_fails(capsys):
    def observe(answer):
        yield answer([1.0, 2.0]), "wanted: {wanted}"

    exercise = Exercise(sum, observe, slips={"An empty list?": [lambda x: x[10]]})
    assert said(exercise, lambda x: x[7], capsys) == "Not yet. An empty list?\n"
    assert "ValueError" in said(exercise, lambda x: x.index(3.0), capsys)
    assert "IndexError: tuple" in said(exercise, lambda x: ()[7], capsys)


@pytest.mark.parametrize(("tolerance", "verdict"), [(1e-4, "Not yet."), (0.02, "Correct.")])
def test_numbers_are_compared_with_the_tolerance(tolerance, verdict, capsys):
    def observe(answer):
        yield answer, "wanted: {wanted}"

    exercise = Exercise(100.0, observe, asks_for="number", tolerance=tolerance)
    assert said(exercise, 101.0, capsys).startswith(verdict)
    assert said(exercise, 103.0, capsys) == "Not yet. wanted: 100.0\n"
    assert said(exercise, [100.0], capsys).startswith("Not yet.")
    assert said(exercise, "100.0", capsys).startswith("Not yet.")
    assert said(exercise, lambda: 100.0, capsys).startswith("Not yet. This asks for a value")


class Scaled(StatefulLoss):
    def call(self, y_true, y_pred):
        return squared_error(y_true, y_pred)


@pytest.mark.parametrize("answer", [Scaled(), squared_error, int, object])
def test_a_class_of_the_same_base_is_asked_for(answer, capsys):
    def observe(cls):
        yield values(cls().call, [1.0], [3.0]), "wanted: {wanted}"

    exercise = Exercise(Scaled, observe)
    assert "the class itself, made from StatefulLoss" in said(exercise, answer, capsys)
    assert said(exercise, changed(Scaled), capsys).startswith("Correct.")
    tripled = changed(Scaled, call=lambda self, t, p: 3 * squared_error(t, p))
    assert said(exercise, tripled, capsys) == "Not yet. wanted: [4.0]\n"


@pytest.fixture
def colours():
    return quiz(
        "colours",
        {"sky": "Look up.", "leaf": "Look at a tree."},
        right=("blue", ["green", "red"]),
        choices=("black",),
        write="write a colour",
    )


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        ({"sky": "blue", "leaf": "green"}, "Correct."),
        ({"sky": "blue", "leaf": "red"}, "Correct."),
        ({"sky": "red", "leaf": "green"}, "Not yet. Look at 'sky' again. Look up."),
        ({"sky": "blue", "leaf": "black"}, "Not yet. Look at 'leaf' again. Look at a tree."),
        ({"sky": "blue", "leaf": "loud"}, "Not yet. 'loud' is no answer for 'leaf': write a"),
        ({"sky": ..., "leaf": None}, "Not yet. Not answered yet for ['sky', 'leaf']: write a"),
        (["blue", "green"], "Not yet. Fill in the dictionary"),
    ],
)
def test_a_quiz_is_graded_question_by_question(colours, answer, printed, capsys):
    assert said(colours, answer, capsys).startswith(printed)


def test_a_quiz_knows_its_other_right_answers(colours):
    assert colours.also_right == ({"sky": "blue", "leaf": "red"},)


@pytest.mark.parametrize(
    ("unanswered", "printed"),
    [
        ("{number} to go", "2 to go"),
        ("{first} first", "sky first"),
        ("{missing}: {write}", "['sky', 'leaf']: write it"),
    ],
)
def test_a_quiz_may_tell_in_its_own_words_what_is_missing(unanswered, printed, capsys):
    why = {"sky": "", "leaf": ""}
    exercise = quiz("colours", why, right=("a", "b"), write="write it", unanswered=unanswered)
    assert said(exercise, {}, capsys) == f"Not yet. {printed}\n"


def test_one_is_not_true(capsys):
    exercise = quiz("facts", {"fact": "It is."}, right=(True,), write="write True or False")
    assert said(exercise, {"fact": 1}, capsys).startswith("Not yet. 1 is no answer")
    one = Exercise(lambda: 1, lambda answer: iter([(answer(), "not {got}")]))
    assert said(one, lambda: True, capsys) == "Not yet. not True\n"


def test_an_answer_that_is_no_array_is_no_accident(capsys):
    def observe(answer):
        yield answer(), "wanted: {wanted}"

    ragged = said(Exercise(lambda: [1, 2], observe), lambda: [[1], [2, 3]], capsys)
    assert ragged.startswith("Not yet. Your code raised ValueError")


def test_an_interrupt_is_not_swallowed(square):
    def interrupted(y_true, y_pred):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        square.check(interrupted)


def test_a_reference_that_raises_is_no_fault_of_the_learner():
    with pytest.raises(ZeroDivisionError):
        Exercise(lambda: 1 / 0, lambda answer: iter([(answer(), "")])).check(lambda: 1)


def test_hints_come_one_after_another(square, capsys):
    for _ in range(3):
        square.hint()
    assert capsys.readouterr().out.splitlines() == [
        "Hint 1 of 2: How many values go in, how many come out?",
        "Hint 2 of 2: Take the mean over the last axis.",
        "No more hints. The method solution() shows one way to do it.",
    ]


def test_the_solution_is_printed_under_the_name_asked_for(square, colours, capsys):
    square.solution()
    colours.solution()
    Exercise({"loss": squared_error}, two_batches, asks_for="losses").solution()
    Exercise(2.5, two_batches, asks_for="constant").solution()
    scope = {"ops": ops}
    exec(capsys.readouterr().out, scope)
    assert scope["squared_error"](np.float32([[3.0]]), np.float32([[1.0]])) == 4.0
    assert scope["losses"]["loss"] is scope["squared_error"]
    assert scope["colours"] == {"sky": "blue", "leaf": "green"}
    assert scope["constant"] == 2.5


def test_a_class_may_keep_the_solutions_back(square, monkeypatch, capsys):
    monkeypatch.setenv("LOSSUTILS_SOLUTIONS", "off")
    square.solution()
    assert "come later" in capsys.readouterr().out


def test_slopes_are_those_of_the_summed_loss_over_its_second_argument():
    def loss(y_true, y_pred, scale):
        return scale * squared_error(y_true, y_pred)

    for compiled in (False, True):
        found = slopes(loss, [1.0, 2.0], [2.0, 5.0], 3.0, compiled=compiled)
        np.testing.assert_allclose(found, [6.0, 18.0])


def test_compiled_slopes_are_those_of_xla():
    def with_numpy(y_true, y_pred):
        extra = tf.numpy_function(np.float32, [0.0], tf.float32)
        return squared_error(y_true, y_pred) + tf.stop_gradient(extra)

    assert slopes(with_numpy, [1.0], [2.0]) == 2.0
    with pytest.raises(Exception, match="not inside a compiled step"):
        slopes(with_numpy, [1.0], [2.0], compiled=True)


def test_a_failure_in_a_graph_is_told_with_the_error():
    with pytest.raises(Exception, match="Leave out `if`.*OperatorNotAllowed|Leave out `if`.*bool"):
        in_a_graph(lambda x: 1.0 if x > 0 else x)(tf.constant(1.0))
    with pytest.raises(Exception, match="Not registered. Your code raised KeyError"):
        with explains("Not registered."):
            raise KeyError("name")
