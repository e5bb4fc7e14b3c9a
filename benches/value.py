"""Models of orders: Layercake beside lifetimes and, where it is installed, pymc-marketing.

Customers of a BG/NBD model are drawn with the parameters that Fader, Hardie & Lee found for
CDNOW, over two years. All sides get repeats, the time of the last and the age of each customer
in memory, fit the model by its likelihood (pymc-marketing by the maximum a posteriori), and
predict the orders of the next 13 weeks. They take turns; medians, ranges and ratios are
printed, beside the parameter r and the sum of what is predicted.
"""

import argparse
import pathlib
import statistics
import tempfile
import warnings

import numpy as np

from turns import Ours, alternate, timed

WEEKS = 13


def draw(n, seed=5):
    """Repeats, days to the last one and days to the end, of each customer."""
    generator = np.random.default_rng(seed)
    rate = generator.gamma(0.243, 1 / 4.414, n) / 7
    leaves = generator.beta(0.793, 2.426, n)
    age = generator.integers(1, 730, n)
    repeats, last = np.zeros(n, dtype=np.uint32), np.zeros(n, dtype=np.uint32)
    for customer in range(n):
        time = 0.0
        while True:
            time += generator.exponential(1 / rate[customer]) if rate[customer] > 1e-12 else np.inf
            if time >= age[customer]:
                break
            # Orders of one day are one.
            day = int(time)
            if day > last[customer]:
                repeats[customer] += 1
                last[customer] = day
            if generator.random() < leaves[customer]:
                break
    return repeats, last, age.astype(np.uint32)


def lifetimes(repeats, last, age):
    try:
        from lifetimes import BetaGeoFitter
    except ImportError:
        return None
    weeks = last / 7, age / 7

    def fit():
        return BetaGeoFitter().fit(repeats, *weeks)

    model = fit()

    def predict():
        return model.conditional_expected_number_of_purchases_up_to_time(WEEKS, repeats, *weeks)

    fits = timed(fit, lambda it: it.params_["r"])
    return fits, timed(predict, lambda it: float(np.nansum(it)))


def pymc_marketing(repeats, last, age):
    try:
        import pandas
        from pymc_marketing.clv import BetaGeoModel
    except ImportError:
        return None
    data = pandas.DataFrame({
        "customer_id": np.arange(len(repeats)), "frequency": repeats, "recency": last / 7,
        "T": age / 7})

    def fit():
        model = BetaGeoModel(data=data)
        model.fit(method="map", progressbar=False)
        return model

    model = fit()

    def predict():
        return model.expected_purchases(data, future_t=WEEKS)

    fits = timed(fit, lambda it: float(it.fit_result["r"].values.squeeze()))
    return fits, timed(predict, lambda it: float(it.sum()))


def show(title, sides, runs, measure):
    seconds, results = alternate(sides, runs)
    print(f"\n{title}")
    ours = statistics.median(seconds["Layercake"])
    for name, took in seconds.items():
        median = statistics.median(took)
        line = f"  {name:16}{median:10.4f} s ({min(took):.4f} to {max(took):.4f})"
        line += f"{median / ours:9.1f} times ours   {measure} {results[name]:,.4f}"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--customers", type=float, default=1e5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="without the peers, all models")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    times = draw(int(arguments.customers))
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "times.u32"
        np.column_stack(times).astype("<u4").tofile(file)
        ours = Ours(arguments.binary, file)
        print(f"{len(times[0]):,} customers, {len(set(zip(*times))):,} different rows")
        models = ["bg_nbd"] if not arguments.alone else ["bg_nbd", "mbg_nbd", "pareto_nbd"]
        for model in models:
            fits = {"Layercake": ours.task(f"fit {model}")}
            predictions = {"Layercake": ours.task(f"predict {model}")}
            peers = {} if arguments.alone else {
                "lifetimes": lifetimes(*times), "pymc-marketing": pymc_marketing(*times)}
            for name, sides in peers.items():
                if sides is None:
                    print(f"{name} is not installed here, and left out")
                    continue
                fits[name], predictions[name] = sides
            show(f"{model}: fit", fits, arguments.runs, "r")
            show(f"{model}: orders of {WEEKS} weeks", predictions, arguments.runs, "sum")
        ours.close()


main()
