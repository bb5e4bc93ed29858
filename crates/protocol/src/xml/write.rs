//! A tree to XML, by the model's shapes.

use flow::Tree;
use model::{Kind, Member, Service, Structure, TimestampFormat};

use crate::limit::DEPTH_MAX;
use crate::{lookup, text};

/// XML as it grows.
#[derive(Debug, Default)]
pub(crate) struct Writer(String);

impl Writer {
    /// A text that begins with XML's declaration.
    pub(crate) fn declared() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// All that was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    /// An element with attributes, and what `inside` writes into it.
    pub(crate) fn element(
        &mut self,
        name: &str,
        attributes: &[(String, String)],
        inside: impl FnOnce(&mut Self),
    ) {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.escape(value, true);
            self.0.push('"');
        }
        self.0.push('>');
        inside(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// An element that holds text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.element(name, &[], |inside| inside.escape(text, false));
    }

    fn escape(&mut self, text: &str, attribute: bool) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' if attribute => self.0.push_str("&quot;"),
                // Written by number, or else a reader turns it into a line feed or a space.
                '\r' => self.0.push_str("&#13;"),
                '\n' if attribute => self.0.push_str("&#10;"),
                '\t' if attribute => self.0.push_str("&#9;"),
                '\u{85}' => self.0.push_str("&#x85;"),
                '\u{2028}' => self.0.push_str("&#x2028;"),
                // XML 1.0 has no way at all to write these.
                '\n' | '\t' => self.0.push(character),
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                character => self.0.push(character),
            }
        }
    }
}

/// Attributes that declare a member's namespace and hold its structure's attribute members.
fn attributes(service: &Service, member: &Member, tree: &Tree) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    if let Some((prefix, uri)) = &member.xml_namespace {
        let name = match prefix {
            Some(prefix) => format!("xmlns:{prefix}"),
            None => "xmlns".to_owned(),
        };
        attributes.push((name, uri.clone()));
    }
    if let Some(structure) = service.structure(member.shape) {
        for inner in structure.members.iter().filter(|inner| inner.xml_attribute) {
            if let Some(tree) = lookup::value(tree, inner) {
                let kind = lookup::kind(service, inner.shape);
                let format = lookup::format(inner, kind, TimestampFormat::Iso8601);
                attributes.push((lookup::wire(inner).to_owned(), text::write(tree, format)));
            }
        }
    }
    attributes
}

/// The elements of a structure's members that `wanted` admits, in the model's order.
pub(crate) fn members(
    service: &Service,
    structure: &Structure,
    tree: &Tree,
    depth: usize,
    out: &mut Writer,
    wanted: impl Fn(&Member) -> bool,
) {
    if depth > DEPTH_MAX {
        return;
    }
    for member in structure.members.iter().filter(|member| !member.xml_attribute && wanted(member))
    {
        let Some(tree) = lookup::value(tree, member) else { continue };
        let kind = lookup::kind(service, member.shape);
        let name = lookup::element_name(member, kind);
        match (kind, tree) {
            (Kind::List { member: item, .. }, Tree::List(items))
                if lookup::is_flat(member, kind) =>
            {
                for tree in items {
                    value(service, item, name, tree, depth + 1, out);
                }
            }
            (Kind::Map { key, value, .. }, Tree::Map(entries)) if lookup::is_flat(member, kind) => {
                map(service, (key, value), name, entries, depth + 1, out);
            }
            _ => value(service, member, name, tree, depth + 1, out),
        }
    }
}

/// One element under that name.
fn value(
    service: &Service,
    member: &Member,
    name: &str,
    tree: &Tree,
    depth: usize,
    out: &mut Writer,
) {
    let kind = lookup::kind(service, member.shape);
    let attributes = attributes(service, member, tree);
    out.element(name, &attributes, |out| match (kind, tree) {
        (Kind::Structure(structure), Tree::Map(_)) => {
            members(service, structure, tree, depth, out, |_| true);
        }
        (Kind::List { member: item, .. }, Tree::List(items)) if depth <= DEPTH_MAX => {
            let name = lookup::wire_or(item, "member");
            for tree in items {
                value(service, item, name, tree, depth + 1, out);
            }
        }
        (Kind::Map { key, value, .. }, Tree::Map(entries)) if depth <= DEPTH_MAX => {
            map(service, (key, value), "entry", entries, depth + 1, out);
        }
        (kind, tree) => {
            let format = lookup::format(member, kind, TimestampFormat::Iso8601);
            out.escape(&text::write(tree, format), false);
        }
    });
}

fn map(
    service: &Service,
    (key, item): (&Member, &Member),
    name: &str,
    entries: &[(String, Tree)],
    depth: usize,
    out: &mut Writer,
) {
    for (text, tree) in entries.iter().filter(|(_, tree)| !tree.is_null()) {
        out.element(name, &[], |out| {
            out.text(lookup::wire_or(key, "key"), text);
            value(service, item, lookup::wire_or(item, "value"), tree, depth + 1, out);
        });
    }
}
