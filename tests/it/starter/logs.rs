//! Logs of events under many names.

use super::{Row, is_whole_shop, read, rows, table};

/// What the rows of a log are, in turn: views most of all.
const N_KINDS: usize = 8;

fn kind(row: &Row) -> usize {
    [0, 0, 1, 2, 3, 4, 5, 6][(row.n as usize * 5 + 3) % N_KINDS]
}

/// A log: its file, header and rows, and its words for view, cart, order, a message
/// sent, one answered, a share, and a loss.
struct Log {
    file: &'static str,
    header: &'static str,
    write: fn(&Row, &str) -> String,
    words: [&'static str; 7],
}

const LOGS: &[Log] = &[
    Log {
        file: "log.csv",
        header: "ts,cust,what,basket_id,amount",
        write: |it, event| {
            let (basket, amount) = of_order(it);
            format!("{},c{},{event},{basket},{amount}", it.time("%Y-%m-%d %H:%M:%S"), it.user)
        },
        words: ["view", "cart", "purchase", "push_sent", "push_open", "share", "refund"],
    },
    Log {
        file: "amplitude.csv",
        header: "event_time,user_id,device_id,event_type,platform,revenue",
        write: |it, event| {
            let (_, amount) = of_order(it);
            format!(
                "{},u{},d{},{event},iOS,{amount}",
                it.time("%Y-%m-%d %H:%M:%S%.6f"),
                it.user,
                it.user % 7
            )
        },
        words: [
            "Product Viewed",
            "Product Added",
            "Order Completed",
            "Push Notification Sent",
            "Push Notification Opened",
            "Product Shared",
            "Order Refunded",
        ],
    },
    Log {
        file: "mixpanel.csv",
        header: "event,distinct_id,time,$revenue",
        write: |it, event| {
            let (_, amount) = of_order(it);
            format!("{event},m-{},{},{amount}", it.user, it.at.and_utc().timestamp())
        },
        words: [
            "View Item",
            "Add To Cart",
            "Purchase",
            "Email Sent",
            "Email Clicked",
            "Invite Friend",
            "Unsubscribe",
        ],
    },
    Log {
        file: "ga4.csv",
        header: "event_date,event_timestamp,event_name,user_pseudo_id,purchase_revenue",
        write: |it, event| {
            let (_, amount) = of_order(it);
            let micros = it.at.and_utc().timestamp_micros();
            format!(
                "{},{micros},{event},{}.{},{amount}",
                it.time("%Y%m%d"),
                1_234_567_890 + it.user,
                1_600_000_007
            )
        },
        words: [
            "view_item",
            "add_to_cart",
            "purchase",
            "notification_sent",
            "notification_open",
            "share",
            "refund",
        ],
    },
    Log {
        file: "klaviyo.csv",
        header: "Timestamp,Metric,Profile ID,$value",
        write: |it, event| {
            let (_, amount) = of_order(it);
            format!("{},{event},01H{:05},{amount}", it.time("%Y-%m-%dT%H:%M:%S+00:00"), it.user)
        },
        words: [
            "Viewed Product",
            "Added to Cart",
            "Placed Order",
            "Received Email",
            "Opened Email",
            "Referred Friend",
            "Unsubscribed",
        ],
    },
    Log {
        file: "行为.csv",
        header: "用户,操作,发生时间,金额",
        write: |it, event| {
            let (_, amount) = of_order(it);
            format!("{},{event},{},{amount}", 880_000 + it.user, it.time("%Y/%m/%d %H:%M"))
        },
        words: ["浏览", "加购", "支付", "推送", "推送点击", "分享", "退款"],
    },
    Log {
        file: "rees.csv",
        header: "event_time,event_type,product_id,category_code,brand,price,user_id,user_session",
        write: |it, event| {
            let at = it.time("%Y-%m-%d %H:%M:%S UTC");
            format!(
                "{at},{event},{},a.b,x,{},{},s{}",
                it.item,
                it.amount(),
                500 + it.user,
                it.n / 4
            )
        },
        words: ["view", "cart", "purchase", "sms_sent", "sms_click", "forward", "return"],
    },
    Log {
        // Nothing but its place says what `val` is: only orders have it.
        file: "plain.csv",
        header: "ts,uid,what,val",
        write: |it, event| {
            let (_, amount) = of_order(it);
            format!("{},{},{event},{amount}", it.at.and_utc().timestamp(), it.user)
        },
        words: ["view", "add_cart", "purchase", "push_sent", "push_open", "share", "complaint"],
    },
    Log {
        file: "shouting.csv",
        header: "id_client,moment,verb,amt",
        write: |it, event| {
            let (_, amount) = of_order(it);
            let event =
                if it.n.is_multiple_of(2) { event.to_uppercase() } else { event.to_owned() };
            format!(
                "{},{},{event},{}",
                it.user,
                it.at.and_utc().timestamp(),
                if amount.is_empty() { "NULL".into() } else { amount }
            )
        },
        words: ["pageview", "basket", "buy", "email", "email_open", "share", "opt_out"],
    },
];

/// Id and amount of the rows that are orders.
fn of_order(row: &Row) -> (String, String) {
    if kind(row) == 2 { (format!("B{}", row.n), row.amount()) } else { Default::default() }
}

#[test]
fn events_are_known_by_their_words() {
    for log in LOGS {
        let text = table(log.header, |row| (log.write)(row, log.words[kind(row)]));
        let read = read(&[(log.file, &text)]);
        is_whole_shop(&read);
        let orders: Vec<Row> = rows().into_iter().filter(|row| kind(row) == 2).collect();
        assert_eq!(read.n_order_rows as usize, orders.len(), "{}", read.config);
        let gmv: u64 = orders.iter().map(Row::amount_cents).sum();
        assert_eq!(read.gmv_cents, gmv, "{}", read.config);
        let events = &read.parsed.events;
        let word = |kind: usize| {
            let word = log.words[kind].to_owned();
            if log.file == "shouting.csv" { word.to_lowercase() } else { word }
        };
        assert_eq!(events.outbound, [word(3)], "{}", read.config);
        let responses: Vec<(&String, &String)> = events.response.iter().collect();
        assert_eq!(responses, [(&word(4), &word(3))], "{}", read.config);
        let path = [word(0), word(1), "order".into(), word(5)];
        // "Product Added" does not say to what.
        if log.file != "amplitude.csv" {
            assert_eq!(events.funnel, path, "{}", read.config);
        }
        assert_eq!(events.share, [word(5)], "{}", read.config);
        assert_eq!(events.negative, [word(6)], "{}", read.config);
        assert!(read.events.contains(&word(6)), "refunds stay: {}", read.config);
        read.says_nothing_of(&["\"?\"", "CHECK"]);
    }
}

#[test]
fn codes_for_events_are_said_to_need_a_name() {
    let read = read(&[(
        "ua.csv",
        &table("user_id,item_id,behavior_type,time", |it| {
            format!("{},{},{},{}", it.user, it.item, 1 + kind(it) % 4, it.time("%Y-%m-%d %H:%M"))
        }),
    )]);
    read.says(&["cast(behavior_type as varchar)", "values: 1", "no event looks like an order"]);
}

#[test]
fn channels_and_states_are_no_events() {
    let read = read(&[(
        "orders.csv",
        &table("user_id,date,medium,payment,amount", |it| {
            let medium = ["email", "push", "web", "sms"][(it.n % 4) as usize];
            format!(
                "{},{},{medium},{},{}",
                it.user,
                it.time("%Y-%m-%d"),
                ["visa", "paypal"][(it.n % 2) as usize],
                it.amount()
            )
        }),
    )]);
    super::is_all_orders(&read);
    read.says(&["channel = \"medium\""]);
}

#[test]
fn json_is_said_to_be_left_unread() {
    let read = read(&[(
        "raw.csv",
        &table("user_id,time,event,properties", |it| {
            format!(
                "{},{},purchase,\"{{\"\"price\"\": {}}}\"",
                it.user,
                it.time("%Y-%m-%d %H:%M:%S"),
                it.price()
            )
        }),
    )]);
    read.says(&["# CHECK: properties holds JSON"]);
    is_whole_shop(&read);
}
