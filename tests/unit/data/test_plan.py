import json
from typing import Any

import pytest
from bin_source import DATA_BUCKET, INPUT, SOURCE_BUCKET, BinSource, jpeg

import plan
from errors import EmptySource, NoUsableImages, SourceNotFound
from run import instances
from run.contract import InvalidInput
from run.imagenet import EDITIONS


def run(given: dict[str, Any] | None = None, execution: str = "test") -> dict[str, Any]:
    return plan.handler({"input": {**INPUT, **(given or {})}, "execution": execution}, None)


def test_the_run_has_every_name_that_later_states_use(bin_source: BinSource) -> None:
    bin_source.add("00001")
    made = run({"training": {"instanceType": "ml.m5.xlarge"}}, "second try")
    name = plan.run_name("second try")
    assert made["name"] == name
    assert made["labels"] == [1, 2, 3, 4, 5]
    assert set(made["jobs"]) == {"features", "compare", "tune", "train", "evaluate"}
    assert len(set(made["jobs"].values())) == 5
    assert {job[: len(name) + 10] for job in made["jobs"].values()} == {f"stocktake-{name}"}
    assert made["trainingImage"] == "pytorch-cpu"
    assert made["distributed"] is False
    assert made["report"]["uri"] == f"s3://{DATA_BUCKET}/reports/{name}"
    assert made["input"]["hyperparameters"]["batchSize"] == 128
    assert made["dataset"]["uri"] == f"s3://{DATA_BUCKET}/datasets/{made['dataset']['id']}"
    assert len(json.dumps(made)) < 10_000


@pytest.mark.parametrize(
    "package", ["previous", "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake-1/3"]
)
@pytest.mark.usefixtures("bin_source")
def test_of_an_execution_that_serves_a_package_nothing_is_listed(package: str) -> None:
    # given a source without a bin
    made = plan.handler({"input": {**INPUT, "release": {"package": package}}, "execution": "back"}, None)
    # then the input is complete, and nothing is planned
    assert made["input"]["release"]["package"] == package
    assert "dataset" not in made


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
    made = run({"training": {"instanceType": instance_type}, "trainable": "all"})
    assert made["trainingImage"] == f"pytorch-{image}"
    # One process for each GPU; a CPU instance needs a launcher only to find others.
    assert made["distributed"] is (image == "gpu")
    several = run({"training": {"instanceType": instance_type, "instanceCount": 2}, "trainable": "all"})
    assert several["distributed"] is True


def test_a_head_is_trained_without_a_gpu_and_its_features_are_extracted_on_one(bin_source: BinSource) -> None:
    bin_source.add("00001")
    # given the defaults: a head on features
    made = run()
    assert made["trainingInstanceType"] == made["input"]["training"]["headInstanceType"] == "ml.m5.xlarge"
    assert (made["trainingImage"], made["featuresImage"]) == ("pytorch-cpu", "pytorch-gpu")
    assert made["distributed"] is False
    # where nobody chose a type for heads, or where more learns, training is where it was
    for given in ({"training": {"headInstanceType": None}}, {"trainable": "all"}):
        made = run(given)
        assert (made["trainingInstanceType"], made["trainingImage"]) == ("ml.g4dn.xlarge", "pytorch-gpu")
        assert made["distributed"] is True


def test_a_type_for_heads_that_cannot_train_is_refused(bin_source: BinSource) -> None:
    with pytest.raises(InvalidInput, match=r'^training\.headInstanceType: "ml\.p3\.2xlarge" was given; must be a CPU'):
        run({"training": {"headInstanceType": "ml.p3.2xlarge"}})


def test_a_type_that_does_not_exist_is_refused(bin_source: BinSource) -> None:
    with pytest.raises(InvalidInput, match=r'^training\.instanceType: "ml\.x9\.large" was given; must be a SageMaker'):
        run({"training": {"instanceType": "ml.x9.large"}})


def test_a_head_is_trained_where_its_features_can_be_extracted(bin_source: BinSource) -> None:
    bin_source.add("00001")
    training = {"training": {"instanceType": "ml.p4d.24xlarge"}}
    with pytest.raises(InvalidInput, match=r'p4d\.24xlarge" was given; must be a type that runs processing jobs too'):
        run(training)
    assert run(training | {"trainable": "layer4"})["candidates"][0]["features"] is None


def test_several_instances_are_refused_only_under_the_managed_debugger(
    bin_source: BinSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_source.add("00001")
    several = {"training": {"instanceCount": 2, "sharded": True}}
    assert run(several)["input"]["training"]["sharded"] is True
    monkeypatch.setenv("MANAGED_DEBUGGER", "true")
    with pytest.raises(InvalidInput, match=r"^training\.instanceCount: 2 was given; must be 1: .* managedDebugger"):
        run(several)


def test_each_architecture_starts_from_its_own_weights_and_features(bin_source: BinSource) -> None:
    bin_source.add("00001")
    first, second = run({"architectures": ["resnet50", "resnet101"]})["candidates"]
    assert (first["architecture"], first["index"]) == ("resnet50", 0)
    assert first["weights"] == f"s3://{DATA_BUCKET}/weights/imagenet/resnet50-0676ba61.pth"
    assert second["weights"] == f"s3://{DATA_BUCKET}/weights/imagenet/resnet101-63fe2227.pth"
    id_ = first["features"]["id"]
    assert first["features"] == {
        "id": id_,
        "uri": f"s3://{DATA_BUCKET}/features/{id_}",
        "bucket": DATA_BUCKET,
        "marker": f"features/{id_}/complete.json",
        "ready": False,
    }
    assert second["features"]["id"] != id_


def test_the_second_edition_is_another_file_with_other_features(bin_source: BinSource) -> None:
    bin_source.add("00001")
    one, other = (run({"architectures": ["resnet50"], "weights": name})["candidates"][0] for name in EDITIONS)
    assert other["weights"] == f"s3://{DATA_BUCKET}/weights/imagenet/resnet50-11ad3fa6.pth"
    assert one["features"]["id"] != other["features"]["id"]


def features(given: dict[str, Any]) -> dict[str, Any]:
    (candidate,) = run({"architectures": ["resnet18"], **given})["candidates"]
    return dict(candidate["features"])


def test_features_are_ready_once_they_are_marked(bin_source: BinSource) -> None:
    bin_source.add("00001")
    found = features({})
    # given a job that failed half way
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key=f"features/{found['id']}/train/train-00000.pt", Body=b"")
    assert features({}) == found
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key=found["marker"], Body=b"")
    assert features({}) == found | {"ready": True}


def test_features_are_known_by_the_images_and_the_weights(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    warm = {"weights": f"s3://{DATA_BUCKET}/models/champion/output/model.tar.gz"}
    key = "models/champion/output/model.tar.gz"
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key=key, Body=b"one")
    ids = [
        features({})["id"],
        features({"weights": "none"})["id"],
        features(warm)["id"],
        features({"dataset": {**INPUT["dataset"], "imageSize": 64}})["id"],
    ]
    # What training does with them is nothing of theirs.
    assert features({"hyperparameters": {"epochs": 9}, "loss": "ordinal"})["id"] == ids[0]
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key=key, Body=b"another")
    ids.append(features(warm)["id"])
    assert len(set(ids)) == len(ids)


def test_random_weights_are_those_of_the_seed(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    made = run({"weights": "none", "architectures": ["resnet18"], "seed": 1})["candidates"][0]
    assert made["weights"] is None
    assert made["features"]["id"] != features({"weights": "none"})["id"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"weights": "s3://elsewhere/weights/w.pth"},
            rf"an object below s3://{DATA_BUCKET}/weights/ or .*copy the file there",
        ),
        ({"weights": f"s3://{DATA_BUCKET}/reports/w.pth"}, rf"an object below s3://{DATA_BUCKET}/weights/ or "),
        ({"weights": f"s3://{DATA_BUCKET}/weights/w.pth"}, r"an object that exists: put the file there"),
        (
            {"weights": f"s3://{DATA_BUCKET}/weights/w.pth", "architectures": ["resnet18", "resnet34"]},
            r"imagenet, imagenet-v2 or none with several architectures",
        ),
    ],
)
def test_weights_that_training_cannot_read_are_refused(bin_source: BinSource, given: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=rf'^weights: "s3://[^"]*" was given; must be {told}'):
        run({"architectures": ["resnet18"], **given})


@pytest.mark.parametrize("instance_type", ["ml.trn1.2xlarge", "ml.p3.2xlarge", "ml.p3dn.24xlarge"])
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


def test_copies_are_known_by_the_listing(bin_source: BinSource) -> None:
    # Given photos of the same bytes, and files of the same bytes that are no photos: empty ones
    bin_source.add_many(20)
    for name in ("9", "00003", "00017", "100000"):
        bin_source.add(name, image=jpeg())
    for name in ("00005", "00006"):
        bin_source.put(f"bin-images/{name}.jpg", b"")
    dataset = bin_source.plan()
    (batch,) = json.loads(bin_source.objects()[dataset["batches"]])
    assert batch["copies"] == dict.fromkeys(("9", "00003", "00017", "100000"), "9")
    assert dataset["listing"]["took"]["bytes"] == 0


def test_copies_outside_the_sample_count_too(bin_source: BinSource) -> None:
    # Given a sample, and a photo in it
    bin_source.add_many(600)
    bin_source.put("bin-images/00601.jpg", jpeg())
    dataset = bin_source.plan(fraction=0.2)
    (batch,) = json.loads(bin_source.objects()[dataset["batches"]])
    inside = batch["bins"][-1]
    outside = next(f"{n:05d}" for n in range(1, 600) if not {f"{n:05d}", f"{n + 20:05d}"} & set(batch["bins"]))
    # When a bin outside gets its bytes, the dataset is another one
    bin_source.put(f"bin-images/{inside}.jpg", jpeg())
    bin_source.put("bin-images/00601.jpg", b"another")
    alone = bin_source.plan(fraction=0.2)
    bin_source.put(f"bin-images/{outside}.jpg", jpeg())
    copied = bin_source.plan(fraction=0.2)
    assert copied["id"] != alone["id"]
    (batch,) = json.loads(bin_source.objects()[copied["batches"]])
    assert batch["copies"] == {inside: min(inside, outside)}
    # And so it is when what says where that bin's chain begins changes
    bin_source.put(f"metadata/{min(inside, outside)}.json", b"{}")
    assert bin_source.plan(fraction=0.2)["id"] != copied["id"]


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


@pytest.mark.parametrize("kind", ["Training", "Processing"])
def test_every_instance_type_of_the_service_is_known(kind: str) -> None:
    assert {"ml.g4dn.xlarge", "ml.m5.xlarge"} <= instances.instance_types(kind)
