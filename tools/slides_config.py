"""The settings with which nbconvert makes a talk of each notebook: one HTML file, no network.

    jupyter nbconvert --config tools/slides_config.py [--output-dir build/slides] [NOTEBOOK ...]

Which cell begins a slide stands in the notebooks. What is too much for one slide goes on, on a
slide below it: talk.js measures that in the browser.
"""

import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))

from pages import NOTEBOOKS, TEMPLATES, code_colors, markdown_filter  # noqa: E402
from web_packages import web_packages  # noqa: E402

EXTENSION = ".slides.html"

c = get_config()  # noqa: F821  (nbconvert provides get_config)
c.NbConvertApp.export_format = "slides"
c.NbConvertApp.notebooks = [str(NOTEBOOKS / "*.ipynb")]
c.FilesWriter.build_directory = str(TOOLS.parent / "build" / "slides")
c.SlidesExporter.template_name = "talk"
c.SlidesExporter.extra_template_basedirs = [str(TEMPLATES)]
c.SlidesExporter.extra_template_paths = [str(TEMPLATES), str(web_packages() / "reveal.js" / "dist")]
c.SlidesExporter.filters = {
    "markdown2html": markdown_filter(NOTEBOOKS, EXTENSION),
    "code_colors": code_colors,
}
