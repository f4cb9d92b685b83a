"""The page of a whole execution: what it tells of each end, and that whatever it is told is text."""

import dataclasses
import html
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import execution_documents as documents
import pytest
from bin_source import DATA_BUCKET, BinSource
from hypothesis import given, settings
from hypothesis import strategies as st

import write_report
from execution_report.page import render
from execution_report.remedies import OTHERS, REMEDIES
from execution_report.told import Told
from run import contract
from run.naming import run_name

ROOT = Path(__file__).resolve().parents[3]
CODE = {"training code": "aaaa1111", "functions": "bbbb2222"}
HOSTILE = "</pre><script>alert(1)</script><img src=x onerror='a()'>\"{{ 7 * 7 }}"
FAILED_EARLY = documents.failed("Plan", "InvalidInput", "dataset.fraction: 3 was given; must be at most 1", run=None)
FAILED_LATE = documents.failed(
    "Smoke test",
    "SmokeTestFailed",
    "the endpoint answers otherwise",
    *("dataset", "comparison", "tuning", "training", "champion"),
    card=documents.CARD,
    metrics=documents.METRICS,
)
PROMOTED = documents.deployed(
    run={"input": documents.RUN["input"] | {"release": {"package": "previous"}}},
    output=documents.deployed().output | dict.fromkeys(("dataset", "comparison", "tuning", "training")),
    card=None,
    sections={},
)
ENDS = {
    "deployed": documents.deployed(),
    "rejected": documents.rejected(),
    "failed early": FAILED_EARLY,
    "failed late": FAILED_LATE,
    "promoted": PROMOTED,
    "without any figure of its cost": documents.deployed(output=documents.deployed().output | {"cost": None}),
}


class Page(HTMLParser):
    """What a browser and a screen reader find in a page."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self.source = render(told, CODE)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def headings(self) -> list[str]:
        return [html.unescape(text) for text in re.findall(r"<h2>(.*?)</h2>", self.source)]


def test_a_deployed_model_says_so_and_why_first_and_all_else_below() -> None:
    page = Page(documents.deployed())
    assert page.headings() == [
        *("Decision: deployed", "Data", "Architectures compared", "Tuning", "Training job", "Costs"),
        "How to run it again",
    ]
    top = page.text[: page.text.index("as drawn")]
    assert "A model was deployed: 62.3% of 77 bins counted right" in top
    assert "accuracy 62.3% is at least 30.0%" in top
    assert f"Endpoint stocktake (InService) serves this model, package {documents.PACKAGE}." in top


def test_a_rejected_model_leaves_the_champion_serving() -> None:
    text = Page(documents.rejected()).text
    assert "The model was rejected: 62.3% of 77 bins counted right" in text
    assert "accuracy 62.3% is below 80.0%" in text
    assert f"Endpoint stocktake was left as it was and serves {documents.CHAMPION}." in text


def test_a_failure_before_anything_was_planned_tells_the_fault_and_the_input_as_it_was_given() -> None:
    page = Page(FAILED_EARLY)
    assert page.headings() == ["What failed", "Costs", "How to run it again"]
    assert "The execution failed in Plan" in page.text
    assert "InvalidInput in the state Plan: dataset.fraction: 3 was given; must be at most 1" in page.text
    assert REMEDIES["InvalidInput"] in page.text
    assert documents.EXECUTION["given"] in page.text
    assert "failed Plan not reached Dataset not reached Training not reached Evaluation" in page.text
    assert "done Plan" not in page.text


def test_a_late_failure_tells_what_had_been_reached_and_what_was_measured() -> None:
    page = Page(FAILED_LATE)
    assert "done Training done Evaluation failed Smoke test not reached Registration" in page.text
    assert f"When this execution looked, the endpoint served {documents.CHAMPION}." in page.text
    assert "counted exactly 62.3%" in page.text
    assert "Data" in page.headings()


def test_a_step_that_failed_is_not_told_as_one_that_was_not_reached() -> None:
    known = ("dataset", "comparison", "tuning")
    page = Page(documents.failed("Train", "States.Timeout", "no cause was given", *known, card=documents.CARD))
    assert "done Tuning failed Train not reached Evaluation" in page.text


def test_an_unknown_error_is_told_with_the_advice_for_all_others() -> None:
    assert OTHERS in Page(documents.failed("Train", "States.Timeout", "no cause was given")).text


def test_a_promotion_shows_the_packages_own_figures_and_no_data() -> None:
    page = Page(PROMOTED)
    assert page.headings() == [*("Decision: deployed", "How well the bins are counted", "Costs", "How to run it again")]


def test_without_the_drawn_sections_the_figures_are_those_of_the_metrics() -> None:
    text, metrics = Page(documents.deployed(sections={})).text, documents.METRICS
    low, high = metrics["interval"]
    assert f"counted exactly {100 * metrics['accuracy']:.1f}%" in text
    assert f"95% interval {100 * low:.1f}% to {100 * high:.1f}%" in text
    assert f"at most one off {100 * metrics['withinOne']:.1f}%" in text
    assert f"RMSE, items {metrics['rmse']:.2f} mean error, items {metrics['mae']:.2f}" in text
    assert f"test images {metrics['images']}" in text


def test_the_data_are_those_of_the_card() -> None:
    text = Page(documents.deployed()).text
    assert "train 700 650 1,350" in text
    assert "1,508 images from s3://aft-vbi-pds" in text
    assert "108 of 1,308 groups link bins" in text
    assert "0 of 77 test bins are of a group that training has seen" in text
    assert "Of 7 bins the photo is another bin's, too." in text
    assert "Of 2 bins the count is not the sum of their items' quantities." in text
    assert "not a JPEG or PNG image 3" in text


@pytest.mark.parametrize(
    ("cost", "told"),
    [
        (documents.SECONDS, "training, all jobs 1,540 of which billed 460"),
        ({"usd": None, "reason": "prices cannot be read"}, "The cost could not be added up: prices cannot be read"),
        (
            {"usd": None, "unknown": ["ml.c5.xlarge for processing"], "prices": "a table"},
            "The sum is not known, as no price is known of ml.c5.xlarge for processing. Prices: a table.",
        ),
        (None, "Nothing is known of its cost."),
        (
            {
                "usd": 0.3141,
                "onDemandUsd": 1.25,
                "prices": "2026-11-01",
                "lines": [
                    {"what": "Train", "instanceType": "ml.g4dn.xlarge", "billableSeconds": 90, "usd": 0.3},
                    {"what": "S3", "usd": None},
                ],
            },
            "0.3141 USD for the whole execution; 1.2500 USD on demand. Prices: 2026-11-01.",
        ),
    ],
)
def test_costs_are_told_as_far_as_they_are_known(cost: dict[str, Any] | None, told: str) -> None:
    assert told in Page(documents.deployed(output=documents.deployed().output | {"cost": cost})).text


def test_it_can_be_run_again() -> None:
    page = Page(documents.deployed())
    (given,) = [json.loads(html.unescape(text)) for text in re.findall(r"<pre[^>]*>(\{.*?)</pre>", page.source, re.S)]
    assert given == documents.RUN["input"]
    # Plan takes it, and makes the same of it.
    assert contract.complete(given).to_json() == given
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:stocktake"
    assert f"start-execution \\ --state-machine-arn {machine} \\ --input file://input.json" in page.text
    assert "seed 5 training code aaaa1111 functions bbbb2222" in page.text


@pytest.mark.parametrize("told", ENDS.values(), ids=ENDS)
def test_a_screen_reader_finds_its_way_and_no_network_is_needed(told: Told) -> None:
    page = Page(told)
    tags = [tag for tag, _ in page.tags]
    assert (tags.count("h1"), tags.count("main"), page.attributes("html")) == (1, 1, [{"lang": "en"}])
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(cell.get("scope") for cell in page.attributes("th"))
    assert tags.count("caption") == tags.count("table")
    assert not {"script", "link", "iframe"} & set(tags)
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#|\.\./)""", page.source)
    assert "@import" not in page.source
    assert "url(" not in page.source


@pytest.mark.parametrize("told", ENDS.values(), ids=ENDS)
def test_what_is_told_is_text_and_not_markup(told: Told) -> None:
    def poisoned(value: Any) -> Any:
        match value:
            case dict():
                return {name: poisoned(inner) for name, inner in value.items()}
            case list():
                return [poisoned(inner) for inner in value]
            case str():
                return value + HOSTILE
        return value

    evil = Told(
        poisoned(told.execution),
        poisoned(told.run),
        poisoned(told.output) | {"decision": told.output.get("decision")},
        poisoned(told.failure),
        poisoned(told.card),
        poisoned(told.metrics),
        None,
        {},
    )
    page = Page(evil)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert HOSTILE in html.unescape(page.source)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1))
@settings(max_examples=25)
def test_any_cause_is_shown_as_it_is(cause: str) -> None:
    page = render(documents.failed("Train", "Any", cause), CODE)
    assert f"<pre>{html.escape(cause).replace('&#x27;', '&#39;').replace('&quot;', '&#34;')}</pre>" in page


def test_the_function_writes_the_page_beside_the_evaluation_and_names_it(
    bin_source: BinSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a run whose evaluation has left its documents, and no dataset any more
    for name, value in (("DATA_BUCKET", DATA_BUCKET), ("TRAINING_CODE", "aaaa1111"), ("FUNCTIONS_CODE", "bbbb2222")):
        monkeypatch.setenv(name, value)
    name = run_name(f"{documents.ARN} {documents.EXECUTION['start']}")
    for document, content in (
        ("metrics", documents.METRICS),
        ("sections", {"accuracy": "<section>as drawn</section>"}),
    ):
        bin_source.s3.put_object(
            Bucket=DATA_BUCKET, Key=f"reports/{name}/{document}.json", Body=json.dumps(content).encode()
        )
    run = documents.RUN | {
        "dataset": {"bucket": DATA_BUCKET, "prefix": "datasets/gone"},
        "report": {"bucket": DATA_BUCKET, "prefix": f"reports/{name}"},
    }
    told = documents.deployed()
    event = {"execution": told.execution, "run": run, "output": told.output, "failure": None}
    # when
    written = write_report.handler(event, None)
    # then
    assert written == {"uri": f"s3://{DATA_BUCKET}/reports/{name}/index.html"}
    found = boto3.client("s3").get_object(Bucket=DATA_BUCKET, Key=f"reports/{name}/index.html")
    assert found["ContentType"] == "text/html; charset=utf-8"
    assert "<section>as drawn</section>" in found["Body"].read().decode()


def test_the_function_tells_of_a_failure_of_which_nothing_else_is_known(
    bin_source: BinSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("DATA_BUCKET", DATA_BUCKET), ("TRAINING_CODE", "a"), ("FUNCTIONS_CODE", "b")):
        monkeypatch.setenv(name, value)
    told = FAILED_EARLY
    event = {"execution": told.execution, "run": None, "output": told.output, "failure": told.failure}
    key = write_report.handler(event, None)["uri"].removeprefix(f"s3://{DATA_BUCKET}/")
    page = boto3.client("s3").get_object(Bucket=DATA_BUCKET, Key=key)["Body"].read().decode()
    assert "The execution failed in Plan" in page


def test_the_docs_have_the_same_sentences() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", (ROOT / "docs/failures.md").read_text(), re.MULTILINE))
    assert rows == REMEDIES
    assert OTHERS in (ROOT / "docs/failures.md").read_text().replace("\n", " ")


def test_a_failure_tells_what_it_cost_and_what_is_not_counted() -> None:
    failed = FAILED_LATE
    cost = {"usd": 0.25, "prices": "a table", "notCounted": "the jobs of Train"}
    text = Page(dataclasses.replace(failed, output=failed.output | {"cost": cost})).text
    assert "0.2500 USD until it failed. Prices: a table." in text
    assert "Not counted: the jobs of Train." in text
