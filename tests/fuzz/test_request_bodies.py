"""Requests of several photos: forms and JSON Lines."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from inference import RequestRefused
from stocktake.serving.photos import MAXIMUM_PHOTOS, photos_of
from tests.fuzz.examples import fuzzed, outcome
from tests.fuzz.json_values import anything
from tests.fuzz.mutations import mutated
from tests.hard_photos import picture, saved

PHOTO = saved(picture(24, 20))
PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: image/jpeg\r\n\r\n' + PHOTO + b"\r\n"
FORMS = [PART * 2 + b"--x--\r\n", b"--x\r\n\r\n" + PHOTO + b"\r\n--x--", PART * 40 + b"--x--"]
LINE = json.dumps({"image": base64.b64encode(PHOTO).decode()}).encode() + b"\n"
LINES = [LINE, LINE * 3, LINE.strip() + b"\r\n" + LINE, LINE * 40]
PIECES = [
    b"--x",
    b"--x--",
    b"--",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"Content-Type: ",
    b": ",
    b"[" * 3000,
    b'"',
    b"=",
    b"\xff",
]
types = st.sampled_from(
    [
        *("multipart/form-data; boundary=x", 'Multipart/Form-Data;boundary="x"', "multipart/form-data"),
        *("multipart/form-data; boundary=", "multipart/form-data; boundary*=utf-8''%ff", "application/jsonlines"),
        *("multipart/form-data; boundary=\xe9", "multipart/form-data; boundary=x; boundary=y"),
    ]
)
texts = st.lists(anything | st.fixed_dictionaries({"image": anything}), max_size=4).map(
    lambda values: "\n".join(map(json.dumps, values)).encode()
)


@fuzzed(150)
@given(mutated(FORMS + LINES, pieces=PIECES) | texts | st.binary(max_size=60), types)
def test_any_body_is_photos_or_refused(body: bytes, content_type: str) -> None:
    found = outcome(lambda: photos_of(body, content_type), RequestRefused)
    if isinstance(found, RequestRefused):
        assert 400 <= found.status < 500
        return
    assert 0 < len(found.contents) <= MAXIMUM_PHOTOS
    for photo in found.contents:
        assert isinstance(photo, bytes) or 400 <= photo.status < 500
