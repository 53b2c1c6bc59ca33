"""Pictures of live widgets: the same bytes each time, whole without a font, clouds as pixels."""

import re
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from lossutils.teaching.plots import COLORS, encode_to_store, new_figure
from lossutils.teaching.svg import encode_svg

SVG = "{http://www.w3.org/2000/svg}"


def drawing(points=3, **words):
    """Return a figure with a cloud and some words."""
    figure, axes = new_figure(width=6.0, height=2.5)
    axes.plot(*np.random.default_rng(0).uniform(size=(2, points)), "o", color=COLORS["vermillion"])
    axes.set(**words)
    return figure


def elements(figure, tag):
    """Return the elements of the figure's SVG that have a tag."""
    return list(ElementTree.fromstring(encode_svg(figure)).iter(SVG + tag))


def test_the_bytes_depend_on_the_figure_alone():
    first, second = (encode_svg(drawing(title="one")) for _ in range(2))
    assert first == second != encode_svg(drawing(title="two"))


def test_the_size_is_that_of_the_figure():
    root = ElementTree.fromstring(encode_svg(drawing()))
    assert (root.get("width"), root.get("height")) == ("432pt", "180pt")  # 6.0 and 2.5 inches


def test_the_figure_stays_as_it_was():
    figure, other = drawing(1000), drawing(1000)
    encode_svg(figure)
    assert encode_to_store(figure) == encode_to_store(other)
    assert matplotlib.rcParams["svg.hashsalt"] is None


def test_text_needs_no_font():
    figure = drawing(title="Größe $x^2$", ylabel="y")
    assert elements(figure, "text") == []
    turned = [e for e in elements(figure, "path") if "rotate(-90)" in e.get("transform", "")]
    assert len(turned) == 1  # the label of the vertical axis


@pytest.mark.parametrize("text", ["a", "$x^2$", "− é", "10"])
def test_a_text_has_the_outline_of_its_font(text):
    empty, full = ([e.get("d") for e in elements(drawing(title=t), "path")] for t in ("", text))
    (outline,) = set(full) - set(empty)
    # A letter for each point would be written as: M 1 2 L 3 4 L 5 6 Z
    path = text_to_path.get_text_path(FontProperties(), text, ismath="$" in text)
    points, kinds = map(np.asarray, path)
    drawn = kinds != Path.CLOSEPOLY
    numbers = np.array(re.findall(r"-?\d+\.\d", outline), dtype=float).reshape(-1, 2)
    np.testing.assert_allclose(numbers, points[drawn], atol=0.06)
    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CLOSEPOLY: "Z"}
    new = [letters[k] for i, k in enumerate(kinds) if k in (1, 79) or k != kinds[i - 1]]
    assert "".join(re.findall("[A-Z]", outline)) == "".join(new)


@pytest.mark.parametrize(("points", "images"), [(500, 0), (501, 1)])
def test_points_by_the_thousand_are_pixels(points, images):
    assert len(elements(drawing(points), "image")) == images
    figure, axes = new_figure()
    axes.scatter(*np.random.default_rng(0).uniform(size=(2, points)))
    assert len(elements(figure, "image")) == images


def test_drawing_in_several_threads_gives_one_picture():
    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(lambda _: encode_svg(drawing(xlabel="error")), range(20)))) == 1
