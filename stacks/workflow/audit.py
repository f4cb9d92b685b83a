"""The second state machine: an audit of the bins' records with the model that serves."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks import images
from stacks.arns import sagemaker_arn
from stacks.checks import Wildcard, accept
from stacks.company.encryption import encrypt_volumes, use_key
from stacks.roles import on_objects, read_sources
from stacks.settings import DeploymentSettings
from stacks.states.audit import audit
from stacks.states.target import NUMBERED, Target
from stacks.workflow.functions import Functions
from stacks.workflow.permissions import run_jobs
from stacks.workflow.tracing import accept_tracing_and_logging, execution_logs


class Audit(Construct):
    """The machine `<name>-audit`, its two functions and the states that it is made of."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: DeploymentSettings,
        data_bucket: s3.IBucket,
        topic: sns.ITopic,
        functions: Functions,
        role: iam.IRole,
        code_uri: str,
        target: Target,
    ) -> None:
        super().__init__(scope, id)
        plan = functions.make(
            "PlanAudit",
            "plan_audit",
            memory_mb=1769,
            minutes=15,
            statements=[
                # What is missing is told as such only to whoever may list the bucket.
                iam.PolicyStatement(sid="FindObjects", actions=["s3:ListBucket"], resources=[data_bucket.bucket_arn]),
                *read_sources(self, settings.source_buckets),
                on_objects(data_bucket, ["GetObject"], "audits", "datasets", "lists", sid="SeeWhatIsThere"),
                on_objects(data_bucket, ["PutObject"], "audits", sid="WriteBatches"),
                Wildcard(
                    NUMBERED,
                    sid="FindModel",
                    actions=["sagemaker:DescribeModelPackage"],
                    resources=[target.package_arns],
                ),
            ],
            environment=functions.checked
            | {
                "DATA_BUCKET": data_bucket.bucket_name,
                "AUDIT_INSTANCE_TYPE": settings.audit_type,
                "JOB_PREFIX": settings.job_prefix,
                "PACKAGE_GROUP": target.package_group,
            },
        )
        price = functions.make(
            "PriceAudit",
            "price_audit",
            memory_mb=512,
            minutes=1,
            statements=[functions.read_prices()],
            environment=functions.checked | {"AUDIT_INSTANCE_TYPE": settings.audit_type},
        )
        name = f"{settings.name}-audit"
        self.machine = sfn.StateMachine(
            self,
            "Default",  # what CDK leaves out of logical ids
            state_machine_name=name,
            comment="Counts bins and compares them with their records: which of these are probably wrong?",
            definition_body=sfn.DefinitionBody.from_chainable(
                audit(
                    self,
                    settings,
                    plan=plan,
                    price=price,
                    role=role,
                    job_arns=sagemaker_arn(self, "processing-job", settings.job_names),
                    image=images.image_uri(self, images.TRAINING_CPU),
                    code_uri=code_uri,
                    data_bucket=data_bucket,
                    target=target,
                    topic=topic,
                )
            ),
            query_language=sfn.QueryLanguage.JSONATA,
            timeout=Duration.days(7),
            tracing_enabled=True,
            logs=execution_logs(scope, "AuditLogs", settings, name),
        )
        for statement in (
            *run_jobs(self, settings.job_names, [role], ["ProcessingJob"]),
            *use_key(settings),
            *encrypt_volumes(settings),
        ):
            self.machine.add_to_role_policy(statement)
            if isinstance(statement, Wildcard):
                accept(self, statement.reason, statement)
        accept_tracing_and_logging(self)
        stack = Stack.of(self)
        CfnOutput(stack, "AuditStateMachineArn", value=self.machine.state_machine_arn)
        CfnOutput(stack, "AuditPriceFunction", value=price.function_name)
