//! What is wrong with a message, and where.

use std::error::Error;

use flow::Fault;
use model::Protocol;

type Source = Box<dyn Error + Send + Sync>;

/// A request or answer that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// The bytes are not of the protocol's language at all.
    #[error("{}: expected {expected} at byte {offset} of the body", protocol_name(*protocol))]
    Syntax {
        /// The protocol that was read.
        protocol: Protocol,
        /// How many bytes of the body were understood.
        offset: usize,
        /// What would have been right.
        expected: String,
        /// The parser's own error.
        source: Option<Source>,
    },
    /// A value does not fit its shape.
    #[error("{}: expected {expected} at `{path}`", protocol_name(*protocol))]
    Value {
        /// The protocol that was read.
        protocol: Protocol,
        /// The members on the way to the value, by their names on the wire, with dots.
        path: String,
        /// What would have been right.
        expected: String,
    },
    /// One of the bounds in [`crate::limit`] is crossed.
    #[error("{}: expected {limit} at `{path}`", protocol_name(*protocol))]
    TooLarge {
        /// The protocol that was read.
        protocol: Protocol,
        /// The members on the way to the value.
        path: String,
        /// The bound.
        limit: String,
    },
    /// The protocol is known but not spoken yet.
    #[error("{} is not spoken yet", protocol_name(*protocol))]
    Unsupported {
        /// The protocol.
        protocol: Protocol,
    },
}

impl Malformed {
    /// The error that a caller of that protocol expects for such a request: always the caller's
    /// fault (status 400), but for a protocol that we do not speak (501).
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::Unsupported { .. } => {
                return Fault::new("NotImplemented", self.to_string()).with_status(501);
            }
            Self::Syntax { protocol, .. }
            | Self::Value { protocol, .. }
            | Self::TooLarge { protocol, .. } => match (protocol, self) {
                (Protocol::Query | Protocol::Ec2, Self::Syntax { .. }) => "MalformedQueryString",
                (Protocol::Query | Protocol::Ec2, _) => "MalformedInput",
                (Protocol::RestXml, _) => "MalformedXML",
                (Protocol::Json | Protocol::RestJson | Protocol::Cbor, _) => {
                    "SerializationException"
                }
            },
        };
        Fault::new(code, self.to_string())
    }
}

/// An input that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// A value does not fit its shape, or cannot stand where the protocol puts it.
    #[error("expected {expected} at `{path}`")]
    Value {
        /// The members on the way to the value, with dots.
        path: String,
        /// What would have been right.
        expected: String,
    },
    /// The protocol is known but not spoken yet.
    #[error("{} is not spoken yet", protocol_name(*protocol))]
    Unsupported {
        /// The protocol.
        protocol: Protocol,
    },
}

/// The name that AWS gives to a protocol.
pub fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json => "awsJson",
        Protocol::RestJson => "restJson1",
        Protocol::RestXml => "restXml",
        Protocol::Cbor => "rpcv2Cbor",
        Protocol::Query => "awsQuery",
        Protocol::Ec2 => "ec2Query",
    }
}

/// The same before the protocol is named; the path grows while the reader returns.
#[derive(Debug)]
pub(crate) struct Problem {
    place: Place,
    expected: String,
    limit: bool,
    source: Option<Source>,
}

#[derive(Debug)]
enum Place {
    Byte(usize),
    /// Innermost first.
    Path(Vec<String>),
}

impl Problem {
    /// A value of the wrong kind, here.
    pub(crate) fn value(expected: impl Into<String>) -> Self {
        let place = Place::Path(Vec::new());
        Self { place, expected: expected.into(), limit: false, source: None }
    }

    /// Too much, here.
    pub(crate) fn limit(limit: impl Into<String>) -> Self {
        Self { limit: true, ..Self::value(limit) }
    }

    /// Bytes that are no message, from this one on.
    pub(crate) fn syntax(offset: usize, expected: impl Into<String>) -> Self {
        Self { place: Place::Byte(offset), ..Self::value(expected) }
    }

    /// The same, keeping the parser's error.
    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same, one step further out.
    pub(crate) fn at(mut self, step: impl ToString) -> Self {
        if let Place::Path(steps) = &mut self.place {
            steps.push(step.to_string());
        }
        self
    }

    fn path(steps: &[String]) -> String {
        let names: Vec<&str> = steps.iter().rev().map(String::as_str).collect();
        names.join(".")
    }

    /// The problem as the protocol's reader reports it.
    pub(crate) fn of(self, protocol: Protocol) -> Malformed {
        let Self { place, expected, limit, source } = self;
        match place {
            Place::Byte(offset) => Malformed::Syntax { protocol, offset, expected, source },
            Place::Path(steps) if limit => {
                Malformed::TooLarge { protocol, path: Self::path(&steps), limit: expected }
            }
            Place::Path(steps) => Malformed::Value { protocol, path: Self::path(&steps), expected },
        }
    }

    /// The problem as a client that wanted to send it sees it.
    pub(crate) fn invalid(self) -> Invalid {
        let path = match &self.place {
            Place::Byte(_) => String::new(),
            Place::Path(steps) => Self::path(steps),
        };
        Invalid::Value { path, expected: self.expected }
    }
}
