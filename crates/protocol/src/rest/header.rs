//! Members in headers.

use base64::{Engine, prelude::BASE64_STANDARD};
use flow::Tree;
use http::{HeaderMap, HeaderName, HeaderValue};
use model::{Kind, Member, Service, TimestampFormat};

use crate::error::Problem;
use crate::limit::LIST_ITEMS_MAX;
use crate::{json, lookup, text};

/// Headers that a member for *all* headers does not get: they are the connection's or secrets.
const NEVER_MEMBERS: &[&str] = &[
    "authorization",
    "connection",
    "cookie",
    "host",
    "proxy-authorization",
    "transfer-encoding",
    "x-amz-security-token",
];

/// The value of a member in the header of its name.
pub(super) fn read(
    service: &Service,
    member: &Member,
    headers: &HeaderMap,
) -> Result<Option<Tree>, Problem> {
    let mut lines = Vec::new();
    for line in headers.get_all(lookup::wire(member)) {
        lines.push(utf8(line)?);
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let line = lines.join(", ");
    if member.json_value {
        let bytes = BASE64_STANDARD.decode(line.trim());
        let bytes = bytes.map_err(|error| Problem::value("JSON in base64").because(error))?;
        return json::parse(&bytes).map(Some);
    }
    let kind = lookup::kind(service, member.shape);
    let Kind::List { member: item, .. } = kind else { return text::read(kind, &line).map(Some) };
    let kind = lookup::kind(service, item.shape);
    let dates = lookup::format(item, kind, TimestampFormat::Rfc822) == TimestampFormat::Rfc822;
    let items = match kind {
        // `Mon, 16 Dec 2019 23:48:18 GMT` has a comma of its own.
        Kind::Timestamp(_) if dates => pairs_of(split(&line)?),
        _ => split(&line)?,
    };
    let items = items.iter().map(|item| text::read(kind, item));
    items.collect::<Result<_, _>>().map(|items| Some(Tree::List(items)))
}

/// The map of all headers whose names begin with the member's.
pub(super) fn read_prefixed(
    service: &Service,
    member: &Member,
    headers: &HeaderMap,
) -> Result<Option<Tree>, Problem> {
    let prefix = prefix(member).to_ascii_lowercase();
    let Kind::Map { value: item, .. } = lookup::kind(service, member.shape) else {
        return Err(Problem::value("a map in the model"));
    };
    let kind = lookup::kind(service, item.shape);
    let mut entries = Vec::new();
    for name in headers.keys() {
        let Some(rest) = name.as_str().strip_prefix(prefix.as_str()) else { continue };
        if rest.is_empty() || (prefix.is_empty() && NEVER_MEMBERS.contains(&rest)) {
            continue;
        }
        let lines: Vec<_> = headers.get_all(name).iter().map(utf8).collect::<Result<_, _>>()?;
        let tree = text::read(kind, &lines.join(", ")).map_err(|p| p.at(name.as_str()))?;
        entries.push((rest.to_owned(), tree));
    }
    Ok((!entries.is_empty()).then_some(Tree::Map(entries)))
}

/// What the names of a map's headers begin with; nothing where the member is for all headers.
pub(super) fn prefix(member: &Member) -> &str {
    member.wire_name.as_deref().unwrap_or_default()
}

/// A member's value as a header's; `None` for an empty list.
pub(super) fn write(service: &Service, member: &Member, tree: &Tree) -> Option<String> {
    if member.json_value {
        return Some(BASE64_STANDARD.encode(json::document(tree, 0).to_string()));
    }
    let kind = lookup::kind(service, member.shape);
    let (Kind::List { member: item, .. }, Tree::List(items)) = (kind, tree) else {
        let format = lookup::format(member, kind, TimestampFormat::Rfc822);
        return Some(text::write(tree, format));
    };
    let kind = lookup::kind(service, item.shape);
    let format = lookup::format(item, kind, TimestampFormat::Rfc822);
    let quoted = |tree: &Tree| match tree {
        Tree::Text(text) => quote(text),
        tree => text::write(tree, format),
    };
    let items: Vec<String> = items.iter().map(quoted).collect();
    (!items.is_empty()).then(|| items.join(", "))
}

/// One line of a header, name and value, if HTTP can carry it.
pub(super) fn line(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    let wrong = || Problem::value("text that a header can carry").at(name);
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong().because(error))?;
    // HTTP drops spaces around a value: what begins or ends with one would arrive changed.
    if value.trim() != value {
        return Err(wrong());
    }
    HeaderValue::from_bytes(value.as_bytes())
        .map(|value| (name, value))
        .map_err(|error| wrong().because(error))
}

fn utf8(value: &HeaderValue) -> Result<&str, Problem> {
    std::str::from_utf8(value.as_bytes()).map_err(|error| Problem::value("UTF-8").because(error))
}

/// Text with a comma or a quote, or that is empty or spaced, stands in quotes.
fn quote(text: &str) -> String {
    if !text.is_empty() && text.trim() == text && !text.contains([',', '"', '\\']) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// The items between commas, quotes undone.
fn split(line: &str) -> Result<Vec<String>, Problem> {
    let mut items = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        if items.len() == LIST_ITEMS_MAX {
            return Err(Problem::limit(format!("at most {LIST_ITEMS_MAX} items")));
        }
        if let Some(inside) = rest.strip_prefix('"') {
            let (item, after) = unquote(inside).ok_or_else(|| Problem::value("a closing quote"))?;
            items.push(item);
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next,
                None if after.is_empty() => after,
                None => return Err(Problem::value("a comma after a quoted item")),
            };
        } else {
            let (item, next) = rest.split_once(',').unwrap_or((rest, ""));
            items.push(item.trim().to_owned());
            rest = next;
        }
        rest = rest.trim_start();
    }
    Ok(items)
}

fn unquote(inside: &str) -> Option<(String, &str)> {
    let mut item = String::new();
    let mut characters = inside.chars();
    loop {
        match characters.next()? {
            '"' => return Some((item, characters.as_str())),
            '\\' => item.push(characters.next()?),
            character => item.push(character),
        }
    }
}

fn pairs_of(items: Vec<String>) -> Vec<String> {
    items.chunks(2).map(|pair| pair.join(", ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_headers_read_back() {
        for items in [vec!["a", "b"], vec!["a,b", "\"c\"", "\\", "", " d "], vec!["e"]] {
            let line: Vec<String> = items.iter().map(|item| quote(item)).collect();
            assert_eq!(split(&line.join(", ")).unwrap(), items);
        }
        assert_eq!(split(" one,two , three ").unwrap(), ["one", "two", "three"]);
        assert!(split("\"open").is_err());
        assert!(split("\"a\" b").is_err());
    }
}
