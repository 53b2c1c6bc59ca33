"""Typical wrong answers to the exercise of notebook 00, with a fragment of the reply to each."""

WRONG = {
    "choose_delta": [
        (1.0, "usual default"),
        (2.5, "treated as mistakes"),
        (10.0, "Look at the slope"),
        (12.5, "Look at the slope"),
        (6, "harder than one of 5 minutes"),
        (-5.0, "above 0"),
        (0, "above 0"),
        ("5 minutes", "single number"),
        (lambda error: 5.0, "asks for a value"),
    ],
}
