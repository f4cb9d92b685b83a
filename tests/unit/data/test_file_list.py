"""`dataset.files`: which bins a list names, whatever its shape, and what it leads to."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from bin_source import DATA_BUCKET, INPUT, SOURCE_BUCKET, BinSource
from hypothesis import given
from hypothesis import strategies as st

import plan
import storage
from bins import names
from dataset import file_list
from dataset.file_list import BadList
from errors import NoUsableImages, TooManyRejects
from run.contract import InvalidInput

HALVES = {"train": 0.5, "valid": 0.25, "test": 0.25}
URI = f"s3://{DATA_BUCKET}/lists/bins.json"

bin_names = st.one_of(st.integers(0, 9999), st.integers(names.PADDED, names.PADDED + 10**6)).map(names.name)
writings: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        lambda name: name,
        lambda name: f"{name}.json",
        lambda name: f"{name}.jpg",
        lambda name: f"data/metadata/{name}.json",
        lambda name: f"s3://aft-vbi-pds/bin-images/{name}.jpg",
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | bin_names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["1", "x"]), inner),
)


@given(st.lists(bin_names, unique=True, min_size=1), writings, st.data())
def test_a_list_and_lists_by_count_name_the_same_bins(
    bins: list[str], written: Callable[[str], str], data: st.DataObject
) -> None:
    entries = [written(name) for name in bins]
    borders = data.draw(st.lists(st.integers(0, len(bins)), min_size=4, max_size=4).map(sorted))
    parts = zip([0, *borders], [*borders, len(bins)], strict=True)
    by_count = {str(count): entries[start:end] for count, (start, end) in enumerate(parts, 1)}
    assert file_list.parse(json.dumps(entries).encode()) == bins
    assert file_list.parse(json.dumps(by_count, indent=1).encode("utf-8-sig")) == bins


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_file_at_all_names_bins_once_or_is_refused_with_what_must_be(content: bytes) -> None:
    try:
        found = file_list.parse(content)
    except BadList as refused:
        found, told = [], str(refused)
    assert found or "; must " in told
    assert len(set(found)) == len(found)
    assert all(map(names.is_name, found))


@given(st.lists(bin_names, unique=True, min_size=1, max_size=5), st.data())
def test_a_list_that_is_cut_off_is_no_list(bins: list[str], data: st.DataObject) -> None:
    content = json.dumps({"1": bins}).encode()
    with pytest.raises(BadList, match="it is no JSON"):
        file_list.parse(content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.lists(bin_names, unique=True, min_size=1), writings, st.data())
def test_a_bin_that_is_named_twice_is_told(bins: list[str], written: Callable[[str], str], data: st.DataObject) -> None:
    twice = data.draw(st.sampled_from(bins))
    with pytest.raises(BadList, match=f"^it names {twice} more than once; must name each bin once"):
        file_list.parse(json.dumps({"1": bins, "2": [written(twice)]}).encode())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[]", "it names no bin; must name at least one"),
        (b'{"1": [], "2": []}', "it names no bin"),
        (b"{}", "it names no bin"),
        (b"00001,00002", "it is no JSON"),
        (b"\xff\xd8\xff", "it is no JSON"),
        (b"[" * 100_000, "it is nested too deeply; must be a JSON list"),
        (b'"00001"', 'it is "00001"; must be a JSON list'),
        (b"null", "it is null; must be a JSON list"),
        (b"[1, 2]", "it holds 1; must be a JSON list"),
        (b'["00001", ["00002"]]', r'it holds \["00002"\]; must be a JSON list'),
        (b'{"1": "00001"}', 'it holds "00001" under "1"; must be a JSON list'),
        # The splits are ours to make.
        (b'{"train": ["00001"]}', 'it has the key "train"; must be a JSON list'),
        (b'["00001", "0001"]', 'it holds "0001"; must be a JSON list'),
        (b'["metadata/"]', 'it holds "metadata/"; must be a JSON list'),
        (b'["00001.json.bak"]', 'it holds "00001.json.bak"; must be a JSON list'),
        (b'["1", "00001", "00001.jpg", "1.json", "1", "2"]', "it names 1 and 1 other more than once"),
        (b'{"1": ["00001"], "1": ["00002", "00001"]}', "it names 00001 more than once"),
    ],
)
def test_what_is_wrong_with_a_list_is_told(content: bytes, told: str) -> None:
    with pytest.raises(BadList, match=f"^{told}"):
        file_list.parse(content)


def put(bin_source: BinSource, content: object, uri: str = URI) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    bin_source.s3.put_object(Bucket=bucket, Key=key, Body=body)


def planned(bin_source: BinSource, uri: str = URI, seed: int = 0, **dataset: Any) -> dict[str, Any]:
    return bin_source.plan(seed, fraction=None, files=uri, **dataset)


def numbered(numbers: range) -> list[str]:
    return [f"{number:05d}" for number in numbers]


def test_the_listed_bins_are_taken_and_unknown_ones_rejected(bin_source: BinSource) -> None:
    # Given a list in the well-known shape, of which one bin is in no source and one has no image
    bin_source.add_many(90)
    bin_source.put("metadata/00091.json", b"{}")
    listed = [*numbered(range(11, 71)), "7", "00091"]
    put(bin_source, {"1": [f"data/metadata/{name}.json" for name in listed[:20]], "2": listed[20:]})
    # When a dataset is made of it
    made = bin_source.make(fraction=None, files=URI, split=HALVES)
    # Then
    samples = bin_source.samples(made["id"])
    assert sorted(name for of_split in samples.values() for name in of_split) == numbered(range(11, 71))
    assert made["rejected"] == {"not in the source": 1, "unparsable metadata": 1}
    card = bin_source.card(made["id"])
    assert (card["source"]["bins"], card["source"]["sampled"]) == (91, 62)
    assert (card["asked"]["files"], card["asked"]["fraction"]) == (URI, None)
    assert f"those that {URI} names" in bin_source.objects()[f"datasets/{made['id']}/card.html"].decode()


def test_a_listed_bin_is_in_the_split_of_its_whole_group(bin_source: BinSource) -> None:
    # Given the splits of a whole source, in which every third bin is the one before it a moment later
    bin_source.add_many(90)
    whole = bin_source.samples(bin_source.make(split=HALVES)["id"])
    split_of = {name: split for split, samples in whole.items() for name in samples}
    # When only bins are listed that follow others
    put(bin_source, numbered(range(3, 91, 3)))
    made = bin_source.make(fraction=None, files=URI, split=HALVES)
    # Then each is where the bin before it would be
    samples = bin_source.samples(made["id"])
    assert sum(map(len, samples.values())) == 30
    for split, of_split in samples.items():
        for name, (_, facts) in of_split.items():
            assert (facts["group"], split) == (f"{int(name) - 1:05d}", split_of[name])


def test_unknown_bins_count_as_faults(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    put(bin_source, numbered(range(1, 45)))
    with pytest.raises(TooManyRejects, match=r"4 of 44 .* 4 not in the source \(bins 00041, 00042, 00043, 00044\)"):
        bin_source.make(fraction=None, files=URI, split=HALVES)


def test_a_list_of_which_the_source_has_nothing_is_named(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    put(bin_source, ["00050"])
    with pytest.raises(
        NoUsableImages, match=rf'^dataset.files: "{URI}" was given; none of 1 sampled bins has both .* in s3://bins'
    ):
        planned(bin_source)


def test_a_dataset_is_known_by_what_its_list_names(bin_source: BinSource) -> None:
    bin_source.add_many(60)
    put(bin_source, numbered(range(1, 41)))
    first = planned(bin_source)["id"]
    # The name, the shape and the order are nothing of it.
    elsewhere = f"s3://{SOURCE_BUCKET}/my lists/file_list.json"
    put(bin_source, {"9": numbered(range(40, 0, -1))}, elsewhere)
    assert planned(bin_source, elsewhere)["id"] == first
    put(bin_source, numbered(range(1, 40)))
    fewer = planned(bin_source)["id"]
    put(bin_source, [*numbered(range(1, 40)), "00099"])
    unknown = planned(bin_source)["id"]
    assert len({first, fewer, unknown, bin_source.plan()["id"]}) == 4
    # Nor is a bin that is nowhere near.
    bin_source.add("09000")
    assert planned(bin_source)["id"] == unknown


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (
            "s3://elsewhere/bins.json",
            rf"must be an object below s3://{DATA_BUCKET}/lists/ or in one of the source's buckets bins, "
            r"no-such-bucket, which Plan may read: copy the file there \(aws s3 cp s3://elsewhere/bins.json "
            rf"s3://{DATA_BUCKET}/lists/bins.json\), or add its bucket to the setting sourceBuckets",
        ),
        (f"s3://{DATA_BUCKET}/reports/bins.json", rf"must be an object below s3://{DATA_BUCKET}/lists/ or"),
        (f"s3://{DATA_BUCKET}/lists/none.json", r"must be an object that exists: put the file there"),
        ("s3://no-such-bucket/bins.json", r"must be an object that exists: put the file there"),
    ],
)
def test_lists_that_plan_cannot_read_are_refused(bin_source: BinSource, uri: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=rf'^dataset\.files: "{uri}" was given; {told}'):
        planned(bin_source, uri)


def test_a_damaged_list_ends_the_execution_before_the_source_is_listed(bin_source: BinSource) -> None:
    put(bin_source, b'["00001", "000')
    with pytest.raises(InvalidInput) as raised:
        planned(bin_source)
    assert str(raised.value) == (
        f'dataset.files: "{URI}" was given; it is no JSON (Unterminated string starting at: line 1 column 11 '
        '(char 10)); must be a JSON list of names of bins such as ["00001", "1"] or '
        '{"1": ["data/metadata/100313.json"], "2": []}'
    )


def test_a_list_is_read_only_up_to_a_size(bin_source: BinSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_list, "LIMIT", 20)
    put(bin_source, numbered(range(1, 41)))
    with pytest.raises(InvalidInput, match=r"it has 360 bytes; must have at most 20"):
        planned(bin_source)


def test_a_list_that_may_not_be_read_is_named_with_what_is_missing(
    bin_source: BinSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: object) -> object:
        answer = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise storage.client().exceptions.ClientError(answer, "GetObject")

    monkeypatch.setattr(storage.client(), "get_object", denied)
    with pytest.raises(InvalidInput, match=r"may not read it; its bucket's policy must allow .* s3:GetObject"):
        planned(bin_source, f"s3://{SOURCE_BUCKET}/bins.json")


def test_the_output_of_an_execution_with_a_list_is_an_input(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    put(bin_source, numbered(range(1, 41)))
    given_ = {"dataset": {"source": INPUT["dataset"]["source"], "files": URI}}
    run = plan.handler({"input": given_, "execution": "first"}, None)
    again = plan.handler({"input": run["input"], "execution": "second"}, None)
    assert again["dataset"] == run["dataset"] | {"listing": again["dataset"]["listing"]}
    assert run["input"]["dataset"]["fraction"] is None
