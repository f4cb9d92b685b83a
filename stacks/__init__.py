"""What `cdk deploy` puts up: one stack a file or folder, its parts in files of their own."""

import sys
from pathlib import Path

# `lambda` is a keyword, so that folder can only be an import root. The settings check the execution defaults with the
# model that the deployed Plan function uses: one contract, told at synth instead of at the first execution.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lambda"))
