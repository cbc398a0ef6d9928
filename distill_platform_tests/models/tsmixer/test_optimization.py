"""Training stops when nothing gets better, and hands back the best there was."""

import pytest

torch = pytest.importorskip("torch")

from distill_platform.models.tsmixer.architecture import Architecture, Head  # noqa: E402
from distill_platform.models.tsmixer.network import Dropout, Network, initial_network, score  # noqa: E402
from distill_platform.models.tsmixer.optimization import (  # noqa: E402
    EpochLoss,
    Optimized,
    Schedule,
    deterministic,
    optimize,
)
from distill_platform.models.tsmixer.reversible import normalized  # noqa: E402

ARCHITECTURE = Architecture(length=4, channels=1, blocks=1, hidden=1, head=Head.SCORE)


def trained(validation: list[float], *, rows: int = 6, patience: int = 2, epochs: int = 10) -> Optimized:
    """The bias of the head goes up by a step per batch; the validation losses are as given."""
    made = initial_network(ARCHITECTURE, torch.Generator().manual_seed(1))
    losses = iter(validation)
    SEEN.clear()

    def loss(batch: "torch.Tensor", dropout: Dropout) -> "torch.Tensor":
        SEEN.append(batch.tolist())
        return 0.0 * sum(weight.sum() for weight in made.weights.values()) - made.weights["head.bias"].sum()

    def judged(network: Network) -> float:
        return next(losses)

    schedule = Schedule(epochs, patience, batch=2, learning_rate=0.1)
    return optimize(made, rows, loss, judged, schedule, Dropout(0.0, torch.Generator().manual_seed(1)))


SEEN: list[list[int]] = []


def test_it_stops_after_as_many_epochs_without_gain_as_patience_allows() -> None:
    done = trained([3.0, 2.0, 2.5, 2.4, 0.1])
    assert [epoch.validation for epoch in done.curve] == [3.0, 2.0, 2.5, 2.4]
    assert done.best_epoch == 2


def test_the_network_is_that_of_the_best_epoch() -> None:
    best, longer = trained([3.0, 2.0, 2.5, 2.4]), trained([3.0, 2.5, 2.4, 2.3], epochs=4)
    assert best.network.weights["head.bias"] < longer.network.weights["head.bias"]
    only_two = trained([3.0, 2.0], epochs=2)
    assert best.network.weights["head.bias"] == only_two.network.weights["head.bias"]


def test_a_loss_that_is_no_number_is_never_the_best() -> None:
    assert trained([float("nan"), 2.0, float("nan"), float("inf")]).best_epoch == 2
    assert trained([float("nan")] * 3).best_epoch == 0


def test_every_row_is_seen_once_an_epoch_in_an_order_of_its_own() -> None:
    trained([3.0, 2.0], epochs=2)
    epochs = [[row for batch in part for row in batch] for part in (SEEN[:3], SEEN[3:])]
    assert [sorted(rows) for rows in epochs] == [list(range(6))] * 2
    assert epochs[0] != epochs[1]


def test_a_last_batch_of_one_row_is_left_out() -> None:
    trained([3.0], rows=7, epochs=1)
    assert [len(batch) for batch in SEEN] == [2, 2, 2]


@pytest.mark.slow
def test_steps_are_those_of_torch_s_own_adam() -> None:
    ours, peer = (initial_network(ARCHITECTURE, torch.Generator().manual_seed(1)) for _ in range(2))
    windows = torch.randn(8, 1, 4, generator=torch.Generator().manual_seed(2))

    def loss(network: Network, rows: "torch.Tensor", dropout: Dropout) -> "torch.Tensor":
        return (score(network, normalized(windows[rows]), dropout) - 1.0).square().mean()

    dropout, again = (Dropout(0.0, torch.Generator().manual_seed(1)) for _ in range(2))
    schedule = Schedule(epochs=5, patience=5, batch=8, learning_rate=0.01)
    optimize(ours, 8, lambda rows, dropout: loss(ours, rows, dropout), lambda network: 0.0, schedule, dropout)
    adam = torch.optim.Adam(peer.weights.values(), lr=0.01, fused=True)
    for _ in range(5):
        adam.zero_grad()
        loss(peer, torch.randperm(8, generator=again.generator), again).backward()
        adam.step()
    assert all((ours.weights[name] == peer.weights[name]).all() for name in ours.weights)


@pytest.mark.slow
def test_a_slope_that_is_one_number_for_many_weights_is_theirs_and_not_what_lies_behind_it_in_memory() -> None:
    ours, peer = (initial_network(ARCHITECTURE, torch.Generator().manual_seed(1)) for _ in range(2))

    def loss(network: Network) -> "torch.Tensor":
        return torch.stack([weight.sum() for weight in network.weights.values()]).sum()

    schedule = Schedule(epochs=5, patience=5, batch=8, learning_rate=0.01)
    dropout = Dropout(0.0, torch.Generator().manual_seed(1))
    optimize(ours, 8, lambda rows, dropout: loss(ours), lambda network: 0.0, schedule, dropout)
    adam = torch.optim.Adam(peer.weights.values(), lr=0.01, fused=True)
    for _ in range(5):
        adam.zero_grad()
        loss(peer).backward()
        adam.step()
    assert all((ours.weights[name] == peer.weights[name]).all() for name in ours.weights)


def test_the_curve_starts_with_the_first_epoch() -> None:
    done = trained([3.0, 2.0], epochs=2)
    assert isinstance(done.curve[0], EpochLoss)
    assert done.curve[0].train > done.curve[1].train


def test_threads_and_determinism_are_as_before_afterwards() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with deterministic():
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == 2
    assert not torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(before)
