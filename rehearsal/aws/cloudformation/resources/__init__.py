"""The types of resources that the rehearsal can deploy."""

from __future__ import annotations

from rehearsal.aws.cloudformation.resource_type import ResourceFailed, ResourceType
from rehearsal.aws.cloudformation.resources import compute, identity, machine_learning, monitoring, storage

_TYPES: dict[str, ResourceType] = {
    kind.name: kind()
    for kind in (
        compute.Function,
        compute.LayerVersion,
        compute.Permission,
        compute.Rule,
        compute.Schedule,
        compute.StateMachine,
        identity.ManagedPolicy,
        identity.Policy,
        identity.Role,
        machine_learning.Endpoint,
        machine_learning.EndpointConfig,
        machine_learning.Model,
        machine_learning.ModelPackageGroup,
        machine_learning.ScalableTarget,
        machine_learning.ScalingPolicy,
        monitoring.Alarm,
        monitoring.Budget,
        monitoring.Dashboard,
        monitoring.Queue,
        monitoring.QueuePolicy,
        monitoring.Subscription,
        monitoring.Topic,
        monitoring.TopicPolicy,
        storage.Bucket,
        storage.BucketPolicy,
        storage.LogGroup,
        storage.Parameter,
        storage.Repository,
        storage.Table,
    )
}


def resource_type(name: str) -> ResourceType:
    """The type by its CloudFormation name.

    Raises
    ------
    ResourceFailed
        The rehearsal does not know it.
    """
    if name not in _TYPES:
        raise ResourceFailed(
            f"The rehearsal cannot deploy {name}. Leave it out of the rehearsed application, "
            "or add it to rehearsal/aws/cloudformation/resources."
        )
    return _TYPES[name]
