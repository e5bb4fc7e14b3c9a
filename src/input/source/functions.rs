use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, TimestampMicrosecondArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, cast, create_udf};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

/// Adds the functions that mappings may use beside the engine's own:
/// `parse_time(text, format)`, which gives null where text does not fit the
/// `strftime` format, so that one bad row is rejected and not the whole run.
pub fn register(context: &SessionContext) {
    let parse_time = create_udf(
        "parse_time",
        vec![DataType::Utf8, DataType::Utf8],
        DataType::Timestamp(TimeUnit::Microsecond, None),
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| parse_time(arguments)),
    );
    context.register_udf(parse_time);
}

fn parse_time(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let [text, format] = arguments else {
        return Err(DataFusionError::Plan("parse_time takes a text and a format".into()));
    };
    let ColumnarValue::Scalar(ScalarValue::Utf8(Some(format))) = format else {
        return Err(DataFusionError::Plan("the format of parse_time must be a constant".into()));
    };
    let n_rows = match text {
        ColumnarValue::Array(array) => array.len(),
        ColumnarValue::Scalar(_) => 1,
    };
    let text: ArrayRef = text.to_array(n_rows)?;
    let text = text.as_string::<i32>();
    let times: TimestampMicrosecondArray =
        text.iter().map(|value| value.and_then(|value| micros(value.trim(), format))).collect();
    Ok(ColumnarValue::Array(Arc::new(times)))
}

/// True for a number that is not finite or at least `bound` from zero; false
/// where there is none. One look at each row instead of a comparison by
/// comparison.
pub(super) fn exceeds(number: Expr, bound: f64) -> Expr {
    let is_beyond = move |arguments: &[ColumnarValue]| {
        let numbers = ColumnarValue::values_to_arrays(arguments)?;
        let numbers = numbers[0].as_primitive::<Float64Type>();
        // Not a number is below nothing.
        let fits = |row: usize| numbers.is_null(row) || numbers.value(row).abs() < bound;
        let beyond = BooleanBuffer::collect_bool(numbers.len(), |row| !fits(row));
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(beyond, None))))
    };
    create_udf(
        "exceeds",
        vec![DataType::Float64],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(is_beyond),
    )
    .call(vec![number])
}

/// ISO 8601 forms that the engine's own cast does not read.
const ISO_FORMATS: [&str; 4] = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y%m%d", "%Y%m%dT%H%M%S"];
const ISO_FORMATS_WITH_ZONE: [&str; 2] = ["%Y-%m-%d %H:%M%#z", "%Y-%m-%dT%H:%M%#z"];

/// The time that a text stands for, `read` being what the engine makes of it.
pub(super) fn iso_time(text: &Expr, read: Expr) -> Expr {
    let parse = |arguments: &[ColumnarValue]| {
        let texts = ColumnarValue::values_to_arrays(arguments)?;
        let zoned = |text: &str| {
            let of = |format: &&str| DateTime::parse_from_str(text, format).ok();
            Some(ISO_FORMATS_WITH_ZONE.iter().find_map(of)?.timestamp_micros())
        };
        let time = |text: &str| {
            let local = ISO_FORMATS.iter().find_map(|format| micros(text.trim(), format));
            local.or_else(|| zoned(&text.trim().replace('Z', "+00:00")))
        };
        let times: TimestampMicrosecondArray =
            texts[0].as_string::<i32>().iter().map(|text| text.and_then(time)).collect();
        Ok(ColumnarValue::Array(Arc::new(times)))
    };
    let parse = create_udf(
        "short_iso_time",
        vec![DataType::Utf8],
        DataType::Timestamp(TimeUnit::Microsecond, None),
        Volatility::Immutable,
        Arc::new(parse),
    );
    coalesce(vec![read, parse.call(vec![cast(text.clone(), DataType::Utf8)])])
}

fn micros(text: &str, format: &str) -> Option<i64> {
    let time = NaiveDateTime::parse_from_str(text, format)
        .or_else(|_| {
            NaiveDate::parse_from_str(text, format).map(|day| day.and_time(Default::default()))
        })
        .ok()?;
    Some(time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn parses_times_and_days_and_refuses_the_rest() {
        assert_eq!(micros("12/1/2010 8:26", "%m/%d/%Y %H:%M"), Some(1_291_191_960_000_000));
        assert_eq!(micros("1/1/1970", "%d/%m/%Y"), Some(0));
        assert_eq!(micros("31/02/2010", "%d/%m/%Y"), None);
    }
}
