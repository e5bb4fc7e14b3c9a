"""Starts a server that speaks S3 and a Postgres, runs a command, and stops both."""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import pgserver
from moto.server import ThreadedMotoServer

BUCKET = "layercake"
# A role that has to give a password; all others are trusted.
ASKED = "local all asked scram-sha-256\n"


def main() -> int:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    stores = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    stores.start()
    _, port = stores.get_host_and_port()
    with tempfile.TemporaryDirectory() as folder:
        database = pgserver.get_server(Path(folder) / "postgres")
        database.psql("create role asked login password 'right'")
        hba = Path(folder) / "postgres/pg_hba.conf"
        hba.write_text(ASKED + hba.read_text())
        database.psql("select pg_reload_conf()")
        socket = database.get_uri().split("host=")[1]
        servers = {
            "LAYERCAKE_TEST_POSTGRES": socket,
            "LAYERCAKE_TEST_BUCKET": BUCKET,
            "AWS_ENDPOINT": f"http://127.0.0.1:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        boto3.client(
            "s3",
            endpoint_url=servers["AWS_ENDPOINT"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        ).create_bucket(Bucket=BUCKET)
        try:
            return subprocess.call(sys.argv[1:], env={**os.environ, **servers})
        finally:
            database.cleanup()
            stores.stop()


if __name__ == "__main__":
    sys.exit(main())
