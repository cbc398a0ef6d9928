"""vectorbt on one case, run by an interpreter of its own: `python vectorbt_peer.py CASE.npz ANSWER.npz`.

Writes what came out to ANSWER, then for every line on stdin runs again and prints the CPU seconds of the simulation
alone and of the simulation with equity, returns and round trips.
"""

import sys
import time
import warnings
from typing import Any

import numpy as np

warnings.simplefilter("ignore")


def main() -> None:
    """Answer, then run laps until stdin ends."""
    import pandas as pd
    import vectorbt as vbt  # type: ignore[import-not-found]  # of the interpreter that runs this

    case = np.load(sys.argv[1])
    closes = pd.DataFrame(case["closes"])
    targets = pd.DataFrame(case["weights"]).shift(1)  # what is decided at one close trades at the next

    def simulate() -> Any:
        return vbt.Portfolio.from_orders(
            closes, targets, size_type="targetpercent", price=closes, val_price=-np.inf, fees=float(case["fee"]),
            init_cash=float(case["capital"]), cash_sharing=True, group_by=True, call_seq="auto", freq="1D",
        )  # fmt: skip

    def everything() -> tuple[Any, Any, Any, Any]:
        portfolio = simulate()
        return portfolio, portfolio.value().to_numpy(), portfolio.returns().to_numpy(), portfolio.positions.values

    portfolio, equity, _, positions = everything()
    orders = portfolio.orders.values
    np.savez(
        sys.argv[2],
        equity=equity,
        order_bar=orders["idx"],
        order_symbol=orders["col"],
        order_size=np.where(orders["side"] == 0, orders["size"], -orders["size"]),
        trade_symbol=positions["col"],
        trade_opened=positions["entry_idx"],
        trade_closed=positions["exit_idx"],
        trade_price_open=positions["entry_price"],
        trade_price_close=positions["exit_price"],
        version=vbt.__version__,
    )
    print("ready", flush=True)
    for _ in sys.stdin:
        print(_cpu_seconds(simulate), _cpu_seconds(everything), flush=True)


def _cpu_seconds(work: Any) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
