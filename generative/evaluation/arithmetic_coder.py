"""An arithmetic coder: symbols to bytes by given frequencies, and back.

Source: Witten, Neal and Cleary, "Arithmetic coding for data compression", 1987.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Int

BITS = 32
TOP, HALF, QUARTER = (1 << BITS) - 1, 1 << (BITS - 1), 1 << (BITS - 2)
TOTAL = 1 << 16
"""Sum of the integer frequencies of a table."""

Tables = Int[np.ndarray, "table symbol_and_end"]
"""For each table, the sum of the frequencies of all symbols before each, and `TOTAL` at the end."""


def frequency_tables(probabilities: np.ndarray) -> Tables:
    """Return cumulative integer frequencies for each row of `probabilities`; none is 0, so each symbol can be coded."""
    size = probabilities.shape[1]
    share = probabilities / probabilities.sum(1, keepdims=True)
    cumulative = np.rint(share.cumsum(1) * (TOTAL - size)).astype(np.int64) + np.arange(1, size + 1)
    return np.concatenate([np.zeros((len(cumulative), 1), np.int64), cumulative], 1)


def encode(symbols: Iterable[int], tables: Iterable[Int[np.ndarray, "symbol_and_end"]]) -> bytes:
    """Return the bytes that code `symbols`, each by the frequencies of its own table."""
    low, high, pending = 0, TOP, 0
    bits: list[int] = []

    def emit(bit: int) -> None:
        nonlocal pending
        bits.append(bit)
        bits.extend([1 - bit] * pending)
        pending = 0

    for symbol, table in zip(symbols, tables, strict=True):
        span = high - low + 1
        high = low + span * int(table[symbol + 1]) // TOTAL - 1
        low += span * int(table[symbol]) // TOTAL
        while True:
            if high < HALF:
                emit(0)
            elif low >= HALF:
                emit(1)
                low, high = low - HALF, high - HALF
            elif low >= QUARTER and high < HALF + QUARTER:
                pending += 1
                low, high = low - QUARTER, high - QUARTER
            else:
                break
            low, high = 2 * low, 2 * high + 1
    pending += 1
    emit(0 if low < QUARTER else 1)
    return np.packbits(np.array(bits, np.uint8)).tobytes()


def decode(data: bytes, tables: Iterable[Int[np.ndarray, "symbol_and_end"]]) -> list[int]:
    """Return the symbols that `encode` coded by the same tables."""
    bits = iter(np.unpackbits(np.frombuffer(data, np.uint8)).tolist())
    low, high, value = 0, TOP, 0
    for _ in range(BITS):
        value = 2 * value + next(bits, 0)
    symbols = []
    for table in tables:
        span = high - low + 1
        symbol = int(np.searchsorted(table, ((value - low + 1) * TOTAL - 1) // span, side="right")) - 1
        symbols.append(symbol)
        high = low + span * int(table[symbol + 1]) // TOTAL - 1
        low += span * int(table[symbol]) // TOTAL
        while True:
            if high < HALF:
                shift = 0
            elif low >= HALF:
                shift = HALF
            elif low >= QUARTER and high < HALF + QUARTER:
                shift = QUARTER
            else:
                break
            low, high, value = 2 * (low - shift), 2 * (high - shift) + 1, 2 * (value - shift) + next(bits, 0)
    return symbols
