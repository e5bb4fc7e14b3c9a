"""The 110 features that all sides compute, and what each calls them."""

EVENTS = ["view", "cart", "order", "share", "sign_in", "message_open"]
CHANNELS = ["app", "mini_program", "tmall", "douyin", "store", "wecom"]
CATEGORIES = [f"c{i:02d}" for i in range(24)]
WINDOWS = [7, 14, 30, 60, 90, 180, 365]

# The last day whose events count; Layercake's as-of is the day after, exclusive.
LAST_DAY = "2025-12-31"
AS_OF = "2026-01-01"


def features():
    """Peers' name → Layercake's name, what is added to ours, value if missing."""
    pairs = {}
    for days in WINDOWS:
        for event in EVENTS:
            ours = "orders" if event == "order" else event
            pairs[f"n_{event}_{days}d"] = (f"n_{ours}_{days}d", 0, 0)
        pairs[f"gmv_{days}d"] = (f"gmv_{days}d", 0, 0)
        pairs[f"disc_{days}d"] = (f"discount_{days}d", 0, 0)
        pairs[f"dwell_{days}d"] = (f"dwell_s_{days}d", 0, 0)
        pairs[f"days_{days}d"] = (f"n_active_days_{days}d", 0, 0)
    for channel in CHANNELS:
        pairs[f"n_{channel}"] = (f"n_channel_{channel}", 0, 0)
        pairs[f"gmv_{channel}"] = (f"gmv_channel_{channel}", 0, 0)
    for category in CATEGORIES:
        pairs[f"n_{category}"] = (f"n_category_{category}", 0, 0)
    # We count begun days, the peers days gone by; nobody without an order is
    # given a number of days since it by them.
    pairs["recency"] = ("days_since_last_order", -1, None)
    pairs["tenure"] = ("days_since_first_event", -1, 0)
    pairs["max_amt"] = ("max_order_value", 0, 0)
    pairs["std_amt"] = ("sd_order_value", 0, 0)
    return pairs


def config(events, only=True, item=False):
    """A config of Layercake's for the log."""
    lines = [
        'name = "benchmark"',
        "[[source]]",
        f'path = "{events}"',
        'user = "user_id"',
        'time = "ts"',
    ]
    columns = ["event", "amount", "discount", "dwell_s", "channel", "category"]
    lines += [f'{column} = "{column}"' for column in columns]
    lines += ['item = "item_id"'] if item else []
    lines += ["[input]", f'latest = "{AS_OF}"']
    lines += ["[features]", "max_values = { categories = 24 }"]
    if only:
        names = ", ".join(f'"{ours}"' for ours, _, _ in features().values())
        lines.append(f"only = [{names}]")
    return "\n".join(lines) + "\n"
