"""Imports run one way, so that any part can be read, changed and copied alone."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MODULES = {
    folder: {path.stem for path in (ROOT / folder).iterdir() if path.suffix == ".py" or path.is_dir()}
    for folder in ("lambda", "training_code")
} | {"stacks": {"stacks", "app"}, "rehearsal": {"rehearsal"}}


def imported(folder: str) -> Iterator[tuple[Path, str]]:
    """Every top-level module that the files of a folder import when they run, anywhere in them."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        for_types = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in [node for node in ast.walk(tree) if id(node) not in for_types]:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from ((path, name.split(".")[0]) for name in names)


@pytest.mark.parametrize(
    ("folder", "others"),
    [
        ("lambda", ["stacks", "rehearsal", "training_code"]),
        ("training_code", ["stacks", "rehearsal", "lambda"]),
        ("rehearsal", ["stacks", "lambda", "training_code"]),
        ("stacks", ["rehearsal", "training_code"]),
    ],
)
def test_no_folder_imports_against_the_arrows(folder: str, others: list[str]) -> None:
    forbidden = set().union(*(MODULES[other] for other in others)) - MODULES[folder] - sys.stdlib_module_names
    wrong = [f"{path.relative_to(ROOT)} imports {name}" for path, name in imported(folder) if name in forbidden]
    assert not wrong


def test_the_functions_need_nothing_but_the_runtime_and_their_layer() -> None:
    """What the zip and the layer do not hold would only be missed in the cloud."""
    layer = {"PIL", "av", "pydantic", "pydantic_core"}
    at_hand = sys.stdlib_module_names | MODULES["lambda"] | {"boto3", "botocore"} | layer
    missing = [f"{path.name} imports {name}" for path, name in imported("lambda") if name not in at_hand]
    assert not missing


def test_the_rehearsal_reads_no_file_of_the_product() -> None:
    """It may run the deployed assets; reaching into the folders they came from would be cheating."""
    for path in (ROOT / "rehearsal").rglob("*.py"):
        strings = {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}
        reached = {s for s in strings if isinstance(s, str) and s.startswith(("lambda/", "training_code/", "stacks/"))}
        assert not reached, path
