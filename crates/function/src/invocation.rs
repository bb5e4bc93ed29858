//! An accepted event, its outcome, and what both look like in the queue and in a dead letter.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The largest event, in bytes; Lambda's limit for asynchronous invocations.
pub(crate) const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// What a dead letter keeps of a reason, in bytes.
const REASON_BYTES_MAX: usize = 2_048;

/// An event on its way to a function: the body of a row in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The function's ARN.
    pub function: String,
    /// The same on every try.
    pub request_id: String,
    /// What the function receives.
    pub event: Bytes,
    /// What the caller's client tells of itself, as JSON.
    pub client_context: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    function: String,
    request_id: String,
}

impl Job {
    pub(crate) fn new(function: &str, delivery_id: &str, event: Bytes) -> Self {
        let request_id = request_id(function, delivery_id);
        Self::under(function, request_id, event)
    }

    /// An event under an id of its own.
    pub(crate) fn under(function: &str, request_id: String, event: Bytes) -> Self {
        Self { function: function.to_owned(), request_id, event, client_context: None }
    }

    /// One line of JSON, then the event as it came: it may be anything.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let head = Head { function: self.function.clone(), request_id: self.request_id.clone() };
        let mut bytes = serde_json::to_vec(&head).expect("two texts are JSON");
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.event);
        bytes
    }

    /// Reads a row's body; `None` where it is not one of ours.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let Head { function, request_id } = serde_json::from_slice(bytes.get(..end)?).ok()?;
        let event = Bytes::copy_from_slice(bytes.get(end + 1..)?);
        Some(Self { function, request_id, event, client_context: None })
    }
}

/// A UUID (version 8, RFC 9562) that the delivery fixes: the same delivery twice is one request.
fn request_id(function: &str, delivery_id: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(function.as_bytes());
    hash.update([0]);
    hash.update(delivery_id.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    let value = u128::from_be_bytes(bytes);
    let value = (value & !(0xf_u128 << 76)) | (0x8_u128 << 76);
    let value = (value & !(0x3_u128 << 62)) | (0x2_u128 << 62);
    let part = |shift: u32, digits: u32| (value >> shift) & ((1_u128 << (digits * 4)) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 8),
        part(80, 4),
        part(64, 4),
        part(48, 4),
        part(0, 12)
    )
}

/// Why a try did not succeed, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error_type: String,
    pub(crate) message: String,
    /// All that the function's own client said of it, where it did.
    pub(crate) answer: Option<Bytes>,
}

impl Failure {
    pub(crate) fn new(error_type: &str, message: impl Into<String>) -> Self {
        Self { error_type: error_type.to_owned(), message: message.into(), answer: None }
    }

    pub(crate) fn timed_out(request_id: &str, millis: i64) -> Self {
        let (seconds, hundredths) = (millis / 1_000, millis % 1_000 / 10);
        let message = format!(
            "RequestId: {request_id} Error: Task timed out after {seconds}.{hundredths:02} seconds"
        );
        Self::new("Sandbox.Timedout", message)
    }

    pub(crate) fn exited(request_id: &str, how: &str) -> Self {
        let how = match how {
            "exit status 0" => "Runtime exited without providing a reason".to_owned(),
            how => format!("Runtime exited with error: {how}"),
        };
        Self::new("Runtime.ExitError", format!("RequestId: {request_id} Error: {how}"))
    }

    pub(crate) fn out_of_memory(request_id: &str) -> Self {
        let message =
            format!("RequestId: {request_id} Error: Runtime exited with error: signal: killed");
        Self::new("Runtime.OutOfMemory", message)
    }

    pub(crate) fn too_large(max: usize) -> Self {
        let message =
            format!("Response payload size exceeded maximum allowed payload size ({max} bytes).");
        Self::new("Function.ResponseSizeTooLarge", message)
    }

    /// Its code is none that can be begun.
    pub(crate) fn no_entry(request_id: &str, why: &str) -> Self {
        let message = format!("RequestId: {request_id} Error: {why}");
        Self::new("Runtime.InvalidEntrypoint", message)
    }

    /// The message without the request's id, which some lines name otherwise.
    pub(crate) fn bare_message(&self) -> &str {
        self.message.split_once(" Error: ").map_or(&self.message, |(_, bare)| bare)
    }

    /// What a caller who waits for the answer receives instead of it.
    pub(crate) fn payload(&self) -> Bytes {
        let Self { error_type, message, answer } = self;
        let told = || {
            let told = serde_json::json!({"errorType": error_type, "errorMessage": message});
            Bytes::from(told.to_string())
        };
        answer.clone().unwrap_or_else(told)
    }

    /// One line for a dead letter.
    pub(crate) fn reason(&self) -> String {
        let Self { error_type, message, .. } = self;
        let mut reason = format!("{error_type}: {message}");
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        reason
    }
}

/// What a dead letter is about: the bucket and key of the first record, where it is S3's.
pub(crate) fn subject(event: &[u8]) -> serde_json::Value {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "Records")]
        records: Vec<Record>,
    }
    #[derive(Deserialize)]
    struct Record {
        s3: Entity,
    }
    #[derive(Deserialize)]
    struct Entity {
        bucket: Bucket,
        object: Object,
    }
    #[derive(Deserialize)]
    struct Bucket {
        name: String,
    }
    #[derive(Deserialize)]
    struct Object {
        key: String,
    }
    let first = serde_json::from_slice::<Event>(event)
        .ok()
        .and_then(|event| event.records.into_iter().next());
    match first {
        Some(Record { s3 }) => {
            serde_json::json!({"bucket": s3.bucket.name, "key": plain_key(&s3.object.key)})
        }
        None => serde_json::json!({}),
    }
}

/// A key without the form encoding that S3's events give it.
fn plain_key(encoded: &str) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_comes_back_from_its_bytes() {
        let job = Job::new("arn:f", "delivery 1", Bytes::from_static(b"{\n\"a\":1}\n\xff"));
        assert_eq!(Job::from_bytes(&job.to_bytes()), Some(job));
        assert_eq!(Job::from_bytes(b"{}"), None);
        assert_eq!(Job::from_bytes(b"{}\n"), None);
    }

    #[test]
    fn a_delivery_has_one_request_id_per_function() {
        let id = |function, delivery| Job::new(function, delivery, Bytes::new()).request_id;
        assert_eq!(id("f", "1"), id("f", "1"));
        assert_ne!(id("f", "1"), id("f", "2"));
        assert_ne!(id("f", "1"), id("g", "1"));
        let text = id("f", "1");
        assert_eq!(text.len(), 36);
        assert_eq!(text.as_bytes()[14], b'8');
    }

    #[test]
    fn failures_speak_as_lambda_does() {
        assert_eq!(
            Failure::timed_out("X", 3_000).reason(),
            "Sandbox.Timedout: RequestId: X Error: Task timed out after 3.00 seconds"
        );
        assert_eq!(
            Failure::exited("X", "exit status 1").reason(),
            "Runtime.ExitError: RequestId: X Error: Runtime exited with error: exit status 1"
        );
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let reason = Failure::new("E", "é".repeat(REASON_BYTES_MAX)).reason();
        assert!(reason.len() <= REASON_BYTES_MAX);
    }

    #[test]
    fn an_s3_event_says_what_it_is_about() {
        let event =
            br#"{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"a+b%2Fc%zz"}}}]}"#;
        assert_eq!(subject(event), serde_json::json!({"bucket": "b", "key": "a b/c%zz"}));
        assert_eq!(subject(b"[]"), serde_json::json!({}));
    }

    proptest::proptest! {
        #[test]
        fn any_event_has_a_subject_and_comes_back(event: Vec<u8>, key: String) {
            subject(&event);
            plain_key(&key);
            Job::from_bytes(&event);
            let job = Job::new("arn:f", &key, Bytes::from(event));
            proptest::prop_assert_eq!(Job::from_bytes(&job.to_bytes()), Some(job));
        }
    }
}
