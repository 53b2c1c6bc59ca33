"""An expected error is shown in one line, the same on every machine."""

import keras
import pytest
import tensorflow as tf

from lossutils.teaching.errors import describe_error, shows_error


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("delta must be positive", "ValueError: delta must be positive"),
        ("", "ValueError"),
        ("\n\n  first line\nsecond line", "ValueError: first line"),
        ("\x1b[1mbold\x1b[0m words", "ValueError: bold words"),
        ("object at 0x7f00deadbeef failed", "ValueError: object at 0x... failed"),
        ("no file /home/somebody/work/model.keras here", "ValueError: no file model.keras here"),
        (r"no file C:\Users\somebody\model.keras here", "ValueError: no file model.keras here"),
        ("weights and/or biases: 1/2", "ValueError: weights and/or biases: 1/2"),
        ("{{function_node __wrapped__Cholesky}} not PD [Op:X]", "ValueError: not PD [Op:X]"),
        ("Exception encountered when calling Net.call().\n\nreal cause", "ValueError: real cause"),
    ],
)
def test_the_first_telling_line_is_kept(message, shown):
    assert describe_error(ValueError(message)) == shown


def test_a_long_message_is_shortened_to_160_characters():
    shown = describe_error(ValueError("x" * 500))
    assert len(shown) == 160
    assert shown.startswith("ValueError: xxx") and shown.endswith("x...")
    assert describe_error(ValueError("x" * 148)) == "ValueError: " + "x" * 148


def test_an_error_inside_a_traced_function_is_found_behind_its_trace():
    @tf.function
    def traced(x):
        helper = [1, 2]
        raise ValueError(f"a list of {len(helper)} is not wanted\nnor is this line")

    with pytest.raises(ValueError) as caught:
        traced(tf.constant(1.0))
    assert str(caught.value).startswith("in user code:")
    assert describe_error(caught.value) == "ValueError: a list of 2 is not wanted"


def test_the_cause_inside_a_layer_is_shown():
    class Picky(keras.layers.Layer):
        def call(self, x):
            raise TypeError("only strings")

    with pytest.raises(TypeError) as caught:
        Picky()(tf.ones((1, 1)))
    assert describe_error(caught.value) == "TypeError: only strings"


def test_an_error_is_printed_and_swallowed(capsys):
    with shows_error():
        raise KeyError("alpha")
    assert capsys.readouterr().out == "KeyError: 'alpha'\n"


def test_a_block_without_error_says_so(capsys):
    with shows_error(ValueError):
        pass
    assert capsys.readouterr().out == "no error\n"


def test_an_expected_type_is_swallowed_and_another_propagates(capsys):
    with shows_error(ValueError, KeyError):
        raise KeyError("b")
    assert capsys.readouterr().out == "KeyError: 'b'\n"
    with pytest.raises(TypeError), shows_error(ValueError, KeyError):
        raise TypeError("unexpected")
    assert capsys.readouterr().out == ""


def test_an_interrupt_is_never_swallowed():
    with pytest.raises(KeyboardInterrupt), shows_error():
        raise KeyboardInterrupt
