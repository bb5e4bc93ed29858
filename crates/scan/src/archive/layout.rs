//! Where an archive keeps what: which folders are worth listing, and how.
//!
//! CloudTrail writes `[prefix/]AWSLogs/[o-ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE.json.gz`;
//! Control Tower puts its organisation's id before that as well. Somebody may point anywhere into
//! it, have taken its parts elsewhere, or keep records in folders of another order altogether.

use crate::window::Window;

/// How deep folders are looked into one by one where nothing is known yet. Below, everything is
/// listed flat: that costs a request for a thousand objects and none for a folder.
const DEPTH_MAX: u8 = 3;

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// Anything may be here.
    Open {
        /// How many folders of this kind it lies in.
        depth: u8,
    },
    /// `AWSLogs/` or `AWSLogs/o-ORG/`: accounts.
    Logs,
    /// `ACCOUNT/`: a folder for each service.
    Account {
        /// Whether it lies where AWS puts accounts.
        is_certain: bool,
    },
    /// `CloudTrail/`: regions.
    Trail,
    /// `REGION/` or below: keys are in the order of days.
    Dated {
        /// How much of a key stands before the year, in bytes.
        days_at: usize,
    },
    /// Anything, listed as it comes.
    Flat,
}

/// What to do with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is listed.
    Into(Folder),
    /// It is not.
    Past(Passed),
}

/// Why something is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// Digest files.
    Digests,
    /// Records of CloudTrail Insights.
    Insights,
    /// What another service writes.
    OtherService,
    /// An account or a region that is not wanted.
    Unwanted,
}

impl Folder {
    /// What lies at a prefix, which need not end with a folder.
    pub(crate) fn at(prefix: &str) -> Self {
        let mut folder = Self::Open { depth: 0 };
        let mut end = 0;
        for part in prefix.split_inclusive('/').filter(|part| part.ends_with('/')) {
            end += part.len();
            folder = match folder.below(part.trim_end_matches('/'), end, &Window::default()) {
                // Whoever points at a folder wants it.
                Way::Past(_) => Self::Flat,
                // However long the way to it: it is where the search begins.
                Way::Into(Self::Open { .. }) => Self::Open { depth: 0 },
                Way::Into(folder) => folder,
            };
        }
        folder
    }

    /// What this folder is, as far as the folders in it tell: an account is one by its CloudTrail.
    pub(crate) fn holding<'a>(self, mut names: impl Iterator<Item = &'a str>) -> Self {
        match self {
            Self::Account { is_certain: false } => {
                Self::Account { is_certain: names.any(|name| name == "CloudTrail") }
            }
            other => other,
        }
    }

    /// What the folder `name` in this one is; `end` is where its prefix ends, in bytes.
    pub(crate) fn below(self, name: &str, end: usize, window: &Window) -> Way {
        let account = |is_certain| match window.wants_account(name) {
            true => Way::Into(Self::Account { is_certain }),
            false => Way::Past(Passed::Unwanted),
        };
        match self {
            Self::Open { .. } | Self::Logs if is_account(name) => account(self == Self::Logs),
            Self::Open { .. } if name == "AWSLogs" => Way::Into(Self::Logs),
            Self::Logs if name.starts_with("o-") => Way::Into(Self::Logs),
            Self::Open { .. } | Self::Account { .. } if name.starts_with("CloudTrail") => {
                of_service(name)
            }
            Self::Account { is_certain: true } => Way::Past(Passed::OtherService),
            Self::Open { depth } if depth < DEPTH_MAX => Way::Into(Self::Open { depth: depth + 1 }),
            Self::Account { is_certain: false } => Way::Into(Self::Open { depth: 1 }),
            Self::Trail if is_region(name) => match window.wants_region(name) {
                true => Way::Into(Self::Dated { days_at: end }),
                false => Way::Past(Passed::Unwanted),
            },
            Self::Dated { .. } => Way::Into(self),
            Self::Open { .. } | Self::Logs | Self::Trail | Self::Flat => Way::Into(Self::Flat),
        }
    }

    /// Whether its folders are listed, rather than all that lies below it.
    pub(crate) fn has_folders(self) -> bool {
        !matches!(self, Self::Dated { .. } | Self::Flat)
    }
}

fn of_service(name: &str) -> Way {
    match name {
        "CloudTrail-Digest" => Way::Past(Passed::Digests),
        "CloudTrail-Insight" => Way::Past(Passed::Insights),
        // CloudTrail may come to keep other records beside these.
        _ => Way::Into(Folder::Trail),
    }
}

/// Why an object is passed over, as far as its key says. Folders that are listed flat hold
/// everything.
pub(crate) fn passed(key: &str) -> Option<Passed> {
    let mut parts = key.split('/').skip_while(|part| *part != "AWSLogs").skip(1).peekable();
    parts.next_if(|part| part.starts_with("o-"));
    let in_logs = parts.next().filter(|part| is_account(part)).is_some();
    match (in_logs, parts.next(), parts.next()) {
        (true, Some(service), Some(_)) if !service.starts_with("CloudTrail") => {
            return Some(Passed::OtherService);
        }
        _ => {}
    }
    let folders = key.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').find_map(|part| match of_service(part) {
        Way::Past(passed) => Some(passed),
        Way::Into(_) => None,
    })
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit())
}

/// Whether this reads like `us-gov-west-1`.
fn is_region(name: &str) -> bool {
    let mut parts = name.rsplit('-');
    let number =
        parts.next().is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()));
    let words: Vec<&str> = parts.collect();
    number
        && words.len() >= 2
        && words.iter().all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_may_point_anywhere_into_an_archive() {
        let check =
            |prefix: &str, wanted: Folder| assert_eq!(Folder::at(prefix), wanted, "{prefix}");
        let open = Folder::Open { depth: 0 };
        check("", open);
        check("prod/", open);
        check("a/very/long/way/to/it/", open);
        check("AWSLogs", open);
        check("AWSLogs/", Folder::Logs);
        check("AWSLogs/1111", Folder::Logs);
        check("prod/AWSLogs/o-example/", Folder::Logs);
        check("o-example/AWSLogs/o-example/", Folder::Logs);
        let account = Folder::Account { is_certain: true };
        check("AWSLogs/111122223333/", account);
        check("o-example/AWSLogs/o-example/111122223333/Clou", account);
        check("111122223333/", Folder::Account { is_certain: false });
        check("AWSLogs/111122223333/CloudTrail/", Folder::Trail);
        let region = "AWSLogs/111122223333/CloudTrail/us-east-2/";
        let dated = Folder::Dated { days_at: region.len() };
        check(region, dated);
        check(&format!("{region}2026/11/22/"), dated);
        check(&format!("{region}2026/1"), dated);
        check("AWSLogs/111122223333/CloudTrail-Digest/us-east-2/", Folder::Flat);
    }

    #[test]
    fn folders_are_told_by_their_names() {
        let window = Window::new(None, None, vec!["111122223333".into()], vec!["eu-west-1".into()]);
        let check = |folder: Folder, name: &str, wanted: Way| {
            assert_eq!(folder.below(name, 9, &window), wanted, "{folder:?} {name}");
        };
        let (open, last) = (Folder::Open { depth: 0 }, Folder::Open { depth: DEPTH_MAX });
        check(open, "AWSLogs", Way::Into(Folder::Logs));
        check(open, "o-example", Way::Into(Folder::Open { depth: 1 }));
        check(open, "111122223333", Way::Into(Folder::Account { is_certain: false }));
        check(open, "123456789012", Way::Past(Passed::Unwanted));
        check(last, "more", Way::Into(Folder::Flat));
        check(Folder::Logs, "o-example", Way::Into(Folder::Logs));
        check(Folder::Logs, "111122223333", Way::Into(Folder::Account { is_certain: true }));
        check(Folder::Logs, "123456789012", Way::Past(Passed::Unwanted));
        check(Folder::Logs, "notes", Way::Into(Folder::Flat));
        let account = Folder::Account { is_certain: true };
        check(account, "CloudTrail", Way::Into(Folder::Trail));
        check(account, "CloudTrail-NetworkActivity", Way::Into(Folder::Trail));
        check(account, "CloudTrail-Digest", Way::Past(Passed::Digests));
        check(account, "CloudTrail-Insight", Way::Past(Passed::Insights));
        check(account, "Config", Way::Past(Passed::OtherService));
        check(Folder::Account { is_certain: false }, "logs", Way::Into(Folder::Open { depth: 1 }));
        let names = |names: &'static [&str]| names.iter().copied();
        let moved = Folder::Account { is_certain: false };
        assert_eq!(moved.holding(names(&["CloudTrail", "Config"])), account);
        assert_eq!(moved.holding(names(&["logs"])), moved);
        check(Folder::Trail, "eu-west-1", Way::Into(Folder::Dated { days_at: 9 }));
        check(Folder::Trail, "us-gov-west-1", Way::Past(Passed::Unwanted));
        check(Folder::Trail, "notes", Way::Into(Folder::Flat));
    }

    #[test]
    fn keys_tell_what_holds_no_records() {
        let check = |key: &str, wanted| assert_eq!(passed(key), wanted, "{key}");
        let log = "AWSLogs/111122223333/CloudTrail/us-east-2/2026/11/22/x.json.gz";
        check(log, None);
        check(&log.replace("CloudTrail", "CloudTrail-Digest"), Some(Passed::Digests));
        check(&log.replace("CloudTrail", "CloudTrail-Insight"), Some(Passed::Insights));
        check(&log.replace("CloudTrail", "Config"), Some(Passed::OtherService));
        check(&log.replace("AWSLogs/", "AWSLogs/o-example/"), None);
        check("backup/CloudTrail-Digest/x.json.gz", Some(Passed::Digests));
        check("CloudTrail-Digest", None);
        check("records/x.json.gz", None);
        check("AWSLogs/111122223333/x.json.gz", None);
    }
}
