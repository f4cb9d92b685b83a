"""Python packages into a folder, the same files whether pip or uv brings them: an environment of uv's has no pip."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

# AWS Lambda's python3.14 runtime: Amazon Linux 2023, glibc 2.34, x86-64.
LAMBDA_PYTHON = "3.14"
_PIP_FOR_LAMBDA = [
    "--implementation=cp",
    f"--python-version={LAMBDA_PYTHON}",
    *(f"--platform=manylinux{version}_x86_64" for version in ("_2_28", "_2_17", "2014")),
]
_UV_FOR_LAMBDA = [f"--python-version={LAMBDA_PYTHON}", "--python-platform=x86_64-manylinux_2_28"]

_PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
_UV = ["pip", "install", "--quiet", f"--python={sys.executable}"]


class NotInstalled(Exception):
    """The packages of an asset cannot be had; the message says why."""


def install_for_lambda(target: Path, requirements: Path) -> None:
    """The requirements and what they depend on, for the functions' runtime, whatever machine this is."""
    _install(target, requirements, _PIP_FOR_LAMBDA, _UV_FOR_LAMBDA)


def install_alone(target: Path, requirements: Path) -> None:
    """The requirements without what they depend on."""
    _install(target, requirements, ["--no-deps"], ["--no-deps"])


def _has_pip() -> bool:
    # Not by importlib.util, which asks setuptools' finder too: that takes it for pip's start and lets go of distutils.
    return PathFinder.find_spec("pip") is not None


def _install(target: Path, requirements: Path, for_pip: Sequence[str], for_uv: Sequence[str]) -> None:
    """Raises NotInstalled."""
    if _has_pip():
        command = [*_PIP, *for_pip]
    elif uv := shutil.which("uv"):
        command = [uv, *_UV, *for_uv]
    else:
        raise NotInstalled(
            f"Neither pip nor uv is there to install {requirements.name}: "
            f"`{sys.executable} -m ensurepip`, or put uv into PATH."
        )
    # Wheels alone, so that nothing is built here for another machine.
    command += ["--only-binary=:all:", f"--target={target}", f"--requirement={requirements}"]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise NotInstalled(f"The packages of {requirements} could not be installed:\n{result.stderr.strip()}")
    _forget_the_installer(target)


def _forget_the_installer(target: Path) -> None:
    """Remove commands, which name this machine's interpreter, and notes about the installation."""
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)
    for note in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"):
        for file in target.glob(f"*.dist-info/{note}"):
            file.unlink()
