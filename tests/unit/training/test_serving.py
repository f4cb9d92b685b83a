"""Several photos in one request, answers in other forms, and more requests than the endpoint can take."""

import asyncio
import base64
import csv
import io
import json
import math
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from synthetic_shards import draw_bin
from test_inference import JPEG, PNG, http_request

import serving
from stocktake.serving import workers

OTHER = draw_bin(3, seed=8)
BOUNDARY = "a-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture(scope="module")
def application(artifact: Path) -> serving.Stocktake:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "MODEL_DIR", artifact)
        patch.setenv("STOCKTAKE_MODEL_PACKAGE", "arn:package/7")
        return serving.Stocktake()


@pytest.fixture
def ask(application: serving.Stocktake) -> Callable[..., Response]:
    return lambda body, method="POST", **headers: asyncio.run(application(http_request(body, method, **headers)))


def form(*photos: bytes, kind: str = "image/jpeg") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="p"; filename="p.jpg"\r\nContent-Type: {kind}\r\n\r\n'
    return b"".join(head.encode() + photo + b"\r\n" for photo in photos) + f"--{BOUNDARY}--\r\n".encode()


def lines(*photos: bytes) -> bytes:
    return b"".join(json.dumps({"image": base64.b64encode(photo).decode()}).encode() + b"\n" for photo in photos)


def rounded(answers: Any) -> Any:
    """Without the last digits, which follow from the batch that a photo is counted in."""
    if isinstance(answers, float):
        return round(answers, 5)
    if isinstance(answers, list):
        return [rounded(one) for one in answers]
    return {key: rounded(value) for key, value in answers.items()} if isinstance(answers, dict) else answers


def answers_of(response: Response) -> Any:
    return rounded(json.loads(response.body))


def single(ask: Callable[..., Response], photo: bytes) -> Any:
    return answers_of(ask(photo, content_type="image/jpeg"))


@pytest.mark.parametrize(("pack", "content_type"), [(form, FORM), (lines, "application/jsonlines")])
def test_each_photo_of_a_request_gets_its_own_answer_in_order(
    ask: Callable[..., Response], pack: Callable[..., bytes], content_type: str
) -> None:
    # given photos of which one is damaged and one is none
    body = pack(OTHER, JPEG[:700], JPEG, b"how many?", PNG)
    # when
    response = ask(body, content_type=content_type, x_amzn_sagemaker_inference_id="request 7")
    # then
    assert response.status_code == 200
    answers = answers_of(response)
    assert [answers[0], answers[2], answers[4]] == [single(ask, photo) for photo in (OTHER, JPEG, PNG)]
    assert answers[0] != answers[2]
    assert [(answers[n]["status"], answers[n]["requestId"]) for n in (1, 3)] == [(400, "request 7")] * 2
    assert "damaged or incomplete" in answers[1]["error"]
    assert "not a JPEG or PNG" in answers[3]["error"]


def test_a_list_of_one_is_answered_by_a_list_of_one(ask: Callable[..., Response]) -> None:
    assert answers_of(ask(lines(JPEG), content_type="application/jsonlines")) == [single(ask, JPEG)]


def test_a_photo_whose_bytes_hold_line_ends_and_dashes_arrives_whole(ask: Callable[..., Response]) -> None:
    """A comment in the JPEG looks like the form's own delimiters, but for the boundary."""
    text = b"\r\n\r\n--\n--a-bound\r\n--\r\n"
    comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2) + text
    photo = JPEG[:2] + comment + JPEG[2:]
    assert answers_of(ask(form(photo), content_type=FORM)) == [single(ask, photo)]


def test_json_lines_and_csv_have_a_row_for_each_photo(ask: Callable[..., Response]) -> None:
    body, content_type = lines(JPEG, b"none", OTHER), "application/jsonlines"
    expected = answers_of(ask(body, content_type=content_type, x_amzn_sagemaker_inference_id="7"))
    # when
    as_lines = ask(body, content_type=content_type, accept="application/jsonlines", x_amzn_sagemaker_inference_id="7")
    as_csv = ask(body, content_type=content_type, accept="text/csv")
    # then
    assert as_lines.media_type == "application/jsonlines"
    assert [rounded(json.loads(line)) for line in bytes(as_lines.body).splitlines()] == expected
    assert as_csv.media_type == "text/csv"
    rows = list(csv.DictReader(io.StringIO(bytes(as_csv.body).decode())))
    assert [row["count"] for row in rows] == [str(expected[0]["count"]), "", str(expected[2]["count"])]
    assert [rounded(float(rows[0][f"p{label}"])) for label in (1, 2, 3)] == expected[0]["probabilities"]
    assert "not a JPEG or PNG" in rows[1]["error"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("text/csv", "text/csv"),
        ("application/json;q=0, */*", "application/jsonlines"),
        ("text/csv, application/json;q=0.1", "text/csv"),
        ("text/*, application/json;q=0.9", "text/csv"),
        ("application/json;q=nonsense", "application/json"),
    ],
)
def test_the_form_that_the_client_likes_best_is_taken(ask: Callable[..., Response], accept: str, expected: str) -> None:
    assert ask(JPEG, accept=accept).media_type == expected


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (form(JPEG)[:-10], FORM, 400, "last boundary is missing"),
        (b"", FORM, 400, "no photo"),
        (form(), FORM, 400, "no photo"),
        (form(JPEG), "multipart/form-data", 400, "needs a boundary"),
        (form(*[b"x"] * 33), FORM, 413, "more than 32 photos"),
        (form(*[b"x"] * 400), FORM, 413, "more than 32 photos"),
        (lines(*[b"x"] * 33), "application/jsonlines", 413, "more than 32 photos"),
        (b"\n \n", "application/jsonlines", 400, "no photo"),
        (b"x" * (6 * 2**20 + 1), "image/jpeg", 413, "longer than 6291456 bytes"),
    ],
)
def test_a_body_that_cannot_be_taken_apart_is_refused(
    ask: Callable[..., Response], body: bytes, content_type: str, status: int, reason: str
) -> None:
    response = ask(body, content_type=content_type)
    assert response.status_code == status
    assert reason in json.loads(response.body)["error"]


@pytest.mark.parametrize(
    "line",
    [b"[" * 100_000, b"7", b'{"image": 7}', b'{"photo": ""}', b'{"image": "\xc3\xa4"}', b'{"image": "a"}', b"\xff"],
)
def test_a_line_without_a_photo_gets_its_own_refusal(ask: Callable[..., Response], line: bytes) -> None:
    refused, answered = answers_of(ask(line + b"\n" + lines(JPEG), content_type="application/jsonlines"))
    assert refused["status"] == 400
    assert "base64 of a photo" in refused["error"]
    assert answered == single(ask, JPEG)


def test_a_part_of_another_type_gets_its_own_refusal(ask: Callable[..., Response]) -> None:
    [refused] = json.loads(ask(form(JPEG, kind="text/plain"), content_type=FORM).body)
    assert refused["status"] == 415


@pytest.mark.parametrize(("native", "warnings"), [("bfloat16", 0), ("float32", 1)])
def test_the_application_computes_as_was_evaluated_and_says_if_the_processor_imitates_it(
    artifact: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], native: str, warnings: int
) -> None:
    # given a package that was evaluated in bfloat16
    monkeypatch.setattr(serving, "MODEL_DIR", artifact)
    monkeypatch.setenv("STOCKTAKE_PRECISION", "bfloat16")
    monkeypatch.setattr(serving, "native_precision", lambda: native)
    # when
    application = serving.Stocktake()
    # then
    answer = json.loads(asyncio.run(application(http_request(JPEG))).body)
    assert answer["precision"] == "bfloat16"
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    ready, *warned = [line for line in lines if line["event"] != "request"]
    assert (ready["precision"], ready["native"], ready["workers"]) == ("bfloat16", native, application.workers.number)
    assert [line["event"] for line in warned] == ["warning"] * warnings


def test_other_methods_are_refused(ask: Callable[..., Response]) -> None:
    assert [ask(JPEG, method).status_code for method in ("PUT", "DELETE", "HEAD")] == [405, 405, 200]


def test_a_fault_of_the_application_is_one_answer_and_a_traceback_in_the_log(
    application: serving.Stocktake,
    ask: Callable[..., Response],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(serving, "predict_several", lambda *_: 1 / 0)
    assert ask(JPEG).status_code == 500
    assert "ZeroDivisionError" in json.loads(capfd.readouterr().out)["traceback"]
    monkeypatch.undo()
    assert ask(JPEG).status_code == 200


def test_the_log_has_a_line_for_each_request_with_what_happened(
    ask: Callable[..., Response], capfd: pytest.CaptureFixture[str]
) -> None:
    # when
    answer = json.loads(ask(JPEG, content_type="image/jpeg", x_amzn_sagemaker_inference_id="mine").body)
    refusal = json.loads(ask(b"how many?", content_type="image/jpeg").body)
    # then
    answered, refused = map(json.loads, capfd.readouterr().out.splitlines())
    assert answered["requestId"] == "mine"
    assert (answered["status"], answered["counts"], answered["bytes"]) == (200, [answer["count"]], len(JPEG))
    times = [answered[name] for name in ("queue", "decode", "forward")]
    assert all(time >= 0 for time in times)
    assert answered["forward"] > 0
    assert sum(times) <= answered["total"] + 1
    assert (refused["status"], refused["reasons"]) == (400, [refusal["error"]])
    assert refused["requestId"] == refusal["requestId"]


class Held:
    """An application whose workers wait."""

    def __init__(self, application: serving.Stocktake) -> None:
        self.release, self.batches = threading.Event(), list[tuple[int, int]]()
        self.count_batch = application.count_batch

    def __call__(self, contents: list[bytes], threads: int) -> list[serving.Counted]:
        self.batches.append((len(contents), threads))
        self.release.wait(60)
        return self.count_batch(contents, threads)

    @property
    def began(self) -> int:
        return len(self.batches)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def held(application: serving.Stocktake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    made = Held(application)
    monkeypatch.setattr(application, "count_batch", made)
    yield made
    made.release.set()


def within(seconds: float, work: Awaitable[Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, seconds))  # type: ignore[arg-type]


def test_a_full_queue_answers_503_at_once_and_those_who_wait_are_served(
    application: serving.Stocktake, held: Held
) -> None:
    room = application.workers.number * (1 + workers.QUEUE)

    async def overload() -> tuple[list[Response], Response]:
        waiting = [asyncio.create_task(application(http_request(JPEG))) for _ in range(room)]
        await held.until(lambda: held.began == application.workers.number)
        refused = await application(http_request(JPEG))
        held.release.set()
        return [await one for one in waiting], refused

    served, refused = within(120, overload())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert {one.status_code for one in served} == {200}
    # and there is room again
    assert within(60, application(http_request(JPEG))).status_code == 200


def test_a_single_photo_has_all_cores_and_under_load_each_worker_has_a_batch_and_one(
    application: serving.Stocktake, held: Held
) -> None:
    number = application.workers.number
    many = lines(*[JPEG] * 2 * workers.BATCH)

    async def count() -> None:
        held.release.set()
        await application(http_request(JPEG))
        assert held.batches == [(1, number)]
        # when each worker is busy with a photo and many come
        held.release.clear()
        asked = [asyncio.create_task(application(http_request(JPEG))) for _ in range(number)]
        await held.until(lambda: held.began == 1 + number)
        asked.append(asyncio.create_task(application(http_request(many, content_type="application/jsonlines"))))
        await asyncio.sleep(0.5)
        # then they wait for a worker
        assert held.began == 1 + number
        held.release.set()
        assert {(await one).status_code for one in asked} == {200}

    within(120, count())
    assert sum(photos for photos, _ in held.batches) == 1 + number + 2 * workers.BATCH
    later = held.batches[1 + number :]
    assert max(photos for photos, _ in later) <= workers.BATCH
    assert later[0] == (math.ceil(2 * workers.BATCH / number), 1)


def test_a_client_that_goes_away_leaves_the_queue(application: serving.Stocktake, held: Held) -> None:
    """Ray cancels the request of a client that disconnects."""

    async def leave() -> int:
        # given work that keeps every worker busy, and others behind it
        first = [asyncio.create_task(application(http_request(JPEG))) for _ in range(application.workers.number)]
        await held.until(lambda: held.began == application.workers.number)
        gone = [asyncio.create_task(application(http_request(JPEG))) for _ in range(5)]
        await asyncio.sleep(0.1)
        # when
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        held.release.set()
        await asyncio.gather(*first)
        return held.began

    assert within(60, leave()) == application.workers.number
    assert within(60, application(http_request(JPEG))).status_code == 200


def test_a_body_that_does_not_end_is_given_up(application: serving.Stocktake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.1)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    assert within(30, application(request)).status_code == 408


def test_a_client_that_goes_away_in_its_body_is_no_fault(application: serving.Stocktake) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    assert within(30, application(request)).status_code == 400
