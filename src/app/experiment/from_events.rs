//! A tally of users from their events, each from the moment of their own exposure.

use std::collections::HashMap;
use std::path::Path;

use chrono::NaiveDateTime;

use super::assignments::Assigned;
use super::columns::cap_at;
use super::intake::{Found, IntakeOf, N_EXAMPLES, UserOutcome, layer_names};
use super::metric_features::{MetricFeatures, metric_features, plan_with};
use crate::app::open_data::OpenData;
use crate::app::{Model, PipelineError};
use crate::dataset::UserIds;
use crate::experiment::{
    Cap, CovariatePlan, ExperimentPlan, Intake, MetricKind, MetricShape, SCALE, Tally, UnitValues,
    fixed_point,
};
use crate::features::{FeatureError, FeaturesAtMoments, features_at_moments};
use crate::input::history::{EventRow, Histories, IdKind, N_BUCKETS, UserId};
use crate::models::segmentation::Outcome;
use crate::settings::Days;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A user who counts.
struct Entrant {
    id: String,
    arm: usize,
    layer: usize,
    exposed_at: i64,
    groups: Vec<String>,
}

/// What is needed to measure users.
pub(super) struct Measurer<'a> {
    pub data: &'a OpenData<'a>,
    /// The model whose predictions are covariates.
    pub model: Option<&'a Model>,
    pub plan: &'a ExperimentPlan,
    /// The plan's file, for messages.
    pub file: &'a Path,
    /// The file of assignments, for messages.
    pub assignments: &'a Path,
    /// End of what is known.
    pub as_of: NaiveDateTime,
    /// What of the assignments groups users, for a targeting: `layer` or `rfm`.
    pub groupings: &'a [String],
}

/// A metric of each user.
struct Measured {
    values: Vec<UnitValues>,
    /// Whether the window is not over yet.
    is_open: Vec<bool>,
}

impl Measurer<'_> {
    /// Tallies the users of a file of assignments.
    pub fn tally(&self, assigned: Vec<Assigned>) -> Result<Found, PipelineError> {
        let refuse = |problem| PipelineError::Plan { file: self.assignments.to_owned(), problem };
        let layers = layer_names(assigned.iter().map(|it| it.layer.as_str()));
        let mut intake = IntakeOf::new(self.plan, micros(self.as_of));
        let mut entrants = Vec::new();
        let places: HashMap<&str, usize> =
            layers.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        for of_user in assigned.chunk_by(|a, b| a.id == b.id) {
            // Rows of a user are in order of entry.
            let first = &of_user[0];
            let arms = of_user.iter().map(|it| it.arm.as_deref());
            if let Some(arm) = intake.arm(&first.id, arms).map_err(refuse)? {
                let exposed_at = first.exposed_at.unwrap_or_else(|| intake.start());
                if intake.is_within(exposed_at) {
                    let layer = places[first.layer.as_str()];
                    let groups = self.groups(first).map_err(refuse)?;
                    entrants.push(Entrant { id: first.id.clone(), arm, layer, exposed_at, groups });
                }
            }
        }
        self.check_model(&entrants)?;
        let mut found = self.tally_entrants(entrants, &layers, intake.into_inner())?;
        self.find_unassigned(&assigned, &mut found.intake)?;
        Ok(Found { layers, ..found })
    }

    /// The groups of a user that a targeting asks for.
    fn groups(&self, user: &Assigned) -> Result<Vec<String>, String> {
        let group = |grouping: &String| match grouping.as_str() {
            "layer" => Ok(user.layer.clone()),
            "rfm" => Ok(user.rfm.clone()),
            other => Err(format!("it groups users by layer and by rfm; got `{other}`")),
        };
        self.groupings.iter().map(group).collect()
    }

    /// Whether the model whose predictions are covariates was there before all users.
    fn check_model(&self, entrants: &[Entrant]) -> Result<(), PipelineError> {
        let Some(model) = self.model.filter(|_| self.plan.needs_predictions()) else {
            return Ok(());
        };
        let known = model.bundle.record.dates.as_of;
        match entrants.iter().any(|it| it.exposed_at < micros(known)) {
            false => Ok(()),
            true => Err(PipelineError::Plan {
                file: self.file.to_owned(),
                problem: format!(
                    "a covariate is a prediction of a model that knows events up to {}, after the \
                     first users entered, which is a leak: use a model that was there before",
                    known.date()
                ),
            }),
        }
    }

    /// Tallies users as if they had all entered at a moment of the past.
    pub fn tally_past(&self, exposed_at: NaiveDateTime) -> Result<Found, PipelineError> {
        let exposed_at = micros(exposed_at);
        let users = known_users(self.data.histories, exposed_at)?;
        let entrant =
            |row| Entrant { id: users.text(row), arm: 0, layer: 0, exposed_at, groups: Vec::new() };
        let entrants = (0..users.len()).map(entrant).collect();
        self.tally_entrants(entrants, &[String::new()], Intake::default())
    }

    fn tally_entrants(
        &self,
        entrants: Vec<Entrant>,
        layers: &[String],
        mut intake: Intake,
    ) -> Result<Found, PipelineError> {
        let kind = self.data.histories.kind();
        // Who cannot be a user of the data has no events: ids as text beside integers.
        let (mut users, strangers) = match kind {
            IdKind::Text => (entrants, Vec::new()),
            IdKind::Integer => {
                entrants.into_iter().partition(|it: &Entrant| it.id.parse::<i64>().is_ok())
            }
        };
        let ids = match kind {
            IdKind::Text => UserIds::Text(users.iter().map(|it| it.id.clone()).collect()),
            IdKind::Integer => {
                users.sort_by_key(|it| it.id.parse::<i64>().unwrap_or_default());
                UserIds::Integer(users.iter().filter_map(|it| it.id.parse().ok()).collect())
            }
        };
        let exposed: Vec<i64> = users.iter().map(|it| it.exposed_at).collect();
        let (measured, is_seen) = self.measure(&ids, &exposed)?;
        intake.n_never_seen += strangers.len() as u64;
        intake.n_never_seen += is_seen.iter().filter(|is_seen| !**is_seen).count() as u64;
        let shapes: Vec<MetricShape> = (0..self.plan.metrics.len())
            .map(|number| self.shape(number, &measured[number]))
            .collect::<Result<_, _>>()?;
        let mut tally = Tally::new(self.plan, layers.len(), &shapes);
        let start = self.plan.start;
        let mut count = |user: &Entrant| {
            tally.count(user.arm, user.layer);
            let day = user.exposed_at.div_euclid(MICROS_PER_DAY);
            let first = micros(start.and_time(Default::default())) / MICROS_PER_DAY;
            if (0..(self.plan.end - start).num_days()).contains(&(day - first)) {
                tally.count_day((day - first) as usize, user.arm);
            }
        };
        users.iter().chain(&strangers).for_each(&mut count);
        for (number, measured) in measured.iter().enumerate() {
            let metric = &mut tally.metrics[number];
            for (row, user) in users.iter().enumerate() {
                match measured.is_open[row] {
                    true => metric.n_open += 1,
                    false => {
                        metric.add(user.arm, user.layer, &measured.values[row], &user.id);
                    }
                }
            }
            for user in &strangers {
                match self.is_over(number, user) {
                    false => metric.n_open += 1,
                    true => metric.add(user.arm, user.layer, &[0; 4], &user.id),
                }
            }
        }
        let outcomes = match self.groupings.is_empty() {
            true => Vec::new(),
            false => self.outcomes(&measured, &shapes, users, strangers),
        };
        Ok(Found { tally, layers: layers.to_vec(), intake, outcomes })
    }

    /// What came of each user whose window is over, by the metric that decides.
    fn outcomes(
        &self,
        measured: &[Measured],
        shapes: &[MetricShape],
        users: Vec<Entrant>,
        strangers: Vec<Entrant>,
    ) -> Vec<UserOutcome> {
        let primary = self.plan.metrics.iter().position(|it| it.primary).unwrap_or(0);
        let (decides, cap) = (&measured[primary], shapes[primary].cap.unwrap_or(i64::MAX));
        let outcome = |user: Entrant, value: i64| UserOutcome {
            id: user.id,
            arm: user.arm,
            value: value.min(cap) as f64 / SCALE,
            groups: user.groups,
        };
        let of_users = users.into_iter().zip(&decides.values).zip(&decides.is_open);
        let of_users = of_users.filter(|(_, is_open)| !**is_open);
        let of_strangers = strangers.into_iter().filter(|user| self.is_over(primary, user));
        of_users
            .map(|((user, values), _)| outcome(user, values[0]))
            .chain(of_strangers.map(|user| outcome(user, 0)))
            .collect()
    }

    /// Whether a user's window of a metric is over.
    fn is_over(&self, metric: usize, user: &Entrant) -> bool {
        let days = self.plan.metrics[metric].window_days.map_or(0, Days::get);
        user.exposed_at + i64::from(days) * MICROS_PER_DAY <= micros(self.as_of)
    }

    /// Every metric of every user, and whether anything is known of the user at all.
    fn measure(
        &self,
        users: &UserIds,
        exposed: &[i64],
    ) -> Result<(Vec<Measured>, Vec<bool>), PipelineError> {
        let features = metric_features(self.data, self.file, self.plan)?;
        let end = micros(self.as_of);
        let empty = self.data.catalogue(self.data.input.last_time)?.select(&[]);
        let mut is_seen = vec![false; users.len()];
        let mut measured: Vec<Measured> = features
            .iter()
            .map(|_| Measured {
                values: vec![[0; 4]; users.len()],
                is_open: vec![false; users.len()],
            })
            .collect();
        let mut windows: Vec<u32> = features.iter().map(|it| it.window_days).collect();
        windows.sort_unstable();
        windows.dedup();
        for days in windows {
            let moments: Vec<i64> =
                exposed.iter().map(|it| it + i64::from(days) * MICROS_PER_DAY).collect();
            let of_window: Vec<usize> =
                (0..features.len()).filter(|&it| features[it].window_days == days).collect();
            let wanted = of_window.iter().flat_map(|&it| features[it].after.clone()).collect();
            let known = self.at(&plan_with(&empty, wanted), users, &moments)?;
            is_seen.iter_mut().zip(&known.is_known).for_each(|(seen, known)| *seen |= known);
            let mut column = 0;
            for number in of_window {
                self.put(
                    &mut measured[number],
                    number,
                    &known,
                    &mut column,
                    &features[number].after,
                    0,
                )?;
                let is_open = moments.iter().map(|moment| *moment > end);
                measured[number].is_open = is_open.collect();
            }
        }
        self.measure_before(users, exposed, &features, &empty, &mut measured)?;
        Ok((measured, is_seen))
    }

    /// Covariates, all as of exposure.
    fn measure_before(
        &self,
        users: &UserIds,
        exposed: &[i64],
        features: &[MetricFeatures],
        empty: &crate::features::FeaturePlan,
        measured: &mut [Measured],
    ) -> Result<(), PipelineError> {
        let wanted: Vec<_> = features.iter().flat_map(|it| it.before.clone()).collect();
        if !wanted.is_empty() {
            let known = self.at(&plan_with(empty, wanted), users, exposed)?;
            let mut column = 0;
            for (number, it) in features.iter().enumerate() {
                self.put(&mut measured[number], number, &known, &mut column, &it.before, 2)?;
            }
        }
        if !self.plan.needs_predictions() {
            return Ok(());
        }
        let Some(model) = self.model else {
            return Err(PipelineError::Plan {
                file: self.file.to_owned(),
                problem: "a covariate is a prediction: name the model by --bundle".into(),
            });
        };
        let known = self.at(&model.bundle.plan, users, exposed)?;
        for (metric, measured) in self.plan.metrics.iter().zip(measured) {
            let predicted: Vec<f64> = match metric.covariate(false) {
                // Without what the model of orders adds, of which a table of moments knows
                // nothing: a covariate need not be calibrated.
                CovariatePlan::ChurnProbability => {
                    model.bundle.churn.predict(&known.features, &[])?
                }
                CovariatePlan::PredictedGmv => {
                    const VALUE: [Outcome; 4] =
                        [Outcome::Gmv, Outcome::Orders, Outcome::LogGmv, Outcome::LogOrders];
                    let layers = &model.bundle.layers;
                    let found = layers.embedding.predicted(&VALUE, &known.features)?;
                    found.unwrap_or_default().into_iter().map(f64::from).collect()
                }
                _ => continue,
            };
            let rows = measured.values.iter_mut().zip(&predicted).zip(&known.is_known);
            for ((values, predicted), is_known) in rows {
                // Nothing is predicted of who is not known.
                values[2] = if *is_known { fixed_point(*predicted).unwrap_or(0) } else { 0 };
            }
        }
        Ok(())
    }

    fn at(
        &self,
        plan: &crate::features::FeaturePlan,
        users: &UserIds,
        moments: &[i64],
    ) -> Result<FeaturesAtMoments, FeatureError> {
        features_at_moments(self.data.engine, self.data.histories, plan, users, moments)
    }

    /// Puts a metric's features, of which the first is at `column`, into its values from
    /// place `first` on.
    fn put(
        &self,
        measured: &mut Measured,
        number: usize,
        known: &FeaturesAtMoments,
        column: &mut usize,
        features: &[crate::features::Feature],
        first: usize,
    ) -> Result<(), PipelineError> {
        let metric = &self.plan.metrics[number];
        let values = known.features.values();
        for place in first..first + features.len() {
            for (row, value) in values.column(*column).iter().enumerate() {
                let fixed = fixed_point(*value).ok_or_else(|| PipelineError::Plan {
                    file: self.file.to_owned(),
                    problem: format!("a value of metric `{}` is too large: {value}", metric.name),
                })?;
                measured.values[row][place] = match metric.kind {
                    MetricKind::Share => {
                        if fixed > 0 {
                            SCALE as i64
                        } else {
                            0
                        }
                    }
                    _ => fixed,
                };
            }
            *column += 1;
        }
        Ok(())
    }

    fn shape(&self, number: usize, measured: &Measured) -> Result<MetricShape, PipelineError> {
        let metric = &self.plan.metrics[number];
        let cap = match metric.cap {
            None => None,
            Some(Cap::Value(value)) => fixed_point(value.get()),
            Some(Cap::Quantile(share)) => {
                let rows = measured.values.iter().zip(&measured.is_open);
                let not_zero = rows.filter(|(it, is_open)| !**is_open && it[0] != 0);
                let values: Vec<f64> = not_zero.map(|(it, _)| it[0] as f64).collect();
                cap_at(&metric.name, values, share.get()).map_err(|problem| {
                    PipelineError::Plan { file: self.file.to_owned(), problem }
                })?
            }
        };
        let caps_covariate = metric.covariate(false) == CovariatePlan::Before;
        Ok(MetricShape { form: metric.form(false), cap, caps_covariate })
    }

    /// Users with an event since the start who were never assigned.
    fn find_unassigned(
        &self,
        assigned: &[Assigned],
        intake: &mut Intake,
    ) -> Result<(), FeatureError> {
        let (start, end) =
            (micros(self.plan.start.and_time(Default::default())), micros(self.as_of));
        let histories = self.data.histories;
        let of_buckets = histories.map_buckets(0..N_BUCKETS, |bucket| {
            let mut found: Vec<String> = Vec::new();
            histories.for_each_user(bucket, |history| {
                let is_there = |it: &EventRow| it.time >= start && it.time < end;
                if history.events.iter().any(is_there) {
                    let id = history.user.to_string();
                    if assigned.binary_search_by(|it| it.id.as_str().cmp(&id)).is_err() {
                        found.push(id);
                    }
                }
                Ok::<_, FeatureError>(())
            })?;
            Ok::<_, FeatureError>(found)
        })?;
        let mut found: Vec<String> = of_buckets.into_iter().flatten().collect();
        found.sort_unstable();
        intake.n_never_assigned = found.len() as u64;
        found.truncate(N_EXAMPLES);
        intake.never_assigned = found;
        Ok(())
    }
}

fn micros(moment: NaiveDateTime) -> i64 {
    moment.and_utc().timestamp_micros()
}

/// Users of whom anything was known before a moment, in order.
pub(super) fn known_users(histories: &Histories, before: i64) -> Result<UserIds, FeatureError> {
    let of_buckets = histories.map_buckets(0..N_BUCKETS, |bucket| {
        let mut found = Vec::new();
        histories.for_each_user(bucket, |history| {
            if history.events.iter().any(|it| it.known_from() < before) {
                found.push(history.user.clone());
            }
            Ok::<_, FeatureError>(())
        })?;
        Ok::<_, FeatureError>(found)
    })?;
    let mut found: Vec<UserId> = of_buckets.into_iter().flatten().collect();
    found.sort_unstable();
    let is_integer = histories.kind() == IdKind::Integer;
    Ok(match is_integer {
        true => UserIds::Integer(
            found
                .iter()
                .filter_map(|it| if let UserId::Integer(id) = it { Some(*id) } else { None })
                .collect(),
        ),
        false => UserIds::Text(found.iter().map(UserId::to_string).collect()),
    })
}
