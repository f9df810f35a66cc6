"""Rates between quote currencies, routes across them, and premiums, as they are at this moment."""

from console.panes.currencies import lines
from console.panes.sheet import Line, Picture
from console.screens.page import Page


class CurrenciesDialog(Page):
    """The view on demand."""

    HEADING = "Currencies"
    ABOUT = "Rates, routes across currencies, premiums"

    def page(self, picture: Picture, width: int) -> list[Line]:
        return lines(picture, width)
