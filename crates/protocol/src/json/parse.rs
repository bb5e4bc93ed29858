//! JSON text to a tree that knows no model yet, with every bound enforced while it is read.

use std::fmt;

use flow::Tree;
use serde_json::de::SliceRead;
use serde_json::error::Category;

use crate::error::Problem;
use crate::limit::{
    DEPTH_MAX, LIST_ITEMS_MAX, MEMBERS_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX, VALUES_MAX,
};

/// The tree of one JSON text. Whole numbers beyond 64 bits become [`Tree::Float`].
///
/// A name that occurs twice in one object is refused: two readers could take it for two different
/// requests.
pub(crate) fn parse(bytes: &[u8]) -> Result<Tree, Problem> {
    let mut values = VALUES_MAX;
    let mut source = serde_json::Deserializer::new(SliceRead::new(bytes));
    let seed = Value { depth: 0, values: &mut values };
    serde::de::DeserializeSeed::deserialize(seed, &mut source)
        .and_then(|tree| source.end().map(|()| tree))
        .map_err(|error| {
            let expected = match error.classify() {
                Category::Data => error.to_string(),
                Category::Syntax | Category::Eof | Category::Io => "JSON".to_owned(),
            };
            Problem::syntax(offset(bytes, error.line(), error.column()), expected).because(error)
        })
}

/// Lines and columns count from one, columns in bytes.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (before + column.saturating_sub(1)).min(bytes.len())
}

struct Value<'a> {
    depth: usize,
    values: &'a mut usize,
}

impl<'de> serde::de::DeserializeSeed<'de> for Value<'_> {
    type Value = Tree;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<Tree, D::Error> {
        use serde::de::Error;
        *self.values = self
            .values
            .checked_sub(1)
            .ok_or_else(|| D::Error::custom(format!("at most {VALUES_MAX} values")))?;
        if self.depth > DEPTH_MAX {
            return Err(D::Error::custom(format!("at most {DEPTH_MAX} levels of nesting")));
        }
        source.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Value<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(match i64::try_from(number) {
            Ok(number) => Tree::Int(number),
            // Through text, because no lossless conversion exists and a lossy one is wanted.
            Err(_) => Tree::Float(number.to_string().parse().unwrap_or(f64::INFINITY)),
        })
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Float(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Tree, E> {
        bounded(text, TEXT_BYTES_MAX)?;
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Tree, E> {
        bounded(&text, TEXT_BYTES_MAX)?;
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut source: A) -> Result<Tree, A::Error> {
        use serde::de::Error;
        let Self { depth, values } = self;
        let mut items = Vec::new();
        while let Some(item) = source.next_element_seed(Value { depth: depth + 1, values })? {
            if items.len() == LIST_ITEMS_MAX {
                return Err(A::Error::custom(format!("at most {LIST_ITEMS_MAX} items")));
            }
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut source: A) -> Result<Tree, A::Error> {
        use serde::de::Error;
        let Self { depth, values } = self;
        let mut members: Vec<(String, Tree)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(name) = source.next_key::<String>()? {
            bounded(&name, NAME_BYTES_MAX)?;
            if members.len() == MEMBERS_MAX {
                return Err(A::Error::custom(format!("at most {MEMBERS_MAX} members")));
            }
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom("each name once"));
            }
            let value = source.next_value_seed(Value { depth: depth + 1, values })?;
            members.push((name, value));
        }
        Ok(Tree::Map(members))
    }
}

fn bounded<E: serde::de::Error>(text: &str, max: usize) -> Result<(), E> {
    if text.len() > max { Err(E::custom(format!("at most {max} bytes of text"))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow::Fault;
    use model::Protocol;

    fn fault(text: &str) -> Fault {
        parse(text.as_bytes()).unwrap_err().of(Protocol::Json).fault()
    }

    #[test]
    fn hostile_json_is_refused_with_its_place() {
        assert!(fault("{\"a\":1,}").message.contains("at byte 7"), "{:?}", fault("{\"a\":1,}"));
        assert!(fault(&"[".repeat(5000)).message.contains("awsJson"));
        assert!(fault("{\"a\":1,\"a\":2}").message.contains("each name once"));
        assert_eq!(fault("").code, "SerializationException");
        assert!(parse(b"{} x").is_err());
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse(b"1e999").is_err());
        let long = format!("[{}0]", "0,".repeat(LIST_ITEMS_MAX));
        assert!(fault(&long).message.contains("items"));
    }

    #[test]
    fn numbers_beyond_64_bits_become_doubles() {
        assert_eq!(parse(b"9223372036854775807").unwrap(), Tree::Int(i64::MAX));
        assert_eq!(
            parse(b"9223372036854775808").unwrap(),
            Tree::Float(9_223_372_036_854_775_808.0)
        );
    }
}
