"""The real CDK command line against the emulated AWS."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rehearsal.aws import processes
from rehearsal.children import Children
from rehearsal.emulated_aws import ACCOUNT, REGION
from rehearsal.failures import RehearsalFailed, last_lines

ROOT = Path(__file__).resolve().parent.parent
NODE_BIN = ROOT / "node_modules" / ".bin"
CDK = NODE_BIN / "cdk"

QUIET = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "true",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "26",
    "NODE_NO_WARNINGS": "1",
}


def cdk_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with what `cdk` needs: cdk.json's `python3` is this interpreter, and it says little."""
    path = [str(Path(sys.executable).parent), str(NODE_BIN), environment.get("PATH", os.defpath)]
    return dict(environment) | QUIET | {"PATH": os.pathsep.join(path)}


class Cdk:
    """`cdk` in the repository, its output in `work`.

    Parameters
    ----------
    show
        Called with the command line's latest line of output while it runs.
    """

    def __init__(self, children: Children, work: Path, show: Callable[[str], None]) -> None:
        self._children, self._work, self._show = children, work, show

    def bootstrap(self) -> None:
        # In a folder without a cdk.json, so that it need not run the application first.
        self._run(self._work, "bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def deploy(self) -> dict[str, str]:
        """Deploy every stack; return the outputs of all stacks by name."""
        outputs = self._work / "outputs.json"
        options = ["--require-approval", "never", "--progress", "events", "--outputs-file", str(outputs)]
        self._run(ROOT, "deploy", "--all", *options, "--output", str(self._work / "cdk.out"))
        stacks: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return {name: value for stack in stacks.values() for name, value in stack.items()}

    def _run(self, folder: Path, command: str, *arguments: str) -> None:
        log = self._work / f"cdk-{command}.log"
        argv = [str(CDK), command, *arguments, "--no-notices"]
        environment = cdk_environment(processes.aws_environment(REGION))
        process = self._children.start(argv, cwd=folder, env=environment, log=log)
        try:
            while process.poll() is None:
                self._show(_last_line(log))
                time.sleep(0.2)
        finally:
            self._children.stop(process)
        if process.returncode != 0:
            raise RehearsalFailed(f"cdk {command} failed; {log} ends with\n{last_lines(log)}")
        self._show("")


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
