import json

from bin_source import BinSource, jpeg, marked, metadata

from bins import names, sampling


def test_every_bin_has_a_record_with_its_verdict(bin_source: BinSource) -> None:
    bin_source.add("00001", 2, ["a"])
    bin_source.add("00002", 0)
    bin_source.add("00003", 6)
    bin_source.put("metadata/00004.json", b"{")
    bin_source.put("bin-images/00004.jpg", b"")
    bin_source.put("bin-images/00005.jpg", b"")
    bin_source.put("metadata/00006.json", metadata([], 1))
    bin_source.add("00007", "many", ["b"])
    dataset = bin_source.plan()
    bin_source.catalogue(dataset)
    records = bin_source.records(dataset)
    assert {name: record["verdict"] for name, record in records.items()} == {
        "00001": "kept",
        "00002": "count outside range",
        "00003": "count outside range",
        "00004": "unparsable metadata",
        "00005": "missing metadata",
        "00006": "no image",
        "00007": "unparsable metadata",
    }
    assert records["00001"] == {
        "id": "00001",
        "count": 2,
        "wrongLabel": False,
        "skus": ["a"],
        "group": "00001",
        "copy": None,
        "verdict": "kept",
    }
    assert records["00007"]["skus"] == ["b"]


def test_a_chain_is_followed_to_its_head_outside_the_sample(bin_source: BinSource) -> None:
    # Given a chain 17-18-19-20-21 across the border of two blocks, of which only the later one is sampled
    blocks = names.block(names.position("00019")), names.block(names.position("00020"))
    seed = next(
        seed for seed in range(100) if [sampling.is_sampled(block, 0.5, seed) for block in blocks] == [False, True]
    )
    for number in range(15, 23):
        before = [f"sku{number - 1}"] if 18 <= number <= 21 else []
        bin_source.add(f"{number:05d}", 1, [f"sku{number}", *before])
    # When it is catalogued
    dataset = bin_source.plan(seed=seed, fraction=0.5)
    bin_source.catalogue(dataset)
    # Then the head is a bin that is not in the sample
    groups = {name: record["group"] for name, record in bin_source.records(dataset).items()}
    assert groups == {"00020": "00017", "00021": "00017", "00022": "00022"}


def test_bins_that_are_rejected_still_link(bin_source: BinSource) -> None:
    bin_source.add("00001", 2, ["a"])
    bin_source.add("00002", 9, ["a", "b"])
    bin_source.add("00003", 3, ["b"])
    dataset = bin_source.plan()
    bin_source.catalogue(dataset)
    assert {record["group"] for record in bin_source.records(dataset).values()} == {"00001"}


def test_a_copied_photo_is_known_by_its_first_bin_and_that_bins_group(bin_source: BinSource) -> None:
    # Given a sample of blocks in which a photo is the copy of one elsewhere, whose chain begins elsewhere still
    seed = next(
        seed
        for seed in range(100)
        if [sampling.is_sampled(1000 + b, 0.5, seed) for b in range(3)] == [False, False, True]
    )
    for number in range(15, 50):
        before = [f"sku{number - 1}"] if 18 <= number <= 21 else []
        bin_source.add(f"{number:05d}", 1, [f"sku{number}", *before])
    for number in (20, 44, 47):
        bin_source.put(f"bin-images/{number:05d}.jpg", marked(jpeg(), "the same"))
    # When it is catalogued
    dataset = bin_source.plan(seed=seed, fraction=0.5)
    bin_source.catalogue(dataset)
    # Then
    copies = {name: record["copy"] for name, record in bin_source.records(dataset).items() if record["copy"]}
    assert copies == {name: {"of": "00020", "group": "00017"} for name in ("00044", "00047")}


def test_the_first_of_two_copies_is_known_too(bin_source: BinSource) -> None:
    bin_source.add_many(4)
    for name in ("00002", "00004"):
        bin_source.put(f"bin-images/{name}.jpg", jpeg())
    dataset = bin_source.plan()
    bin_source.catalogue(dataset)
    copies = {name: record["copy"] for name, record in bin_source.records(dataset).items() if record["copy"]}
    # 00003 shares an item with 00002: they are a group, and 00004 is one of its own.
    assert copies == {name: {"of": "00002", "group": "00002"} for name in ("00002", "00004")}


def test_each_file_is_read_once(bin_source: BinSource) -> None:
    bin_source.add_many(50)
    dataset = bin_source.plan()
    bin_source.catalogue(dataset)
    (key,) = [key for key in bin_source.objects() if "/catalogue/" in key]
    took = json.loads(bin_source.objects()[key])["took"]
    # The bin before the first is looked for, too: it might begin a chain.
    assert took["requests"] == 51
