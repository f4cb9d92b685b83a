"""Estimates and starts against the emulated AWS, whose estimate function answers by the contract."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from console import console_link
from console.cli import main
from tests.rehearsal.emulator import Emulator


@pytest.fixture
def started(aws: Emulator, deployed: str) -> list[str]:
    """ARNs of the executions until now."""
    return executions(aws, deployed)


def executions(aws: Emulator, machine: str) -> list[str]:
    found = aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return [execution["executionArn"] for execution in found]


def answers(monkeypatch: pytest.MonkeyPatch, text: str, *, terminal: bool) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    monkeypatch.setattr(stdin, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stdin", stdin)


@pytest.mark.parametrize("command", ["start", "estimate"])
def test_an_invalid_input_is_told_in_sentences_before_anything_starts(
    aws: Emulator, deployed: str, started: list[str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--set", "seed=-1", "--json"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "\nseed: -1 was given; must be an integer\nrecipe: 3 was given; must be notebook\n" in told.err
    assert executions(aws, deployed) == started


def test_an_estimate_that_fails_otherwise_is_named(deployed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--set", "seed=-2"]) == 1
    assert capsys.readouterr().err == "Error: The estimate failed: NoPrices: there are none\n"


def test_a_deployment_without_estimates_is_named(aws: Emulator, deployed: str, capsys: Any) -> None:
    output = {"StateMachineArn": {"Value": deployed}}
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    template = json.dumps({"Resources": {"Any": parameter}, "Outputs": output})
    aws.client("cloudformation").create_stack(StackName="Earlier-Workflow", TemplateBody=template)
    assert main(["start", "--name", "earlier"]) == 1
    assert "Stack Earlier-Workflow has no output 'EstimateFunction'" in capsys.readouterr().err


def test_an_estimate_is_a_table_with_what_it_assumes(deployed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line.split() for line in lines[:4]] == [
        ["What", "Instance", "Time", "Cost"],
        ["Train", "ml.g4dn.xlarge", "1", "h", "15", "min", "1.23", "USD", "spot"],
        ["Lambda", "<0.01", "USD"],
        ["one", "execution", "1.23", "USD"],
    ]
    assert "It costs about 1.23 USD, 2.10 USD on demand (prices: table of 2026-11-28 in this repository)." in lines
    assert "Endpoint, 1 x ml.m7i.large: 90.00 USD a month; instead: ml.c7i.large 80.00 USD." in lines
    assert lines[-1] == "- a trial takes [4] minutes"


def test_where_no_price_is_known_the_rest_is_told(deployed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--set", "seed=-3"]) == 0
    out = capsys.readouterr().out
    assert "What it costs is not known (prices: " in out
    assert "ml.c7i.large unknown." in out


def test_an_estimate_for_programs_is_what_the_function_answers(deployed: str, capsys: Any) -> None:
    assert main(["estimate", "--json", "--set", "seed=5"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["input"], told["usd"]) == ({"seed": 5}, 1.234)


def test_what_starts_has_the_file_with_single_fields_over_it(
    aws: Emulator, deployed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a file
    file = tmp_path / "input.json"
    file.write_text('{"dataset": {"fraction": 0.5, "minCount": 2}}')
    # when it is started with other values and a text without quotes
    fields = ["--set", "dataset.fraction=0.01", "--set", "weights=none", "--set", "tuning.enabled=false"]
    assert main(["start", str(file), *fields, "--execution-name", "from-a-file"]) == 0
    # then
    arn = f"{deployed.replace(':stateMachine:', ':execution:')}:from-a-file"
    given = aws.client("stepfunctions").describe_execution(executionArn=arn)["input"]
    assert json.loads(given) == {
        "dataset": {"fraction": 0.01, "minCount": 2},
        "weights": "none",
        "tuning": {"enabled": False},
    }
    assert capsys.readouterr().out.splitlines() == [
        f"Input: {given}",
        "It costs about 1.23 USD, 2.10 USD on demand (prices: table of 2026-11-28 in this repository).",
        "Started from-a-file",
        f"  {arn}",
        "Follow it: make follow EXECUTION=from-a-file",
    ]


def test_a_start_for_programs_reads_stdin_and_says_nothing_else_on_stdout(
    aws: Emulator, deployed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, '{"seed": 7}', terminal=False)
    assert main(["start", "-", "--json"]) == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["estimate"]["usd"] == 1.234
    assert document["link"] is None
    assert document["arn"].endswith(document["name"])
    assert "It costs about" in told.err
    given = aws.client("stepfunctions").describe_execution(executionArn=document["arn"])["input"]
    assert json.loads(given) == {"seed": 7}


def test_a_start_that_is_followed_tells_the_end(deployed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "--set", "fail=true", "--follow", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["status"], document["error"]) == ("FAILED", "NoUsableImages")
    assert document["estimate"]["usd"] == 1.234


DEAR = ["start", "--set", "recipe=fine-tuning"]


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (DEAR, None, "That is over --ask-above 10, and there is no terminal to ask at; give --yes."),
        (DEAR, "n\n", "Nothing was started."),
        (["start", "--ask-above", "1"], "n\n", "Nothing was started."),
        (["start", "--ask-above", "1"], None, "That is over --ask-above 1,"),
        (["start", "--set", "seed=-3"], None, "What it costs is not known, and there is no terminal to ask at"),
    ],
)
def test_what_costs_much_is_not_started_without_agreement(
    aws: Emulator,
    deployed: str,
    started: list[str],
    arguments: list[str],
    typed: str | None,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers(monkeypatch, typed or "", terminal=typed is not None)
    assert main(arguments) == 1
    assert sentence in capsys.readouterr().err
    assert executions(aws, deployed) == started


@pytest.mark.parametrize(
    ("more", "typed"), [(["--yes"], None), ([], "y\n"), (["--ask-above", "2000"], None), (["--json"], "y\n")]
)
def test_what_costs_much_starts_with_agreement(
    aws: Emulator,
    deployed: str,
    started: list[str],
    more: list[str],
    typed: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers(monkeypatch, typed or "", terminal=typed is not None)
    assert main([*DEAR, *more]) == 0
    assert len(executions(aws, deployed)) == len(started) + 1
    out = capsys.readouterr().out
    assert "--json" not in more or json.loads(out)["name"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such-file.json"], "No such file"),
        (["{folder}/text.json"], "is no JSON"),
        (["{folder}/list.json"], "must hold a JSON object"),
        (["{folder}/deep.json"], "is no JSON"),
        (["{folder}/bytes.json"], "is no JSON"),
        (["--set", "seed"], "'seed' is not of the form FIELD=VALUE"),
        (["--set", "dataset..seed=1"], "is not of the form FIELD=VALUE"),
        (["--set", "seed=1", "--set", "seed.deeper=2"], "'seed.deeper' lies in 'seed', which is no object"),
        (["--ask-above", "-1"], "--ask-above"),
        (["--ask-above", "much"], "--ask-above"),
        (["{folder}/good.json", "{folder}/good.json"], "unexpected extra argument"),
    ],
)
def test_bad_arguments_are_told_apart(
    tmp_path: Path, deployed: str, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.json").write_text("{}")
    (tmp_path / "text.json").write_text("seed: 1")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    assert main(["start", *(argument.format(folder=tmp_path) for argument in arguments)]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("region", "partition", "link"),
    [
        ("eu-west-1", "aws", "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/"),
        ("cn-north-1", "aws-cn", "https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/"),
        ("us-gov-west-1", "aws-us-gov", "https://us-gov-west-1.console.amazonaws-us-gov.com/states/home?region="),
        ("us-iso-east-1", "aws-iso", None),
    ],
)
def test_the_link_to_the_aws_console_is_of_the_partition(
    monkeypatch: pytest.MonkeyPatch, region: str, partition: str, link: str | None
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    arn = f"arn:{partition}:states:{region}:123456789012:execution:stocktake:mine"
    found = console_link.of_execution(arn)
    assert (found is None) if link is None else (found or "").startswith(link)
    assert found is None or found.endswith(arn)
