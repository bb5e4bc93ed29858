//! Published cases that do not apply to us, each with its reason.

use crate::vectors::Question::{self, AnswerComesBack, DecodeAnswer, DecodeRequest, EncodeRequest};

const COMPRESSED: &str = "compression is the HTTP client's work, after encoding";
const ENDPOINT: &str = "the path of an endpoint's URL is put before ours by the HTTP client";
const CHECKSUM: &str = "checksums of bodies are the HTTP client's work, after encoding";
const NOTHING: &str = "an empty list or map leaves nothing on the wire to decode";
const NAMED: &str = "what a member of its own names does not stand in the map of all parameters \
                     again: a value that must be hidden would be shown there";
const MEDIA_TYPE: &str = "botocore's models do not state media types; JSON in a header is decoded";
const EMPTY: &str = "the body `{}` of a missing structure looks like that of an empty one";
const OVERRIDDEN: &str = "a named parameter overrides the map's: the map's value is never sent";
const EMPTY_HEADER: &str = "an empty list sends no header, as an older case of the same set wants";
const DEFAULT_TYPE: &str = "a content type by default looks like one that was given";
const REQUEST_ID: &str = "our answer's own request id is one of all headers";
const EVENTS: &str = "streams of events are bytes, not taken apart";
const MESSAGE: &str = "the message on the wire is kept although the error's shape has none";

/// Case, question, reason.
const EXCEPTIONS: &[(&str, Question, &str)] = &[
    ("AwsJson11HostWithPath", EncodeRequest, ENDPOINT),
    ("SDKAppliedContentEncoding_awsJson1_1", EncodeRequest, COMPRESSED),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1", EncodeRequest, COMPRESSED),
    ("legacy/output/json 6.0", DecodeAnswer, EVENTS),
    ("AwsJson10HostWithPath", EncodeRequest, ENDPOINT),
    ("SDKAppliedContentEncoding_awsJson1_0", EncodeRequest, COMPRESSED),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0", EncodeRequest, COMPRESSED),
    ("QueryHostWithPath", EncodeRequest, ENDPOINT),
    ("SDKAppliedContentEncoding_awsQuery", EncodeRequest, COMPRESSED),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", EncodeRequest, COMPRESSED),
    ("QueryEmptyQueryMaps", DecodeRequest, NOTHING),
    ("RestJsonAllQueryStringTypes", DecodeRequest, NAMED),
    ("RestJsonQueryStringEscaping", DecodeRequest, NAMED),
    ("RestJsonSupportsNaNFloatQueryValues", DecodeRequest, NAMED),
    ("RestJsonSupportsInfinityFloatQueryValues", DecodeRequest, NAMED),
    ("RestJsonSupportsNegativeInfinityFloatQueryValues", DecodeRequest, NAMED),
    ("RestJsonZeroAndFalseQueryValues", DecodeRequest, NAMED),
    ("RestJsonHostWithPath", EncodeRequest, ENDPOINT),
    ("RestJsonHttpChecksumRequired", EncodeRequest, CHECKSUM),
    ("RestJsonHttpPrefixHeadersAreNotPresent", DecodeRequest, NOTHING),
    ("MediaTypeHeaderInputBase64", EncodeRequest, MEDIA_TYPE),
    ("MediaTypeHeaderInputBase64", DecodeRequest, MEDIA_TYPE),
    ("MediaTypeHeaderOutputBase64", DecodeAnswer, MEDIA_TYPE),
    ("RestJsonNullAndEmptyHeaders", EncodeRequest, EMPTY_HEADER),
    ("RestJsonOmitsEmptyListQueryValues", DecodeRequest, NOTHING),
    ("SDKAppliedContentEncoding_restJson1", EncodeRequest, COMPRESSED),
    ("SDKAppendedGzipAfterProvidedEncoding_restJson1", EncodeRequest, COMPRESSED),
    ("RestJsonQueryPrecedence", DecodeRequest, OVERRIDDEN),
    ("RestJsonHttpWithEmptyStructurePayload", DecodeRequest, EMPTY),
    ("RestJsonHttpWithHeadersButNoPayload", DecodeRequest, EMPTY),
    ("HttpPrefixHeadersResponse", AnswerComesBack, REQUEST_ID),
    ("legacy/input/rest-json 13.1", DecodeRequest, EMPTY),
    ("legacy/input/rest-json 25.2", DecodeRequest, EMPTY),
    ("legacy/input/rest-json 25.4", DecodeRequest, EMPTY),
    ("legacy/input/rest-json 25.7", DecodeRequest, DEFAULT_TYPE),
    ("legacy/input/rest-json 26.1", DecodeRequest, NOTHING),
    ("legacy/output/rest-json 9.0", AnswerComesBack, REQUEST_ID),
    ("Ec2QueryHostWithPath", EncodeRequest, ENDPOINT),
    ("SDKAppliedContentEncoding_ec2Query", EncodeRequest, COMPRESSED),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query", EncodeRequest, COMPRESSED),
    ("Ec2EmptyQueryLists", DecodeRequest, NOTHING),
    ("Ec2ComplexError", DecodeAnswer, MESSAGE),
];

/// The reason why a case is not asked this, if there is one.
pub(crate) fn exception(name: &str, question: Question) -> Option<&'static str> {
    let found = EXCEPTIONS.iter().find(|(case, asked, _)| *case == name && *asked == question);
    found.map(|(_, _, reason)| *reason)
}
