"""What is uploaded beside the templates: the functions' layer and the training code, each the same bytes every time."""

import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from stacks.settings import ROOT

BUILD = ROOT / "build"
TRAINING_CODE = ROOT / "training_code"
TRAINING_PACKAGES = TRAINING_CODE / "packages.txt"

# AWS Lambda's python3.14 runtime: Amazon Linux 2023, glibc 2.34, x86-64.
LAMBDA_PYTHON = "3.14"
LAMBDA_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def layer_folder() -> Path:
    """Folder with the packages of lambda/requirements.txt, built for the Lambda runtime whatever machine this is.

    Built once for each content of requirements.txt; needs no Docker, as only wheels are taken.
    """
    requirements = ROOT / "lambda" / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + LAMBDA_PYTHON.encode()).hexdigest()[:12]
    folder = BUILD / f"layer-{digest}"
    if not folder.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as partial:
            runtime = ["--implementation=cp", f"--python-version={LAMBDA_PYTHON}"]
            runtime += [f"--platform={p}" for p in LAMBDA_PLATFORMS]
            _pip_install(Path(partial, "layer", "python"), requirements, *runtime)
            _publish(Path(partial, "layer"), folder)
    return folder


def packages_folder() -> Path:
    """Folder with the pure Python packages of training_code/packages.txt in `packages/`, without what they depend on.

    Built once for each content of packages.txt. What pip notes about the installation differs from time to time and is
    left out, as are commands.
    """
    digest = hashlib.sha256(TRAINING_PACKAGES.read_bytes()).hexdigest()[:12]
    folder = BUILD / f"packages-{digest}"
    if not folder.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as partial:
            target = Path(partial, "made", "packages")
            _pip_install(target, TRAINING_PACKAGES, "--no-deps")
            shutil.rmtree(target / "bin", ignore_errors=True)
            for note in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                for file in target.glob(f"*.dist-info/{note}"):
                    file.unlink()
            _publish(target.parent, folder)
    return folder


def training_archive() -> tuple[Path, str]:
    """The training code as the sourcedir.tar.gz that SageMaker's toolkit unpacks, and the hash of its content.

    Times, owners and order are fixed, so that the same code is the same asset and nothing is deployed for no reason.
    """
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, path in sorted({**_files(TRAINING_CODE), **_files(packages_folder())}.items()):
            if path != TRAINING_PACKAGES:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = path.stat().st_size, 0o644
                with path.open("rb") as file:
                    tar.addfile(entry, file)
    content = buffer.getvalue()
    # The hash is of the uncompressed bytes: zlib's differ from machine to machine.
    digest = hashlib.sha256(content).hexdigest()
    archive = BUILD / f"training-{digest[:12]}.tar.gz"
    if not archive.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as partial:
            made = Path(partial, archive.name)
            made.write_bytes(gzip.compress(content, mtime=0))
            _publish(made, archive)
    return archive, digest


def _pip_install(target: Path, requirements: Path, *options: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--only-binary=:all:", f"--target={target}", f"--requirement={requirements}", *options]
    subprocess.run(command, check=True)


def _files(folder: Path) -> dict[str, Path]:
    """Every file below a folder by its relative name, hidden ones and caches left out."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
    }


def _publish(made: Path, place: Path) -> None:
    """Move what was made to its place whole; two synths at once may both have made the same."""
    try:
        made.rename(place)
    except OSError:
        if not place.exists():
            raise
