"""What the contract allows and a deployment cannot do: told by Plan, and at synth of the deployment's own defaults."""

from collections.abc import Iterator, Sequence

from run import instances
from run.contract import ExecutionInput, InvalidInput


def check_deployment(completed: ExecutionInput, source_buckets: Sequence[str], managed_debugger: bool) -> None:
    """Refuse what this deployment cannot do. Raises InvalidInput, with one sentence for each fault."""
    faults = list(source_faults(completed.dataset.source, source_buckets))
    instance_type = completed.training.instance_type
    if requirement := instances.training_requirement(instance_type, completed.trainable):
        faults.append(f'training.instanceType: "{instance_type}" was given; must be {requirement}')
    head = completed.training.head_instance_type
    if head and (requirement := instances.training_requirement(head, "all")):
        faults.append(f'training.headInstanceType: "{head}" was given; must be {requirement}')
    if managed_debugger and completed.training.instance_count > 1:
        faults.append(
            f"training.instanceCount: {completed.training.instance_count} was given; must be 1: SageMaker's Debugger, "
            "which the setting managedDebugger switches on, supports no checkpoints on several instances"
        )
    if faults:
        raise InvalidInput("\n".join(faults))


def source_faults(source: str, source_buckets: Sequence[str]) -> Iterator[str]:
    """A sentence if a source lies in a bucket that this deployment may not read."""
    if source.removeprefix("s3://").partition("/")[0] not in source_buckets:
        yield (
            f'dataset.source: "{source}" was given; must be in one of the buckets {", ".join(source_buckets)}, or its '
            "bucket must be added to the setting sourceBuckets"
        )
