"""How many photos an endpoint's instance answers, for autoscaling's target and the latency alarm's threshold.

An estimate to the safe side, from the one table below. Which network a model package holds is known to executions
only: the slowest of the deployment's default `architectures` counts.
"""

from math import ceil

from stacks.settings import DeploymentSettings

MILLISECONDS = {
    "resnet18": (45, 25),
    "resnet34": (85, 45),
    "resnet50": (110, 60),
    "resnet101": (190, 105),
    "resnet152": (275, 150),
    "mobilenet_v2": (13, 11),
}
"""Of one photo of 224 x 224 on one core of an AMD EPYC (Zen 4) whose other cores are busy: in float32, in bfloat16."""

_COMPUTE_BFLOAT16 = ("m7i", "c7i", "r7i", "m8i", "c8i", "r8i")
_THREADS_A_CORE = 2
"""An instance's vCPU is a thread, and two share what a core computes with."""

QUEUE = 16
MAXIMUM_PHOTOS = 32
"""As the serving application has them: that wait for a worker, and of a request."""
_DECODING = 1000
"""Milliseconds: the largest photos take so long."""


def photos_a_minute(settings: DeploymentSettings) -> int:
    """What an instance answers when it does nothing else."""
    return int(_threads(settings.endpoint_instance_type) * 60_000 / _milliseconds(settings))


def slowest_sound_answer(settings: DeploymentSettings) -> int:
    """Milliseconds that the largest request takes behind a full queue. What takes longer does not run as it should."""
    turns = QUEUE + ceil(MAXIMUM_PHOTOS / _threads(settings.endpoint_instance_type))
    return int(turns * _milliseconds(settings)) + _DECODING


def _milliseconds(settings: DeploymentSettings) -> float:
    """Of one photo on one vCPU, its neighbour being as busy."""
    family = settings.endpoint_instance_type.split(".")[1].split("-")[0]
    format_ = int(family in _COMPUTE_BFLOAT16)
    return _THREADS_A_CORE * max(MILLISECONDS[name][format_] for name in settings.default_architectures)


def _threads(instance_type: str) -> int:
    """An instance's vCPUs, by its size; two where the size does not say."""
    size = instance_type.split(".")[2]
    return 4 * int(size.removesuffix("xlarge") or 1) if size.endswith("xlarge") and "metal" not in size else 2
