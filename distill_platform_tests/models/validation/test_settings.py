"""There is no way to configure folds that leak."""

from pathlib import Path

import pytest

from distill_platform.core.config import load_yaml
from distill_platform.core.errors import ConfigError
from distill_platform.models.validation.settings import FoldScheme, ValidationSettings, refuse_short_embargo


def load(tmp_path: Path, text: str) -> ValidationSettings:
    path = tmp_path / "validation.yaml"
    path.write_text(text)
    return load_yaml(path, ValidationSettings)


def test_folds_are_read_from_yaml(tmp_path: Path) -> None:
    settings = load(tmp_path, "scheme: walk_forward\nfolds: 8\nembargo_bars: 30\n")
    assert (settings.scheme, settings.folds, settings.embargo_bars) == (FoldScheme.WALK_FORWARD, 8, 30)


@pytest.mark.parametrize(
    "text",
    ["shuffle: true", "shuffle: false", "random_state: 1", "scheme: kfold", "scheme: shuffled_kfold", "scheme: KFold"],
)
def test_a_shuffled_k_fold_is_refused_with_the_reason(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="neighbours of the rows it tests"):
        load(tmp_path, text + "\n")


@pytest.mark.parametrize("text", ["purge_bars: 0", "purge_bars: 3", "purge: 48"])
def test_a_purge_is_not_a_setting_because_labels_say_how_long_it_is(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="purged by the time of their own labels"):
        load(tmp_path, text + "\n")


def test_other_schemes_and_unknown_keys_name_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="walk_forward"):
        load(tmp_path, "scheme: walk_foward\n")
    with pytest.raises(ConfigError, match="embargo_bars"):
        load(tmp_path, "embargo: 3\n")


def test_an_embargo_shorter_than_the_horizon_is_refused() -> None:
    refuse_short_embargo(ValidationSettings(embargo_bars=24), 24)
    with pytest.raises(ConfigError, match="embargo_bars to 24 or more"):
        refuse_short_embargo(ValidationSettings(embargo_bars=23), 24)
