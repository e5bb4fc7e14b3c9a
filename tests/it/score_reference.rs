//! `docs/score-columns.md` says what the columns of the scores are: it is written from
//! the code, and files of scores are held against the same table.

use std::fmt::Write;

use layercake::app::score_columns;

use crate::support::{Shop, is_current, scores};

fn reference() -> String {
    let mut text = String::from(
        "# Columns of the scores\n\n\
         One row for each user; what comes with them: [scores.md](scores.md). This page is\n\
         written by `LAYERCAKE_WRITE_DOCS=1 cargo test score_reference`.\n\n\
         | column | type | unit | meaning | 含义 | empty for | 为空的用户 |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for column in score_columns() {
        let (missing_en, missing_zh) =
            column.missing_for.map_or(("nobody".into(), "无".into()), |it| (it.en, it.zh));
        let cells = [
            format!("`{}`", column.name),
            column.kind.as_str().to_owned(),
            column.unit.to_owned(),
            column.meaning.en,
            column.meaning.zh,
            missing_en,
            missing_zh,
        ];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text
}

#[test]
fn the_reference_of_score_columns_is_what_the_code_says() {
    is_current("docs/score-columns.md", &reference());
}

#[test]
fn a_file_of_scores_has_the_columns_of_the_reference_and_is_empty_only_where_it_says() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml"]).done();
    shop.score(&["--bundle", "models/shop", "--as-of", "2024-08-28", "--encoding", "csv"]).done();
    let text = shop.read("scores/as_of=2024-08-28/scores.csv");
    let columns = score_columns();
    let names: Vec<&str> = columns.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(text.lines().next().unwrap().split(',').collect::<Vec<_>>(), names);
    let rows = scores(&shop, "as_of=2024-08-28");
    let n_empty = |name: &str| rows.values().filter(|row| row[name].is_empty()).count();
    for column in columns.iter().filter(|it| it.missing_for.is_none()) {
        assert_eq!(n_empty(&column.name), 0, "{}", column.name);
    }
    let n_others = rows.values().filter(|row| row["churn_status"] != "eligible").count();
    for name in ["churn_probability", "churn_percentile", "churn_log_odds", "reasons_rest"] {
        assert_eq!(n_empty(name), n_others, "{name}");
    }
}
