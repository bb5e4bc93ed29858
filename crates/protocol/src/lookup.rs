//! Questions to the model that every protocol asks.

use flow::Tree;
use model::{Kind, Member, Service, ShapeId, Structure, TimestampFormat};

/// What a shape is; a document where the model does not know it.
pub(crate) fn kind(service: &Service, shape: ShapeId) -> &Kind {
    service.shape(shape).map_or(&Kind::Document, |shape| &shape.kind)
}

/// The structure that an operation's input or output points at.
pub(crate) fn structure<'a>(
    service: &'a Service,
    member: &Option<Member>,
) -> Option<&'a Structure> {
    service.structure(member.as_ref()?.shape)
}

/// The member that is a stream of events, where a structure has one.
pub(crate) fn event_stream<'a>(service: &Service, structure: &'a Structure) -> Option<&'a Member> {
    let streams = |member: &&Member| {
        service.structure(member.shape).is_some_and(|structure| structure.event_stream)
    };
    structure.members.iter().find(streams)
}

/// The name on the wire.
pub(crate) fn wire(member: &Member) -> &str {
    member.wire_name.as_deref().unwrap_or(&member.name)
}

/// The name of an item, key or value on the wire, or the protocol's own where none is stated.
pub(crate) fn wire_or<'a>(member: &'a Member, default: &'a str) -> &'a str {
    member.wire_name.as_deref().unwrap_or(default)
}

/// How a moment is spelled: as the member says, else the shape, else the place.
pub(crate) fn format(member: &Member, kind: &Kind, default: TimestampFormat) -> TimestampFormat {
    let stated = match kind {
        Kind::Timestamp(format) => *format,
        _ => None,
    };
    member.timestamp_format.or(stated).unwrap_or(default)
}

/// Whether a list or map has no element around its items.
pub(crate) fn is_flat(member: &Member, kind: &Kind) -> bool {
    member.flattened
        || matches!(kind, Kind::List { flattened: true, .. } | Kind::Map { flattened: true, .. })
}

/// The name that a structure's member has in XML and in queries.
///
/// Where the list's shape itself is flattened, its items' name comes first, as in botocore's
/// models of SimpleDB; where the member is, the member's own name does, as in Smithy's.
pub(crate) fn element_name<'a>(member: &'a Member, kind: &'a Kind) -> &'a str {
    match kind {
        Kind::List { member: item, flattened: true } if !member.flattened => {
            wire_or(item, wire(member))
        }
        _ => wire(member),
    }
}

/// The value that `tree` holds for `member`, unless it is missing or null.
pub(crate) fn value<'a>(tree: &'a Tree, member: &Member) -> Option<&'a Tree> {
    tree.get(&member.name)
}
