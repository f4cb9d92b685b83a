"""What is served computes what was trained: batch norm folded away, in the number format that was evaluated."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from stocktake.model.network import ARCHITECTURES, create_model, head_name
from stocktake.model.served_network import ServedNetwork, native_precision


def trained(architecture: str) -> nn.Module:
    """A network whose batch norms do something, as after training."""
    torch.manual_seed(0)
    network = create_model(architecture, 3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


def images(number: int = 2) -> Tensor:
    return torch.randn(number, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@torch.inference_mode()
def test_folding_changes_no_answer_and_leaves_no_batch_norm(architecture: str) -> None:
    # given
    network = trained(architecture)
    expected = network(images()).softmax(1)
    # when
    served = ServedNetwork(architecture, network, "float32")
    # then
    assert torch.allclose(served(images()).softmax(1), expected, atol=1e-4)
    assert not [name for name, module in served.named_modules() if isinstance(module, nn.BatchNorm2d)]


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_the_trunk_takes_the_format_and_channels_last_and_the_head_stays_in_float32(architecture: str) -> None:
    network = trained(architecture)
    head = network.get_submodule(head_name(architecture))
    served = ServedNetwork(architecture, network, "bfloat16")
    assert {weight.dtype for weight in served.trunk.parameters()} == {torch.bfloat16}
    assert {weight.dtype for weight in head.parameters()} == {torch.float32}
    kernels = [part.weight for part in served.trunk.modules() if isinstance(part, nn.Conv2d) and part.groups == 1]
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    assert served(images()).dtype == torch.float32


@torch.inference_mode()
def test_in_bfloat16_a_batch_gives_the_answers_of_single_photos() -> None:
    """The evaluation asks in batches, the endpoint one by one, and both promise the same."""
    served = ServedNetwork("resnet18", trained("resnet18"), "bfloat16")
    batch = served(images(8)).softmax(1)
    singles = torch.cat([served(image.unsqueeze(0)) for image in images(8)]).softmax(1)
    assert torch.allclose(batch, singles, atol=1e-3)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags\t\t: fpu sse avx512f avx512_vnni", "float32"),
        ("flags\t\t: fpu avx512f avx512_bf16", "bfloat16"),
        ("flags\t\t: amx_bf16 amx_tile", "bfloat16"),
        ("vmx flags\t: amx_bf16", "float32"),
        ("Features\t: fp asimd bf16", "float32"),
    ],
)
def test_the_format_is_one_that_the_processor_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str, expected: str
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}\n\nprocessor\t: 1\n{flags}\n")
    monkeypatch.setattr("stocktake.model.network.processor_flags.__defaults__", (tmp_path / "cpuinfo",))
    assert native_precision() == expected


def test_a_machine_without_that_file_computes_in_float32(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("stocktake.model.network.processor_flags.__defaults__", (tmp_path / "absent",))
    assert native_precision() == "float32"
