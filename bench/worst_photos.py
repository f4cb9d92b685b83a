"""What one request costs an endpoint at worst: CPU seconds and memory, for the photos that `worst_files` draws.

    .venv/bin/python -m bench.worst_photos [--only TEXT] [--json FILE]

Each photo is answered as by the served model, a MobileNetV2, in a process of its own. Memory is the process's highest
resident size meanwhile, above what it has when it is idle.
"""

import argparse
import ctypes
import gc
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from bench.children import child
from bench.results import add_json_option, write_json
from bench.worst_files import KINDS, MOST, grey_jpeg
from inference import CountingModel, RequestRefused, input_fn, model_fn, output_fn, predict_fn
from stocktake.model.artifact import ModelDescription, save_artifact
from stocktake.model.network import create_model
from stocktake.model.preprocessing import Preprocessing

LABELS = (1, 2, 3, 4, 5)


def megabytes(field: str) -> float:
    """A field of this process's status, such as VmRSS (resident size) or VmHWM (its highest)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[field].split()[0]) / 1024


class Endpoint:
    """Answers photos, and tells what each took."""

    @cached_property
    def model(self) -> CountingModel:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as folder:
            weights = create_model("mobilenet_v2", len(LABELS)).state_dict()
            save_artifact(Path(folder), weights, ModelDescription("mobilenet_v2", LABELS, Preprocessing(224), {}))
            return model_fn(folder)

    @cached_property
    def idle(self) -> float:
        for _ in range(3):
            self.answer(grey_jpeg(224, 224))
        return megabytes("VmRSS")

    def answer(self, photo: bytes) -> str:
        try:
            return output_fn(predict_fn(input_fn(photo, "image/jpeg"), self.model), "")
        except RequestRefused as refusal:
            return f"{refusal.status:d}: {refusal}"

    def __call__(self, photo: bytes) -> dict[str, Any]:
        idle = self.idle
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest size so far
        started = time.process_time()
        answer = self.answer(photo)
        return {
            "seconds": time.process_time() - started,
            "megabytes": megabytes("VmHWM") - idle,
            "answer": answer,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="What one request costs an endpoint at worst.")
    parser.add_argument("--only", default="", metavar="TEXT", help="photos with this in their names")
    add_json_option(parser)
    asked = parser.parse_args()
    rows = []
    print(f"{'':<44}{'MB':>6}{'CPU s':>7}{'memory MB':>11}")
    with child(Endpoint()) as endpoint:
        for name, draw in KINDS.items():
            if asked.only not in name:
                continue
            photo = draw()
            assert len(photo) <= MOST, f"{name}: no request can have {len(photo)} bytes"
            rows.append({"photo": name, "bytes": len(photo), **endpoint(photo)})
            told = "" if rows[-1]["answer"].startswith("{") else rows[-1]["answer"][:70]
            print(
                "{photo:<44}{0:6.2f}{seconds:7.2f}{megabytes:11.0f}  {1}".format(len(photo) / 1e6, told, **rows[-1]),
                flush=True,
            )
    most = {figure: max(row[figure] for row in rows) for figure in ("seconds", "megabytes")}
    print(f"most: {most['seconds']:.2f} s, {most['megabytes']:.0f} MB")
    write_json(asked.json, {"photos": rows, "most": most})


if __name__ == "__main__":
    main()
