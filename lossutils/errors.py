"""The one telling line of an error, the same on every machine."""

import os
import re

_LONGEST = 160
# Lines that say where an error came from, never what it is.
_PREAMBLE = re.compile(r"Exception encountered when calling |Detected at node |File \"")
_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][\w.+-]+){2,}")
_NODE = re.compile(r"\{\{[^{}]*\}\}\s*")


def telling_line(error: BaseException) -> str:
    """Return the line of an error's message that says what is wrong; empty if there is none.

    Colour codes, folders and memory addresses are removed, and lines that only announce a trace.

    >>> telling_line(ValueError("delta must be positive\\nmore"))
    'delta must be positive'
    """
    message = _NODE.sub("", _COLOUR_CODE.sub("", str(error)))
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


def in_short(error: BaseException) -> str:
    """Return what an error says in one line of at most 160 characters, or else its type."""
    return shortened(telling_line(error) or type(error).__name__)


def shortened(text: str) -> str:
    """Cut a text off after 160 characters."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3].rstrip() + "..."


def _without_type(line: str) -> str:
    return re.sub(r"^[A-Za-z_.]*(?:Error|Exception): ", "", line)
