"""What a request says that it sends and takes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from inference import RequestRefused, input_fn, output_fn
from tests.fuzz.examples import fuzzed, outcome
from tests.fuzz.mutations import mutated
from tests.hard_photos import picture, saved

PHOTO = saved(picture(24, 20))
ANSWER = {
    "count": 1,
    "probabilities": [0.5, 0.5],
    "labels": [1, 2],
    "expected": 1.5,
    "precision": "float32",
    "model": "7",
}
ranges = st.sampled_from(
    [
        *("image/jpeg", "image/png", "image/*", "application/x-image", "application/octet-stream", "", "*", "*/*"),
        *("multipart/form-data", "application/json", "application/jsonlines", "application/*", "text/csv", "text/html"),
    ]
)
parameters = st.sampled_from(
    [";q=0", ";q=", ";q=1.0", "; Q=0.5", ";q=-1", ";charset=utf-8", ";", ",", ",,", ' ;a="b;c,d"', "\0", "é", "=", "/"]
)
odd = st.text(st.characters(max_codepoint=255), max_size=12)
headers = st.lists(ranges | parameters | odd, max_size=5).map("".join)
"""Latin-1, as HTTP's are decoded."""


@fuzzed(100)
@given(mutated([PHOTO, saved(picture(24, 20), "PNG")], most=1) | st.just(PHOTO), headers)
def test_any_content_type_is_read_or_refused(body: bytes, content_type: str) -> None:
    refusal = outcome(lambda: input_fn(body, content_type), RequestRefused)
    if isinstance(refusal, RequestRefused):
        assert 400 <= refusal.status < 500
        assert json.dumps({"error": str(refusal)}).encode()


@fuzzed(200)
@given(headers)
def test_any_accept_is_answered_or_refused(accept: str) -> None:
    answer = outcome(lambda: output_fn(ANSWER, accept), RequestRefused)
    assert "1.5" in answer if isinstance(answer, str) else answer.status == 406
