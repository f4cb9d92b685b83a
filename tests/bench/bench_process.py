"""A bench's command line in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240
"""More than any bench takes at its smallest size on a busy machine."""


def start_bench(name: str, *arguments: str) -> subprocess.Popen[str]:
    # Threads that wait for each other crawl on busy cores.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", f"bench.{name}", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run_bench(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end. Raises TimeoutExpired, and kills it, when there is none."""
    with start_bench(name, *arguments) as process:
        try:
            output, errors = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
