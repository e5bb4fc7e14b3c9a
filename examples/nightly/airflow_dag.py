"""Scores of every user, night after night, by Airflow 2.4 or newer."""

import subprocess

import pendulum
from airflow.decorators import dag, task
from airflow.exceptions import AirflowException, AirflowFailException

# Exit codes after which the same run would end in the same way.
REFUSED, COULD_NOT_RUN = 1, 2


@dag(
    schedule="30 2 * * *",
    start_date=pendulum.datetime(2026, 7, 1),
    catchup=False,
    max_active_runs=1,
)
def layercake():
    @task(retries=4, retry_delay=pendulum.duration(minutes=15))
    def score(data_interval_end=None):
        ran = subprocess.run(
            [
                "layercake-score", "--bundle", "models/shop",
                "--as-of", data_interval_end.format("YYYY-MM-DD"),
                "--out", "scores",
                "--quiet", "--log", "json", "--openlineage", "lineage.jsonl",
            ],
            cwd="/srv/layercake",
        )
        if ran.returncode in (REFUSED, COULD_NOT_RUN):
            raise AirflowFailException(f"exit code {ran.returncode}: see the log")
        if ran.returncode != 0:
            raise AirflowException(f"exit code {ran.returncode}: try again")

    score()


layercake()
