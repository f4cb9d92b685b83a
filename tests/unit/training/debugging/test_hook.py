"""What the hook saves, when, and that a training is the same with it."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from torch import Tensor, nn
from watched_trainings import CPU, perceptron, points, train

from stocktake.debugging import DebuggingSession
from stocktake.debugging.saved_tensors import SavedTensors


def saved(folder: Path) -> SavedTensors:
    tensors = SavedTensors.read(folder)
    assert tensors is not None
    return tensors


def one_step(
    model: nn.Module, folder: Path, inputs: Tensor, loss: Callable[[Tensor], Tensor], **options: Any
) -> SavedTensors:
    """The tensors saved in a single training step."""
    with DebuggingSession(model, nn.CrossEntropyLoss(), folder, CPU, 1, **options):
        loss(model(inputs)).backward()
    return saved(folder / "tensors")


def test_a_training_ends_with_the_same_weights_with_a_hook_and_without(tmp_path: Path) -> None:
    watched, unwatched = perceptron(), perceptron()
    train(watched, tmp_path, epochs=2, trace=True)
    train(unwatched, tmp_path, epochs=2, save_interval=0)
    for one, other in zip(watched.parameters(), unwatched.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_first_steps_are_saved_and_then_one_an_interval(tmp_path: Path) -> None:
    train(perceptron(), tmp_path, epochs=1, save_interval=30)
    tensors = saved(tmp_path / "tensors")
    assert tensors.steps("gradient/Sequential_0.weight") == [*range(10), 30, 60]
    assert tensors.steps("1.relu_input_0") == [*range(10), 30, 60]
    assert tensors.steps("CrossEntropyLoss_output_0") == [*range(10), 30, 60]


def test_of_a_validation_nothing_is_saved(tmp_path: Path) -> None:
    from smdebug.pytorch import modes

    train(perceptron(), tmp_path, epochs=2)
    trial = saved(tmp_path / "tensors").trial
    assert list(trial.modes()) == [modes.TRAIN]


def test_a_resumed_training_goes_on_counting(tmp_path: Path) -> None:
    train(perceptron(), tmp_path, epochs=1, save_interval=30, first_step=100)
    tensors = saved(tmp_path / "tensors")
    assert tensors.steps("gradient/Sequential_0.weight") == [120, 150]


@pytest.mark.parametrize("left", ["a finished run", "an interrupted run"])
def test_what_an_earlier_run_left_is_replaced(tmp_path: Path, left: str) -> None:
    # given
    train(perceptron(), tmp_path, epochs=2)
    if left == "an interrupted run":
        (tmp_path / "tensors/training_job_end.ts").unlink()
        (tmp_path / "tensors/claim.smd").touch()
    # when
    train(perceptron(), tmp_path, epochs=1, save_interval=30)
    # then
    assert max(saved(tmp_path / "tensors").steps("1.relu_input_0")) == 60


def test_the_input_of_a_relu_is_saved_although_it_is_overwritten(tmp_path: Path) -> None:
    # given what torchvision's networks do: ReLUs in place, one used twice, some within a sequence
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU(inplace=True)
            self.rest = nn.Sequential(nn.Linear(16, 2), nn.ReLU6(inplace=True))

        def forward(self, inputs: Tensor) -> Tensor:
            result: Tensor = self.rest(self.relu(self.relu(inputs + 0) - 1))
            return result

    model = Block()
    inputs = torch.randn(8, 16)
    # when
    tensors = one_step(model, tmp_path, inputs, lambda outputs: outputs.sum())
    # then
    assert tensors.relu_inputs() == ["relu_input_0", "relu_input_1", "rest.1.relu_input_0"]
    expected = {
        "relu_input_0": inputs,
        "relu_input_1": inputs.relu() - 1,
        "rest.1.relu_input_0": model.rest[0]((inputs.relu() - 1).relu()),
    }
    for name, values in expected.items():
        for reduction, value in (("mean", values.mean()), ("std", values.std())):
            found = tensors.reduction(name, 0, reduction)
            assert found == pytest.approx(value.item(), rel=1e-5), (name, reduction)


def test_activations_in_bfloat16_are_saved(tmp_path: Path) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        tensors = one_step(perceptron(), tmp_path, points(32, 0)[0], lambda outputs: outputs.float().sum())
    assert 0 < tensors.reduction("1.relu_input_0", 0, "std") < 10


def test_gradients_are_saved_without_the_scale_of_the_loss(tmp_path: Path) -> None:
    model = nn.Linear(16, 2)
    inputs = points(64, 0)[0]
    tensors = one_step(
        model, tmp_path, inputs, lambda outputs: 1024 * outputs.square().mean(), loss_scale=lambda: 1024.0
    )
    assert model.weight.grad is not None
    gradient = model.weight.grad / 1024
    name = "gradient/Linear_weight"
    assert tensors.reduction(name, 0, "mean", absolute=True) == pytest.approx(gradient.abs().mean().item())
    low, high = tensors.value(f"percentiles/{name}", 0)
    assert low == pytest.approx(gradient.quantile(0.05).item())
    assert high == pytest.approx(gradient.quantile(0.95).item())


def test_a_loss_of_another_name_is_found_among_the_losses(tmp_path: Path) -> None:
    class Ordinal(nn.Module):
        def forward(self, logits: Tensor) -> Tensor:
            return logits.square().mean()

    model, loss = nn.Linear(16, 2), Ordinal()
    with DebuggingSession(model, loss, tmp_path, CPU, 1):
        value = loss(model(points(8, 0)[0]))
    assert saved(tmp_path / "tensors").losses() == {0: pytest.approx(value.item())}


def test_a_network_is_no_longer_watched_when_its_training_is_over(tmp_path: Path) -> None:
    model = perceptron()
    train(model, tmp_path, epochs=1, save_interval=1)
    before = sorted(tmp_path.rglob("*"))
    for _ in range(3):
        model(points(8, 0)[0]).sum().backward()
    assert sorted(tmp_path.rglob("*")) == before


def test_the_configuration_that_sagemaker_provides_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a job that was created with a hook configuration, which asks for whole gradients
    local = tmp_path / "as-sagemaker-says"
    configuration = {
        "S3OutputPath": "s3://bucket/debug",
        "LocalPath": str(local),
        "HookParameters": {"save_interval": "20"},
        "CollectionConfigurations": [
            {"CollectionName": "gradients", "CollectionParameters": None},
            {
                "CollectionName": "losses",
                "CollectionParameters": {"train.save_interval": "5", "eval.save_interval": "1"},
            },
        ],
    }
    file = tmp_path / "debughookconfig.json"
    file.write_text(json.dumps(configuration))
    monkeypatch.setenv("SMDEBUG_CONFIG_FILE_PATH", str(file))
    monkeypatch.setenv("TRAINING_JOB_NAME", "within-sagemaker")
    # when
    watched = train(perceptron(), tmp_path / "output", epochs=2)
    # then
    tensors = saved(local)
    assert not (tmp_path / "output/tensors").exists()
    assert tensors.steps("gradient/Sequential_0.weight") == list(range(0, 128, 20))
    assert tensors.steps("CrossEntropyLoss_output_0") == list(range(0, 128, 5))
    assert tensors.value("gradient/Sequential_0.weight", 0).shape == (32, 16)
    assert not tensors.relu_inputs()
    verdicts = watched.evaluate_rules()
    assert set(verdicts) == {"vanishing_gradient", "overfit", "overtraining", "loss_not_decreasing"}
    assert {verdict["status"] for verdict in verdicts.values()} == {"NoIssuesFound"}


def test_a_configuration_that_cannot_be_read_leaves_the_training_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "debughookconfig.json"
    file.write_text("{")
    monkeypatch.setenv("SMDEBUG_CONFIG_FILE_PATH", str(file))
    watched = train(perceptron(), tmp_path / "output", epochs=1)
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("debugging: hooks are off, so that no rule looks at tensors (JSONDecodeError: ")
    assert set(watched.evaluate_rules()) == {"overfit"}


def test_a_full_disk_stops_saving_and_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a disk that is full from the third record on, which smdebug's thread finds out
    from smdebug.core.tfevent.events_writer import EventsWriter

    write, records = EventsWriter.write_event, iter(range(3))

    def write_event(self: Any, event: Any) -> Any:
        if next(records, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, event)

    monkeypatch.setattr(EventsWriter, "write_event", write_event)
    # when
    model = perceptron()
    before = model[0].weight.detach().clone()
    watched = train(model, tmp_path, epochs=1)
    # then
    assert not torch.equal(model[0].weight, before)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "nothing is saved" in line]
    assert line.startswith("debugging: nothing is saved from step 0 on (OSError: [Errno 28] No space left on device")
    watched.evaluate_rules()


def test_an_error_of_smdebug_while_a_gradient_is_saved_does_not_reach_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from stocktake.debugging import hook

    def fail(_: Tensor) -> NoReturn:
        raise ValueError("no percentile")

    train(perceptron(), tmp_path, epochs=1)  # so that nothing is imported for the first time below
    monkeypatch.setattr(hook, "percentiles", fail)
    train(perceptron(), tmp_path, epochs=1)
    assert capsys.readouterr().out == "debugging: nothing is saved from step 0 on (ValueError: no percentile)\n"
