"""torchvision can be imported in child processes that have the hook's folder on their PYTHONPATH."""

import os
import subprocess
import sys
from pathlib import Path

from rehearsal.torchvision_on_cpu import FOLDER

MODEL_AND_TRANSFORM = """
import multiprocessing
import torch
import torchvision

def run(_):
    from torchvision.transforms import v2
    return tuple(v2.Resize(8)(torch.zeros(3, 16, 16)).shape)

if __name__ == "__main__":
    model = torchvision.models.resnet18().eval()
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        assert workers.map(run, [0]) == [(3, 8, 8)]
    print("works")
"""


def run_python(script: Path | str, *path: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["-c", script] if isinstance(script, str) else [str(script)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)


def test_models_and_transforms_work_in_a_child_and_in_its_spawned_workers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(MODEL_AND_TRANSFORM)

    result = run_python(script, FOLDER)

    assert result.stdout == "works\n", result.stderr


def test_a_process_that_never_imports_torchvision_does_not_import_torch() -> None:
    result = run_python("import sys; print('torch' in sys.modules, 'torchvision' in sys.modules)", FOLDER)

    assert result.stdout == "False False\n", result.stderr


def test_another_sitecustomize_on_the_path_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('the other one ran')")

    result = run_python("pass", FOLDER, tmp_path)

    assert result.stdout == "the other one ran\n", result.stderr


def test_looking_for_torchvision_without_importing_it_does_not_import_torch() -> None:
    script = "import importlib.util, sys;print(importlib.util.find_spec('torchvision').name, 'torch' in sys.modules)"

    result = run_python(script, FOLDER)

    assert result.stdout == "torchvision False\n", result.stderr


def test_torchs_compiler_is_imported_by_whoever_needs_it() -> None:
    script = """
import sys
import torchvision
print("torch._dynamo" in sys.modules)
print(sys.modules["torchvision.ops.roi_align"].is_compile_supported("cpu"), "torch._dynamo" in sys.modules)
import torch
print(torch.compile(torch.sin, backend="eager")(torch.zeros(1)).item())
"""

    result = run_python(script, FOLDER)

    assert result.stdout.split() == ["False", "True", "True", "0.0"], result.stderr
