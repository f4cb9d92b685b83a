"""What a number format costs in accuracy: one trained model on the same test photos, in each format, paired.

    .venv/bin/python -m bench.formats --source ../shared/abid --weights FILE --architecture mobilenet_v2 --json FILE

A head is trained on features of the source's training bins, and its model served as the endpoint serves it: in float32
and in bfloat16, whether or not the processor has that by itself. McNemar's test says whether the photos that only one
of them counts right are more than chance.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.campaign import LABELS, SHARDS, Campaign
from bench.results import add_json_option, write_json
from bench.split_bins import read_bins, split_bins, write_shard
from stocktake.data.batches import ordered_batches
from stocktake.data.shards import ShardDataset, load
from stocktake.evaluation.comparison import mcnemar_exact
from stocktake.model.metrics import counting_metrics
from stocktake.model.network import ARCHITECTURES, Weights, create_model
from stocktake.model.preprocessing import Preprocessing
from stocktake.model.served_network import ServedNetwork, native_precision
from stocktake.training.hyperparameters import Hyperparameters

FORMATS = ("float32", "bfloat16")


@torch.inference_mode()
def predict(architecture: str, weights: Weights, precision: str, test: ShardDataset) -> Tensor:
    """Probabilities of each label, as the evaluation computes them."""
    model = create_model(architecture, len(LABELS)).eval()
    model.load_state_dict(weights)
    served = ServedNetwork(architecture, model, precision)
    batches = load(test, ordered_batches(len(test), 32))
    return torch.cat([served(test.preprocessing.normalise(pixels)).softmax(1) for pixels, _ in batches])


def main() -> None:
    parser = argparse.ArgumentParser(description="Accuracy of the number formats, paired.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    add_json_option(parser)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="mobilenet_v2")
    parser.add_argument("--weights", type=Path, help="a state_dict file, alone in its folder; random weights without")
    parser.add_argument("--images", type=int, help="use only so many")
    parser.add_argument("--epochs", type=int, default=10)
    asked = parser.parse_args()
    base = Hyperparameters(
        asked.architecture, "channel" if asked.weights else "none", labels=LABELS, epochs=asked.epochs, lr=0.001
    )
    splits = split_bins(read_bins(asked.source, LABELS)[: asked.images])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number in range(SHARDS):
            write_shard(folder / f"shards/train/{number}/train-{number:05}.tar", splits["train"][number::SHARDS])
        for split in ("valid", "test"):
            write_shard(folder / f"shards/{split}/{split}-00000.tar", splits[split])
        campaign = Campaign(folder, asked.weights, base)
        campaign.extract()
        _, training, start = campaign.train("features", base)
        test = ShardDataset("test", folder / "shards/test", LABELS, Preprocessing(base.image_size))
        weights = start.served(training.progress.best_weights)
        probabilities = {name: predict(asked.architecture, weights, name, test) for name in FORMATS}
    counts = [sample.count for sample in test.samples]
    truth = torch.tensor([LABELS.index(count) for count in counts])
    right = {name: found.argmax(1) == truth for name, found in probabilities.items()}
    only = {name: int((right[name] & ~right[other]).sum()) for name, other in (FORMATS, FORMATS[::-1])}
    agree = probabilities["float32"].argmax(1) == probabilities["bfloat16"].argmax(1)
    result: dict[str, Any] = {
        "architecture": asked.architecture,
        "native": native_precision(),
        "images": len(counts),
        "formats": {name: counting_metrics(found, counts, LABELS) for name, found in probabilities.items()},
        "onlyRightIn": only,
        "mcnemar": mcnemar_exact(*only.values()),
        "otherAnswers": int((~agree).sum()),
        "largestDifference": float((probabilities["float32"] - probabilities["bfloat16"]).abs().max()),
    }
    for name, metrics in result["formats"].items():
        low, high = metrics["interval"]
        print(f"{name:<9} accuracy {metrics['accuracy']:.4f} ({low:.4f} to {high:.4f}), {only[name]} right only here")
    print(
        f"{len(counts)} photos, {result['otherAnswers']} answered otherwise, McNemar p {result['mcnemar']:.2f}, "
        f"probabilities differ by {result['largestDifference']:.4f} at most"
    )
    write_json(asked.json, result)


if __name__ == "__main__":
    main()
