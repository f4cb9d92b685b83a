"""What an audit is about: which bins in which batches, which model, and what makes it the same audit."""

import json
from typing import Any

import pytest
from audited_account import DATA, PACKAGES, SOURCE, Account

import plan_audit
from errors import EmptySource
from run.validation import InvalidInput

BINS = {"source": f"s3://{SOURCE}"}


def handled(given: Any, live: str | None = f"{PACKAGES}/1") -> dict[str, Any]:
    return plan_audit.handler({"input": given, "execution": "arn:x 2026", "live": live}, None)


def plan(given: dict[str, Any] | None = None, **bins: Any) -> dict[str, Any]:
    answered = handled({"dataset": BINS | bins, **(given or {})})
    through_the_state_machine: dict[str, Any] = json.loads(json.dumps(answered))
    return through_the_state_machine


def written(account: Account, audit: dict[str, Any]) -> dict[str, Any]:
    listed = account.s3.list_objects_v2(Bucket=DATA, Prefix=f"{audit['prefix']}/batches/").get("Contents", [])
    bodies = {item["Key"]: account.s3.get_object(Bucket=DATA, Key=item["Key"])["Body"].read() for item in listed}
    return {key.rpartition("/")[2]: json.loads(body) for key, body in bodies.items()}


def test_all_bins_are_in_batches_once_and_counted_with_the_live_model(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_audit, "BATCH", 2)
    # given three bins, one of them with a record alone, and one with a photo alone
    account.add("00001")
    account.s3.put_object(Bucket=SOURCE, Key="metadata/1.json", Body=b"{}")
    account.s3.put_object(Bucket=SOURCE, Key="bin-images/1234.jpg", Body=b"photo")
    account.keep_dataset(BINS["source"])
    # when
    audit = plan()
    # then
    names = [name for batch in written(account, audit).values() for name in batch]
    assert sorted(names) == ["00001", "1", "1234"]
    assert [len(batch) for batch in written(account, audit).values()] == [2, 1]
    assert (audit["bins"], audit["ready"]) == (3, False)
    assert audit["model"] == {
        "packageArn": f"{PACKAGES}/1",
        "artifact": f"s3://{DATA}/models/1/model.tar.gz",
        "precision": "bfloat16",
        "bins": f"s3://{DATA}/datasets/d1/splits.json",
        "known": True,
    }
    assert audit["input"]["instanceType"] == "ml.m7i.xlarge"  # as evaluations
    assert audit["uri"] == f"s3://{DATA}/{audit['prefix']}"
    assert audit["prefix"].startswith("audits/")
    assert audit["job"].startswith("stocktake-")
    assert audit["job"].endswith("-audit")


def test_of_a_model_without_a_list_it_is_unknown_which_bins_it_was_made_from(account: Account) -> None:
    account.add("00001")
    # given one that was registered by hand, and one whose dataset was deleted
    for number in (2, 1):
        model = plan({"package": f"{PACKAGES}/{number}"})["model"]
        assert (model["bins"], model["known"]) == (None, False)


def test_it_counts_in_the_number_format_of_the_packages_endpoint(account: Account) -> None:
    account.add("00001")
    assert [plan({"package": f"{PACKAGES}/{number}"})["model"]["precision"] for number in (1, 2)] == [
        "bfloat16",
        "float32",  # of a package that does not say
    ]


def test_bins_of_another_source_are_others_whatever_their_names(account: Account) -> None:
    account.add("00001")
    account.keep_dataset("s3://another-source")
    model = plan()["model"]
    assert (model["bins"], model["known"]) == (None, True)


def test_the_same_audit_goes_on_and_whatever_its_result_follows_from_makes_another(account: Account) -> None:
    for name in ("00001", "00002"):
        account.add(name)
    first = plan()["prefix"]
    assert plan({"instanceCount": 4, "maxRunSeconds": 60})["prefix"] == first
    others = [plan({"package": f"{PACKAGES}/2"})["prefix"], plan({"instanceType": "ml.m5.xlarge"})["prefix"]]
    account.add("00002", record=b'{"changed": 1}')
    others.append(plan()["prefix"])
    account.add("00003")
    others.append(plan()["prefix"])
    assert len({first, *others}) == 5
    # one that has a summary is complete
    account.s3.put_object(Bucket=DATA, Key=f"{others[-1]}/results/summary.json", Body=b"{}")
    assert plan()["ready"] is True


def test_a_list_takes_its_bins(account: Account) -> None:
    for name in ("00001", "00002", "00003"):
        account.add(name)
    account.s3.put_object(Bucket=DATA, Key="lists/two.json", Body=b'["00003", "00001"]')
    audit = plan(files=f"s3://{DATA}/lists/two.json")
    assert written(account, audit) == {"00000.json": ["00001", "00003"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"instancecount": 2}, "instancecount: unknown field; did you mean instanceCount"),
        ({"instanceCount": 0}, "instanceCount: 0 was given; must be an integer from 1 to 100"),
        ({"maxRunSeconds": 500_000}, "maxRunSeconds: 500000 was given; must be an integer from 60 to 432000"),
        ({"instanceType": "ml.g4dn.xlarge"}, 'instanceType: "ml.g4dn.xlarge" was given; must be a type of CPUs'),
        ({"instanceType": "ml.x1"}, 'instanceType: "ml.x1" was given; must be a SageMaker processing instance'),
        ({"package": "previous"}, 'package: "previous" was given; must be null'),
        ({"package": f"{PACKAGES}/9"}, "must be of a package that exists"),
        ({"package": f"{PACKAGES[:-1]}2/1"}, "must be of this deployment's group, stocktake-1"),
        ({"dataset": {"source": "s3://other-bucket"}}, "must be in one of the buckets bins, or its bucket must be"),
        ({"dataset": {"fraction": 0.5, "files": "s3://b12/lists/a.json"}}, "fraction or files, not both"),
        ({"dataset": BINS | {"source": "s3://bins/" + "a" * 250}}, "must be an S3 URI of at most 256 characters"),
        ({"dataset": 3}, "dataset: 3 was given; must be a JSON object"),
        ([], r"input: \[\] was given; must be a JSON object"),
    ],
)
def test_a_wrong_input_is_a_sentence(account: Account, given: Any, said: str) -> None:
    account.add("00001")
    with pytest.raises(InvalidInput, match=said):
        handled({"dataset": BINS} | given if isinstance(given, dict) else given)


def test_without_a_model_or_a_bin_there_is_nothing_to_audit(account: Account) -> None:
    with pytest.raises(EmptySource, match="takes none of the 0 bins of the source"):
        plan()
    account.add("00001")
    with pytest.raises(InvalidInput, match="package: null was given; no model serves yet"):
        handled({"dataset": BINS}, live=None)


@pytest.mark.parametrize("ignored", ["Comment", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"])
def test_what_consoles_add_is_ignored(account: Account, ignored: str) -> None:
    account.add("00001")
    assert plan({ignored: "x"})["bins"] == 1


def test_the_deployments_own_source_is_the_default(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULTS", json.dumps({"dataset": BINS}))
    account.add("00001")
    assert handled(None)["source"]["uri"] == BINS["source"]
