"""What a rehearsal tells at its end."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

from rich.console import Console

from console.views.execution import Outcome
from rehearsal.deploy import ROOT
from rehearsal.summary import DEFAULT_INPUT, Ended, tell, tell_how_to_explore


def test_every_command_to_explore_names_the_endpoint() -> None:
    # given a rehearsal that goes on serving, when it says how to look further, then no AWS CLI of any age asks AWS
    console = Console(file=io.StringIO(), width=200)
    ended = Ended(Outcome("SUCCEEDED", {}, output={}), Path("work"), "endpoint", "http://localhost:1")
    ended.prediction = {"count": 1}
    settings = ["-c", "pollSeconds=10", "-c", 'tags={"team": "vision"}']
    tell_how_to_explore(ended, {"StateMachineArn": "arn", "DataBucketName": "bucket"}, settings, console)
    assert isinstance(console.file, io.StringIO)
    assert "\n  make try ENDPOINT=endpoint " in console.file.getvalue()
    # and an execution is started with an input that the few bins are enough for
    [start] = [line for line in console.file.getvalue().splitlines() if line.startswith("  make start ")]
    [_, _, given] = shlex.split(start, comments=True)
    assert (ROOT / given.removeprefix("INPUT=")).samefile(DEFAULT_INPUT)
    commands = [line for line in console.file.getvalue().splitlines() if line.startswith("  aws ")]
    assert len(commands) == 4
    assert all(" --endpoint-url http://localhost:1 " in command for command in commands)
    # and the stacks stay as they are where they are deployed with the settings that they have
    [deploy] = [line for line in console.file.getvalue().splitlines() if line.startswith("  make deploy ")]
    _, _, arguments = shlex.split(deploy, comments=True)
    assert shlex.split(arguments.removeprefix("ARGS=")) == settings


def test_the_answer_says_how_sure_it_is_beside_the_label() -> None:
    # given an answer that is not the label
    console = Console(file=io.StringIO(), width=60)
    ended = Ended(Outcome("SUCCEEDED", {}, output={}), Path("work"), "endpoint", "http://localhost:1")
    answer = {"count": 3, "probabilities": [0.3, 0.32, 0.38], "labels": [1, 2, 3]}
    ended.prediction = {"image": "7", "trueCount": 2, **answer}
    # when it is told, then nobody reads a model's doubt as a fault
    tell(ended, console)
    assert isinstance(console.file, io.StringIO)
    assert "endpoint  counted 3 in photo 7 (38% sure; the label is 2)\n" in console.file.getvalue()
