//! Errors: what a fault looks like in each protocol, and which fault an answer holds.

mod read;
mod write;

use model::{ErrorTrait, Kind, Member, Service, Shape, ShapeId, Structure};

pub(crate) use read::read;
pub(crate) use write::write;

/// What the model says about an error.
struct Modelled<'a> {
    name: &'a str,
    structure: &'a Structure,
    error: &'a ErrorTrait,
}

impl<'a> Modelled<'a> {
    /// The error shape of that name, else one whose code on the wire it is. Two shapes may share a
    /// code, so those that the operation declares come before all others.
    fn find(service: &'a Service, declared: &[ShapeId], code: &str) -> Option<Self> {
        let of = |shape: &'a Shape| match &shape.kind {
            Kind::Structure(structure) => {
                let error = structure.error.as_ref()?;
                Some(Self { name: &shape.name, structure, error })
            }
            _ => None,
        };
        let own = || declared.iter().filter_map(|id| service.shape(*id)).filter_map(of);
        let all = || service.shapes.iter().filter_map(of);
        let named = |error: &Self| error.name == code;
        let aliased = |error: &Self| error.error.code.as_deref() == Some(code);
        own()
            .find(named)
            .or_else(|| own().find(aliased))
            .or_else(|| all().find(named))
            .or_else(|| all().find(aliased))
    }

    /// The code on the wire of the protocols that know aliases.
    fn alias(&self) -> &'a str {
        self.error.code.as_deref().unwrap_or(self.name)
    }

    /// The member that holds the message, whatever its case.
    fn message(&self) -> Option<&'a Member> {
        self.structure.members.iter().find(|member| is_message(&member.name))
    }
}

fn is_message(name: &str) -> bool {
    name.eq_ignore_ascii_case("message") || name.eq_ignore_ascii_case("errorMessage")
}
