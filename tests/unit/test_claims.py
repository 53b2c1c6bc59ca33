"""A claim is printed when it holds, stops the page when it fails, and takes no half answers."""

import numpy as np
import pytest
import tensorflow as tf

from lossutils.teaching import claim, claims


@pytest.mark.parametrize("truth", [True, np.bool_(True), np.array(True), tf.constant(2.0) > 1.0])
def test_what_holds_is_ticked(truth, capsys):
    claim("Two is more than one.", truth)
    assert capsys.readouterr().out == "✓ Two is more than one.\n"


@pytest.mark.parametrize("truth", [False, np.bool_(False), tf.constant(False)])
def test_what_fails_stops_the_page(truth, capsys):
    with pytest.raises(AssertionError, match="✗ One is more than two"):
        claim("One is more than two.", truth)
    assert capsys.readouterr().out == ""


def test_while_counting_the_page_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(claims, "stop_at_failure", False)
    claim("One is more than two.", False)
    assert capsys.readouterr().out == "✗ One is more than two.\n"


def test_a_claim_about_this_run_says_why(capsys):
    claim("The third sample is flagged.", True, this_run="the figure shows this draw")
    assert capsys.readouterr().out.endswith("flagged. (This run: the figure shows this draw)\n")


@pytest.mark.parametrize("truth", [1, 0.5, "yes", None, [True, True], np.array([True])])
def test_what_is_no_single_truth_value_is_refused(truth):
    with pytest.raises(TypeError, match="truth must be one truth value"):
        claim("Whatever.", truth)
