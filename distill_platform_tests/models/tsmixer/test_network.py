"""The network does what its paper says, and draws from the generator that it is given only."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from distill_platform.models.tsmixer.architecture import Architecture, Head  # noqa: E402
from distill_platform.models.tsmixer.network import Dropout, Network, forecast, initial_network, score  # noqa: E402
from distill_platform.models.tsmixer.reversible import normalized, restored  # noqa: E402

FORECAST = Architecture(length=24, channels=5, blocks=2, hidden=8, head=Head.FORECAST, outputs=6)
SCORE = Architecture(length=24, channels=5, blocks=2, hidden=8, head=Head.SCORE)


def network(architecture: Architecture = FORECAST, seed: int = 3) -> Network:
    made = initial_network(architecture, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for name, tensor in made.weights.items():
            if name.startswith("head"):
                tensor.normal_(generator=torch.Generator().manual_seed(seed))
    return made


def windows(count: int = 16) -> "torch.Tensor":
    return torch.randn(count, 5, 24, generator=torch.Generator().manual_seed(9)).mul_(3.0).add_(1.0)


def test_normalization_is_undone() -> None:
    given = normalized(windows())
    torch.testing.assert_close(restored(given.values, given), windows())
    torch.testing.assert_close(given.values.mean(dim=2), torch.zeros(16, 5), atol=1e-6, rtol=0)


def test_a_constant_channel_is_zeros() -> None:
    flat = windows()
    flat[:, 2] = 7.25
    assert (normalized(flat).values[:, 2] == 0.0).all()


def test_a_forecast_moves_with_the_level_and_the_unit_of_each_channel() -> None:
    shift, unit = torch.arange(5.0)[None, :, None], torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])[None, :, None]
    once = forecast(network(), windows())
    moved = forecast(network(), windows() * unit + shift)
    torch.testing.assert_close(moved, once * unit + shift, atol=1e-3, rtol=1e-4)


def test_a_forecast_has_the_shape_of_what_is_to_come() -> None:
    assert forecast(network(), windows(3)).shape == (3, 5, 6)


def test_a_score_sees_the_level_that_normalization_took_away() -> None:
    low, high = (score(network(SCORE), normalized(windows() + level)) for level in (0.0, 1.0))
    assert (low - high).abs().min() > 0.01


def test_every_moment_and_every_channel_can_change_a_forecast() -> None:
    given = windows(1).requires_grad_()
    forecast(network(), given)[0, 0, 0].backward()
    assert (given.grad != 0.0).all()


def test_a_row_alone_is_forecast_as_in_a_batch() -> None:
    with torch.no_grad():
        together = forecast(network(), windows())
        alone = torch.cat([forecast(network(), row[None]) for row in windows()])
    assert (together - alone).abs().max() < 1e-5


def test_an_untrained_score_is_zero() -> None:
    untrained = initial_network(SCORE, torch.Generator().manual_seed(1))
    assert (score(untrained, normalized(windows())) == 0.0).all()


def test_training_moves_the_running_statistics_and_scoring_does_not() -> None:
    made = network()
    before = {name: tensor.clone() for name, tensor in made.statistics.items()}
    forecast(made, windows())
    assert all((made.statistics[name] == tensor).all() for name, tensor in before.items())
    forecast(made, windows(), Dropout(0.0, torch.Generator()))
    assert all((made.statistics[name] != tensor).any() for name, tensor in before.items())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropout_leaves_out_its_share_and_keeps_the_mean(share: float) -> None:
    wide = Architecture(length=200, channels=50, blocks=1, hidden=1, head=Head.SCORE)
    made = initial_network(wide, torch.Generator().manual_seed(1))
    with torch.no_grad():
        made.weights["block0.time.bias"].fill_(1.0)
        made.weights["block0.time.weight"].zero_()
        made.weights["block0.feature.weight_out"].zero_()
        made.weights["head.weight"].fill_(1.0 / 10_000)
    rest = normalized(torch.zeros(40, 50, 200))
    said = score(made, rest, Dropout(share, torch.Generator().manual_seed(4))).detach().numpy()
    assert np.mean(said) == pytest.approx(1.0, abs=0.02)
    assert np.std(said) == pytest.approx(np.sqrt(share / (1.0 - share) / 10_000), rel=0.4)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    made = initial_network(FORECAST, torch.Generator().manual_seed(1))
    forecast(made, windows(), Dropout(0.5, torch.Generator().manual_seed(1)))
    assert (torch.get_rng_state() == before).all()


def test_the_same_seed_gives_the_same_network_and_another_seed_another() -> None:
    one, same, other = (initial_network(FORECAST, torch.Generator().manual_seed(seed)).tensors() for seed in (1, 1, 2))
    assert all((one[name] == same[name]).all() for name in one)
    assert (one["head.weight"] != other["head.weight"]).any()


def test_a_copy_shares_nothing() -> None:
    made = network()
    copied = made.copy()
    with torch.no_grad():
        made.weights["head.weight"].zero_()
    assert (copied.weights["head.weight"] != 0.0).any()
