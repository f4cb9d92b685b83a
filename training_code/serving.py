"""The endpoint's Ray Serve application: any POST is a photo, any GET asks whether the model is loaded."""

import asyncio
from pathlib import Path

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inference import RequestRefused, input_fn, model_fn, output_fn, predict_fn

MODEL_DIR = Path(__file__).parents[1]


class Stocktake:
    """One loaded copy of the model, answering requests."""

    def __init__(self) -> None:
        self.model = model_fn(MODEL_DIR)

    async def __call__(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"status": "ready", "model": self.model.package})
        headers, body = request.headers, await request.body()
        try:
            # Decoding and the network would hold up every other request on the event loop.
            answer = await asyncio.to_thread(
                self.answer, body, headers.get("content-type", ""), headers.get("accept", "")
            )
        except RequestRefused as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status)
        return Response(answer, media_type="application/json")

    def answer(self, body: bytes, content_type: str, accept: str) -> str:
        return output_fn(predict_fn(input_fn(body, content_type), self.model), accept)


app = serve.deployment(Stocktake).bind()
