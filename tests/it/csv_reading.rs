//! Tables that the `csv` crate writes are read back field by field, and bad rows are
//! listed with their lines, on seeded random files.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use layercake::input::engine::{Engine, EngineParams};
use layercake::input::source::{
    ColumnType, InputGates, InputParams, Paths, SourceParams, open_raw_table, open_sources,
};
use layercake::settings::Share;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::support::Shop;

const N_COLUMNS: usize = 4;

fn source(shop: &Shop) -> SourceParams {
    let path = Paths::One(shop.path("rows.csv").display().to_string());
    SourceParams { path, ..Default::default() }
}

/// A field of several lines, quotes and separators. Two separators at most stand on a
/// line: a line of as many fields as the table has is taken for a row that an open
/// quote swallowed.
fn any_field(rng: &mut Xoshiro256PlusPlus, delimiter: char) -> String {
    let mut n_delimiters = 0;
    let field: String = (0..rng.gen_range(0..10))
        .map(|_| match rng.gen_range(0..7) {
            0 => '"',
            1 => '\n',
            2 if n_delimiters < N_COLUMNS - 2 => {
                n_delimiters += 1;
                delimiter
            }
            3 => '中',
            4 => '\'',
            _ => rng.gen_range('a'..='z'),
        })
        .collect();
    // The blanks around a field are no part of it.
    field.trim().to_owned()
}

#[test]
fn any_table_reads_as_it_was_written() {
    let engine = Engine::new(&EngineParams::default()).unwrap();
    for (seed, delimiter) in [',', ';', '\t', '|'].into_iter().enumerate() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed as u64);
        let rows: Vec<Vec<String>> = (0..500)
            .map(|_| (0..N_COLUMNS).map(|_| any_field(&mut rng, delimiter)).collect())
            .collect();
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter as u8).from_writer(vec![]);
        writer.write_record(["a", "b", "c", "d"]).unwrap();
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let shop = Shop::empty();
        shop.write("rows.csv", writer.into_inner().unwrap());

        let mut source = source(&shop);
        source.types = ["a", "b", "c", "d"].map(|it| (it.to_owned(), ColumnType::Text)).into();
        let table = open_raw_table(&engine, &source).unwrap();
        let batches = engine.collect(table.frame(&engine).unwrap()).unwrap();
        let mut read = Vec::new();
        for batch in batches {
            let columns: Vec<_> =
                batch.columns().iter().map(|it| cast(it, &DataType::Utf8).unwrap()).collect();
            for row in 0..batch.num_rows() {
                let value = |it: &arrow::array::ArrayRef| {
                    let texts = it.as_string::<i32>();
                    // An empty field is an absent value.
                    if texts.is_null(row) { String::new() } else { texts.value(row).to_owned() }
                };
                read.push(columns.iter().map(value).collect::<Vec<_>>());
            }
        }
        assert_eq!(read.len(), rows.len());
        assert!(read == rows, "separator {delimiter:?}");
    }
}

/// A file of either line ending with blank lines and fields of several lines, perhaps
/// with a byte order mark and without an end of the last line; and on which lines rows
/// start that have no user or a field too few, each with its mark.
fn any_file_with_bad_rows(rng: &mut Xoshiro256PlusPlus) -> (String, Vec<(usize, String)>) {
    let end = if rng.gen_bool(0.5) { "\r\n" } else { "\n" };
    let mut text = String::from(if rng.gen_bool(0.5) { "\u{feff}" } else { "" });
    let mut bad = Vec::new();
    text += &format!("user,at,item,note{end}");
    for row in 0..200 {
        text += &end.repeat(rng.gen_range(0..3) / 2);
        let line = text.matches('\n').count() + 1;
        let note = format!("\"a{}\"\"b\"", end.repeat(rng.gen_range(0..3)));
        let (user, note) = match rng.gen_range(0..4) {
            0 => ("", format!(",{note}")),
            1 => ("u1", String::new()),
            _ => ("u1", format!(",{note}")),
        };
        if user.is_empty() || note.is_empty() {
            bad.push((line, format!("mark{row}.")));
        }
        text += &format!("{user},2024-01-01,mark{row}.{note}{end}");
    }
    let text = if rng.gen_bool(0.5) { text.trim_end().to_owned() } else { text };
    (text, bad)
}

#[test]
fn bad_rows_are_listed_with_the_lines_on_which_they_start() {
    let engine = Engine::new(&EngineParams::default()).unwrap();
    for seed in 0..40 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (text, bad) = any_file_with_bad_rows(&mut rng);
        let shop = Shop::empty();
        shop.write("rows.csv", &text);
        let expression = |sql: &str| Some(sql.to_owned());
        let source = SourceParams {
            user: "user".into(),
            time: "at".into(),
            event: "'order'".into(),
            item: expression("item"),
            ..source(&shop)
        };
        let gates = InputGates { max_rejected_share: Share::of(1.0), ..Default::default() };
        let input = InputParams { gates, ..Default::default() };
        let sources = open_sources(&engine, &[source], &input).unwrap();
        sources.read(&engine, &shop.path("bad.csv")).unwrap();
        let list = shop.read("bad.csv");
        let mut reader = csv::Reader::from_reader(list.as_bytes());
        let listed: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(listed.len(), bad.len());
        for (row, (line, mark)) in listed.iter().zip(&bad) {
            let is_marked = row.iter().any(|field| field.contains(mark));
            assert!(row[2] == line.to_string() && is_marked, "{seed}: {line} {mark} {row:?}");
        }
    }
}
