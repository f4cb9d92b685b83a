"""Known failures of a job: one sentence each, put where SageMaker looks for it."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

OUT_OF_MEMORY = "Lower the hyperparameter batch-size, or use an instance type whose GPUs have more memory."
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class JobFailure(Exception):
    """Ends the job; the message says what is wrong, where, and what to do about it."""


@contextmanager
def reported_to(file: Path, out_of_memory: str = OUT_OF_MEMORY) -> Iterator[None]:
    """Write the reason of a failure to `file` and the error stream, then end the process with exit code 1.

    SageMaker shows the first 1024 characters of /opt/ml/output/failure as a training job's FailureReason
    (/opt/ml/output/message as a processing job's ExitMessage). The training toolkit writes that file only when
    the script has not, so the sentence written here is the one people see.
    """
    try:
        yield
    except JobFailure as failure:
        sentence = str(failure)
    except torch.OutOfMemoryError as error:
        asked = re.search(r"[0-9.]+ [KMGT]?i?B", str(error))
        sentence = f"The GPU's memory is full{f', {asked[0]} more were needed' if asked else ''}. {out_of_memory}"
    except OSError as error:
        if error.errno not in NO_SPACE:
            _write(file, f"{type(error).__name__}: {error}. The traceback is in the job's log.")
            raise
        place = f" {error.filename}" if error.filename else ""
        sentence = f"No space left to write{place} ({error.strerror}). Give the job a larger volume."
    except Exception as error:
        # Of several processes one may have said already what made this one fail.
        if not file.exists():
            _write(file, f"{type(error).__name__}: {error}. The traceback is in the job's log.")
        raise
    else:
        return
    _write(file, sentence)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # Taking the group of processes down would wait for those that wait for this one.
        sys.stdout.flush()
        print(sentence, file=sys.stderr, flush=True)
        os._exit(1)
    sys.exit(sentence)


def _write(file: Path, sentence: str) -> None:
    if not file.parent.is_dir():
        return  # run outside SageMaker
    try:
        file.write_text(sentence)
    except OSError as error:  # a full disk must not hide what happened
        print(f"{file} could not be written: {error.strerror}.", file=sys.stderr)
