//! A scoring run as OpenLineage events, one JSON object a line.
//!
//! Source: OpenLineage, "RunEvent", version 2-0-2, and its facets.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::app::{Scored, score_columns};
use crate::input::source::SourceParams;
use crate::watch::Level;

/// A run as lineage sees it.
pub struct LineageRun<'a> {
    /// 32 hexadecimal digits that tell it from all others: the same for both of its events.
    pub id: &'a str,
    /// When the event happened.
    pub at: DateTime<Utc>,
    /// Name of the model.
    pub model: &'a str,
    /// What is read.
    pub sources: &'a [SourceParams],
    /// How it ended; `None` while it begins.
    pub end: Option<Result<&'a Scored, &'a str>>,
}

const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const PRODUCER: &str = concat!("urn:layercake:score:", env!("CARGO_PKG_VERSION"));

/// The line of an event, without its end.
pub fn openlineage(run: &LineageRun<'_>) -> String {
    let scored = run.end.and_then(Result::ok);
    let mut run_facets = json!({
        "processing_engine": facet("1-1-1", "ProcessingEngineRunFacet", json!({
            "name": "layercake", "version": env!("CARGO_PKG_VERSION"),
        })),
    });
    if let Some(scored) = scored {
        let night = scored.summary.as_of.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        run_facets["nominalTime"] =
            facet("1-0-1", "NominalTimeRunFacet", json!({ "nominalStartTime": night }));
    }
    if let Some(Err(message)) = run.end {
        run_facets["errorMessage"] = facet(
            "1-0-1",
            "ErrorMessageRunFacet",
            json!({
                "message": message, "programmingLanguage": "Rust",
            }),
        );
    }
    let event_type = match run.end {
        None => "START",
        Some(Ok(_)) => "COMPLETE",
        Some(Err(_)) => "FAIL",
    };
    json!({
        "eventType": event_type,
        "eventTime": run.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": { "runId": uuid(run.id), "facets": run_facets },
        "job": { "namespace": "layercake", "name": format!("score.{}", run.model) },
        "inputs": run.sources.iter().map(|it| input(it, scored)).collect::<Vec<_>>(),
        "outputs": scored.iter().map(|it| output(it)).collect::<Vec<_>>(),
    })
    .to_string()
}

/// A facet with what every facet has.
fn facet(version: &str, name: &str, content: Value) -> Value {
    let mut facet = json!({
        "_producer": PRODUCER,
        "_schemaURL": format!(
            "https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"
        ),
    });
    if let (Some(facet), Value::Object(content)) = (facet.as_object_mut(), content) {
        facet.extend(content);
    }
    facet
}

/// A data set by OpenLineage's rule of names: the store, and the path therein.
fn dataset(path: &str) -> Value {
    match path.split_once("://") {
        Some((scheme, rest)) => {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            json!({ "namespace": format!("{scheme}://{bucket}"), "name": key })
        }
        None => json!({ "namespace": "file", "name": path }),
    }
}

fn input(source: &SourceParams, scored: Option<&Scored>) -> Value {
    let paths = source.path.as_slice();
    let mut input = dataset(paths.first().map_or("", String::as_str));
    let Some(scored) = scored else { return input };
    let facts = &scored.summary.facts;
    let Some(feed) = facts.feeds.iter().find(|it| it.source == source.label()) else {
        return input;
    };
    let odd = scored.summary.checks.iter().filter(|check| {
        let source = &feed.source;
        check.subject == *source || check.subject.starts_with(&format!("{source}."))
    });
    let assertions: Vec<Value> = odd
        .map(|check| json!({ "assertion": check.key(), "success": check.level == Level::Warn }))
        .collect();
    input["inputFacets"] = json!({
        "inputStatistics": facet("1-0-0", "InputStatisticsInputDatasetFacet", json!({
            "rowCount": feed.n_rows,
        })),
        "dataQualityAssertions": facet("1-0-1", "DataQualityAssertionsDatasetFacet", json!({
            "assertions": assertions,
        })),
    });
    input
}

fn output(scored: &Scored) -> Value {
    let summary = &scored.summary;
    let path = scored.folder.join(&summary.scores.name);
    let mut output = dataset(&path.display().to_string());
    let fields: Vec<Value> = score_columns()
        .iter()
        .map(|column| {
            let contract = column.contract();
            json!({
                "name": contract.name, "type": contract.kind, "description": column.meaning.en,
            })
        })
        .collect();
    output["facets"] =
        json!({ "schema": facet("1-1-1", "SchemaDatasetFacet", json!({ "fields": fields })) });
    output["outputFacets"] = json!({
        "outputStatistics": facet("1-0-2", "OutputStatisticsOutputDatasetFacet", json!({
            "rowCount": summary.n_users, "size": summary.scores.bytes,
        })),
    });
    output
}

/// 32 hexadecimal digits as a UUID whose content is the program's own (version 8).
///
/// Source: RFC 9562, §5.8.
fn uuid(digits: &str) -> String {
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    let [a, b, c, d, e] = [part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32)];
    format!("{a}-{b}-8{c}-8{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_begins_and_may_fail() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let id = "f".repeat(32);
        let run = LineageRun { id: &id, at, model: "shop", sources: &[], end: None };
        let event = |end| -> Value {
            serde_json::from_str(&openlineage(&LineageRun { end, ..run_of(&run) })).unwrap()
        };
        let start = event(None);
        assert_eq!(start["eventType"], "START");
        assert_eq!(start["eventTime"], "2027-01-15T08:00:00.000Z");
        assert_eq!(start["run"]["runId"], "ffffffff-ffff-8fff-8fff-ffffffffffff");
        assert_eq!(start["job"]["name"], "score.shop");
        let failed = event(Some(Err("no feed")));
        assert_eq!(failed["eventType"], "FAIL");
        assert_eq!(failed["run"]["facets"]["errorMessage"]["message"], "no feed");
        assert_eq!(failed["run"]["runId"], start["run"]["runId"]);
    }

    fn run_of<'a>(run: &LineageRun<'a>) -> LineageRun<'a> {
        let LineageRun { id, at, model, sources, end } = *run;
        LineageRun { id, at, model, sources, end }
    }

    #[test]
    fn stores_are_part_of_the_namespace() {
        let of_store = dataset("s3://lake/orders/*.parquet");
        assert_eq!(of_store, json!({ "namespace": "s3://lake", "name": "orders/*.parquet" }));
        assert_eq!(dataset("data/a.csv"), json!({ "namespace": "file", "name": "data/a.csv" }));
    }
}
