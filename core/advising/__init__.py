"""Joins the models to the desk: where they are, what they may cost, what they are asked about, and what is shown."""

from core.advising.session import SessionBook, offers
from core.advising.shown import state
from core.advising.whom import Gateway, allocation, configuration, gateway, patience

__all__ = ["Gateway", "SessionBook", "allocation", "configuration", "gateway", "offers", "patience", "state"]
