"""Packages of the assets come by pip or by uv, and otherwise a sentence says what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.deploy import CDK, cdk_environment
from stacks import packages
from tests.stacks.context import CDK_JSON

ROOT = CDK_JSON.parent
LAMBDA = ROOT / "lambda" / "requirements.txt"
TRAINING = ROOT / "training_code" / "packages.txt"

UV = """\
#!/bin/sh
printf '%s\\n' "$@" > "$0.asked"
for argument in "$@"; do case $argument in --target=*) target=${argument#--target=} ;; esac; done
mkdir -p "$target/bin" "$target/x-1.dist-info"
touch "$target/.lock" "$target/bin/x" "$target/x.py" "$target/x-1.dist-info/INSTALLER" "$target/x-1.dist-info/METADATA"
"""


@pytest.fixture
def without_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment such as `uv venv` makes; the only folder in its PATH, empty."""
    monkeypatch.setattr(packages, "_has_pip", lambda: False)
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("PATH", f"{path}:/bin")
    return path


def test_without_pip_uv_installs(without_pip: Path, tmp_path: Path) -> None:
    # given
    uv = without_pip / "uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    # when
    packages.install_for_lambda(tmp_path / "layer", LAMBDA)
    # then it is asked for this runtime's wheels
    asked = Path(f"{uv}.asked").read_text().splitlines()
    assert {"pip", "install", "--python-version=3.14", "--python-platform=x86_64-manylinux_2_28"} <= set(asked)
    assert {"--only-binary=:all:", f"--requirement={LAMBDA}", f"--python={sys.executable}"} <= set(asked)
    # ... and nothing is left that pip would not have left
    files = {path.relative_to(tmp_path / "layer").as_posix() for path in (tmp_path / "layer").rglob("*")}
    assert files == {"x.py", "x-1.dist-info", "x-1.dist-info/METADATA"}
    # ... and without what they depend on for training
    packages.install_alone(tmp_path / "training", TRAINING)
    assert "--no-deps" in Path(f"{uv}.asked").read_text().splitlines()


def test_without_pip_and_uv_a_sentence_says_so(without_pip: Path, tmp_path: Path) -> None:
    with pytest.raises(packages.NotInstalled, match=r"^Neither pip nor uv is there to install requirements\.txt: .*uv"):
        packages.install_for_lambda(tmp_path / "layer", LAMBDA)


def test_looking_for_pip_leaves_setuptools_distutils_in_charge() -> None:
    script = "from stacks import packages; assert packages._has_pip(); import distutils; print(distutils.__file__)"
    found = subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert b"setuptools" in found.stdout


def test_what_the_installer_says_is_the_reason(tmp_path: Path) -> None:
    unknown = tmp_path / "packages.txt"
    unknown.write_text("./no-such-folder/no_such.whl\n")
    with pytest.raises(packages.NotInstalled, match=r"packages\.txt could not be installed:\n.*no_such\.whl"):
        packages.install_alone(tmp_path / "target", unknown)


def test_the_command_line_stops_with_the_sentence(tmp_path: Path) -> None:
    # given a python3 whose environment has the libraries, no pip and no uv, and has built nothing yet
    (tmp_path / "app.py").write_text(
        f"import runpy, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from stacks import packages\npackages._has_pip = lambda: False\n"
        "import shutil, pathlib\nshutil.which = lambda name: None\n"
        f"from stacks import assets\nassets.BUILD = pathlib.Path({str(tmp_path / 'build')!r})\n"
        f"runpy.run_path({str(ROOT / 'app.py')!r}, run_name='__main__')\n"
    )
    command = [CDK, "synth", "--quiet", "--no-notices", "--app", "python3 app.py", "--output", tmp_path / "out"]
    result = subprocess.run(
        command, cwd=tmp_path, env=cdk_environment(os.environ), capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert "Neither pip nor uv is there to install packages.txt" in result.stderr
    assert "Traceback" not in result.stderr
