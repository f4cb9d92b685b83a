"""The findings for a person to read."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from doctor.findings import Finding, Severity

_STYLES = {
    Severity.FINE: "green",
    Severity.UNCHECKED: "dim",
    Severity.WARNING: "yellow",
    Severity.FAILS: "bold red",
}


def tell(findings: Sequence[Finding], console: Console) -> None:
    """A table, and below it what mends, in lines that can be copied."""
    table = Table("", "Check", "Finding", "What it means", show_lines=False, box=None, pad_edge=False)
    for finding in findings:
        style = _STYLES[finding.severity]
        cells = (finding.check, finding.finding, finding.meaning)
        table.add_row(f"[{style}]{finding.severity.value}[/]", *map(escape, cells))
    console.print(table)
    for finding in findings:
        if finding.mend and finding.severity is not Severity.FINE:
            console.print()
            console.print(f"{finding.check}: {finding.finding}", markup=False, highlight=False, soft_wrap=True)
            console.print(f"  {finding.mend}", markup=False, highlight=False, soft_wrap=True)
    console.print()
    console.print(_summary(findings), soft_wrap=True)


def _summary(findings: Sequence[Finding]) -> str:
    failing = sum(finding.severity is Severity.FAILS for finding in findings)
    if failing:
        return f"{failing} of {len(findings)} findings will fail a deployment or an execution."
    unchecked = sum(finding.severity is Severity.UNCHECKED for finding in findings)
    return "Nothing was found that fails." + (f" {unchecked} could not be checked." if unchecked else "")
