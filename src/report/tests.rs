use super::{Document, Format, Rendering, Table, Value, column, words};
use crate::dataset::Language;

struct Layer {
    id: &'static str,
    n_users: usize,
    rate: Option<f64>,
}

fn document() -> Document {
    let layers = [
        Layer { id: "L1", n_users: 1_234, rate: Some(0.125) },
        Layer { id: "L2", n_users: 7, rate: None },
    ];
    let columns = [
        column("id", ("", ""), Format::Text, |it: &Layer| it.id),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &Layer| it.n_users),
        column("churn_rate", ("Churn", "流失率"), Format::Share, |it: &Layer| it.rate),
        column("r2", ("", ""), Format::Decimal(2), |_: &Layer| {
            Value::Estimate(1.0 / 3.0, Some((0.25, 0.5)))
        })
        .for_programs(),
    ];
    let mut document = Document::default();
    document.heading(words("Layers", "客户分层"));
    document.fact("n_layers", 2usize);
    document.paragraph(words(
        "A sentence that is so long that it has to be broken somewhere before the end of a line",
        "这句话很长，长到必须在行末之前的某个地方断开；每个汉字在终端里占两列，所以四十个汉字就是一整行。",
    ));
    document.warning(words("look at this", "请看这里"));
    document.table(Table::new("layers", layers, &columns));
    document.paragraph(words("Churn: no order", "流失：没有下单"));
    document
}

#[test]
fn text_in_english() {
    insta::assert_snapshot!(document().render(Rendering::Text, Language::English), @r#"
    Layers
      A sentence that is so long that it has to be broken somewhere before the end
      of a line
      WARNING: look at this

          Users    Churn
    ─────────────────────
     L1   1,234   12.5 %
     L2       7        –

      Churn: no order
    "#);
}

#[test]
fn text_in_chinese_counts_two_columns_a_character() {
    insta::assert_snapshot!(document().render(Rendering::Text, Language::Chinese), @r#"
    客户分层
      这句话很长，长到必须在行末之前的某个地方断开；每个汉字在终端里占两列，所以四十
      个汉字就是一整行。
      警告：请看这里

          用户数   流失率
    ──────────────────────
     L1    1,234   12.5 %
     L2        7        –

      流失：没有下单
    "#);
}

#[test]
fn json_has_all_digits_and_keys_of_no_language() {
    insta::assert_snapshot!(document().render(Rendering::Json, Language::Chinese), @r#"
    {
      "n_layers": 2,
      "layers": [
        {
          "id": "L1",
          "n_users": 1234,
          "churn_rate": 0.125,
          "r2": {
            "value": 0.3333333333333333,
            "low": 0.25,
            "high": 0.5
          }
        },
        {
          "id": "L2",
          "n_users": 7,
          "churn_rate": null,
          "r2": {
            "value": 0.3333333333333333,
            "low": 0.25,
            "high": 0.5
          }
        }
      ],
      "warnings": [
        "请看这里"
      ]
    }
    "#);
}

#[test]
fn csv_is_the_main_table() {
    insta::assert_snapshot!(document().render(Rendering::Csv, Language::English), @r#"
    id,n_users,churn_rate,r2,r2_low,r2_high
    L1,1234,0.125,0.3333333333333333,0.25,0.5
    L2,7,,0.3333333333333333,0.25,0.5
    "#);
}

#[test]
fn csv_without_tables_has_the_figures() {
    let mut document = Document::default();
    document.fact("n_users", 12usize);
    document.fact("adjusted_rand_index", 0.875);
    let csv = document.render(Rendering::Csv, Language::English);
    assert_eq!(csv, "key,value\nn_users,12\nadjusted_rand_index,0.875\n");
    let mut job = Document::default();
    job.section("train", None, document.clone());
    job.section("score", None, document);
    let csv = job.render(Rendering::Csv, Language::English);
    assert!(csv.starts_with("# train\nkey,value\n"), "{csv}");
    assert!(csv.contains("\n\n# score\nkey,value\n"), "{csv}");
}

#[test]
fn transposed_tables_have_a_measure_on_each_line() {
    let columns = [
        column("ranking", ("", ""), Format::Text, |name: &&str| *name),
        column("roc_auc", ("ROC AUC", "ROC AUC"), Format::Decimal(2), |_: &&str| 0.5),
    ];
    let mut document = Document::default();
    document.table(Table::new("scores", ["model", "rule"], &columns).transposed());
    insta::assert_snapshot!(document.render(Rendering::Text, Language::English), @r#"
               model   rule
    ────────────────────────
     ROC AUC    0.50   0.50
    "#);
    let csv = document.render(Rendering::Csv, Language::English);
    assert_eq!(csv, "ranking,roc_auc\nmodel,0.5\nrule,0.5\n");
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let width =
        |line: &str| line.chars().map(|it| if it < '\u{2e80}' { 1 } else { 2 }).sum::<usize>();
    for language in [Language::English, Language::Chinese] {
        let text = document().render(Rendering::Text, language);
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    }
}
