"""What to do where AWS cannot be asked at all: no region, no credentials, nobody at the address."""

import os

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
"""AWS's codes for credentials that were valid once."""
REFUSED = {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
"""AWS's codes for credentials that it does not know."""
LOST = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.SSOError,
    exceptions.LoginError,
    exceptions.ProfileNotFound,
)
"""The SDK's errors where it finds no credentials."""
_SIGN_IN = (
    "Sign in (`aws configure` or `aws sso login`, and AWS_PROFILE if it is not the default profile); `make doctor` "
    "looks whether AWS knows you then."
)


def sentence(error: BotoCoreError | ClientError) -> str:
    """The error, and its remedy where it is one of these."""
    remedy = _remedy(error)
    return f"{error}\n{remedy}" if remedy else str(error)


def _remedy(error: BotoCoreError | ClientError) -> str | None:
    if isinstance(error, exceptions.NoRegionError):
        return "Name the region of the deployment: export AWS_REGION=us-east-1"
    if isinstance(error, LOST) or _code(error) in EXPIRED | REFUSED:
        return _SIGN_IN
    if isinstance(error, exceptions.EndpointConnectionError) and "AWS_ENDPOINT_URL" in os.environ:
        return (
            f"AWS_ENDPOINT_URL is {os.environ['AWS_ENDPOINT_URL']}: if that rehearsal has ended, start another "
            "(`make rehearse KEEP=1`) and export what it prints, or unset AWS_ENDPOINT_URL for a real account."
        )
    return None


def _code(error: BotoCoreError | ClientError) -> str | None:
    return error.response["Error"].get("Code") if isinstance(error, ClientError) else None
