//! Numbers as shops write them: with signs of currencies, a comma for the decimal
//! point, separators of thousands, words for what is absent.

use super::columns::{Column, Kind, is_absent_word};

/// Letters beside an amount, in lower case; signs need none.
const CURRENCIES: [&str; 36] = [
    "", "usd", "us", "eur", "euro", "gbp", "cny", "rmb", "jpy", "inr", "r", "kr", "sek", "nok",
    "dkk", "zł", "pln", "chf", "aud", "cad", "hk", "hkd", "nt", "twd", "sgd", "brl", "mxn", "try",
    "tl", "руб", "р", "元", "円", "원", "krw", "zar",
];

/// A column as numbers.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    /// Name of the column.
    pub name: String,
    /// Gives a number, or text that is one.
    pub expression: String,
    is_text: bool,
    /// Values by row, absent where there is none.
    pub values: Vec<Option<f64>>,
    /// What was assumed; empty for plain numbers.
    pub remark: String,
}

impl Numbers {
    /// To be reckoned and compared with.
    pub fn as_number(&self) -> String {
        if self.is_text {
            format!("try_cast({} as double)", self.expression)
        } else {
            self.expression.clone()
        }
    }

    /// Share of the rows with a value.
    pub fn filled_share(&self) -> f64 {
        let n_filled = self.values.iter().flatten().count();
        n_filled as f64 / self.values.len().max(1) as f64
    }

    /// Rows whose value fits a condition.
    pub fn count(&self, fits: impl Fn(f64) -> bool) -> usize {
        self.values.iter().flatten().filter(|value| fits(**value)).count()
    }

    /// True where the values are nearly all whole.
    pub fn are_whole(&self) -> bool {
        let n_broken = self.count(|value| value.fract() != 0.0);
        (n_broken as f64) < 0.01 * self.values.iter().flatten().count() as f64
    }
}

/// The numbers of a column; `None` where it holds something else.
pub(super) fn numbers_of(column: &Column) -> Option<Numbers> {
    let name = column.name.clone();
    let plain = |cell: Option<&str>| {
        cell.and_then(|cell| cell.parse::<f64>().ok()).filter(|value| value.is_finite())
    };
    match column.kind {
        Kind::Integer | Kind::Number => Some(Numbers {
            name,
            expression: column.expression.clone(),
            is_text: false,
            values: column.cells.iter().map(plain).collect(),
            remark: String::new(),
        }),
        Kind::Text => text_numbers(column, name),
        Kind::Time | Kind::Boolean | Kind::Nested => None,
    }
}

fn text_numbers(column: &Column, name: String) -> Option<Numbers> {
    let cells = || column.cells.iter().flatten().filter(|cell| !is_absent_word(cell));
    let bodies: Option<Vec<Written<'_>>> = cells().take(1_000).map(written).collect();
    let bodies = bodies.filter(|bodies| !bodies.is_empty())?;
    let has_mark = |mark: char| bodies.iter().any(|it| it.body.contains(mark));
    let has_currency = bodies.iter().any(|it| it.has_currency);
    let has_absent_words = column.top.iter().any(|(value, _)| is_absent_word(value));
    let has_decimals = bodies.iter().any(|it| it.is_decimal('.') || it.is_decimal(','));
    // Ids are text too, but have neither decimals nor a currency.
    if !(has_currency || has_decimals || has_absent_words) {
        return None;
    }
    let comma =
        bodies.iter().any(|it| it.is_decimal(',')) && !bodies.iter().any(|it| it.is_decimal('.'));
    let mark = if comma { ',' } else { '.' };
    let values: Vec<Option<f64>> = column
        .cells
        .iter()
        .map(|cell| cell.filter(|cell| !is_absent_word(cell)).and_then(|cell| value(cell, mark)))
        .collect();
    let (n_values, n_cells) = (values.iter().flatten().count(), cells().count());
    if (n_values as f64) < 0.995 * n_cells as f64 {
        return None;
    }
    let mut expression = column.expression.clone();
    if cells().any(|cell| cell.contains('(')) {
        expression = format!("replace({expression}, '(', '-')");
    }
    expression = format!("regexp_replace({expression}, '[^0-9{mark}-]', '', 'g')");
    if comma {
        expression = format!("replace({expression}, ',', '.')");
    }
    let mut remarks = Vec::new();
    if has_currency {
        remarks.push("the currency is dropped: is there one only?");
    }
    if comma {
        remarks.push("the comma is the decimal point");
    } else if has_mark(',') {
        remarks.push("commas part thousands");
    }
    Some(Numbers {
        name,
        expression: format!("nullif({expression}, '')"),
        is_text: true,
        values,
        remark: remarks.join("; "),
    })
}

/// A number as written, without what stands around it.
struct Written<'a> {
    body: &'a str,
    has_currency: bool,
}

impl Written<'_> {
    /// True where `mark` can only be the decimal point.
    fn is_decimal(&self, mark: char) -> bool {
        let other = if mark == ',' { '.' } else { ',' };
        let Some((whole, decimals)) = self.body.rsplit_once(mark) else {
            return false;
        };
        !decimals.contains(other)
            && !whole.contains(mark)
            && (decimals.len() != 3 || whole.contains(other) || whole.starts_with('0'))
    }
}

/// Finds digits and marks between signs of currencies; `None` for what is no number.
fn written(cell: &str) -> Option<Written<'_>> {
    let is_currency = |c: char| c.is_alphabetic() || !c.is_ascii() && !c.is_numeric() || c == '$';
    let around = |c: char| is_currency(c) || c.is_whitespace() || "()+-".contains(c);
    let letters: String = cell.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect();
    let body = cell.trim_matches(around);
    let is_number = body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && body.chars().all(|c| c.is_ascii_digit() || ".,' \u{a0}\u{202f}".contains(c));
    let has_currency = cell.chars().any(is_currency);
    (is_number && CURRENCIES.contains(&letters.as_str())).then_some(Written { body, has_currency })
}

/// What the expression makes of a cell.
fn value(cell: &str, mark: char) -> Option<f64> {
    written(cell)?;
    let cell = cell.replace('(', "-");
    let kept: String =
        cell.chars().filter(|c| c.is_ascii_digit() || *c == mark || *c == '-').collect();
    kept.replace(',', ".").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_meant() {
        for (cell, mark, expected) in [
            ("$1,234.50", '.', Some(1234.5)),
            ("12,50 €", ',', Some(12.5)),
            ("1.234,50", ',', Some(1234.5)),
            ("¥-8", '.', Some(-8.0)),
            ("(3.20)", '.', Some(-3.2)),
            ("R$ 7", '.', Some(7.0)),
            ("1 234,5 kr", ',', Some(1234.5)),
            ("99元", '.', Some(99.0)),
            ("1.2E+05", '.', None),
            ("Rs. 5", '.', None),
            ("10%", '.', None),
            ("2024-01-05", '.', None),
            ("C536379", '.', None),
        ] {
            assert_eq!(value(cell, mark), expected, "{cell}");
        }
    }

    #[test]
    fn three_digits_after_a_mark_may_be_thousands() {
        let is_decimal = |cell| written(cell).unwrap().is_decimal(',');
        assert!(is_decimal("12,5") && is_decimal("1.234,500") && is_decimal("0,125"));
        assert!(!is_decimal("1,234") && !is_decimal("1,234,567") && !is_decimal("1,234.50"));
    }
}
