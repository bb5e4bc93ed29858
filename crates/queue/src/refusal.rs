//! Refusals in the words of SQS. The codes are shapes of its model, or those that it has beside it.

use flow::Fault;

/// Characters of a caller's text that a refusal repeats.
const SHOWN_CHARS_MAX: usize = 200;

pub(crate) fn no_such_queue() -> Fault {
    Fault::new("QueueDoesNotExist", "The specified queue does not exist.")
}

pub(crate) fn missing(parameter: &str) -> Fault {
    Fault::new("MissingParameter", format!("The request must contain the parameter {parameter}."))
}

pub(crate) fn invalid(value: &str, parameter: &str, reason: &str) -> Fault {
    let value = shown(value);
    Fault::new(
        "InvalidParameterValue",
        format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"),
    )
}

/// One or more parameters do not fit, of which none alone is to blame.
pub(crate) fn unfit(reason: &str) -> Fault {
    Fault::new(
        "InvalidParameterValue",
        format!("One or more parameters are invalid. Reason: {reason}"),
    )
}

/// A message's attribute is not as attributes are.
pub(crate) fn invalid_attribute(why: &str) -> Fault {
    Fault::new("InvalidParameterValue", why)
}

pub(crate) fn attribute_value(name: &str) -> Fault {
    Fault::new("InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
}

pub(crate) fn policy(why: &str) -> Fault {
    let mut fault = attribute_value("Policy");
    fault.message = format!("{} Reason: {why}", fault.message);
    fault
}

pub(crate) fn attribute_name(name: &str) -> Fault {
    Fault::new("InvalidAttributeName", format!("Unknown Attribute {}.", shown(name)))
}

pub(crate) fn unsupported(what: &str) -> Fault {
    Fault::new("UnsupportedOperation", format!("{what} not offered by this server."))
}

pub(crate) fn over_limit(message: impl Into<String>) -> Fault {
    Fault::new("OverLimit", message).with_status(403)
}

pub(crate) fn no_such_resource(message: &str) -> Fault {
    Fault::new("ResourceNotFoundException", message).with_status(404)
}

fn shown(text: &str) -> &str {
    let end = text.char_indices().nth(SHOWN_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}
