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


def test_an_unexpected_error_is_named_and_goes_on(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), reported_to(tmp_path / "failure"):
        raise ZeroDivisionError("division by zero")
    assert (tmp_path / "failure").read_text().startswith("ZeroDivisionError: division by zero")


def test_a_run_outside_sagemaker_needs_no_failure_file(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), reported_to(tmp_path / "absent" / "failure"):
        raise JobFailure("Wrong.")
    assert not (tmp_path / "absent").exists()
