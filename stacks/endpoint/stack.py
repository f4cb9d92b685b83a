"""The inference endpoint, owned by CloudFormation and switched by one parameter.

`ModelPackageArn` names the approved model package that is served; the state machine's Deploy phase changes it, and
`cdk deploy` keeps the value it finds. While it is empty the model, the endpoint's configuration, its alarms and the
endpoint do not exist. An update is blue/green and rolls back by itself when the alarms fire.
"""

from typing import Any, cast

from aws_cdk import CfnCondition, CfnOutput, CfnParameter, CfnResource, DefaultStackSynthesizer, Fn, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.endpoint.alarms import rollback_alarms
from stacks.endpoint.role import endpoint_role
from stacks.endpoint.scaling import scaling
from stacks.endpoint.serving import endpoint, served
from stacks.endpoint.update_role import update_role
from stacks.settings import DeploymentSettings

PARAMETER = "ModelPackageArn"


class EndpointStack(Stack):
    """Model, endpoint configuration, endpoint, scaling and rollback alarms behind one parameter."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: DeploymentSettings,
        data_bucket: s3.IBucket,
        topic: sns.ITopic,
        **kwargs: Any,
    ) -> None:
        # The rule would add a parameter that reads SSM, and the role that updates this stack would need to read it too.
        super().__init__(
            scope, id, synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False), **kwargs
        )
        self.endpoint_name = settings.name
        package = CfnParameter(
            self,
            PARAMETER,
            type="String",
            default="",
            allowed_pattern=r"^$|^arn:[^:]+:sagemaker:[^:]+:\d+:model-package/.+$",
            description="Approved model package to serve; empty: no endpoint.",
        )
        has_model = CfnCondition(
            self, "HasModel", expression=Fn.condition_not(Fn.condition_equals(package.value_as_string, ""))
        )
        role = endpoint_role(self, settings, data_bucket)
        model, config = served(self, settings, package_arn=package.value_as_string, role=role, data_bucket=data_bucket)
        alarms = rollback_alarms(self, settings, topic, config)
        serving = endpoint(self, settings, config, alarms)
        watching = [cast(CfnResource, alarm.node.default_child) for alarm in alarms]
        for resource in [model, config, *watching, serving, *scaling(self, settings, serving)]:
            resource.cfn_options.condition = has_model
        self.update_role = update_role(self, settings, role)
        CfnOutput(self, "EndpointName", value=self.endpoint_name)
