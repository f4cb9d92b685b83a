"""What every test needs: torchvision importable where only its CUDA build can be installed; files kept together."""

import os
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from rehearsal import torchvision_on_cpu
from rehearsal.deploy import QUIET

# The CDK libraries say at their start what the command line does.
os.environ |= QUIET
# CDK's own look at templates takes five seconds of every process, and only warns; cfn-lint is asked in a test.
os.environ["CDK_VALIDATION"] = "false"

torchvision_on_cpu.install()

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


class SharedEmulators(LoadScopeScheduling):
    """One worker runs all of a file, which shares its emulator; the end-to-end tests share one rehearsal.

    The marks of `--dist=loadgroup` would say the same, but pytest 9.2 ignores what pytest-xdist 3.8 makes of them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        return str(file.parent if file.parent.name == "end_to_end" else file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedEmulators:
    return SharedEmulators(config, log)
