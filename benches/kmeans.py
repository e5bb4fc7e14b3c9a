"""k-means: Layercake beside scikit-learn and linfa, in one run.

All sides read the same points and start from the same centroids. Each task is
timed in turn, several times over; medians, ranges and ratios are printed, and
the sums of squares must agree to within 1e-5.
"""

import argparse
import pathlib
import statistics
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


def tasks(points, start, ours):
    """Name of each task and what runs it: seconds and sum of squares."""
    doubles = points.astype(np.float64), start.astype(np.float64)
    fitted = lloyd(points, start, N_ITERATIONS)
    starts = KMeans(N_CLUSTERS, n_init=10, max_iter=N_ITERATIONS, random_state=1)
    sklearn = {
        f"scikit-learn {kind}": (lambda n, data=data: timed(lambda: lloyd(*data, n).inertia_))
        for kind, data in [("f32", (points, start)), ("f64", doubles)]
    }
    many = {"Layercake": ours.task("iterate"), "linfa f32": ours.task("linfa")}
    few = {"Layercake": ours.task("iterate one")}
    for name, side in sklearn.items():
        many[name], few[name] = side(N_ITERATIONS), side(1)
    fits = {"Layercake": ours.task("ten starts"),
            "scikit-learn f32": timed(lambda: starts.fit(points).inertia_)}
    predicts = {"Layercake": ours.task("predict"),
                "scikit-learn f32": timed(lambda: float(fitted.predict(points).sum()))}
    return many, few, fits, predicts


def show(title, seconds, results=None):
    print(f"\n{title}")
    ours = statistics.median(seconds["Layercake"])
    for name, runs in seconds.items():
        median = statistics.median(runs)
        line = f"  {name:18}{median:9.4f} s ({min(runs):.4f} to {max(runs):.4f})"
        line += f"{median / ours:8.2f} times ours"
        print(line + (f"   sum of squares {results[name]:.6g}" if results else ""))


def compare(arguments, folder):
    points, start, paths = generate(folder, int(arguments.points))
    ours = Ours(arguments.binary, paths[0], N_FEATURES, paths[1], N_CLUSTERS, N_ITERATIONS)
    many, few, fits, predicts = tasks(points, start, ours)
    print(f"{len(points):,} points of {N_FEATURES} features, {N_CLUSTERS} clusters")
    limit, _ = alternate({"Layercake": ours.task("read")}, 4 * arguments.runs)
    show("Reading the points once, the limit", limit)
    long, results = alternate(many, arguments.runs)
    best = results["scikit-learn f64"]
    # linfa moves its centroids otherwise and is not held to this.
    for name in ["Layercake", "scikit-learn f32"]:
        if abs(results[name] / best - 1) > 1e-5:
            sys.exit(f"sums of squares differ: {name} {results[name]}, f64 {best}")
    show(f"Whole fit of {N_ITERATIONS} iterations from one start", long, results)
    short, _ = alternate(few, arguments.runs)
    steps = {name: [(a - b) / (N_ITERATIONS - 1) for a, b in zip(long[name], short[name])]
             for name in few}
    show("One iteration, the rest of a fit taken off", steps)
    share = statistics.median(steps["Layercake"]) / statistics.median(limit["Layercake"])
    print(f"  ours takes {share:.1f} times as long as reading the points")
    show(f"Ten starts of at most {N_ITERATIONS} iterations",
         *alternate(fits, max(1, arguments.runs // 3)))
    show("Predicting all points", alternate(predicts, arguments.runs)[0])
    ours.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the benchmark `kmeans`, built")
    parser.add_argument("--points", type=float, default=1e6)
    parser.add_argument("--runs", type=int, default=9)
    with tempfile.TemporaryDirectory() as folder:
        compare(parser.parse_args(), pathlib.Path(folder))


if __name__ == "__main__":
    main()
