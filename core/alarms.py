"""Says aloud what rescues have not brought to an end, and halts the desk for what needs a person."""

from core.arming import Arming
from core.execution.orders import Trade
from core.execution.rescue import Rescue
from core.notices import Notify

ALARM_NS = 5_000_000_000  # an order of unknown fate for so long is worth a loud word


class Alarms:
    """Watches the trades that are not even."""

    def __init__(self, rescue: Rescue, arming: Arming, notify: Notify) -> None:
        self._rescue, self._arming, self._notify = rescue, arming, notify
        self._told: set[str] = set()  # trades whose unknown orders were told of

    def look(self, now_ns: int) -> None:
        """Say, once, what is asked about for too long."""
        self._told &= {one.trade_id for one in self._rescue.exposures()}
        for one in self._rescue.exposures():
            if one.state == "asking" and now_ns - one.since_ns > ALARM_NS and one.trade_id not in self._told:
                self._told.add(one.trade_id)
                self._notify("error", f"an order of {one.symbol} is unknown since {ALARM_NS / 1e9:g} s: {one.why}")

    def ended(self, trade: Trade) -> None:
        """Halt for what the rescue of `trade` could not bring to its end."""
        for one in self._rescue.exposures():
            if one.trade_id == trade.trade_id and one.owner == "person":
                self._arming.halt(f"{one.what} needs a person: {one.why}", source="rescue")
