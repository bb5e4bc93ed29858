//! Which operation a path asks for: URI templates and the requests that fit them.

use std::borrow::Cow;

use model::Operation;
use percent_encoding::percent_decode_str;

/// How a request fits an operation's URI template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The labels and what stands in their places, still percent-encoded.
    pub labels: Vec<(&'a str, &'a str)>,
    /// How narrow the template is: of several that fit, the greatest is meant.
    pub rank: Rank,
}

/// The narrowness of a template: segment by segment a literal before a label before a greedy
/// label; then the number of fixed query parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(Vec<u8>, usize);

const GREEDY: u8 = 0;
const LABEL: u8 = 1;
const LITERAL: u8 = 2;

/// How a request with this method, path and query fits `operation`; `None` where it does not.
///
/// `path` is as sent, percent-encoded; `query` without its question mark. One slash at the end
/// makes no difference, as AWS's clients differ in it. A label is never empty.
pub fn matches<'a>(
    operation: &'a Operation,
    method: &str,
    path: &'a str,
    query: &str,
) -> Option<Match<'a>> {
    if operation.method != method {
        return None;
    }
    fits(&operation.uri, path, query)
}

/// The same for a template alone.
pub(crate) fn fits<'a>(template: &'a str, path: &'a str, query: &str) -> Option<Match<'a>> {
    let (template, fixed) = template.split_once('?').unwrap_or((template, ""));
    let fixed_parts = parts(fixed).count();
    if !parts(fixed).all(|wanted| parts(query).any(|given| same_part(wanted, given))) {
        return None;
    }
    let template: Vec<&str> = segments(template).collect();
    let mut labels = Vec::new();
    let mut rank = Vec::with_capacity(template.len());
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    for (at, segment) in template.iter().enumerate() {
        let after = template.len() - at - 1;
        if let Some(label) = segment.strip_prefix('{').and_then(|s| s.strip_suffix("+}")) {
            let (value, left) = split_before_last(rest, after)?;
            if value.is_empty() {
                return None;
            }
            labels.push((label, value));
            rank.push(GREEDY);
            rest = left;
            continue;
        }
        if rest.is_empty() {
            return None;
        }
        let (given, left) = rest.split_once('/').unwrap_or((rest, ""));
        rank.push(segment_fits(segment, given, &mut labels)?);
        rest = left;
    }
    rest.is_empty().then_some(Match { labels, rank: Rank(rank, fixed_parts) })
}

/// A template's literal or label, perhaps with literal text around it (`{name}.json`).
fn segment_fits<'a>(
    segment: &'a str,
    given: &'a str,
    labels: &mut Vec<(&'a str, &'a str)>,
) -> Option<u8> {
    let label = segment.split_once('{').and_then(|(before, rest)| {
        let (label, after) = rest.split_once('}')?;
        Some((before, label, after))
    });
    let Some((before, label, after)) = label else {
        return (segment == given || decoded(segment) == decoded(given)).then_some(LITERAL);
    };
    let value = given.strip_prefix(before)?.strip_suffix(after)?;
    if value.is_empty() {
        return None;
    }
    labels.push((label, value));
    Some(LABEL)
}

/// All but the last `count` segments, and those.
fn split_before_last(path: &str, count: usize) -> Option<(&str, &str)> {
    if count == 0 {
        return Some((path, ""));
    }
    let (at, _) = path.rmatch_indices('/').nth(count - 1)?;
    Some((path.get(..at)?, path.get(at + 1..)?))
}

fn segments(template: &str) -> impl Iterator<Item = &str> {
    template.split('/').filter(|segment| !segment.is_empty())
}

/// `a=b&c` is (`a`, `b`) and (`c`, ``).
pub(crate) fn parts(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// The names of the fixed query parts of a template.
pub(crate) fn fixed_names(template: &str) -> impl Iterator<Item = &str> {
    parts(template.split_once('?').map_or("", |(_, fixed)| fixed)).map(|(name, _)| name)
}

fn same_part((name, value): (&str, &str), (given_name, given): (&str, &str)) -> bool {
    decoded(name) == decoded(given_name) && (value.is_empty() || decoded(value) == decoded(given))
}

fn decoded(text: &str) -> Cow<'_, [u8]> {
    Cow::from(percent_decode_str(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(
        template: &'static str,
        path: &'static str,
        query: &str,
    ) -> Option<Vec<(&'static str, &'static str)>> {
        fits(template, path, query).map(|found| found.labels)
    }

    #[test]
    fn labels_take_one_segment_and_greedy_ones_several() {
        assert_eq!(labels("/", "/", ""), Some(vec![]));
        assert_eq!(labels("/a/{x}", "/a/b%2Fc", ""), Some(vec![("x", "b%2Fc")]));
        assert_eq!(labels("/a/{x}", "/a/", ""), None);
        assert_eq!(labels("/a/{x}", "/a/b/c", ""), None);
        assert_eq!(labels("/{b}/{k+}", "/b/c/d/", ""), Some(vec![("b", "b"), ("k", "c/d/")]));
        assert_eq!(labels("/{b}/{k+}", "/b", ""), None);
        assert_eq!(labels("/x/{k+}/y", "/x/a/b/y", ""), Some(vec![("k", "a/b")]));
        assert_eq!(labels("/v/{n}.json", "/v/q.json", ""), Some(vec![("n", "q")]));
    }

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        assert!(labels("/2015-03-31/functions/", "/2015-03-31/functions", "").is_some());
        assert!(labels("/2015-03-31/functions", "/2015-03-31/functions/", "").is_some());
    }

    #[test]
    fn fixed_query_parts_must_be_there() {
        assert!(labels("/{b}?notification", "/b", "notification").is_some());
        assert!(labels("/{b}?notification", "/b", "notification=&x=1").is_some());
        assert!(labels("/{b}?notification", "/b", "").is_none());
        assert!(labels("/b?list-type=2", "/b", "list-type=1").is_none());
    }

    #[test]
    fn the_narrower_template_ranks_higher() {
        let rank = |template, query| fits(template, "/a/b", query).unwrap().rank;
        assert!(rank("/a/b", "") > rank("/a/{x}", ""));
        assert!(rank("/a/{x}", "") > rank("/{y}/b", ""));
        assert!(rank("/{y}/b", "") > rank("/{y}/{x}", ""));
        assert!(rank("/a/{x}", "") > rank("/a/{x+}", ""));
        assert!(rank("/a/{x}?acl", "acl") > rank("/a/{x}", "acl"));
    }
}
