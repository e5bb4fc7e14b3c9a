"""Churn on real data: Layercake beside LightGBM and scikit-learn, in one run.

For each config Layercake trains with several seeds. The same features of the same
users at the same dates are then handed to LightGBM (early stopping on the latest
training snapshot, then fitted anew to all) and to scikit-learn's logistic
regression (signed logarithms, standardised). All are measured on the holdout
snapshot. Prints means over the seeds.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
from datetime import datetime, timedelta

import lightgbm
import numpy as np
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def train(binary, config, models, seed):
    run(binary, "--config", config, "--models", models, "--seed", seed, "--fresh")
    name = (pathlib.Path(config).read_text().split('name = "', 1)[1]).split('"', 1)[0]
    bundle = models / name / (models / name / "latest").read_text().strip()
    return bundle, json.loads((bundle / "record.json").read_text())


def snapshot(binary, bundle, date, out):
    """Features of the eligible users, and whether they churned."""
    run(binary, "features", "--bundle", bundle, "--as-of", date[:10], "--labels", "--out", out)
    table = pq.read_table(out)
    table = table.filter(table["outcome_churned"].is_valid()).sort_by("user_id")
    names = [n for n in table.column_names if n != "user_id" and not n.startswith("outcome_")]
    features = np.column_stack([np.asarray(table[name]) for name in names])
    return features, np.asarray(table["outcome_churned"]).astype(int)


def ece(p, churned):
    """Ten bins of equal size."""
    bins = np.array_split(np.argsort(p, kind="stable"), 10)
    return sum(len(b) * abs(p[b].mean() - churned[b].mean()) for b in bins) / len(p)


def stack(snapshots):
    return np.vstack([x for x, _ in snapshots]), np.concatenate([y for _, y in snapshots])


def gradient_boosting(training, dates, horizon, seed, **params):
    """Rounds by early stopping where snapshots are early enough, then all of them."""
    latest = datetime.fromisoformat(dates[0])
    ended = [s for s, date in zip(training, dates)
             if datetime.fromisoformat(date) + timedelta(days=horizon) <= latest]
    model = lightgbm.LGBMClassifier(
        n_estimators=2000, random_state=seed, n_jobs=2, verbose=-1, **params)
    rounds = 100
    if ended:
        x, y = stack(ended)
        model.fit(x, y, eval_set=[training[0]], callbacks=[
            lightgbm.early_stopping(50, verbose=False)])
        rounds = model.best_iteration_
    return model.set_params(n_estimators=rounds).fit(*stack(training))


def peers(training, dates, horizon, seed):
    def linear(**solver):
        signed_log = FunctionTransformer(lambda x: np.sign(x) * np.log1p(np.abs(x)))
        model = LogisticRegression(max_iter=5000, **solver)
        return make_pipeline(signed_log, StandardScaler(), model).fit(*stack(training))

    return {
        "LightGBM, its defaults": gradient_boosting(training, dates, horizon, seed),
        "LightGBM, small trees": gradient_boosting(
            training, dates, horizon, seed, learning_rate=0.03, num_leaves=15,
            min_child_samples=40, subsample=0.8, subsample_freq=1, colsample_bytree=0.7),
        # By default it stops short of the minimum where features are correlated.
        "scikit-learn logistic": linear(),
        "  the same, converged": linear(solver="newton-cholesky", tol=1e-8),
    }


def compare(binary, config, n_seeds, folder):
    results = {}
    for seed in range(1, n_seeds + 1):
        bundle, record = train(binary, config, folder / "models", seed)
        model = record["churn"]["scores"][0]
        results.setdefault("Layercake", []).append(
            [model[name]["value"] for name in ("roc_auc", "log_loss", "ece")])
        if seed == 1:
            dates = record["dates"]["training"]
            horizon = (datetime.fromisoformat(record["dates"]["as_of"])
                       - datetime.fromisoformat(record["dates"]["holdout"])).days
            holdout, *training = [
                snapshot(binary, bundle, date, folder / "matrix.parquet")
                for date in [record["dates"]["holdout"], *dates]]
        for name, peer in peers(training, dates, horizon, seed).items():
            p = peer.predict_proba(holdout[0])[:, 1]
            results.setdefault(name, []).append(
                [roc_auc_score(holdout[1], p), log_loss(holdout[1], p), ece(p, holdout[1])])
    print(f"\n{config}: {len(holdout[1]):,} users of the holdout, {holdout[0].shape[1]} features, "
          f"{n_seeds} seeds")
    print(f"  {'':26}{'ROC AUC':>9}{'log loss':>10}{'ECE':>8}")
    for name, values in results.items():
        auc, loss, error = np.mean(values, axis=0)
        print(f"  {name:26}{auc:9.4f}{loss:10.4f}{error:8.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="layercake-train, built")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("configs", nargs="*", default=["data/cdnow.toml", "data/sample.toml"])
    arguments = parser.parse_args()
    for config in arguments.configs:
        with tempfile.TemporaryDirectory() as folder:
            compare(arguments.binary, config, arguments.seeds, pathlib.Path(folder))


if __name__ == "__main__":
    main()
