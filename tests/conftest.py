"""What every test needs: torchvision importable where only its CUDA build can be installed; files kept together."""

import pytest

from rehearsal import torchvision_on_cpu

torchvision_on_cpu.install()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all of a file, which shares its emulator; the end-to-end tests share one rehearsal."""
    for item in items:
        folder = item.path.parent
        shared = folder if folder.name == "end_to_end" else item.path
        item.add_marker(pytest.mark.xdist_group(str(shared)))
