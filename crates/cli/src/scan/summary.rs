//! What a scan came to, for people: a table by rule, a line of totals, what could not be read.

use std::io::IsTerminal;

use flow::Timestamp;
use indicatif::{HumanBytes, HumanCount};
use rustix::termios::tcgetwinsize;
use scan::{Failure, Report, RuleReport, Skipped, Totals};

use crate::output;

/// How many names are shown of a rule.
const WHO_SHOWN_MAX: usize = 3;

/// Prints which rules held how often, when and for whom, and the totals.
pub(crate) fn table(report: &Report, seconds: f64) {
    let width = width();
    let show = |text: &str| output::line(&fitted(text, width));
    if report.rules.is_empty() {
        show("No rule holds for any record.");
    } else {
        let head = row("LEVEL", "TIMES", "FIRST SEEN", "LAST SEEN", "RULE");
        output::line(&output::bold(&fitted(&head, width)));
        for rule in &report.rules {
            lines(rule).iter().for_each(|line| show(line));
        }
    }
    output::line("");
    output::line(&totals(report, seconds));
}

/// A rule's row, and a line for each who.
fn lines(rule: &RuleReport) -> Vec<String> {
    let time =
        |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), Timestamp::to_seconds_text);
    let times = HumanCount(rule.findings).to_string();
    let title = output::safe(&rule.title);
    let level = rule.level.as_str();
    let mut lines = vec![row(level, &times, &time(rule.first), &time(rule.last), &title)];
    let who =
        |count: u64, name: &str| format!("{:13}  {:>9}  {name}", "", HumanCount(count).to_string());
    let mut others = rule.others;
    for (at, (name, count)) in rule.who.iter().enumerate() {
        if at < WHO_SHOWN_MAX {
            lines.push(who(*count, &output::safe(name)));
        } else {
            others += count;
        }
    }
    if others > 0 {
        lines.push(who(others, "by others"));
    }
    lines
}

fn row(level: &str, times: &str, first: &str, last: &str, rule: &str) -> String {
    format!("{level:13}  {times:>9}  {first:20}  {last:20}  {rule}")
}

/// One line: how many objects, records and findings, and how fast.
pub(crate) fn totals(report: &Report, seconds: f64) -> String {
    let Totals { objects, logs, skipped, failed, records, findings, .. } = report.totals;
    let Skipped { digests, insights, markers, others, unwanted } = skipped;
    let count = |count: u64| HumanCount(count).to_string();
    let counted =
        |n: u64, what: &str| format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" });
    let parts = |parts: &[(u64, &str)]| {
        let some = parts.iter().filter(|(n, _)| *n > 0);
        some.map(|(n, what)| format!("{} {what}", count(*n))).collect::<Vec<_>>().join(", ")
    };
    let kinds = parts(&[
        (digests, "digests"),
        (insights, "of Insights"),
        (markers, "empty"),
        (others, "no logs"),
        (unwanted, "not wanted"),
    ]);
    let skipped = match skipped.total() {
        0 => String::new(),
        total => format!(", {} skipped ({kinds})", count(total)),
    };
    let failed = match failed {
        0 => String::new(),
        failed => format!(", {} failed", count(failed)),
    };
    let stopped = if report.is_stopped { "Stopped early. " } else { "" };
    format!(
        "{stopped}{}: {}{skipped}{failed}. {}, {}; {} read, {} inflated, {seconds:.1} s.",
        counted(objects, "object"),
        counted(logs, "log"),
        counted(records, "record"),
        counted(findings, "finding"),
        HumanBytes(report.totals.bytes_in),
        HumanBytes(report.totals.bytes_inflated),
    )
}

/// Names what could not be read, on standard error.
pub(crate) fn failures(report: &Report) {
    report.failures.iter().for_each(|failed| output::error(&failure(failed)));
    if report.failures_left_out > 0 {
        output::error(&format!("and {} more", HumanCount(report.failures_left_out)));
    }
}

/// What could not be read, where, and why.
pub(crate) fn failure(failure: &Failure) -> String {
    let Failure { object, offset, reason } = failure;
    let at = offset.map(|offset| format!("at byte {offset}"));
    // Most reasons say the place in their own words.
    let at = at.filter(|at| !reason.contains(at.as_str())).map(|at| format!(" {at}"));
    output::safe(&format!("{object}{}: {reason}", at.unwrap_or_default()))
}

/// How many columns standard output has; none where it is no terminal.
fn width() -> Option<usize> {
    let out = std::io::stdout();
    let size = out.is_terminal().then(|| tcgetwinsize(&out).ok()).flatten()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A line that is no longer than the terminal is wide.
fn fitted(text: &str, width: Option<usize>) -> String {
    match width.and_then(|width| text.char_indices().nth(width).zip(width.checked_sub(1))) {
        Some((_, kept)) => text.chars().take(kept).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use flow::Level;

    use super::*;

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        assert_eq!(fitted("abcdef", Some(6)), "abcdef");
        assert_eq!(fitted("abcdef", Some(5)), "abcd…");
        assert_eq!(fitted("äöüß", Some(3)), "äö…");
        assert_eq!(fitted("abcdef", None), "abcdef");
    }

    #[test]
    fn names_of_records_cannot_command_the_terminal() {
        let rule = RuleReport {
            id: "1".to_owned(),
            title: "A rule".to_owned(),
            level: Level::High,
            findings: 12_345,
            first: "2026-11-22T10:00:00Z".parse().ok(),
            last: None,
            who: vec![("a\x1b[2J\nb".to_owned(), 12_000), ("c".to_owned(), 3)],
            others: 342,
        };
        let lines = lines(&rule);
        let wanted = [
            "high              12,345  2026-11-22T10:00:00Z  -                     A rule",
            "                  12,000  a\\u{1b}[2J\\u{a}b",
            "                       3  c",
            "                     342  by others",
        ];
        assert_eq!(lines, wanted);
    }
}
