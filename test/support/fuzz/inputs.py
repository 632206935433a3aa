# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Random changes of valid inputs, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
import re

from hypothesis import strategies as st

_NUMBERS = (b'\0', b'\xff', b'\x7f', b'\x80', b'\xff\xff', b'\0\0\0\0', b'\xff\xff\xff\xff',
            b'\xff\xff\xff\x7f', b'\0\0\0\x80', b'\x7f\xff\xff\xff', b'\xff' * 8,
            b'\xff' * 7 + b'\x7f', b'\0\0\0\0\x01\0\0\0')
_VALUES = (b'-1', b'0', b'1', b'65537', b'99999999999', b'1e999', b'NaN', b'0.5', b'null', b'true',
           b'[]', b'{}', b'""', b'"\\ud800"', b'[[[[]]]]', b'"' + b'x' * 500 + b'"')
_TOKEN = re.compile(rb'"[^"\n]*"|-?[0-9][0-9.e+-]*|\[\]|true|false|null')


@st.composite
def changed(draw: Callable[[st.SearchStrategy[int]], int], seeds: list[bytes]) -> bytes:
    """Draw a valid input with one to six changes."""
    data = bytearray(seeds[draw(st.integers(0, len(seeds) - 1))])
    for _ in range(draw(st.integers(1, 6))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(1, 64))
        kind = draw(st.integers(0, 6))
        if kind == 0 and data:
            data[at - 1] ^= 1 << draw(st.integers(0, 7))
        elif kind == 1:
            number = _NUMBERS[draw(st.integers(0, len(_NUMBERS) - 1))]
            data[at:at + len(number)] = number
        elif kind == 2:
            del data[at:at + length]
        elif kind == 3:
            data[at:at] = data[at:at + length]
        elif kind == 4 and draw(st.integers(0, 4)) == 0:
            del data[at:]
        elif kind == 5:
            source = seeds[draw(st.integers(0, len(seeds) - 1))]
            start = draw(st.integers(0, len(source)))
            data[at:at + length] = source[start:start + length]
        else:
            tokens = list(_TOKEN.finditer(data))
            if tokens:
                token = tokens[draw(st.integers(0, len(tokens) - 1))]
                data[token.start():token.end()] = _VALUES[draw(st.integers(0, len(_VALUES) - 1))]
    return bytes(data)
