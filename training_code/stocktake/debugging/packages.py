"""Packages that AWS's training image lacks and that travel with the training code."""

import sys
from pathlib import Path

BUNDLED = Path(__file__).parents[2] / "packages"


def use_bundled_packages() -> None:
    """Let Python find the bundled packages, after whatever is installed."""
    if BUNDLED.is_dir() and str(BUNDLED) not in sys.path:
        sys.path.append(str(BUNDLED))
