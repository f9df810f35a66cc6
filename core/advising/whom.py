"""Whom to ask: the gateway, with what key, which model for which task, and what it may cost."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from core.analysis.allocation import AllocationFile
from core.analysis.analyst import Patience
from core.analysis.prices import Price
from core.analysis.wire import Asked, Configuration
from core.errors import ConfigurationError
from core.settings import AnalysisSettings, LimitSettings, Settings, TaskSettings
from core.tasks import TASKS, TaskName

GATEWAY_URL = "https://api.holysheep.ai/v1"
KEY = "HOLYSHEEP_API_KEY"
SHARED_LIMITS = tuple(name for name in LimitSettings.model_fields if name.startswith("max_"))
NO_KEY = f"no key: set {KEY} in the environment, or analysis.key_file, and start again"


class Gateway(NamedTuple):
    """Where models are asked, and with what key; `key` "" says that they are off, and `why_off` why."""

    url: str
    key: str
    why_off: str = ""
    simulated: bool = False

    def __repr__(self) -> str:
        return f"Gateway({self.url!r})"  # never the key


def gateway(settings: AnalysisSettings, role: str, simulated_url: str | None) -> Gateway:
    """Return where to ask. A demo asks its own simulated gateway, unless a gateway is named.

    Raises:
        ConfigurationError: the key's file cannot be read, or others can read it too.
    """
    url = settings.gateway_url or simulated_url or GATEWAY_URL
    if not settings.enabled:
        return Gateway(url, "", "switched off by analysis.enabled = false")
    if role == "collector":
        return Gateway(url, "", "a collector holds no book; the worker asks the models")
    if settings.gateway_url is None and simulated_url is not None:
        return Gateway(url, "simulated", simulated=True)
    key = os.environ.get(KEY, "").strip() or (_read_key(settings.key_file) if settings.key_file else "")
    return Gateway(url, key, "" if key else NO_KEY)


def _read_key(file: Path) -> str:
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise ConfigurationError(
                f"analysis.key_file: {file}", why="others can read it", do=f"Run: chmod 600 {file}"
            )
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"analysis.key_file: {file}", why=str(error), do="Name a file with the key.") from None


def configuration(settings: AnalysisSettings, at: Gateway, ledger: Path) -> Configuration | None:
    """Return what the models' process is told; None while they are off."""
    if not at.key:
        return None
    return Configuration(
        url=at.url,
        key=at.key,
        ledger=str(ledger),
        cap_hour=int(settings.cap_per_hour_usd * 1_000_000),
        cap_day=int(settings.cap_per_day_usd * 1_000_000),
        prices={
            model: Price.per_million(price.output, price.input, price.cached_input)
            for model, price in settings.prices.items()
        },
        tasks={task: Asked(one.model, one.fallback) for task, one in of_task(settings).items()},
        timeout_s=settings.timeout_s,
        most_retries=settings.retries,
        concurrency=settings.concurrency,
    )


def of_task(settings: AnalysisSettings) -> dict[TaskName, TaskSettings]:
    return {task: getattr(settings, task) for task in TASKS}


def patience(settings: AnalysisSettings) -> dict[TaskName, Patience]:
    return {task: Patience(one.ttl_s, one.cool_down_s) for task, one in of_task(settings).items()}


def allocation(settings: Settings, journal: Path) -> AllocationFile:
    """Return where an accepted proposal is kept, beside the journal, and what it has to fit."""
    limits = {name: f"{getattr(settings.limits, name).normalize():f}" for name in SHARED_LIMITS}
    venues = [name for name, venue in settings.venues.items() if venue.enabled]
    return AllocationFile(journal.with_suffix(".allocation.json"), limits, settings.symbols, venues)
