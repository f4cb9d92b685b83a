"""The assembly's files: the same bytes every time, and the assets hold what they must."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.deploy import CDK, cdk_environment
from stacks import assets
from tests.stacks.context import CDK_JSON

ROOT = CDK_JSON.parent


@pytest.fixture(scope="module")
def synth(flags: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, bytes]]:
    """Every template and asset manifest of `cdk synth` into a folder, by the real command line."""
    home = tmp_path_factory.mktemp("home")
    (home / "cdk.json").write_text(
        json.dumps({"app": f"python3 {shlex.quote(str(ROOT / 'app.py'))}", "context": flags, "versionReporting": False})
    )

    def synth(folder: str) -> dict[str, bytes]:
        command = [CDK, "synth", "--quiet", "--no-notices", "--output", home / folder]
        subprocess.run(command, cwd=home, env=cdk_environment(os.environ), check=True, capture_output=True)
        return {
            path.name: path.read_bytes()
            for path in (home / folder).iterdir()
            if path.name.endswith((".template.json", ".assets.json")) or path.name == "manifest.json"
        }

    return synth


def test_two_synths_are_byte_identical_whatever_caches_tools_leave(synth: Callable[[str], dict[str, bytes]]) -> None:
    first = synth("first")
    assert len([name for name in first if name.endswith(".template.json")]) == 4
    caches = [ROOT / folder / ".test_cache" for folder in ("lambda", "training_code")]
    try:
        for cache in caches:
            cache.mkdir()
            (cache / "file").write_text("left by a linter")
        assert synth("second") == first
    finally:
        for cache in caches:
            shutil.rmtree(cache, ignore_errors=True)


def test_both_assets_read_photos_by_the_same_file() -> None:
    carried = (assets.functions_folder() / "photo_file.py").read_bytes()
    archive, _ = assets.training_archive()
    with tarfile.open(archive) as tar:
        read = tar.extractfile("photo_file.py")
        assert read is not None
        assert read.read() == carried


def test_the_functions_know_the_instance_types_of_the_deployment_whatever_their_own_botocore_knows() -> None:
    # given the functions' asset, where the runtime's botocore is older and knows no type at all
    script = """
from run import instances
instances.of_service_model = lambda: {use: [] for use in instances.USES}
print(instances.evaluation_requirement("ml.m8i.xlarge"), instances.evaluation_requirement("ml.nonsense.xlarge"))
"""
    environment = os.environ | {"PYTHONPATH": str(assets.functions_folder())}
    # when it is asked for a type that synth knows, and for one that nobody knows
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    # then only the latter is refused
    assert said.stdout.startswith("None a SageMaker processing instance type")


def test_the_training_code_is_the_same_asset_every_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = []
    for folder in ("first", "second"):
        monkeypatch.setattr(assets, "BUILD", tmp_path / folder)
        archive, digest = assets.training_archive()
        made.append((archive.name, archive.read_bytes(), digest))
    assert made[0] == made[1]


def test_the_training_code_brings_the_packages_that_the_image_lacks() -> None:
    archive, _ = assets.training_archive()
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert {"train.py", "packages/pynvml.py", "packages/smdebug/pytorch/__init__.py"} <= set(names)
    # Pure Python, the same bytes whichever machine installs them, and nothing that pip or a shell would want.
    suffixes = {Path(name).suffix for name in names}
    assert not {".so", ".pyc"} & suffixes
    assert not {"RECORD", "INSTALLER", "REQUESTED", "packages.txt"} & {Path(name).name for name in names}
    assert not [name for name in names if name.startswith("packages/bin/")]
