"""Do two builds give the same scores? Trains and scores with both, compares user by user.

    benches/run same_scores OLD NEW CONFIG [CONFIG_OF_NEW]

OLD and NEW are folders with the three programs. Where keys of the config changed from one build
to the other, the new one takes a config of its own. Compares layer ids, margins, probabilities and
flags to the last bit, says for how many users each differs, and exits with 1 if any does.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import pyarrow.compute as pc
import pyarrow.parquet as pq

COLUMNS = ["user_id", "layer_id", "layer_margin", "churn_log_odds", "churn_probability",
           "churn_percentile", "at_risk", "rfm_cell", "lifecycle_stage"]


def scores(programs, config, folder):
    """Trains by a config and scores as of the day after the last event."""
    programs, models, out = pathlib.Path(programs), folder / "models", folder / "scores"
    run = lambda *command: subprocess.run(
        [str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    run(programs / "layercake-train", "--config", config, "--models", models)
    run(programs / "layercake-score", "--bundle", next(models.iterdir()), "--out", out)
    return pq.read_table(next(out.glob("*/scores.parquet")))


def n_different(old, new):
    """Rows in which two columns differ; nulls are equal to each other alone."""
    same = pc.equal(old, new)
    both_null = pc.and_(pc.is_null(old), pc.is_null(new))
    return len(old) - pc.sum(pc.fill_null(pc.or_kleene(same, both_null), False)).as_py()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("config")
    parser.add_argument("config_of_new", nargs="?")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as old_folder, tempfile.TemporaryDirectory() as new_folder:
        old = scores(wanted.old, wanted.config, pathlib.Path(old_folder))
        new = scores(wanted.new, wanted.config_of_new or wanted.config, pathlib.Path(new_folder))
    if len(old) != len(new):
        sys.exit(f"{len(old)} users by the old build, {len(new)} by the new one")
    different = {name: n_different(old[name], new[name]) for name in COLUMNS}
    for name, n_users in different.items():
        print(f"{name:18} {n_users:8} of {len(old)} users differ")
    sys.exit(1 if any(different.values()) else 0)


if __name__ == "__main__":
    main()
