use std::ops::RangeInclusive;

/// Number of codes of three scores from 1 to 5.
pub(super) const N_CODES: usize = 125;

/// The position of a code among all: 111 is 0, 555 is 124.
pub(super) fn index_of(recency: u8, frequency: u8, money: u8) -> usize {
    let place = |score: u8| usize::from(score.clamp(1, 5) - 1);
    place(recency) * 25 + place(frequency) * 5 + place(money)
}

/// The three digits at a position.
pub(super) fn code_at(index: usize) -> String {
    format!("{}{}{}", index / 25 + 1, index / 5 % 5 + 1, index % 5 + 1)
}

/// Positions of the codes that a pattern such as `5[4-5]*` or `[1-2]3` stands
/// for; without a third place, money may be anything.
///
/// # Errors
/// What is wrong with it, in a few words.
pub(super) fn matching(pattern: &str) -> Result<Vec<usize>, String> {
    let mut places = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let (place, after) = first_place(rest)?;
        places.push(place);
        rest = after;
    }
    let any = 1..=5;
    let (recency, frequency, money) = match places.as_slice() {
        [recency, frequency] => (recency, frequency, &any),
        [recency, frequency, money] => (recency, frequency, money),
        _ => return Err(format!("it has {} places, not 2 or 3", places.len())),
    };
    let mut codes = Vec::new();
    for r in recency.clone() {
        for f in frequency.clone() {
            codes.extend(money.clone().map(|m| index_of(r, f, m)));
        }
    }
    Ok(codes)
}

/// The scores of the first place of a pattern, and what comes after it.
fn first_place(text: &str) -> Result<(RangeInclusive<u8>, &str), String> {
    if let Some(rest) = text.strip_prefix('*') {
        return Ok((1..=5, rest));
    }
    if let Some(inside) = text.strip_prefix('[') {
        let (range, rest) = inside.split_once(']').ok_or("a [ is never closed")?;
        let bounds = range.split_once('-').and_then(|(low, high)| Some((one(low)?, one(high)?)));
        return match bounds {
            Some((low, high)) if low <= high => Ok((low..=high, rest)),
            _ => Err(format!("[{range}] is no range of scores from 1 to 5")),
        };
    }
    let length = text.chars().next().map_or(0, char::len_utf8);
    let (digit, rest) = text.split_at(length);
    match one(digit) {
        Some(score) => Ok((score..=score, rest)),
        None => Err(format!("{digit:?} is no score from 1 to 5")),
    }
}

fn one(digit: &str) -> Option<u8> {
    digit.parse().ok().filter(|score| digit.len() == 1 && (1..=5).contains(score))
}

/// Codes in few words: `31*` for all five of 31, and no more than eight of them.
pub(super) fn in_words(codes: &[usize]) -> String {
    const N_SHOWN: usize = 8;
    let mut words: Vec<String> = Vec::new();
    for code in codes {
        let cell = code - code % 5;
        let text = match (cell..cell + 5).all(|other| codes.contains(&other)) {
            true => format!("{}*", &code_at(*code)[..2]),
            false => code_at(*code),
        };
        if words.last() != Some(&text) {
            words.push(text);
        }
    }
    let more = if words.len() > N_SHOWN { ", …" } else { "" };
    words.truncate(N_SHOWN);
    words.join(", ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(pattern: &str) -> Vec<String> {
        matching(pattern).unwrap().into_iter().map(code_at).collect()
    }

    #[test]
    fn digits_ranges_and_stars() {
        assert_eq!(codes("543"), ["543"]);
        assert_eq!(codes("54"), ["541", "542", "543", "544", "545"]);
        assert_eq!(codes("54"), codes("54*"));
        assert_eq!(codes("[4-5]1[2-2]"), ["412", "512"]);
        assert_eq!(matching("***").unwrap(), (0..N_CODES).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_pattern_is_told_why() {
        for (pattern, problem) in [
            ("", "it has 0 places"),
            ("5", "it has 1 places"),
            ("5555", "it has 4 places"),
            ("56", "\"6\" is no score"),
            ("5 4", "\" \" is no score"),
            ("五5", "\"五\" is no score"),
            ("[4-5", "a [ is never closed"),
            ("[5-4]1", "[5-4] is no range"),
            ("[45]1", "[45] is no range"),
            ("[1-+5]1", "[1-+5] is no range"),
        ] {
            let error = matching(pattern).unwrap_err();
            assert!(error.contains(problem), "{pattern}: {error}");
        }
    }

    #[test]
    fn codes_are_told_as_patterns() {
        let codes: Vec<usize> = ["11*", "121"].iter().flat_map(|p| matching(p).unwrap()).collect();
        assert_eq!(in_words(&codes), "11*, 121");
        assert!(in_words(&matching("***").unwrap()).ends_with("23*, …"));
    }
}
