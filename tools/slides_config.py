"""The settings with which nbconvert makes a talk of each notebook: HTML, no network.

    jupyter nbconvert --config tools/slides_config.py [--output-dir build/slides] [NOTEBOOK ...]

talk.py says what is on the slides. Widgets that build_site.py has recorded live on them: their
pictures lie beside the talks, in the folder `widgets`. The key S opens the view of whoever speaks:
the notes, the next slide, a clock.
"""

import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))

from pages import NOTEBOOKS, TEMPLATES, code_colors, markdown_filter  # noqa: E402
from talk import title_of  # noqa: E402
from web_packages import web_packages  # noqa: E402

EXTENSION = ".slides.html"

c = get_config()  # noqa: F821  (nbconvert provides get_config)
c.NbConvertApp.export_format = "slides"
c.NbConvertApp.notebooks = [str(NOTEBOOKS / "*.ipynb")]
c.FilesWriter.build_directory = str(TOOLS.parent / "build" / "slides")
c.SlidesExporter.template_name = "talk"
c.SlidesExporter.extra_template_basedirs = [str(TEMPLATES)]
REVEAL = web_packages() / "reveal.js"
c.SlidesExporter.extra_template_paths = [
    str(folder) for folder in (TEMPLATES, REVEAL / "dist", REVEAL / "plugin" / "notes")
]
c.SlidesExporter.filters = {
    "markdown2html": markdown_filter(NOTEBOOKS, EXTENSION),
    "code_colors": code_colors,
    "title": title_of,
}
