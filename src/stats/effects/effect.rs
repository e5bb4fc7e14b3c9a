//! The difference between an arm and the control, absolute and relative.

use serde::{Deserialize, Serialize};

use super::estimate::Estimate;
use super::sequential::AlwaysValid;
use crate::stats::distributions::{student_critical, student_two_sided};
use crate::stats::resample::Interval;

/// An arm against the control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// The control.
    pub control: Estimate,
    /// The arm.
    pub treated: Estimate,
    /// Covariance of the two values: 0 but where both share an estimated weight.
    pub covariance: f64,
}

/// How an interval of the relative lift is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiftInterval {
    /// All lifts that a test of the difference would not refuse: it excludes 0 just where
    /// the interval of the difference does (Fieller 1954).
    Fieller,
    /// The delta method on the quotient, as GrowthBook has it.
    Delta,
    /// The delta method on its logarithm, as tea-tasting has it.
    Log,
}

impl Effect {
    /// Two arms of different users.
    pub fn between(control: Estimate, treated: Estimate) -> Self {
        Self { control, treated, covariance: 0.0 }
    }

    /// The arm less the control.
    pub fn difference(&self) -> f64 {
        self.treated.value - self.control.value
    }

    /// Standard error of the difference.
    pub fn standard_error(&self) -> f64 {
        self.standard_error_of(1.0)
    }

    /// Standard error of the arm less `multiple` times the control.
    fn standard_error_of(&self, multiple: f64) -> f64 {
        let (treated, control) = (self.treated.variance(), self.control.variance());
        let both = 2.0 * multiple * self.covariance;
        (treated + multiple * multiple * control - both).max(0.0).sqrt()
    }

    /// Whether both arms have users, and the metric varies over them: else there is nothing
    /// to test.
    pub fn is_testable(&self) -> bool {
        let (is_known, error) = (self.difference().is_finite(), self.standard_error());
        self.control.n > 1.0 && self.treated.n > 1.0 && is_known && error > 0.0
    }

    /// Degrees of freedom of Welch's t.
    ///
    /// Source: Welch (1947), "The generalization of Student's problem when several
    /// different population variances are involved", Biometrika 34.
    pub fn degrees_of_freedom(&self) -> f64 {
        let (a, b) = (self.treated.variance(), self.control.variance());
        (a + b).powi(2) / (a * a / (self.treated.n - 1.0) + b * b / (self.control.n - 1.0))
    }

    /// Two-sided p-value of the difference, by Welch's t, at one look.
    pub fn p_value(&self) -> f64 {
        student_two_sided(self.difference() / self.standard_error(), self.degrees_of_freedom())
    }

    /// Standard errors on each side of an interval that is valid at one look.
    pub fn one_look(&self, alpha: f64) -> f64 {
        student_critical(alpha, self.degrees_of_freedom())
    }

    /// The same for the interval of a lift: on the log scale, degrees of freedom are those
    /// of the difference of logarithms.
    pub fn one_look_of_lift(&self, kind: LiftInterval, alpha: f64) -> f64 {
        if kind != LiftInterval::Log {
            return self.one_look(alpha);
        }
        let relative =
            |it: Estimate| Estimate { unit_variance: it.unit_variance / it.value.powi(2), ..it };
        Self { control: relative(self.control), treated: relative(self.treated), ..*self }
            .one_look(alpha)
    }

    /// Two-sided p-value of the difference that is valid at every look.
    pub fn always_valid_p_value(&self, sequence: AlwaysValid) -> f64 {
        sequence.p_value(self.difference() / self.standard_error(), self.n())
    }

    /// Standard errors on each side of an interval that is valid at every look.
    pub fn every_look(&self, sequence: AlwaysValid, alpha: f64) -> f64 {
        sequence.critical(alpha, self.n())
    }

    fn n(&self) -> f64 {
        self.control.n + self.treated.n
    }

    /// The difference ± so many standard errors.
    pub fn interval(&self, critical: f64) -> Interval {
        let half = critical * self.standard_error();
        Interval { low: self.difference() - half, high: self.difference() + half }
    }

    /// The difference by the size of the control; `None` where that is 0.
    pub fn lift(&self) -> Option<f64> {
        let lift = self.difference() / self.control.value.abs();
        lift.is_finite().then_some(lift)
    }

    /// Standard error of the lift by the delta method; `None` where the control is 0.
    pub fn lift_standard_error(&self) -> Option<f64> {
        let (control, treated) = (self.control.value, self.treated.value);
        (control != 0.0).then(|| self.standard_error_of(treated / control) / control.abs())
    }

    /// The interval of the lift, so many standard errors wide; `None` where the control is
    /// 0, or cannot be told from 0 by the same measure: any lift would do then.
    pub fn lift_interval(&self, kind: LiftInterval, critical: f64) -> Option<Interval> {
        let lift = self.lift()?;
        match kind {
            LiftInterval::Fieller => self.fieller(critical),
            LiftInterval::Delta => {
                let half = critical * self.lift_standard_error()?;
                Some(Interval { low: lift - half, high: lift + half })
            }
            LiftInterval::Log => {
                let multiple = self.treated.value / self.control.value;
                let of_log = self.lift_standard_error()? / multiple;
                let end = |side: f64| {
                    let lift = multiple * (side * critical * of_log).exp() - 1.0;
                    lift * self.control.value.signum()
                };
                let ends = [end(-1.0), end(1.0)];
                let interval = Interval { low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) };
                (multiple > 0.0).then_some(interval)
            }
        }
    }

    /// Multiples m of the control for which |treated − m · control| is at most `critical`
    /// of its standard errors: between the roots of a quadratic.
    ///
    /// Source: Fieller (1954), "Some problems in interval estimation", JRSS B 16.
    fn fieller(&self, critical: f64) -> Option<Interval> {
        let (control, treated) = (self.control.value, self.treated.value);
        let square = critical * critical;
        let a = control * control - square * self.control.variance();
        let b = treated * control - square * self.covariance;
        let c = treated * treated - square * self.treated.variance();
        let root = (b * b - a * c).max(0.0).sqrt();
        let lift = |multiple: f64| (multiple - 1.0) * control.signum();
        let ends = [lift((b - root) / a), lift((b + root) / a)];
        (a > 0.0).then(|| Interval { low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) })
    }
}
