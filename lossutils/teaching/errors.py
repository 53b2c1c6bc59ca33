"""Show an expected error in one line, so that running all cells never stops at it."""

from collections.abc import Iterator
from contextlib import contextmanager

from lossutils.errors import shortened, telling_line


def describe_error(error: BaseException) -> str:
    """Return `TypeName: first telling line of the message`, the same on every machine.

    Colour codes, folders and memory addresses are removed; lines that only announce a trace
    are skipped; what is longer than 160 characters is shortened.

    >>> describe_error(ValueError("delta must be positive\\nmore"))
    'ValueError: delta must be positive'
    """
    name, line = type(error).__name__, telling_line(error)
    return shortened(f"{name}: {line}" if line else name)


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
