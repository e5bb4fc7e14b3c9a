//! The plan's file, and the seal beside it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::app::PipelineError;
use crate::config::parse_toml;
use crate::experiment::{Deviation, ExperimentPlan, Sealed, deviations};
use crate::files::write_atomically;

/// A plan that was read and checked, with its seal if it has one.
#[derive(Debug, Clone)]
pub struct PlanFile {
    /// Where it stands.
    pub file: PathBuf,
    /// What stands there now.
    pub plan: ExperimentPlan,
    /// What was sealed.
    pub sealed: Option<Sealed>,
}

impl PlanFile {
    /// Reads a plan, and the seal beside it.
    ///
    /// # Errors
    /// When either cannot be read, has an unknown key, or does not hold together.
    pub fn read(file: &Path) -> Result<Self, PipelineError> {
        let refuse = |problem: String| PipelineError::Plan { file: file.to_owned(), problem };
        let text = std::fs::read_to_string(file)
            .map_err(|error| refuse(format!("can't be read ({error})")))?;
        let plan: ExperimentPlan = parse_toml(&text, file)?;
        plan.check().map_err(|conflict| refuse(conflict.to_string()))?;
        let place = place_of_seal(file);
        let sealed = match std::fs::read_to_string(&place) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(refuse(format!("its seal can't be read ({error})"))),
            Ok(text) => {
                let sealed: Sealed = parse_toml(&text, &place)?;
                sealed.check().map_err(|error| PipelineError::Plan {
                    file: place,
                    problem: error.to_string(),
                })?;
                Some(sealed)
            }
        };
        Ok(Self { file: file.to_owned(), plan, sealed })
    }

    /// What was changed since the plan was sealed.
    pub fn deviations(&self) -> Vec<Deviation> {
        self.sealed.as_ref().map_or_else(Vec::new, |it| deviations(&it.plan, &self.plan))
    }

    /// The plan as it was sealed, with the coverage of now: that may rise.
    ///
    /// # Errors
    /// When it was not.
    pub fn sealed(&self) -> Result<Sealed, PipelineError> {
        let missing = || PipelineError::NotSealed { file: self.file.clone() };
        let mut sealed = self.sealed.clone().ok_or_else(missing)?;
        sealed.raise_coverage(self.plan.coverage);
        Ok(sealed)
    }

    /// The sealed plan, of which nothing was changed since.
    ///
    /// # Errors
    /// When it was not sealed, or changed.
    pub fn unchanged(&self) -> Result<Sealed, PipelineError> {
        let sealed = self.sealed()?;
        match self.deviations().first() {
            None => Ok(sealed),
            Some(first) => Err(PipelineError::ChangedPlan {
                file: self.file.clone(),
                key: first.key.clone(),
                sealed: first.sealed.clone().unwrap_or_else(|| "not set".into()),
                now: first.now.clone().unwrap_or_else(|| "not set".into()),
            }),
        }
    }
}

/// Beside the plan: `spring.toml` has `spring.sealed.toml`.
fn place_of_seal(file: &Path) -> PathBuf {
    file.with_extension("sealed.toml")
}

/// Seals a plan, unless it was sealed already; returns where the seal stands.
///
/// # Errors
/// When the plan was changed since it was sealed, or the seal cannot be written.
pub fn seal(plan: &PlanFile) -> Result<PathBuf, PipelineError> {
    let place = place_of_seal(&plan.file);
    if plan.sealed.is_some() {
        plan.unchanged()?;
        return Ok(place);
    }
    let text = Sealed::new(&plan.plan).to_toml();
    write_atomically(&place, |file| file.write_all(text.as_bytes()))
        .map_err(|cause| PipelineError::Output { path: place.clone(), cause })?;
    Ok(place)
}
