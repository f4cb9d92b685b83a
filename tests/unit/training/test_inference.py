"""The endpoint's application, called the way Ray Serve calls it."""

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image
from ray import serve
from starlette.requests import Request
from starlette.responses import Response
from synthetic_shards import draw_bin
from test_preprocessing import encoded, png_header

import serving
from inference import input_fn, model_fn, output_fn, pixels_of, predict_fn, predict_several
from rehearsal.torchvision_on_cpu import FOLDER as TORCHVISION_ON_CPU
from tests.hard_photos import ODD_EXIF, cut_with_end, of_many_scans, with_wrong_checksum

Send = Callable[..., Response]
JPEG = draw_bin(2, seed=5)
PNG = encoded(Image.open(io.BytesIO(JPEG)))


def http_request(body: bytes, method: str = "POST", **headers: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "path": "/any", "headers": pairs}, receive)


@pytest.fixture(scope="module")
def send(artifact: Path) -> Send:
    """Send a request to the application, which Ray Serve has built and runs in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "MODEL_DIR", artifact)
        patch.setenv("STOCKTAKE_MODEL_PACKAGE", "arn:package/7")
        handle = serve.run(serving.app, _local_testing_mode=True)
    return lambda body, method="POST", **headers: handle.remote(http_request(body, method, **headers)).result()


def test_a_photo_is_answered_as_the_contract_says(send: Send) -> None:
    response = send(JPEG, content_type="image/jpeg")
    answer = json.loads(response.body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert answer.keys() == {"count", "probabilities", "labels", "expected", "precision", "model"}
    assert answer["labels"] == [1, 2, 3]
    assert answer["model"] == "arn:package/7"
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-6)
    assert answer["count"] == 1 + answer["probabilities"].index(max(answer["probabilities"]))
    assert answer["expected"] == pytest.approx(
        sum(p * n for p, n in zip(answer["probabilities"], [1, 2, 3], strict=True)), abs=1e-6
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (encoded(Image.open(io.BytesIO(JPEG))), "image/png"),
        (JPEG, "application/x-image"),
        (JPEG, "IMAGE/JPEG; charset=binary"),
        (JPEG, "image/jpg"),
        (JPEG, "application/octet-stream"),
        (JPEG, "application/json"),
        (JPEG, "application/x-www-form-urlencoded"),
        (encoded(Image.open(io.BytesIO(JPEG))), "application/octet-stream"),
        (encoded(Image.new("CMYK", (64, 48), (9, 80, 30, 0)), "JPEG"), "image/jpeg"),
        (encoded(Image.new("I;16", (64, 48), 30_000)), "image/png"),
    ],
    ids=[
        "png",
        "any image",
        "parameters",
        "jpg",
        "any bytes",
        "adapter's",
        "curl's",
        "any bytes of a png",
        "cmyk",
        "16 bit",
    ],
)
def test_other_pictures_are_answered_too(send: Send, body: bytes, content_type: str) -> None:
    assert send(body, content_type=content_type).status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"", {"content_type": "image/jpeg"}, 400, "body is empty"),
        (b"how many?", {"content_type": "image/jpeg"}, 400, "not a JPEG or PNG"),
        (JPEG[:700], {"content_type": "image/jpeg"}, 400, "damaged or incomplete"),
        (cut_with_end(JPEG, 0.1), {"content_type": "image/jpeg"}, 400, "incomplete"),
        (cut_with_end(JPEG, 0.5), {"content_type": "image/jpeg"}, 400, "incomplete"),
        (with_wrong_checksum(PNG, b"IDAT"), {"content_type": "image/png"}, 400, "checksum"),
        (of_many_scans(1500, 64, 48), {"content_type": "image/jpeg"}, 413, "too many scans"),
        (encoded(Image.new("RGB", (1, 1))), {"content_type": "image/png"}, 422, "at least 16"),
        (png_header(20_000, 20_000), {"content_type": "image/png"}, 413, "too many pixels"),
        (JPEG, {"content_type": "text/plain"}, 415, "image/jpeg, image/png"),
        (b"how many?", {}, 400, "not a JPEG or PNG"),
        (JPEG, {"content_type": "image/jpeg", "accept": "text/html"}, 406, "application/json"),
        (JPEG, {"content_type": "image/jpeg", "accept": "application/json;q=0, */*;q=0.0"}, 406, "application/json"),
        (JPEG, {"content_type": "image/jpeg", "accept": "application/jsonline"}, 406, "application/json"),
    ],
    ids=[
        *("empty", "text", "truncated", "tenth with an end", "half with an end", "wrong checksum", "many scans"),
        *("one pixel", "bomb", "wrong type", "no type", "wrong accept", "accept all but", "similar accept"),
    ],
)
def test_a_bad_request_gets_a_sentence_and_the_next_one_its_answer(
    send: Send, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    response = send(body, **headers)
    assert response.status_code == status
    assert reason in json.loads(response.body)["error"]
    assert send(JPEG, content_type="image/jpeg").status_code == 200


@pytest.mark.parametrize("name", ODD_EXIF)
def test_a_photo_with_a_tag_of_another_type_is_counted_upright(send: Send, name: str) -> None:
    # given the same photo as it is to be seen, and stored sideways with broken metadata
    upright = Image.open(io.BytesIO(JPEG))
    turned = encoded(upright.rotate(90, expand=True), "PNG", exif=ODD_EXIF[name])
    # then
    answers = [send(body, content_type="image/png") for body in (encoded(upright), turned)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body


@pytest.mark.parametrize("name", ODD_EXIF)
def test_a_jpeg_with_a_tag_of_another_type_is_counted(send: Send, name: str) -> None:
    body = encoded(Image.open(io.BytesIO(JPEG)), "JPEG", exif=ODD_EXIF[name])
    assert send(body, content_type="image/jpeg").status_code == 200


def test_without_a_type_the_bytes_decide(send: Send) -> None:
    assert send(JPEG).body == send(JPEG, content_type="image/jpeg").body
    assert send(PNG).status_code == 200


@pytest.mark.parametrize(
    "accept",
    ["Application/JSON", "text/csv, application/json;q=0.1", "*/*;q=0.2", "*", "application/*; q=1.0", "text/html,*/*"],
)
def test_an_accept_that_json_meets_is_answered(send: Send, accept: str) -> None:
    assert send(JPEG, content_type="image/jpeg", accept=accept).status_code == 200


def test_get_tells_that_the_model_is_loaded(send: Send) -> None:
    assert json.loads(send(b"", "GET").body) == {"status": "ready", "model": "arn:package/7", "precision": "float32"}


def test_the_event_loop_goes_on_while_a_photo_is_counted(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MODEL_DIR", artifact)
    application = serving.Stocktake()
    loop_ran: list[bool] = []

    async def serve_one() -> Response:
        counting = asyncio.create_task(application(http_request(JPEG, content_type="image/jpeg")))
        release = asyncio.Event()
        count_batch = application.count_batch

        def wait_for_the_loop(contents: list[bytes], threads: int) -> list[serving.Counted]:
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
            return count_batch(contents, threads)

        loop = asyncio.get_running_loop()
        application.count_batch = wait_for_the_loop  # type: ignore[method-assign]
        await asyncio.sleep(0)
        loop_ran.append(True)
        release.set()
        return await counting

    assert asyncio.run(asyncio.wait_for(serve_one(), 30)).status_code == 200
    assert loop_ran


def test_a_batch_gives_the_probabilities_of_single_photos(artifact: Path) -> None:
    model = model_fn(artifact)
    pictures = [input_fn(draw_bin(n, seed=n), "image/jpeg") for n in (1, 2, 3)]
    batch = torch.stack([model.description.preprocessing.pixels(picture) for picture in pictures])
    singles = [json.loads(output_fn(predict_fn(picture, model), ""))["probabilities"] for picture in pictures]
    assert torch.allclose(model.probabilities(batch), torch.tensor(singles), atol=1e-5)


def test_a_mirrored_model_answers_a_photo_and_its_mirror_image_alike(artifact: Path) -> None:
    plain = model_fn(artifact)
    mirrored = replace(plain, description=replace(plain.description, mirrored=True))
    photos = torch.stack([pixels_of(draw_bin(count, seed=count), plain) for count in (1, 2, 3)])
    # given photos that the network itself tells from their mirror images
    one_way, other_way = plain.probabilities(photos), plain.probabilities(photos.flip(3))
    assert not torch.allclose(one_way, other_way, atol=1e-3)
    # then the answer is the mean of both, whichever way the camera looked
    assert torch.allclose(mirrored.probabilities(photos), (one_way + other_way) / 2, atol=1e-6)
    assert torch.allclose(mirrored.probabilities(photos.flip(3)), mirrored.probabilities(photos), atol=1e-6)


def test_a_model_for_which_one_off_is_worth_something_answers_by_it(artifact: Path) -> None:
    plain = model_fn(artifact)
    rounder = replace(plain, description=replace(plain.description, one_off_worth=0.5))
    probabilities = torch.tensor([[0.45, 0.25, 0.30]])
    assert (plain.counts(probabilities), rounder.counts(probabilities)) == ([1], [2])
    # then the endpoint's answers are those, with the same probabilities
    pixels = [pixels_of(draw_bin(count, seed=count), plain) for count in (1, 2, 3)]
    for model in (plain, rounder):
        answers = predict_several(pixels, model)
        assert [answer["count"] for answer in answers] == model.counts(model.probabilities(torch.stack(pixels)))


def test_the_artifact_serves_with_nothing_but_its_own_code(artifact: Path, tmp_path: Path) -> None:
    # given a folder outside the repository, with the container's PYTHONPATH
    [application] = yaml.safe_load((artifact / "config.yaml").read_text())["applications"]
    module, name = application["import_path"].split(":")
    script = (
        f"import inference, stocktake, {module}; {module}.{name}; print({module}.__file__, stocktake.__file__); "
        f"print(*inference.model_fn({module}.MODEL_DIR).description.labels)"
    )
    paths = (TORCHVISION_ON_CPU, artifact, artifact / "code")
    environment = os.environ | {"PYTHONPATH": ":".join(map(str, paths))}
    # when
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # then
    assert result.returncode == 0, result.stderr
    modules, labels = result.stdout.splitlines()
    assert all(file.startswith(str(artifact / "code")) for file in modules.split())
    assert labels == "1 2 3"
