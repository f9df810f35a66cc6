"""Rates between quote currencies, routes across them, and premiums, as they are at this moment."""

from functools import partial

from console.keys import bindings
from console.panes.currencies import lines
from console.panes.lines import Line, Lines, Pane, Picture, Sheet
from console.screens.dialog import Dialog


class CurrenciesCard(Pane):
    """The lines; it scrolls."""

    DEFAULT_CSS = "CurrenciesCard { height: 100%; width: 1fr; }"

    def sheet(self, picture: Picture, width: int, _height: int) -> Sheet:
        info: Line = [("esc closes, ↑ ↓ scroll", "title")]
        return Sheet(info, body=[partial(list, line) for line in lines(picture, width)])


class CurrenciesDialog(Dialog):
    """The view on demand."""

    HEADING = "Currencies"
    AUTO_FOCUS = "CurrenciesCard"
    BINDINGS = bindings("dialog")
    DEFAULT_CSS = "CurrenciesDialog .card { height: 100%; width: 100%; margin: 2 0 0 0; }"

    def __init__(self) -> None:
        super().__init__()
        self._card = CurrenciesCard()
        self._card.tabs = [(" Rates, routes across currencies, premiums ", "focus")]

    def card(self) -> Lines:
        return self._card

    def draw(self, picture: Picture) -> None:
        super().draw(picture)
        self._card.draw(picture)
