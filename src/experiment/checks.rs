//! What no type of a plan shows: settings that do not go together.

use super::plan::{Columns, ExperimentPlan, MetricKind, MetricPlan};
use crate::settings::Conflict;

/// Looks at most: one a day for a year.
const MAX_LOOKS: usize = 365;

/// Days of a window at most.
const MAX_DAYS: u32 = 3_660;

/// Names that files of assignments use for themselves.
const RESERVED_ARMS: [&str; 2] = ["holdout", "nothing"];

impl ExperimentPlan {
    /// Checks the plan.
    ///
    /// # Errors
    /// The key, what is allowed, and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        self.check_days()?;
        self.check_salts()?;
        self.check_arms()?;
        self.check_metrics()?;
        if self.stratify && self.coverage.get() < 1.0 {
            return Err(Conflict::new(
                "stratify",
                "gives exact shares of all users: it goes with coverage = 1 alone",
            ));
        }
        if self.coverage.get() == 0.0 {
            return Err(Conflict::new("coverage", "must be above 0, or nobody takes part"));
        }
        if self.looks.get() > MAX_LOOKS {
            let message = format!("must be at most {MAX_LOOKS}, got {}", self.looks);
            return Err(Conflict::new("looks", message));
        }
        if self.power.get() <= self.alpha.get() {
            let (power, alpha) = (self.power, self.alpha);
            let message = format!("must lie above alpha, got {power} and {alpha}");
            return Err(Conflict::new("power", message));
        }
        Ok(())
    }

    fn check_days(&self) -> Result<(), Conflict> {
        let (start, end) = (self.start, self.end);
        match start < end {
            true => Ok(()),
            false => {
                Err(Conflict::new("end", format!("must lie after start, got {start} and {end}")))
            }
        }
    }

    fn check_salts(&self) -> Result<(), Conflict> {
        if self.salt.trim().is_empty() {
            return Err(Conflict::new("salt", "must not be empty: the name and the year will do"));
        }
        match &self.holdout {
            Some(holdout) if holdout.salt == self.salt => Err(Conflict::new(
                "holdout.salt",
                "must differ from the salt of the arms, or the holdout would decide the arms",
            )),
            Some(holdout) if holdout.salt.trim().is_empty() => {
                Err(Conflict::new("holdout.salt", "must not be empty"))
            }
            _ => Ok(()),
        }
    }

    fn check_arms(&self) -> Result<(), Conflict> {
        let names: Vec<&str> = self.arms.iter().map(|arm| arm.name.as_str()).collect();
        if names.len() < 2 {
            let message =
                format!("must be there at least twice, the control first, got {}", names.len());
            return Err(Conflict::new("arm", message));
        }
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                return Err(Conflict::new("arm.name", format!("must differ, got `{name}` twice")));
            }
            if name.trim().is_empty() || RESERVED_ARMS.contains(name) {
                let message = format!("must not be empty, `holdout` or `nothing`, got {name:?}");
                return Err(Conflict::new("arm.name", message));
            }
        }
        let sum: f64 = self.arms.iter().map(|arm| arm.weight.get()).sum();
        if (sum - 1.0).abs() > 1e-6 {
            let message =
                format!("must add up to 1 over all arms, got {}", (sum * 1e6).round() / 1e6);
            return Err(Conflict::new("arm.weight", message));
        }
        match self.arms[0].weight.get() > 0.0 {
            true => Ok(()),
            false => {
                Err(Conflict::new("arm.weight", "of the first arm, the control, must be above 0"))
            }
        }
    }

    fn check_metrics(&self) -> Result<(), Conflict> {
        let n_primary = self.metrics.iter().filter(|metric| metric.primary).count();
        if n_primary != 1 {
            let message =
                format!("must be set for one metric, the one that decides, got {n_primary}");
            return Err(Conflict::new("metric.primary", message));
        }
        for (place, metric) in self.metrics.iter().enumerate() {
            let name = &metric.name;
            if self.metrics[..place].iter().any(|other| other.name == *name) {
                return Err(Conflict::new(
                    "metric.name",
                    format!("must differ, got `{name}` twice"),
                ));
            }
            let checked = match &self.columns {
                Some(columns) => metric.check_of_table(columns),
                None => metric.check_of_events(),
            };
            checked.and_then(|()| metric.check_numbers()).map_err(|conflict| Conflict {
                key: format!("metric.{} of `{name}`", conflict.key),
                ..conflict
            })?;
        }
        Ok(())
    }
}

impl MetricPlan {
    fn check_of_events(&self) -> Result<(), Conflict> {
        let only_of_tables = [
            ("value", &self.value),
            ("divisor", &self.divisor),
            ("covariate_divisor", &self.covariate_divisor),
        ];
        if let Some((key, _)) = only_of_tables.into_iter().find(|(_, it)| it.is_some()) {
            return Err(Conflict::new(key, "is of a table by user: add [columns], or use feature"));
        }
        if self.feature.is_none() {
            return Err(Conflict::new("feature", "must be set, such as \"gmv\" or \"n_orders\""));
        }
        if self.window_days.is_none() {
            return Err(Conflict::new(
                "window_days",
                "must be set: the days after exposure that count",
            ));
        }
        const COVARIATES: [&str; 3] = ["before", "predicted_gmv", "churn_probability"];
        match self.covariate.as_deref() {
            Some(other) if !COVARIATES.contains(&other) => Err(Conflict::new(
                "covariate",
                format!("must be one of {}, got {other:?}", COVARIATES.join(", ")),
            )),
            _ => Ok(()),
        }
    }

    fn check_of_table(&self, columns: &Columns) -> Result<(), Conflict> {
        if self.feature.is_some() || self.window_days.is_some() {
            let key = if self.feature.is_some() { "feature" } else { "window_days" };
            return Err(Conflict::new(key, "is of events: take [columns] out, or use value"));
        }
        let Some(value) = &self.value else {
            return Err(Conflict::new("value", "must be set: SQL over the columns of the table"));
        };
        if (self.kind == MetricKind::Ratio) != self.divisor.is_some() {
            return Err(Conflict::new("divisor", "goes with kind = \"ratio\", and that with it"));
        }
        let measured = [Some(value), self.divisor.as_ref(), columns.arm.as_ref()];
        let covariates = [&self.covariate, &self.covariate_divisor];
        let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b.trim());
        for covariate in covariates.into_iter().flatten() {
            if measured.iter().flatten().any(|it| same(it, covariate)) {
                return Err(Conflict::new(
                    "covariate",
                    format!(
                        "must have been known before exposure; `{covariate}` is what is measured \
                         after it, which is a leak"
                    ),
                ));
            }
        }
        match self.covariate.is_none() && self.covariate_divisor.is_some() {
            true => Err(Conflict::new("covariate_divisor", "goes with covariate")),
            false => Ok(()),
        }
    }

    fn check_numbers(&self) -> Result<(), Conflict> {
        let days =
            [("window_days", self.window_days), ("covariate_days", Some(self.covariate_days))];
        for (key, days) in days {
            if let Some(days) = days.filter(|days| days.get() > MAX_DAYS) {
                let message = format!("must be at most {MAX_DAYS}, ten years, got {days}");
                return Err(Conflict::new(key, message));
            }
        }
        if self.kind == MetricKind::Share && self.cap.is_some() {
            return Err(Conflict::new(
                "cap",
                "has no meaning for a share, whose values are 0 and 1",
            ));
        }
        match self.lift {
            Some(lift) if lift.get() == 0.0 => Err(Conflict::new("lift", "must not be 0")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::experiment::plan::tests::plan_of;

    #[test]
    fn what_does_not_go_together_is_refused_with_its_key() {
        assert_eq!(plan_of("", &[0.5, 0.5]).check(), Ok(()));
        let refused = |settings: &str, weights: &[f64]| {
            plan_of(settings, weights).check().unwrap_err().to_string()
        };
        assert_eq!(refused("", &[0.5, 0.4]), "arm.weight must add up to 1 over all arms, got 0.9");
        assert!(refused("", &[1.0]).starts_with("arm must be there at least twice"));
        assert!(refused("", &[0.0, 1.0]).contains("the control, must be above 0"));
        assert!(refused("alpha = 0.9", &[0.5, 0.5]).starts_with("power must lie above alpha"));
        let same = "[holdout]\nshare = 0.1\nsalt = \"spring-2026\"";
        assert!(refused(same, &[0.5, 0.5]).starts_with("holdout.salt must differ"));
        assert!(refused("stratify = true\ncoverage = 0.5", &[0.5, 0.5]).starts_with("stratify"));
    }

    #[test]
    fn a_covariate_of_what_is_measured_is_a_leak() {
        let mut plan = plan_of("[columns]\narm = \"segment\"", &[0.5, 0.5]);
        let metric = &mut plan.metrics[0];
        (metric.feature, metric.window_days) = (None, None);
        metric.value = Some("spend".into());
        metric.covariate = Some("history".into());
        assert_eq!(plan.check(), Ok(()));
        plan.metrics[0].covariate = Some(" SPEND".into());
        let error = plan.check().unwrap_err().to_string();
        assert!(error.contains("metric.covariate of `gmv`") && error.contains("leak"), "{error}");
    }
}
