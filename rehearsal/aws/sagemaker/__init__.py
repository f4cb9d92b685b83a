"""The emulated SageMaker: jobs and endpoints that moto only records run as local processes here."""

from rehearsal.aws.sagemaker.install import install

__all__ = ["install"]
