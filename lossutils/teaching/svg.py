"""A figure as SVG for a live widget: sharp at any size, and drawn quicker than as PNG.

Stored pictures are PNG (`plots.encode`), since not every viewer shows all of an SVG.
"""

import io
from functools import lru_cache

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from lossutils.teaching.plots import _DRAWING

_POINTS_PER_INCH = 72  # the unit of a picture made by matplotlib
_RASTER_DPI = 200
_MOST_POINTS = 500
_LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
# Names inside the picture depend on this word, which is random by default.
_SAME_NAMES = {"svg.hashsalt": "lossutils"}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def encode_svg(figure: Figure) -> bytes:
    """Return the figure as SVG, the same bytes each time; text is drawn, and needs no font.

    Clouds of more than 500 points become a picture inside the picture.
    """
    text = io.StringIO()
    width, height = figure.get_size_inches()
    for axes in figure.axes:
        for artist in (*axes.lines, *axes.collections):
            if _has_many_points(artist):
                artist.set_rasterized(True)
    dpi = figure.dpi
    with _DRAWING, matplotlib.rc_context(_SAME_NAMES):
        try:
            figure.dpi = _POINTS_PER_INCH
            paper = _Renderer(
                width * _POINTS_PER_INCH,
                height * _POINTS_PER_INCH,
                text,
                image_dpi=_RASTER_DPI,
                metadata=_NO_METADATA,
            )
            figure.draw(MixedModeRenderer(figure, width, height, _RASTER_DPI, paper))
            paper.finalize()
        finally:
            figure.dpi = dpi
    return text.getvalue().encode()


class _Renderer(RendererSVG):
    """matplotlib's, without groups, and with texts that are measured and outlined only once.

    Text takes half the time otherwise: the same numbers stand at the axes in each picture.
    """

    def open_group(self, s, gid=None):
        """Leave the groups out: nobody asks for them by name."""

    def close_group(self, s):
        """Leave the groups out."""

    def get_text_width_height_descent(self, s, prop, ismath):
        """Return the size of a text; without this method, matplotlib measures it each time."""
        return _size(s, prop.copy(), ismath)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        """Draw a text as one shape."""
        scale = prop.get_size_in_points() / text_to_path.FONT_SCALE
        turn = f" rotate({-angle:g})" if angle else ""
        *color, alpha = gc.get_rgb()
        self.writer.element(
            "path",
            d=_outline(s, prop.copy(), ismath),
            fill=to_hex(color),
            opacity=f"{alpha:g}",
            transform=f"translate({x:.2f} {y:.2f}){turn} scale({scale:g} {-scale:g})",
        )


# The font's properties may change later: a caller gives copies.
@lru_cache(1000)
def _size(text: str, prop: FontProperties, is_math: bool) -> tuple[float, float, float]:
    return text_to_path.get_text_width_height_descent(text, prop, is_math)


@lru_cache(1000)
def _outline(text: str, prop: FontProperties, is_math: bool) -> str:
    """Return the outline of a text in the units of fonts, as SVG writes it."""
    points, kinds = text_to_path.get_text_path(prop, text, ismath=is_math)
    words, last = [], None
    for (x, y), kind in zip(points, kinds, strict=True):
        if kind == Path.CLOSEPOLY:
            words.append("Z")
        else:
            # The points of a curve follow its letter, and those of curves like it.
            goes_on = kind == last != Path.MOVETO
            words.append(f"{' ' if goes_on else _LETTERS[kind]}{x:.1f} {y:.1f}")
        last = kind
    return "".join(words)


def _has_many_points(artist: Artist) -> bool:
    if isinstance(artist, PathCollection):
        return len(artist.get_offsets()) > _MOST_POINTS
    has_markers = isinstance(artist, Line2D) and artist.get_marker() not in (None, "None", "", " ")
    return has_markers and len(artist.get_xdata()) > _MOST_POINTS
