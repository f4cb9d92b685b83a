"""The functions' environment, and AWS's price list at the edge."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from bench.function_environment import function_environment
from costs import prices


@pytest.fixture
def price_list(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stubber]]:
    """Answers of the price list in their order: lists of products, or an error's name; nothing else is asked."""
    for name, value in function_environment("data", ["aft-vbi-pds"]).items():
        monkeypatch.setenv(name, value)
    client = boto3.client("pricing", region_name="us-east-1")
    with Stubber(client) as stub:
        monkeypatch.setattr(prices, "client", lambda: client)

        def answers(*given: list[str] | str, expected: list[dict[str, Any]] | None = None) -> Stubber:
            for index, answer in enumerate(given):
                if isinstance(answer, str):
                    stub.add_client_error("get_products", answer)
                else:
                    stub.add_response("get_products", {"PriceList": answer}, expected and expected[index])
            return stub

        yield answers


@pytest.fixture
def no_price_list(price_list: Callable[..., Stubber]) -> None:
    """A price list that refuses, as an account without the permission has it."""
    price_list("AccessDeniedException")
