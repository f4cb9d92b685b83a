import json
from typing import Any

import pytest
from bin_source import DATA_BUCKET, INPUT, SOURCE_BUCKET, BinSource

import plan
from contract import InvalidInput
from errors import EmptySource, NoUsableImages, SourceNotFound


def run(given: dict[str, Any] | None = None, execution: str = "test") -> dict[str, Any]:
    return plan.handler({"input": {**INPUT, **(given or {})}, "execution": execution}, None)


def test_the_run_has_every_name_that_later_states_use(bin_source: BinSource) -> None:
    bin_source.add("00001")
    made = run({"training": {"instanceType": "ml.m5.xlarge"}}, "second try")
    name = plan.run_name("second try")
    assert made["name"] == name
    assert made["labels"] == [1, 2, 3, 4, 5]
    assert made["jobs"] == {"train": f"stocktake-{name}-train", "evaluate": f"stocktake-{name}-eval"}
    assert made["trainingImage"] == "pytorch-cpu"
    assert made["report"]["uri"] == f"s3://{DATA_BUCKET}/reports/{name}"
    assert made["input"]["hyperparameters"]["batchSize"] == 128
    assert made["dataset"]["uri"] == f"s3://{DATA_BUCKET}/datasets/{made['dataset']['id']}"
    assert len(json.dumps(made)) < 10_000


@pytest.mark.parametrize("execution", ["0b3f0c1e-aaaa-4bbb-8ccc-0123456789ab", "Nightly_Run.2026", "a" * 80, "-x-"])
def test_any_execution_name_gives_a_short_name_for_jobs(execution: str) -> None:
    name = plan.run_name(execution)
    assert len(name) <= 12
    assert name == plan.run_name(execution) != plan.run_name(execution + "x")
    assert set(name) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("instance_type", "image"),
    [("ml.g4dn.xlarge", "gpu"), ("ml.p5.48xlarge", "gpu"), ("ml.c5.2xlarge", "cpu"), ("ml.r5.large", "cpu")],
)
def test_the_instance_type_chooses_the_training_image(bin_source: BinSource, instance_type: str, image: str) -> None:
    bin_source.add("00001")
    made = run({"training": {"instanceType": instance_type}})
    assert made["trainingImage"] == f"pytorch-{image}"


@pytest.mark.parametrize(
    "given",
    [
        {"training": {"instanceType": "ml.x9.large"}},
        {"training": {"instanceCount": 2}},
        {"training": {"sharded": True}},
        {"tuning": {"enabled": True}},
    ],
)
def test_what_this_deployment_cannot_do_is_refused(bin_source: BinSource, given: dict[str, Any]) -> None:
    with pytest.raises(
        InvalidInput, match=r"^(training\.(instanceType|instanceCount|sharded)|tuning\.enabled): .* was given; must be"
    ):
        run(given)


@pytest.mark.parametrize("instance_type", ["ml.trn1.2xlarge", "ml.p3.2xlarge"])
def test_accelerators_without_a_training_image_are_refused(bin_source: BinSource, instance_type: str) -> None:
    with pytest.raises(InvalidInput, match="must be a CPU type or a GPU type"):
        run({"training": {"instanceType": instance_type}})


def test_a_source_that_was_not_allowed_is_refused_with_the_setting(bin_source: BinSource) -> None:
    with pytest.raises(InvalidInput, match=r"s3://elsewhere.* must be in one of the buckets bins, .*sourceBuckets"):
        run({"dataset": {"source": "s3://elsewhere"}})


def test_a_source_bucket_that_does_not_exist_is_named(bin_source: BinSource) -> None:
    with pytest.raises(SourceNotFound, match="there is no bucket no-such-bucket"):
        run({"dataset": {"source": "s3://no-such-bucket"}})


def test_an_empty_source_is_named(bin_source: BinSource) -> None:
    bin_source.put("readme.txt", b"")
    bin_source.put("metadata/index.json", b"{}")
    with pytest.raises(EmptySource, match="it holds no bin"):
        run()


def test_a_source_of_metadata_alone_has_no_usable_image(bin_source: BinSource) -> None:
    bin_source.put("metadata/00001.json", b"{}")
    bin_source.put("bin-images/00002.jpg", b"")
    with pytest.raises(NoUsableImages, match="none of 2 sampled bins has both"):
        run()


def test_a_fraction_that_takes_nothing_is_named(bin_source: BinSource) -> None:
    bin_source.add("00001")
    with pytest.raises(InvalidInput, match=r"dataset\.fraction: 1e-06 was given; takes none of the source's 1 bins"):
        bin_source.plan(fraction=1e-6)


def test_gaps_extra_keys_and_both_sequences_are_normal(bin_source: BinSource) -> None:
    for name in ("1", "00001", "00003", "100000"):
        bin_source.add(name)
    bin_source.put("bin-images/00007.jpg", b"no metadata")
    bin_source.put("metadata/00008.json", b"no image")
    for key in ("bin-images/", "bin-images/thumbs.db", "metadata/00009.json.bak", "bin-images/0001.jpg"):
        bin_source.put(key, b"")
    dataset = bin_source.plan()
    (batch,) = json.loads(bin_source.objects()[dataset["batches"]])
    assert batch["bins"] == ["1", "00001", "00003", "00007", "00008", "100000"]
    assert batch["withoutImage"] == ["00008"]
    assert dataset["listing"]["bins"] == 6


def test_bins_below_a_prefix_are_found(bin_source: BinSource) -> None:
    bin_source.put("2026/metadata/00001.json", b"{}")
    bin_source.put("2026/bin-images/00001.jpg", b"x")
    dataset = bin_source.plan(source=f"s3://{SOURCE_BUCKET}/2026/")
    assert dataset["listing"]["bins"] == 1


def test_whole_blocks_are_sampled_and_a_larger_fraction_adds_to_them(bin_source: BinSource) -> None:
    bin_source.add_many(600)

    def sampled(fraction: float) -> list[int]:
        dataset = bin_source.plan(fraction=fraction)
        batches = json.loads(bin_source.objects()[dataset["batches"]])
        return [int(name) for batch in batches for name in batch["bins"]]

    small, large = sampled(0.2), sampled(0.6)
    assert 0 < len(small) < len(large) < 600
    assert set(small) < set(large)
    for block in {number // 20 for number in small}:
        assert {number for number in small if number // 20 == block} == set(range(block * 20, block * 20 + 20)) - {0}


def test_listing_takes_a_request_for_1000_keys_and_nothing_is_read(bin_source: BinSource) -> None:
    bin_source.add_many(1100)
    took = bin_source.plan()["listing"]["took"]
    # 20 folders by leading digit, all but two of them empty; those hold 1,100 keys: two pages. And two probes.
    assert took["requests"] - 1 <= 20 + 2 + 2
    assert took["bytes"] == 0


def test_a_dataset_is_known_by_its_content(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    first = bin_source.plan()["id"]
    assert bin_source.plan()["id"] == first
    assert bin_source.plan(minCount=2)["id"] != first
    bin_source.add("00007", count=5)
    changed = bin_source.plan()["id"]
    assert changed != first
    bin_source.add("00041")
    assert bin_source.plan()["id"] not in (first, changed)


def test_a_change_outside_the_sample_leaves_the_dataset_alone(bin_source: BinSource) -> None:
    bin_source.add_many(600)
    dataset = bin_source.plan(fraction=0.2)
    (batch,) = json.loads(bin_source.objects()[dataset["batches"]])
    blocks = {int(name) // 20 for name in batch["bins"]}
    outside = next(block for block in range(1, 30) if not {block, block + 1} & blocks)
    bin_source.add(f"{outside * 20 + 3:05d}", count=9)
    assert bin_source.plan(fraction=0.2)["id"] == dataset["id"]


def test_a_private_source_is_read_with_the_functions_role(bin_source: BinSource) -> None:
    # The emulated S3 shows anybody the list and, like S3, nobody an object that is not public.
    bin_source.add("00001")
    assert bin_source.plan()["source"]["anonymous"] is False


def test_a_public_source_is_read_anonymously(bin_source: BinSource) -> None:
    bin_source.add("00001")
    for key in ("metadata/00001.json", "bin-images/00001.jpg"):
        bin_source.s3.put_object_acl(Bucket=SOURCE_BUCKET, Key=key, ACL="public-read")
    assert bin_source.plan()["source"]["anonymous"] is True


def test_every_instance_type_of_the_service_is_known() -> None:
    assert {"ml.g4dn.xlarge", "ml.m5.xlarge"} <= plan.training_instance_types()
