import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from stocktake.failures import JobFailure, reported_to
from stocktake.model.tensor_files import write_tensors


@contextmanager
def small_disk(limit: int) -> Iterator[None]:
    """No file can grow beyond `limit` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_known_failure_leaves_its_sentence_and_exit_code_1(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ending, reported_to(tmp_path / "failure"):
        raise JobFailure("The channel 'train' is missing.")
    assert (tmp_path / "failure").read_text() == "The channel 'train' is missing."
    assert ending.value.code not in (0, None)


def test_a_full_disk_is_named_and_leaves_no_half_written_file(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    write_tensors(file, {"kept": torch.ones(1)})
    with small_disk(20_000), pytest.raises(SystemExit), reported_to(tmp_path / "failure"):
        write_tensors(file, {"large": torch.rand(100_000)})
    assert "No space left" in (tmp_path / "failure").read_text()
    assert "larger volume" in (tmp_path / "failure").read_text()
    assert torch.load(file) == {"kept": torch.ones(1)}


FULL = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 14.57 GiB "
    "of which 1.20 GiB is free. Process 1 has 13.36 GiB memory in use. See documentation for Memory Management"
)


def test_a_gpu_whose_memory_is_full_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ending, reported_to(tmp_path / "failure"):
        raise torch.OutOfMemoryError(FULL)
    assert (tmp_path / "failure").read_text() == (
        "The GPU's memory is full, 2.00 GiB more were needed. "
        "Lower the hyperparameter batch-size, or use an instance type whose GPUs have more memory."
    )
    assert ending.value.code not in (0, None)
    # where there is no such hyperparameter, the job says what else helps
    with pytest.raises(SystemExit), reported_to(tmp_path / "message", "Lower dataset.imageSize."):
        raise torch.OutOfMemoryError("CUDA out of memory.")
    assert (tmp_path / "message").read_text() == "The GPU's memory is full. Lower dataset.imageSize."


def test_an_unexpected_error_is_named_and_goes_on(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), reported_to(tmp_path / "failure"):
        raise ZeroDivisionError("division by zero")
    assert (tmp_path / "failure").read_text().startswith("ZeroDivisionError: division by zero")


def test_a_run_outside_sagemaker_needs_no_failure_file(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), reported_to(tmp_path / "absent" / "failure"):
        raise JobFailure("Wrong.")
    assert not (tmp_path / "absent").exists()
