"""What is uploaded beside the templates: the functions' layer and the training code, each the same bytes every time."""

import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from stacks.settings import ROOT

BUILD = ROOT / "build"

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
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            command += ["--no-compile", "--only-binary=:all:", "--implementation=cp"]
            command += [f"--python-version={LAMBDA_PYTHON}", *(f"--platform={p}" for p in LAMBDA_PLATFORMS)]
            command += [f"--target={partial}/layer/python", f"--requirement={requirements}"]
            subprocess.run(command, check=True)
            _publish(Path(partial, "layer"), folder)
    return folder


def training_archive() -> tuple[Path, str]:
    """The training code as the sourcedir.tar.gz that SageMaker's toolkit unpacks, and the hash of its content.

    Times, owners and order are fixed, so that the same code is the same asset and nothing is deployed for no reason.
    """
    source = ROOT / "training_code"
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source)
            if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in name.parts):
                entry = tarfile.TarInfo(name.as_posix())
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


def _publish(made: Path, place: Path) -> None:
    """Move what was made to its place whole; two synths at once may both have made the same."""
    try:
        made.rename(place)
    except OSError:
        if not place.exists():
            raise
