"""The one place that sets the environment of tests, notebook kernels and the processes they start.

pytest reads it before any test, ``tools/nb.py`` before any notebook.
"""

import os
import sys
from pathlib import Path

CODE = str(Path(__file__).resolve().parent / "code")

# This tree's package, even where another checkout's is installed.
sys.path.insert(0, CODE)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [CODE, os.environ.get("PYTHONPATH")]))

os.environ["UNROLLED_DEVICE"] = "cpu"  # a GPU there changes no stored output
os.environ["UNROLLED_PROGRESS"] = "0"  # a stored output holds no progress bar
os.environ["OMP_NUM_THREADS"] = "1"  # the order of a sum, hence its last digits
os.environ["SOURCE_DATE_EPOCH"] = "0"  # the date inside an SVG
os.environ["KERAS_BACKEND"] = "torch"  # the only one that is here
os.environ["KERAS_TORCH_DEVICE"] = "cpu"
os.environ["KERAS_HOME"] = os.devnull  # it would leave a file of settings in the home folder
os.environ["IPYKERNEL_CELL_NAME"] = "<cell>"  # no process number in a traceback

# nbformat imports jsonschema, and this a grammar of web addresses that no notebook needs: it takes
# 1.5 s in every process. Where that package is missing, jsonschema does without.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
