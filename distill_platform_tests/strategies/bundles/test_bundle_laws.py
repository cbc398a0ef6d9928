"""Whatever is handed in, the answer is a bundle or a refusal; and what was sealed cannot be changed unseen."""

import copy
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.completeness import bundle_sha256, parse_complete, to_complete
from distill_platform.strategies.bundles.limits import LIMITS
from distill_platform.strategies.bundles.manifest_file import parse_manifest
from distill_platform.strategies.bundles.parquet_files import read_table
from distill_platform.strategies.bundles.reading import bundle_of, read_bundle
from distill_platform.strategies.bundles.refusal import BundleRefused
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST, TABLES
from distill_platform_tests.strategies.bundles.builders import NOW, sound

with TemporaryDirectory() as _folder:
    FILES = {path.name: path.read_bytes() for path in sound(Path(_folder)).iterdir()}
DATA = {name: data for name, data in FILES.items() if name != COMPLETE}
DOCUMENT = json.loads(FILES[MANIFEST])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def outcome(files: dict[str, bytes]) -> str:
    """Return what becomes of these files: taken, or the reason why not. Anything else is an error of ours."""
    try:
        assert isinstance(bundle_of(files, files.__getitem__, ""), Bundle)
    except BundleRefused as refused:
        assert refused.message
        return str(refused.reason)
    return "taken"


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(max_examples=60)
def test_no_byte_can_change_after_sealing(name: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(FILES[name]) - 1))
    mask = data.draw(st.integers(1, 255))
    changed = bytearray(FILES[name])
    changed[position] ^= mask
    with TemporaryDirectory() as inbox:
        folder = sound(Path(inbox))
        before = read_bundle(folder, now=NOW)
        (folder / name).write_bytes(bytes(changed))
        try:
            after = read_bundle(folder, now=NOW)
        except BundleRefused:
            return
        # COMPLETE may be written in other letters for the same hashes, which is the same bundle
        assert name == COMPLETE
        assert after.sha256 == before.sha256


@given(st.sampled_from(sorted(DATA)), st.data())
@settings(max_examples=100)
def test_bytes_flipped_before_sealing_are_a_bundle_or_a_refusal(name: str, data: st.DataObject) -> None:
    changed = bytearray(DATA[name])
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    outcome(DATA | {name: bytes(changed)})


@given(st.sampled_from(sorted(DATA)), st.data())
@settings(max_examples=80)
def test_a_file_cut_off_is_refused(name: str, data: st.DataObject) -> None:
    keep = data.draw(st.integers(0, len(DATA[name]) - 2))
    assert outcome(DATA | {name: DATA[name][:keep]}) != "taken"


@given(st.permutations(sorted(DATA)))
@settings(max_examples=40)
def test_files_under_each_others_names_are_refused(names: list[str]) -> None:
    swapped = dict(zip(sorted(DATA), (DATA[name] for name in names), strict=True))
    assert (outcome(swapped) == "taken") == (swapped == DATA)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_manifest_or_a_refusal(data: bytes) -> None:
    with pytest.raises(BundleRefused):
        parse_manifest(data)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in a JSON document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, inner in pairs for place in places(inner, (*way, key)))]


@given(st.sampled_from(places(DOCUMENT)[1:]), JSON, st.booleans())
@settings(max_examples=100)
def test_any_value_anywhere_in_the_manifest_is_a_bundle_or_a_refusal(
    place: tuple[Any, ...], value: Any, remove: bool
) -> None:
    document = copy.deepcopy(DOCUMENT)
    parent = document
    for key in place[:-1]:
        parent = parent[key]
    if remove:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    found = outcome(DATA | {MANIFEST: json.dumps(document).encode("utf-8", "surrogatepass")})
    assert found != "unreadable"


@given(st.sampled_from(places(DOCUMENT)), st.text(max_size=12), JSON)
@settings(max_examples=100)
def test_a_key_that_is_not_declared_is_refused(place: tuple[Any, ...], key: str, value: Any) -> None:
    free = {"parameters", "params", "rounding", "sizing", "seeds", "fee", "slippage", "fill", "funding"}
    document = copy.deepcopy(DOCUMENT)
    parent = document
    for part in place:
        parent = parent[part]
    if isinstance(parent, dict) and key not in parent and not free & set(place):
        parent[key] = value
        changed = json.dumps(document).encode("utf-8", "surrogatepass")
        assert outcome(DATA | {MANIFEST: changed}) in ("manifest_unknown_key", "manifest_malformed")


KINDS = [
    pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.bool_(), pa.string(), pa.large_string(), pa.binary(),
    pa.date32(), pa.timestamp("s"), pa.timestamp("ns", "UTC"), pa.timestamp("us", "Asia/Tokyo"), pa.time64("us"),
    pa.decimal128(20, 3), pa.list_(pa.int64()), pa.struct([("a", pa.int8())]), pa.null(), pa.duration("us"),
]  # fmt: skip


@given(st.sampled_from(sorted(TABLES)), st.data())
@settings(max_examples=100)
def test_a_column_of_any_type_is_a_bundle_or_a_refusal(name: str, data: st.DataObject) -> None:
    table = pq.read_table(pa.BufferReader(DATA[TABLES[name].file]))
    place = data.draw(st.integers(0, table.num_columns - 1))
    kind = data.draw(st.sampled_from(KINDS))
    values = table.column(place)
    try:
        column = values.cast(kind, safe=False)
    except pa.ArrowException:
        column = pa.nulls(table.num_rows, kind)
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(place, table.column_names[place], column), sink)
    outcome(DATA | {TABLES[name].file: sink.getvalue().to_pybytes()})


WORDS = st.characters(exclude_categories=["Cs"])


@given(st.sampled_from(sorted(TABLES)), st.data())
@settings(max_examples=100)
def test_any_value_in_a_table_is_a_bundle_or_a_refusal(name: str, data: st.DataObject) -> None:
    table = pq.read_table(pa.BufferReader(DATA[TABLES[name].file]))
    place = data.draw(st.integers(0, table.num_columns - 1))
    kind = table.schema.field(place).type
    numbers = st.floats() if pa.types.is_floating(kind) else st.integers(-(2**31), 2**31 - 1)
    drawn = data.draw(st.none() | (st.text(WORDS, max_size=9) if pa.types.is_string(kind) else numbers))
    raw = pa.array([drawn], pa.int32() if pa.types.is_date(kind) else None).cast(kind)
    row = data.draw(st.integers(0, table.num_rows - 1))
    values = table.column(place)
    column = pa.chunked_array([*values.slice(0, row).chunks, raw, *values.slice(row + 1).chunks], kind)
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(place, table.column_names[place], column), sink)
    outcome(DATA | {TABLES[name].file: sink.getvalue().to_pybytes()})


@given(st.binary(max_size=200))
def test_any_bytes_are_no_parquet(data: bytes) -> None:
    with pytest.raises(BundleRefused):
        read_table(data, TABLES["steps"], LIMITS)


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_no_seal(data: bytes) -> None:
    with pytest.raises(BundleRefused):
        parse_complete(data)


@given(st.sets(st.sampled_from(sorted(set(DATA) - {MANIFEST, "steps.parquet"}))), st.data())
def test_a_seal_is_read_as_it_was_written(optional: set[str], data: st.DataObject) -> None:
    names = [MANIFEST, "steps.parquet", *sorted(optional)]
    sums = {name: data.draw(st.text("0123456789abcdef", min_size=64, max_size=64)) for name in names}
    found = parse_complete(to_complete(sums))
    assert found == sums
    assert bundle_sha256(found) == bundle_sha256(dict(reversed(sums.items())))
