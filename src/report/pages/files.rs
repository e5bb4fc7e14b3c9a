//! Files that were written, and what to do next.

use std::path::Path;

use super::phrases::{thousands, users};
use crate::models::segmentation::{Group, Review};
use crate::report::{Document, words};
use crate::sample::Written;

/// Where the result is.
pub(super) fn saved(page: &mut Document, place: &Path) {
    page.fact("saved", place);
    let place = place.display();
    page.heading(words(format!("Saved {place}"), format!("已保存 {place}")));
}

/// A starter config.
pub fn config_written(file: &Path) -> Document {
    let mut page = Document::default();
    page.fact("saved", file);
    let file = file.display();
    page.heading(words(
        format!("Wrote {file}. Read it, then: layercake-train --config {file}"),
        format!("已写入 {file}。请先通读，然后：layercake-train --config {file}"),
    ));
    page
}

/// A sample of behaviour data.
pub fn sample_written(written: &Written, folder: &Path) -> Document {
    let mut page = Document::default();
    page.fact("saved", folder);
    page.fact("n_users", written.n_users);
    page.fact("n_order_lines", written.n_order_lines);
    page.fact("n_behaviour_rows", written.n_behaviour_rows);
    let users = users(written.n_users);
    let (orders, others) = (thousands(written.n_order_lines), thousands(written.n_behaviour_rows));
    let folder = folder.display();
    page.heading(words(
        format!("{}, {orders} order lines, {others} other events in {folder}", users.en),
        format!("{folder}：{}，{orders} 个订单行，{others} 个其他事件", users.zh),
    ));
    page
}

/// A review to edit.
pub fn review_written(file: &Path) -> Document {
    let mut page = Document::default();
    page.fact("review", file);
    let file = file.display();
    page.heading(words(
        format!(
            "Wrote {file}. Edit it; scoring uses layers.toml beside `latest`, or --review FILE."
        ),
        format!("已写入 {file}。请编辑它；评分使用 `latest` 旁的 layers.toml，或 --review FILE。"),
    ));
    page
}

/// A review that fits its model.
pub fn review_checked(parts: &[(&[Group], &Review)], file: &Path) -> Document {
    let n_merged = |groups: &[Group], review: &Review| {
        let places = groups.iter().zip(&review.of_model);
        places.filter(|(it, place)| review.groups[**place].id != it.id).count()
    };
    let n_renamed = |groups: &[Group], review: &Review| {
        let is_renamed =
            |name: &str, id: &str| groups.iter().any(|it| it.id == id && it.name != name);
        review.groups.iter().filter(|it| is_renamed(&it.name, &it.id)).count()
    };
    let sum = |count: &dyn Fn(&[Group], &Review) -> usize| -> usize {
        parts.iter().map(|(groups, review)| count(groups, review)).sum()
    };
    let (n_merged, n_renamed) = (sum(&n_merged), sum(&n_renamed));
    let n_splits = sum(&|_, review| review.splits.len());
    let n_pins = sum(&|_, review| review.pins.len());
    let mut page = Document::default();
    page.fact("review", file);
    page.fact("n_renamed", n_renamed);
    page.fact("n_merged", n_merged);
    page.fact("n_splits", n_splits);
    page.fact("n_pins", n_pins);
    let file = file.display();
    page.heading(words(format!("{file} fits the model"), format!("{file} 与模型相符")));
    page.paragraph(words(
        format!(
            "{n_renamed} renamed, {n_merged} merged, {n_splits} split off, {n_pins} pinned by \
             rule. The file is unchanged."
        ),
        format!(
            "改名 {n_renamed} 个，合并 {n_merged} 个，拆分 {n_splits} 个，按规则固定 {n_pins} 个。文件保持原样。"
        ),
    ));
    page
}

/// A review that does not fit the new model.
pub fn review_unfit(error: &dyn std::error::Error) -> Document {
    let mut page = Document::default();
    page.warning(words(
        format!("{error}. Scoring stops until it is corrected"),
        format!("{error}。修正之前无法评分"),
    ));
    page
}

/// A review that was written for layers numbered otherwise.
pub fn review_outdated(file: &Path) -> Document {
    let mut page = Document::default();
    let file = file.display();
    page.warning(words(
        format!("{file} was written for the layers before --fresh; check it again"),
        format!("{file} 针对的是 --fresh 之前的分层；请重新检查"),
    ));
    page
}

/// A command to run next.
pub fn next_step(command: &str) -> Document {
    let mut page = Document::default();
    page.fact("next", command);
    page.heading(words(format!("Next: {command}"), format!("下一步：{command}")));
    page
}
