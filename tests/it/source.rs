//! Raw files of every kind become the same events; what breaks the contract is
//! rejected, counted and listed.

use std::io::Write;

use crate::support::{CONFIG, Shop, orders};

fn bundle_files(shop: &Shop, models: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(shop.bundle(models))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn model_parts(shop: &Shop) -> Vec<(String, Vec<u8>)> {
    // The config and the input profile name the file; the models do not.
    let files = bundle_files(shop, "models");
    files
        .into_iter()
        .filter(|(name, _)| ["layers.json", "churn.json", "rfm.json"].contains(&name.as_str()))
        .collect()
}

#[test]
fn every_encoding_gives_the_same_model() {
    let csv = orders(120);
    let plain = Shop::ordinary();
    plain.train(&["--config", "shop.toml"]).done();
    let expected = model_parts(&plain);

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv.as_bytes()).unwrap();
    let encoded = [
        ("orders.csv.gz", gzip.finish().unwrap()),
        ("orders.csv.zst", zstd::encode_all(csv.as_bytes(), 1).unwrap()),
        ("orders.tsv", csv.replace(',', "\t").into_bytes()),
    ];
    for (name, content) in encoded {
        let shop = Shop::empty();
        shop.write(name, content);
        shop.write("shop.toml", CONFIG.replace("orders.csv", name));
        shop.train(&["--config", "shop.toml"]).done();
        assert!(model_parts(&shop) == expected, "{name}");
    }
}

#[test]
fn folders_globs_and_row_order_do_not_change_the_model() {
    let csv = orders(120);
    let plain = Shop::ordinary();
    plain.train(&["--config", "shop.toml"]).done();
    let (header, rows) = csv.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    let (first, second) = rows.split_at(rows.len() / 3);
    for path in ["parts", "parts/*.csv"] {
        let shop = Shop::empty();
        shop.write("parts/a.csv", format!("{header}\n{}\n", first.join("\n")));
        shop.write("parts/b.csv", format!("{header}\n{}\n", second.join("\n")));
        shop.write("shop.toml", CONFIG.replace("orders.csv", path));
        shop.train(&["--config", "shop.toml"]).done();
        assert!(model_parts(&shop) == model_parts(&plain), "{path}");
    }
}

#[test]
fn an_input_larger_than_the_memory_limit_spills_and_gives_the_same_model() {
    for ids in ["", "u"] {
        let orders = orders(400).replace('\n', &format!("\n{ids}")).replace("\nuuser", "\nuser");
        let orders = orders.trim_end_matches('u');
        let plain = Shop::with_orders(orders);
        let unlimited = plain.train(&["--config", "shop.toml"]).done();
        assert!(!unlimited.contains("on disk"), "{unlimited}");
        let shop = Shop::with_orders(orders);
        let limited = shop.train(&["--config", "shop.toml", "--memory-limit", "1"]).done();
        let words = limited.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("of 1 MB allowed") && words.contains("MB on disk"), "{limited}");
        assert!(model_parts(&shop) == model_parts(&plain));
    }
}

#[test]
fn a_memory_limit_that_is_too_small_says_what_to_do() {
    let shop = Shop::ordinary();
    // One user with more events than a megabyte holds.
    let mut csv = orders(20);
    for row in 0..60_000 {
        csv += &format!("3,2024-03-01 10:{:02}:{:02},{}\n", row / 60 % 60, row % 60, 1 + row % 7);
    }
    shop.write("orders.csv", csv);
    let arguments = ["--config", "shop.toml", "--memory-limit", "1"];
    shop.train(&arguments).refused(&["memory limit is too small", "raise memory_limit_mb"]);
}

#[test]
fn a_temporary_folder_that_is_not_there_is_no_fault_of_a_row() {
    let shop = Shop::with_orders(&orders(400));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_layercake-train"))
        .args(["--config", "shop.toml", "--memory-limit", "1"])
        .current_dir(shop.path(""))
        .env("TMPDIR", shop.path("absent"))
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("temporary") && message.contains("absent"), "{message}");
    assert!(!message.contains("an expression fails"), "{message}");
}

#[test]
fn repeated_rows_are_kept_dropped_or_refused_as_configured() {
    let csv = orders(120);
    let repeated: String = csv.lines().skip(1).take(7).map(|line| format!("{line}\n")).collect();
    let twice = format!("{csv}{repeated}");
    let shop = Shop::with_orders(&twice);
    let train = |config: String| {
        shop.write("shop.toml", config);
        shop.train(&["--config", "shop.toml"])
    };
    let kept = train(CONFIG.to_owned()).done();
    assert!(kept.contains("7 rows repeat another in every mapped column"), "{kept}");
    train(format!("{CONFIG}\n[input]\nduplicates = \"refuse\"\n"))
        .refused_by_gate(&["7 rows repeat another", "\"drop\""]);
    train(format!("{CONFIG}\n[input]\nduplicates = \"drop\"\n")).done();
    let plain = Shop::with_orders(&csv);
    plain.write("shop.toml", format!("{CONFIG}\n[input]\nduplicates = \"drop\"\n"));
    plain.train(&["--config", "shop.toml"]).done();
    assert_eq!(model_parts(&shop), model_parts(&plain));
}

#[test]
fn days_without_any_event_are_told() {
    let shop = Shop::empty();
    let is_open = |line: &&str| !line.contains("2024-04-1") && !line.contains("2024-06-05");
    let csv: String = orders(120).lines().filter(is_open).map(|l| format!("{l}\n")).collect();
    shop.write("orders.csv", csv);
    shop.write("shop.toml", CONFIG);
    let report = shop.train(&["--config", "shop.toml"]).done();
    let expected = "12 days without any event: 2024-04-10 to 2024-04-19, 2024-06-05";
    assert!(report.contains(expected), "{report}");
}

#[test]
fn rows_that_break_the_contract_are_listed_with_line_and_reason() {
    let bad = "\
,2024-02-01 10:00:00,5
7,32.13.2024,5
7,2024-02-01 10:00:00,NaN
7,2024-02-01 10:00:00,inf
7,2999-01-01 10:00:00,5
7,1970-01-01 00:00:00,5
7,2024-02-01 10:00:00,1e30
7,2024-02-01 10:00:00
x7,2024-02-01 10:00:00,5
";
    let csv = orders(120);
    let first_bad_line = csv.lines().count() + 1;
    let shop = Shop::with_orders(&(csv + bad));
    // Types are given, so that a text in a column of numbers is a bad row.
    let types = "types = { user = \"integer\", amount = \"number\" }\n";
    let config = CONFIG.replace("user = \"user\"", &format!("{types}user = \"user\""));
    shop.write("shop.toml", format!("{config}\n[input.gates]\nmax_rejected_share = 0.02\n"));
    let report = shop.train(&["--config", "shop.toml"]).done();
    assert!(report.contains("9 of"), "{report}");
    let quarantine = shop.read("models/shop/quarantine.csv");
    let lines: Vec<&str> = quarantine.lines().collect();
    assert_eq!(lines.len(), 10, "{quarantine}");
    let expected = [
        "no user",
        "unreadable time: 32.13.2024",
        "amount not finite or too large: NaN",
        "amount not finite or too large: inf",
        "time in the future: 2999-01-01",
        "time too early: 1970-01-01",
        "amount not finite or too large: 1e30",
        "3 fields expected: 2 found in 7,2024-02-01 10:00:00",
        "user is not a whole number: x7",
    ];
    for (index, reason) in expected.iter().enumerate() {
        let line = lines.iter().find(|line| line.contains(reason));
        let line = line.unwrap_or_else(|| panic!("{reason} is not in {quarantine}"));
        let start = format!("orders.csv,orders.csv,{},", first_bad_line + index);
        assert!(line.starts_with(&start), "{line} should start with {start}");
    }
}

#[test]
fn bad_parquet_rows_are_listed_by_row_number() {
    use arrow::array::{
        ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
    };
    use std::sync::Arc;
    let n = 3_000i64;
    let day = 86_400_000_000i64;
    let start = 1_704_067_200_000_000i64;
    let users: Int64Array = (0..n).map(|i| (i != 1_234).then_some(i % 97)).collect();
    let times: TimestampMicrosecondArray =
        (0..n).map(|i| Some(start + (i * 7 % 240) * day)).collect();
    let amounts: Float64Array =
        (0..n).map(|i| Some(if i == 2_000 { f64::NAN } else { 1.0 + (i % 9) as f64 })).collect();
    let batch = RecordBatch::try_from_iter([
        ("user", Arc::new(users) as ArrayRef),
        ("at", Arc::new(times)),
        ("amount", Arc::new(amounts)),
    ])
    .unwrap();
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let shop = Shop::empty();
    // A name that an engine may take for a glob, a URL or a code.
    let name = "订单: 50%20 [1].parquet";
    shop.write(name, file);
    shop.write("shop.toml", CONFIG.replace("orders.csv", name));
    shop.train(&["--config", "shop.toml"]);
    let quarantine = shop.read("models/shop/quarantine.csv");
    assert!(quarantine.contains(&format!("{name},{name},1235,no user,")), "{quarantine}");
    assert!(quarantine.contains(",2001,amount not finite or too large: NaN,"), "{quarantine}");
    assert_eq!(quarantine.lines().count(), 3);
}

#[test]
fn ids_of_many_digits_are_kept_apart() {
    let mut csv = String::from("user,at,amount,order\n");
    for (index, line) in orders(120).lines().skip(1).enumerate() {
        csv += &format!("+86139{line},20240101220010000000000{index:05}\n");
    }
    let shop = Shop::with_orders(&csv);
    shop.write("shop.toml", CONFIG.replace("amount =", "order_id = \"order\"\namount ="));
    let expected = Shop::ordinary();
    let layers = |report: &str| {
        // Other ids, other resamples: how well refits and trees do differs.
        let agreement = report.find(" layers, as the config asks").unwrap();
        let churn = report.find("Churn on the holdout").unwrap()..report.find("churned: ").unwrap();
        report[report.find("Layer ").unwrap()..agreement].to_owned() + &report[churn]
    };
    let report = shop.train(&["--config", "shop.toml"]).done();
    assert_eq!(layers(&report), layers(&expected.train(&["--config", "shop.toml"]).done()));
}

#[test]
fn rows_that_a_quote_swallowed_are_rejected() {
    let noted: String = orders(300)
        .lines()
        .enumerate()
        .map(|(line, row)| match line {
            0 => format!("{row},note\n"),
            50 => format!("{row},\"5 inch\n"),
            60 => format!("{row},6\" inch\n"),
            _ => format!("{row},\"two\nlines, and a comma\"\n"),
        })
        .collect();
    let shop = Shop::with_orders(&noted);
    shop.train(&["--config", "shop.toml"]).done();
    let quarantine = shop.read("models/shop/quarantine.csv");
    assert!(quarantine.contains("rows swallowed by a quote that is not closed"), "{quarantine}");
}

#[test]
fn every_usual_separator_is_found() {
    let plain = Shop::ordinary();
    plain.train(&["--config", "shop.toml"]).done();
    for separator in [";", "|"] {
        // With a byte-order mark and Windows line ends.
        let csv = orders(120).replace(',', separator).replace('\n', "\r\n");
        let shop = Shop::with_orders(&format!("\u{feff}{csv}"));
        shop.train(&["--config", "shop.toml"]).done();
        assert!(model_parts(&shop) == model_parts(&plain), "{separator}");
    }
}

#[test]
fn rows_that_where_filters_are_counted() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("amount =", "where = \"user < 60\"\namount ="));
    let csv = orders(120);
    let user = |row: &str| row.split(',').next().and_then(|user| user.parse::<u32>().ok());
    let n_out = csv.lines().filter(|row| user(row).is_some_and(|user| user >= 60)).count();
    let expected = format!("orders.csv: {n_out} rows filtered by `where`");
    let report = shop.train(&["--config", "shop.toml"]).done();
    assert!(report.contains(&expected), "{expected} is not in {report}");
}

#[test]
fn times_without_seconds_are_read() {
    let shop = Shop::with_orders(
        "user,at,amount\n1,2024-01-04 09:00,1\n1,2024-01-05T09:30,2\n2,20240106,3\n2,2024-01-07T01:30+02:00,4\n\
         3,2024-01-08 10:11:12.5,5\n3,2024-13-08 10:11,6\n",
    );
    shop.write("shop.toml", format!("{CONFIG}\n[input.gates]\nmax_rejected_share = 0.5\n"));
    let report = shop.train(&["features", "--config", "shop.toml", "--out", "m.parquet"]).done();
    assert!(report.contains("5 events of 3 users from 2024-01-04 to 2024-01-08"), "{report}");
    assert!(report.contains("unreadable time 1"), "{report}");
    let chinese = ["features", "--config", "shop.toml", "--out", "m.parquet", "--lang", "zh"];
    let report = shop.train(&chinese).done();
    assert!(report.contains("时间无法读取 1"), "{report}");
}
