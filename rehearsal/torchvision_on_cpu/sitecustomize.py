"""Runs when Python starts with this folder on PYTHONPATH: installs the hook, then any other sitecustomize."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

import import_hook  # type: ignore[import-not-found]

import_hook.install()

_here = Path(__file__).resolve().parent
_spec = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if Path(entry).resolve() != _here])
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(module_from_spec(_spec))
