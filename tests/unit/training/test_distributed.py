"""Several processes train to the result of one, and measure exactly."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from synthetic_shards import write_split
from test_train_job import CODE, INTERPRETER, arguments, job_environment

from stocktake.model.network import Network, create_head
from stocktake.training.distributed import World, joined_world
from stocktake.training.losses import CountingLoss
from stocktake.training.weights import starting_head, starting_trunk


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that nobody else is given meanwhile: bound here and not listened on, so torch's store may bind it, too."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def run(root: Path, channels: list[dict[str, Path]], **hyperparameters: str) -> tuple[list[str], list[int]]:
    """Train by so many processes, each with channels of its own; what they printed, and their exit codes."""
    with reserved_port() as port:
        return run_at(port, root, channels, **hyperparameters)


def run_at(
    port: int, root: Path, channels: list[dict[str, Path]], **hyperparameters: str
) -> tuple[list[str], list[int]]:
    environment = os.environ | job_environment(root, channels[0])
    world = {
        "WORLD_SIZE": str(len(channels)),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, str(CODE / "train.py"), *arguments(**hyperparameters)],
            env=environment
            | INTERPRETER
            | world
            | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            | {f"SM_CHANNEL_{name.upper()}": str(folder) for name, folder in own.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank, own in enumerate(channels)
    ]
    try:
        outputs = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return outputs, [process.returncode for process in processes]


class Trained:
    """What a training by several processes left, which has to have succeeded."""

    def __init__(self, root: Path, channels: list[dict[str, Path]], **hyperparameters: str):
        self.outputs, codes = run(root, channels, **hyperparameters)
        assert codes == [0] * len(channels), self.outputs
        self.weights: dict[str, torch.Tensor] = torch.load(root / "model/model.pt")
        self.description = json.loads((root / "model/model.json").read_text())
        self.history: list[dict[str, float]] = self.description["training"]["history"]


@pytest.fixture(scope="module")
def replicated(splits: Path) -> dict[str, Path]:
    return {split: splits / split for split in ("train", "valid")}


def assert_equal(one: Trained, two: Trained, tolerance: float = 1e-5) -> None:
    for name, value in one.weights.items():
        assert torch.allclose(value.double(), two.weights[name].double(), rtol=0, atol=tolerance), name
    for here, there in zip(one.history, two.history, strict=True):
        for measure in ("train:loss", "validation:loss"):
            assert here[measure] == pytest.approx(there[measure], abs=tolerance), measure
        for measure in ("train:accuracy", "validation:accuracy"):
            assert here[measure] == there[measure], measure
    assert one.description["temperature"] == pytest.approx(two.description["temperature"], rel=100 * tolerance)


@pytest.fixture
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """bfloat16 rounds sums of another order to other values; ATEN_CPU_CAPABILITY hides that it is there."""
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")


@pytest.mark.usefixtures("in_float32")
def test_two_processes_train_to_the_result_of_one_at_the_same_global_batch(
    tmp_path: Path, replicated: dict[str, Path]
) -> None:
    # 45 images in batches of 22 leave a last one of 1, which is left out
    recipe = {"trainable": "head", "epochs": "3", "batch-size": "22", "lr": "1e-3"}
    one = Trained(tmp_path / "one", [replicated], **recipe)
    two = Trained(tmp_path / "two", [replicated, replicated], **recipe)
    assert_equal(one, two)
    # and every line is printed once
    assert len(re.findall(r"^epoch=", "".join(two.outputs), re.MULTILINE)) == 3


@pytest.mark.usefixtures("in_float32")
def test_two_processes_change_and_weigh_each_photo_as_one_does(tmp_path: Path, replicated: dict[str, Path]) -> None:
    # given the recipe for the whole network, so slow that losses tell of photos and statistics and not of rounding
    write_split(tmp_path, "uncounted", 13, seed=5, counts=(0, 4, 9))
    channels = replicated | {"uncounted": tmp_path / "uncounted"}
    recipe = {"recipe": "fine-tuning", "trainable": "layer4", "epochs": "2", "batch-size": "20", "lr": "1e-6"}
    # when
    one = Trained(tmp_path / "one", [channels], **recipe)
    two = Trained(tmp_path / "two", [channels, channels], **recipe)
    # then
    assert "training images=58 " in one.outputs[0]
    assert (one.description["mirrored"], one.description["one_off_worth"]) == (True, 0.4)
    # (batch norm over a 2x2 grid makes more of rounding; another photo's changes move statistics by whole tenths)
    assert_equal(one, two, tolerance=1e-3)


@pytest.mark.usefixtures("in_float32")
def test_metrics_count_every_image_once_whatever_the_number_of_processes(
    tmp_path: Path, replicated: dict[str, Path]
) -> None:
    """12 validation images on 5 processes: a sampler that fills up would count some twice."""
    recipe = {"trainable": "head", "epochs": "1", "batch-size": "8"}
    one = Trained(tmp_path / "one", [replicated], **recipe)
    five = Trained(tmp_path / "five", [replicated] * 5, **recipe)
    assert_equal(one, five)


def test_instances_with_shards_of_their_own_learn_from_all_of_them(
    tmp_path: Path, splits: Path, replicated: dict[str, Path]
) -> None:
    # given one of two unequal shards on each of two instances
    parts: list[dict[str, Path]] = []
    for number, images in enumerate((30, 9)):
        write_split(tmp_path / str(number), "train", images, seed=number)
        parts.append(replicated | {"train": tmp_path / str(number) / "train"})
    # when
    trained = Trained(tmp_path / "sharded", parts, trainable="head", epochs="2", **{"batch-size": "10"})
    # then each epoch's accuracy is a share of all 39 images
    assert "training images=39 validation images=12" in trained.outputs[0]
    # (and each instance goes on from the checkpoint that the first one wrote for all)
    again = Trained(tmp_path / "sharded", parts, trainable="head", epochs="2", **{"batch-size": "10"})
    assert "resumed epoch=3 batch=0" in again.outputs[0]
    assert all(torch.equal(value, again.weights[name]) for name, value in trained.weights.items())
    for row in trained.history:
        assert row["train:accuracy"] * 39 == pytest.approx(round(row["train:accuracy"] * 39), abs=1e-9)


def test_a_failure_in_several_processes_ends_them_with_its_sentence(
    tmp_path: Path, replicated: dict[str, Path]
) -> None:
    outputs, codes = run(tmp_path / "diverging", [replicated] * 2, trainable="all", lr="1e30", epochs="1")
    assert codes == [1, 1], outputs
    assert "Training diverged in epoch 1" in (tmp_path / "diverging/output/failure").read_text()


def join(rank: int, size: int, port: int) -> None:
    """Set this process up as torchrun would."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank), "MASTER_PORT": str(port)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
    torch.set_num_threads(1)


def backward(world: World) -> Network:
    """A network with the gradients of one process's part of a batch of 15 images."""
    network = Network("resnet18", starting_trunk("resnet18", 0, None), create_head("resnet18", 3), "all").train()
    network.head.load_state_dict(starting_head("resnet18", 3, 0, None).state_dict())
    model = world.wrap(network, torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    images, targets = torch.rand(15, 3, 64, 64, generator=generator), torch.arange(15) % 3
    part = torch.arange(15)[world.rank :: world.size]
    loss = CountingLoss("cross-entropy", (1, 2, 3))(model(images[part]), targets[part])
    (loss * len(part) * world.size / 15).backward()
    return network


def gradients(rank: int, size: int, port: int, folder: Path) -> None:
    """Save what one process of so many computes."""
    join(rank, size, port)
    with joined_world() as world:
        network = backward(world)
        if world.is_main:
            found = {name: parameter.grad for name, parameter in network.named_parameters()}
            statistics = {name: value for name, value in network.named_buffers() if "running" in name}
            torch.save(found | statistics, folder / f"{size}.pt")


def gloo_threads() -> int:
    """How many threads gloo has in this process."""
    return sum(name.read_text().startswith("pt_gloo") for name in Path("/proc/self/task").glob("*/comm"))


def count_threads(rank: int, size: int, port: int, folder: Path) -> None:
    """Save how many threads gloo has while the processes train, and how many after."""
    join(rank, size, port)
    with joined_world() as world:
        network = backward(world)  # which lives on, as train.py's does
        during = gloo_threads()
    (folder / f"{rank}.json").write_text(json.dumps([during, gloo_threads(), len(list(network.parameters()))]))


def meet(rank: int, size: int, port: int, folder: Path, interface: str) -> None:
    """Save how the processes' meeting went where SageMaker names that interface and nobody another."""
    join(rank, size, port)
    del os.environ["GLOO_SOCKET_IFNAME"]
    os.environ["SM_NETWORK_INTERFACE_NAME"] = interface
    try:
        with joined_world() as world:
            ended = f"met {world.size} over {os.environ['GLOO_SOCKET_IFNAME']} {os.environ['NCCL_SOCKET_IFNAME']}"
    except RuntimeError as error:
        ended = str(error)
    (folder / f"{rank}.txt").write_text(ended)


@pytest.mark.parametrize(("interface", "told"), [("lo", "met 2 over lo lo"), ("absent0", "absent0")])
def test_processes_meet_on_the_interface_that_sagemaker_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interface: str, told: str
) -> None:
    """Given an interface that does not exist, gloo says so: it did not look for another."""
    monkeypatch.setenv("PYTHONPATH", INTERPRETER["PYTHONPATH"])
    with reserved_port() as port:
        torch.multiprocessing.spawn(meet, (2, port, tmp_path, interface), nprocs=2)
    for rank in range(2):
        assert told in (tmp_path / f"{rank}.txt").read_text()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_no_thread_of_gloo_outlives_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lets go of a last tensor while Python ends aborts the process, and the finished job fails."""
    monkeypatch.setenv("PYTHONPATH", INTERPRETER["PYTHONPATH"])
    with reserved_port() as port:
        torch.multiprocessing.spawn(count_threads, (2, port, tmp_path), nprocs=2)
    for rank in range(2):
        during, after, _ = json.loads((tmp_path / f"{rank}.json").read_text())
        assert during > 0
        assert after == 0


def test_a_flag_is_asked_of_other_processes_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the GPU, every training step would wait until the GPU has done it."""
    groups, asked = [], []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.set_device", lambda _number: None)
    for name, replacement in {
        "init_process_group": lambda backend, **_: groups.append(backend),
        "get_rank": lambda: 0,
        "destroy_process_group": lambda: None,
        "all_reduce": lambda tensor: asked.append(tensor.device.type),
    }.items():
        monkeypatch.setattr(f"torch.distributed.{name}", replacement)
    # given two processes with a GPU each
    with joined_world() as world:
        assert not world.any(False)
        assert world.any(True)
    # then gloo reduces on the CPU, beside NCCL on the GPUs
    assert groups == ["cpu:gloo,cuda:nccl"]
    assert asked == ["cpu", "cpu"]


def test_where_the_whole_network_learns_gradients_and_batch_norm_are_those_of_the_whole_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adam makes a whole step of a gradient's last digit, so the gradients are compared and not what comes of them."""
    monkeypatch.setenv("PYTHONPATH", INTERPRETER["PYTHONPATH"])
    # when one process computes a batch of 15, and two compute 8 and 7 of it
    for size in (1, 2):
        with reserved_port() as port:
            torch.multiprocessing.spawn(gradients, (size, port, tmp_path), nprocs=size)
    # then they agree to the accuracy of float32, measured by the largest of each tensor
    one, two = torch.load(tmp_path / "1.pt"), torch.load(tmp_path / "2.pt")
    assert set(one) == set(two)
    for name, value in one.items():
        assert (value - two[name]).abs().max() <= 1e-4 * value.abs().max() + 1e-7, name
