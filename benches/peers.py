"""The 110 features by DuckDB or Polars, as their users would write them.

Usage: peers.py duckdb|polars EVENTS.parquet OUT.parquet
"""

import sys
import time

from workload import CATEGORIES, CHANNELS, EVENTS, LAST_DAY, WINDOWS


def duckdb(path, out):
    import duckdb

    as_of = f"timestamp '{LAST_DAY} 00:00:00'"
    columns = []
    for event in EVENTS:
        for days in WINDOWS:
            is_in = f"event = '{event}' and age < {days}"
            columns.append((f"n_{event}_{days}d", f"count(*) filter (where {is_in})"))
    for days in WINDOWS:
        is_order = f"filter (where event = 'order' and age < {days})"
        columns.append((f"gmv_{days}d", f"sum(amount) {is_order}"))
        columns.append((f"disc_{days}d", f"sum(discount) {is_order}"))
        is_view = f"filter (where event = 'view' and age < {days})"
        columns.append((f"dwell_{days}d", f"sum(dwell_s) {is_view}"))
        columns.append((f"days_{days}d", f"count(distinct day) filter (where age < {days})"))
    for channel in CHANNELS:
        is_on = f"channel = '{channel}'"
        columns.append((f"n_{channel}", f"count(*) filter (where {is_on})"))
        is_order = f"filter (where {is_on} and event = 'order')"
        columns.append((f"gmv_{channel}", f"sum(amount) {is_order}"))
    for category in CATEGORIES:
        columns.append((f"n_{category}", f"count(*) filter (where category = '{category}')"))
    columns += [
        ("recency", "min(age) filter (where event = 'order')"),
        ("tenure", "max(age)"),
        ("max_amt", "max(amount)"),
        ("std_amt", "stddev_samp(amount) filter (where event = 'order')"),
    ]
    selected = ", ".join(f"{sql} as {name}" for name, sql in columns)
    connection = duckdb.connect()
    connection.execute("set threads = 2")
    connection.execute(
        f"copy (select user_id, {selected} from (select *, "
        f"date_diff('day', ts, {as_of}) as age, ts::date as day from '{path}') "
        f"group by user_id) to '{out}' (format parquet)"
    )


def polars(path, out):
    polars_frame(path, LAST_DAY).write_parquet(out)


def polars_frame(path, last_day):
    """The features of all users from events up to the start of a day."""
    import polars as pl

    event, age = pl.col("event"), pl.col("age")
    columns = []
    for name in EVENTS:
        for days in WINDOWS:
            columns.append(((event == name) & (age < days)).sum().alias(f"n_{name}_{days}d"))
    for days in WINDOWS:
        order = (event == "order") & (age < days)
        columns.append(pl.col("amount").filter(order).sum().alias(f"gmv_{days}d"))
        columns.append(pl.col("discount").filter(order).sum().alias(f"disc_{days}d"))
        view = (event == "view") & (age < days)
        columns.append(pl.col("dwell_s").filter(view).sum().alias(f"dwell_{days}d"))
        columns.append(pl.col("day").filter(age < days).n_unique().alias(f"days_{days}d"))
    for name in CHANNELS:
        on = pl.col("channel") == name
        columns.append(on.sum().alias(f"n_{name}"))
        columns.append(pl.col("amount").filter(on & (event == "order")).sum().alias(f"gmv_{name}"))
    for name in CATEGORIES:
        columns.append((pl.col("category") == name).sum().alias(f"n_{name}"))
    columns += [
        age.filter(event == "order").min().alias("recency"),
        age.max().alias("tenure"),
        pl.col("amount").max().alias("max_amt"),
        pl.col("amount").filter(event == "order").std().alias("std_amt"),
    ]
    as_of = pl.lit(last_day).str.to_datetime()
    events = pl.scan_parquet(path)
    if last_day != LAST_DAY:
        events = events.filter(pl.col("ts") < as_of)
    frame = events.with_columns(
        (as_of - pl.col("ts")).dt.total_days().alias("age"),
        pl.col("ts").dt.date().alias("day"),
    )
    return frame.group_by("user_id").agg(columns).collect()


if __name__ == "__main__":
    start = time.time()
    {"duckdb": duckdb, "polars": polars}[sys.argv[1]](sys.argv[2], sys.argv[3])
    print(f"{time.time() - start:.2f}")
