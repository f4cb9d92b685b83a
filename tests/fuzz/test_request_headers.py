"""What a request says that it sends and takes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from inference import CONTENT_TYPES, GENERIC_TYPES, RequestRefused, input_fn, output_fn
from tests.fuzz.examples import fuzzed, outcome
from tests.fuzz.mutations import mutated
from tests.hard_photos import picture, saved

PHOTO = saved(picture(24, 20))
ranges = st.sampled_from([*CONTENT_TYPES, *GENERIC_TYPES, "application/json", "application/*", "*/*", "*", "text/csv"])
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
    answer = outcome(lambda: output_fn({"count": 1}, accept), RequestRefused)
    assert answer == '{"count": 1}' or (isinstance(answer, RequestRefused) and answer.status == 406)
