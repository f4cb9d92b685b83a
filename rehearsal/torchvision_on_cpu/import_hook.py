"""An import hook that lets a CUDA build of torchvision be imported beside a CPU build of torch.

torchvision's registry wheel is built for CUDA: its extension `_C.so` needs CUDA libraries, so beside a CPU
torch it is not loaded, and torchvision 0.28 then dies in `_meta_registrations.py`, which registers fake
kernels for two operators that only `_C.so` defines. Declaring the schemas of these two is enough for models
and transforms; operators such as `nms` still raise torchvision's own "Couldn't load custom C++ ops".

Its `ops/roi_align.py` imports torch's compiler for one small function: two seconds of each process, where its other
imports take half a second. The function is there, and imports the compiler when it is called.

Nothing beyond the standard library is imported until torchvision is.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
SCHEMAS = (f"nms{SIGNATURE}", f"qnms{SIGNATURE}")

COMPILER = ("torch._dynamo", "torch._dynamo.utils")

_declarations: list[Any] = []  # a torch.library.Library takes its schemas back when it is collected

Execute = Callable[[ModuleType], None]


class _TorchvisionFinder(MetaPathFinder):
    """Finds torchvision as usual, and prepares two of its modules before their code runs."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in ("torchvision", "torchvision.ops.roi_align"):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        prepare = _declare_then_execute if fullname == "torchvision" else _execute_without_compiler
        spec.loader.exec_module = prepare(spec, spec.loader.exec_module)  # type: ignore[assignment, method-assign]
        return spec


def _declare_then_execute(spec: ModuleSpec, execute: Execute) -> Execute:
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]

    def declare_then_execute(module: ModuleType) -> None:
        declare_schemas(folders)
        execute(module)

    return declare_then_execute


def _execute_without_compiler(_: ModuleSpec, execute: Execute) -> Execute:
    def execute_without_compiler(module: ModuleType) -> None:
        with _compiler_later():
            execute(module)

    return execute_without_compiler


@contextmanager
def _compiler_later() -> Iterator[None]:
    """Stand-ins for torch's compiler, unless it is imported already."""
    if COMPILER[0] in sys.modules:
        yield
        return
    package, utilities = (ModuleType(name) for name in COMPILER)
    utilities.is_compile_supported = _is_compile_supported  # type: ignore[attr-defined]
    sys.modules |= zip(COMPILER, (package, utilities), strict=True)
    try:
        yield
    finally:
        for name in COMPILER:
            del sys.modules[name]


def _is_compile_supported(device_type: str) -> Any:
    from torch._dynamo.utils import is_compile_supported

    return is_compile_supported(device_type)


def declare_schemas(torchvision_folders: Sequence[Path]) -> None:
    """Declare the two operators, unless torchvision's own extension in one of the folders loads and does."""
    import torch

    for extension in (file for folder in torchvision_folders for file in folder.glob("_C*.so")):
        try:
            torch.ops.load_library(str(extension))
        except OSError:
            continue
        return
    if not _declarations:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in SCHEMAS:
            library.define(schema)
        _declarations.append(library)


def install() -> None:
    """Put the hook first among this process's finders; once, and without importing torch or torchvision."""
    if not any(isinstance(finder, _TorchvisionFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TorchvisionFinder())
