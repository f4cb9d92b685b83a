"""How many photos an endpoint's instance answers, for autoscaling's target and the latency alarm's threshold.

An estimate to the safe side, from the one table in `lambda/costs/speed.py`. Which network a model package holds is
known to executions only: the slowest of the deployment's default `architectures` counts, and its default recipe.
"""

from math import ceil

from costs.speed import MILLISECONDS, THREADS_A_CORE, computes_bfloat16, vcpus
from run.recipes import PASSES
from stacks.settings import DeploymentSettings

QUEUE = 16
MAXIMUM_PHOTOS = 32
"""As the serving application has them: that wait for a worker, and of a request."""
_DECODING = 1000
"""Milliseconds: the largest photos take so long."""


def photos_a_minute(settings: DeploymentSettings) -> int:
    """What an instance answers when it does nothing else."""
    return int(vcpus(settings.endpoint_instance_type) * 60_000 / _milliseconds(settings))


def slowest_sound_answer(settings: DeploymentSettings) -> int:
    """Milliseconds that the largest request takes behind a full queue. What takes longer does not run as it should."""
    turns = QUEUE + ceil(MAXIMUM_PHOTOS / vcpus(settings.endpoint_instance_type))
    return int(turns * _milliseconds(settings)) + _DECODING


def _milliseconds(settings: DeploymentSettings) -> float:
    """Of one photo on one vCPU, its neighbour being as busy."""
    format_ = int(computes_bfloat16(settings.endpoint_instance_type))
    slowest = max(MILLISECONDS[name][format_] for name in settings.default_architectures)
    return THREADS_A_CORE * PASSES[settings.default_recipe] * slowest
