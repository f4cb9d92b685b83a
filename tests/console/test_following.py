"""Executions followed, listed, stopped and reported by the console, against the emulated AWS."""

from __future__ import annotations

import json
import os
import sys
import time
import webbrowser
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from console.cli import main
from console.views.execution import Execution
from console.views.next_command import next_command
from tests.console.conftest import OUTPUT, Execute, status_of
from tests.rehearsal.emulator import Emulator

Captured = pytest.CaptureFixture[str]


def test_the_newest_is_followed_to_its_result(execute: Execute, capsys: Captured) -> None:
    # given one that failed and a newer one
    execute(fail=True)
    execute(output=OUTPUT)
    # when
    assert main(["follow"]) == 0
    # then its figures are told
    rows = [line.partition("  ") for line in capsys.readouterr().out.splitlines()]
    told = {name: value.strip() for name, separator, value in rows if separator}
    assert told["accuracy"] == "0.310  (95 % interval 0.270 to 0.350)"
    assert (told["decision"], told["reason"]) == ("rejected", "accuracy 0.31 is below 0.4")
    assert (told["report"], told["cost"]) == ("s3://reported/reports/1/report.html", "0.75 USD")


def test_one_that_failed_tells_error_and_cause_and_the_exit_status_too(execute: Execute, capsys: Captured) -> None:
    name = execute(fail=True)
    execute(output=OUTPUT)
    assert main(["follow", name]) == 1
    assert capsys.readouterr().out.split("\n")[-3:] == ["FAILED NoUsableImages", "Plan: there are [none]", ""]


def test_followed_for_programs_one_document_is_all_of_stdout(deployed: str, execute: Execute, capsys: Captured) -> None:
    arn = f"{deployed.replace(':stateMachine:', ':execution:')}:{execute(output=OUTPUT)}"
    assert main(["follow", arn, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["arn"], told["status"], told["output"]) == (arn, "SUCCEEDED", OUTPUT)
    assert told["seconds"].keys() == {"What?", "Serve"}


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_interrupted_it_leaves_the_execution_running_and_says_so(
    aws: Emulator,
    deployed: str,
    execute: Execute,
    more: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    # given somebody who presses Ctrl-C between two looks
    name = execute(hold=True)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", interrupt)
        assert main(["follow", name, *more]) == 130
    told = capsys.readouterr()
    assert told.err.splitlines()[-2].endswith(f"The execution goes on. See it again: make follow EXECUTION={name}")
    assert told.err.splitlines()[-1] == f"End it: make stop EXECUTION={name}"
    assert not more or told.out == ""
    assert status_of(aws, deployed, name) == "RUNNING"
    assert main(["stop", name]) == 0


def test_when_aws_no_longer_answers_the_execution_goes_on(
    execute: Execute, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def unreachable(*_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://states")

    name = execute(output=OUTPUT)
    monkeypatch.setattr(Execution, "follow", unreachable)
    assert main(["follow", name]) == 1
    said = capsys.readouterr().err
    for part in ('Could not connect to the endpoint URL: "https://states"', "if that rehearsal has ended", "goes on."):
        assert part in said


@pytest.mark.parametrize("command", ["follow", "stop", "report"])
@pytest.mark.parametrize("execution", ["nobody", "not a name", "arn:aws:states:nowhere"])
def test_an_unknown_execution_is_a_sentence(deployed: str, command: str, execution: str, capsys: Captured) -> None:
    assert main([command, execution, "--json"]) == 1
    told = capsys.readouterr()
    assert (told.out, told.err.splitlines()) == (
        "",
        [f"Error: There is no execution {execution}; `make list` names those of the last 90 days."],
    )


def test_before_the_first_execution_there_is_none(deployed: str, capsys: Captured) -> None:
    assert main(["follow", "--name", "empty"]) == 1
    assert main(["report", "--name", "empty"]) == 1
    assert main(["list", "--name", "empty"]) == 0
    assert main(["list", "--name", "empty", "--json"]) == 0
    told = capsys.readouterr()
    assert "There is no execution yet; `make start` starts one." in told.err
    assert "No execution that has ended has a report yet; `make start` starts one." in told.err
    assert told.out == "There are none.\n[]\n"


def test_executions_are_listed_newest_first_with_what_was_decided(execute: Execute, capsys: Captured) -> None:
    failed, rejected, running = execute(fail=True), execute(output=OUTPUT), execute(hold=True)
    assert main(["list", "--limit", "3"]) == 0
    heading, *rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert heading == ["Name", "Status", "Started", "Took", "Decision", "Accuracy"]
    assert [row[:2] for row in rows] == [[running, "RUNNING"], [rejected, "SUCCEEDED"], [failed, "FAILED"]]
    assert rows[1][-2:] == ["rejected", "0.310"]
    assert rows[2][-1] == "NoUsableImages"
    # ... and for programs, those of a status
    assert main(["list", "--json", "--status", "failed", "--limit", "1"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["name"], told["error"], told["decision"], told["accuracy"]) == (failed, "NoUsableImages", None, None)
    assert told["started"] <= told["stopped"]
    assert main(["list", "--json", "--limit", "2"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["stopped"], second["decision"], second["accuracy"]) == (None, "rejected", 0.31)
    assert main(["stop", running]) == 0


@pytest.mark.parametrize("arguments", [["list", "--status", "done"], ["list", "--limit", "0"], ["stop"], ["nothing"]])
def test_bad_arguments_are_exit_status_2(arguments: list[str], capsys: Captured) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("Usage: python -m console")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the browser was told to open."""
    urls: list[str] = []
    monkeypatch.setattr(webbrowser, "open", urls.append)
    return urls


@pytest.mark.parametrize(("terminal", "more", "opens"), [(False, [], 0), (True, [], 1), (True, ["--no-open"], 0)])
def test_the_report_of_the_newest_that_has_ended_is_fetched_and_opened_from_a_terminal_only(
    aws: Emulator,
    execute: Execute,
    tmp_path: Path,
    opened: list[str],
    terminal: bool,
    more: list[str],
    opens: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    # given one that failed, as the newest but for one that runs
    aws.client("s3").create_bucket(Bucket="reported")
    aws.client("s3").put_object(Bucket="reported", Key="reports/2/index.html", Body=b"<title>What failed")
    execute(output=OUTPUT)
    name = execute(fail="s3://reported/reports/2/index.html")
    execute(hold=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    # when
    assert main(["report", *more]) == 0
    # then
    file = tmp_path / "reports" / name / "report.html"
    assert file.read_text() == "<title>What failed"
    assert f"reports{os.sep}{name}{os.sep}report.html" in capsys.readouterr().out
    assert opened == [file.as_uri()] * opens


def test_a_report_for_programs_is_where_it_lies(
    aws: Emulator, execute: Execute, tmp_path: Path, opened: list[str], monkeypatch: Any, capsys: Captured
) -> None:
    aws.client("s3").create_bucket(Bucket="reported")
    aws.client("s3").put_object(Bucket="reported", Key="reports/1/report.html", Body=b"<title>Report")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["report", execute(output=OUTPUT), "--to", str(tmp_path / "new"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["uri"] == OUTPUT["evaluation"]["reportUri"]
    assert Path(told["file"]).read_text() == "<title>Report"
    assert opened == []


def test_the_newest_that_has_a_report_is_taken_where_a_newer_one_was_stopped(
    aws: Emulator, execute: Execute, tmp_path: Path, capsys: Captured
) -> None:
    # given one with a report, and a newer one that somebody stopped
    aws.client("s3").create_bucket(Bucket="reported")
    aws.client("s3").put_object(Bucket="reported", Key="reports/1/report.html", Body=b"<title>Report")
    reported, stopped = execute(output=OUTPUT), execute(hold=True)
    assert main(["stop", stopped]) == 0
    # when
    assert main(["report", "--to", str(tmp_path), "--json"]) == 0
    # then
    told = capsys.readouterr()
    assert json.loads(told.out[told.out.index("{") :])["arn"].endswith(f":{reported}")
    assert f"{stopped} is ABORTED: no report. This is the newest that has one." in told.err


def test_an_audit_is_found_by_its_name_and_has_its_page_elsewhere(
    deployed: str, execute: Execute, tmp_path: Path, capsys: Captured
) -> None:
    name = execute(f"{deployed}-audit", output={"pageUri": "s3://reported/audits/1/results/index.html"})
    # when
    assert main(["stop", name]) == 0
    assert main(["report", name, "--to", str(tmp_path)]) == 1
    # then
    told = capsys.readouterr()
    assert f":stocktake-audit:{name} is SUCCEEDED." in told.out
    assert told.err == "Error: This is an audit; `make audit SHOW=1 OPEN=1` fetches its page.\n"


def test_the_newest_audit_that_succeeded_is_shown_and_a_newer_failure_told(
    deployed: str, execute: Execute, capsys: Captured
) -> None:
    good = execute(f"{deployed}-audit", output={"summary": {"bins": 7}})
    failed = execute(f"{deployed}-audit", fail=True)
    execute(f"{deployed}-audit", hold=True)
    # when
    assert main(["audit", "--show", "--json"]) == 0
    # then
    told = capsys.readouterr()
    assert json.loads(told.out)["arn"].endswith(f":{good}")
    assert json.loads(told.out)["output"] == {"summary": {"bins": 7}}
    assert told.err == f"{failed} is FAILED. This is the newest that succeeded.\n"


def test_before_the_first_audit_has_ended_there_is_none_to_show(
    deployed: str, execute: Execute, capsys: Captured
) -> None:
    assert main(["audit", "--show", "--name", "empty"]) == 1
    assert capsys.readouterr().err == "Error: No audit has ended yet; `make audit` starts one.\n"
    # and while the first one runs
    name = execute(deployed.replace("stocktake", "empty-audit"), hold=True)
    assert main(["audit", "--show", "--name", "empty"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Error: No audit has ended yet; follow it: make follow EXECUTION=")
    assert told.endswith(f"EXECUTION={name} DEPLOYMENT=empty\n")


def test_the_next_command_names_the_deployment_where_it_is_another() -> None:
    arn = "arn:aws:states:us-east-1:123456789012:execution:{}:a"
    assert next_command("follow", arn.format("stocktake-audit")) == "make follow EXECUTION=a"
    assert next_command("stop", arn.format("test")) == "make stop EXECUTION=a DEPLOYMENT=test"


def test_what_has_no_report_says_so(execute: Execute, tmp_path: Path, capsys: Captured) -> None:
    name = execute(fail=True)
    assert main(["report", name]) == 1
    assert capsys.readouterr().err == f"Error: {name} is FAILED, and has no report.\n"
    lost = OUTPUT | {"evaluation": OUTPUT["evaluation"] | {"reportUri": "s3://reported/lost.html"}}
    assert main(["report", execute(output=lost), "--to", str(tmp_path)]) == 1
    assert "s3://reported/lost.html cannot be fetched: " in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["report", execute(output=OUTPUT), "--to", str(tmp_path / "file" / "below")]) == 1
    assert "cannot be written: Not a directory." in capsys.readouterr().err


def test_the_doctor_is_the_same_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    # given an interpreter that says how it was started
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\nexit 1\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    # when it is asked with settings, for programs
    assert main(["doctor", "--json", "-c", "endpointInstances=2", "--name", "other"]) == 1
    # then
    assert capfd.readouterr().out == "-m doctor -c endpointInstances=2 -c name=other --json\n"
