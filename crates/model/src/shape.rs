//! The model of one service: operations, and the shapes they take and give.

/// Points at a shape of the same service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShapeId(pub u32);

/// The wire protocols of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// awsJson, its version (1.0 or 1.1) in [`Service::json_version`].
    Json,
    /// restJson1.
    RestJson,
    /// restXml.
    RestXml,
    /// rpcv2Cbor.
    Cbor,
    /// awsQuery.
    Query,
    /// ec2Query.
    Ec2,
}

/// One service in one API version.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// The model's name, such as `sns` or `s3control`.
    pub name: String,
    /// Such as `2010-03-31`.
    pub api_version: String,
    /// Such as `SNS`.
    pub service_id: String,
    /// The first label of the service's host name.
    pub endpoint_prefix: String,
    /// What credential scopes name.
    pub signing_name: String,
    /// What records name, such as `sns.amazonaws.com`.
    pub event_source: String,
    /// The protocols it speaks, the service's first choice first; never empty.
    pub protocols: Vec<Protocol>,
    /// `1.0` or `1.1` for awsJson.
    pub json_version: Option<String>,
    /// What stands before the dot of `X-Amz-Target`.
    pub target_prefix: Option<String>,
    /// The default XML namespace.
    pub xml_namespace: Option<String>,
    /// Whether errors carry `x-amzn-query-error` for callers that once spoke awsQuery.
    pub query_compatible: bool,
    /// By name.
    pub operations: Vec<Operation>,
    /// At the place that their id states.
    pub shapes: Vec<Shape>,
}

/// One operation.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    /// Such as `CreateTopic`.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// The path with labels (`/{Bucket}/{Key+}`), then fixed query parts (`?notification`).
    pub uri: String,
    /// The HTTP status of a good answer.
    pub status: u16,
    /// The input's structure and how a REST-XML body wraps it.
    pub input: Option<Member>,
    /// The output's structure.
    pub output: Option<Member>,
    /// The element inside an awsQuery answer that holds the output.
    pub result_wrapper: Option<String>,
    /// The errors it declares.
    pub errors: Vec<ShapeId>,
    /// What stands before the host name, with labels.
    pub host_prefix: Option<String>,
    /// Whether callers may come without a signature.
    pub unsigned: bool,
}

/// One shape. Plain values (text, numbers, moments …) that are alike share one, which is named after
/// its type.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Its name in the model.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether its values must not be shown.
    pub sensitive: bool,
}

/// What a shape is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Named members.
    Structure(Structure),
    /// Items of one shape.
    List {
        /// The item.
        member: Member,
        /// No element around the items (XML, query).
        flattened: bool,
    },
    /// Keys and values.
    Map {
        /// The key, a string.
        key: Member,
        /// The value.
        value: Member,
        /// No element around the entries.
        flattened: bool,
    },
    /// Text, enums too.
    String,
    /// 32 bits (byte and short too).
    Integer,
    /// 64 bits.
    Long,
    /// A number with a fraction.
    Float,
    /// True or false.
    Boolean,
    /// Bytes.
    Blob,
    /// A moment.
    Timestamp(Option<TimestampFormat>),
    /// Any JSON.
    Document,
}

/// The members of a structure.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// In the model's order.
    pub members: Vec<Member>,
    /// The place in `members` of the one that is the whole body.
    pub payload: Option<u32>,
    /// Present where the structure is an error.
    pub error: Option<ErrorTrait>,
    /// Exactly one member is set.
    pub union: bool,
    /// A stream of events, as a body.
    pub event_stream: bool,
}

/// How an error is put on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorTrait {
    /// The code on the wire, where it is not the shape's name.
    pub code: Option<String>,
    /// The HTTP status, where the model states one.
    pub status: Option<u16>,
    /// The caller's fault rather than the service's.
    pub sender_fault: bool,
}

/// One member: a name for a shape, and how it is put on the wire.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// The name in the model; for list items and map entries empty.
    pub name: String,
    /// Its shape.
    pub shape: ShapeId,
    /// Where it stands in a request or answer.
    pub location: Location,
    /// The name on the wire, where it is not `name` (`locationName`).
    pub wire_name: Option<String>,
    /// The name in EC2's and query's forms, where it differs (`queryName`).
    pub query_name: Option<String>,
    /// Must be given.
    pub required: bool,
    /// Must not be shown.
    pub sensitive: bool,
    /// The body streams.
    pub streaming: bool,
    /// No element around the items, stated on the member.
    pub flattened: bool,
    /// An attribute rather than an element.
    pub xml_attribute: bool,
    /// JSON inside a header.
    pub json_value: bool,
    /// The whole body of an event in a stream.
    pub event_payload: bool,
    /// The client makes a value where the caller gives none.
    pub idempotency_token: bool,
    /// The spelling of a moment, stated on the member.
    pub timestamp_format: Option<TimestampFormat>,
    /// The namespace: its prefix, where it has one, and its URI.
    pub xml_namespace: Option<(Option<String>, String)>,
}

impl Default for ShapeId {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Location {
    /// In the body.
    #[default]
    Body,
    /// In the path.
    Uri,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In all headers that begin with the wire name.
    HeaderPrefix,
    /// The HTTP status.
    Status,
}

/// The spellings of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampFormat {
    /// `2026-11-22T10:00:00Z`.
    Iso8601,
    /// `Sun, 22 Nov 2026 10:00:00 GMT`.
    Rfc822,
    /// Seconds since the epoch.
    Unix,
}

impl Service {
    /// The operation of that name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations
            .binary_search_by(|operation| operation.name.as_str().cmp(name))
            .ok()
            .and_then(|at| self.operations.get(at))
    }

    /// The shape with that id.
    pub fn shape(&self, id: ShapeId) -> Option<&Shape> {
        self.shapes.get(usize::try_from(id.0).ok()?)
    }

    /// The structure with that id, where it is one.
    pub fn structure(&self, id: ShapeId) -> Option<&Structure> {
        match &self.shape(id)?.kind {
            Kind::Structure(structure) => Some(structure),
            _ => None,
        }
    }
}
