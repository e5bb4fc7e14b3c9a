//! Rows of the catalogue: one row gives a feature for each of its windows.

use super::Catalogue;
use super::names::{short_hash, slug};
use crate::dataset::{Bilingual, Family, FeatureInfo, Missing, Unit};
use crate::features::{Feature, Measure, Statistic, Total};

/// Windows of rates and shares, of those that the config has: short ones hold
/// too few events for a quotient.
const RATE_WINDOWS_DAYS: [u32; 3] = [30, 90, 365];

/// Trends compare windows of this many days and more.
const MIN_TREND_DAYS: u32 = 30;

/// What is common to the features of a row, whatever their window.
#[derive(Clone)]
pub(super) struct Row {
    name: String,
    family: Family,
    unit: Unit,
    what: Bilingual,
    /// The events of a rate: the one that follows, and the one it is counted by.
    rate: Option<(String, String)>,
}

/// A row; `en` and `zh` say what is measured, without the window.
pub(super) fn row(
    name: impl Into<String>,
    family: Family,
    unit: Unit,
    en: impl Into<String>,
    zh: impl Into<String>,
) -> Row {
    Row { name: name.into(), family, unit, what: Bilingual::new(en, zh), rate: None }
}

impl Row {
    /// As a rate of events `to` by events `from`.
    pub(super) fn rate(self, from: &str, to: &str) -> Self {
        Self { rate: Some((to.to_owned(), from.to_owned())), ..self }
    }

    fn over(&self, window_days: Option<u32>, zh_all_time: &str) -> Self {
        let Bilingual { en, zh } = &self.what;
        let what = match window_days {
            Some(days) => {
                Bilingual::new(format!("{en}, last {days} days"), format!("近{days}天{zh}"))
            }
            None => Bilingual::new(format!("{en}, all time"), format!("{zh_all_time}{zh}")),
        };
        let name =
            window_days.map_or_else(|| self.name.clone(), |days| format!("{}_{days}d", self.name));
        Self { name, what, ..self.clone() }
    }
}

impl Catalogue<'_> {
    pub(super) fn add(&mut self, row: Row, measure: Measure, when_missing: Missing) {
        let (event, per_event) = match row.rate {
            Some((to, from)) => (Some(to), Some(from)),
            None => (measure.event().map(str::to_owned), None),
        };
        let (window_days, longer_days) = measure.windows_days();
        let info = FeatureInfo {
            name: row.name,
            family: row.family,
            roles: event.as_deref().map(|event| self.events.roles(event)).unwrap_or_default(),
            event,
            per_event,
            channel: measure.channel().map(str::to_owned),
            category: measure.category().map(str::to_owned),
            window_days,
            longer_days,
            unit: row.unit,
            meaning: row.what,
            when_missing,
            of_habits_only: false,
        };
        self.features.push(Feature { info, measure });
    }

    /// A value as part of a feature's name, with a hash where others look alike.
    pub(super) fn slug(&self, value: &str) -> String {
        match self.input.alike.contains(value) {
            true => format!("{}_{}", slug(value), short_hash(value)),
            false => slug(value),
        }
    }

    /// A total over all time and over each window.
    pub(super) fn totals(&mut self, row: &Row, total: impl Into<Total>) {
        self.totals_over(self.all_windows(), row, total);
    }

    /// A total over the windows given.
    pub(super) fn totals_over(
        &mut self,
        windows: Vec<Option<u32>>,
        row: &Row,
        total: impl Into<Total>,
    ) {
        let total = total.into();
        for window_days in windows {
            let measure = Measure::Total { total: total.clone(), window_days };
            self.add(row.over(window_days, "累计"), measure, Missing::Zero);
        }
    }

    /// A quotient over the windows given.
    pub(super) fn quotients(
        &mut self,
        windows: Vec<Option<u32>>,
        row: &Row,
        (numerator, denominator): (impl Into<Total>, impl Into<Total>),
    ) {
        let (numerator, denominator) = (numerator.into(), denominator.into());
        for window_days in windows {
            let (numerator, denominator) = (numerator.clone(), denominator.clone());
            let measure = Measure::Quotient { numerator, denominator, window_days };
            self.add(row.over(window_days, "历史"), measure, Missing::Zero);
        }
    }

    /// A quotient over all time.
    pub(super) fn quotient(&mut self, row: &Row, quotient: (impl Into<Total>, impl Into<Total>)) {
        self.quotients(vec![None], row, quotient);
    }

    /// A figure of the whole history, 0 where it is missing.
    pub(super) fn statistic(&mut self, row: Row, statistic: Statistic) {
        self.add(row, Measure::Statistic(statistic), Missing::Zero);
    }

    /// A figure of the whole history that grows with the days since something:
    /// "never" where that has not happened.
    pub(super) fn since(&mut self, row: Row, statistic: Statistic) {
        self.add(row, Measure::Statistic(statistic), self.never);
    }

    /// How the total of a window relates to that of the next longer one; the
    /// row says what is counted.
    pub(super) fn trends(&mut self, row: &Row, total: impl Into<Total>) {
        let total = total.into();
        let windows = self.windows_days.clone();
        for pair in windows.windows(2).filter(|pair| pair[0] >= MIN_TREND_DAYS) {
            let (recent_days, longer_days) = (pair[0], pair[1]);
            let measure = Measure::Trend { total: total.clone(), recent_days, longer_days };
            let Bilingual { en, zh } = &row.what;
            let what = Bilingual::new(
                format!(
                    "share of the {en} of {longer_days} days that fell in the last {recent_days}"
                ),
                format!("近{longer_days}天{zh}中近{recent_days}天所占比例"),
            );
            let name = format!("{}_trend_{recent_days}d_of_{longer_days}d", row.name);
            self.add(Row { name, what, ..row.clone() }, measure, Missing::Zero);
        }
    }

    pub(super) fn all_windows(&self) -> Vec<Option<u32>> {
        std::iter::once(None).chain(self.windows_days.iter().copied().map(Some)).collect()
    }

    pub(super) fn rate_windows(&self) -> Vec<Option<u32>> {
        let is_rate = |days: &u32| RATE_WINDOWS_DAYS.contains(days);
        let windows = self.windows_days.iter().copied().filter(is_rate).map(Some);
        std::iter::once(None).chain(windows).collect()
    }

    /// Features that the config defines.
    pub(super) fn custom(&mut self) {
        for (name, custom) in &self.params.custom {
            let meaning = match &custom.meaning {
                Some(meaning) => Bilingual::same(meaning),
                None => Bilingual::new("as the config defines it", "由配置定义"),
            };
            let row = row(name, Family::Custom, Unit::Custom, meaning.en, meaning.zh);
            let measure = Measure::Sql(custom.sql.clone());
            self.add(row, measure, Missing::Value(custom.when_missing.get()));
        }
    }
}
