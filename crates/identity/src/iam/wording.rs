//! IAM's errors, in AWS's words.

use flow::Fault;
use policy::Malformed;

use crate::registry::Holder;

pub(super) fn missing(member: &str) -> Fault {
    Fault::new(
        "ValidationError",
        format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ),
    )
}

pub(crate) fn invalid(what: impl Into<String>) -> Fault {
    Fault::new("ValidationError", what)
}

pub(crate) fn no_such(holder: Holder<'_>) -> Fault {
    match holder {
        Holder::User(name) => gone(format!("The user with name {name} cannot be found.")),
        Holder::Group(name) => gone(format!("The group with name {name} cannot be found.")),
        Holder::Role(name) => gone(format!("The role with name {name} cannot be found.")),
    }
}

pub(super) fn gone(what: impl Into<String>) -> Fault {
    Fault::new("NoSuchEntityException", what).with_status(404)
}

pub(crate) fn exists(what: impl Into<String>) -> Fault {
    Fault::new("EntityAlreadyExistsException", what).with_status(409)
}

pub(super) fn conflict(what: impl Into<String>) -> Fault {
    Fault::new("DeleteConflictException", what).with_status(409)
}

pub(super) fn limit(what: impl Into<String>) -> Fault {
    Fault::new("LimitExceededException", what).with_status(409)
}

pub(crate) fn malformed(why: &Malformed) -> Fault {
    Fault::new("MalformedPolicyDocumentException", why.to_string())
}
