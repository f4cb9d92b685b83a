"""What is uploaded beside the templates: functions, their layer and the training code, the same bytes every time."""

import gzip
import hashlib
import json
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from run import instances
from stacks.packages import LAMBDA_PYTHON, install_alone, install_for_lambda
from stacks.settings import ROOT

BUILD = ROOT / "build"
TRAINING_CODE = ROOT / "training_code"
TRAINING_PACKAGES = TRAINING_CODE / "packages.txt"
FUNCTIONS = ROOT / "lambda"
SHARED_WITH_FUNCTIONS = (
    "bin_record.py",
    "photo_file.py",
    "photo_statistics.py",
    "pages.py",
    "pages.css",
    "pages.html.j2",
    "tables.html.j2",
)
"""What lies at the door of the training code and the functions carry too."""


def functions_folder() -> Path:
    """Folder with the functions' code: `lambda/`, what it shares with the training code, and the instance types."""
    files = {**_files(FUNCTIONS), **{name: TRAINING_CODE / name for name in SHARED_WITH_FUNCTIONS}}
    del files["requirements.txt"]
    contents = {name: path.read_bytes() for name, path in sorted(files.items())}
    contents[f"run/{instances.DEPLOYED}"] = json.dumps(instances.of_service_model()).encode()
    digest = hashlib.sha256(repr(contents).encode()).hexdigest()[:12]
    folder = BUILD / f"functions-{digest}"
    if not folder.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as partial:
            for name, content in contents.items():
                place = Path(partial, "made", name)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            _publish(Path(partial, "made"), folder)
    return folder


def layer_folder() -> Path:
    """Folder with the packages of lambda/requirements.txt, built for the Lambda runtime whatever machine this is.

    Built once for each content of requirements.txt; needs no Docker, as only wheels are taken.
    """
    requirements = FUNCTIONS / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + LAMBDA_PYTHON.encode()).hexdigest()[:12]
    folder = BUILD / f"layer-{digest}"
    if not folder.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as partial:
            install_for_lambda(Path(partial, "layer", "python"), requirements)
            _publish(Path(partial, "layer"), folder)
    return folder


def packages_folder() -> Path:
    """Folder with the pure Python packages of training_code/packages.txt in `packages/`, without what they depend on.

    Built once for each content of packages.txt.
    """
    digest = hashlib.sha256(TRAINING_PACKAGES.read_bytes()).hexdigest()[:12]
    folder = BUILD / f"packages-{digest}"
    if not folder.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as partial:
            target = Path(partial, "made", "packages")
            install_alone(target, TRAINING_PACKAGES)
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
