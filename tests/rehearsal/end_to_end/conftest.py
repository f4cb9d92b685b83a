"""One small rehearsal as a user runs it, kept serving for all tests of this folder; the last of them ends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.bins import write_bins
from tests.rehearsal.end_to_end.kept_rehearsal import INPUT, SOURCE, Kept
from tests.rehearsal.rehearsal_process import running_rehearsal

READERS = ("plan.handler", "catalogue.handler", "pack.handler")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    # Before all others: one process runs all of these, longer than any other file takes, and must not begin late.
    # In the order of the names: a release's tests ask for the first model, so those that deploy others come later. What
    # all of them were allowed is looked at in the end, and of what is torn down nothing is left to test.
    last = [here / "test_permissions.py", here / "test_tear_down.py"]
    items.sort(key=lambda item: (here not in item.path.parents, last.index(item.path) + 1 if item.path in last else 0))
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            if not Path("/proc/self/environ").exists():
                item.add_marker(pytest.mark.skip(reason="finds a rehearsal's processes by /proc"))


@pytest.fixture(scope="package")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("end_to_end")
    write_bins(folder / "bins", count=150, seed=1)
    (folder / "input.json").write_text(json.dumps(INPUT))
    options = {"source": "bins", "input": "input.json", "result": "result.json", "export": "exported"}
    arguments = [text for option, name in options.items() for text in (f"--{option}", str(folder / name))]
    with running_rehearsal(folder / "output", *arguments, "--keep") as process:
        process.wait_until_it_says("Everything goes on serving")
        kept = Kept(process, json.loads((folder / "result.json").read_text()), folder / "exported", folder / "bins")
        kept.shorten_waits()
        yield kept


@pytest.fixture(autouse=True, scope="module")
def _operators_are_dismissed(kept: Kept) -> None:
    """Those of the file before: the last files look at every role that there is."""
    kept.dismiss_operators()


@pytest.fixture
def allowed_bucket(kept: Kept) -> Iterator[str]:
    """The name of a bucket, not there yet, that the deployed functions may read, as by the setting sourceBuckets."""
    functions, iam = kept.client("lambda"), kept.client("iam")
    readers = {f["Handler"]: f for f in functions.list_functions()["Functions"] if f["Handler"] in READERS}
    variables = readers["plan.handler"]["Environment"]["Variables"]
    name = "another-source"
    allowed = variables | {"SOURCE_BUCKETS": json.dumps([SOURCE, name])}
    plan = readers["plan.handler"]["FunctionName"]
    functions.update_function_configuration(FunctionName=plan, Environment={"Variables": allowed})
    actions = ["s3:ListBucket", "s3:GetObject"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    roles = [reader["Role"].rpartition("/")[2] for reader in readers.values()]
    for role in roles:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    yield name
    for role in roles:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    functions.update_function_configuration(FunctionName=plan, Environment={"Variables": variables})
