"""Thrift's compact encoding, in which Parquet writes its footer and its page headers: read, never trusted.

Source: the Apache Thrift compact protocol specification, as of 0.21.
"""

from __future__ import annotations

from typing import Any

Struct = dict[int, Any]

_MAX_DEPTH = 16
_TRUE, _FALSE, _I8, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(1, 14)


class ThriftError(ValueError):
    """Bytes are not what the compact encoding allows, or end too early."""


class CompactReader:
    """Reads values one after the other from `data[position:end]`."""

    def __init__(self, data: bytes, position: int, end: int) -> None:
        if not 0 <= position <= end <= len(data):
            raise ThriftError(f"bytes {position} to {end} of {len(data)}")
        self.position = position
        self._data = data
        self._end = end

    def struct(self, depth: int = 0) -> Struct:
        """Return a struct as {field id: value}; of a field that stands twice the last one counts."""
        if depth > _MAX_DEPTH:
            raise ThriftError(f"nested deeper than {_MAX_DEPTH} levels")
        fields: Struct = {}
        number = 0
        while header := self._byte():
            step, kind = header >> 4, header & 15
            number = number + step if step else self._zigzag()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind == _MAP:
            return self._map(depth)
        widths = {_TRUE: 1, _FALSE: 1, _I8: 1, _DOUBLE: 8, _UUID: 16}
        if kind not in widths:
            raise ThriftError(f"no value has type {kind}")
        return self._bytes(widths[kind])

    def _list(self, depth: int) -> list[Any]:
        header = self._byte()
        size, kind = header >> 4, header & 15
        size = self._fitting(self._varint() if size == 15 else size)
        return [self._value(kind, depth) for _ in range(size)]

    def _map(self, depth: int) -> list[tuple[Any, Any]]:
        size = self._fitting(self._varint())
        kinds = self._byte() if size else 0
        return [(self._value(kinds >> 4, depth), self._value(kinds & 15, depth)) for _ in range(size)]

    def _fitting(self, size: int) -> int:
        """Return a number of elements, each of which takes a byte at least."""
        if size > self._end - self.position:
            raise ThriftError(f"{size} elements in {self._end - self.position} bytes")
        return size

    def _byte(self) -> int:
        if self.position >= self._end:
            raise ThriftError("ends too early")
        self.position += 1
        return self._data[self.position - 1]

    def _bytes(self, size: int) -> bytes:
        start, self.position = self.position, self.position + self._fitting(size)
        return self._data[start : self.position]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 64, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ThriftError("a number has more than 64 bits")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
