use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::patterns::{N_CODES, code_at, in_words, index_of, matching};
use super::{RfmMapError, RfmScores};

/// The group of those who never ordered, which no map may name otherwise.
pub(super) const NEVER_ORDERED: &str = "never ordered";

/// `[rfm]` of the config.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RfmParams {
    /// Names, each with patterns of codes; the ten usual names when empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, Vec<String>>,
}

impl RfmParams {
    /// The map that the section describes, the name of the best code first.
    ///
    /// # Errors
    /// When a code has not exactly one name, or a name no codes.
    pub fn names(&self) -> Result<RfmMap, RfmMapError> {
        if self.map.is_empty() {
            return Ok(RfmMap::ten_names());
        }
        let named = |(name, codes): (&String, &Vec<String>)| NamedCodes {
            name: name.clone(),
            name_zh: None,
            codes: codes.clone(),
        };
        let map = RfmMap::new(self.map.iter().map(named).collect())?;
        let mut named = map.named;
        named.sort_by_key(|it| {
            std::cmp::Reverse(codes_of(it).ok().and_then(|c| c.into_iter().max()))
        });
        RfmMap::new(named)
    }
}

/// What a group is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupName {
    /// In English, or as it was named in the config.
    pub name: String,
    /// In Chinese, where there is one.
    pub name_zh: Option<String>,
}

impl GroupName {
    pub(super) fn new(name: &str, name_zh: &str) -> Self {
        Self { name: name.to_owned(), name_zh: Some(name_zh.to_owned()) }
    }
}

/// Names for the 125 codes of R, F and M: every code has exactly one, every
/// name at least one code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<NamedCodes>", into = "Vec<NamedCodes>")]
pub struct RfmMap {
    named: Vec<NamedCodes>,
    /// Index into `named` for each code.
    name_of: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedCodes {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name_zh: Option<String>,
    codes: Vec<String>,
}

/// The ten names in use for (R, F), in English and Chinese: all 25 cells once.
///
/// Source: the grid of recency against frequency that CRM programs share, as in
/// CleverTap's "RFM analysis for customer segmentation".
const TEN_NAMES: [(&str, &str, &str); 10] = [
    ("champions", "冠军客户", "5[4-5]"),
    ("loyal", "忠诚客户", "[3-4][4-5]"),
    ("potential loyalists", "潜在忠诚客户", "[4-5][2-3]"),
    ("new", "新客户", "51"),
    ("promising", "有潜力客户", "41"),
    ("need attention", "需关注客户", "33"),
    ("about to sleep", "将沉睡客户", "3[1-2]"),
    ("can't lose", "不可流失客户", "[1-2]5"),
    ("at risk", "有流失风险客户", "[1-2][3-4]"),
    ("hibernating", "沉睡客户", "[1-2][1-2]"),
];

/// Three levels of R, three of F and two of M. They join the scores that the
/// ten names join as well (R 4-5, F 2-3 and so on), so that a level is a part
/// of few names.
const RECENCY_LEVELS: [(&str, &str, &str); 3] =
    [("recent", "近期", "[4-5]"), ("cooling", "渐冷", "3"), ("lapsed", "沉寂", "[1-2]")];
const FREQUENCY_LEVELS: [(&str, &str, &str); 3] =
    [("frequent", "高频", "[4-5]"), ("occasional", "中频", "[2-3]"), ("rare", "低频", "1")];
const MONEY_LEVELS: [(&str, &str, &str); 2] =
    [("high-spend", "高额", "[4-5]"), ("low-spend", "低额", "[1-3]")];

impl RfmMap {
    /// The ten usual names, by R and F.
    pub fn ten_names() -> Self {
        let named = TEN_NAMES.iter().map(|(name, name_zh, codes)| NamedCodes {
            name: (*name).to_owned(),
            name_zh: Some((*name_zh).to_owned()),
            codes: vec![(*codes).to_owned()],
        });
        Self::new(named.collect()).expect("a test holds the ten names")
    }

    /// 18 levels: recent, cooling or lapsed; frequent, occasional or rare; high
    /// or low spend. There is no map of 18 that the field agrees on; this one
    /// is 3 × 3 × 2, and says what it is in each name.
    pub fn levels() -> Self {
        let mut named = Vec::new();
        for (recency, recency_zh, r) in RECENCY_LEVELS {
            for (frequency, frequency_zh, f) in FREQUENCY_LEVELS {
                for (money, money_zh, m) in MONEY_LEVELS {
                    named.push(NamedCodes {
                        name: format!("{recency} {frequency} {money}"),
                        name_zh: Some(format!("{recency_zh}{frequency_zh}{money_zh}")),
                        codes: vec![format!("{r}{f}{m}")],
                    });
                }
            }
        }
        Self::new(named).expect("a test holds the levels")
    }

    fn new(named: Vec<NamedCodes>) -> Result<Self, RfmMapError> {
        check_names(&named)?;
        let mut names_of = vec![Vec::new(); N_CODES];
        for (index, it) in named.iter().enumerate() {
            for code in codes_of(it)? {
                names_of[code].push(index);
            }
        }
        check_reached(&named, &names_of)?;
        check_one_name_each(&named, &names_of)?;
        let name_of = names_of.into_iter().map(|names| names[0]).collect();
        Ok(Self { named, name_of })
    }

    /// All names, in the order that [`RfmMap::index_of`] counts in.
    pub fn names(&self) -> Vec<GroupName> {
        let name =
            |it: &NamedCodes| GroupName { name: it.name.clone(), name_zh: it.name_zh.clone() };
        self.named.iter().map(name).collect()
    }

    /// Which of the names the scores have.
    pub fn index_of(&self, scores: RfmScores) -> usize {
        self.name_of[index_of(scores.recency, scores.frequency, scores.money)]
    }
}

/// Codes of a name, each once.
fn codes_of(it: &NamedCodes) -> Result<Vec<usize>, RfmMapError> {
    let mut codes = Vec::new();
    for pattern in &it.codes {
        codes.extend(matching(pattern).map_err(|problem| RfmMapError::Pattern {
            name: it.name.clone(),
            pattern: pattern.clone(),
            problem,
        })?);
    }
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}

fn check_names(named: &[NamedCodes]) -> Result<(), RfmMapError> {
    for (index, it) in named.iter().enumerate() {
        let same = |other: &NamedCodes| other.name.to_lowercase() == it.name.to_lowercase();
        let problem = if it.name.is_empty() {
            "it is empty".to_owned()
        } else if it.name.trim() != it.name || it.name.chars().any(char::is_control) {
            "blanks around it and control characters are not allowed".to_owned()
        } else if it.name.to_lowercase() == NEVER_ORDERED {
            "it stands for users without an order, whom no code describes".to_owned()
        } else if let Some(other) = named[..index].iter().find(|other| same(other)) {
            format!("there is {:?} as well", other.name)
        } else {
            continue;
        };
        return Err(RfmMapError::Name { name: it.name.clone(), problem });
    }
    Ok(())
}

/// Every name has a code that no other has.
fn check_reached(named: &[NamedCodes], names_of: &[Vec<usize>]) -> Result<(), RfmMapError> {
    for (index, it) in named.iter().enumerate() {
        let name = it.name.clone();
        let mut seen = it.codes.iter().enumerate();
        if let Some((_, pattern)) = seen.find(|(at, pattern)| it.codes[..*at].contains(pattern)) {
            return Err(RfmMapError::Repeated { name, pattern: pattern.clone() });
        }
        let codes: Vec<usize> = (0..N_CODES).filter(|&c| names_of[c].contains(&index)).collect();
        if codes.is_empty() {
            return Err(RfmMapError::Empty { name });
        }
        if codes.iter().all(|&code| names_of[code].len() > 1) {
            let mut others: Vec<usize> =
                codes.iter().flat_map(|&code| names_of[code].clone()).collect();
            others.retain(|&other| other != index);
            others.sort_unstable();
            others.dedup();
            let (codes, others) = (in_words(&codes), listed(named, &others));
            return Err(RfmMapError::Unreachable { name, codes, others });
        }
    }
    Ok(())
}

fn check_one_name_each(named: &[NamedCodes], names_of: &[Vec<usize>]) -> Result<(), RfmMapError> {
    let codes_with = |fits: fn(usize) -> bool| -> Vec<usize> {
        (0..N_CODES).filter(|&code| fits(names_of[code].len())).collect()
    };
    let several = codes_with(|n| n > 1);
    if let Some(&first) = several.first() {
        return Err(RfmMapError::Overlap {
            n_codes: several.len(),
            codes: in_words(&several),
            code: code_at(first),
            names: listed(named, &names_of[first]),
        });
    }
    match codes_with(|n| n == 0) {
        none if none.is_empty() => Ok(()),
        none => Err(RfmMapError::Gap { n_codes: none.len(), codes: in_words(&none) }),
    }
}

/// `"a" and "b"`
fn listed(named: &[NamedCodes], indices: &[usize]) -> String {
    let names: Vec<String> = indices.iter().map(|&i| format!("{:?}", named[i].name)).collect();
    names.join(" and ")
}

impl TryFrom<Vec<NamedCodes>> for RfmMap {
    type Error = RfmMapError;

    fn try_from(named: Vec<NamedCodes>) -> Result<Self, RfmMapError> {
        Self::new(named)
    }
}

impl From<RfmMap> for Vec<NamedCodes> {
    fn from(map: RfmMap) -> Self {
        map.named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(map: &[(&str, &[&str])]) -> RfmParams {
        let own = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
        RfmParams { map: map.iter().map(|(name, codes)| ((*name).into(), own(codes))).collect() }
    }

    fn refusal(map: &[(&str, &[&str])]) -> String {
        params(map).names().unwrap_err().to_string()
    }

    fn sizes(map: &RfmMap) -> Vec<usize> {
        let n = map.names().len();
        (0..n).map(|name| map.name_of.iter().filter(|&&of| of == name).count()).collect()
    }

    #[test]
    fn the_ten_names_cover_the_25_cells_once() {
        // Five codes of money to a cell.
        assert_eq!(sizes(&RfmMap::ten_names()), [10, 20, 20, 5, 5, 5, 10, 10, 20, 20]);
    }

    #[test]
    fn there_are_18_levels_with_names_of_their_own() {
        let levels = RfmMap::levels();
        let names = levels.names();
        assert_eq!(names.len(), 18);
        assert_eq!(sizes(&levels).iter().sum::<usize>(), 125);
        assert_eq!(names[0].name, "recent frequent high-spend");
        assert_eq!(names[0].name_zh.as_deref(), Some("近期高频高额"));
        let scores = RfmScores { recency: 1, frequency: 1, money: 1 };
        assert_eq!(names[levels.index_of(scores)].name, "lapsed rare low-spend");
    }

    #[test]
    fn a_map_of_ones_own_has_its_best_name_first() {
        let map = params(&[("a rest", &["[1-4]*", "51"]), ("vip", &["5[2-5]"])]).names().unwrap();
        let names: Vec<String> = map.names().into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["vip", "a rest"]);
        assert_eq!(map.index_of(RfmScores { recency: 5, frequency: 2, money: 1 }), 0);
        assert_eq!(map.index_of(RfmScores { recency: 5, frequency: 1, money: 5 }), 1);
        let json = serde_json::to_string(&map).unwrap();
        assert_eq!(serde_json::from_str::<RfmMap>(&json).unwrap(), map);
    }

    #[test]
    fn an_overlap_names_code_and_names() {
        assert_eq!(
            refusal(&[("rest", &["[1-4]*", "5[1-4]"]), ("vip", &["5[4-5]"])]),
            "[rfm.map] 5 of 125 codes have several names (54*): 541 is of \"rest\" and \"vip\"; \
             each code must have exactly one"
        );
    }

    #[test]
    fn a_gap_is_told_as_patterns() {
        assert_eq!(
            refusal(&[("rest", &["[1-4]*", "52"]), ("vip", &["5[4-5]", "51[1-4]"])]),
            "[rfm.map] 6 of 125 codes have no name: 515, 53*; add them to one"
        );
    }

    #[test]
    fn a_name_that_nobody_can_have_is_refused() {
        let error = refusal(&[("all", &["**"]), ("vip", &["5[4-5]"])]);
        assert!(error.contains("\"vip\" is never reached"), "{error}");
        assert!(error.contains("(54*, 55*) are also of \"all\""), "{error}");
        let error = refusal(&[("all", &["**"]), ("vip", &[])]);
        assert!(error.contains("\"vip\" is never reached: it has no pattern"), "{error}");
    }

    #[test]
    fn a_bad_pattern_is_named_with_what_is_allowed() {
        let error = refusal(&[("all", &["**"]), ("vip", &["5[4-6]"])]);
        assert!(error.contains("\"vip\": \"5[4-6]\" is no pattern"), "{error}");
        assert!(error.contains("[4-6] is no range"), "{error}");
        assert!(error.contains("a digit from 1 to 5"), "{error}");
    }

    #[test]
    fn a_pattern_listed_twice_and_names_that_look_the_same_are_refused() {
        let error = refusal(&[("all", &["**", "**"])]);
        assert_eq!(error, "[rfm.map] \"all\" has the pattern \"**\" twice; remove one");
        let error = refusal(&[("VIP", &["5*"]), ("vip", &["[1-4]*"])]);
        assert!(error.contains("\"vip\" can't be a name: there is \"VIP\" as well"), "{error}");
        assert!(refusal(&[("Never ordered", &["**"])]).contains("users without an order"));
        assert!(refusal(&[("", &["**"])]).contains("it is empty"));
        assert!(refusal(&[("a\nb", &["**"])]).contains("control characters"));
    }
}
