//! Which part of an archive somebody wants: times, accounts, regions.

use flow::Timestamp;

use crate::fact::Facts;

/// How long after an event its log file may be delivered, in milliseconds: files lie in the folder
/// of the day of their delivery, so folders after the last day are read as well, for as long.
const DELIVERY_MILLIS_MAX: i64 = 24 * 60 * 60 * 1000;

/// What is wanted. Nothing that does not say its time, account or region is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    accounts: Vec<String>,
    regions: Vec<String>,
    /// The first and the last day of folders to read, as `2026/11/22`.
    days: (Option<String>, Option<String>),
}

/// Where an object lies, as far as its key says: `…/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place<'a> {
    account: Option<&'a str>,
    region: Option<&'a str>,
    /// `2026/11/22`.
    day: Option<&'a str>,
}

impl Window {
    /// Events from `from` to `to`, both included, of these accounts and regions; all where none is
    /// given.
    pub fn new(
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        accounts: Vec<String>,
        regions: Vec<String>,
    ) -> Self {
        let last = to.map(|to| to.plus_millis(DELIVERY_MILLIS_MAX).to_day_path());
        let days = (from.map(Timestamp::to_day_path), last);
        Self { from, to, accounts, regions, days }
    }

    /// Whether everything is wanted.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an object of this key or path may hold what is wanted.
    pub fn wants_key(&self, key: &str) -> bool {
        if self.is_open() {
            return true;
        }
        let place = Place::of(key);
        place.account.is_none_or(|account| self.wants_account(account))
            && place.region.is_none_or(|region| self.wants_region(region))
            && place.day.is_none_or(|day| self.wants_day(day))
    }

    /// Whether this account is wanted.
    pub fn wants_account(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.iter().any(|wanted| wanted == account)
    }

    /// Whether this region is wanted.
    pub fn wants_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|wanted| wanted == region)
    }

    /// Whether a folder of this day, month or year (`2026/11/22`, `2026/11`, `2026`) may hold what
    /// is wanted.
    pub fn wants_day(&self, day: &str) -> bool {
        let part = |bound: &str| bound.get(..day.len()).unwrap_or(bound).to_owned();
        let (first, last) = &self.days;
        first.as_deref().is_none_or(|first| day >= part(first).as_str())
            && last.as_deref().is_none_or(|last| day <= part(last).as_str())
    }

    /// The first and the last day of folders that may hold what is wanted, as `2026/11/22`.
    pub(crate) fn days(&self) -> (Option<&str>, Option<&str>) {
        (self.days.0.as_deref(), self.days.1.as_deref())
    }

    /// Whether this record is wanted.
    pub(crate) fn wants(&self, facts: &Facts) -> bool {
        facts.time.is_none_or(|time| {
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
        }) && facts.account.as_deref().is_none_or(|account| self.wants_account(account))
            && facts.region.as_deref().is_none_or(|region| self.wants_region(region))
    }
}

impl<'a> Place<'a> {
    /// What stands after the first account that is followed by a folder of CloudTrail's.
    fn of(key: &'a str) -> Self {
        let mut rest = key;
        while let Some((part, after)) = rest.split_once('/') {
            rest = after;
            let is_account = part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit());
            if is_account
                && let Some((service, after)) = after.split_once('/')
                && service.starts_with("CloudTrail")
            {
                let (region, after) = match after.split_once('/') {
                    Some((region, after)) => (Some(region), after),
                    None => (None, ""),
                };
                return Self { account: Some(part), region, day: after.get(..10).filter(is_day) };
            }
        }
        Self::default()
    }
}

/// The account and the region that a key tells; empty where it tells none.
pub(crate) fn account_and_region(key: &str) -> (&str, &str) {
    let place = Place::of(key);
    (place.account.unwrap_or_default(), place.region.unwrap_or_default())
}

/// Whether this is `YYYY/MM/DD`.
pub(crate) fn is_day(text: &&str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'/',
        _ => byte.is_ascii_digit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "p/AWSLogs/o-example/111122223333/CloudTrail/us-east-2/2026/11/22/x.json.gz";

    fn window(from: &str, to: &str, accounts: &[&str], regions: &[&str]) -> Window {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Window::new(from.parse().ok(), to.parse().ok(), owned(accounts), owned(regions))
    }

    #[test]
    fn a_key_says_account_region_and_day() {
        let wanted = Place {
            account: Some("111122223333"),
            region: Some("us-east-2"),
            day: Some("2026/11/22"),
        };
        assert_eq!(Place::of(KEY), wanted);
        assert_eq!(Place::of("111122223333/CloudTrail/us-east-2/2026/11/22/x"), wanted);
        assert_eq!(Place::of("logs/x.json.gz"), Place::default());
        assert_eq!(Place::of("111122223333/Config/us-east-2/2026/11/22/x"), Place::default());
        let short = Place::of("111122223333/CloudTrail/x.json");
        assert_eq!(short, Place { account: Some("111122223333"), region: None, day: None });
    }

    #[test]
    fn whole_days_outside_of_the_times_are_left_out_and_late_delivery_is_not() {
        let check = |from: &str, to: &str, wanted: bool| {
            assert_eq!(window(from, to, &[], &[]).wants_key(KEY), wanted, "{from} {to}");
        };
        check("", "", true);
        check("2026-11-22T10:00:00Z", "", true);
        check("2026-11-23T00:00:00Z", "", false);
        check("", "2026-11-21T10:00:00Z", true);
        check("", "2026-11-20T23:59:59Z", false);
    }

    #[test]
    fn months_and_years_are_wanted_where_a_day_of_them_is() {
        let window = window("2025-11-23T00:00:00Z", "2026-01-31T12:00:00Z", &[], &[]);
        let check = |day: &str, wanted: bool| assert_eq!(window.wants_day(day), wanted, "{day}");
        check("2024", false);
        check("2025", true);
        check("2025/10", false);
        check("2025/11", true);
        check("2025/11/22", false);
        check("2025/11/23", true);
        check("2026/02", true);
        check("2026/02/01", true);
        check("2026/02/02", false);
        check("2027", false);
    }

    #[test]
    fn accounts_and_regions_are_those_that_are_named() {
        assert!(window("", "", &["123456789012", "111122223333"], &[]).wants_key(KEY));
        assert!(!window("", "", &["123456789012"], &[]).wants_key(KEY));
        assert!(window("", "", &[], &["us-east-2"]).wants_key(KEY));
        assert!(!window("", "", &[], &["us-east-1"]).wants_key(KEY));
        assert!(window("", "", &["123456789012"], &["us-east-1"]).wants_key("logs/x.json"));
    }
}
