"""A night as it would be scripted: features by Polars, layers by scikit-learn, churn by LightGBM.

    night_peer.py train EVENTS.parquet MODEL.pickle
    night_peer.py score EVENTS.parquet MODEL.pickle OUT.parquet

`train` learns from the day 60 days before the last; `score` is what is timed: read, features, layers,
probabilities, flags, write.
"""

import pickle
import sys

import numpy as np
import polars as pl

import peers
import workload

TRAINED_UNTIL = "2025-11-01"


def matrix(frame):
    return frame.drop("user_id").fill_null(0).to_numpy().astype(np.float32)


def logs(values):
    return np.sign(values) * np.log1p(np.abs(values))


def train(events, model):
    import lightgbm
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    frame = peers.polars_frame(events, TRAINED_UNTIL).filter(pl.col("recency").is_not_null())
    came_back = (
        pl.scan_parquet(events)
        .filter((pl.col("event") == "order") & (pl.col("ts") >= pl.lit(TRAINED_UNTIL).str.to_datetime()))
        .select("user_id").unique().collect()
    )
    churned = (~frame["user_id"].is_in(came_back["user_id"].implode())).to_numpy()
    values = matrix(frame)
    scaler = StandardScaler().fit(logs(values))
    scaled = scaler.transform(logs(values)).astype(np.float32)
    layers = KMeans(10, n_init=3, random_state=0).fit(scaled)
    # As many trees of as many leaves as Layercake grows at most.
    churn = lightgbm.LGBMClassifier(
        n_estimators=300, num_leaves=8, learning_rate=0.04, verbose=-1, n_jobs=2
    ).fit(values, churned)
    with open(model, "wb") as file:
        pickle.dump((scaler, layers, churn), file)


def score(events, model, out):
    with open(model, "rb") as file:
        scaler, layers, churn = pickle.load(file)
    frame = peers.polars_frame(events, workload.LAST_DAY)
    values = matrix(frame)
    scaled = scaler.transform(logs(values)).astype(np.float32)
    probability = churn.predict_proba(values)[:, 1]
    pl.DataFrame(
        {
            "user_id": frame["user_id"],
            "layer": layers.predict(scaled),
            "churn_probability": probability,
            "at_risk": probability >= np.quantile(probability, 0.8),
            "days_since_last_order": frame["recency"],
        }
    ).sort("user_id").write_parquet(out)


if __name__ == "__main__":
    {"train": train, "score": score}[sys.argv[1]](*sys.argv[2:])
