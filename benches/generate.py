"""A synthetic behaviour log, sorted by time, as Parquet.

Usage: generate.py N_EVENTS N_USERS OUT.parquet
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

EVENTS = ["view", "cart", "order", "share", "sign_in", "message_open"]
EVENT_SHARES = [0.72, 0.12, 0.06, 0.02, 0.05, 0.03]
CHANNELS = ["app", "mini_program", "tmall", "douyin", "store", "wecom"]
CATEGORIES = [f"c{i:02d}" for i in range(24)]
FIRST_DAY, N_DAYS = "2025-01-01", 365
CHUNK = 2_000_000


def chunk(rng, activity, n, n_chunks, number):
    """The rows of one stretch of time."""
    span = N_DAYS * 86_400_000_000
    first = np.datetime64(FIRST_DAY, "us").astype("int64")
    start, end = span * number // n_chunks, span * (number + 1) // n_chunks
    time = np.sort(rng.integers(start, end, n)) + first
    user = np.searchsorted(activity, rng.random(n)).astype("int64")
    event = rng.choice(len(EVENTS), n, p=EVENT_SHARES).astype("int8")
    channel = ((user * 7 + rng.integers(0, 3, n)) % 6).astype("int8")
    category = ((user * 13 + rng.integers(0, 6, n)) % 24).astype("int8")
    amount = np.where(event == 2, np.round(np.exp(rng.normal(4, 0.8, n)), 2), 0.0)
    has_discount = (event == 2) & (rng.random(n) < 0.4)
    discount = np.where(has_discount, np.round(amount * 0.2, 2), 0.0)
    dwell = np.where(event == 0, rng.exponential(35, n), 0).astype("float32")
    codes = pa.DictionaryArray.from_arrays
    return pa.table(
        {
            "user_id": user,
            "ts": pa.array(time, pa.timestamp("us")),
            "event": codes(event, pa.array(EVENTS)),
            "channel": codes(channel, pa.array(CHANNELS)),
            "category": codes(category, pa.array(CATEGORIES)),
            "item_id": rng.integers(0, 50_000, n).astype("int32"),
            "amount": amount,
            "discount": discount,
            "dwell_s": dwell,
        }
    )


def main():
    n_events, n_users = int(float(sys.argv[1])), int(float(sys.argv[2]))
    rng = np.random.default_rng(7)
    # A few users do most, as in real logs.
    weights = rng.gamma(0.6, 1, n_users)
    activity = np.cumsum(weights / weights.sum())
    n_chunks = -(-n_events // CHUNK)
    writer = None
    for number in range(n_chunks):
        n = min(CHUNK, n_events - number * CHUNK)
        table = chunk(rng, activity, n, n_chunks, number)
        writer = writer or pq.ParquetWriter(sys.argv[3], table.schema, compression="zstd")
        writer.write_table(table, row_group_size=500_000)
    writer.close()


main()
