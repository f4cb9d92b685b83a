"""Every photo of a kept request is found with its own answer, and nothing that was refused."""

import base64
import json

import pytest
from captured_requests import MODEL, answer, captured, photo

from drift.captures import SMOKE_TEST, Counted, counted
from stocktake.serving.answers import ANSWER_TYPES, written
from stocktake.serving.photos import photos_of

PHOTOS = [photo(0), photo(1), photo(2)]
REFUSED = {"error": "The image is damaged.", "status": 400, "requestId": "x"}
FORM = b"".join(b"--cut\r\nContent-Type: image/jpeg\r\n\r\n" + content + b"\r\n" for content in PHOTOS) + b"--cut--\r\n"
LINES = b"".join(json.dumps({"image": base64.b64encode(content).decode()}).encode() + b"\n" for content in PHOTOS)
SEVERAL = {"multipart/form-data; boundary=cut": FORM, "application/jsonlines": LINES}


def test_a_photo_is_found_with_its_answer() -> None:
    [found] = counted(captured(PHOTOS[1], json.dumps(answer(1))))
    assert found == Counted(PHOTOS[1], 2, 0.7, pytest.approx(1.9), MODEL)


@pytest.mark.parametrize("accepted", ANSWER_TYPES)
@pytest.mark.parametrize("content_type", SEVERAL)
def test_of_several_photos_each_counts_and_a_refused_one_does_not(content_type: str, accepted: str) -> None:
    # given a request of three as the endpoint reads it, and its own answer, in which the second photo is refused
    body = SEVERAL[content_type]
    assert photos_of(body, content_type).contents == PHOTOS
    answers = written([answer(0), REFUSED, answer(2)], accepted, several=True)
    # when
    found = list(counted(captured(body, answers, content_type, accepted)))
    # then
    assert [(one.content, one.count) for one in found] == [(PHOTOS[0], 1), (PHOTOS[2], 3)]
    assert found[1].confidence == 0.6


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(captured(PHOTOS[0], None), id="failed"),
        pytest.param(captured(PHOTOS[0], json.dumps(REFUSED)), id="refused"),
        pytest.param(captured(PHOTOS[0], json.dumps([answer(0), answer(1)])), id="more answers than photos"),
        pytest.param(captured(b"?", json.dumps(answer(0)), "multipart/form-data"), id="no boundary"),
        pytest.param(captured(b"{}", "<html>", "application/jsonlines", "text/html"), id="another server's answer"),
        pytest.param(captured(PHOTOS[0], json.dumps(answer(0)), inferenceId=SMOKE_TEST), id="smoke test"),
        pytest.param(b"[]\n", id="no object"),
        pytest.param(b'{"captureData": ', id="cut off"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_has_no_photo_with_an_answer_is_left_out(line: bytes) -> None:
    assert list(counted(line)) == []
