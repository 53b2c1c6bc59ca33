"""The settings of nbconvert for talks that need no network; build_slides.py uses them too.

    jupyter nbconvert --config tools/slides_config.py --to slides notebooks/NN_name.ipynb
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from talks import talk_settings  # noqa: E402

get_config().merge(talk_settings())  # noqa: F821  (nbconvert provides get_config)
