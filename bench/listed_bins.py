"""An S3 of generated bins for the benchmark: lists any number of them in AWS's form, and keeps what is written to it.

It answers only what the data functions ask: ListObjectsV2, GetObject, HeadObject and PutObject. They are measured in
processes of their own, so that its work is not.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from bins import groups, names

PAGE = 1000
COUNTS = {0: 179, 1: 768, 2: 1440, 3: 1725, 4: 1519, 5: 1168, 6: 900, 8: 1300, 12: 1001}
"""Of the real bins: how many hold how many items (those with 6 and more, about)."""
LINKED = 0.39
"""Of the real pairs of consecutive bins: those that share a SKU."""


def bins(number: int) -> Iterator[tuple[int, int, groups.Skus]]:
    """Position, count and SKUs of generated bins, as the real ones are: chains hold three bins at most."""
    generator = random.Random(0)
    counts = generator.choices(list(COUNTS), list(COUNTS.values()), k=number)
    chain, shared = 1, ""
    for place, count in enumerate(counts):
        skus = {f"B{generator.getrandbits(40):010X}" for _ in range(generator.randint(1, 4))}
        linked = chain < 3 and generator.random() < LINKED * 1.25
        chain = chain + 1 if linked else 1
        if linked:
            skus.add(shared)
        shared = min(skus)
        yield names.PADDED + 1 + place, count, frozenset(skus)


class ListedBins:
    """Keys of both folders, sorted as S3 sorts them, and the objects that were written."""

    def __init__(self, number: int) -> None:
        names = sorted(f"{n:05d}" for n in range(1, number + 1))
        self.keys = {
            folder: [f"{folder}/{name}.{suffix}" for name in names]
            for folder, suffix in (("bin-images", "jpg"), ("metadata", "json"))
        }
        self.written: dict[str, bytes] = {}

    def page(self, prefix: str, start: str, size: int) -> bytes:
        """A page of LIST. The continuation token is the place in the folder where the next page starts."""
        keys = self.keys[prefix.partition("/")[0]]
        if start:
            first = int(start)
        else:
            first = next((place for place, key in enumerate(keys) if key.startswith(prefix)), len(keys))
        found = [key for key in keys[first : first + size] if key.startswith(prefix)]
        more = first + size < len(keys) and keys[first + size].startswith(prefix)
        token = f"<NextContinuationToken>{first + size}</NextContinuationToken>" if more else ""
        contents = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2017-06-20T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{place:032x}&quot;</ETag><Size>57000</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for place, key in enumerate(found, first)
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Prefix>{escape(prefix)}</Prefix><KeyCount>{len(found)}</KeyCount><MaxKeys>{size}</MaxKeys>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
        ).encode()


@contextmanager
def served(number: int) -> Iterator[int]:
    """The port on loopback at which a thread of this process serves so many bins."""
    store = ListedBins(number)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            key = unquote(url.path)
            if asked.get("list-type") == "2":
                size = min(PAGE, int(asked.get("max-keys", PAGE)))
                self.answer(200, store.page(asked["prefix"], asked.get("continuation-token", ""), size))
            elif key in store.written:
                self.answer(200, store.written[key])
            else:
                self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")

        def do_HEAD(self) -> None:
            key = unquote(urlsplit(self.path).path)
            found = key in store.written or key.split("/")[-2] in store.keys
            self.answer(200 if found else 404, b"")

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            store.written[unquote(urlsplit(self.path).path)] = content
            self.answer(200, b"")

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def catalogue_records(number: int, batch: int) -> Iterator[list[dict[str, Any]]]:
    """What Catalogue writes for these bins, batch by batch."""
    records: list[dict[str, Any]] = []
    head, before = 0, frozenset[str]()
    for position, count, skus in bins(number):
        head = head if skus & before else position
        before = skus
        records.append(
            {
                "id": names.name(position),
                "count": count,
                "wrongLabel": False,
                "skus": sorted(skus),
                "group": names.name(head),
                "copy": None,
                "verdict": "kept" if 1 <= count <= 5 else "count outside range",
            }
        )
        if len(records) == batch:
            yield records
            records = []
    if records:
        yield records
