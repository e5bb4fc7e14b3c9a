"""k-means: Layercake beside scikit-learn and linfa, in one run.

All sides read the same points and start from the same centroids. Each task is
timed in turn, several times over, ours at each level of vector instructions that
the processor has; medians, ranges and ratios to scikit-learn are printed, and
the sums of squares must agree to within 1e-5.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.cluster import KMeans

from turns import Ours, alternate, timed

N_FEATURES = 32
N_CLUSTERS = 10
N_ITERATIONS = 20


def generate(folder, n_points):
    """Overlapping groups, so that no side settles early; and the start."""
    generator = np.random.default_rng(7)
    centres = generator.normal(size=(40, N_FEATURES)).astype(np.float32)
    points = generator.normal(size=(n_points, N_FEATURES)).astype(np.float32)
    points += centres[generator.integers(0, 40, n_points)]
    start = points[generator.choice(n_points, N_CLUSTERS, replace=False)]
    paths = folder / "points.f32", folder / "start.f32"
    points.tofile(paths[0])
    start.tofile(paths[1])
    return points, start, paths


def lloyd(points, start, n_iterations):
    model = KMeans(N_CLUSTERS, init=start, n_init=1, max_iter=n_iterations, tol=0,
                   algorithm="lloyd")
    return model.fit(points)


REFERENCE = "scikit-learn f32"


def tasks(points, start, ours):
    """For each part of the benchmark, each side's name and what runs it: seconds and
    a result. `ours` are the processes by level."""
    doubles = points.astype(np.float64), start.astype(np.float64)
    fitted = lloyd(points, start, N_ITERATIONS)
    starts = KMeans(N_CLUSTERS, n_init=10, max_iter=N_ITERATIONS, random_state=1)

    def sides(task):
        return {f"Layercake {level}": process.task(task) for level, process in ours.items()}

    many, few = sides("iterate"), sides("iterate one")
    many["linfa f32"] = next(iter(ours.values())).task("linfa")
    for name, data in [(REFERENCE, (points, start)), ("scikit-learn f64", doubles)]:
        many[name], few[name] = (
            lambda data=data, n=n: timed(lambda: lloyd(*data, n).inertia_)()
            for n in (N_ITERATIONS, 1))
    fits = sides("ten starts") | {REFERENCE: timed(lambda: starts.fit(points).inertia_)}
    predicts = sides("predict") | {
        REFERENCE: timed(lambda: float(fitted.predict(points).sum()))}
    return many, few, fits, predicts


def show(title, seconds, results=None):
    print(f"\n{title}")
    reference = seconds.get(REFERENCE)
    for name, runs in seconds.items():
        median = statistics.median(runs)
        line = f"  {name:18}{median:9.4f} s ({min(runs):.4f} to {max(runs):.4f})"
        if reference and name != REFERENCE:
            line += f"   {REFERENCE} takes {statistics.median(reference) / median:.2f} times as long"
        print(line + (f"   sum of squares {results[name]:.6g}" if results else ""))


def compare(arguments, folder):
    points, start, paths = generate(folder, int(arguments.points))
    listed = subprocess.run([arguments.binary, "levels"], stdout=subprocess.PIPE, text=True,
                            check=True)
    ours = {level: Ours(arguments.binary, paths[0], N_FEATURES, paths[1], N_CLUSTERS,
                        N_ITERATIONS, level) for level in listed.stdout.split()}
    many, few, fits, predicts = tasks(points, start, ours)
    print(f"{len(points):,} points of {N_FEATURES} features, {N_CLUSTERS} clusters")
    reading = {"Layercake": next(iter(ours.values())).task("read")}
    show("Reading the points once, the limit", alternate(reading, 4 * arguments.runs)[0])
    long, results = alternate(many, arguments.runs)
    best = results["scikit-learn f64"]
    # linfa moves its centroids otherwise and is not held to this.
    for name, result in results.items():
        if name != "linfa f32" and abs(result / best - 1) > 1e-5:
            sys.exit(f"sums of squares differ: {name} {result}, f64 {best}")
    if len({result for name, result in results.items() if name.startswith("Layercake")}) > 1:
        sys.exit(f"levels differ: {results}")
    show(f"Whole fit of {N_ITERATIONS} iterations from one start", long, results)
    short, _ = alternate(few, arguments.runs)
    show("One iteration, the rest of a fit taken off",
         {name: [(a - b) / (N_ITERATIONS - 1) for a, b in zip(long[name], short[name])]
          for name in few})
    show("Predicting all points", alternate(predicts, arguments.runs)[0])
    show(f"Ten starts of at most {N_ITERATIONS} iterations",
         alternate(fits, max(1, arguments.runs // 3))[0])
    for process in ours.values():
        process.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the benchmark `kmeans`, built")
    parser.add_argument("--points", type=float, default=1e6)
    parser.add_argument("--runs", type=int, default=9)
    with tempfile.TemporaryDirectory() as folder:
        compare(parser.parse_args(), pathlib.Path(folder))


if __name__ == "__main__":
    main()
