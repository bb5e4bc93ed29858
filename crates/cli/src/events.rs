//! `trailhound events`: records of a running server, listed, followed or waited for.

use std::{collections::VecDeque, process::ExitCode, time::Duration};

use anyhow::Context;
use flow::{Clock, Span};
use serde_json::Value;
use server::{EventsFrom, EventsPage, EventsQuery, SystemClock};
use tokio::time::Instant;

use crate::{admin::Admin, args::Events, output, scan};

/// How many are shown where nothing says which.
const SHOWN: usize = 100;
/// How many are shown before what comes.
const SHOWN_BEFORE: usize = 10;
/// The most that are held to be shown newest last.
const HELD_MAX: usize = 100_000;
/// How many are asked for at a time.
const PAGE: usize = 1_000;
/// How long an answer may wait for a record, in milliseconds.
const WAIT_MILLIS: u64 = 15_000;

pub(crate) async fn run(args: &Events) -> anyhow::Result<ExitCode> {
    if let Some(expression) = &args.when {
        rule::when(expression).context("--when cannot be read")?;
    }
    let since = args.since.as_deref().map(since).transpose()?;
    let asking = Asking { admin: Admin::of(&args.place.dir)?, args };
    match (args.wait, since) {
        (Some(wait), since) => return asking.wait(wait, since.unwrap_or(EventsFrom::Boot)).await,
        (None, Some(since)) => asking.forwards(since, args.follow).await?,
        (None, None) => {
            let usual = if args.follow { SHOWN_BEFORE } else { SHOWN };
            let wanted = args.last.map_or(usual, std::num::NonZeroUsize::get);
            let end = asking.newest(wanted.min(HELD_MAX)).await?;
            if args.follow {
                asking.forwards(EventsFrom::Place(end), true).await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A length of time before now, a time, or a day.
fn since(text: &str) -> anyhow::Result<EventsFrom> {
    let time = match text.parse::<Span>() {
        Ok(span) => SystemClock.now().plus_millis(span.millis().saturating_neg()),
        Err(_) => {
            scan::moment(text, "00:00:00Z").context("--since takes a length such as 1h too")?
        }
    };
    Ok(EventsFrom::Time(time))
}

struct Asking<'a> {
    admin: Admin,
    args: &'a Events,
}

impl Asking<'_> {
    async fn page(
        &self,
        from: EventsFrom,
        limit: usize,
        wait_millis: u64,
    ) -> anyhow::Result<EventsPage> {
        let query = EventsQuery {
            from,
            when: self.args.when.clone(),
            user: self.args.user.clone(),
            source: self.args.source.clone(),
            errors: self.args.errors,
            limit,
            wait_millis,
        };
        self.admin.post("/events", &query).await
    }

    /// All from there on, and what comes, where that is wanted.
    async fn forwards(&self, mut from: EventsFrom, follow: bool) -> anyhow::Result<()> {
        loop {
            let wait = if follow { WAIT_MILLIS } else { 0 };
            let page = self.page(from, PAGE, wait).await?;
            page.records.iter().for_each(|record| self.show(record));
            if !follow && !page.more {
                return Ok(());
            }
            from = EventsFrom::Place(page.next);
        }
    }

    /// The newest so many; where the journal ended then.
    async fn newest(&self, wanted: usize) -> anyhow::Result<u64> {
        let (mut from, mut end, mut held) = (EventsFrom::Newest, None, VecDeque::new());
        // One more than is shown says whether there are more, where nobody said how many.
        let says_of_more = !self.args.follow && self.args.last.is_none();
        let asked = wanted + usize::from(says_of_more);
        while held.len() < asked {
            let page = self.page(from, (asked - held.len()).min(PAGE), 0).await?;
            end = end.or(Some(page.end));
            for record in page.records.into_iter().rev() {
                held.push_front(record);
            }
            if !page.more {
                break;
            }
            from = EventsFrom::Before(page.next);
        }
        if held.len() > wanted {
            held.pop_front();
            let hint = "--last N or --since 7d shows more";
            output::error(&format!("these are the newest {wanted}: {hint}"));
        }
        held.iter().for_each(|record| self.show(record));
        Ok(end.unwrap_or_default())
    }

    /// Ends with the first such record, or when the time is over.
    async fn wait(&self, wait: Span, mut from: EventsFrom) -> anyhow::Result<ExitCode> {
        let deadline = Instant::now() + wait.duration();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).min(WAIT_MILLIS);
            let page = self.page(from, 1, millis).await?;
            if let Some(record) = page.records.first() {
                self.show(record);
                return Ok(ExitCode::SUCCESS);
            }
            if !page.more && left < Duration::from_millis(1) {
                let kind = self.args.when.as_deref().unwrap_or("any kind");
                output::error(&output::safe(&format!("no record of {kind} in time")));
                return Ok(ExitCode::from(1));
            }
            from = EventsFrom::Place(page.next);
        }
    }

    fn show(&self, record: &str) {
        if self.args.json {
            output::line(record);
        } else {
            output::line(&line(record));
        }
    }
}

/// One line for a person: when, who, what, the error, where.
fn line(record: &str) -> String {
    let record: Value = serde_json::from_str(record).unwrap_or_default();
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or("-");
    let source = text("eventSource");
    let service = source.strip_suffix(".amazonaws.com").unwrap_or(source);
    let what = format!("{service}:{}", text("eventName"));
    let columns = [
        (text("eventTime").to_owned(), 20),
        (who(&record), 24),
        (what, 36),
        (text("errorCode").to_owned(), 12),
        (text("awsRegion").to_owned(), 0),
    ];
    let columns = columns.map(|(text, width)| format!("{:<width$}", output::safe(&text)));
    columns.join("  ")
}

/// The shortest that tells callers apart: a user's name, a role with its session, a service.
fn who(record: &Value) -> String {
    let text =
        |path: &str| record.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
    let arn = text("/userIdentity/arn");
    let of_arn = arn.and_then(|arn| arn.splitn(6, ':').nth(5)).map(|tail| {
        let kinds = ["assumed-role/", "user/", "federated-user/"];
        kinds.iter().find_map(|kind| tail.strip_prefix(kind)).unwrap_or(tail)
    });
    text("/userIdentity/userName")
        .or(of_arn)
        .or(text("/userIdentity/invokedBy"))
        .or(text("/userIdentity/principalId"))
        .or(text("/userIdentity/accountId"))
        .or(text("/userIdentity/type"))
        .unwrap_or("-")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: Value, expected: &str) {
        let shown = line(&record.to_string());
        assert_eq!(shown.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn a_line_says_when_who_what_and_where() {
        let time = "2026-11-22T10:00:00Z";
        check(
            serde_json::json!({"eventTime": time, "eventSource": "sns.amazonaws.com", "eventName": "Publish",
                "awsRegion": "us-east-2", "errorCode": "AccessDenied",
                "userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/ci/job-7"}}),
            "2026-11-22T10:00:00Z ci/job-7 sns:Publish AccessDenied us-east-2",
        );
        check(
            serde_json::json!({"eventTime": time, "eventSource": "s3.amazonaws.com", "eventName": "x",
                "userIdentity": {"type": "AWSService", "invokedBy": "a.amazonaws.com"}}),
            "2026-11-22T10:00:00Z a.amazonaws.com s3:x - -",
        );
        check(
            serde_json::json!({"eventTime": time, "eventSource": "s3.amazonaws.com", "eventName": "x",
                "userIdentity": {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}}),
            "2026-11-22T10:00:00Z anonymous s3:x - -",
        );
        check(serde_json::json!({}), "- - -:- - -");
    }

    #[test]
    fn a_hostile_name_cannot_command_the_terminal() {
        let record = serde_json::json!({"userIdentity": {"userName": "a\u{1b}[2Jb"}}).to_string();
        assert!(!line(&record).contains('\u{1b}'));
    }

    #[test]
    fn since_takes_lengths_times_and_days() {
        for text in ["1h", "30d", "2026-11-22", "2026-11-22T10:00:00Z"] {
            since(text).unwrap();
        }
        let error = format!("{:#}", since("soon").unwrap_err());
        assert!(error.contains("1h") && error.contains("2026-11-22"), "{error}");
    }
}
