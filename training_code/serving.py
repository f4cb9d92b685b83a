"""The endpoint's Ray Serve application: any POST holds photos, any GET asks whether the model is loaded."""

import asyncio
import time
import traceback
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from ray import serve
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from torch import Tensor

from inference import RequestRefused, input_fn, model_fn, pixels_of, predict_several
from photo_file import MINIMUM_SIDE, jpeg
from stocktake.model.served_network import native_precision
from stocktake.serving.answers import answer_type, written
from stocktake.serving.log import log, request_id
from stocktake.serving.photos import MAXIMUM_BODY, photos_of
from stocktake.serving.workers import Overloaded, Workers

MODEL_DIR = Path(__file__).parents[1]
BODY_SECONDS = 30
"""For a body to arrive. SageMaker sends whole ones."""
MOST_REQUESTS = 128
"""That Ray lets in at once, each with up to 6 MB. Which of them may wait is decided here, with a word to the client."""


class Decoded(NamedTuple):
    """A photo or its refusal, when work on it began and how long that took."""

    pixels: Tensor | RequestRefused
    began: float
    milliseconds: float


class Counted(NamedTuple):
    """A photo's answer or its refusal, when work on it began, and its milliseconds: of a batch's forward, a share."""

    answer: dict[str, Any] | RequestRefused
    began: float
    decode: float
    forward: float


class Stocktake:
    """One loaded copy of the model, which answers as many photos at once as there are cores."""

    def __init__(self) -> None:
        self.model = model_fn(MODEL_DIR)
        self.workers = Workers(lambda contents, threads: self.count_batch(contents, threads))
        self.workers.warm_up(_blank(self.model.description.preprocessing.image_size))
        precision, native = self.model.precision, native_precision()
        log("ready", model=self.model.package, precision=precision, native=native, workers=self.workers.number)
        if precision not in ("float32", native):
            log("warning", reason=f"This processor imitates {precision}: answers are as evaluated, but slow.")

    async def __call__(self, request: Request) -> Response:
        if request.method in ("GET", "HEAD"):
            return JSONResponse({"status": "ready", "model": self.model.package, "precision": self.model.precision})
        name, started, facts = request_id(request.headers), time.perf_counter(), dict[str, Any]()
        try:
            response = await self.respond(request, name, facts)
        except RequestRefused as refusal:
            facts["reasons"] = [str(refusal)]
            headers = {"Retry-After": "1"} if isinstance(refusal, Overloaded) else None
            response = JSONResponse({"error": str(refusal), "requestId": name}, refusal.status, headers)
        except ClientDisconnect:
            facts["reasons"] = ["The client went away."]
            response = Response(status_code=HTTPStatus.BAD_REQUEST)
        except Exception:
            facts["traceback"] = traceback.format_exc()
            response = JSONResponse(
                {"error": "The request could not be answered; the log says why.", "requestId": name},
                HTTPStatus.INTERNAL_SERVER_ERROR,
            )
        log("request", requestId=name, status=response.status_code, **facts, total=_milliseconds(started))
        return response

    async def respond(self, request: Request, name: str, facts: dict[str, Any]) -> Response:
        """Answer a POST; what is known of it is added to `facts` as soon as it is known. Raises RequestRefused."""
        if request.method != "POST":
            raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not accepted; POST photos.")
        headers = request.headers
        kind = answer_type(headers.get("accept", ""))
        facts["contentType"] = headers.get("content-type", "")[:100]
        body = await read_body(request)
        facts["bytes"] = len(body)
        photos = photos_of(body, headers.get("content-type", ""))
        facts["photos"] = len(photos.contents)
        counted = await self.count(photos.contents, facts)
        if not photos.several and isinstance(counted[0], RequestRefused):
            raise counted[0]
        answers = [
            {"error": str(one), "status": one.status, "requestId": name} if isinstance(one, RequestRefused) else one
            for one in counted
        ]
        return Response(written(answers, kind, photos.several), media_type=kind)

    async def count(
        self, contents: list[bytes | RequestRefused], facts: dict[str, Any]
    ) -> list[dict[str, Any] | RequestRefused]:
        """An answer or a refusal for each photo, in order. Raises Overloaded."""
        asked = [content for content in contents if isinstance(content, bytes)]
        with self.workers.room_for(len(asked)):
            queued = time.perf_counter()
            done = await self.workers.each(asked)
        if done:
            facts["queue"] = max(_milliseconds(queued, one.began) for one in done)
            facts["decode"] = round(sum(one.decode for one in done), 1)
            facts["forward"] = round(sum(one.forward for one in done), 1)
        answers = iter(one.answer for one in done)
        counted = [next(answers) if isinstance(content, bytes) else content for content in contents]
        facts["counts"] = [None if isinstance(one, RequestRefused) else one["count"] for one in counted]
        if refused := [str(one) for one in counted if isinstance(one, RequestRefused)]:
            facts["reasons"] = refused
        return counted

    def count_batch(self, contents: list[bytes], threads: int) -> list[Counted]:
        """Decode some photos and count them at once, on a worker's thread."""
        torch.set_num_threads(threads)  # of forwards that this thread starts
        decoded = [self.decode(content) for content in contents]
        photos = [one.pixels for one in decoded if isinstance(one.pixels, Tensor)]
        started = time.perf_counter()
        answers = iter(predict_several(photos, self.model) if photos else [])
        forward = _milliseconds(started) / max(1, len(photos))
        return [
            Counted(one.pixels, one.began, one.milliseconds, 0)
            if isinstance(one.pixels, RequestRefused)
            else Counted(next(answers), one.began, one.milliseconds, forward)
            for one in decoded
        ]

    def decode(self, content: bytes) -> Decoded:
        """The photo, or why it is refused."""
        began = time.perf_counter()
        try:
            pixels: Tensor | RequestRefused = pixels_of(input_fn(content, ""), self.model)
        except RequestRefused as refusal:
            pixels = refusal
        return Decoded(pixels, began, _milliseconds(began))


async def read_body(request: Request) -> bytes:
    """The whole body. Raises RequestRefused: 413 when it is too long, 408 when it takes too long."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAXIMUM_BODY:
                    raise RequestRefused(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is longer than {MAXIMUM_BODY} bytes."
                    )
    except TimeoutError:
        raise RequestRefused(
            HTTPStatus.REQUEST_TIMEOUT, f"The body did not arrive within {BODY_SECONDS} seconds."
        ) from None
    return bytes(body)


def _blank(side: int) -> bytes:
    """A photo of nothing, to warm up with."""
    return jpeg(Image.new("RGB", (max(side, MINIMUM_SIDE),) * 2), quality=75)


def _milliseconds(start: float, end: float | None = None) -> float:
    return round(1000 * ((time.perf_counter() if end is None else end) - start), 1)


app = serve.deployment(Stocktake, max_ongoing_requests=MOST_REQUESTS).bind()
