"""Prices: live ones where they answer, else those of the table, told apart; none is made up."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.stub import Stubber
from cost_examples import product

from costs import prices
from run import instances

ROOT = Path(__file__).parents[3]


def test_the_price_list_counts_where_it_answers(price_list: Callable[..., Stubber]) -> None:
    # given a list with the three uses, a notebook, free and reserved hours, and another unit
    answer = [
        product("EUC1-Train:ml.m5.xlarge", "0.276"),
        product("EUC1-Processing:ml.m5.xlarge", "0.2770000000"),
        product("EUC1-Host:ml.m5.xlarge", "0.278"),
        product("EUC1-Notebk:ml.m5.xlarge", "9"),
        product("EUC1-Train:ml.m5.xlarge", "0"),
        product("EUC1-Train:ml.m5.xlarge", "8", term="Reserved"),
        product("EUC1-Host:ml.m5.xlarge", "7", unit="GB-Mo"),
    ]
    filters = [
        {"Type": "TERM_MATCH", "Field": "instanceName", "Value": "ml.m5.xlarge"},
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-central-1"},
    ]
    stub = price_list(answer, expected=[{"ServiceCode": "AmazonSageMaker", "Filters": filters}])
    # when
    found = prices.find("eu-central-1", ["ml.m5.xlarge"])
    # then
    assert {use: found.hour("ml.m5.xlarge", use) for use in prices.USES.values()} == {
        "training": 0.276,
        "processing": 0.277,
        "hosting": 0.278,
    }
    assert found.told == f"AWS Price List, {datetime.now(UTC):%Y-%m-%d}"
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("answers", [["AccessDeniedException"], [[]], [[product("Train:ml.g4dn.xlarge", "1")], "X"]])
def test_the_table_counts_where_the_list_does_not_answer_all(
    price_list: Callable[..., Stubber], answers: list[list[str] | str]
) -> None:
    price_list(*answers, *([[]] if answers == [[]] else []))
    found = prices.find("us-east-1", ["ml.g4dn.xlarge", "ml.m5.xlarge"])
    assert found.hour("ml.g4dn.xlarge", "training") == 0.736
    assert re.fullmatch(r"table of \d{4}-\d\d-\d\d in this repository", found.told)


def test_a_list_that_takes_long_is_not_waited_for(
    price_list: Callable[..., Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a clock that goes on by ten seconds with each look; only the first type is asked for
    price_list([product("Train:ml.g4dn.xlarge", "1")])
    clock = iter(range(0, 100, 10))
    monkeypatch.setattr(prices.time, "monotonic", lambda: next(clock))
    assert prices.find("us-east-1", ["ml.g4dn.xlarge", "ml.m5.xlarge"]).told.startswith("table of ")


def test_a_price_that_is_not_in_the_table_is_none() -> None:
    assert prices.tabled("eu-west-1").hour("ml.g4dn.xlarge", "training") == 0.822
    assert prices.tabled("eu-west-1").hour("ml.g4dn.xlarge", "hosting") is None
    assert prices.tabled("eu-central-1").hours == {}


def test_the_table_has_types_that_exist_with_a_source_for_each() -> None:
    table = prices.table()
    kinds = {"training": "Training", "processing": "Processing", "hosting": "ProductionVariant"}
    for rows in table["sageMakerHour"].values():
        for name, row in rows.items():
            assert set(re.findall(r"\b(list|api|page|bill|docs)\b", row["source"])) <= table["sources"].keys()
            assert re.search(r"\b(list|api|page|bill|docs)\b", row["source"])
            uses = row.keys() - {"source"}
            assert uses
            for use in uses:
                assert name in instances.instance_types(kinds[use]), (name, use)
                assert 0.01 < row[use] < 100


def test_the_table_has_the_price_of_every_instance_type_that_the_first_pages_show() -> None:
    shown = {
        found
        for page in (ROOT / "README.md", ROOT / "docs" / "first-hour.md")
        for found in re.findall(r'nstanceType": "(ml\.[\w.]+)"', page.read_text())
    }
    # when the price list does not answer
    table = prices.tabled("us-east-1")
    # then
    assert shown
    for instance_type in shown:
        assert table.hour(instance_type, "training"), instance_type
        assert table.hour(instance_type, "processing"), instance_type
