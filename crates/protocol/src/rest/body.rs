//! What a body of the REST protocols is, as the model says.

use model::{Kind, Location, Member, Service, Structure};

use crate::lookup;

/// How a structure fills the body.
pub(super) enum Body<'a> {
    /// Not at all.
    Empty,
    /// With the members that stand nowhere else.
    Members,
    /// With the bytes of one member, as they are.
    Bytes(&'a Member),
    /// With the text of one member, as it is.
    Text(&'a Member),
    /// With one member in the protocol's own language.
    Value(&'a Member),
}

/// The body of a structure. An answer has no path and no query: what the model puts there stands
/// in its body.
pub(super) fn of<'a>(service: &Service, structure: &'a Structure, answer: bool) -> Body<'a> {
    let payload = structure.payload.and_then(|at| usize::try_from(at).ok());
    if let Some(member) = payload.and_then(|at| structure.members.get(at)) {
        return match lookup::kind(service, member.shape) {
            Kind::Structure(inner) if inner.event_stream => Body::Bytes(member),
            _ if member.streaming => Body::Bytes(member),
            Kind::Blob => Body::Bytes(member),
            Kind::String => Body::Text(member),
            _ => Body::Value(member),
        };
    }
    let in_body = |member: &Member| is_in_body(member, answer);
    if structure.members.iter().any(in_body) { Body::Members } else { Body::Empty }
}

/// Whether a member stands in the body.
pub(super) fn is_in_body(member: &Member, answer: bool) -> bool {
    match member.location {
        Location::Body => true,
        Location::Uri | Location::Query => answer,
        Location::Status => !answer,
        Location::Header | Location::HeaderPrefix => false,
    }
}
