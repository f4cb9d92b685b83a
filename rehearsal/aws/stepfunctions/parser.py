"""Repairs of moto's parser of definitions; whether AWS would take one is for ``definitions`` to say."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import lru_cache
from typing import Any

from moto.stepfunctions.parser.api import InvalidDefinition
from moto.stepfunctions.parser.asl.parse import asl_parser, preprocessor
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

_KEPT = 16  # definitions


def read_each_alone() -> None:
    """Start each definition in no query language: moto goes on in that of a definition it has refused half-way."""

    def initialise(self: Preprocessor) -> None:
        self._query_language_per_scope = []

    Preprocessor.__init__ = initialise


def read_strings_as_json() -> None:
    """Undo JSON's escapes in every string: moto leaves them in the literals of Assign and reads others as Python's."""
    Preprocessor._inner_string_of = staticmethod(_text_of)
    preprocessor.from_string_literal = _text_of


def say_what_cannot_be_read() -> None:
    """Say whose gap it is when moto cannot read what AWS would take, such as ItemBatcher."""
    validate = StepFunctionsParserBackend._validate_definition

    def validate_or_say(definition: str) -> None:
        try:
            validate(definition)
        except InvalidDefinition as error:
            sentence = f"AWS would take this definition, but the rehearsal cannot read it: {error.message}"
            raise InvalidDefinition(sentence) from error

    StepFunctionsParserBackend._validate_definition = staticmethod(validate_or_say)


def accept_whole_percentages() -> None:
    """Accept ``"ToleratedFailurePercentage": 25``: moto's grammar wants a decimal point there."""
    parse = AmazonStateLanguageParser.parse

    def parse_normalised(definition: str) -> Any:
        return parse(json.dumps(_with_decimal_percentages(json.loads(definition))))

    asl_parser.AmazonStateLanguageParser.parse = staticmethod(parse_normalised)


def read_each_once() -> None:
    """Keep what was read: moto reads a definition when it is created and for each execution, for seconds."""
    read = lru_cache(_KEPT)(AmazonStateLanguageParser.parse)

    def copy_of_what_was_read(definition: str) -> Any:
        program, tree = read(definition)
        return deepcopy(program), tree  # an execution may leave something in its program

    asl_parser.AmazonStateLanguageParser.parse = staticmethod(copy_of_what_was_read)


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
