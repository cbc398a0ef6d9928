"""Feeds: one YAML file each says where bars or reports come from, how they are read and how far they are trusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import StrictModel, load_yaml, nearest
from distill_platform.core.errors import ConfigError
from distill_platform.feeds.http.resource import is_web_address
from distill_platform.feeds.intervals import read_interval
from distill_platform.feeds.moments import TimeSettings
from distill_platform.feeds.report_rows import Standing
from distill_platform.feeds.settings import FeedSettings

_SLOT = "{symbol}"


def _interval(text: str) -> str:
    read_interval(text)
    return text


def _address(url: str) -> str:
    if not is_web_address(url):
        raise ValueError(f"{url[:200]!r} is not an address; write it like https://host/path")
    return url


def _root(url: str) -> str:
    return _address(url).rstrip("/")


def _unique(names: list[str]) -> list[str]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{repeated[0]!r} stands twice")
    return names


Interval = Annotated[str, AfterValidator(_interval)]
Address = Annotated[str, AfterValidator(_address)]
Root = Annotated[str, AfterValidator(_root)]
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Kind = Annotated[str, Field(max_length=32, pattern=r"^[a-z][a-z0-9_]*$")]
Symbols = Annotated[dict[Word, Text], Field(min_length=1)]
Position = Annotated[int, Field(ge=0, le=100)]


class BarSettings(StrictModel):
    """Which bars a feed has: `symbols` are our names, each with the one that the source uses for it."""

    interval: Interval
    symbols: Symbols
    outage_bars: Annotated[int, Field(ge=1, le=1_000_000)] = 3  # a gap of more bars than this is an outage

    @property
    def length(self) -> timedelta:
        """Return how long a bar is."""
        return read_interval(self.interval)

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        _unique(list(self.symbols.values()))
        return self


class Feed(FeedSettings):
    """What every feed declares besides how it is asked; `connector` says which of the kinds below it is."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    description: str = ""
    data_regime: Literal["prod_live", "maintenance_replay"]

    MAY_BE_HISTORY: ClassVar[bool] = False

    @model_validator(mode="after")
    def _owes_something(self) -> Self:
        if self.slo is None and not self.MAY_BE_HISTORY:
            raise ValueError("slo: a source that is asked owes something; only files may be history")
        return self

    @property
    def bar_settings(self) -> BarSettings | None:
        """Return which bars the feed has; None for a feed of reports."""
        return None

    @property
    def delay(self) -> timedelta:
        """Return how long after publication a report may be used."""
        return timedelta(seconds=self.delay_s)

    @property
    def standing(self) -> Standing:
        """Return what its reports are worth."""
        return Standing(self.tier, self.confidence, self.delay)

    @property
    def content_hash(self) -> str:
        """Return the hash of the whole declaration: another one may read the same bytes into other rows."""
        return sig_hash(self.model_dump(mode="json"))


class GdeltFeed(Feed):
    """News as GDELT's Global Knowledge Graph lists them every 15 minutes; of these, those about one of `words`."""

    connector: Literal["gdelt"]
    words: Annotated[list[Annotated[str, Field(min_length=2, max_length=80)]], Field(min_length=1, max_length=100)]
    base_url: Root = "http://data.gdeltproject.org/gdeltv2"
    api_url: Root = "https://api.gdeltproject.org/api/v2/doc/doc"
    kind: Kind = "headline"
    full_tone: Annotated[float, Field(gt=0.0, le=100.0)] = 10.0  # GDELT's tone that counts as 1; its scale ends at 100


class FredFeed(Feed):
    """Observations of the St. Louis Fed's database, each known from the end of the day of its vintage on."""

    connector: Literal["fred"]
    series: Annotated[list[Word], AfterValidator(_unique), Field(min_length=1)]
    api_key_env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]  # the variable that holds the key, not the key
    base_url: Root = "https://api.stlouisfed.org/fred"
    kind: Kind = "macro"
    lookback_days: Annotated[int, Field(ge=1, le=40_000)] = 800  # how old an observation may be to be revised


class RssFeed(Feed):
    """Headlines of RSS 2.0 and Atom documents."""

    connector: Literal["rss"]
    urls: Annotated[list[Address], AfterValidator(_unique), Field(min_length=1)]
    outlet: Text | None = None  # who publishes; without it, each item's own source or the host of its link
    kind: Kind = "headline"


class CandleFields(StrictModel):
    """Where in a candle's list its values stand, from 0."""

    open_time: Position = 0
    open: Position = 1
    high: Position = 2
    low: Position = 3
    close: Position = 4
    volume: Position = 5

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        if len(set(self.positions)) < len(self.positions):
            raise ValueError("two values of a candle cannot stand at one position")
        return self

    @property
    def positions(self) -> tuple[int, ...]:
        """Return the positions of open time, open, high, low, close and volume."""
        return (self.open_time, self.open, self.high, self.low, self.close, self.volume)


class CandlesFeed(Feed, BarSettings):
    """An exchange's public candles: lists of values, asked for by symbol, interval, start and end in milliseconds."""

    connector: Literal["candles"]
    base_url: Root = "https://api.binance.com"
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.-]*$")] = "/api/v3/klines"
    limit: Annotated[int, Field(ge=1, le=5_000)] = 1_000
    fields: CandleFields = CandleFields()

    @property
    def bar_settings(self) -> BarSettings:
        """Return which bars the feed has."""
        return self


class BarColumns(StrictModel):
    """What a file of bars calls its columns; `symbol` is needed where one file holds several."""

    time: Text = "ts"
    open: Text = "open"
    high: Text = "high"
    low: Text = "low"
    close: Text = "close"
    volume: Text = "volume"
    symbol: Text | None = None


class BarFiles(BarSettings):
    """Files of bars; `stamp` says whether a row's time is the start or the end of its bar."""

    stamp: Literal["start", "end"]
    columns: BarColumns = BarColumns()


class HeadlineColumns(StrictModel):
    """What a file of headlines calls its columns; those that are None are not there."""

    time: Text = "published_at"
    title: Text = "title"
    url: Text | None = None
    outlet: Text | None = None
    tone: Text | None = None
    entities: Text | None = None


class HeadlineFiles(StrictModel):
    """Files of headlines."""

    columns: HeadlineColumns = HeadlineColumns()
    outlet: Text | None = None  # where no column says it
    kind: Kind = "headline"


class FilesFeed(Feed):
    """CSV, Feather or Parquet files of bars or of headlines, below the project or anywhere on this disk.

    `{symbol}` in `path` stands for the source's name of a symbol: one file each.
    """

    connector: Literal["files"]
    path: Annotated[str, Field(min_length=1, max_length=1_000)]
    separator: Annotated[str, Field(pattern=r'^[^"\r\n ]$')] = ","
    time: TimeSettings = TimeSettings()
    bars: BarFiles | None = None
    headlines: HeadlineFiles | None = None

    MAY_BE_HISTORY: ClassVar[bool] = True
    ENDINGS: ClassVar[tuple[str, ...]] = (".csv", ".feather", ".arrow", ".parquet", ".pq")

    @property
    def bar_settings(self) -> BarSettings | None:
        """Return which bars the feed has; None for a feed of headlines."""
        return self.bars

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if (self.bars is None) == (self.headlines is None):
            raise ValueError("say either `bars` or `headlines`: what the files hold")
        if not self.path.lower().endswith(self.ENDINGS):
            raise ValueError(f"path {self.path!r} must end with one of {', '.join(self.ENDINGS)}")
        if self.bars is not None and not self._says_symbol(self.bars):
            raise ValueError(f"say which symbol a row is of: either {_SLOT} in `path`, or `columns.symbol`")
        if self.headlines is not None and _SLOT in self.path:
            raise ValueError(f"headlines have no symbol yet, so `path` has no {_SLOT}")
        return self

    def _says_symbol(self, bars: BarFiles) -> bool:
        ways = (_SLOT in self.path) + (bars.columns.symbol is not None)
        return ways == 1 or (ways == 0 and len(bars.symbols) == 1)

    @property
    def is_one_file(self) -> bool:
        """Return whether all rows are in one file, whatever symbol they are of."""
        return _SLOT not in self.path

    @property
    def ending(self) -> str:
        """Return the ending of the files' names, which says how they are read."""
        return Path(self.path).suffix.lower()

    def path_of(self, name: str) -> str:
        """Return the path of the file of the symbol that the source calls `name`."""
        return self.path.replace(_SLOT, name)


FeedConfig = GdeltFeed | FredFeed | RssFeed | CandlesFeed | FilesFeed
CONNECTORS: dict[str, type[FeedConfig]] = {
    "candles": CandlesFeed, "files": FilesFeed, "fred": FredFeed, "gdelt": GdeltFeed, "rss": RssFeed,
}  # fmt: skip


class _Declared(StrictModel):
    """The one key that says which model a feed's file is checked against."""

    model_config = ConfigDict(extra="ignore")
    connector: str


@dataclass(frozen=True)
class LoadedFeeds:
    """The feeds of a folder by name, and the files that declare none, each with what is wrong with it."""

    feeds: tuple[FeedConfig, ...]
    broken: tuple[ConfigError, ...]


def load_feed(file: Path) -> FeedConfig:
    """Return the feed that one YAML file declares; it is named like the file.

    Raises ConfigError that names file, line and the nearest known word.
    """
    kind = load_yaml(file, _Declared).connector
    if kind not in CONNECTORS:
        raise ConfigError(f"connector: there is no {kind!r}", file=str(file), hint=nearest(kind, list(CONNECTORS)))
    feed = load_yaml(file, CONNECTORS[kind])
    if feed.name != file.stem:
        hint = f"Name the file {feed.name}{file.suffix}"
        raise ConfigError(f"name: {feed.name!r} is not the name of the file", file=str(file), hint=hint)
    return feed


def load_feeds(folder: Path) -> LoadedFeeds:
    """Return every feed declared in `folder` (`*.yaml`), by name; a broken file is reported and stops no other.

    So is one that ends with `.yml`, which somebody meant to be read.
    """
    feeds: list[FeedConfig] = []
    broken: list[ConfigError] = []
    for file in _files(folder):
        try:
            feeds.append(load_feed(file))
        except ConfigError as error:
            broken.append(error)
    broken += [
        ConfigError("is not read", file=str(file), hint="Name it .yaml") for file in sorted(folder.glob("*.yml"))
    ]
    return LoadedFeeds(tuple(feeds), tuple(broken))


def _files(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.yaml")) if folder.is_dir() else ()
