"""The state machines with their functions, roles, model package group and schedule."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks import assets
from stacks.arns import sagemaker_arn
from stacks.company.encryption import encrypt_volumes, use_key
from stacks.endpoint.stack import EndpointStack
from stacks.settings import DeploymentSettings
from stacks.states.training_job import TrainingSetup
from stacks.workflow.audit import Audit
from stacks.workflow.debugger import ManagedDebugger
from stacks.workflow.decisions import hear_of_decisions
from stacks.workflow.drift import watch_drift
from stacks.workflow.functions import Functions
from stacks.workflow.job_roles import job_roles
from stacks.workflow.permissions import release_model, run_jobs
from stacks.workflow.release_target import release_target
from stacks.workflow.schedule import schedule
from stacks.workflow.state_machine import StateMachine


class WorkflowStack(Stack):
    """One execution goes from the bucket of photos to a served, measured, approved model."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: DeploymentSettings,
        data_bucket: s3.IBucket,
        endpoint: EndpointStack,
        topic: sns.ITopic,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id, **kwargs)
        archive, digest = assets.training_archive()
        code = s3_assets.Asset(self, "TrainingCode", path=str(archive), asset_hash=digest)
        target = release_target(self, settings, endpoint, digest)
        functions = Functions(self, "Functions", settings=settings, data_bucket=data_bucket, target=target)
        hear_of_decisions(self, target.package_group, functions.approval)
        debugger = ManagedDebugger(self, data_bucket) if settings.managed_debugger else None
        roles = job_roles(self, settings, data_bucket, code, debugger)
        training = TrainingSetup(
            role=roles.training,
            job_arns=sagemaker_arn(self, "training-job", settings.job_names),
            code_uri=code.s3_object_url,
            bucket=data_bucket.bucket_name,
            managed_debugger=debugger.training_job_fields() if debugger else {},
            settings=settings,
        )
        machine = StateMachine(
            self,
            "StateMachine",
            settings=settings,
            data_bucket=data_bucket,
            topic=topic,
            functions=functions,
            roles=roles,
            training=training,
            target=target,
            permissions=[
                *run_jobs(self, settings.job_names, [roles.training, roles.features, roles.evaluation]),
                *release_model(self, data_bucket, target.stack_arn, endpoint.update_role, functions.approval),
                *use_key(settings),
                *encrypt_volumes(settings),
            ],
        ).machine
        Audit(
            self,
            "Audit",
            settings=settings,
            data_bucket=data_bucket,
            topic=topic,
            functions=functions,
            role=roles.audit,
            code_uri=code.s3_object_url,
            target=target,
        )
        if settings.schedule:
            schedule(self, machine, settings.schedule)
        if settings.watches_drift:
            watch_drift(
                self,
                settings,
                settings.watches_drift,
                functions=functions,
                data_bucket=data_bucket,
                machine=machine,
                target=target,
                topic=topic,
            )
        CfnOutput(self, "StateMachineArn", value=machine.state_machine_arn)
        CfnOutput(self, "EstimateFunction", value=functions.estimate_cost.function_name)
        CfnOutput(self, "ModelPackageGroup", value=target.package_group)
