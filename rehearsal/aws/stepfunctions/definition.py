"""Repairs of how moto reads a state machine's definition."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.stepfunctions.parser.asl.parse import asl_parser, preprocessor
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor


def read_each_alone() -> None:
    """Start each definition in no query language: moto goes on in that of a definition it has refused half-way."""

    def initialise(self: Preprocessor) -> None:
        self._query_language_per_scope = []

    Preprocessor.__init__ = initialise


def read_strings_as_json() -> None:
    """Undo JSON's escapes in every string: moto leaves them in the literals of Assign and reads others as Python's."""
    Preprocessor._inner_string_of = staticmethod(_text_of)
    preprocessor.from_string_literal = _text_of


def refuse_illegal_escapes() -> None:
    """Refuse what is escaped in an intrinsic function without need, as AWS does: moto skips or keeps the backslash."""
    visit = Preprocessor.visitString_intrinsic_function

    def visit_checked(self: Preprocessor, ctx: Any) -> Any:
        text = json.loads(ctx.getText())
        if re.search(r"\\[^'{}\\]", text.replace("\\\\", "")):
            raise ValueError(f"{text} must be a valid JSONPath or a valid intrinsic function call")
        return visit(self, ctx)

    Preprocessor.visitString_intrinsic_function = visit_checked


def accept_whole_percentages() -> None:
    """Accept ``"ToleratedFailurePercentage": 25``: moto's grammar wants a decimal point there."""
    parse = AmazonStateLanguageParser.parse

    def parse_normalised(definition: str) -> Any:
        return parse(json.dumps(_with_decimal_percentages(json.loads(definition))))

    asl_parser.AmazonStateLanguageParser.parse = staticmethod(parse_normalised)


def _text_of(parser_rule_context: Any) -> str | None:
    text: str = parser_rule_context.getText()
    if text == "null":
        return None
    return str(json.loads(text)) if text.startswith('"') else text


def _with_decimal_percentages(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_decimal_percentages(member) for member in value]
    if not isinstance(value, dict):
        return value
    return {
        name: float(member)
        if name == "ToleratedFailurePercentage" and isinstance(member, int)
        else _with_decimal_percentages(member)
        for name, member in value.items()
    }
