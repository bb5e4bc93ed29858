//! The part of the table that is not compressed: what routing asks of every service.

use std::{collections::BTreeMap, sync::OnceLock};

use crate::{Protocol, error::Error, facts, reader::Reader};

/// The generated table; see the crate's own page for how to make it again.
static TABLE: &[u8] = include_bytes!("../generated/services.bin");

const MAGIC: &[u8] = b"THMODEL1";

/// The most services that a table may hold.
const SERVICES_MAX: usize = 4096;

/// What is known of a service before its block is inflated.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The model's name, such as `sns` or `s3control`.
    pub name: &'static str,
    /// Such as `2010-03-31`.
    pub api_version: &'static str,
    /// Such as `SNS`.
    pub service_id: &'static str,
    /// The first label of the service's host name.
    pub endpoint_prefix: &'static str,
    /// What credential scopes name.
    pub signing_name: &'static str,
    /// What stands before the dot of `X-Amz-Target`.
    pub target_prefix: Option<&'static str>,
    /// The default XML namespace.
    pub xml_namespace: Option<&'static str>,
    /// The protocols it speaks, the service's first choice first; never empty.
    pub protocols: Vec<Protocol>,
    /// `1.0` or `1.1` for awsJson.
    pub json_version: Option<&'static str>,
    /// Whether errors carry `x-amzn-query-error`.
    pub query_compatible: bool,
    /// How many operations it has.
    pub operations: u32,
    pub(crate) shapes: u32,
    pub(crate) inflated: usize,
    pub(crate) deflated: &'static [u8],
}

impl Entry {
    /// What records name, such as `sns.amazonaws.com`.
    pub fn event_source(&self) -> String {
        facts::event_source(self.name, self.signing_name)
    }
}

pub(crate) type Names = BTreeMap<&'static str, Vec<&'static str>>;

/// All entries by name, and the names by what requests carry.
pub(crate) struct Index {
    pub(crate) entries: Vec<Entry>,
    pub(crate) by_signing_name: Names,
    pub(crate) by_target_prefix: Names,
    pub(crate) by_endpoint_prefix: Names,
    by_event_source: BTreeMap<String, Vec<&'static str>>,
}

impl Index {
    /// The index of the table that is compiled in, read on first use.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Index> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::new(read(TABLE).expect("the table that is compiled in is tested to be whole"))
        })
    }

    fn new(entries: Vec<Entry>) -> Self {
        let mut index = Self {
            entries: Vec::new(),
            by_signing_name: Names::new(),
            by_target_prefix: Names::new(),
            by_endpoint_prefix: Names::new(),
            by_event_source: BTreeMap::new(),
        };
        for entry in &entries {
            index.by_signing_name.entry(entry.signing_name).or_default().push(entry.name);
            index.by_endpoint_prefix.entry(entry.endpoint_prefix).or_default().push(entry.name);
            index.by_event_source.entry(entry.event_source()).or_default().push(entry.name);
            if let Some(prefix) = entry.target_prefix {
                index.by_target_prefix.entry(prefix).or_default().push(entry.name);
            }
        }
        index.entries = entries;
        index
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.entries.binary_search_by(|entry| entry.name.cmp(name)).ok()
    }

    pub(crate) fn by_event_source(&self, source: &str) -> &[&'static str] {
        self.by_event_source.get(source).map_or(&[], Vec::as_slice)
    }
}

/// The entries of a table, sorted by name. Never panics, whatever the bytes.
pub(crate) fn read(table: &'static [u8]) -> Result<Vec<Entry>, Error> {
    let mut reader = Reader::new(table);
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(reader.damaged("the table's first bytes"));
    }
    let count = reader.length()?;
    if count > SERVICES_MAX {
        return Err(reader.damaged("fewer services"));
    }
    let length = reader.length()?;
    let mut index = Reader::new(reader.take(length)?);
    let blocks = reader.rest();
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(entry(&mut index, blocks)?);
    }
    if !index.is_at_end() || !entries.is_sorted_by(|a: &Entry, b| a.name < b.name) {
        return Err(index.damaged("services in the order of their names"));
    }
    Ok(entries)
}

fn entry(index: &mut Reader<'static>, blocks: &'static [u8]) -> Result<Entry, Error> {
    let some = |text: &'static str| (!text.is_empty()).then_some(text);
    let name = index.text()?;
    let api_version = index.text()?;
    let service_id = index.text()?;
    let endpoint_prefix = index.text()?;
    let signing_name = index.text()?;
    let target_prefix = some(index.text()?);
    let xml_namespace = some(index.text()?);
    let protocols = (0..index.length()?)
        .map(|_| protocol(index))
        .take(PROTOCOLS_MAX)
        .collect::<Result<Vec<_>, _>>()?;
    if protocols.is_empty() {
        return Err(index.damaged("a protocol"));
    }
    let json_version = match index.number()? {
        0 => None,
        1 => Some("1.0"),
        2 => Some("1.1"),
        _ => return Err(index.damaged("a version of awsJson")),
    };
    let query_compatible = index.number()? == 1;
    let at = index.length()?;
    let deflated = index.length()?;
    let inflated = index.length()?;
    let operations = index.number()?;
    let shapes = index.number()?;
    let deflated = at
        .checked_add(deflated)
        .and_then(|end| blocks.get(at..end))
        .ok_or_else(|| index.damaged("a block inside the table"))?;
    Ok(Entry {
        name,
        api_version,
        service_id,
        endpoint_prefix,
        signing_name,
        target_prefix,
        xml_namespace,
        protocols,
        json_version,
        query_compatible,
        operations,
        shapes,
        inflated,
        deflated,
    })
}

/// As many protocols as there are.
const PROTOCOLS_MAX: usize = 6;

fn protocol(index: &mut Reader<'_>) -> Result<Protocol, Error> {
    Ok(match index.number()? {
        0 => Protocol::Json,
        1 => Protocol::RestJson,
        2 => Protocol::RestXml,
        3 => Protocol::Cbor,
        4 => Protocol::Query,
        5 => Protocol::Ec2,
        _ => return Err(index.damaged("a protocol")),
    })
}
