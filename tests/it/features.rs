//! Features read nothing at or after the as-of date, outcomes nothing before it.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use chrono::NaiveDateTime;
use layercake::dataset::{Bilingual, Snapshot, UserIds};
use layercake::features::{
    EventParams, Feature, FeatureParams, FeaturePlan, SnapshotRequest, build_plan,
    compute_snapshots, describe_input,
};
use layercake::input::engine::{Engine, EngineParams};
use layercake::input::history::Histories;
use layercake::input::source::{InputParams, Paths, SourceParams, open_sources};

use crate::support::{Shop, first_day, no_order_label, orders};

fn source(shop: &Shop, csv: &str, mapping: &str) -> SourceParams {
    shop.write("events.csv", csv);
    let text = format!(
        "path = {:?}\nuser = \"user\"\ntime = \"at\"\nevent = \"event\"\namount = \"amount\"\n\
         order_id = \"order_id\"\nchannel = \"channel\"\n{mapping}",
        shop.path("events.csv").display().to_string()
    );
    let source: SourceParams = toml::from_str(&text).unwrap();
    assert!(matches!(source.path, Paths::One(_)));
    source
}

/// Events of a small log, read.
struct Log {
    engine: Engine,
    histories: Histories,
    _shop: Shop,
}

impl Log {
    fn of(csv: &str) -> Self {
        Self::with_mapping(csv, "")
    }

    fn with_mapping(csv: &str, mapping: &str) -> Self {
        Self::read(csv, mapping, &EngineParams::default())
    }

    fn read(csv: &str, mapping: &str, params: &EngineParams) -> Self {
        let shop = Shop::empty();
        let engine = Engine::new(params).unwrap();
        let sources = [source(&shop, csv, mapping)];
        let sources = open_sources(&engine, &sources, &InputParams::default()).unwrap();
        let histories = sources.read(&engine, &shop.path("quarantine.csv")).unwrap().histories;
        Self { engine, histories, _shop: shop }
    }

    fn plan_with(&self, params: &FeatureParams, as_of: NaiveDateTime) -> FeaturePlan {
        let input = describe_input(&self.histories, as_of).unwrap();
        build_plan(params, &EventParams::default(), &input, 100).unwrap()
    }

    fn plan(&self, as_of: NaiveDateTime) -> FeaturePlan {
        self.plan_with(&FeatureParams::default(), as_of)
    }

    fn snapshot(&self, plan: &FeaturePlan, as_of: NaiveDateTime) -> Snapshot {
        let label = no_order_label(30);
        let request = SnapshotRequest::new(std::slice::from_ref(&as_of), &label);
        compute_snapshots(&self.engine, &self.histories, plan, &request).unwrap().remove(0)
    }

    fn with_outcomes(&self, plan: &FeaturePlan, as_of: NaiveDateTime, days: u32) -> Snapshot {
        let label = no_order_label(days);
        let request = SnapshotRequest::new(std::slice::from_ref(&as_of), &label).with_outcomes();
        compute_snapshots(&self.engine, &self.histories, plan, &request).unwrap().remove(0)
    }
}

fn day(n: u64) -> NaiveDateTime {
    (first_day() + chrono::Days::new(n)).and_time(Default::default())
}

fn value(snapshot: &Snapshot, user: i64, feature: &str) -> f64 {
    let UserIds::Integer(ids) = &snapshot.users else { panic!("integer ids") };
    let row = ids.iter().position(|id| *id == user).unwrap();
    snapshot.features.column(feature).unwrap()[row]
}

/// User 1: two orders (one of two lines), views, a share of app and web.
/// User 2: views only. User 3: appears on the as-of date itself.
const EVENTS: &str = "\
user,at,event,amount,order_id,channel
1,2024-01-11 00:00:00,order,10.00,A,app
1,2024-01-11 00:00:00,order,2.50,A,app
1,2024-01-21 12:00:00,order,20.10,B,web
1,2024-01-24 00:00:00,view,,,app
1,2024-01-30 23:59:59,view,,,app
1,2024-01-31 00:00:00,order,99.00,C,web
2,2024-01-30 00:00:00,view,,,web
3,2024-01-31 00:00:00,order,5.00,D,web
";

/// Views on three days of two items in one category, the older item again later;
/// one with an amount. A cart of another item. Orders count apart.
#[test]
fn days_items_and_amounts_of_each_event_type() {
    let log = Log::with_mapping(
        "user,at,event,amount,order_id,channel,item,category,dwell\n\
         1,2024-01-02 10:00:00,view,,,,a,x,5\n\
         1,2024-01-02 11:00:00,view,,,,b,x,5\n\
         1,2024-01-03 10:00:00,cart,2,,,c,y,1\n\
         1,2024-02-20 10:00:00,view,3,,,a,x,5\n\
         1,2024-02-21 10:00:00,order,30,,,d,z,\n\
         1,2024-02-22 00:00:00,view,,,,,,7\n",
        "item = \"item\"\ncategory = \"category\"\ndwell_s = \"dwell\"\n",
    );
    let as_of = day(60);
    let snapshot = log.snapshot(&log.plan(as_of), as_of);
    for (feature, expected) in [
        ("n_view", 4.0),
        ("n_view_days", 3.0),
        ("n_view_days_30d", 2.0),
        ("n_view_items", 2.0),
        ("n_view_items_30d", 1.0),
        ("n_view_categories", 1.0),
        ("n_cart_days", 1.0),
        ("n_cart_days_30d", 0.0),
        ("n_cart_items", 1.0),
        ("amount_view", 3.0),
        ("amount_cart", 2.0),
        ("amount_cart_30d", 0.0),
        ("dwell_s_view", 22.0),
        ("dwell_s_view_30d", 12.0),
        ("dwell_s_cart", 1.0),
        ("n_items", 1.0),
        ("n_categories", 1.0),
        ("gmv", 30.0),
    ] {
        assert_eq!(value(&snapshot, 1, feature), expected, "{feature}");
    }
}

#[test]
fn features_of_a_worked_example() {
    let log = Log::of(EVENTS);
    let as_of = day(30);
    let snapshot = log.snapshot(&log.plan(as_of), as_of);
    assert_eq!(snapshot.users, UserIds::Integer(vec![1, 2]));
    let expected = [
        ("n_orders", 2.0),
        // The order of 21 January is 9.5 days old, the view of 24 January exactly 7.
        ("n_orders_7d", 0.0),
        ("n_orders_14d", 1.0),
        ("gmv", 32.6),
        ("gmv_14d", 20.1),
        ("max_order_value", 20.1),
        ("mean_order_value", 16.3),
        // |20.1 − 12.5| / √2
        ("sd_order_value", 7.6 / 2f64.sqrt()),
        ("n_order_days", 2.0),
        ("days_since_last_order", 10.0),
        ("customer_age_days", 20.0),
        ("purchase_span_days", 10.0),
        ("mean_gap_days", 10.0),
        ("silence_ratio", 1.0),
        ("n_view", 2.0),
        ("n_view_7d", 2.0),
        ("days_since_last_view", 1.0),
        ("n_active_days", 4.0),
        ("share_channel_app", 0.8),
        ("share_event_order", 0.6),
        ("share_event_view", 0.4),
        ("orders_per_view", 1.0),
        ("orders_per_view_30d", 1.0),
        ("last_gap_days", 10.0),
        ("first_order_value", 12.5),
        ("last_order_value_ratio", 20.1 / 16.3),
        ("order_value_trend", 7.6 / 16.3),
        ("days_to_first_order", 0.0),
        ("share_orders_q1", 1.0),
        ("share_orders_afternoon", 0.5),
        ("share_events_evening", 0.2),
        ("max_active_gap_days", 10.0),
        ("max_streak_days", 1.0),
        ("n_channel_app", 4.0),
        ("gmv_channel_app", 12.5),
        ("favourite_share_channel", 0.8),
        ("entropy_channel", -(0.8 * 0.8f64.log2() + 0.2 * 0.2f64.log2())),
        ("days_since_new_channel", 10.0),
    ];
    for (feature, expected) in expected {
        let got = value(&snapshot, 1, feature);
        assert!((got - expected).abs() < 1e-9, "{feature}: expected {expected}, got {got}");
    }
    let never_ordered = [("n_orders", 0.0), ("gmv", 0.0), ("days_since_last_order", 200.0)];
    for (feature, expected) in never_ordered {
        assert_eq!(value(&snapshot, 2, feature), expected, "{feature}");
    }
}

#[test]
fn outcomes_of_a_worked_example() {
    let log = Log::of(EVENTS);
    let as_of = day(20);
    let plan = log.plan(day(30));
    // [21 January, 31 January): order B; order C falls on the excluded end.
    let outcomes = log.with_outcomes(&plan, as_of, 10).outcomes.unwrap();
    assert_eq!(outcomes.n_orders, [1.0]);
    assert_eq!(outcomes.gmv, [20.1]);
    let outcomes = log.with_outcomes(&plan, as_of, 11).outcomes.unwrap();
    assert_eq!((outcomes.n_orders[0], outcomes.gmv[0]), (2.0, 119.1));
}

#[test]
fn nothing_at_or_after_as_of_changes_a_feature() {
    let csv = {
        let mut csv = String::from("user,at,event,amount,order_id,channel\n");
        for (index, line) in orders(60).lines().skip(1).enumerate() {
            let event = if index % 3 == 0 { "order" } else { "view" };
            let (user_at, amount) = line.rsplit_once(',').unwrap();
            csv += &format!("{user_at},{event},{amount},,app\n");
        }
        csv
    };
    let as_of = day(120);
    let log = Log::of(&csv);
    let plan = log.plan(as_of);
    let expected = log.snapshot(&plan, as_of);
    let is_before = |line: &&str| line.split(',').nth(1).is_some_and(|at| at < "2024-04-30");
    let header_and_before = |csv: &str| {
        csv.lines().filter(|l| l.starts_with("user") || is_before(l)).collect::<Vec<_>>().join("\n")
    };
    let deleted = header_and_before(&csv);
    let added = format!(
        "{csv}\n5,2024-04-30 00:00:00,order,1000000,Z,web\n77777,2024-06-01,share,1,,new\n"
    );
    let changed: String = csv
        .lines()
        .map(|l| {
            if l.starts_with("user") || is_before(&l) {
                l.to_owned()
            } else {
                l.replace(",app", ",moon")
            }
        })
        .map(|l| l + "\n")
        .collect();
    for (what, csv) in [("deleted", deleted), ("added", added), ("changed", changed)] {
        let snapshot = Log::of(&csv).snapshot(&plan, as_of);
        assert!(snapshot == expected, "{what}");
    }
}

#[test]
fn event_names_that_collide_with_features_are_kept_apart() {
    let csv = "\
user,at,event,amount,order_id,channel
1,2024-01-11,order,10.00,A,it's 100%
1,2024-01-12,orders,,,x
1,2024-01-13,orders,,,x
1,2024-01-14,a b,,,x
1,2024-01-15,a_b,,,x
1,2024-01-16,a_b,,,x
1,2024-01-16,a_b,,,x
1,2024-01-17,it's \\ \"\"😀,,,x
";
    let log = Log::of(csv);
    let as_of = day(30);
    let plan = log.plan(as_of);
    let snapshot = log.snapshot(&plan, as_of);
    assert_eq!(value(&snapshot, 1, "n_orders"), 1.0);
    let by_meaning = |meaning: &str| {
        let feature = plan.features.iter().find(|feature| feature.info.meaning.en == meaning);
        value(&snapshot, 1, &feature.unwrap_or_else(|| panic!("no `{meaning}`")).info.name)
    };
    assert_eq!(by_meaning("`orders` events, all time"), 2.0);
    assert_eq!(by_meaning("`a b` events, all time"), 1.0);
    assert_eq!(by_meaning("`a_b` events, all time"), 3.0);
    assert_eq!(by_meaning("`order` for each `orders`, all time"), 0.5);
    assert_eq!(by_meaning("`order` for each `a_b`, all time"), 1.0 / 3.0);
    assert_eq!(by_meaning("share of the user's events with channel `x`"), 7.0 / 8.0);
}

#[test]
fn a_plan_of_many_windows_is_no_deeper_than_one_of_few() {
    let log = Log::of(EVENTS);
    let as_of = day(30);
    let params = FeatureParams {
        windows_days: (1..=90).map(layercake::settings::Days::of).collect(),
        ..Default::default()
    };
    let plan = log.plan_with(&params, as_of);
    let snapshot = log.snapshot(&plan, as_of);
    assert!(snapshot.features.n_features() > 300);
    assert_eq!(value(&snapshot, 1, "n_orders_trend_45d_of_46d"), 1.0);
}

#[test]
fn a_plan_survives_saving() {
    let plan = Log::of(EVENTS).plan(day(30));
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<FeaturePlan>(&text).unwrap(), plan);
    for Feature { info, .. } in &plan.features {
        let Bilingual { en, zh } = &info.meaning;
        assert!(!en.is_empty() && !zh.is_ascii(), "{}", info.name);
    }
}

#[test]
fn what_became_known_late_is_used_from_then_on() {
    let csv = "\
user,at,event,amount,order_id,channel,known
1,2024-01-05 00:00:00,order,10.00,A,app,
1,2024-01-10 00:00:00,order,20.00,B,app,2024-01-20 00:00:00
1,2024-01-12 00:00:00,order,40.00,C,web,2024-01-01 00:00:00
2,2024-01-11 00:00:00,order,80.00,D,web,2024-01-20 00:00:00
";
    let log = Log::with_mapping(csv, "available_at = \"known\"\n");
    let plan = log.plan(day(30));
    // On 19 January order B had happened, but nobody knew; user 2 was unknown altogether.
    let early = log.snapshot(&plan, day(18));
    assert_eq!(early.users, UserIds::Integer(vec![1]));
    assert_eq!(value(&early, 1, "gmv"), 50.0);
    // `as_of` is exclusive for both clocks.
    assert_eq!(value(&log.snapshot(&plan, day(19)), 1, "gmv"), 50.0);
    let later = log.snapshot(&plan, day(20));
    assert_eq!(value(&later, 1, "gmv"), 70.0);
    assert_eq!(value(&later, 2, "gmv"), 80.0);
    // Outcomes are what happened, whenever it became known.
    let outcomes = log.with_outcomes(&plan, day(6), 10).outcomes.unwrap();
    assert_eq!((outcomes.n_orders[0], outcomes.gmv[0]), (2.0, 60.0));
}

#[test]
fn several_dates_in_one_pass_are_the_same_as_one_by_one() {
    let log = Log::of(&mixed_events(90));
    let plan = log.plan(day(150));
    let dates = [day(150), day(120), day(91), day(40)];
    let label = no_order_label(30);
    let request = SnapshotRequest::new(&dates, &label).with_outcomes();
    let together = compute_snapshots(&log.engine, &log.histories, &plan, &request).unwrap();
    for (date, snapshot) in dates.iter().zip(together) {
        assert!(snapshot == log.with_outcomes(&plan, *date, 30), "{date}");
    }
}

#[test]
fn row_order_and_threads_change_no_feature() {
    let csv = mixed_events(90);
    let plan = Log::of(&csv).plan(day(150));
    let expected = Log::of(&csv).snapshot(&plan, day(150));
    let (header, rows) = csv.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    rows.rotate_left(777);
    let shuffled = format!("{header}\n{}\n", rows.join("\n"));
    for n_threads in [1, 2, 3] {
        let params = EngineParams {
            threads: layercake::settings::Threads::new(n_threads).ok(),
            memory_limit_mb: None,
        };
        let log = Log::read(&shuffled, "", &params);
        assert!(log.snapshot(&plan, day(150)) == expected, "{n_threads} threads");
    }
}

/// Features over SQL, the slow and plain way.
#[test]
fn windows_agree_with_plain_sql() {
    let log = Log::of(&mixed_events(90));
    let as_of = day(150);
    let plan = log.plan(as_of);
    let snapshot = log.snapshot(&plan, as_of);
    let UserIds::Integer(users) = snapshot.users.clone() else { panic!("integer ids") };
    for days in [7, 30, 90] {
        let is_in =
            format!("at >= arrow_cast('{}', 'Timestamp(Microsecond, None)')", day(150 - days));
        for (feature, sql) in [
            (
                format!("n_view_{days}d"),
                format!("count(*) FILTER (WHERE event = 'view' AND {is_in})"),
            ),
            (
                format!("gmv_{days}d"),
                format!("sum(amount) FILTER (WHERE event = 'order' AND {is_in})"),
            ),
            (
                format!("n_active_days_{days}d"),
                format!("count(DISTINCT cast(at AS date)) FILTER (WHERE {is_in})"),
            ),
            (
                format!("n_order_days_{days}d"),
                format!(
                    "count(DISTINCT cast(at AS date)) FILTER (WHERE event = 'order' AND {is_in})"
                ),
            ),
        ] {
            let query = format!(
                "SELECT user_id, cast(coalesce({sql}, 0) AS double) FROM (SELECT *, time AS at \
                 FROM events WHERE time < arrow_cast('{as_of}', 'Timestamp(Microsecond, None)')) \
                 GROUP BY user_id ORDER BY user_id"
            );
            let batches = log.engine.query(&query).unwrap();
            let expected: Vec<f64> = batches
                .iter()
                .flat_map(|batch| batch.column(1).as_primitive::<Float64Type>().values().to_vec())
                .collect();
            assert_eq!(expected.len(), users.len());
            let got = snapshot.features.column(&feature).unwrap();
            for (row, expected) in expected.iter().enumerate() {
                assert!((got[row] - expected).abs() < 1e-9, "{feature} of user {}", users[row]);
            }
        }
    }
}

#[test]
fn a_sum_beyond_fixed_point_names_the_user() {
    let mut csv = String::from("user,at,event,amount,order_id,channel\n");
    for second in 0..12 {
        csv += &format!("7,2024-01-11 00:00:{second:02},order,90000000000000,,app\n");
    }
    let log = Log::of(&csv);
    let label = no_order_label(30);
    let request = SnapshotRequest::new(&[], &label);
    assert!(compute_snapshots(&log.engine, &log.histories, &log.plan(day(30)), &request).is_ok());
    let dates = [day(30)];
    let request = SnapshotRequest::new(&dates, &label);
    let error = compute_snapshots(&log.engine, &log.histories, &log.plan(day(30)), &request);
    let message = error.unwrap_err().to_string();
    assert!(message.starts_with("user 7: a sum exceeds"), "{message}");
}

/// Orders and views of many users, on two channels, with ties in time.
fn mixed_events(n_users: u64) -> String {
    let mut csv = String::from("user,at,event,amount,order_id,channel\n");
    for (index, line) in orders(n_users).lines().skip(1).enumerate() {
        let event = if index % 3 == 0 { "order" } else { "view" };
        let channel = ["app", "web", ""][index % 5 % 3];
        let (user_at, amount) = line.rsplit_once(',').unwrap();
        csv += &format!("{user_at},{event},{amount},,{channel}\n");
        if index % 4 == 0 {
            csv += &format!("{user_at},order,{}.5,O{index},{channel}\n", index % 37);
            csv += &format!("{user_at},order,{}.25,O{index},app\n", index % 11);
        }
    }
    csv
}
