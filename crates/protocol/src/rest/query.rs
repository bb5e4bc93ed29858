//! Members in a URL's query.

use flow::Tree;
use model::{Kind, Location, Member, Service, Structure, TimestampFormat};

use crate::aws_query::form;
use crate::error::Problem;
use crate::limit::{NAME_BYTES_MAX, PARAMETERS_MAX, TEXT_BYTES_MAX, bounded};
use crate::{lookup, text, uri};

/// The parameters of a presigned URL, which are never members.
const SIGNATURE: &[&str] = &[
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// The pairs of a query, decoded, but for the template's fixed parts and a signature's.
pub(super) fn pairs(query: &str, template: &str) -> Result<Vec<(String, String)>, Problem> {
    let mut pairs = Vec::new();
    for (name, value) in uri::parts(query) {
        if pairs.len() == PARAMETERS_MAX {
            return Err(Problem::limit(format!("at most {PARAMETERS_MAX} parameters")));
        }
        let name = form::decode(name)?;
        let value = form::decode(value).map_err(|problem| problem.at(&name))?;
        bounded(&name, NAME_BYTES_MAX)?;
        bounded(&value, TEXT_BYTES_MAX).map_err(|problem| problem.at(&name))?;
        let fixed = uri::fixed_names(template).any(|fixed| fixed == name);
        if !fixed && !SIGNATURE.iter().any(|part| name.eq_ignore_ascii_case(part)) {
            pairs.push((name, value));
        }
    }
    Ok(pairs)
}

/// The names of the parameters that are members of their own.
pub(super) fn names<'a>(service: &Service, structure: &'a Structure) -> Vec<&'a str> {
    let own = |member: &&Member| {
        member.location == Location::Query
            && !matches!(lookup::kind(service, member.shape), Kind::Map { .. })
    };
    structure.members.iter().filter(own).map(lookup::wire).collect()
}

/// The value of a member: a parameter, all parameters of its name, or – for a map – all those that
/// no other member names (`named`).
pub(super) fn read(
    service: &Service,
    member: &Member,
    pairs: &[(String, String)],
    named: &[&str],
) -> Result<Option<Tree>, Problem> {
    let kind = lookup::kind(service, member.shape);
    if let Kind::Map { value: item, .. } = kind {
        let free = pairs.iter().filter(|(name, _)| !named.contains(&name.as_str()));
        return map(service, item, free).map(|map| (!map.is_empty()).then_some(Tree::Map(map)));
    }
    let name = lookup::wire(member);
    let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if let Kind::List { member: item, .. } = kind {
        let kind = lookup::kind(service, item.shape);
        let items: Vec<_> =
            values.map(|value| text::read(kind, value)).collect::<Result<_, _>>()?;
        return Ok((!items.is_empty()).then_some(Tree::List(items)));
    }
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::value("each parameter once"));
    }
    text::read(kind, value).map(Some)
}

fn map<'a>(
    service: &Service,
    item: &Member,
    pairs: impl Iterator<Item = &'a (String, String)>,
) -> Result<Vec<(String, Tree)>, Problem> {
    let mut map: Vec<(String, Tree)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    let item_kind = lookup::kind(service, item.shape);
    for (name, value) in pairs {
        let place = places.get(name.as_str()).copied();
        let known = place.and_then(|at: usize| map.get_mut(at)).map(|(_, tree)| tree);
        match (item_kind, known) {
            (Kind::List { member, .. }, known) => {
                let tree = text::read(lookup::kind(service, member.shape), value)
                    .map_err(|problem| problem.at(name))?;
                if let Some(Tree::List(items)) = known {
                    items.push(tree);
                    continue;
                }
                places.insert(name.as_str(), map.len());
                map.push((name.clone(), Tree::List(vec![tree])));
            }
            (_, Some(_)) => return Err(Problem::value("each parameter once").at(name)),
            (kind, None) => {
                places.insert(name.as_str(), map.len());
                map.push((name.clone(), text::read(kind, value).map_err(|p| p.at(name))?));
            }
        }
    }
    Ok(map)
}

/// The pairs that a member's value becomes; a map never overrides a parameter in `named`.
pub(super) fn write(
    service: &Service,
    member: &Member,
    tree: &Tree,
    named: &[&str],
    out: &mut Vec<(String, String)>,
) {
    let kind = lookup::kind(service, member.shape);
    match (kind, tree) {
        (Kind::Map { value, .. }, Tree::Map(entries)) => {
            let free = entries.iter().filter(|(name, _)| !named.contains(&name.as_str()));
            for (name, tree) in free.filter(|(_, tree)| !tree.is_null()) {
                single(service, value, name, tree, out);
            }
        }
        _ => single(service, member, lookup::wire(member), tree, out),
    }
}

fn single(
    service: &Service,
    member: &Member,
    name: &str,
    tree: &Tree,
    out: &mut Vec<(String, String)>,
) {
    let kind = lookup::kind(service, member.shape);
    let mut one = |member: &Member, kind: &Kind, tree: &Tree| {
        let format = lookup::format(member, kind, TimestampFormat::Iso8601);
        out.push((name.to_owned(), text::write(tree, format)));
    };
    match (kind, tree) {
        (Kind::List { member: item, .. }, Tree::List(items)) => {
            let kind = lookup::kind(service, item.shape);
            items.iter().for_each(|tree| one(item, kind, tree));
        }
        _ => one(member, kind, tree),
    }
}
