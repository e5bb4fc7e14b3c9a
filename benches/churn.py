"""Churn classifiers: Layercake beside scikit-learn, LightGBM and linfa, in one run.

All sides train on the same 200,000 rows of 60 features. Each task is timed in
turn, several times over; medians, ranges and ratios are printed, and log loss and
ROC AUC on as many other rows.
"""

import argparse
import pathlib
import statistics
import tempfile

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from turns import Ours, alternate, timed

N_FEATURES = 60
N_ROUNDS = 200
N_EXPLAINED = 50_000
N_REASONED = 1_000_000


def generate(folder, n_rows):
    """Correlated features, some of which give the log odds by steps and products."""
    generator = np.random.default_rng(11)
    mix = generator.normal(size=(N_FEATURES, N_FEATURES)) / np.sqrt(N_FEATURES)
    rows = (generator.normal(size=(n_rows, N_FEATURES)) @ (np.eye(N_FEATURES) + 0.5 * mix))
    rows = ((rows - rows.mean(0)) / rows.std(0)).astype(np.float32)
    weights = generator.normal(size=N_FEATURES) * (generator.random(N_FEATURES) < 0.4)
    log_odds = 0.35 * rows @ weights + 0.7 * rows[:, 0] * rows[:, 1]
    log_odds += 0.9 * (rows[:, 2] > 0.5) - 0.8 * np.abs(rows[:, 3])
    churned = (generator.random(n_rows) < 1 / (1 + np.exp(-log_odds))).astype(np.uint8)
    paths = folder / "rows.f32", folder / "churned.u8"
    rows.tofile(paths[0])
    churned.tofile(paths[1])
    return rows, churned, paths


def show(title, sides, runs, measure=None):
    seconds, results = alternate(sides, runs)
    print(f"\n{title}")
    ours = statistics.median(seconds["Layercake"])
    for name, took in seconds.items():
        median = statistics.median(took)
        line = f"  {name:26}{median:9.4f} s ({min(took):.4f} to {max(took):.4f})"
        line += f"{median / ours:8.2f} times ours"
        print(line + (f"   {measure} {results[name]:.5f}" if measure else ""), flush=True)


def compare(arguments, folder):
    rows, churned, paths = generate(folder, 400_000)
    half = len(rows) // 2
    training, validation, y, y_validation = rows[:half], rows[half:], churned[:half], churned[half:]
    ours = Ours(arguments.binary, paths[0], N_FEATURES, paths[1])
    doubles = training.astype(np.float64)

    def loss(model):
        return log_loss(y_validation, model.predict_proba(validation.astype(np.float64))[:, 1])

    def logistic(solver):
        return timed(lambda: LogisticRegression(C=1.0, solver=solver, max_iter=1000)
                     .fit(doubles, y), loss)

    def trees(leaves):
        return lightgbm.LGBMClassifier(
            n_estimators=N_ROUNDS, num_leaves=leaves, learning_rate=0.1, min_child_samples=20,
            n_jobs=2, verbose=-1).fit(training, y)

    def auc(model):
        return roc_auc_score(y_validation, model.predict_proba(validation)[:, 1])

    show("Logistic regression, 200,000 rows of 60 features", {
        "Layercake": ours.task("logistic"),
        "scikit-learn lbfgs": logistic("lbfgs"),
        "scikit-learn newton": logistic("newton-cholesky"),
        "linfa": ours.task("linfa"),
    }, arguments.runs, "log loss")
    show(f"Boosted trees, {N_ROUNDS} of 31 leaves", {
        "Layercake": ours.task("fit trees"),
        "LightGBM": timed(lambda: trees(31), auc),
    }, max(1, arguments.runs // 2), "ROC AUC")
    large, small = trees(31), trees(8)
    explained = rows[:N_EXPLAINED]
    show(f"Predicting {N_EXPLAINED:,} rows by them", {
        "Layercake": ours.task("predict"),
        "LightGBM": timed(lambda: large.predict_proba(explained), np.sum),
    }, arguments.runs)
    show(f"Contributions to {N_EXPLAINED:,} predictions by them", {
        "Layercake": ours.task("contributions"),
        "LightGBM": timed(lambda: large.predict(explained, pred_contrib=True), np.sum),
    }, max(1, arguments.runs // 3))
    many = rows[np.arange(N_REASONED) % len(rows)]
    show(f"Three reasons for {N_REASONED:,} users, {N_ROUNDS} trees of 8 leaves, beside predicting", {
        "Layercake": ours.task("reasons"),
        "LightGBM predicts, 8 leaves": timed(lambda: small.predict_proba(many), np.sum),
        "LightGBM predicts, 31": timed(lambda: large.predict_proba(many), np.sum),
    }, max(1, arguments.runs // 3))
    ours.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the benchmark `churn`, built")
    parser.add_argument("--runs", type=int, default=7)
    with tempfile.TemporaryDirectory() as folder:
        compare(parser.parse_args(), pathlib.Path(folder))


if __name__ == "__main__":
    main()
