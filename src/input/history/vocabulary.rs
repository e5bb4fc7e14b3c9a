//! Small numbers for the values of `event`, `channel` and `category`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, DictionaryArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{ArrowDictionaryKeyType, DataType, Int8Type, Int16Type, Int32Type};

use super::HistoryError;

/// Different events, or channels, at most.
pub(super) const MAX_KINDS: usize = (1 << 16) - 1;
/// Different categories at most.
pub(super) const MAX_CATEGORIES: usize = (1 << 24) - 1;

/// The values of a column, numbered from 1 in the order in which they were met,
/// which may differ from run to run; 0 stands for none.
#[derive(Debug, Default, Clone)]
pub struct Vocabulary {
    codes: HashMap<String, u32>,
    values: Vec<String>,
}

impl Vocabulary {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True when the column has no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The code of a value, if it occurs.
    pub fn code(&self, value: &str) -> Option<u32> {
        self.codes.get(value).copied()
    }

    /// The values, of which the first has code 1.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    fn code_or_new(&mut self, value: &str) -> u32 {
        if let Some(code) = self.codes.get(value) {
            return *code;
        }
        self.values.push(value.to_owned());
        let code = self.values.len() as u32;
        self.codes.insert(value.to_owned(), code);
        code
    }
}

const N_RECENT: usize = 256;

/// Where a short text would stand among those met recently.
///
/// Source: Knuth (1998), "The Art of Computer Programming" 3, §6.4, multiplicative
/// hashing.
fn recent_slot(view: u128) -> usize {
    let folded = view as u64 ^ (view >> 64) as u64;
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize % N_RECENT
}

/// A column's vocabulary as one of several writers sees it.
pub(super) struct Coder {
    column: &'static str,
    max_values: usize,
    shared: Arc<Mutex<Vocabulary>>,
    known: HashMap<String, u32>,
    /// Short texts that were met lately, by their bytes.
    recent: Vec<(u128, u32)>,
}

impl Coder {
    pub fn new(column: &'static str, max_values: usize, shared: &Arc<Mutex<Vocabulary>>) -> Self {
        Self {
            column,
            max_values,
            shared: Arc::clone(shared),
            known: HashMap::new(),
            // No text of twelve bytes at most looks like this.
            recent: vec![(u128::MAX, 0); N_RECENT],
        }
    }

    /// Appends the code of every row; null and empty text have none.
    pub fn encode(&mut self, array: &dyn Array, codes: &mut Vec<u32>) -> Result<(), HistoryError> {
        codes.clear();
        match array.data_type() {
            DataType::Utf8View => self.encode_views(array.as_string_view(), codes),
            DataType::Dictionary(key, _) if **key == DataType::Int8 => {
                self.encode_dictionary::<Int8Type>(array.as_dictionary(), codes)
            }
            DataType::Dictionary(key, _) if **key == DataType::Int16 => {
                self.encode_dictionary::<Int16Type>(array.as_dictionary(), codes)
            }
            DataType::Dictionary(key, _) if **key == DataType::Int32 => {
                self.encode_dictionary::<Int32Type>(array.as_dictionary(), codes)
            }
            _ => {
                let views = cast(array, &DataType::Utf8View)?;
                self.encode_views(views.as_string_view(), codes)
            }
        }
    }

    fn encode_views(
        &mut self,
        array: &StringViewArray,
        codes: &mut Vec<u32>,
    ) -> Result<(), HistoryError> {
        for (row, &view) in array.views().iter().enumerate() {
            let is_short = (view as u32) <= 12;
            let slot = recent_slot(view);
            let code = if array.is_null(row) {
                0
            } else if is_short && self.recent[slot].0 == view {
                self.recent[slot].1
            } else {
                let code = self.code(array.value(row))?;
                if is_short {
                    self.recent[slot] = (view, code);
                }
                code
            };
            codes.push(code);
        }
        Ok(())
    }

    fn encode_dictionary<K: ArrowDictionaryKeyType>(
        &mut self,
        array: &DictionaryArray<K>,
        codes: &mut Vec<u32>,
    ) -> Result<(), HistoryError> {
        let values = cast(array.values(), &DataType::Utf8View)?;
        let mut of_value = Vec::with_capacity(values.len());
        self.encode_views(values.as_string_view(), &mut of_value)?;
        codes.extend(array.keys_iter().map(|key| key.map_or(0, |key| of_value[key])));
        Ok(())
    }

    fn code(&mut self, value: &str) -> Result<u32, HistoryError> {
        if value.is_empty() {
            return Ok(0);
        }
        if let Some(code) = self.known.get(value) {
            return Ok(*code);
        }
        let mut shared = self.shared.lock().expect("no writer panics while it holds the lock");
        let code = shared.code_or_new(value);
        if code as usize > self.max_values {
            return Err(HistoryError::TooManyValues {
                column: self.column,
                allowed: self.max_values,
            });
        }
        self.known.insert(value.to_owned(), code);
        Ok(code)
    }
}
