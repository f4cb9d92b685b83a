"""The real CDK command line against the emulated AWS."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rehearsal.aws import processes
from rehearsal.emulated_aws import ACCOUNT, REGION
from rehearsal.steps import Command

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


SETTINGS = ("-c", "pollSeconds=10")
"""What a rehearsal sets: an endpoint is updated in seconds here, so the machine looks as often as it may."""


def settings_of(context: Sequence[str]) -> list[str]:
    """Options of `cdk` for a rehearsal with this context. Of two values of a setting the last counts."""
    return [*SETTINGS, *(argument for setting in context for argument in ("-c", setting))]


class Cdk:
    """Commands of `cdk` in the repository, their output in `work`. Bootstrap and synth may run at the same time.

    `context` are settings as `name=value`.
    """

    def __init__(self, work: Path, context: Sequence[str] = ()) -> None:
        self._settings = settings_of(context)
        self._work, self._assembly, self._outputs = work, work / "cdk.out", work / "outputs.json"

    def bootstrap(self) -> Command:
        # In a folder without a cdk.json, so that it need not run the application first.
        return self._command(self._work, "bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def synth(self) -> Command:
        return self._command(ROOT, "synth", "--all", "--quiet", *self._settings, "--output", str(self._assembly))

    def deploy(self) -> Command:
        """Deploy every stack of the synth, side by side where none needs the other."""
        options = ["--require-approval", "never", "--progress", "events", "--concurrency", "4"]
        options += ["--outputs-file", str(self._outputs)]
        return self._command(ROOT, "deploy", "--all", "--app", str(self._assembly), *options)

    def outputs(self) -> dict[str, str]:
        """The outputs of all deployed stacks by name."""
        stacks: dict[str, dict[str, str]] = json.loads(self._outputs.read_text())
        return {name: value for stack in stacks.values() for name, value in stack.items()}

    def _command(self, folder: Path, command: str, *arguments: str) -> Command:
        return Command(
            (str(CDK), command, *arguments, "--no-notices"),
            folder,
            cdk_environment(processes.aws_environment(REGION)),
            self._work / f"cdk-{command}.log",
        )
