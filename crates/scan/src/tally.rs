//! What one thread counts, and how threads' counts become one report.

use std::{cmp::Reverse, collections::HashMap};

use flow::Timestamp;
use rule::{Rule, RuleSet};

use crate::{
    fact::Facts,
    report::{FAILURES_MAX, Failure, Report, Requests, RuleReport, Totals},
};

/// How many different names one rule is counted by in a thread.
const WHO_OF_RULE_MAX: usize = 1_000;
/// How many names a thread keeps for all rules together: some megabytes.
const WHO_MAX: usize = 20_000;
/// How many names a report shows of a rule.
const WHO_REPORTED_MAX: usize = 10;

/// What one thread has counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) totals: Totals,
    rules: HashMap<String, Seen>,
    names: usize,
    failures: Vec<Failure>,
    failures_left_out: u64,
}

#[derive(Debug, Default)]
struct Seen {
    findings: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    who: HashMap<String, u64>,
    others: u64,
}

impl Tally {
    pub(crate) fn found(&mut self, rule: &Rule, facts: Option<&Facts>) {
        self.totals.findings += 1;
        let seen = match self.rules.get_mut(rule.id()) {
            Some(seen) => seen,
            None => self.rules.entry(rule.id().to_owned()).or_default(),
        };
        seen.findings += 1;
        let Some(facts) = facts else { return };
        if let Some(time) = facts.time {
            seen.span(Some(time), Some(time));
        }
        if let Some(who) = &facts.who {
            if let Some(count) = seen.who.get_mut(who) {
                *count += 1;
            } else if seen.who.len() < WHO_OF_RULE_MAX && self.names < WHO_MAX {
                self.names += 1;
                seen.who.insert(who.clone(), 1);
            } else {
                seen.others += 1;
            }
        }
    }

    pub(crate) fn failed(&mut self, failure: Failure) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(failure);
        } else {
            self.failures_left_out += 1;
        }
    }

    /// Counts what else could not be read, without saying what.
    pub(crate) fn untold(&mut self, failures: usize) {
        self.failures_left_out += u64::try_from(failures).unwrap_or(u64::MAX);
    }

    /// Adds what another thread has counted.
    pub(crate) fn add(&mut self, other: Self) {
        self.totals.add(&other.totals);
        for (id, seen) in other.rules {
            self.rules.entry(id).or_default().add(seen);
        }
        other.failures.into_iter().for_each(|failure| self.failed(failure));
        self.failures_left_out += other.failures_left_out;
    }

    pub(crate) fn report(mut self, rules: &RuleSet, is_stopped: bool) -> Report {
        let rules = rules.rules().filter_map(|rule| Some(self.rules.remove(rule.id())?.of(rule)));
        let mut rules: Vec<_> = rules.collect();
        rules.sort_by_key(|rule| (Reverse(rule.level), Reverse(rule.findings)));
        Report {
            totals: self.totals,
            rules,
            failures: self.failures,
            failures_left_out: self.failures_left_out,
            is_stopped,
            requests: Requests::default(),
        }
    }
}

impl Seen {
    fn span(&mut self, first: Option<Timestamp>, last: Option<Timestamp>) {
        self.first = self.first.into_iter().chain(first).min();
        self.last = self.last.max(last);
    }

    fn add(&mut self, other: Self) {
        self.findings += other.findings;
        self.others += other.others;
        self.span(other.first, other.last);
        for (name, count) in other.who {
            *self.who.entry(name).or_default() += count;
        }
    }

    fn of(self, rule: &Rule) -> RuleReport {
        let mut who: Vec<_> = self.who.into_iter().collect();
        who.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        let left_out = who.split_off(who.len().min(WHO_REPORTED_MAX));
        RuleReport {
            id: rule.id().to_owned(),
            title: rule.title().to_owned(),
            level: rule.level(),
            findings: self.findings,
            first: self.first,
            last: self.last,
            who,
            others: self.others + left_out.iter().map(|(_, count)| count).sum::<u64>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> RuleSet {
        let rule = |id: &str, level: &str| {
            format!(
                "title: {id}\nid: {id}\nlevel: {level}\nlogsource: {{product: aws, service: cloudtrail}}\n\
                 detection: {{s: {{eventName: X}}, condition: s}}\n"
            )
        };
        let texts = [("a.yml", rule("a", "low")), ("b.yml", rule("b", "high"))];
        let loaded = RuleSet::load(texts.into_iter());
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        loaded.rules
    }

    fn facts(time: &str, who: &str) -> Facts {
        Facts { time: time.parse().ok(), who: Some(who.to_owned()), ..Facts::default() }
    }

    #[test]
    fn counts_of_two_threads_become_one_report() {
        let rules = rules();
        let [a, b] = rules.rules().collect::<Vec<_>>().try_into().unwrap();
        let (mut one, mut two) = (Tally::default(), Tally::default());
        one.found(a, Some(&facts("2026-11-22T10:00:00Z", "ada")));
        one.found(a, Some(&facts("2026-11-22T09:00:00Z", "bob")));
        two.found(a, Some(&facts("", "bob")));
        two.found(a, Some(&facts("2026-11-22T11:00:00Z", "bob")));
        two.found(b, None);
        one.add(two);
        let report = one.report(&rules, false);
        assert_eq!(report.totals.findings, 5);
        assert_eq!(report.gravest(), Some(flow::Level::High));
        let [grave, low] = report.rules.as_slice() else { panic!("{report:?}") };
        assert_eq!((grave.id.as_str(), grave.findings, grave.first), ("b", 1, None));
        assert_eq!((low.id.as_str(), low.findings), ("a", 4));
        assert_eq!(low.first, "2026-11-22T09:00:00Z".parse().ok());
        assert_eq!(low.last, "2026-11-22T11:00:00Z".parse().ok());
        assert_eq!(low.who, [("bob".to_owned(), 3), ("ada".to_owned(), 1)]);
    }

    #[test]
    fn names_and_failures_are_kept_within_bounds_and_counted_beyond() {
        let rules = rules();
        let rule = rules.rules().next().unwrap();
        let mut tally = Tally::default();
        for n in 0..2_000 {
            tally.found(rule, Some(&facts("", &format!("user {n}"))));
            tally.failed(Failure { object: n.to_string(), offset: None, reason: String::new() });
        }
        assert_eq!(tally.names, WHO_OF_RULE_MAX);
        let report = tally.report(&rules, false);
        assert_eq!(report.rules[0].who.len(), WHO_REPORTED_MAX);
        assert_eq!(report.rules[0].others, 2_000 - 10);
        assert_eq!((report.failures.len(), report.failures_left_out), (FAILURES_MAX, 1_900));
    }
}
