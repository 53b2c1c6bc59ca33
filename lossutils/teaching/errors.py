"""Show an expected error in one line, so that running all cells never stops at it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 160
# Lines that say where an error came from, never what it is.
_PREAMBLE = re.compile(r"Exception encountered when calling |Detected at node |File \"")
_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][\w.+-]+){2,}")
_NODE = re.compile(r"\{\{[^{}]*\}\}\s*")


def describe_error(error: BaseException) -> str:
    """Return `TypeName: first telling line of the message`, the same on every machine.

    Colour codes, folders and memory addresses are removed; lines that only announce a trace
    are skipped; what is longer than 160 characters is shortened.

    >>> describe_error(ValueError("delta must be positive, got -1\\nmore"))
    'ValueError: delta must be positive, got -1'
    """
    name = type(error).__name__
    line = _first_line(str(error))
    text = f"{name}: {line}" if line else name
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3].rstrip() + "..."


def _first_line(message: str) -> str:
    message = _NODE.sub("", _COLOUR_CODE.sub("", message))
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return ""
    if lines[0].startswith("in user code:"):
        # A traced function: the trace comes first and the error after its last "File" line.
        last_file = max((i for i, line in enumerate(lines) if line.startswith("File ")), default=0)
        lines = [_without_type(line) for line in lines[last_file + 1 :]][1:] or lines[-1:]
    telling = [line for line in lines if not _PREAMBLE.match(line)] or lines
    line = _ADDRESS.sub("0x...", telling[0])
    return _PATH.sub(lambda match: os.path.basename(match[0].replace("\\", "/")), line)


def _without_type(line: str) -> str:
    return re.sub(r"^[A-Za-z_.]*(?:Error|Exception): ", "", line)


@contextmanager
def shows_error(*types: type[BaseException]) -> Iterator[None]:
    """Run a block that is expected to fail, and print its error in one line.

    With no types every exception is shown; with types given, any other one propagates. A block
    that does not fail prints "no error".

    >>> with shows_error(ZeroDivisionError):
    ...     1 / 0
    ZeroDivisionError: division by zero
    """
    expected = types or (Exception,)
    try:
        yield
    except expected as error:
        print(describe_error(error))
    else:
        print("no error")
