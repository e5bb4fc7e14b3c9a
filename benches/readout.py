"""Read-out of an experiment: Layercake beside tea-tasting over Polars and DuckDB, in one run.

Users by row, five metrics, two arms; whole commands are timed in turn, from a Parquet file to
p-values. Effects and p-values must agree. Layercake also looks for users with several rows,
and at outliers; --shuffled puts the users in no order, so that it has to hash all ids.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

METRICS = ["orders", "gmv", "visits", "views", "items"]

PLAN = """name = "benchmark"
salt = "benchmark"
start = "2026-03-01"
end = "2026-03-02"
hashing = "elsewhere"
[columns]
user = "user_id"
arm = "arm"
[[arm]]
name = "control"
weight = 0.5
[[arm]]
name = "treatment"
weight = 0.5
"""


def generate(path, n_users, is_shuffled):
    rng = np.random.default_rng(7)
    ids = np.arange(n_users)
    if is_shuffled:
        rng.shuffle(ids)
    activity = rng.gamma(1.0, 1.0, n_users)
    columns = {
        "user_id": pa.array(np.char.add("u", np.char.zfill(ids.astype(str), 9))),
        "arm": pa.array(np.where(rng.random(n_users) < 0.5, "control", "treatment")),
        "orders": rng.poisson(activity / 2).astype(float),
        "gmv": np.round(rng.lognormal(3, 1, n_users) * (rng.random(n_users) < 0.3), 2),
        "visits": rng.poisson(3 * activity).astype(float),
        "views": rng.poisson(20 * activity).astype(float),
        "items": rng.poisson(activity).astype(float),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


PEER = """
import sys, json
import tea_tasting as tt
engine, path, metrics = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
experiment = tt.Experiment({name: tt.Mean(name) for name in metrics}, variant="arm")
if engine == "polars":
    import polars as pl
    data = pl.scan_parquet(path)
else:
    import ibis
    data = ibis.duckdb.connect().read_parquet(path)
result = experiment.analyze(data, control="control")
found = {name: [result[name].treatment - result[name].control, result[name].pvalue] for name in metrics}
print(json.dumps(found))
"""


def timed(command):
    """Seconds, peak memory in MB and output of a command."""
    start = time.time()
    environment = os.environ | {"POLARS_MAX_THREADS": str(os.cpu_count())}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return time.time() - start, usage.ru_maxrss / 1024, output


def ours(output):
    rows = json.loads(output)["comparisons"]
    return {row["metric"]: [row["difference"], row["one_look_p"]] for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/layercake-compare")
    parser.add_argument("--users", type=float, default=1e7)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--shuffled", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(arguments, pathlib.Path(folder))


def run(arguments, folder):
    table, plan = folder / "users.parquet", folder / "plan.toml"
    # In a process of its own: what is timed would count its memory.
    generating = multiprocessing.get_context("spawn").Process(
        target=generate, args=(table, int(arguments.users), arguments.shuffled))
    generating.start()
    generating.join()
    metrics = [f'[[metric]]\nname = "{name}"\nvalue = "{name}"\n' for name in METRICS]
    metrics[0] += "primary = true\n"
    plan.write_text(PLAN + "".join(metrics))
    subprocess.run([arguments.binary, "plan", plan, "--seal", "--quiet"], check=True)
    sides = {
        "Layercake": [arguments.binary, "readout", plan, "--table", table, "--as-of", "2026-04-01",
                      "--format", "json"],
    }
    for engine in ("polars", "duckdb"):
        peer = [sys.executable, "-c", PEER, engine, table, json.dumps(METRICS)]
        sides[f"tea-tasting, {engine}"] = peer
    times = {name: [] for name in sides}
    for turn in range(arguments.runs + 1):
        for name, command in sides.items():
            seconds, megabytes, output = timed(command)
            if turn > 0:
                times[name].append((seconds, megabytes))
            found = ours(output) if name == "Layercake" else json.loads(output)
            if name == "Layercake":
                expected = found
            for metric in METRICS:
                np.testing.assert_allclose(found[metric], expected[metric], rtol=1e-5, atol=1e-9)
    middle = {name: statistics.median(it for it, _ in runs) for name, runs in times.items()}
    for name, runs in times.items():
        seconds = [it for it, _ in runs]
        ratio = middle[name] / middle["Layercake"]
        print(f"{name:22} {middle[name]:6.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
              f"  {max(it for _, it in runs):6.0f} MB  {ratio:5.2f} times")
    slowest = max(it for it, _ in times["Layercake"])
    fastest = min(it for name in list(sides)[1:] for it, _ in times[name])
    print(f"worst against best: {fastest / slowest:.2f} times")


if __name__ == "__main__":
    main()
