//! Rows of what messages say.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use flow::{AttributeValue, MessageAttribute};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

/// What a message says, as whoever receives it reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) message_id: String,
    pub(crate) sender: String,
    pub(crate) body: String,
    pub(crate) attributes: BTreeMap<String, MessageAttribute>,
    /// `AWSTraceHeader`.
    pub(crate) trace: Option<String>,
    /// `MessageGroupId`.
    pub(crate) group: Option<String>,
}

/// An attribute as a row has it: bytes as base64.
#[derive(Serialize, Deserialize)]
struct Kept {
    data_type: String,
    text: Option<String>,
    bytes: Option<String>,
}

fn keep(attribute: &MessageAttribute) -> Kept {
    let data_type = attribute.data_type.clone();
    match &attribute.value {
        AttributeValue::Text(text) => Kept { data_type, text: Some(text.clone()), bytes: None },
        AttributeValue::Bytes(bytes) => {
            Kept { data_type, text: None, bytes: Some(STANDARD.encode(bytes)) }
        }
    }
}

fn unkeep(kept: Kept) -> Result<MessageAttribute, base64::DecodeError> {
    let value = match kept.bytes {
        Some(bytes) => AttributeValue::Bytes(STANDARD.decode(bytes)?),
        None => AttributeValue::Text(kept.text.unwrap_or_default()),
    };
    Ok(MessageAttribute { data_type: kept.data_type, value })
}

pub(crate) fn insert(db: &Connection, id: i64, content: &Content) -> rusqlite::Result<()> {
    let attributes = (!content.attributes.is_empty()).then(|| {
        let kept: BTreeMap<&String, Kept> =
            content.attributes.iter().map(|(name, attribute)| (name, keep(attribute))).collect();
        serde_json::to_string(&kept).expect("texts by text are JSON")
    });
    db.prepare_cached(
        "INSERT INTO contents (id, message_id, sender, body, attributes, trace, message_group)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((
        id,
        &content.message_id,
        &content.sender,
        &content.body,
        attributes,
        &content.trace,
        &content.group,
    ))
    .map(drop)
}

pub(crate) fn find(db: &Connection, id: i64) -> rusqlite::Result<Option<Content>> {
    db.prepare_cached(
        "SELECT message_id, sender, body, attributes, trace, message_group FROM contents
         WHERE id = ?1",
    )?
    .query_row([id], |row| {
        let attributes: Option<String> = row.get(3)?;
        let attributes = attributes.map(|text| attributes_of(&text)).transpose()?;
        Ok(Content {
            message_id: row.get(0)?,
            sender: row.get(1)?,
            body: row.get(2)?,
            attributes: attributes.unwrap_or_default(),
            trace: row.get(4)?,
            group: row.get(5)?,
        })
    })
    .optional()
}

fn attributes_of(text: &str) -> rusqlite::Result<BTreeMap<String, MessageAttribute>> {
    let failed = |cause: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, cause)
    };
    let kept: BTreeMap<String, Kept> =
        serde_json::from_str(text).map_err(|cause| failed(Box::new(cause)))?;
    let read = |(name, kept)| Ok((name, unkeep(kept)?));
    kept.into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|cause: base64::DecodeError| failed(Box::new(cause)))
}
