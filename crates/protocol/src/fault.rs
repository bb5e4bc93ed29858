//! Errors: what a fault looks like in each protocol, and which fault an answer holds.

mod read;
mod write;

use model::{ErrorTrait, Kind, Member, Service, Structure};

pub(crate) use read::read;
pub(crate) use write::write;

/// What the model says about an error.
struct Modelled<'a> {
    name: &'a str,
    structure: &'a Structure,
    error: &'a ErrorTrait,
}

impl<'a> Modelled<'a> {
    /// The error shape of that name, else the first whose code on the wire it is.
    fn find(service: &'a Service, code: &str) -> Option<Self> {
        let errors = || {
            service.shapes.iter().filter_map(|shape| match &shape.kind {
                Kind::Structure(structure) => {
                    let error = structure.error.as_ref()?;
                    Some(Self { name: &shape.name, structure, error })
                }
                _ => None,
            })
        };
        errors()
            .find(|error| error.name == code)
            .or_else(|| errors().find(|error| error.error.code.as_deref() == Some(code)))
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
