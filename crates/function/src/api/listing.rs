//! All functions, page by page, and what the account holds of them.

use flow::{Fault, Tree};

use super::{answer::count, invalid, validation};
use crate::{Functions, code::UNPACKED_BYTES_MAX};

/// Functions in one page, as Lambda answers them.
const PAGE_MAX: usize = 50;
/// What an account may store, in bytes, as Lambda's quota has it.
const CODE_BYTES_MAX: i64 = 75 * 1024 * 1024 * 1024;
/// What a zip may be when it is uploaded directly, in bytes.
pub(super) const ZIP_BYTES_MAX: usize = 50 * 1024 * 1024;
/// Instances of an account, as Lambda's quota has it.
pub(super) const CONCURRENCY: u32 = 1_000;
/// What may not be reserved of them.
pub(super) const UNRESERVED_MIN: u32 = 100;

impl Functions {
    pub(super) fn list_functions(&self, input: &Tree) -> Result<Tree, Fault> {
        if let Some(region) = input.text("MasterRegion").filter(|region| *region != "ALL") {
            let why = format!("MasterRegion {region}: functions of other regions are not offered");
            return Err(invalid(why));
        }
        let all = match input.text("FunctionVersion") {
            None => false,
            Some("ALL") => true,
            Some(other) => {
                return Err(validation(&format!(
                    "Value '{other}' at 'functionVersion' failed to satisfy constraint: Member \
                     must satisfy enum value set: [ALL]"
                )));
            }
        };
        if !all {
            return Ok(page(input, "Functions", self.configurations(&self.names())));
        }
        let names = self.names().into_iter().filter(|name| self.exists(&self.arn_of(name)));
        let versions = names.flat_map(|name| {
            let rows = self.versions_of(&name);
            rows.into_iter().map(move |(key, tree)| (format!("{name}:{key}"), tree))
        });
        let mut versions: Vec<_> = versions.collect();
        versions.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(page(input, "Functions", versions))
    }

    fn configurations(&self, names: &[String]) -> Vec<(String, Tree)> {
        let rows = names.iter().filter_map(|name| Some((name, self.row(name)?)));
        let there = rows.filter(|(name, _)| self.exists(&self.arn_of(name)));
        there.map(|(name, row)| (name.clone(), self.configuration(name, &row))).collect()
    }

    pub(super) fn account_settings(&self) -> Tree {
        let rows: Vec<_> = self.names().iter().filter_map(|name| self.row(name)).collect();
        let stored = rows.iter().filter_map(|row| row.deployment.as_ref());
        let latest: u64 = stored.map(|made| made.code.bytes).sum();
        let versions = self.names().into_iter().flat_map(|name| self.0.versions.of(&name));
        let published: u64 = versions.map(|(_, version)| version.deployment.code.bytes).sum();
        let bytes = latest.saturating_add(published);
        let reserved: u32 = rows.iter().filter_map(|row| row.reserved).sum();
        let number = |value: u32| Tree::from(i64::from(value));
        let zipped = u64::try_from(ZIP_BYTES_MAX).unwrap_or(u64::MAX);
        Tree::map([
            (
                "AccountLimit",
                Tree::map([
                    ("TotalCodeSize", Tree::from(CODE_BYTES_MAX)),
                    ("CodeSizeUnzipped", count(UNPACKED_BYTES_MAX)),
                    ("CodeSizeZipped", count(zipped)),
                    ("ConcurrentExecutions", number(CONCURRENCY)),
                    (
                        "UnreservedConcurrentExecutions",
                        number(CONCURRENCY.saturating_sub(reserved)),
                    ),
                ]),
            ),
            (
                "AccountUsage",
                Tree::map([
                    ("TotalCodeSize", count(bytes)),
                    ("FunctionCount", count(u64::try_from(rows.len()).unwrap_or(u64::MAX))),
                ]),
            ),
        ])
    }
}

/// One page of what stands under ordered names; the marker is the last name before it.
pub(super) fn page(input: &Tree, member: &'static str, rows: Vec<(String, Tree)>) -> Tree {
    page_of(PAGE_MAX, input, member, rows)
}

/// The same with at most `page_max` in one.
pub(super) fn page_of(
    page_max: usize,
    input: &Tree,
    member: &'static str,
    rows: Vec<(String, Tree)>,
) -> Tree {
    let wanted = input.int("MaxItems").and_then(|most| usize::try_from(most).ok());
    let most = wanted.unwrap_or(page_max).clamp(1, page_max);
    let after = input.text("Marker").unwrap_or_default();
    let mut rest = rows.into_iter().filter(|(name, _)| name.as_str() > after);
    let taken: Vec<_> = rest.by_ref().take(most).collect();
    let marker = rest.next().and(taken.last()).map(|(name, _)| Tree::from(name.as_str()));
    let items: Vec<Tree> = taken.iter().map(|(_, tree)| tree.clone()).collect();
    let mut members = vec![(member, Tree::from(items))];
    members.extend(marker.map(|marker| ("NextMarker", marker)));
    Tree::map(members)
}
