"""Data capture: a share of an endpoint's requests and answers, in its role, as SageMaker writes them to S3."""

from __future__ import annotations

import base64
import json
import random
import uuid
from dataclasses import dataclass
from typing import Any

from moto.core.utils import utcnow

from rehearsal.aws.iam import on_behalf
from rehearsal.aws.iam.principals import Principal
from rehearsal.aws.iam.requests import Need
from rehearsal.aws.sagemaker import objects

_ENCODINGS = {"JsonContentTypes": "JSON", "CsvContentTypes": "CSV"}


@dataclass(frozen=True)
class Capture:
    """What an endpoint configuration says of it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
    """

    percent: int
    bucket: str
    prefix: str
    modes: frozenset[str]
    encodings: dict[str, str]
    """Content types that are written as they are, and as what; all others are written in base64."""

    @classmethod
    def of_config(cls, config: dict[str, Any]) -> Capture | None:
        """None if nothing is captured."""
        asked = config.get("DataCaptureConfig") or {}
        if not asked.get("EnableCapture"):
            return None
        bucket, prefix = objects.split_uri(asked["DestinationS3Uri"])
        header = asked.get("CaptureContentTypeHeader") or {}
        return cls(
            asked["InitialSamplingPercentage"],
            bucket,
            prefix.rstrip("/"),
            frozenset(option["CaptureMode"] for option in asked["CaptureOptions"]),
            {kind: encoding for member, encoding in _ENCODINGS.items() for kind in header.get(member) or []},
        )

    def require(self, principal: Principal, endpoint: str, variant: str) -> None:
        """Raise AccessDenied if the endpoint's role may not write there; in AWS captures would just stay away."""
        arn = f"arn:aws:s3:::{self.bucket}/{self.prefix}/{endpoint}/{variant}/capture.jsonl"
        on_behalf.require_all(principal, [Need("s3:PutObject", arn)])

    def keep(
        self,
        principal: Principal,
        region: str,
        endpoint: str,
        variant: str,
        asked: tuple[str, bytes],
        answered: tuple[str, bytes],
        inference_id: str | None,
    ) -> None:
        """Write a request and its answer, each (content type, body), if this one is among the share."""
        if random.random() * 100 >= self.percent:
            return
        now, event = utcnow(), str(uuid.uuid4())
        sides = {"Input": ("endpointInput", "INPUT", asked), "Output": ("endpointOutput", "OUTPUT", answered)}
        data = {name: self._captured(mode, *side) for kind, (name, mode, side) in sides.items() if kind in self.modes}
        metadata = {"eventId": event, "inferenceTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
        if inference_id:
            metadata["inferenceId"] = inference_id
        line = json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}) + "\n"
        key = f"{self.prefix}/{endpoint}/{variant}/{now:%Y/%m/%d/%H/%M-%S}-{now.microsecond // 1000:03}-{event}.jsonl"
        objects.client(region, principal).put_object(Bucket=self.bucket, Key=key, Body=line.encode())

    def _captured(self, mode: str, content_type: str, body: bytes) -> dict[str, str]:
        encoding = self.encodings.get(content_type.partition(";")[0].strip().lower(), "BASE64")
        text = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
        return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
