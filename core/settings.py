"""What a user may set: a TOML file, environment variables (`ARBDESK_LOG__KIND=kafka`), the command line. Read once.

Every value is checked before anything starts; every mistake is reported with its key and the fix.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core import tasks

Money = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Usd = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6, allow_inf_nan=False)]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}/[A-Z0-9]{2,10}$")]
DEFAULT_SYMBOLS = tuple(f"{base}/USDT" for base in ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LTC", "LINK"))
Symbolic = Annotated[str, Field(pattern=r"^([A-Z0-9]{2,10}|all)$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]
DeskName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,47}$")]


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes, values never change after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VenueSettings(Section):
    """One exchange."""

    enabled: bool = True
    url: str | None = Field(default=None, pattern=r"^wss?://")  # instead of the venue's own public address
    taker_fee_bps: Decimal | None = Field(default=None, ge=-10, le=1000)  # not set: what the venue asks of a newcomer
    silence_s: float = Field(default=15.0, gt=0, le=3600)  # no data for so long: hang up and connect anew


class FeedSettings(Section):
    """What venues are asked for beside their ticks."""

    depth: int = Field(default=5, ge=0, le=20)  # levels a side, where a venue sends them whole; 0, or "off": none
    depth_symbols: int = Field(default=12, ge=1, le=1_000)  # of each venue: the desk's first ones; each costs bandwidth

    @field_validator("depth", mode="before")
    @classmethod
    def _off(cls, depth: Any) -> Any:
        return 0 if depth == "off" else depth


class SecuritySettings(Section):
    """How the desk and the brokers of Kafka prove who they are, and hide what they say."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    user: str | None = None
    password: SecretStr | None = None
    ca: Path | None = None  # PEM: who may vouch for a broker; the system's own authorities if not set
    cert: Path | None = None  # PEM: our own certificate, where brokers ask for one
    key: Path | None = None  # PEM: its key, if it is not in the same file
    key_password: SecretStr | None = None
    allow_plaintext: bool = False  # beyond loopback too

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.protocol.startswith("SASL") and not (self.user and self.password):
            raise ValueError(f"{self.protocol} needs a user and a password")
        if self.key and not self.cert:
            raise ValueError("a key is of use only with its cert")
        return self


class LogSettings(Section):
    """Where ticks go between collectors and workers."""

    kind: Literal["memory", "kafka"] = "memory"
    capacity: int = Field(default=1_000, ge=100, le=10_000_000)  # ticks unread before the newest replaces the waiting
    bootstrap: str = "127.0.0.1:9092"  # "host:port", several separated by commas
    topic: str = Field(default="arbitrage-tick-data", pattern=r"^[a-zA-Z0-9._-]{1,249}$")
    replication_factor: int = Field(default=3, ge=1, le=9)
    group: Name | None = None  # workers of one group share the symbols; without, this desk judges all of them
    security: SecuritySettings = SecuritySettings()


class SpreadSettings(Section):
    """When a route is an opportunity."""

    min_edge_bps: float = Field(default=2.0, ge=0, le=10_000)  # after both taker fees
    max_quote_age_ms: int = Field(default=1_000, ge=1, le=600_000)
    skew_moves: float = Field(default=1.0, ge=0, le=100)  # times what it moves between two quotes: less is a ghost
    min_notional: Money = Decimal(10)  # quote currency; less than this on offer is a ghost `depth`
    max_rate_age_ms: int = Field(default=5_000, ge=1, le=600_000)  # of a quote that tells what a currency is worth
    depeg_bps: float = Field(default=100.0, ge=1, le=10_000)  # a stablecoin so far from its dollar carries no route


class LimitSettings(Section):
    """What no order may pass. Amounts in the quote currency of the symbol."""

    max_order_notional: Money = Decimal(1_000)  # each leg
    max_symbol_notional: Money = Decimal(100_000)  # bought of one symbol, per UTC day
    max_venue_notional: Money = Decimal(5_000_000)  # bought and sold on one venue, per UTC day
    max_daily_notional: Money = Decimal(10_000_000)  # bought and sold on all venues together, per UTC day
    max_open_exposure: Money = Decimal(5_000)  # of all that was bought and not sold, or sold and not bought
    max_daily_loss: Money = Decimal(250)
    deadline_ms: int = Field(default=250, ge=1, le=10_000)  # from the decision (or the approval) to the last byte sent
    slippage_bps: float = Field(default=3.0, ge=0, le=1_000)  # how much worse than seen each leg may fill
    rescue_loss_bps: float = Field(default=50.0, ge=0, le=1_000)  # of the notional: a loss, the rescue included
    ticket_ttl_s: float = Field(default=30.0, gt=0, le=3_600)


class ControlSettings(Section):
    """What disarms and halts the desk by itself. Seconds of something that goes on."""

    armed_for_s: float = Field(default=3_600.0, gt=0, le=86_400)  # a person's arming ends then, by itself
    max_clock_offset_ms: int = Field(default=500, ge=50, le=60_000)  # of our clock against a venue's, and of its jumps
    stale_feeds_s: float = Field(default=10.0, ge=1, le=3_600)  # fewer than two venues bring prices
    unknown_order_s: float = Field(default=10.0, ge=1, le=60)  # nobody knows what became of an order
    lost_log_s: float = Field(default=5.0, ge=1, le=3_600)  # the brokers of the log, or the order gateway, are gone


class PriceSettings(Section):
    """What a model costs, dollars per million tokens. Without `input`, all are charged as output: an estimate."""

    output: Usd
    input: Usd | None = None
    cached_input: Usd | None = None


PRICES = {model: PriceSettings(output=usd) for model, usd in tasks.PRICES.items()}


class TaskSettings(Section):
    """Which model answers a task, how long an answer holds, and how often a subject is asked about."""

    model: str = Field(min_length=1, max_length=100)
    fallback: str | None = None  # asked once if the first cannot be reached
    ttl_s: float = Field(default=30.0, gt=0, le=3_600)
    cool_down_s: float = Field(default=20.0, ge=1, le=86_400)

    @classmethod
    def usual(cls, name: tasks.TaskName) -> Self:
        """Return what they are without a user's own."""
        task = tasks.BY_NAME[name]
        return cls(model=task.model, fallback=task.fallback, ttl_s=task.ttl_s, cool_down_s=task.cool_down_s)


class AnalysisSettings(Section):
    """The models: one OpenAI-compatible gateway, one key (HOLYSHEEP_API_KEY in the environment, or `key_file`)."""

    enabled: bool = True
    gateway_url: str | None = Field(default=None, pattern=r"^https?://")  # the usual one if not set
    key_file: Path | None = None  # of mode 0600
    timeout_s: float = Field(default=30.0, gt=0, le=600)  # of one attempt
    retries: int = Field(default=3, ge=0, le=10)  # at most; questions that are stale in seconds have one
    concurrency: int = Field(default=3, ge=1, le=16)
    cap_per_hour_usd: Usd = Decimal("0.50")
    cap_per_day_usd: Usd = Decimal("5.00")
    veto_quota: float = Field(default=0.2, ge=0, le=1)  # of an hour's opportunities; above it, a model only comments
    trusted: tuple[str, ...] = ()  # models that may shrink and veto, because they were measured; others only comment
    strategy_every_s: float = Field(default=1_800.0, ge=0, le=86_400)  # 0: only when asked
    anomaly: TaskSettings = TaskSettings.usual("anomaly")
    classification: TaskSettings = TaskSettings.usual("classification")
    risk: TaskSettings = TaskSettings.usual("risk")
    strategy: TaskSettings = TaskSettings.usual("strategy")
    prices: dict[str, PriceSettings] = PRICES

    @field_validator("prices", mode="before")
    @classmethod
    def _known_too(cls, prices: Any) -> Any:
        """Prices that are not named stay as they are known."""
        return {**PRICES, **prices} if isinstance(prices, dict) else prices

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in tasks.TASKS:
            task: TaskSettings = getattr(self, name)
            for model in filter(None, (task.model, task.fallback)):
                if model not in self.prices:
                    raise ValueError(f'{name} asks {model}, which has no price: add it under prices."{model}"')
        if unknown := set(self.trusted) - set(self.prices):
            raise ValueError(f"trusted names {', '.join(sorted(unknown))}, which has no price: is it spelled so?")
        if self.cap_per_hour_usd > self.cap_per_day_usd:
            raise ValueError("cap_per_hour_usd is above cap_per_day_usd, which it can never reach")
        if self.gateway_url and self.gateway_url.startswith("http://") and not _is_loopback(self.gateway_url):
            raise ValueError("gateway_url must be https: the key and the questions would be readable on the way")
        return self

    @property
    def untrusted(self) -> set[str]:
        """Models that only comment: nobody has measured them, or nobody says so."""
        return set(self.prices) - set(self.trusted)


class PaperSettings(Section):
    """The paper venue: fills against the live book at the size it shows."""

    latency_ms: float = Field(default=15.0, ge=0, le=10_000)  # from order sent to order matched
    start_worth: Money = Decimal(100_000)  # quote currency: of every currency, what each venue holds at the start


class LiveSettings(Section):
    """Orders to real venues, which only `arbdesk run --live` sends."""

    keys: Path | None = None  # of mode 0600: a table for each venue; or ARBDESK_BINANCE_KEY and so on
    sandbox: tuple[Name, ...] = ()  # venues to trade on their own test systems, with keys of these


class ConsoleSettings(Section):
    """The screen."""

    theme: str = "auto"  # arbdesk-dark, or arbdesk-ansi where the terminal has sixteen colours
    frames_per_s: int | None = Field(default=None, ge=1, le=30)  # not set: 10 on this machine, 4 over SSH
    bandwidth: Literal["auto", "low", "full"] = "auto"  # low: a frame a second; auto: on a slow link
    tour: bool = True  # the first time, a page of the keys that matter
    bell: bool = False  # the terminal's, for each new ticket
    mouse: bool = False  # reports of its moves cost CPU and bytes; a key turns it on


class RemoteSettings(Section):
    """Consoles on other machines, through Kafka."""

    operators: Path | None = None  # keys of those whom this desk obeys from outside; mode 0600
    key: Path | None = None  # the key that `arbdesk attach` signs with, instead of operator.key beside the settings
    states_per_s: float = Field(default=4.0, ge=0.5, le=20)  # how often the desk publishes what it shows


class TapeSettings(Section):
    """What the desk hears, on disk, to be played again."""

    record: bool = False  # while the desk runs
    folder: Path | None = None  # where tapes go, each in a folder of its own; "tapes" in data_dir if not set
    keep_mb: int | None = Field(default=None, ge=200)  # of a tape: its oldest files go; not set: all of it is kept


class DemoSettings(Section):
    """The simulated market of `arbdesk demo`."""

    rate: int = Field(default=2_000, ge=10, le=20_000)  # ticks a second, all venues together
    seed: int = 1
    crossings_per_s: float | None = Field(default=None, ge=0, le=50)  # not set: 0.25 for a person, 1 without
    anomalies_per_s: float = Field(default=0.15, ge=0, le=5)  # quotes that are made wrong in one of five ways
    faults: tuple[str, ...] = ()  # "KIND[:VENUE][@SECONDS]", or "all"
    live_sim: bool = False  # orders take the whole live way, to simulated venues
    order_faults: float = Field(default=0.0, ge=0, le=1)  # the share of those orders that fail, each in some way
    venues: tuple[Name, ...] | None = Field(default=None, min_length=1)  # or "all"; not set: three, four with live_sim
    symbols: int | None = Field(default=None, ge=1, le=500)  # so many of the market's own, instead of the desk's
    currencies: tuple[Symbolic, ...] = Field(default=("USDT",), min_length=1)  # that they are quoted in; or "all"


class Settings(BaseSettings):
    """All of it."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="ARBDESK_", env_nested_delimiter="__")

    symbols: tuple[Symbol, ...] = Field(default=DEFAULT_SYMBOLS, min_length=1)
    venues: dict[Name, VenueSettings] = Field(default={name: VenueSettings() for name in ("binance", "bybit", "okx")})
    name: DeskName | None = None  # what the desk is called on Kafka; made of host and role if not set
    verbose: bool = False  # the log tells everything
    numeraire: str = Field(default="USDT", pattern=r"^[A-Z0-9]{2,10}$")  # what profit is summed up in
    role: Literal["all", "collector", "worker"] = "all"  # which parts run here, when several machines share a Kafka
    approval: Literal["manual", "auto"] = "manual"
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)  # Prometheus, on loopback; not set: off
    data_dir: Path | None = None  # where the journal is; the user's data directory if not set
    status_every_s: float = Field(default=10.0, ge=0.1, le=3600)  # how often the daemon's log says how the desk is
    journal: Path | None = None  # the journal's file, instead of one in data_dir
    feeds: FeedSettings = FeedSettings()
    log: LogSettings = LogSettings()
    spreads: SpreadSettings = SpreadSettings()
    limits: LimitSettings = LimitSettings()
    controls: ControlSettings = ControlSettings()
    paper: PaperSettings = PaperSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    live: LiveSettings = LiveSettings()
    console: ConsoleSettings = ConsoleSettings()
    remote: RemoteSettings = RemoteSettings()
    tape: TapeSettings = TapeSettings()
    demo: DemoSettings = DemoSettings()

    @field_validator("symbols")
    @classmethod
    def _once_each(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({symbol for symbol in symbols if symbols.count(symbol) > 1}):
            raise ValueError(f"{', '.join(twice)} stands there twice; name each symbol once")
        return symbols

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load` merges file, environment and command line itself, to tell where a mistake is


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
