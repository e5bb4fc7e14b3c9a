//! Scores taken to object stores and databases. The servers are those of `.ci/with-servers`.

use crate::support::Shop;

fn trained() -> Shop {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-20"]).done();
    shop
}

#[test]
fn places_that_are_none_are_refused_as_typed() {
    let shop = Shop::empty();
    let score = |to: &str| shop.score(&["--bundle", "models/shop", "--to", to]);
    score("mysql://db/shop").refused_as_typed(&["expected the URL of a database (postgres://"]);
    score("postgres://me:secret@db/shop").refused_as_typed(&["PGPASSWORD or in ~/.pgpass"]);
    score("s3://").refused_as_typed(&["s3://bucket/folder"]);
    score("postgres://me@db/shop#a.b.c").refused_as_typed(&["`a.b.c` is no name of a table"]);
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_build_without_databases_says_how_to_get_one_with_them() {
    let shop = trained();
    shop.score(&["--bundle", "models/shop", "--to", "postgres://me@db/shop", "--quiet"])
        .refused(&["published here, but not there", "--features postgres"]);
    assert!(shop.path("scores").is_dir());
}

#[cfg(not(feature = "cloud"))]
#[test]
fn a_build_without_stores_says_how_to_get_one_with_them() {
    let shop = trained();
    shop.score(&["--bundle", "models/shop", "--to", "s3://bucket/scores"])
        .refused(&["s3://bucket/scores", "--features cloud"]);
    shop.write("s3.toml", shop.read("shop.toml").replace("orders.csv", "s3://bucket/orders.csv"));
    shop.train(&["--config", "s3.toml"]).refused(&["s3://bucket/orders.csv", "--features cloud"]);
}

/// A variable that `.ci/with-servers` sets.
#[cfg(any(feature = "postgres", feature = "cloud"))]
fn server(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        assert!(std::env::var_os("CI_SERVERS").is_none(), "{variable} is not set");
        eprintln!("skipped: {variable} is not set; run the tests by .ci/with-servers");
    }
    found
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};

    use sqlx::postgres::{PgConnectOptions, PgConnection};
    use sqlx::{AssertSqlSafe, Connection, Executor, Row};

    use super::{server, trained};
    use crate::support::{Shop, flat, scores};

    struct Database {
        runtime: tokio::runtime::Runtime,
        socket: String,
    }

    impl Database {
        fn open() -> Option<Self> {
            let socket = server("LAYERCAKE_TEST_POSTGRES")?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            Some(Self { runtime: runtime.unwrap(), socket })
        }

        fn url(&self, user: &str, table: &str) -> String {
            format!("postgres://{user}@/postgres?host={}#{table}", self.socket)
        }

        async fn connect(&self) -> PgConnection {
            let options = PgConnectOptions::new()
                .socket(&self.socket)
                .username("postgres")
                .database("postgres");
            PgConnection::connect_with(&options).await.unwrap()
        }

        fn execute(&self, sql: &str) {
            self.runtime.block_on(async {
                let mut connection = self.connect().await;
                connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
            });
        }

        /// The columns of a query as text, row by row.
        fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
            self.runtime.block_on(async {
                let mut connection = self.connect().await;
                let rows = connection.fetch_all(AssertSqlSafe(sql.to_owned())).await.unwrap();
                let texts = |row: &sqlx::postgres::PgRow| {
                    (0..row.len()).map(|column| row.get(column)).collect()
                };
                rows.iter().map(texts).collect()
            })
        }
    }

    fn score(shop: &Shop, environment: &[(&str, &str)], more: &[&str]) -> crate::support::Ran {
        let night = ["--bundle", "models/shop", "--quiet"];
        shop.score_with(environment, &[&night[..], more].concat())
    }

    #[test]
    fn a_table_has_the_rows_of_the_file_and_days_replace_each_other() {
        let Some(database) = Database::open() else { return };
        let shop = trained();
        database.execute("create schema if not exists crm");
        let url = database.url("postgres", "crm.\u{8bc4}\u{5206}");
        let to = |day: &str| score(&shop, &[], &["--as-of", day, "--to", &url]);
        to("2024-08-20").done();
        to("2024-08-21").done();
        let of = |column: &str, day: &str| {
            let sql = format!(
                "select user_id::text, {column}::text from crm.\"\u{8bc4}\u{5206}\" where as_of = '{day}'"
            );
            let mut rows = database.rows(&sql);
            rows.sort();
            rows
        };
        shop.score(&[
            "--bundle",
            "models/shop",
            "--as-of",
            "2024-08-21",
            "--encoding",
            "csv",
            "--out",
            "csv",
        ])
        .done();
        std::fs::rename(shop.path("csv/as_of=2024-08-21"), shop.path("scores/csv")).unwrap();
        let file = scores(&shop, "csv");
        for column in
            ["layer", "layer_zh", "assigned_by", "at_risk", "silent_on", "reason_1", "days_left"]
        {
            let mut expected: Vec<Vec<Option<String>>> = file
                .iter()
                .map(|(user, row)| {
                    let value = Some(row[column].clone()).filter(|value| !value.is_empty());
                    vec![Some(user.clone()), value]
                })
                .collect();
            expected.sort();
            assert_eq!(of(column, "2024-08-21"), expected, "{column}");
        }
        let numbers = of("churn_probability", "2024-08-21");
        for row in &numbers {
            let there = row[1].as_ref().map(|it| it.parse::<f64>().unwrap());
            let expected = &file[row[0].as_ref().unwrap()]["churn_probability"];
            assert_eq!(there, expected.parse().ok());
        }
        // Other input for the same day replaces that day alone; the same does nothing.
        let before = of("layer", "2024-08-20");
        shop.write("orders.csv", shop.read("orders.csv") + "999,2024-08-20 09:00:00,5\n");
        to("2024-08-21").done();
        assert_eq!(of("layer", "2024-08-21").len(), file.len() + 1);
        assert_eq!(of("layer", "2024-08-20"), before);
        let night = ["--bundle", "models/shop", "--as-of", "2024-08-21", "--to", &url];
        assert!(flat(&shop.score(&night).done()).contains("the same scores of 2024-08-21 were in"));
        let nights =
            "select as_of::text, n_users::text from crm.\"\u{8bc4}\u{5206}_nights\" order by 1";
        assert_eq!(database.rows(nights).len(), 2);
    }

    #[test]
    fn passwords_come_from_the_environment_or_a_file() {
        let Some(database) = Database::open() else { return };
        let shop = trained();
        database.execute("create schema if not exists of_asked authorization asked");
        let url = database.url("asked", "of_asked.scores");
        let to = |environment: &[(&str, &str)]| {
            score(&shop, environment, &["--as-of", "2024-08-20", "--to", &url])
        };
        to(&[("PGPASSFILE", "nowhere")]).refused(&["published here, but not there", "PGPASSWORD"]);
        to(&[("PGPASSWORD", "wrong")]).refused(&["password authentication failed"]);
        to(&[("PGPASSWORD", "right")]).done();
        shop.write("pgpass", "*:*:*:asked:right\n");
        let pgpass = shop.path("pgpass");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&pgpass, private).unwrap();
        to(&[("PGPASSFILE", pgpass.to_str().unwrap())]).done();
        // A schema that is somebody else's.
        let other = database.url("asked", "pg_catalog.scores");
        score(&shop, &[("PGPASSWORD", "right")], &["--as-of", "2024-08-20", "--to", &other])
            .refused(&["permission denied"]);
    }

    #[test]
    fn a_table_of_another_shape_is_named_and_left() {
        let Some(database) = Database::open() else { return };
        let shop = trained();
        database.execute("create table shaped (as_of date, user_id text, layer_id int)");
        let url = database.url("postgres", "shaped");
        score(&shop, &[], &["--as-of", "2024-08-20", "--to", &url]).refused(&[
            "the table \"shaped\" has another shape",
            "user_id is text and should be int8",
            "layer_id is int4 and should be text",
            "layer (text) is missing",
            "ALTER TABLE",
        ]);
        assert_eq!(database.rows("select as_of::text from shaped").len(), 0);
        let nowhere = database.url("postgres", "no_schema.scores");
        score(&shop, &[], &["--as-of", "2024-08-20", "--to", &nowhere]).refused(&["no_schema"]);
    }

    #[test]
    fn a_connection_lost_in_mid_copy_leaves_the_former_rows() {
        let Some(database) = Database::open() else { return };
        let shop = trained();
        let url = database.url("postgres", "lost");
        let night = |to: &str| score(&shop, &[], &["--as-of", "2024-08-20", "--to", to]);
        night(&url).done();
        let state = || {
            let sql = "select user_id::text, layer, churn_probability::text from lost order by 1";
            (database.rows(sql), database.rows("select blake3 from lost_nights"))
        };
        let before = state();
        shop.write("orders.csv", shop.read("orders.csv") + "999,2024-08-19 09:00:00,5\n");
        // A socket that hands on so many bytes, and then nothing any more. The rows are some
        // 100 KB: the connection breaks among them.
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let real = format!("{}/.s.PGSQL.5432", database.socket);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), UnixStream::connect(&real).unwrap());
                hand_on(client, server, 40_000);
            }
        });
        let through =
            format!("postgres://postgres@/postgres?host={}#lost", folder.path().display());
        night(&through).try_again(&["published here, but not there", "the connection failed"]);
        assert_eq!(state(), before);
        // The next run makes up for it.
        night(&url).done();
        assert_eq!(state().0.len(), before.0.len() + 1);
    }

    #[test]
    fn a_place_that_fails_keeps_no_other_from_its_scores() {
        let Some(database) = Database::open() else { return };
        let shop = trained();
        let (bad, good) =
            (database.url("postgres", "no_schema.x"), database.url("postgres", "good"));
        score(&shop, &[], &["--as-of", "2024-08-20", "--to", &bad, "--to", &good])
            .refused(&["no_schema.x", "create the schema"]);
        let days = || database.rows("select as_of::text from good_nights order by 1").len();
        assert_eq!(days(), 1);
        // Nights of a backfill too, each told once.
        let nights = ["--from", "2024-08-20", "--until", "2024-08-22", "--to", &good];
        let all = [&["--bundle", "models/shop", "--format", "json"], &nights[..]].concat();
        let report = shop.score(&all).done();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let told = report["delivered"].as_array().unwrap();
        let was_there: Vec<bool> =
            told.iter().map(|it| it["was_there"].as_bool().unwrap()).collect();
        assert_eq!((was_there, days()), (vec![true, false, false], 3));
        // A database takes Parquet alone, which is known before anything is done.
        let csv = ["--as-of", "2024-08-27", "--to", &good, "--encoding", "csv"];
        score(&shop, &[], &csv).refused(&["leave out --encoding csv"]);
        assert!(!shop.path("scores/as_of=2024-08-27").exists());
    }

    fn hand_on(client: UnixStream, server: UnixStream, n_bytes: usize) {
        let (mut answers, mut to_client) =
            (server.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut answers, &mut to_client));
        let mut buffer = [0; 4_096];
        let (mut client, mut server, mut left) = (client, server, n_bytes);
        while left > 0 {
            let Ok(n @ 1..) = client.read(&mut buffer) else { break };
            if server.write_all(&buffer[..n]).is_err() {
                break;
            }
            left = left.saturating_sub(n);
        }
        let _ = client.shutdown(std::net::Shutdown::Both);
        let _ = server.shutdown(std::net::Shutdown::Both);
    }
}

#[cfg(feature = "cloud")]
mod cloud {
    use super::{server, trained};
    use crate::support::{Ran, Shop, flat};

    /// A folder of the bucket that no other test has.
    fn folder(name: &str) -> Option<String> {
        Some(format!("s3://{}/{name}-{}", server("LAYERCAKE_TEST_BUCKET")?, std::process::id()))
    }

    fn score(shop: &Shop, environment: &[(&str, &str)], more: &[&str]) -> Ran {
        let cache = shop.path("cache").display().to_string();
        let environment = [&[("LAYERCAKE_CACHE", &*cache)], environment].concat();
        shop.score_with(&environment, &[&["--bundle", "models/shop"], more].concat())
    }

    #[test]
    fn scores_go_to_a_store_and_come_back_as_input() {
        let Some(store) = folder("there") else { return };
        let shop = trained();
        let to = |day: &str, more: &[&str]| {
            let night = ["--as-of", day, "--to", &store, "--quiet"];
            score(&shop, &[], &[&night[..], more].concat())
        };
        to("2024-08-20", &[]).done();
        to("2024-08-21", &[]).done();
        // A machine with an empty folder takes over what it needs of the nights before.
        let report = flat(
            &score(&shop, &[], &["--as-of", "2024-08-22", "--to", &store, "-o", "new"]).done(),
        );
        assert!(report.contains("since 2024-08-21: "), "{report}");
        let same = |file: &str| {
            let read = |out: &str| std::fs::read(shop.path(&format!("{out}/{file}"))).unwrap();
            assert!(read("scores") == read("new"), "{file}");
        };
        same("as_of=2024-08-20/_summary.json");
        same("as_of=2024-08-21/_summary.json");
        same("as_of=2024-08-21/scores.parquet");
        assert!(!shop.path("new/as_of=2024-08-20/scores.parquet").exists());
        // The same again does nothing; other input replaces, in another encoding too.
        let night = ["--as-of", "2024-08-21", "--to", &store];
        let report = flat(&score(&shop, &[], &night).done());
        assert!(report.contains("the same scores of 2024-08-21 were in"), "{report}");
        shop.write("orders.csv", shop.read("orders.csv") + "999,2024-08-20 09:00:00,5\n");
        to("2024-08-21", &["--encoding", "csv"]).done();
        // Scores and all else can be read as input.
        let fetched = |pattern: &str| {
            let config =
                shop.read("shop.toml").replace("orders.csv", &format!("{store}/{pattern}"));
            shop.write("s3.toml", config);
            score(&shop, &[], &["--config", "s3.toml", "--as-of", "2024-08-22", "--quiet"])
        };
        fetched("*/scores.csv").refused(&["user"]);
        let cached = |day: &str, file: &str| {
            let place = store.strip_prefix("s3://").unwrap();
            shop.path(&format!("cache/objects/s3/{place}/as_of={day}/{file}"))
        };
        assert!(cached("2024-08-21", "scores.csv").is_file());
        assert!(!cached("2024-08-21", "scores.parquet").exists());
        fetched("as_of=2024-08-21/*.parquet").refused(&["no data file is there"]);
        fetched("as_of=2024-08-20").refused(&["user"]);
        let copied =
            || cached("2024-08-20", "scores.parquet").metadata().unwrap().modified().unwrap();
        let first = copied();
        // What has not changed is not copied again; copies of what is gone go too.
        fetched("as_of=2024-08-20").refused(&["user"]);
        assert_eq!(copied(), first);
        to("2024-08-21", &[]).done();
        fetched("as_of=2024-08-21").refused(&["user"]);
        assert!(cached("2024-08-21", "scores.parquet").is_file());
        assert!(!cached("2024-08-21", "scores.csv").exists());
        // A fetch of former nights that was interrupted is made again.
        assert!(!shop.path("new/.layercake-fetching").exists());
        std::fs::remove_dir_all(shop.path("new/as_of=2024-08-20")).unwrap();
        let night = ["--as-of", "2024-08-22", "--to", &store, "-o", "new", "--quiet"];
        score(&shop, &[], &night).done();
        assert!(!shop.path("new/as_of=2024-08-20").exists());
        shop.write("new/.layercake-fetching", "");
        score(&shop, &[], &night).done();
        assert!(shop.path("new/as_of=2024-08-20/_summary.json").is_file());
        assert!(!shop.path("new/.layercake-fetching").exists());
    }

    #[test]
    fn stores_that_refuse_or_are_not_there_are_told_apart() {
        let Some(store) = folder("refused") else { return };
        let shop = trained();
        let to = |environment: &[(&str, &str)], to: &str| {
            score(&shop, environment, &["--as-of", "2024-08-20", "--to", to, "--quiet"])
        };
        // Without nights here, those there are asked for before anything is scored.
        to(&[], "s3://no-such-bucket/scores")
            .refused(&["--out has no nights yet", "no such bucket"]);
        assert!(!shop.path("scores/as_of=2024-08-20").exists());
        score(&shop, &[], &["--as-of", "2024-08-20", "--quiet"]).done();
        to(&[], "s3://no-such-bucket/scores").refused(&["s3://no-such-bucket", "no such bucket"]);
        to(&[("AWS_ENDPOINT", "http://127.0.0.1:9")], &store).try_again(&[
            "published here, but not there",
            "the store does not answer as it should",
        ]);
        let nobody = [
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SECRET_ACCESS_KEY", ""),
            ("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9"),
        ];
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_layercake-score"));
        for (variable, value) in nobody {
            match value {
                "" => program.env_remove(variable),
                _ => program.env(variable, value),
            };
        }
        program.args(["--bundle", "models/shop", "--as-of", "2024-08-20", "--to", &store]);
        crate::support::ran(program.current_dir(shop.path("")))
            .refused(&["no credentials were found", "AWS_ACCESS_KEY_ID"]);
    }
}
