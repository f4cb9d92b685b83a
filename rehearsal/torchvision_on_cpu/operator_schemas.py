"""An import hook that lets a CUDA build of torchvision be imported beside a CPU build of torch.

torchvision's registry wheel is built for CUDA: its extension `_C.so` needs CUDA libraries, so beside a CPU
torch it is not loaded, and torchvision 0.28 then dies in `_meta_registrations.py`, which registers fake
kernels for two operators that only `_C.so` defines. Declaring the schemas of these two is enough for models
and transforms; operators such as `nms` still raise torchvision's own "Couldn't load custom C++ ops".

Nothing beyond the standard library is imported until torchvision is.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
SCHEMAS = (f"nms{SIGNATURE}", f"qnms{SIGNATURE}")

_declarations: list[Any] = []  # a torch.library.Library takes its schemas back when it is collected


class _TorchvisionFinder(MetaPathFinder):
    """Finds torchvision as usual, and has the schemas declared before its code runs."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "torchvision":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()]

        def declare_then_execute(module: ModuleType) -> None:
            declare_schemas(folders)
            execute(module)

        spec.loader.exec_module = declare_then_execute  # type: ignore[method-assign]
        return spec


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
