"""How fast instances compute: the one table of assumptions behind estimates and the endpoint's capacity."""

MILLISECONDS = {
    "resnet18": (45, 25),
    "resnet34": (85, 45),
    "resnet50": (110, 60),
    "resnet101": (190, 105),
    "resnet152": (275, 150),
    "mobilenet_v2": (13, 11),
}
"""Of one photo of 224 x 224 on one core of an AMD EPYC (Zen 4) whose other cores are busy: in float32, in bfloat16."""

THREADS_A_CORE = 2
"""An instance's vCPU is a thread, and two share what a core computes with."""

_COMPUTE_BFLOAT16 = ("m7i", "c7i", "r7i", "m8i", "c8i", "r8i")

T4_PHOTOS = {
    "resnet18": 1200,
    "resnet34": 900,
    "resnet50": 600,
    "resnet101": 350,
    "resnet152": 240,
    "mobilenet_v2": 1200,
}
"""Photos a second through the trunk on ml.g4dn's GPU: assumed. The small networks wait for four vCPUs that decode."""

_TIMES_T4 = {"g4dn": 1.0, "g5": 2.5, "g6": 2.0, "g6e": 3.5, "p4d": 5.0, "p4de": 5.0, "p5": 10.0, "p5e": 10.0}
"""One GPU of a family, by its computing power: assumed. Others count as a T4."""
_GPUS = {("g4dn", "12xlarge"): 4, ("g5", "12xlarge"): 4, ("g6", "12xlarge"): 4, ("g6e", "12xlarge"): 4}
_GPUS_BY_SIZE = {"24xlarge": 4, "48xlarge": 8, "metal": 8}

FEATURES_A_SECOND = 75_000
"""That a head learns from on two cores: ten trials of 15 epochs on 2,521 photos took 5 s (docs/training.md)."""

TIMES_FORWARD = {"all": 3.0, "layer4": 1.5}
"""What a training step costs, in passes through the trunk: assumed."""

_SIDE = 224


def vcpus(instance_type: str) -> int:
    """An instance's vCPUs, by its size; two where the size does not say."""
    size = instance_type.split(".")[2]
    return 4 * int(size.removesuffix("xlarge") or 1) if size.endswith("xlarge") and "metal" not in size else 2


def computes_bfloat16(instance_type: str) -> bool:
    """Whether its processors have instructions for it, so that networks run in it."""
    return _family(instance_type).split("-")[0] in _COMPUTE_BFLOAT16


def photos_a_second(instance_type: str, architecture: str, image_size: int, gpu: bool) -> float:
    """Photos that the whole instance takes through a trunk in a second."""
    pixels = (image_size / _SIDE) ** 2
    if gpu:
        return T4_PHOTOS[architecture] * _TIMES_T4.get(_family(instance_type), 1.0) * _gpus(instance_type) / pixels
    milliseconds = MILLISECONDS[architecture][int(computes_bfloat16(instance_type))]
    return vcpus(instance_type) / THREADS_A_CORE * 1000 / milliseconds / pixels


def _gpus(instance_type: str) -> int:
    family, size = _family(instance_type), instance_type.split(".")[2]
    if family.startswith("p4") or family.startswith("p5"):
        return 8 if size != "4xlarge" else 1
    return _GPUS.get((family, size), _GPUS_BY_SIZE.get(size, 1))


def _family(instance_type: str) -> str:
    return instance_type.split(".")[1]
