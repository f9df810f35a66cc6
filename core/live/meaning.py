"""What a failed request means for the order that it carried. Only a sure refusal is a refusal; all else is unknown.

Sources: the venues' tables of error codes, and the classes that ccxt raises for them; November 2026.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import orjson

Meaning = Literal["not_sent", "rejected", "unknown", "exists", "absent"]

REFUSALS = {
    "InsufficientFunds", "InvalidOrder", "BadRequest", "BadSymbol", "MarketClosed", "AuthenticationError",
    "PermissionDenied", "InvalidNonce", "RateLimitExceeded", "DDoSProtection",
}  # fmt: skip
DOUBTS = {
    "RequestTimeout", "ExchangeNotAvailable", "NetworkError", "OperationFailed", "BadResponse", "ExchangeError",
    "OrderNotFound", "OperationRejected",
}  # fmt: skip
SLOW_DOWN = {"RateLimitExceeded", "DDoSProtection"}
KEY_TROUBLE = {"AuthenticationError", "PermissionDenied"}
# Codes count before classes: ccxt maps some to refusals that the venues call "execution status unknown".
UNKNOWN_CODES = {
    "binance": {"-1000", "-1001", "-1006", "-1007"},
    "bybit": {"10000", "10016", "170007", "170032", "170146"},
    "okx": {"50004", "50026", "51149"},
    "upbit": set[str](),
}
EXISTS_CODES = {"bybit": {"170141", "110072"}, "okx": {"51016"}}
KEY_CODES = {"binance": {"-2014", "-2015"}}  # after one success ccxt takes -2015 for a ban
UPBIT_REFUSALS = re.compile(
    r"under_min_total_\w+|invalid_price_\w+|too_many_requests|no_authorization_ip|insufficient_funds_\w+"
    r"|invalid_access_key|jwt_verification|invalid_query_payload|nonce_used|expired_access_key|out_of_scope"
    r"|validation_error|invalid_volume_\w+|market_does_not_exist"
)


class Failure(NamedTuple):
    """A request that ended in an exception: its classes, the most special first, and its text."""

    venue: str
    classes: Sequence[str]
    text: str

    @property
    def code(self) -> str:
        """The venue's own error code; "" if the text holds no whole answer of the venue."""
        return _code(self.venue, self.text)

    @property
    def slow_down(self) -> bool:
        """Whether the venue wants fewer requests."""
        return not self.key_trouble and (bool(SLOW_DOWN & set(self.classes)) or self.code == "too_many_requests")

    @property
    def key_trouble(self) -> bool:
        """Whether the venue does not accept our key: no other order would fare better."""
        return self.code in KEY_CODES.get(self.venue, ()) or bool(KEY_TROUBLE & set(self.classes))

    @property
    def brief(self) -> str:
        """The text for people and journals: nothing signed is in it, and it is short."""
        if "RequestTimeout" in self.classes:
            return "no answer in time"
        if "{" not in self.text and re.match(r"(GET|POST|DELETE) \S+$", self.text):
            return f"the connection broke ({self.classes[0]})"
        return re.sub(r"\?\S*", "?…", self.text)[:160] or self.classes[0]


def meaning(failure: Failure, *, left: bool) -> Meaning:
    """Return what `failure` means for an order; `left`: its bytes may have gone out."""
    if not left:
        return "not_sent"
    venue, code = failure.venue, failure.code
    if code in UNKNOWN_CODES[venue]:
        return "unknown"
    if code in EXISTS_CODES.get(venue, ()) or "uplicate" in failure.text or "DuplicateOrderId" in failure.classes:
        return "exists"
    if venue == "upbit" and code:
        return "rejected" if UPBIT_REFUSALS.fullmatch(code) else "unknown"
    for one in failure.classes:
        if one in REFUSALS:
            return "rejected"
        if one in DOUBTS:
            return "unknown"
    return "unknown"


def meaning_of_question(failure: Failure) -> Meaning:
    """Return "absent" if the venue says that it knows no such order, else "unknown"."""
    return "absent" if "OrderNotFound" in failure.classes else "unknown"


def _code(venue: str, text: str) -> str:
    start = text.find("{")
    try:
        answer = orjson.loads(text[start:]) if start >= 0 else None
    except orjson.JSONDecodeError:
        return ""
    match venue, answer:
        case "upbit", {"error": {"name": name}}:
            return str(name)
        case "bybit", {"retCode": code}:
            return str(code)
        case "okx", {"data": [{"sCode": code}, *_]} if code != "0":
            return str(code)
        case _, {"code": code}:
            return str(code)
    return ""
