"""Bytes are kept once, under any key, and are given out only as they came."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from distill_platform.core import canon
from distill_platform.core.errors import ConfigError, RawDamaged
from distill_platform.feeds.http.resource import Resource, shown_url
from distill_platform.feeds.raw_store import RawStore, Snapshot
from distill_platform_tests.feeds.conftest import NOW

HOSTILE = ["../../../etc/passwd", "/etc/passwd", "a/../../b", "..", ".", "CON", "a" * 512, "снег ☃", "%2e%2e/x", "a b"]


def label(body: bytes, **changes: object) -> Snapshot:
    made = Snapshot("news", "page", "https://host/", canon.sha256_hex(body), len(body), "", "", "text/csv", NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    return RawStore(tmp_path / "raw")


@pytest.mark.parametrize("key", HOSTILE)
def test_whatever_the_key_files_stay_below_the_folder(tmp_path: Path, store: RawStore, key: str) -> None:
    Resource("news", key, "https://host/")
    assert store.keep(label(b"x", key=key), b"x") == (label(b"x", key=key), True)
    assert store.latest("news", key) == label(b"x", key=key)
    assert all(path.is_relative_to(tmp_path / "raw") for path in tmp_path.rglob("*") if path.is_file())


def test_keys_do_not_get_in_each_others_way(store: RawStore) -> None:
    for key in HOSTILE:
        store.keep(label(key.encode(), key=key), key.encode())
    assert [store.read("news", one.sha256) for key in HOSTILE for one in store.snapshots("news", key)] == [
        key.encode() for key in HOSTILE
    ]


def test_the_same_bytes_are_one_file_and_one_snapshot(tmp_path: Path, store: RawStore) -> None:
    later = NOW + timedelta(days=1)
    assert store.keep(label(b"x"), b"x") == (label(b"x"), True)
    assert store.keep(label(b"x", fetched_at=later), b"x") == (label(b"x"), False)
    assert store.keep(label(b"x", fetched_at=later, etag='"2"'), b"x") == (label(b"x", etag='"2"'), False)
    assert store.keep(label(b"x", key="other"), b"x")[1]
    assert len(list(tmp_path.glob("raw/news/bytes/*/*"))) == 1
    assert store.snapshots("news", "page") == [label(b"x"), label(b"x", etag='"2"')]


@pytest.mark.parametrize("damage", [b"", b"y", None])
def test_damaged_bytes_are_never_given_out_and_mended_when_they_come_again(
    tmp_path: Path, store: RawStore, damage: bytes | None
) -> None:
    store.keep(label(b"x"), b"x")
    [kept] = tmp_path.glob("raw/news/bytes/*/*")
    kept.unlink() if damage is None else kept.write_bytes(damage)
    with pytest.raises(RawDamaged):
        store.read("news", label(b"x").sha256)
    store.keep(label(b"x"), b"x")
    assert store.read("news", label(b"x").sha256) == b"x"


@pytest.mark.parametrize("sha256", ["", "../" * 21 + "x", "A" * 64, "0" * 63])
def test_what_is_no_hash_names_no_file(store: RawStore, sha256: str) -> None:
    with pytest.raises(RawDamaged, match="have no such hash"):
        store.read("news", sha256)


def test_a_torn_line_of_the_index_costs_that_snapshot_only(tmp_path: Path, store: RawStore) -> None:
    store.keep(label(b"x"), b"x")
    [index] = tmp_path.glob("raw/news/resources/*")
    index.write_bytes(index.read_bytes() + b'{"feed":"ne')
    assert store.latest("news", "page") == label(b"x")
    assert store.keep(label(b"y"), b"y") == (label(b"y"), True)
    assert store.snapshots("news", "page") == [label(b"x"), label(b"y")]


@pytest.mark.parametrize(
    "lie",
    [{"sha256": 5}, {"sha256": None}, {"etag": 5}, {"last_modified": None}, {"bytes": "1"}, {"key": "other"},
     {"feed": "other"}, {"fetched_at": "2026-04-20"}],
    ids=str,
)  # fmt: skip
def test_a_line_of_the_index_that_is_no_snapshot_of_its_resource_is_none(
    tmp_path: Path, store: RawStore, lie: dict[str, object]
) -> None:
    store.keep(label(b"x"), b"x")
    [index] = tmp_path.glob("raw/news/resources/*")
    sound = index.read_bytes()
    index.write_bytes(canon.dumps(canon.parse(sound) | lie) + b"\n")
    assert store.latest("news", "page") is None
    index.write_bytes(index.read_bytes() + sound)
    assert store.snapshots("news", "page") == [label(b"x")]


def test_the_newest_of_very_many_snapshots_is_found(store: RawStore) -> None:
    bodies = [str(number).encode() for number in range(300)]
    for body in bodies:
        store.keep(label(body, etag='"' + "e" * 250 + '"'), body)
    newest = store.latest("news", "page")
    assert newest is not None
    assert newest.sha256 == canon.sha256_hex(b"299")
    assert len(store.snapshots("news", "page")) == 300


# --- resources ---


@pytest.mark.parametrize(
    "url",
    ["", "host/path", "file:///etc/passwd", "ftp://host/", "http://", "https:///path", "http://[", "http://host:port/"],
)
def test_what_is_no_web_address_is_no_resource(url: str) -> None:
    with pytest.raises(ConfigError, match="is not a URL"):
        Resource("news", "page", url)


@pytest.mark.parametrize("key", ["", "a" * 513, "a\nb", "a\0"])
def test_what_is_not_printable_is_no_key(key: str) -> None:
    with pytest.raises(ConfigError, match="is not the key of a resource"):
        Resource("news", key, "https://host/")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host:8080/a/b?series_id=GDP&x=", "https://host:8080/a/b?series_id=GDP&x="),
        (
            "https://me:pw@host/?api_key=1&Access_Token=2&apiKey=3",
            "https://host/?api_key=***&Access_Token=***&apiKey=***",
        ),
        ("https://host/a b\n?x=1#token", "https://host/a%20b?x=1"),
        ("http://[", "an address that cannot be read"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@given(st.text(max_size=50), st.sampled_from(["api_key", "token", "X-Signature", "password", "secret"]))
def test_law_no_value_of_a_secret_is_shown(rest: str, name: str) -> None:
    assert "s3cret" not in shown_url(f"https://host/path?{name}=s3cret&{rest}")
