//! What moves each group: counted by hand, on the sample, and on data with little in it.

use layercake::config::Config;
use layercake::dataset::{UserIds, hash_integer, hash_text};
use layercake::features::{
    EventParams, FeatureParams, FeaturePlan, GroupedUsers, InputTraits, MoveAxes, MoveSums,
    build_plan, describe_input, sum_moves,
};
use layercake::input::engine::{Engine, EngineParams};
use layercake::input::source::{InputParams, SourceParams, open_sources};
use layercake::sample::KINDS;
use layercake::settings::Threads;
use layercake::stats::resample::{RatioSums, Z_99_5};
use serde_json::Value;

use crate::support::{CONFIG, Shop, orders, project};

const HEADER: &str = "user,time,event,channel,category,order_id,amount,quantity,discount\n";

/// Sums of the first `n_users` users, the odd ones in the second of two groups.
fn sums(rows: &[String], n_users: i64, n_threads: usize) -> (MoveAxes, Vec<MoveSums>) {
    let shop = Shop::empty();
    shop.write("log.csv", format!("{HEADER}{}", rows.join("\n")));
    let mapped: Vec<String> =
        HEADER.trim().split(',').map(|name| format!("{name} = \"{name}\"")).collect();
    let path = shop.path("log.csv").display().to_string();
    let source: SourceParams =
        toml::from_str(&format!("path = {path:?}\n{}", mapped.join("\n"))).unwrap();
    let threads = Threads::new(n_threads).ok();
    let params = EngineParams { threads, ..EngineParams::default() };
    let engine = Engine::new(&params).unwrap();
    let sources = open_sources(&engine, &[source], &InputParams::default()).unwrap();
    let histories = sources.read(&engine, &shop.path("rejected.csv")).unwrap().histories;
    let as_of = "2024-06-01T00:00:00".parse().unwrap();
    let plan = plan(&describe_input(&histories, as_of).unwrap());
    let group_of: Vec<usize> = (0..n_users).map(|user| user as usize % 2).collect();
    let users = UserIds::Integer((0..n_users).collect());
    let of = GroupedUsers { users: &users, group_of: &group_of, n_groups: 2 };
    sum_moves(&histories, &plan, 2, as_of, of).unwrap()
}

fn plan(input: &InputTraits) -> FeaturePlan {
    let events = EventParams { outbound: vec!["sms_sent".into()], ..EventParams::default() };
    build_plan(&FeatureParams::default(), &events, input, 100).unwrap()
}

fn rows(rows: &[&str]) -> Vec<String> {
    rows.iter().map(|row| (*row).to_owned()).collect()
}

#[test]
fn an_answer_belongs_to_the_latest_message_on_its_channel_and_counts_once() {
    let (axes, sums) = sums(
        &rows(&[
            "0,2024-01-01 10:00:00,order,app,,,1,1,",
            // Two messages at once; the answer on b is to that on b, and counts once.
            "0,2024-01-02 10:00:00,sms_sent,a,,,,,",
            "0,2024-01-02 10:00:00,sms_sent,b,,,,,",
            "0,2024-01-02 11:00:00,sms_read,b,,,,,",
            "0,2024-01-02 12:00:00,sms_read,b,,,,,",
            "0,2024-01-02 12:59:00,sms_read,b,,,,,",
            // Answered where nothing was sent: to the latest.
            "0,2024-01-03 10:00:00,sms_sent,a,,,,,",
            "0,2024-01-03 10:00:00,sms_read,app,,,,,",
            // Before any message, and after the date: neither counts.
            "2,2024-01-03 10:00:00,sms_read,a,,,,,",
            "2,2024-06-01 00:00:00,sms_sent,a,,,,,",
        ]),
        4,
        1,
    );
    assert_eq!(axes.responses, [("sms_read".to_owned(), "sms_sent".to_owned())]);
    let rate = |channel: &str| {
        let mut channels = axes.channels.iter().flatten();
        let place = channels.position(|it| it.en == channel).unwrap();
        let of_channel = &sums[0].responses[place];
        (of_channel.numerator(), of_channel.denominator(), of_channel.n_units())
    };
    assert_eq!(rate("a"), (1.0, 2.0, 1));
    assert_eq!(rate("b"), (1.0, 1.0, 1));
    assert_eq!(rate("app"), (0.0, 0.0, 0));
    // Answers at 10 (one of them of user 2), 11 and 12; twice in an hour is once.
    let in_hours =
        |start: usize| -> f64 { sums[0].windows.iter().map(|half| half[start].numerator()).sum() };
    assert_eq!((in_hours(10), in_hours(9), in_hours(12), in_hours(13)), (4.0, 3.0, 1.0, 0.0));
}

#[test]
fn discounts_compare_orders_of_one_user_and_lines_of_one_order_are_together() {
    let (_, sums) = sums(
        &rows(&[
            // Full prices 100 without, 200 = 120 + 30 and 50 with a discount: depth .15.
            "0,2024-01-01,order,,,1,100,1,",
            "0,2024-01-02,order,,,2,120,1,30",
            "0,2024-01-02,order,,,2,50,3,0",
            // Nothing to compare with.
            "2,2024-01-02,order,,,3,80,1,20",
            // Free of charge: no log.
            "4,2024-01-02,order,,,4,0,1,",
            "4,2024-01-03,order,,,5,80,1,20",
        ]),
        6,
        1,
    );
    let found = &sums[0];
    assert_eq!((found.discounted.numerator(), found.discounted.denominator()), (3.0, 5.0));
    assert!((found.depth.ratio().unwrap() - (0.15 + 0.2 + 0.2) / 3.0).abs() < 1e-12);
    assert_eq!((found.log_value.n_units(), found.log_units.n_units()), (1, 2));
    assert!((found.log_value.ratio().unwrap().exp() - 2.0).abs() < 1e-12);
    assert!((found.log_units.ratio().unwrap().exp() - 2.0).abs() < 1e-12);
    assert_eq!(sums[1].discounted.n_units(), 0);
}

#[test]
fn next_categories_are_those_of_orders_that_change_and_rare_ones_are_others() {
    let (axes, sums) = sums(
        &rows(&[
            "0,2024-01-01,order,,tea,1,1,1,",
            "0,2024-01-02,order,,tea,2,1,1,",
            // Two lines of makeup and one of tea: makeup.
            "0,2024-01-03,order,,makeup,3,1,1,",
            "0,2024-01-03,order,,tea,3,1,1,",
            "0,2024-01-03,order,,makeup,3,1,1,",
            "0,2024-01-04,order,,rare,4,1,1,",
            "0,2024-01-05,order,,tea,5,1,1,",
            // Views have no part in it where orders have categories.
            "0,2024-01-06,view,,makeup,,,,",
        ]),
        2,
        1,
    );
    let names: Vec<&str> = axes.categories.iter().map(|it| it.en.as_str()).collect();
    assert_eq!(names, ["tea", "makeup", "other"]);
    let counts: Vec<f64> = sums[0].next_categories.iter().map(RatioSums::numerator).collect();
    assert_eq!(counts, [1.0, 1.0, 1.0]);
    assert_eq!(sums[0].next_categories[0].denominator(), 3.0);
}

#[test]
fn own_events_stand_in_for_orders_without_categories_and_for_answers_that_are_not_there() {
    let (axes, sums) = sums(
        &rows(&[
            "0,2024-01-01 09:00:00,view,,tea,,,,",
            "0,2024-01-01 09:30:00,view,,makeup,,,,",
            "0,2024-01-02 00:00:00,order,,,1,1,1,",
            "0,2024-01-02 20:00:00,view,,makeup,,,,",
            // The business's doing is neither, and has no channel here.
            "0,2024-01-03 03:00:00,sms_sent,,tea,,,,",
        ]),
        2,
        1,
    );
    assert!(axes.responses.is_empty() && sums[0].responses.is_empty());
    let place = axes.categories.iter().position(|it| it.en == "makeup").unwrap();
    let next = &sums[0].next_categories[place];
    assert_eq!((next.numerator(), next.denominator()), (1.0, 1.0));
    let in_hours =
        |start: usize| -> f64 { sums[0].windows.iter().map(|half| half[start].numerator()).sum() };
    // Once at nine, once at eight in the evening; midnight sharp has no time.
    assert_eq!([9, 18, 22, 1, 3].map(in_hours), [1.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn sums_are_the_same_for_any_order_of_rows_and_number_of_threads() {
    let mut log = Vec::new();
    for user in 0..300u64 {
        for step in 0..12u64 {
            let draw = hash_integer((user * 12 + step) as i64, 1);
            let of = |n: u64, shift: u32| (draw >> shift) % n;
            let event = ["sms_sent", "sms_read", "order", "view"][of(4, 0) as usize];
            let at = format!("2024-0{}-1{} 0{}:00:00", 1 + of(5, 8), of(3, 16), of(9, 20));
            let (channel, category) = (of(3, 24), of(5, 28));
            let (amount, discount) = (1 + of(90, 32), of(2, 40) * of(30, 42));
            let order =
                if event == "order" { (user * 5 + of(5, 48)).to_string() } else { String::new() };
            log.push(format!(
                "{user},{at},{event},c{channel},k{category},{order},{amount},{},{discount}",
                1 + of(4, 52)
            ));
        }
    }
    let expected = sums(&log, 300, 1);
    log.sort_by_key(|row| hash_text(row, 3));
    assert_eq!(sums(&log, 300, 3), expected);
    let rates = |it: &MoveSums| it.responses.iter().filter(|it| it.n_units() > 0).count();
    assert!(expected.1.iter().all(|it| rates(it) == 3 && it.log_value.n_units() > 20));
}

/// Kinds of the sample as groups: what was planted lies within the intervals.
#[test]
fn planted_discounts_and_answers_of_the_sample_are_found() {
    let config = Config::load(&project().join("data/sample.toml")).unwrap();
    let shop = Shop::empty();
    let engine = Engine::new(&EngineParams::default()).unwrap();
    let sources = open_sources(&engine, &config.sources, &config.input).unwrap();
    let histories = sources.read(&engine, &shop.path("rejected.csv")).unwrap().histories;
    let as_of = "2025-06-30T00:00:00".parse().unwrap();
    let input = describe_input(&histories, as_of).unwrap();
    let plan = build_plan(&config.features, &config.events, &input, 500).unwrap();
    let truth = std::fs::read_to_string(project().join("data/sample/truth.csv")).unwrap();
    let kind = |name: &str| KINDS.iter().position(|kind| kind.name == name).unwrap();
    let rows = truth.lines().skip(1).map(|line| line.split_once(',').unwrap());
    let (users, group_of): (Vec<String>, Vec<usize>) =
        rows.map(|(user, group)| (user.to_owned(), kind(group))).unzip();
    let users = UserIds::Text(users);
    let of = GroupedUsers { users: &users, group_of: &group_of, n_groups: KINDS.len() };
    let (axes, sums) = sum_moves(&histories, &plan, 8, as_of, of).unwrap();
    let place = axes.channels.iter().flatten().position(|it| it.en == "wecom").unwrap();
    let mut rates = Vec::new();
    for (kind, sums) in KINDS.iter().zip(&sums) {
        let discounted = sums.discounted.share_interval(Z_99_5).unwrap();
        let holds = discounted.low <= kind.discount && kind.discount <= discounted.high;
        assert!(holds, "{}: {discounted:?}", kind.name);
        let depth = sums.depth.interval(Z_99_5).unwrap();
        assert!(depth.low <= 0.225 && 0.225 <= depth.high, "{}: {depth:?}", kind.name);
        // Discounts change nothing about orders there.
        let log = sums.log_value.interval(Z_99_5).unwrap();
        assert!(log.low <= 0.0 && 0.0 <= log.high, "{}: {log:?}", kind.name);
        // Who loses interest answers less than planted, and who has left not at all.
        let rate = sums.responses[place].share_interval(Z_99_5).unwrap();
        assert!(rate.low < kind.open, "{}: {rate:?}", kind.name);
        rates.push((sums.responses[place].ratio().unwrap(), kind.open));
    }
    let rate = |name: &str| rates[kind(name)].0;
    assert!(
        rate("silent_promising") > rate("sharer") && rate("sharer") > rate("high_value_regular")
    );
    assert!(rate("one_off") < 0.05, "{rates:?}");
}

fn json(shop: &Shop, arguments: &[&str]) -> Value {
    let base = ["moves", "--bundle", "models/shop", "--format", "json"];
    serde_json::from_str(&shop.compare(&[&base[..], arguments].concat()).done()).unwrap()
}

fn trained(log: &str, config: &str) -> Shop {
    let shop = Shop::with_orders(log);
    shop.write("shop.toml", config);
    shop.train(&["--config", "shop.toml"]).done();
    shop
}

#[test]
fn where_the_data_has_orders_alone_nothing_is_claimed_and_the_page_says_why() {
    let shop = trained(&orders(120), CONFIG);
    for by in ["layers", "kinds", "kind_tiers", "rfm", "rfm_cells", "value_demand", "lifecycle"] {
        let found = json(&shop, &["--by", by]);
        assert_eq!(found["figures"], Value::Array(Vec::new()), "{by}");
        let suggestions = found["suggestions"].as_array().unwrap();
        assert!(suggestions.iter().all(|it| it["suggestion"] == "No clear lever in the data."));
    }
    for (lang, says) in [("en", "no order has one"), ("zh", "没有订单带折扣")] {
        let text = shop.compare(&["moves", "--bundle", "models/shop", "--lang", lang]).done();
        assert!(text.contains(says), "{text}");
        let width = |line: &str| line.chars().map(|it| 1 + usize::from(it >= '\u{2e80}')).sum();
        assert!(text.lines().map(width).max() <= Some(80), "{text}");
    }
}

#[test]
fn a_review_begins_with_what_moves_each_group_where_that_is_asked_for() {
    let mut log = String::from("user,at,amount,category\n");
    for (row, order) in orders(300).lines().skip(1).enumerate() {
        let user = order.split(',').next().unwrap();
        let both = if user.ends_with(['0', '2', '4', '6', '8']) {
            ["tea", "cake"]
        } else {
            ["cups", "mugs"]
        };
        log += &format!("{order},{}\n", both[row % 2]);
    }
    let config =
        CONFIG.replace("amount = \"amount\"\n", "amount = \"amount\"\ncategory = \"category\"\n");
    let shop = trained(&log, &config);
    let review = ["review", "--bundle", "models/shop", "--suggest-playbook", "--quiet"];
    shop.train(&review).done();
    let text = shop.read("models/shop/layers.toml");
    let mut lines = Vec::new();
    for by in ["layers", "kinds"] {
        for group in json(&shop, &["--by", by])["suggestions"].as_array().unwrap() {
            let (name, line) = (group["group"].as_str().unwrap(), &group["suggestion"]);
            let Some((id, _)) = name.split_once(' ').filter(|_| name != "all users") else {
                continue;
            };
            let id = format!("{id:?}\n");
            let entry = text.split("# id = ").find(|it| it.starts_with(&id));
            let playbook = format!("# playbook = {line}\n");
            assert!(entry.is_some_and(|it| it.contains(&playbook)), "{name}: {line}\n{text}");
            lines.push(line.to_string());
        }
    }
    assert!(lines.iter().any(|it| it.contains("tea")), "{lines:?}");
    // Scoring may use it at once; a second one would overwrite what people wrote.
    shop.train(&["review", "--bundle", "models/shop"]).done();
    shop.train(&review).refused(&["is there already", "--out"]);
}

#[test]
fn of_as_many_categories_as_orders_only_the_most_frequent_are_told_apart() {
    let mut log = String::from("user,at,amount,category\n");
    for (row, order) in orders(120).lines().skip(1).enumerate() {
        log += &format!("{order},k{}\n", if row % 3 == 0 { row % 2 } else { row });
    }
    let config =
        CONFIG.replace("amount = \"amount\"\n", "amount = \"amount\"\ncategory = \"category\"\n");
    let found = json(&trained(&log, &config), &["--by", "lifecycle"]);
    let figures = found["figures"].as_array().unwrap();
    let of_all = figures.iter().filter(|it| it["group"] == "all users");
    let names: Vec<&str> = of_all.map(|it| it["of"].as_str().unwrap()).collect();
    assert!(
        names.len() == 13 && names.contains(&"k0") && names.last() == Some(&"other"),
        "{names:?}"
    );
    let share: f64 = figures[..13].iter().map(|it| it["value"]["value"].as_f64().unwrap()).sum();
    assert!((share - 1.0).abs() < 1e-12);
}
