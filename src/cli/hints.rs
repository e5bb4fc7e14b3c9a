//! What to type next after an error. Errors themselves name no program and no option,
//! since programs other than ours meet them too.

use crate::app::PipelineError;
use crate::bundle::BundleError;
use crate::features::FeatureError;

/// What to type, where something can be typed about it.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    let found = match error.downcast_ref::<PipelineError>() {
        Some(PipelineError::Bundle(cause)) => of_bundle(cause),
        Some(PipelineError::Feature(FeatureError::NoSuchFeature { .. })) => {
            Some("`layercake-train show features --config FILE` lists all")
        }
        Some(PipelineError::NotSealed { file }) => {
            return Some(format!("`layercake-compare plan {} --seal` seals it", file.display()));
        }
        Some(PipelineError::Rule { .. }) => Some("mend the rule, or use --no-review"),
        Some(PipelineError::NoLabelsYet { latest, .. }) => {
            return Some(format!("--as-of {latest}"));
        }
        Some(PipelineError::DatesOutOfOrder { .. }) => Some("see --from and --to"),
        Some(PipelineError::MatrixPlace { .. }) => Some("see --out"),
        Some(PipelineError::Offers { .. }) => {
            Some("layers are named by default, kinds with --of kinds")
        }
        _ => error.downcast_ref::<BundleError>().and_then(of_bundle),
    };
    found.map(str::to_owned)
}

fn of_bundle(error: &BundleError) -> Option<&'static str> {
    match error {
        BundleError::NotABundle { .. } => Some("`layercake-train --config FILE` makes one"),
        BundleError::NoLineage { .. } => {
            Some("`layercake-train --config FILE` writes it with the bundle")
        }
        _ => None,
    }
}
