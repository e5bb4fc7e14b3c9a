"""Feature matrices: Layercake beside DuckDB and Polars, in one run.

Times whole commands in turn, prints medians and ratios, and compares all 110
features with DuckDB's, user by user. With --check only the latter.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow.compute as pc
import pyarrow.parquet as pq

import workload

HERE = pathlib.Path(__file__).parent


def timed(command):
    """Wall-clock seconds and peak memory in MB of a command."""
    start = time.time()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"POLARS_MAX_THREADS": "2"})
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    scale = 1024 if sys.platform == "linux" else 1024 * 1024
    return time.time() - start, usage.ru_maxrss / scale


def layercake(binary, config, out, *more):
    return [binary, "features", "--config", config, "--as-of", workload.AS_OF, "--out", out,
            "--threads", "2", *more]


def differences(ours_path, theirs_path):
    """Features whose values differ, of all users."""
    ours, theirs = pq.read_table(ours_path), pq.read_table(theirs_path)
    ours, theirs = ours.sort_by("user_id"), theirs.sort_by("user_id")
    if not ours["user_id"].equals(theirs["user_id"].cast(ours["user_id"].type)):
        return ["user_id"]
    different = []
    for name, (our_name, shift, missing) in workload.features().items():
        a = pc.add(ours[our_name], shift)
        b = theirs[name].cast("float64")
        if missing is None:
            a = pc.if_else(b.is_null(), 0.0, a)
        b = b.fill_null(0.0)
        # Amounts are doubles there and fixed-point numbers of four decimals here.
        tolerance = pc.add(pc.multiply(pc.abs(b), 1e-6), 0.05 if "dwell" in name else 1e-6)
        if not pc.all(pc.less_equal(pc.abs(pc.subtract(a, b)), tolerance)).as_py():
            different.append(name)
    return different


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/layercake-train")
    parser.add_argument("--events", type=float, default=2e7)
    parser.add_argument("--users", type=float, default=5e5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="compare values only")
    parser.add_argument("--folder", type=pathlib.Path, help="keep the log here between runs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        compare(arguments, arguments.folder or pathlib.Path(scratch), pathlib.Path(scratch))


def compare(arguments, folder, scratch):
    n_events, n_users = int(arguments.events), int(arguments.users)
    events = (folder / f"events-{n_events}-{n_users}.parquet").resolve()
    if not events.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        generate = [sys.executable, HERE / "generate.py", str(n_events), str(n_users), events]
        subprocess.run(generate, check=True)
    (scratch / "110.toml").write_text(workload.config(events))
    (scratch / "all.toml").write_text(workload.config(events, only=False, item=True))
    ours, theirs = scratch / "ours.parquet", scratch / "duckdb.parquet"
    peer = [sys.executable, HERE / "peers.py"]
    limit = ["--memory-limit", "256"]
    sides = {
        "Layercake, 110": layercake(arguments.binary, scratch / "110.toml", ours),
        "DuckDB, 110": [*peer, "duckdb", events, theirs],
        "Polars, 110": [*peer, "polars", events, scratch / "polars.parquet"],
        "Layercake, all": layercake(
            arguments.binary, scratch / "all.toml", scratch / "all.parquet"),
        "Layercake, 110, 256 MB": layercake(
            arguments.binary, scratch / "110.toml", scratch / "limited.parquet", *limit),
    }
    if arguments.check:
        sides = {name: sides[name] for name in ["Layercake, 110", "DuckDB, 110"]}
    results = {name: [] for name in sides}
    for _ in range(1 if arguments.check else arguments.runs):
        for name, command in sides.items():
            results[name].append(timed(command))
    different = differences(ours, theirs)
    if different:
        sys.exit(f"differs from DuckDB's: {', '.join(different)}")
    n_features = len(workload.features())
    print(f"{n_events:,} events: {n_features} features equal to DuckDB's for every user")
    if arguments.check:
        return
    n_all = len(pq.read_schema(scratch / "all.parquet").names) - 1
    same = pq.read_table(ours).equals(pq.read_table(scratch / "limited.parquet"))
    print(f"all: {n_all} features; with a memory limit: {'same' if same else 'OTHER'} values\n")
    print(f"{'':26}{'seconds (median, range)':>28}{'peak MB':>10}")
    for name, runs in results.items():
        seconds = [run[0] for run in runs]
        span = f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
        print(f"{name:26}{span:>28}{max(run[1] for run in runs):>10,.0f}")
    print()
    for of, against in [("Polars, 110", "Layercake, 110"), ("DuckDB, 110", "Layercake, 110"),
                        ("Polars, 110", "Layercake, all")]:
        pairs = zip(results[of], results[against])
        ratios = [theirs[0] / ours[0] for theirs, ours in pairs]
        print(f"{of} takes {statistics.median(ratios):.1f} times as long as {against} "
              f"({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main()
