"""`python -m distill_platform.feeds.sample <folder>`: write the bars and headlines of the sample market as files."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from distill_platform.feeds.sample.market import SampleMarket, generate


def write_sample(folder: Path, market: SampleMarket) -> None:
    """Write `sample_bars.parquet` and `sample_headlines.csv`, the same bytes for the same market."""
    made = generate(market)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(made.bars.drop_columns(["source"]), folder / "sample_bars.parquet")
    stamped = made.headlines.set_column(
        0, "published_at", made.headlines["published_at"].cast(pa.timestamp("s", "UTC")).cast(pa.string())
    )
    pc.write_csv(stamped, folder / "sample_headlines.csv")


if __name__ == "__main__":
    write_sample(Path(sys.argv[1]), SampleMarket())
    print(f"The sample market lies in {sys.argv[1]}")
