"""What `hostile_run.py` runs beside the cluster, with the standard library alone.

Arguments: the process that serves, how many hostile requests and mutated photos, and files of sound photos.
"""

import base64
import http.client
import json
import os
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ADDRESS = ("127.0.0.1", 8000)
BOUNDARY = "b"
Statuses = Counter[str]


def head(length: int | str, kind: str = "image/jpeg", more: str = "", method: str = "POST") -> bytes:
    lines = f"{method} / HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}"
    return f"{lines}Connection: close\r\n\r\n".encode("latin-1", "replace")


def send(*pieces: bytes, pause: float = 0, hang_up: bool = False) -> str:
    """The status of what was answered, `none` if the connection ended without, `left` if this side hung up."""
    with socket.create_connection(ADDRESS, timeout=120) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            if hang_up:
                return "left"
            answer = connection.recv(64)
        except ConnectionError:
            return "none"
    return answer.split()[1].decode() if answer.startswith(b"HTTP/") else "none"


def form(*photos: bytes, end: bytes = b"--\r\n") -> bytes:
    return b"".join(b"--b\r\nContent-Type: image/jpeg\r\n\r\n" + photo + b"\r\n" for photo in photos) + b"--b" + end


def hostile(dice: random.Random, photo: bytes) -> tuple[str, Callable[[], str]]:
    """One hostile request: its kind, and what sends it."""
    noise = dice.randbytes(dice.choice([1, 100, 10_000, 300_000]))
    size = len(photo)
    forms = "multipart/form-data"
    of_lines = "application/jsonlines"
    text = base64.b64encode(photo).decode()
    headers = [
        f"Accept: {'x' * 9000}\r\n",
        "Accept: ;;;q=,,=/*\r\n",
        "Accept: \xff\xfe\r\n",
        "".join(f"X-{n}: {n}\r\n" for n in range(300)),
        "X-Amzn-SageMaker-Inference-Id: " + "i" * 5000 + "\r\n",
        "Content-Encoding: gzip\r\n",
        "Expect: 100-continue\r\n",
        "Range: bytes=0-1\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
    ]
    bodies = [
        (forms, form(photo)),
        (f"{forms}; boundary=", form(photo)),
        (f"{forms}; boundary={'b' * 5000}", form(photo)),
        (f'{forms}; boundary="\xff"', form(photo)),
        (f"{forms}; boundary=b", form(photo, end=b"")),
        (f"{forms}; boundary=b", form(*[b"x"] * 5000)),
        (f"{forms}; boundary=b", form(photo, noise, b"", photo)),
        (f"{forms}; boundary=b", b"--b\r\n" * 50_000),
        (f"{forms}; boundary=b", b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 20 + form(photo)),
        (f"{forms}; boundary=b", noise),
        (of_lines, noise),
        (of_lines, b"[" * 400_000),
        (of_lines, b"\n" * 1_000_000),
        (of_lines, b'{"image": ' + b"9" * 20_000 + b"}\n"),
        (of_lines, json.dumps({"image": text}).encode() * 2),
        (of_lines, "\n".join([json.dumps({"image": text[: 4 * dice.randrange(9, 99)]})] * 20).encode()),
        (of_lines, ("\n".join([json.dumps({"image": text})] * 40)).encode()[: 6 * 2**20]),
        (dice.choice(["text/html", "\xff", ";", "image/jpeg;" * 500, "a/b" * 2000, "image/*"]), photo),
        ("image/jpeg", b""),
        ("image/png", noise),
        ("image/jpeg", b"\xff\xd8\xff" + noise),
        ("image/png", b"\x89PNG\r\n\x1a\n" + noise),
        ("image/jpeg", photo[: dice.randrange(size)]),
    ]
    method = dice.choice(["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
    large = dice.choice([6 * 2**20 + 1, 9_000_000, 20_000_000])
    kind, body = dice.choice(bodies)
    kinds: list[tuple[str, Callable[[], str]]] = [
        ("body", lambda: send(head(len(body), kind), body)),
        ("body", lambda: send(head(len(body), kind), body)),
        ("body", lambda: send(head(len(body), kind), body)),
        ("header", lambda: send(head(size, more=dice.choice(headers)), photo)),
        ("too large", lambda: send(head(large), *[bytes(500_000)] * (large // 500_000 + 1))),
        ("cut off", lambda: send(head(size), photo[: size // 2], hang_up=True)),
        (
            "slow",
            lambda: send(head(size), *[photo[n : n + size // 4 + 1] for n in range(0, size, size // 4 + 1)], pause=0.3),
        ),
        ("slow and cut off", lambda: send(head(size), photo[:9], pause=1.5, hang_up=True)),
        ("gone at once", lambda: send(head(size), photo, hang_up=True)),
        ("gone at once", lambda: send(head(size), photo, hang_up=True)),
        ("no length", lambda: send(head(dice.choice(["-1", "x", "9" * 30])), photo)),
        ("bad chunks", lambda: send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n" + noise)),
        ("no HTTP", lambda: send(noise, b"\r\n\r\n")),
        (
            "method",
            lambda: send(head(3, method=method), b"abc"),
        ),
        ("path", lambda: send(b"POST /" + b"../" * 1000 + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")),
    ]
    return dice.choice(kinds)


def mutate(dice: random.Random, photo: bytes) -> bytes:
    """The photo with bytes changed, cut out, put in or doubled."""
    content = bytearray(photo)
    for _ in range(dice.choice([1, 1, 2, 5, 50])):
        place = dice.randrange(len(content)) if dice.random() < 0.5 else dice.randrange(min(700, len(content)))
        match dice.randrange(5):
            case 0:
                content[place] = dice.randrange(256)
            case 1:
                content[place] ^= 1 << dice.randrange(8)
            case 2:
                del content[place : place + dice.choice([1, 2, 50, 5000])]
            case 3:
                content[place:place] = dice.randbytes(dice.choice([1, 2, 50]))
            case _:
                content[place:place] = content[place : place + dice.choice([2, 60, 600])]
        content = content or bytearray(b"\xff")
    return bytes(content)


def post(connection: http.client.HTTPConnection, body: bytes, kind: str = "image/jpeg") -> tuple[int, bytes]:
    connection.request("POST", "/", body, {"Content-Type": kind})
    answer = connection.getresponse()
    return answer.status, answer.read()


def right(answer: tuple[int, bytes], expected: tuple[int, bytes]) -> bool:
    """The same, but for last digits, which follow from the batch that a photo is counted in."""
    if answer[0] != expected[0]:
        return False
    found, known = json.loads(answer[1]), json.loads(expected[1])
    pairs = zip(found["probabilities"], known["probabilities"], strict=True)
    return found["count"] == known["count"] and all(abs(a - b) < 1e-5 for a, b in pairs)


def replica() -> tuple[int, int]:
    """Process id and resident kilobytes of the one that holds the model."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"ServeReplica" in (folder / "cmdline").read_bytes():
                lines = (folder / "status").read_text().splitlines()
                return int(folder.name), next(int(x.split()[1]) for x in lines if x.startswith("VmRSS"))
        except OSError:
            continue
    raise RuntimeError("no replica")


def all_kilobytes() -> int:
    """Proportional memory of every process of the cluster."""
    total = 0
    for file in Path("/proc").glob("[0-9]*/smaps_rollup"):
        try:
            total += next(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total


def wait_until_ready(process: int) -> None:
    while True:
        try:
            connection = http.client.HTTPConnection(*ADDRESS, timeout=60)
            connection.request("GET", "/")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        os.kill(process, 0)
        time.sleep(0.5)


def main() -> None:
    process, requests, mutated = map(int, sys.argv[1:4])
    photos = [Path(name).read_bytes() for name in sys.argv[4:]]
    wait_until_ready(process)
    dice = random.Random(1)
    connection = http.client.HTTPConnection(*ADDRESS, timeout=120)
    expected = [post(connection, photo) for photo in photos]
    assert all(status == http.client.OK for status, _ in expected), expected[0]
    figures: dict[str, object] = {"clusterMegabytes": all_kilobytes() // 1000}
    first = replica()

    # given others, who ask for sound photos all the time
    done, sound = threading.Event(), Counter[str]()

    def ask_for_sound_ones(number: int) -> None:
        own, turn = http.client.HTTPConnection(*ADDRESS, timeout=120), number
        while not done.is_set():
            turn = (turn + 1) % len(photos)
            answer = post(own, photos[turn])
            sound["right" if right(answer, expected[turn]) else str(answer[0]) if answer[0] != 200 else "wrong"] += 1

    others = [threading.Thread(target=ask_for_sound_ones, args=(n,)) for n in range(2)]
    for thread in others:
        thread.start()
    # when hostile requests come, eight at once
    memory: list[int] = []
    by_kind: dict[str, Statuses] = {}
    jobs = [hostile(dice, dice.choice(photos)) for _ in range(requests)]
    with ThreadPoolExecutor(8) as pool:
        for number, ((kind, _), status) in enumerate(zip(jobs, pool.map(lambda job: job[1](), jobs), strict=True)):
            by_kind.setdefault(kind, Counter())[status] += 1
            if number % max(1, requests // 10) == 0:
                memory.append(replica()[1] // 1000)
    # and more than there is room for, at once
    with ThreadPoolExecutor(60) as pool:
        photo = photos[0]
        burst = Counter(pool.map(lambda _: send(head(len(photo)), photo), range(240)))
    # and mutated photos
    of_mutated = Counter[str]()
    for number in range(mutated):
        status, _ = post(connection, mutate(dice, dice.choice(photos)))
        of_mutated[str(status)] += 1
        if number % max(1, mutated // 10) == 0:
            memory.append(replica()[1] // 1000)
    done.set()
    for thread in others:
        thread.join()
    last = replica()
    memory.append(last[1] // 1000)
    figures |= {
        "hostile": by_kind,
        "burst": burst,
        "mutated": of_mutated,
        "sound": sound,
        "sameReplica": first[0] == last[0],
        "stillRight": all(right(post(connection, photo), known) for photo, known in zip(photos, expected, strict=True)),
        "replicaMegabytes": memory,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
