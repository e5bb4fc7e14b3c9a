//! Several tables at once, and files in other shapes.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use layercake::input::starter::starter_config;
use parquet::arrow::ArrowWriter;

use super::{N_USERS, Row, is_all_orders, is_whole_shop, read, read_by, rows, table};
use crate::support::Shop;

fn orders() -> String {
    table("order_id,user_id,date,amount", |it| {
        format!("{},{},{},{}", it.order, it.user, it.time("%Y-%m-%d"), it.amount())
    })
}

#[test]
fn orders_of_a_log_do_not_count_beside_a_table_of_orders() {
    let log = table("uid,time,event", |it| {
        let event = ["page_view", "add_to_cart", "purchase"][(it.n % 3) as usize];
        format!("{},{},{event}", it.user, it.time("%Y-%m-%d %H:%M:%S"))
    });
    let read = read(&[("log.csv", &log), ("orders.csv", &orders())]);
    is_all_orders(&read);
    assert!(read.events.contains(&"purchase".to_owned()));
    read.says(&["\"purchase\" of", "so that no order counts twice"]);
    assert_eq!(read.parsed.events.funnel, ["page_view", "add_to_cart", "order"]);
}

#[test]
fn a_table_that_ends_early_sets_as_of() {
    let early =
        table("uid,time,event", |it| format!("{},{},view", it.user, it.time("%Y-%m-%d %H:%M:%S")));
    let lines: Vec<&str> = early.lines().collect();
    let early = lines[..lines.len() * 3 / 4].join("\n");
    let read = read(&[("log.csv", &early), ("orders.csv", &orders())]);
    let last = rows()[lines.len() * 3 / 4 - 2].at.date();
    assert_eq!(read.parsed.as_of, last.succ_opt(), "{}", read.config);
    read.says(&["# CHECK: the files do not end on the same day"]);
}

#[test]
fn users_are_written_alike_or_said_not_to_be() {
    let views = |user: fn(u64) -> String| {
        table("visitor_id,time,action", move |it| {
            format!("{},{},view", user(it.user), it.time("%Y-%m-%d %H:%M:%S"))
        })
    };
    let mixed = read(&[
        ("log.csv", &views(|user| if user == 7 { "x7".into() } else { user.to_string() })),
        ("orders.csv", &orders()),
    ]);
    assert_eq!(mixed.n_users, N_USERS + 1, "{}", mixed.config);
    mixed.says_nothing_of(&["name users alike"]);
    let apart = read(&[("log.csv", &views(|user| format!("u{user}"))), ("orders.csv", &orders())]);
    apart.says(&["do both name users alike?"]);
}

#[test]
fn a_file_s_name_says_what_its_rows_are() {
    let returns = table("user_id,date,amount", |it| {
        format!("{},{},{}", it.user, it.time("%Y-%m-%d"), it.amount())
    });
    let read = read(&[("orders.csv", &orders()), ("refunds.csv", &returns)]);
    is_all_orders(&read);
    assert!(read.events.contains(&"refund".to_owned()), "{}", read.config);
}

#[test]
fn a_compressed_file_is_read_like_a_plain_one() {
    let shop = Shop::empty();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(orders().as_bytes()).unwrap();
    shop.write("orders.csv.gz", packed.finish().unwrap());
    let config = starter_config(&[shop.path("orders.csv.gz")]).unwrap();
    is_all_orders(&read_by(config, &shop.path("quarantine.csv")));
}

#[test]
fn a_folder_is_one_table() {
    let shop = Shop::empty();
    let text = orders();
    let (header, lines) = text.split_once('\n').unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    for (at, part) in lines.chunks(lines.len() / 20).enumerate() {
        shop.write(&format!("parts/part-{at:02}.csv"), format!("{header}\n{}\n", part.join("\n")));
    }
    let config = starter_config(&[shop.path("parts")]).unwrap();
    assert!(config.contains("of about"), "{config}");
    is_all_orders(&read_by(config, &shop.path("quarantine.csv")));
}

#[test]
fn parts_of_a_structure_are_columns() {
    let rows = rows();
    let column = |of: fn(&Row) -> i64| {
        Arc::new(rows.iter().map(|it| Some(of(it))).collect::<Int64Array>()) as ArrayRef
    };
    let text = |of: fn(&Row) -> String| {
        Arc::new(rows.iter().map(|it| Some(of(it))).collect::<StringArray>()) as ArrayRef
    };
    let revenue: ArrayRef = Arc::new(
        rows.iter().map(|it| Some(it.amount_cents() as f64 / 100.0)).collect::<Float64Array>(),
    );
    let ecommerce = StructArray::from(vec![
        (
            Arc::new(Field::new("transaction_id", DataType::Utf8, true)),
            text(|it| format!("T{}", it.order)),
        ),
        (Arc::new(Field::new("purchase_revenue", DataType::Float64, true)), revenue),
    ]);
    let batch = RecordBatch::try_from_iter([
        ("event_timestamp", column(|it| it.at.and_utc().timestamp_micros())),
        ("event_name", text(|_| "purchase".into())),
        ("user_pseudo_id", text(|it| format!("{}.7", it.user))),
        ("ecommerce", Arc::new(ecommerce) as ArrayRef),
    ])
    .unwrap();
    let shop = Shop::empty();
    let file = File::create(shop.path("events.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let config = starter_config(&[shop.path("events.parquet")]).unwrap();
    let read = read_by(config, &shop.path("quarantine.csv"));
    is_all_orders(&read);
    super::has_order_ids(&read);
}

#[test]
fn lines_before_the_header_are_said_to_be_there() {
    let shop = Shop::empty();
    shop.write("report.csv", format!("Sales report 2024\n{}", orders()));
    let text = starter_config(&[shop.path("report.csv")]).unwrap();
    assert!(text.contains("delete lines before the header"), "{text}");
    is_whole_shop(&read(&[("orders.csv", &orders())]));
}
