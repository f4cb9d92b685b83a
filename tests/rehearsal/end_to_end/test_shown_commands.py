"""Every command that the documentation shows, given to the kept rehearsal as it stands there."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import ROOT
from tests.rehearsal.end_to_end.kept_rehearsal import Kept

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CONSOLE_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"\s+# .*$")
ARN = re.compile(r"arn:aws:sagemaker:\.\.\.\S*|<ARN>")
FILE = re.compile(r"\b(?:(?:bin|a|b)\.jpg|(?:answer|input|first)\.json|photos\.jsonl|answers\.csv)\b")
READS = {
    "make estimate": r"USD",
    "make follow": r"Plan done",
    "make list": r"rehearsal-",
    "make report": r"The report is reports/\S+\.html",
    "make predict": r'"count":',
    "make approve": r"No package of execution \S+ waits",
    "make reject": r"No package of execution \S+ waits",
    "aws sagemaker list-model-packages": r"ModelPackageArn",
    "aws sagemaker-runtime invoke-endpoint": r'"ContentType": "(application/json|text/csv)',
    "aws lambda invoke": r'"StatusCode": 200',
    "for photo": r"^$",
    "cd lambda &&": r"^$|images",
}
"""How a command begins, and a pattern of what it says here."""
CHANGES = {
    "make rollback": r"deployed: arn:\S+ behind endpoint stocktake|NothingToGoBackTo",
    "aws cloudformation update-stack": r'"StackId"',
    "make promote": r"deployed: arn:\S+ behind endpoint stocktake",
}
"""The same of those that change what is served, in the order in which they are given."""
ADMINISTRATORS = ("aws cloudformation update-stack", "cd lambda &&")
"""How commands begin that need more than operators may do."""
NOT_GIVEN = {
    "git pull": "it is git's",
    "make setup": "it made what runs these tests",
    "make bootstrap": "the rehearsal did it",
    "make doctor": "it asks about an account; tests/doctor has one",
    "make deploy": "test_tear_down.py deploys again",
    "make destroy": "test_tear_down.py destroys",
    "make start": "it would be one execution more; tests/console starts one",
    "make try": "it serves until Ctrl-C; tests/console opens the page",
    "make rehearse": "it is what is kept here",
    "make test": "it runs these tests",
    "make test-stacks": "it runs a part of them",
    "make fuzz": "it runs tests/fuzz",
    "make lint": "it is a check of its own",
    "make format": "it changes files",
    "make schema": "it changes files",
    "tar -xzOf": "it reads the output of a training that looked for wrong labels; tests/unit/training has one",
}
"""Commands that are not given here, and why nothing is left untried. Of those of make, make tells what it would do."""


def shown() -> list[str]:
    blocks = [block for page in PAGES for block in CONSOLE_BLOCK.findall(page.read_text())]
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return list(dict.fromkeys(COMMENT.sub("", line.removeprefix("$ ")).strip() for line in lines))


def beginning_with(start: str) -> list[str]:
    return [command for command in shown() if command.startswith(start) and not command[len(start) :][:1].strip()]


class Shell:
    """A shell of somebody who has the variables that the rehearsal prints, and the files that the pages speak of."""

    def __init__(self, kept: Kept, folder: Path) -> None:
        outputs = kept.outputs()
        for name in ("bin.jpg", "a.jpg", "b.jpg"):
            (folder / name).write_bytes(kept.photo())
        for name in ("input.json", "first.json"):
            (folder / name).write_text("{}")
        line = json.dumps({"image": base64.b64encode(kept.photo()).decode()})
        (folder / "photos.jsonl").write_text(f"{line}\n{line}\n")
        self._folder = folder
        self._administrator, self._operator = kept.environment(), kept.as_operator()
        self._path = {"PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "PAGER": "cat"}
        self._names = {
            "<EstimateFunction>": outputs["EstimateFunction"],
            "<group>": outputs["ModelPackageGroup"],
            "s3://<data bucket>/datasets/<id>": kept.result["output"]["dataset"]["uri"],
            "<folder>": str(folder / "folders"),
            "a1b2c3": kept.first_execution()["name"],
        }
        self._package = kept.result["output"]["model"]["packageArn"]

    def give(self, command: str) -> str:
        """What a command says, with the names and files of this rehearsal in the place of the page's."""
        for name, here in self._names.items():
            command = command.replace(name, here)
        # For the second version of AWS's command line; the first, which is here, takes a payload as it is.
        command = command.replace("--cli-binary-format raw-in-base64-out ", "")
        command = FILE.sub(lambda found: str(self._folder / found[0]), ARN.sub(self._package, command))
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=(self._administrator if command.startswith(ADMINISTRATORS) else self._operator) | self._path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout


@pytest.fixture(scope="module")
def shell(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(kept, tmp_path_factory.mktemp("shown"))


def test_each_command_is_given_or_told_why_not() -> None:
    known = [command for start in (*READS, *CHANGES, *NOT_GIVEN) for command in beginning_with(start)]
    assert sorted(known) == sorted(shown())


def test_make_knows_what_is_not_given() -> None:
    for command in (command for start in NOT_GIVEN if start.startswith("make") for command in beginning_with(start)):
        subprocess.run(["bash", "-c", f"{command} --dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_commands_that_read_answer(shell: Shell) -> None:
    given = {command: says for start, says in READS.items() for command in beginning_with(start)}
    with ThreadPoolExecutor(4) as threads:
        said = dict(zip(given, threads.map(shell.give, given), strict=True))
    assert {command: said[command] for command, says in given.items() if not re.search(says, said[command])} == {}


def test_operators_may_not_change_a_stack_and_read_results_alone(kept: Kept) -> None:
    outputs = kept.outputs()
    names = kept.as_operator()
    operator = {
        "endpoint_url": kept.url,
        "region_name": "us-east-1",
        "aws_access_key_id": names["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": names["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": names["AWS_SESSION_TOKEN"],
    }
    card = f"{kept.result['output']['dataset']['uri'].partition('//')[2].partition('/')[2]}/card.json"
    with pytest.raises(ClientError, match="is not authorized to perform: cloudformation:UpdateStack"):
        boto3.client("cloudformation", **operator).update_stack(
            StackName="Stocktake-Endpoint", UsePreviousTemplate=True
        )
    with pytest.raises(ClientError, match="AccessDenied"):
        boto3.client("s3", **operator).get_object(Bucket=outputs["DataBucketName"], Key=card)


def test_commands_that_change_what_is_served_do_so_and_the_endpoint_comes_back(kept: Kept, shell: Shell) -> None:
    # when
    for start, says in CHANGES.items():
        for command in beginning_with(start):
            assert re.search(says, shell.give(command)), command
            if start.startswith("aws cloudformation"):
                stack = kept.client("cloudformation").get_waiter("stack_update_complete")
                stack.wait(StackName="Stocktake-Endpoint", WaiterConfig={"Delay": 1})
                # then the endpoint that cost something is gone
                assert kept.client("sagemaker").list_endpoints()["Endpoints"] == []
    # ... and the last command has brought it back
    assert kept.ask(kept.photo())["model"] == kept.result["output"]["model"]["packageArn"]
