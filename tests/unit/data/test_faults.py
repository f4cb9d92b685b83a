"""What S3 and the machines may do to a run: it ends right or with a named error, and running again completes it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.handlers
import pytest
from bin_source import DATA_BUCKET, SOURCE_BUCKET, BinSource, jpeg
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError
from moto.core.botocore_stubber import MockRawResponse

import pack
import seal
import storage
from bins import source
from errors import SourceAccessDenied, SourceUnavailable

HALVES = {"train": 0.5, "valid": 0.25, "test": 0.25}
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"

Fault = Callable[[str], AWSResponse | None]


@pytest.fixture
def inject(bin_source: BinSource, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Fault], None]]:
    """Lets a function of the request's URL answer reads of the source in place of S3. Retries do not wait."""
    faults: list[Fault] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        url = str(request.url)
        from_source = urlsplit(url).netloc.startswith(f"{SOURCE_BUCKET}.")
        return next((fault(url) for fault in faults if from_source), None)

    handlers = [("before-send.s3.GetObject", answer), *botocore.handlers.BUILTIN_HANDLERS]
    monkeypatch.setattr("botocore.handlers.BUILTIN_HANDLERS", handlers)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    source.session.cache_clear()
    yield faults.append
    source.session.cache_clear()


def response(url: str, status: int, body: bytes, length: int) -> AWSResponse:
    return AWSResponse(url, status, HTTPHeaders.from_dict({"Content-Length": str(length)}), MockRawResponse(body))


def slow_down(url: str) -> AWSResponse:
    return response(url, 503, SLOW_DOWN, len(SLOW_DOWN))


class Once:
    """Answers 503 to the first request for every n-th object."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.seen: set[str] = set()
        self.lock = threading.Lock()

    def __call__(self, url: str) -> AWSResponse | None:
        with self.lock:
            if url in self.seen:
                return None
            self.seen.add(url)
            return slow_down(url) if len(self.seen) % self.every == 0 else None


def test_reads_that_fail_once_change_nothing(bin_source: BinSource, inject: Callable[[Fault], None]) -> None:
    bin_source.add_many(80)
    made = bin_source.make(split=HALVES)
    for key in bin_source.objects():
        bin_source.s3.delete_object(Bucket=DATA_BUCKET, Key=key)
    fault = Once(every=20)
    inject(fault)
    assert bin_source.make(split=HALVES) == made
    assert len(fault.seen) >= 160
    assert bin_source.card(made["id"])["took"]["catalogue"]["requests"] > 81


def test_a_source_that_goes_on_failing_names_the_batch_and_the_shard(
    bin_source: BinSource, inject: Callable[[Fault], None]
) -> None:
    bin_source.add_many(40)
    dataset = bin_source.plan(split=HALVES)
    down = True
    inject(lambda url: slow_down(url) if down and url.endswith(("00007.json", "00007.jpg")) else None)
    with pytest.raises(SourceUnavailable, match=r"^batch 00000: s3://bins/metadata/00007\.json: .*SlowDown"):
        bin_source.catalogue(dataset)
    down = False
    bin_source.catalogue(dataset)
    bin_source.split(dataset)
    down = True
    with pytest.raises(SourceUnavailable, match=r"^shard (train|valid|test)-0000\d: s3://bins/bin-images/00007\.jpg"):
        bin_source.pack(dataset)
    down = False
    bin_source.pack(dataset)
    assert sum(map(len, bin_source.samples(dataset["id"]).values())) == 40


def test_a_body_that_breaks_off_is_read_again(bin_source: BinSource, inject: Callable[[Fault], None]) -> None:
    bin_source.add_many(40)
    broken: set[str] = set()

    def break_off(url: str) -> AWSResponse | None:
        if not url.endswith("00007.jpg") or url in broken:
            return None
        broken.add(url)
        return response(url, 200, jpeg()[:100], len(jpeg()))

    inject(break_off)
    made = bin_source.make(split=HALVES)
    assert broken
    assert made["rejected"] == {}


def test_an_object_that_nobody_may_read_is_named(bin_source: BinSource, inject: Callable[[Fault], None]) -> None:
    bin_source.add_many(40)
    denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    inject(lambda url: response(url, 403, denied, len(denied)) if url.endswith("00007.jpg") else None)
    with pytest.raises(SourceAccessDenied, match=r"s3://bins/bin-images/00007\.jpg: .*Access Denied"):
        bin_source.make(split=HALVES)


def test_a_source_that_cannot_be_reached_is_named(bin_source: BinSource, inject: Callable[[Fault], None]) -> None:
    bin_source.add_many(40)

    def unreachable(url: str) -> None:
        raise EndpointConnectionError(endpoint_url=url)

    inject(unreachable)
    with pytest.raises(SourceUnavailable, match=r"^batch 00000: .*Could not connect"):
        bin_source.make(split=HALVES)


def test_a_function_that_dies_half_way_through_a_shard_leaves_no_shard(
    bin_source: BinSource, inject: Callable[[Fault], None]
) -> None:
    # Given a function that is stopped when it has read a part of its images
    bin_source.add_many(60)
    dataset = bin_source.plan(split=HALVES)
    bin_source.catalogue(dataset)
    bin_source.split(dataset)
    reads: list[str] = []

    def stop(url: str) -> AWSResponse | None:
        reads.append(url)
        if len(reads) == 4:
            raise SystemExit("the function's time is over")
        return None

    inject(stop)
    with pytest.raises(SystemExit):
        bin_source.pack(dataset)

    # Then there is no shard, and running again makes them all
    assert not [key for key in bin_source.objects() if key.endswith(".tar")]
    bin_source.pack(dataset)
    seal.handler({"dataset": dataset}, None)
    assert sum(map(len, bin_source.samples(dataset["id"]).values())) == 60


def test_a_dataset_counts_as_made_only_when_it_is_sealed(bin_source: BinSource) -> None:
    bin_source.add_many(40)
    dataset = bin_source.plan(split=HALVES)
    for step in (bin_source.catalogue, bin_source.split, bin_source.pack):
        step(dataset)
        assert bin_source.plan(split=HALVES)["ready"] is False
    seal.handler({"dataset": dataset}, None)
    assert bin_source.plan(split=HALVES)["ready"] is True


def test_two_functions_may_pack_one_shard_at_once(bin_source: BinSource, inject: Callable[[Fault], None]) -> None:
    # Given a function that packs a whole shard while another one is half-way through it
    bin_source.add_many(40)
    dataset = bin_source.plan(split=HALVES)
    bin_source.catalogue(dataset)
    bin_source.split(dataset)
    event = {"dataset": dataset, "shard": storage.read_json(DATA_BUCKET, dataset["shards"])[0]}
    reads: list[str] = []
    overtaking: list[dict[str, Any]] = []

    def overtake(url: str) -> None:
        reads.append(url)
        if len(reads) == 3:
            overtaking.append(pack.handler(event, None))

    inject(overtake)
    assert [pack.handler(event, None)] == overtaking

    # Then the dataset is whole
    bin_source.pack(dataset)
    seal.handler({"dataset": dataset}, None)
    assert sum(map(len, bin_source.samples(dataset["id"]).values())) == 40


def test_huge_and_odd_files_are_rejected_and_not_read(bin_source: BinSource) -> None:
    bin_source.add_many(80)
    bin_source.put("metadata/00003.json", b" " * 50_000_000)
    bin_source.add("00004", 4, image=b"\xff\xd8" + b"\0" * 25_000_000)
    bin_source.add("00005", 4, image=b"PK\x03\x04 a zip file")
    made = bin_source.make(split=HALVES)
    assert made["rejected"] == {"image too large": 1, "not a JPEG or PNG image": 1, "unparsable metadata": 1}
    took = bin_source.card(made["id"])["took"]
    assert took["catalogue"]["bytes"] + took["pack"]["bytes"] < 1_000_000
