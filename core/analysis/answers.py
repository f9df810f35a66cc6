"""Reads what a model wrote: data for a strict schema, or no answer. Its text is for eyes only, and cleaned first."""

import json
import re
import unicodedata
from typing import Any, Literal, NoReturn

import msgspec

from core.tasks import Answer, Task

MOST_BYTES = 4096
FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
UNKNOWN_NUMBER = "?"  # stands before a number in a note that was not in the input
Unreadable = Literal["too_long", "no_object", "two_objects", "cut_off", "double_key", "not_a_number", "bad_fields"]


class NoAnswer(Exception):
    """The text is no answer. `outcome` is a word to count it under."""

    def __init__(self, outcome: Unreadable, detail: str = "") -> None:
        self.outcome, self.detail = outcome, detail
        super().__init__(outcome)


def read(text: str, task: Task, asked: str) -> Answer:
    """Return the one answer in `text`; `asked` is the input, where a note's numbers must come from.

    Raises:
        NoAnswer: it is not exactly one object of the task's schema. It is not asked for again: that costs twice.
    """
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise NoAnswer("too_long")
    found = _one_object(text.removeprefix("\ufeff").strip())
    try:
        answer = msgspec.convert(found, task.answer, strict=True)
    except msgspec.ValidationError as error:
        raise NoAnswer("bad_fields", clean(str(error))[:200]) from None
    return msgspec.structs.replace(answer, note=marked(clean(answer.note), asked))


def _one_object(text: str) -> dict[str, Any]:
    if fenced := FENCE.findall(text):
        if len(fenced) > 1 or "{" in FENCE.sub("", text):
            raise NoAnswer("two_objects")
        text = fenced[0].strip()
    start = text.find("{")
    if start < 0:
        raise NoAnswer("no_object")
    try:
        found, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError:
        raise NoAnswer("cut_off" if text.count("{") > text.count("}") else "no_object") from None
    except RecursionError:
        raise NoAnswer("no_object") from None
    if "{" in text[end:]:
        raise NoAnswer("two_objects")
    assert isinstance(found, dict)
    return found


def _no_number(name: str) -> NoReturn:
    raise NoAnswer("not_a_number", name)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise NoAnswer("double_key")
    return dict(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_number)


def clean(text: str) -> str:
    """Return `text` with nothing in it but printable characters of the first plane, and no markup."""
    kept = (c if unicodedata.category(c)[0] in "LNPSZ" and ord(c) < 0x10000 else " " for c in text)
    return " ".join("".join(kept).replace("[", "(").replace("]", ")").split())


def marked(note: str, asked: str) -> str:
    """Return `note` with a mark before each number that the model was not told."""
    told = set(NUMBER.findall(asked))
    return NUMBER.sub(lambda one: one[0] if _told(one[0], told) else f"{UNKNOWN_NUMBER}{one[0]}", note)


def _told(number: str, told: set[str]) -> bool:
    plain = number.replace(",", "")
    return any(plain == one or _same(plain, one) for one in told)


def _same(one: str, other: str) -> bool:
    """Return whether one number is the other, or the other rounded."""
    try:
        places = len(one.partition(".")[2])
        return float(one) == round(float(other), places)
    except ValueError:
        return False
