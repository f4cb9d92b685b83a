"""Imports run one way, so that any part can be read, changed and copied alone."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from stacks import assets

ROOT = Path(__file__).resolve().parents[2]

MODULES = {
    folder: {path.stem for path in (ROOT / folder).iterdir() if path.suffix == ".py" or path.is_dir()}
    for folder in ("lambda", "training_code")
} | {"stacks": {"stacks", "app"}, "rehearsal": {"rehearsal"}, "doctor": {"doctor"}, "console": {"console"}}


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


CARRIED = {"bin_record", "pages", "photo_file", "photo_statistics"}
"""Modules of the training code that the functions' asset carries too (stacks/assets.py)."""


@pytest.mark.parametrize(
    ("folder", "others"),
    [
        ("lambda", ["stacks", "rehearsal", "training_code", "doctor", "console"]),
        ("training_code", ["stacks", "rehearsal", "lambda", "doctor", "console"]),
        ("rehearsal", ["stacks", "lambda", "training_code", "doctor"]),
        ("stacks", ["rehearsal", "training_code", "doctor", "console"]),
        ("doctor", ["rehearsal", "training_code", "console"]),
        ("console", ["stacks", "rehearsal", "lambda", "training_code", "doctor"]),
    ],
)
def test_no_folder_imports_against_the_arrows(folder: str, others: list[str]) -> None:
    forbidden = set().union(*(MODULES[other] for other in others)) - MODULES[folder] - sys.stdlib_module_names
    if folder == "lambda":
        forbidden -= CARRIED
    wrong = [f"{path.relative_to(ROOT)} imports {name}" for path, name in imported(folder) if name in forbidden]
    assert not wrong


SHARED = {
    "lambda": {"errors", "storage"},
    "training_code": {"stocktake", "stocktake.failures", "bin_record", "pages", "photo_file", "photo_statistics"},
}
"""Modules outside of every room that all of them may use."""

ROOMS = {
    "lambda": {
        "functions": {"audits", "costs", "dataset", "drift", "execution_report", "run", "bins"},
        "audits": {"costs", "run"},
        "costs": {"run"},
        "execution_report": set(),
        "drift": set(),
        "dataset": {"run", "bins"},
        "run": set(),
        "bins": set(),
    },
    "training_code": {
        "jobs": {"audit", "report", "evaluation", "debugging", "training", "data", "model", "serving"},
        "serving": {"model"},
        "training": {"audit", "data", "model"},
        "report": {"model"},
        "evaluation": set(),
        "audit": set(),
        "debugging": set(),
        "data": {"model"},
        "model": set(),
    },
}
"""Room -> the rooms below it, which it may import from."""

SERVING = {"inference", "serving"}


def module_name(folder: str, path: Path) -> str:
    return ".".join(path.relative_to(ROOT / folder).with_suffix("").parts).removesuffix(".__init__")


def room_of(folder: str, module: str) -> str:
    """The room that a module lies in: the folder's name, or what the files at the door are."""
    name = module.removeprefix("stocktake.")
    if "." in name or (ROOT / folder / module.replace(".", "/")).is_dir():
        return name.partition(".")[0]
    if folder == "lambda":
        return "functions"
    return "serving" if module in SERVING else "jobs"


def module_arrows(folder: str) -> set[tuple[str, str]]:
    """Who imports whom among the modules of an import root."""
    modules = {module_name(folder, path): path for path in (ROOT / folder).rglob("*.py")}
    arrows = set()
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                # What is imported from a room is one of its modules, or a name in its __init__.
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in modules else node.module for name in inner]
            else:
                continue
            arrows |= {(module, name) for name in names if name in modules and name != module}
    return arrows


@pytest.mark.parametrize("folder", sorted(ROOMS))
def test_no_room_imports_from_one_above_it(folder: str) -> None:
    wrong = []
    for module, other in sorted(module_arrows(folder)):
        if other in SHARED[folder]:
            continue
        above, below = room_of(folder, module), room_of(folder, other)
        # The functions are each of their own; in every other room modules may build on each other.
        if module in SHARED[folder] or (above == below == "functions") or below not in {above, *ROOMS[folder][above]}:
            wrong.append(f"{module} ({above}) imports {other} ({below})")
    assert not wrong


@pytest.mark.parametrize("folder", sorted(ROOMS))
def test_every_room_has_its_floor(folder: str) -> None:
    """A new room has to say what it may import from."""
    modules = {module_name(folder, path) for path in (ROOT / folder).rglob("*.py")} - SHARED[folder]
    assert {room_of(folder, module) for module in modules} == set(ROOMS[folder])


@pytest.mark.parametrize("folder", sorted(ROOMS))
def test_no_module_needs_itself(folder: str) -> None:
    below: dict[str, set[str]] = {}
    for module, other in module_arrows(folder):
        below.setdefault(module, set()).add(other)
    TopologicalSorter(below).prepare()  # Raises CycleError, which names the modules.


def test_the_functions_need_nothing_but_the_runtime_and_their_layer() -> None:
    """What the zip and the layer do not hold would only be missed in the cloud."""
    layer = {"PIL", "jinja2", "markupsafe", "pydantic", "pydantic_core"}
    at_hand = sys.stdlib_module_names | MODULES["lambda"] | CARRIED | {"boto3", "botocore"} | layer
    missing = [f"{path.name} imports {name}" for path, name in imported("lambda") if name not in at_hand]
    assert not missing


def test_what_both_assets_carry_needs_nothing_else() -> None:
    needed = {name for path, name in imported("training_code") if path.stem in CARRIED}
    assert needed - sys.stdlib_module_names == {"PIL", "jinja2", "markupsafe"}
    assert {name for name in assets.SHARED_WITH_FUNCTIONS if name.endswith(".py")} == {f"{name}.py" for name in CARRIED}


def test_the_rehearsal_reads_no_file_of_the_product() -> None:
    """It may run the deployed assets; reaching into the folders they came from would be cheating."""
    for path in (ROOT / "rehearsal").rglob("*.py"):
        strings = {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}
        reached = {s for s in strings if isinstance(s, str) and s.startswith(("lambda/", "training_code/", "stacks/"))}
        assert not reached, path


def test_of_the_console_the_rehearsal_takes_the_views_which_stand_on_no_command() -> None:
    wrong = []
    for folder in ("rehearsal", "console/views"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                wrong += [
                    f"{path.relative_to(ROOT)} imports {module}"
                    for module in modules
                    if module.split(".")[0] == "console" and module.split(".")[:2] != ["console", "views"]
                ]
    assert not wrong
