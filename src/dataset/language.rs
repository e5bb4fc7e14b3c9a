use serde::{Deserialize, Serialize};

/// A language that people read reports in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh")]
    Chinese,
}

/// The same words in English and in Chinese.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

impl Bilingual {
    /// Both languages. In Chinese, Han characters stand apart from Latin letters and
    /// digits by a space, wherever the words put together come from.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: spaced(zh.into()) }
    }

    /// Words that are the same in every language, such as a name from the data.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { en: text.clone(), zh: text }
    }

    /// The words in one language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}

/// Chinese text with a space between Han characters and what else is in words or
/// numbers; what stands in quotes or backticks comes from the data and stays.
fn spaced(text: String) -> String {
    let is_missing = |place: &(usize, char, char)| parts_words(place.1, place.2);
    if !unquoted_pairs(&text).any(|it| is_missing(&it)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut from = 0;
    for (place, ..) in unquoted_pairs(&text).filter(is_missing) {
        out.push_str(&text[from..place]);
        out.push(' ');
        from = place;
    }
    out.push_str(&text[from..]);
    out
}

/// Neighbouring characters outside of quotes, with the place of the second.
fn unquoted_pairs(text: &str) -> impl Iterator<Item = (usize, char, char)> {
    let mut is_quoted = false;
    let mut before = None;
    text.char_indices().filter_map(move |(place, it)| {
        let pair = before.replace(it).filter(|_| !is_quoted);
        match it {
            '`' => is_quoted = !is_quoted,
            '“' | '”' => is_quoted = it == '“',
            _ => {}
        }
        pair.map(|before| (place, before, it))
    })
}

fn parts_words(left: char, right: char) -> bool {
    let is_han = |it: char| ('\u{4e00}'..='\u{9fff}').contains(&it);
    let opens = |it: char| it.is_ascii_alphanumeric() || matches!(it, '`' | '[' | '+' | '-');
    let closes = |it: char| it.is_ascii_alphanumeric() || matches!(it, '`' | ']' | '+' | '%');
    (is_han(left) && opens(right)) || (closes(left) && is_han(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn han_characters_stand_apart_from_latin_ones() {
        for (text, wanted) in [
            ("近90天仅2次`view`记录", "近 90 天仅 2 次 `view` 记录"),
            ("80 %的订单", "80 % 的订单"),
            ("按[churn]规则（共3组）", "按 [churn] 规则（共 3 组）"),
            ("已 3 天未下单", "已 3 天未下单"),
            ("“加购cart”3次", "“加购cart”3 次"),
            ("有`加购cart`的天数", "有 `加购cart` 的天数"),
            ("2024-08-28的120位", "2024-08-28 的 120 位"),
            ("", ""),
        ] {
            assert_eq!(Bilingual::new("", text).zh, wanted);
        }
        assert_eq!(Bilingual::same("加购cart").zh, "加购cart");
    }
}
