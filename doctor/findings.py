"""What a check finds, and how bad that is."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import Enum

from botocore.exceptions import BotoCoreError, ClientError


class Severity(Enum):
    """Only what will fail is bad enough for an exit status."""

    FINE = "ok"
    UNCHECKED = "not checked"
    WARNING = "warning"
    FAILS = "will fail"


@dataclass(frozen=True)
class Finding:
    """One row of the table.

    Attributes
    ----------
    check
        What was looked at, in a word or two.
    finding, meaning
        Sentences: what there is, and what follows from it.
    mend
        The command, or the step, that changes it.
    """

    check: str
    severity: Severity
    finding: str
    meaning: str = ""
    mend: str = ""

    def to_json(self) -> dict[str, str]:
        return asdict(self) | {"severity": self.severity.value}


def or_unchecked(check: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """A check's findings; where AWS does not answer it, a finding that says so."""
    try:
        yield from findings
    except (BotoCoreError, ClientError) as error:
        yield Finding(
            check,
            Severity.UNCHECKED,
            sentence(error),
            "AWS did not answer with these credentials, which says nothing about the deployment.",
        )


def sentence(error: BotoCoreError | ClientError) -> str:
    """An error of AWS, or on the way to it, in one line."""
    text = str(error)
    if isinstance(error, ClientError):
        told = error.response["Error"]
        text = f"{error.operation_name}: {told['Code']}: {told['Message']}"
    return textwrap.shorten(text.rstrip("."), 300) + "."
