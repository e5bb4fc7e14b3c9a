"""A whole night: Layercake beside Polars, scikit-learn and LightGBM, in one run.

Both are trained beforehand on the same log of events; whole commands of scoring are timed in turn, from
the log to a Parquet file. Both read the same seven columns. Layercake also writes kinds, RFM, lifecycle, reasons in two
languages, early warnings, percentiles and a summary. --items times Layercake once more with a model that also knows the
item of each event, --limit MB with that memory limit; --only leaves the peer out, for logs that it has no memory for.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import pyarrow.parquet as pq

import workload
from run import HERE, timed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=pathlib.Path, default="target/release")
    parser.add_argument("--events", type=float, default=2e7)
    parser.add_argument("--users", type=float, default=5e5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--items", action="store_true", help="one more measurement with items")
    parser.add_argument("--limit", type=int, help="memory limit in MB of one more measurement")
    parser.add_argument("--only", action="store_true", help="without the peer")
    parser.add_argument("--train-events", type=float, help="train on a log of so many events")
    parser.add_argument("--folder", type=pathlib.Path, help="keep logs here between runs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        compare(arguments, arguments.folder or pathlib.Path(scratch), pathlib.Path(scratch))


def log_of(folder, n_events, n_users):
    """A log of events, made if it is not there yet."""
    path = (folder / f"events-{n_events}-{n_users}.parquet").resolve()
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        generate = [sys.executable, HERE / "generate.py", str(n_events), str(n_users), path]
        subprocess.run(generate, check=True)
    return path


def layercake(arguments, folder, events, learned, item):
    """Trains a model; returns the command that scores by it."""
    folder.mkdir()
    night, training, models = folder / "night.toml", folder / "training.toml", folder / "models"
    for config, path in [(night, events), (training, learned)]:
        config.write_text(f'models = "{models}"\n' + workload.config(path, only=False, item=item))
    train = [arguments.binaries / "layercake-train", "--config", training, "--quiet"]
    subprocess.run(train, check=True)
    return [arguments.binaries / "layercake-score", "--bundle", models / "benchmark",
            "--config", night, "--as-of", workload.AS_OF, "--threads", "2", "--quiet",
            "--out", folder / "scores"]


def compare(arguments, folder, scratch):
    n_events, n_users = int(arguments.events), int(arguments.users)
    events = log_of(folder, n_events, n_users)
    learned = events
    if arguments.train_events:
        n_learned = int(arguments.train_events)
        learned = log_of(folder, n_learned, n_users * n_learned // n_events)
    ours = layercake(arguments, scratch / "ours", events, learned, item=False)
    sides = {"Layercake": ours}
    if arguments.items:
        sides["Layercake, items too"] = layercake(arguments, scratch / "items", events, learned, item=True)
    if arguments.limit:
        sides[f"Layercake, {arguments.limit} MB"] = [*ours, "--memory-limit", str(arguments.limit)]
    if not arguments.only:
        peer, model = HERE / "night_peer.py", scratch / "peer.pickle"
        subprocess.run([sys.executable, peer, "train", learned, model], check=True)
        sides["Polars + LightGBM"] = [sys.executable, peer, "score", events, model,
                                      scratch / "theirs.parquet"]
    os.environ |= {"OMP_NUM_THREADS": "2"}
    results = {name: [] for name in sides}
    for _ in range(arguments.runs):
        for name, command in sides.items():
            for former in scratch.glob("*/scores"):
                shutil.rmtree(former)
            results[name].append(timed(command))
            if name == "Layercake":
                scores = pq.read_metadata(next(scratch.glob("ours/scores/as_of=*/scores.parquet")))
    print(f"{n_events:,} events, {scores.num_rows:,} users, {scores.num_columns} columns of scores\n")
    print(f"{'':26}{'seconds (median, range)':>28}{'peak MB':>10}")
    for name, runs in results.items():
        seconds = [run[0] for run in runs]
        span = f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
        print(f"{name:26}{span:>28}{max(run[1] for run in runs):>10,.0f}")
    if not arguments.only:
        slowest = max(run[0] for run in results["Layercake"])
        fastest = min(run[0] for run in results["Polars + LightGBM"])
        print(f"\nthe peer's fastest run takes {fastest / slowest:.1f} times as long as our slowest")


if __name__ == "__main__":
    main()
