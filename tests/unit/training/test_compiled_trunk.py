"""The compiled trunk: the very same features, or the trunk as it is."""

import shutil
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from stocktake.data import compiled_trunk
from stocktake.data.compiled_trunk import CompiledTrunk, in_bfloat16


class Trunk(nn.Module):
    """What ResNets and MobileNets are made of, with statistics as training leaves them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU6(inplace=True))
        self.second = nn.Sequential(nn.Conv2d(24, 24, 3, padding=1, groups=24, bias=False), nn.BatchNorm2d(24))
        for module in self.modules():
            if (
                isinstance(module, nn.BatchNorm2d)
                and module.running_mean is not None
                and module.running_var is not None
            ):
                nn.init.uniform_(module.weight, 0.2, 2)
                nn.init.normal_(module.bias)
                module.running_mean.normal_()
                module.running_var.uniform_(0.05, 3)
        self.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def forward(self, images: Tensor) -> Tensor:
        first = self.first(images)
        return nn.functional.adaptive_avg_pool2d((first + self.second(first)).relu_(), (1, 1)).flatten(1)


def batch(images: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(images, 3, 48, 48, generator=generator).to(memory_format=torch.channels_last)


@pytest.fixture
def under_autocast() -> Iterator[None]:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        yield


@pytest.fixture
def trunk() -> Trunk:
    return Trunk()


def used(monkeypatch: pytest.MonkeyPatch, compiled: Callable[[nn.Module], Callable[[Tensor], Tensor]]) -> list[int]:
    """Compile so, however short the work is; how many images each compiled call has got."""
    calls: list[int] = []

    def compile(module: nn.Module, **_: object) -> Callable[[Tensor], Tensor]:
        function = compiled(module)
        return lambda images: calls.append(len(images)) or function(images)

    monkeypatch.setattr(compiled_trunk, "WORTHWHILE", 0.0)
    monkeypatch.setattr("torch.compile", compile)
    return calls


@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler here")
@pytest.mark.usefixtures("under_autocast")
def test_compiled_features_are_those_of_the_trunk_bit_for_bit(
    trunk: Trunk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compile = torch.compile
    calls = used(monkeypatch, lambda module: compile(module, dynamic=False, options=compiled_trunk.OPTIONS))
    faster = CompiledTrunk(trunk, batch_size=16, batches=100)
    # when batches come, the last one smaller
    for seed, images in enumerate((16, 16, 16, 16, 5)):
        photos = batch(images, seed)
        assert torch.equal(faster(photos), trunk(photos)), seed
    # then the second one was computed both ways, and all whole ones after it by compiled code alone
    assert calls == [16, 16, 16]
    assert "its values are the same" in capsys.readouterr().out


@pytest.mark.usefixtures("under_autocast")
def test_code_that_gives_other_values_is_not_used(
    trunk: Trunk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given code that rounds one value of all to its neighbour
    def inexact(module: nn.Module) -> Callable[[Tensor], Tensor]:
        def compute(images: Tensor) -> Tensor:
            features: Tensor = module(images)
            features[3, 5] *= 1.01
            return features

        return compute

    calls = used(monkeypatch, inexact)
    faster = CompiledTrunk(trunk, batch_size=8, batches=100)
    for seed in range(4):
        assert torch.equal(faster(batch(8, seed)), trunk(batch(8, seed)))
    assert calls == [8]
    assert "not used, as its values differ" in capsys.readouterr().out


@pytest.mark.usefixtures("under_autocast")
def test_without_a_compiler_the_trunk_goes_on_as_it_is(
    trunk: Trunk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(_module: nn.Module) -> Callable[[Tensor], Tensor]:
        raise RuntimeError("No working C++ compiler found in torch._inductor.config.cpp.cxx\nSet CXX.")

    used(monkeypatch, missing)
    faster = CompiledTrunk(trunk, batch_size=8, batches=100)
    for seed in range(4):
        assert torch.equal(faster(batch(8, seed)), trunk(batch(8, seed)))
    said = capsys.readouterr().out
    assert (
        said == "The trunk is not compiled: No working C++ compiler found in torch._inductor.config.cpp.cxx Set CXX.\n"
    )


@pytest.mark.usefixtures("under_autocast")
def test_work_of_seconds_is_not_compiled(trunk: Trunk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.compile", lambda *_, **__: pytest.fail("compiled"))
    faster = CompiledTrunk(trunk, batch_size=8, batches=10)
    for seed in range(4):
        faster(batch(8, seed))


@pytest.mark.usefixtures("under_autocast")
def test_the_trunk_itself_is_left_as_it_was(trunk: Trunk) -> None:
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    in_bfloat16(trunk)(batch(2, 0).bfloat16())
    assert all(torch.equal(value, before[name]) for name, value in trunk.state_dict().items())
    assert {value.dtype for value in trunk.parameters()} == {torch.float32}
