"""Plants an effect into the sample: users of two layers who got messages place more
orders in the four weeks after. Run in the project folder, with pyarrow; writes
orders.csv.gz beside this file, the same bytes every time.
"""

import csv
import datetime
import gzip
import hashlib
import io
import pathlib

import pyarrow.parquet

HERE = pathlib.Path(__file__).parent
LAYERS = {"L4", "L8"}  # the layers that messages move
CHANCE = 0.35  # of one more order
DAYS = 27  # after the first day, within the window of the metrics


def number(text):
    """A number in 0..1 that a text decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def templates():
    """Orders of April 2025, each a list of lines."""
    orders = {}
    with gzip.open("data/sample/orders.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["ordered_at"].startswith("2025-04") and line["user_id"]:
                orders.setdefault(line["order_id"], []).append(line)
    return [orders[order_id] for order_id in sorted(orders)]


def main():
    orders = templates()
    planted = []
    for user in pyarrow.parquet.read_table(HERE / "users.parquet").to_pylist():
        user_id = user["user_id"]
        if user["arm"] != "messages" or user["layer"] not in LAYERS:
            continue
        if number(f"order {user_id}") >= CHANCE:
            continue
        lines = orders[int(number(f"which {user_id}") * len(orders))]
        entered = datetime.datetime.combine(user["exposed_at"], datetime.time())
        seconds = int(number(f"when {user_id}") * DAYS * 86_400)
        moment = entered + datetime.timedelta(seconds=seconds)
        for line in lines:
            new = {"order_id": f"e{user_id}", "user_id": user_id}
            planted.append({**line, **new, "ordered_at": moment.isoformat(sep=" ")})
    planted.sort(key=lambda line: (line["ordered_at"], line["order_id"]))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(orders[0][0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(planted)
    packed = gzip.compress(text.getvalue().encode("utf-8"), mtime=0)
    (HERE / "orders.csv.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
