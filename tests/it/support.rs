//! A folder of its own for each test, small shops in it, and the binaries.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chrono::{Days, NaiveDate};
use layercake::dataset::ChurnLabel;
use layercake::models::churn::{ChurnParams, SilenceParams};

/// A folder that goes when the test ends.
pub struct Shop {
    folder: tempfile::TempDir,
}

/// What a command left behind.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The run succeeded; returns what it printed.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The run could not be done: exit code 2 and one line that holds all parts.
    #[track_caller]
    pub fn refused(self, parts: &[&str]) {
        self.ended(2, parts);
    }

    /// A gate refused the data: exit code 1 and one line that holds all parts.
    #[track_caller]
    pub fn refused_by_gate(self, parts: &[&str]) {
        self.ended(1, parts);
    }

    /// The same run may succeed later: exit code 75 and one line that holds all parts.
    #[track_caller]
    pub fn try_again(self, parts: &[&str]) {
        self.ended(75, parts);
    }

    /// What was typed was refused by the parser of arguments, in several lines.
    #[track_caller]
    pub fn refused_as_typed(self, parts: &[&str]) {
        assert_eq!(self.code, Some(2), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in: {}", self.stderr);
        }
    }

    #[track_caller]
    fn ended(self, code: i32, parts: &[&str]) {
        let message = self.stderr.trim_end();
        assert_eq!(self.code, Some(code), "{message}\n{}", self.stdout);
        assert!(!message.contains("panicked"), "{message}");
        assert_eq!(message.lines().count(), 1, "one line, got: {message}");
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    }
}

impl Shop {
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A shop with `orders.csv` and the config `shop.toml` to train on it.
    pub fn with_orders(orders: &str) -> Self {
        let shop = Self::empty();
        shop.write("orders.csv", orders);
        shop.write("shop.toml", CONFIG);
        shop
    }

    /// An ordinary small shop.
    pub fn ordinary() -> Self {
        Self::with_orders(&orders(120))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn train(&self, arguments: &[&str]) -> Ran {
        run(env!("CARGO_BIN_EXE_layercake-train"), self.folder.path(), arguments)
    }

    pub fn score(&self, arguments: &[&str]) -> Ran {
        run(env!("CARGO_BIN_EXE_layercake-score"), self.folder.path(), arguments)
    }

    /// The same with some variables of the environment.
    #[cfg(any(feature = "postgres", feature = "cloud"))]
    pub fn score_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_layercake-score"));
        ran(command
            .args(arguments)
            .current_dir(self.folder.path())
            .envs(environment.iter().copied()))
    }

    pub fn compare(&self, arguments: &[&str]) -> Ran {
        run(env!("CARGO_BIN_EXE_layercake-compare"), self.folder.path(), arguments)
    }

    /// The folder of the one bundle under `models`.
    pub fn bundle(&self, models: &str) -> PathBuf {
        let model = self.path(models).join("shop");
        let name = std::fs::read_to_string(model.join("latest")).unwrap();
        model.join(name.trim())
    }
}

fn run(binary: &str, folder: &Path, arguments: &[&str]) -> Ran {
    ran(Command::new(binary).args(arguments).current_dir(folder))
}

/// What a command left behind.
pub fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Ran {
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// Scores as CSV, by user and then column.
pub fn scores(shop: &Shop, folder: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let text = shop.read(&format!("scores/{folder}/scores.csv"));
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    rows.records()
        .map(|record| {
            let fields = record.unwrap();
            let row = names.iter().cloned().zip(fields.iter().map(str::to_owned)).collect();
            (fields[0].to_owned(), row)
        })
        .collect()
}

/// The folder of the project's own files.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A data set that may not be shipped; says so where it is absent.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let path = project().join("../shared/data").join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

pub const CONFIG: &str = r#"name = "shop"

[[source]]
path = "orders.csv"
user = "user"
time = "at"
event = "'order'"
amount = "amount"

[snapshots]
horizon_days = 30
step_days = 30
n_snapshots = 3
min_history_days = 30

[segmentation]
k = 3
"#;

/// First day of the small shops.
pub fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap()
}

/// The label of churn that is no order in the horizon.
pub fn no_order_label(horizon_days: u32) -> ChurnLabel {
    ChurnParams::default().label(horizon_days, "order", &SilenceParams::default())
}

/// Orders of `n_users` over 240 days: a third at a steady pace, a third that
/// stops half way, a third that buys once.
pub fn orders(n_users: u64) -> String {
    let mut csv = String::from("user,at,amount\n");
    for user in 0..n_users {
        let (gap, last) = match user % 3 {
            0 => (7 + user % 11, 240),
            1 => (9 + user % 7, 90 + user % 60),
            _ => (500, 240),
        };
        let mut day = user * 7 % 80;
        while day < last {
            let date = first_day() + Days::new(day);
            let amount = 10 + (user * 13 + day) % 50;
            let _ = writeln!(csv, "{user},{date} 10:00:00,{amount}.25");
            day += gap;
        }
    }
    csv
}

/// A report with its line breaks taken out.
pub fn flat(report: &str) -> String {
    report.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Refuses a page of the documentation that is not what the code says; writes it when
/// `LAYERCAKE_WRITE_DOCS` is set.
pub fn is_current(page: &str, text: &str) {
    let file = project().join(page);
    if std::env::var_os("LAYERCAKE_WRITE_DOCS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == text, "{page} is out of date: set LAYERCAKE_WRITE_DOCS=1");
}
