"""Every bench's option `--json FILE`, and what it writes.

Where a bench compares ways side by side its figures have a `ratio`, which its docstring defines.
"""

import argparse
import json
from pathlib import Path
from typing import Any


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=_new_file, metavar="FILE", help="write the figures there, as one JSON object")


def write_json(file: Path | None, figures: dict[str, Any]) -> None:
    """Write the figures if a file was asked for. Raises ValueError when one is not finite."""
    if file:
        file.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n")


def _new_file(name: str) -> Path:
    """Checked before anything is measured, which can take hours."""
    file = Path(name)
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{name} was given; must be a file in a folder that exists")
    return file
