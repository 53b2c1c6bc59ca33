"""A page that may ask for nothing outside of one folder, and may not complain."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# How many positions of each control the tests record: enough to see it move.
RECORDED = 5


@contextmanager
def offline_page(browser: object, folder: Path, **settings: object) -> Iterator[object]:
    """Open a page; at the end fail if it asked for anything elsewhere, or wrote to the console."""
    context = browser.new_context(**settings)
    opened = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith((folder.as_uri(), "data:"))] == []
    assert complaints == []
