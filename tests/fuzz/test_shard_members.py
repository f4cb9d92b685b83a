"""Shards: tar archives of any members, headers and labels."""

import io
import json
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from stocktake.data.shards import ShardDataset
from stocktake.failures import JobFailure
from stocktake.model.preprocessing import Preprocessing
from tests.fuzz.examples import fuzzed, outcome
from tests.fuzz.json_values import anything
from tests.fuzz.mutations import mutated
from tests.hard_photos import picture, saved

PHOTO = saved(picture(24, 20))
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def archive(members: list[tuple[tarfile.TarInfo, bytes]], kind: int = tarfile.USTAR_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind, errors="surrogateescape") as tar:
        for header, content in members:
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return file.getvalue()


def sample(name: str) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [
        (tarfile.TarInfo(f"{name}.jpg"), PHOTO),
        (tarfile.TarInfo(f"{name}.json"), json.dumps({"count": 1}).encode()),
    ]


ARCHIVES = [archive([*sample("00001"), *sample("0" * 120)], kind) for kind in FORMATS[1:]] + [archive(sample("7"))]
PIECES = [
    bytes(512),
    b"ustar\x0000",
    b"ustar  \0",
    b"\x80" + bytes(10) + b"\x7f",
    b"\xff" * 12,
    b"00000000000\0",
    b"77777777777\0",
]
PIECES += [
    b"x",
    b"g",
    b"S",
    b"L",
    b"K",
    b"5",
    b"19 GNU.sparse.map=1\n",
    b"22 GNU.sparse.size=-1\n",
    b"16 size=99999999\n",
]

labels = st.one_of(
    anything.map(lambda value: json.dumps({"count": value})),
    anything.map(json.dumps),
    st.sampled_from(
        ['{"count": 1e999}', '{"count": "9"}', '{"count": NaN}', "[" * 3000, '{"count": ' + "[" * 3000, "9" * 5000]
    ),
).map(lambda text: text.encode("utf-8", "surrogatepass"))
names = st.sampled_from(["1.jpg", "1.json", "2.jpg", "a/1.json", ".jpg", "jpg", "", "1.JPG"]) | st.text(max_size=6)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """Well-formed ones: what is odd lies in names, types and contents."""
    members = sample("1") if draw(st.booleans()) else []
    for name in draw(st.lists(names, max_size=3)):
        header = tarfile.TarInfo(name.replace("\ud800", "?"))
        header.type = draw(st.just(tarfile.REGTYPE) | st.sampled_from([b"5", b"2", b"1", b"3", b"7", b"Z"]))
        members.append(
            (header, draw(labels | st.just(PHOTO[: draw(st.integers(0, len(PHOTO)))]) | st.binary(max_size=9)))
        )
    if draw(st.booleans()):
        members.append((tarfile.TarInfo("2.json"), draw(labels)))
        members.append((tarfile.TarInfo("2.jpg"), PHOTO))
    return archive(members, draw(st.sampled_from(FORMATS)))


def pixels(folder: Path) -> list[Tensor]:
    images = ShardDataset("train", folder, (1, 2, 3), Preprocessing(16))
    return [images[index, False][0] for index in range(len(images))]


def read(content: bytes) -> None:
    """Every image of a shard, as a training job reads it. Raises what is no JobFailure."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "train-00000.tar").write_bytes(content)
        found = outcome(lambda: pixels(Path(folder)), JobFailure)
        assert str(found) if isinstance(found, JobFailure) else found


@fuzzed(100)
@given(mutated(ARCHIVES, pieces=PIECES))
def test_any_archive_is_read_or_a_failure_of_the_job(content: bytes) -> None:
    read(content)


@st.composite
def with_odd_headers(draw: st.DrawFn) -> bytes:
    """Headers whose fields changed and whose checksum is right again."""
    content = bytearray(draw(st.sampled_from(ARCHIVES)))
    headers = [n for n in range(0, len(content), 512) if content[n + 257 : n + 262] == b"ustar"]
    for start in draw(st.lists(st.sampled_from(headers), max_size=3)):
        field, length = draw(
            st.sampled_from([(0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (257, 8), (345, 155), (386, 120)])
        )
        value = draw(st.sampled_from(PIECES) | st.binary(max_size=length))[:length]
        content[start + field : start + field + len(value)] = value
        header = content[start : start + 512]
        header[148:156] = b" " * 8
        content[start + 148 : start + 156] = b"%06o\0 " % sum(header)
    return bytes(content)


@fuzzed(100)
@given(archives() | with_odd_headers())
def test_any_members_are_read_or_a_failure_of_the_job(content: bytes) -> None:
    read(content)
