//! The columns of the scores, one row each: files and the reference in `docs` follow.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};

use super::churn_scores::N_REASONS;
use super::column::{Ranked, ScoreColumn, ScoreType, Words};
use super::user_scores::UserScores;
use super::value_columns::value_columns;
use crate::dataset::{Bilingual, ColumnContract};
use crate::files::user_id_array;
use crate::models::churn::Reason;

const WHO_NEVER_ORDERED: Words = ("who never ordered", "从未下单的用户");
const WHO_IS_NOT_ELIGIBLE: Words = ("who is not `eligible`", "`churn_status`不是`eligible`的用户");
const WHO_NEVER_DID_IT: Words = ("who never did the event", "从未发生该事件的用户");

/// All columns, in the order of the file.
pub fn score_columns() -> Vec<ScoreColumn> {
    let mut columns = grouping_columns();
    columns.extend(churn_columns());
    columns.extend((0..N_REASONS).flat_map(reason_columns));
    columns.extend(recovery_columns());
    columns.extend(silence_columns());
    columns.extend(value_columns());
    columns
}

/// What the columns promise, as it is saved with a model.
pub fn score_contract() -> Vec<ColumnContract> {
    score_columns().iter().map(ScoreColumn::contract).collect()
}

fn grouping_columns() -> Vec<ScoreColumn> {
    type Column = ScoreColumn;
    vec![
        Column::ready(
            "user_id",
            ScoreType::UserId,
            Bilingual::new("the user, as the id came in", "用户，与输入数据中的编号一致"),
            |scores| user_id_array(&scores.snapshot.users),
        ),
        Column::text(
            "layer_id",
            (
                "the layer; the id stays for as long as it is the same group, and in a first \
                 model `L1` is the layer of the largest GMV a user",
                "分层编号；只要仍是同一群体，编号就不变；首个模型中`L1`是人均GMV最高的层",
            ),
            |scores, user| Some(&scores.layer(user).id),
        ),
        Column::text("layer", ("name of the layer", "分层的英文名称"), |scores, user| {
            Some(&scores.layer(user).name)
        }),
        Column::text(
            "layer_zh",
            ("name of the layer in Chinese", "分层的中文名称"),
            |scores, user| Some(&scores.layer(user).name_zh),
        ),
        Column::text(
            "assigned_by",
            (
                "what put the user there: `pin:ID`, `split:ID`, `merge:ID` (of the layer merged \
                 away) or `cluster`",
                "分入该层的依据：`pin:ID`、`split:ID`、`merge:ID`（被合并的层）或`cluster`",
            ),
            |scores, user| Some(&scores.layers.assigned_by[user]),
        ),
        Column::number(
            "layer_margin",
            (
                "how clear the choice of the cluster is, whatever the review made of it: 0 on the \
                 border to another layer, 1 at the centre",
                "聚类归属的明确程度，与审阅无关：0在与另一层的边界上，1在中心",
            ),
            |scores, user| Some(scores.layers.margins[user]),
        )
        .in_unit("0 to 1")
        .within(0.0, 1.0),
        Column::text(
            "kind_id",
            (
                "the kind: how the user shops, whatever the volume; the id stays for as long as \
                 it is the same group, and `K0` are users of whom too little is known yet",
                "类型编号：用户如何购物，与消费量无关；只要仍是同一群体，编号就不变；`K0`为了解尚少的用户",
            ),
            |scores, user| Some(&scores.kind(user).id),
        ),
        Column::text("kind", ("name of the kind", "类型的英文名称"), |scores, user| {
            Some(&scores.kind(user).name)
        }),
        Column::text(
            "kind_zh",
            ("name of the kind in Chinese", "类型的中文名称"),
            |scores, user| Some(&scores.kind(user).name_zh),
        ),
        Column::text(
            "kind_assigned_by",
            (
                "what put the user there, as of `assigned_by`",
                "分入该类型的依据，含义同`assigned_by`",
            ),
            |scores, user| Some(&scores.kinds.assigned_by[user]),
        ),
        Column::number(
            "kind_margin",
            (
                "how clear the choice of the kind is, as of `layer_margin`; 0 for `K0`",
                "类型归属的明确程度，含义同`layer_margin`；`K0`为0",
            ),
            |scores, user| Some(scores.kinds.margins[user]),
        )
        .in_unit("0 to 1")
        .within(0.0, 1.0),
        Column::text(
            "rfm_segment",
            ("one of ten names, or of `[rfm.map]`", "十种名称之一，或`[rfm.map]`中的名称"),
            |scores, user| scores.rfm_segments.customer_group(user),
        )
        .missing_for(WHO_NEVER_ORDERED),
        Column::text(
            "rfm_cell",
            (
                "scores of R, F and M, each 1 to 5 (best), such as `543`",
                "R、F、M得分，各为1至5（最好），例如`543`",
            ),
            |scores, user| scores.rfm_cells.customer_group(user),
        )
        .missing_for(WHO_NEVER_ORDERED),
        Column::text(
            "rfm_level",
            (
                "one of 18: recent (R 4-5), cooling (3) or lapsed; frequent (F 4-5), occasional \
                 (2-3) or rare; high-spend (M 4-5) or low-spend",
                "18种之一：recent（R 4-5）、cooling（3）或lapsed；frequent（F 4-5）、occasional\
                 （2-3）或rare；high-spend（M 4-5）或low-spend",
            ),
            |scores, user| scores.rfm_levels.customer_group(user),
        )
        .missing_for(WHO_NEVER_ORDERED),
        Column::text(
            "value_demand",
            (
                "high-value or low-value (mean amount of an order) and high-demand or low-demand \
                 (number of orders), high being above the customers' median",
                "high-value或low-value（客单价）与high-demand或low-demand（订单数），高于客户\
                 中位数为高",
            ),
            |scores, user| scores.value_demand.customer_group(user),
        )
        .missing_for(WHO_NEVER_ORDERED),
        Column::text(
            "lifecycle_stage",
            ("`prospect`, `new`, `active` or `dormant`", "`prospect`、`new`、`active`或`dormant`"),
            |scores, user| Some(scores.stages[user]),
        ),
        Column::number(
            "days_since_last_order",
            ("days since the last order; begun days count", "距上次下单的天数，不足一天按一天计"),
            |scores, user| scores.days_since_last_order[user],
        )
        .in_unit("days")
        .missing_for(WHO_NEVER_ORDERED),
    ]
}

fn churn_columns() -> Vec<ScoreColumn> {
    type Column = ScoreColumn;
    vec![
        Column::text(
            "churn_status",
            (
                "`eligible`, or why a user has no probability: `never` did the event, `too_new` \
                 (by `min_age_days`; with `own_gap` also fewer than two gaps), `out_of_lookback`, \
                 and with the rules of silence `silent` already or `not_due` in the horizon",
                "`eligible`，或没有概率的原因：`never`（从未发生该事件）、`too_new`（不满\
                 `min_age_days`；`own_gap`规则下还包括间隔少于两个）、`out_of_lookback`（超出\
                 回看期），以及沉默规则下的`silent`（已沉默）或`not_due`（期限内不会沉默）",
            ),
            |scores, user| Some(scores.churn.statuses[user]),
        ),
        Column::number(
            "churn_probability",
            ("calibrated, of churn by the rule of the config", "按配置规则流失的概率，经过校准"),
            |scores, user| scores.churn.probabilities[user],
        )
        .in_unit("0 to 1")
        .within(0.0, 1.0)
        .missing_for(WHO_IS_NOT_ELIGIBLE),
        Column::ranked(
            "churn_percentile",
            ScoreType::Number,
            (
                "rank among the eligible users, 0 (safest) to 100; of equal ones the middle",
                "在eligible用户中的排名，0（最安全）至100；并列者取中间",
            ),
            Ranked::ChurnPercentile,
        )
        .in_unit("0 to 100")
        .within(0.0, 100.0)
        .missing_for(WHO_IS_NOT_ELIGIBLE),
        Column::ranked(
            "at_risk",
            ScoreType::Flag,
            (
                "whether the user is flagged, by `[churn] flag`",
                "是否标记为有流失风险，依据`[churn] flag`",
            ),
            Ranked::AtRisk,
        ),
        Column::number(
            "churn_log_odds",
            ("what the classifier says before calibration", "分类器校准之前的输出"),
            |scores, user| scores.churn.log_odds[user],
        )
        .in_unit("log odds")
        .missing_for(WHO_IS_NOT_ELIGIBLE),
    ]
}

/// The columns of the reason at a place from 0, the strongest first.
fn reason_columns(place: usize) -> [ScoreColumn; 6] {
    let number = place + 1;
    let column = |suffix: &str, kind, meaning: Words, values: Box<ReasonValues>| {
        let meaning = Bilingual::new(
            format!("reason {number}: {}", meaning.0),
            format!("第{number}原因：{}", meaning.1),
        );
        let name = format!("reason_{number}{suffix}");
        ScoreColumn::ready(name, kind, meaning, move |scores| values(scores, place)).missing_for((
            "who is not `eligible`, or has fewer reasons",
            "`churn_status`不是`eligible`，或原因没有这么多的用户",
        ))
    };
    [
        column(
            "",
            ScoreType::Text,
            (
                "a sentence; reasons stand in order of what they add to the log odds",
                "英文句子；各原因按对 log odds 的贡献由大到小排列",
            ),
            Box::new(|scores, place| Arc::new(scores.churn.sentences[place].en.clone())),
        ),
        column(
            "_zh",
            ScoreType::Text,
            ("the sentence in Chinese", "中文句子"),
            Box::new(|scores, place| Arc::new(scores.churn.sentences[place].zh.clone())),
        ),
        column(
            "_theme",
            ScoreType::Text,
            ("its theme", "主题"),
            Box::new(|scores, place| {
                let themes = reasons(scores, place).map(|it| Some(it?.theme.as_str()));
                Arc::new(themes.collect::<StringArray>())
            }),
        ),
        column(
            "_feature",
            ScoreType::Text,
            ("the feature that shows the theme best", "最能体现该主题的特征"),
            Box::new(|scores, place| {
                let words = &scores.churn.words;
                let names = reasons(scores, place).map(|it| Some(words.name(it?)));
                Arc::new(names.collect::<StringArray>())
            }),
        ),
        column(
            "_value",
            ScoreType::Number,
            ("value of that feature, in its own unit", "该特征的值，单位同该特征"),
            Box::new(|scores, place| {
                let values = reasons(scores, place).map(|it| Some(it?.value));
                Arc::new(values.collect::<Float64Array>())
            }),
        ),
        column(
            "_contribution",
            ScoreType::Number,
            (
                "what all features of the theme add to the log odds, together",
                "该主题的所有特征对log odds的贡献之和",
            ),
            Box::new(|scores, place| {
                let values = reasons(scores, place).map(|it| Some(it?.contribution));
                Arc::new(values.collect::<Float64Array>())
            }),
        )
        .in_unit("log odds"),
    ]
}

/// One value for each user, about the reason at a place.
type ReasonValues = dyn Fn(&UserScores<'_>, usize) -> ArrayRef + Send + Sync;

/// The reason at a place, of every user.
fn reasons<'a>(
    scores: &'a UserScores<'_>,
    place: usize,
) -> impl Iterator<Item = Option<&'a Reason>> {
    scores.churn.reasons.iter().map(move |it| it.as_ref()?.raising.get(place))
}

fn recovery_columns() -> Vec<ScoreColumn> {
    type Column = ScoreColumn;
    const WHO_CANNOT_LEAVE: Words = (
        "who is `never`, `too_new` or `not_due`",
        "`churn_status`为`never`、`too_new`或`not_due`的用户",
    );
    vec![
        Column::number(
            "reasons_rest",
            (
                "all else: with the three contributions it sums to `churn_log_odds`",
                "其余部分：与三个contribution相加等于`churn_log_odds`",
            ),
            |scores, user| Some(scores.churn.reasons[user].as_ref()?.rest),
        )
        .in_unit("log odds")
        .missing_for(WHO_IS_NOT_ELIGIBLE),
        Column::text(
            "recovery",
            (
                "what would count as having stayed: the event before that moment; any event for \
                 who is silent already",
                "怎样算留存（英文）：在该时刻之前发生该事件；已沉默者任何一次事件都算",
            ),
            |scores, user| Some(&scores.churn.recoveries[user].as_ref()?.en),
        )
        .missing_for(WHO_CANNOT_LEAVE),
        Column::text(
            "recovery_zh",
            ("the same in Chinese", "怎样算留存（中文）"),
            |scores, user| Some(&scores.churn.recoveries[user].as_ref()?.zh),
        )
        .missing_for(WHO_CANNOT_LEAVE),
    ]
}

fn silence_columns() -> Vec<ScoreColumn> {
    type Column = ScoreColumn;
    const WHO_HAS_FEW_GAPS: Words = ("who has fewer than two gaps", "间隔少于两个的用户");
    vec![
        Column::number(
            "median_gap_days",
            (
                "median of the days between one day with the event and the next",
                "相邻两个事件日之间天数的中位数",
            ),
            |scores, user| scores.churn.median_gaps[user],
        )
        .in_unit("days")
        .missing_for(("who did the event on fewer than two days", "事件日少于两天的用户")),
        Column::date(
            "silent_on",
            (
                "the day in the course of which the user turns silent by `[silence] days` if they \
                 do nothing",
                "若无事件发生，按`[silence] days`变为沉默的日期",
            ),
            |scores, user| Some(scores.churn.silences[user]?.on),
        )
        .missing_for(WHO_NEVER_DID_IT),
        Column::integer(
            "days_left",
            ("days until `silent_on`; negative when past", "距`silent_on`的天数，已过则为负"),
            |scores, user| Some(scores.churn.silences[user]?.days_left),
        )
        .in_unit("days")
        .missing_for(WHO_NEVER_DID_IT),
        Column::date(
            "own_silent_on",
            (
                "the same day by `gap_factor` times the median gap",
                "按`gap_factor`乘以间隔中位数的沉默日期",
            ),
            |scores, user| Some(scores.churn.silences[user]?.by_own_gaps?.0),
        )
        .missing_for(WHO_HAS_FEW_GAPS),
        Column::integer(
            "own_days_left",
            (
                "days until `own_silent_on`; negative when past",
                "距`own_silent_on`的天数，已过则为负",
            ),
            |scores, user| Some(scores.churn.silences[user]?.by_own_gaps?.1),
        )
        .in_unit("days")
        .missing_for(WHO_HAS_FEW_GAPS),
        Column::flag(
            "silence_warning",
            (
                "true from `warning_days` before either of the two days up to that day",
                "在两个日期之一前`warning_days`天起至当日为真",
            ),
            |scores, user| scores.churn.silences[user].is_some_and(|it| it.warning),
        ),
    ]
}
