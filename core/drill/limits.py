"""Limits that no drill reaches: what is tried there is not to be refused for its size."""

from decimal import Decimal

from core.settings import LimitSettings

MUCH = Decimal(10**15)  # quote currency
FAR = LimitSettings(
    max_symbol_notional=MUCH,
    max_venue_notional=MUCH,
    max_daily_notional=MUCH,
    max_open_exposure=MUCH,
    max_daily_loss=MUCH,
)
