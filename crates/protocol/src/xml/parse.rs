//! XML text to elements that know no model yet, with every bound enforced while it is read.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use crate::error::Problem;
use crate::limit::{Budget, NAME_BYTES_MAX, TEXT_BYTES_MAX, bounded, deep};

/// One element: names are local, prefixes are dropped.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Without a prefix.
    pub(crate) name: String,
    /// With their prefixes, as written; declarations of namespaces too.
    pub(crate) attributes: Vec<(String, String)>,
    /// All the text directly inside, joined.
    pub(crate) text: String,
    /// The elements directly inside, in order.
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of that name.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

/// The root of one XML text.
///
/// A document type, and any entity but XML's own five and characters by number, is refused.
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Problem::syntax(error.valid_up_to(), "UTF-8").because(error))?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut budget = Budget::new();
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let wrong = |expected: &str| Problem::syntax(before, expected);
        match reader.read_event().map_err(|error| wrong("XML").because(error))? {
            Event::Start(start) => {
                budget.take()?;
                deep(open.len())?;
                if root.is_some() {
                    return Err(wrong("the end after the root element"));
                }
                open.push(element(&start, before)?);
            }
            Event::Empty(start) => {
                budget.take()?;
                let element = element(&start, before)?;
                close(element, &mut open, &mut root).map_err(|()| wrong("one root element"))?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(|| wrong("an open element"))?;
                close(element, &mut open, &mut root).map_err(|()| wrong("one root element"))?;
            }
            Event::Text(text) => {
                let text = text.xml10_content().map_err(|error| wrong("text").because(error))?;
                append(&text, &mut open).map_err(|()| wrong("an element"))?;
            }
            Event::CData(data) => {
                let text = data.xml10_content().map_err(|error| wrong("text").because(error))?;
                append(&text, &mut open).map_err(|()| wrong("an element"))?;
            }
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|error| wrong("a reference").because(error))?;
                let text = quick_xml::escape::unescape(&format!("&{name};"))
                    .map_err(|error| wrong("one of XML's own entities").because(error))?
                    .into_owned();
                append(&text, &mut open).map_err(|()| wrong("an element"))?;
            }
            Event::DocType(_) => return Err(wrong("no document type")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if open.is_empty() => {
                return root.ok_or_else(|| wrong("an element"));
            }
            Event::Eof => return Err(wrong("the end of an element")),
        }
    }
}

fn element(start: &BytesStart<'_>, at: usize) -> Result<Element, Problem> {
    let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
    bounded(&name, NAME_BYTES_MAX)?;
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute
            .map_err(|error| Problem::syntax(at, "attributes, each once").because(error))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| Problem::syntax(at, "an attribute").because(error))?;
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        attributes.push((key, value.into_owned()));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), ()> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return Err(()),
    }
    Ok(())
}

fn append(text: &str, open: &mut [Element]) -> Result<(), ()> {
    match open.last_mut() {
        Some(parent) if parent.text.len() + text.len() <= TEXT_BYTES_MAX => {
            parent.text.push_str(text);
            Ok(())
        }
        None if text.trim_matches([' ', '\t', '\r', '\n', '\u{feff}']).is_empty() => Ok(()),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_text_are_read() {
        let text = b"<?xml version=\"1.0\"?>\n<a:r xmlns:a='u' k='1 &lt; 2'> x<!-- c -->&amp;&#65;<b/><![CDATA[<]]></a:r>\n";
        let root = parse(text).unwrap();
        assert_eq!((root.name.as_str(), root.text.as_str()), ("r", " x&A<"));
        assert_eq!(root.attributes[1], ("k".to_owned(), "1 < 2".to_owned()));
        assert!(root.child("b").is_some());
    }

    #[test]
    fn hostile_xml_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000));
        let bomb = "<!DOCTYPE a [<!ENTITY b \"cc\">]><a>&b;</a>";
        let outside = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>";
        for text in [
            deep.as_str(),
            bomb,
            outside,
            "<a>&b;</a>",
            "<a>",
            "<a></b>",
            "",
            "x",
            "<a/><b/>",
            "<a/>x",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
