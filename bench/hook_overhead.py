"""What watching a training costs: a training step with smdebug's hook against the same step without.

    .venv/bin/python -m bench.hook_overhead [--json FILE]

A whole ResNet-18 (16 images of 224 x 224) and a bare head (128 feature vectors of 2048), on one core. CPU time, taken
in turns, the median difference over some rounds: between saves, when loss, gradients and inputs of ReLUs are saved, and
the mean step at the default interval, in which both occur. The figures' `ratio` is of that mean step of the ResNet-18:
with the hook by without, so 1 where watching costs nothing.
"""

import argparse
import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from bench.results import add_json_option, write_json
from stocktake.debugging.smdebug_repairs import make_smdebug_work
from stocktake.model.network import create_model

make_smdebug_work()

from stocktake.debugging.hook import create_hook  # noqa: E402

INTERVAL = 50
KINDS = {"without hook": None, "between saves": 1, "all saved": INTERVAL}
"""By how many steps each kind of step follows a save."""
RESNET, HEAD = "ResNet-18", "bare head"
MEAN = f"mean, every {INTERVAL}"


class Stepper:
    """One network with its optimiser, with or without a hook."""

    def __init__(self, network: nn.Module, inputs: Tensor, hook: Any = None):
        self.network, self.inputs, self.hook = network.train(), inputs, hook
        self.targets = torch.arange(len(inputs)) % 5
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(network.parameters())
        if hook:
            hook.register_module(network)
            hook.register_loss(self.loss)

    def milliseconds(self, number: int | None) -> float:
        """CPU time of a step, the hook taking it for the step of that number."""
        if self.hook:
            self.hook.start_at(number)
        started = time.process_time()
        loss = self.loss(self.network(self.inputs), self.targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.hook:
            # smdebug would end the step's files at the beginning of the next step.
            self.hook._close_writers()
        return 1000 * (time.process_time() - started)


def build(name: str, images: int) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    if name == HEAD:
        return nn.Linear(2048, 5), torch.randn(128, 2048)
    return create_model("resnet18", 5), torch.randn(images, 3, 224, 224).contiguous(memory_format=torch.channels_last)


def measure(name: str, images: int, rounds: int, folder: Path) -> dict[str, float]:
    """Median milliseconds of a step without hook, by how much each kind takes more, and kilobytes of a whole save."""
    bare = Stepper(*build(name, images))
    hooked = Stepper(*build(name, images), create_hook(folder, INTERVAL))
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for turn in range(-1, rounds):
        # What runs after a save of everything finds colder caches: each kind is it in turn.
        for kind in [*KINDS, *KINDS][turn % len(KINDS) :][: len(KINDS)]:
            offset = KINDS[kind]
            stepper, number = (bare, None) if offset is None else (hooked, INTERVAL * (turn + 2) + offset)
            milliseconds = stepper.milliseconds(number)
            if turn >= 0:  # the first round is for warming up
                taken[kind].append(milliseconds)
    hooked.hook.close()
    # The step of everything of one round and that of the next carry different numbers: each is written once.
    written = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    bare_steps = taken.pop("without hook")
    # Differences within a round: what else runs on the machine changes from round to round.
    more = {
        kind: statistics.median(after - before for after, before in zip(values, bare_steps, strict=True))
        for kind, values in taken.items()
    }
    mean = (more["all saved"] + (INTERVAL - 1) * more["between saves"]) / INTERVAL
    return {
        "without hook": statistics.median(bare_steps),
        **more,
        MEAN: mean,
        "kilobytes": written / 1000 / (rounds + 1),
    }


def sampling_milliseconds() -> float:
    """CPU time of one measurement of the machine's utilisation."""
    started = time.process_time()
    for _ in range(200):
        psutil.cpu_percent()
        psutil.virtual_memory()
    return 1000 * (time.process_time() - started) / 200


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of the hook in a training step.")
    parser.add_argument("--images", type=int, default=16, help="of the ResNet-18's step")
    parser.add_argument("--rounds", type=int, nargs=2, default=[16, 400], metavar=("RESNET", "HEAD"))
    add_json_option(parser)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    results: dict[str, dict[str, float]] = {}
    for name, rounds in zip((RESNET, HEAD), asked.rounds, strict=True):
        with TemporaryDirectory() as folder:
            results[name] = measure(name, asked.images, rounds, Path(folder))
    print(f"{'':<18}" + "".join(f"{name:>12}{'ratio':>8}" for name in results))
    print(
        f"{'without hook':<18}" + "".join(f"{result['without hook']:>9.2f} ms{1:>8.3f}" for result in results.values())
    )
    for kind in [kind for kind in results[HEAD] if kind not in ("without hook", "kilobytes")]:
        columns = [(result[kind], 1 + result[kind] / result["without hook"]) for result in results.values()]
        print(f"{kind:<18}" + "".join(f"{more:>+9.2f} ms{ratio:>8.3f}" for more, ratio in columns))
    sampling = sampling_milliseconds()
    sizes = " and ".join(f"{result['kilobytes']:.0f} kB ({name})" for name, result in results.items())
    print(f"\nA save of everything writes {sizes}. Measuring utilisation takes {sampling:.2f} ms, twice a second.")
    ratio = 1 + results[RESNET][MEAN] / results[RESNET]["without hook"]
    write_json(asked.json, {"ratio": ratio, "milliseconds": results, "utilisationMilliseconds": sampling})


if __name__ == "__main__":
    main()
