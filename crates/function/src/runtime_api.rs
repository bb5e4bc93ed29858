//! Lambda's Runtime API, version 2018-06-01, for one instance.
//!
//! The handlers keep no state: each request becomes a message to the instance, which knows what is
//! allowed when.

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::invocation::Failure;

/// The largest answer, in bytes, as Lambda's own message names it.
pub(crate) const RESPONSE_BYTES_MAX: usize = 6_291_556;
/// The largest description of an error that is read, in bytes.
const ERROR_BYTES_MAX: usize = RESPONSE_BYTES_MAX;
/// The largest that is answered as it came, in bytes; of a larger one type and message are, clipped.
const ERROR_KEPT_BYTES_MAX: usize = 256 * 1024;
/// Messages of one instance that wait to be looked at.
pub(crate) const MESSAGES_MAX: usize = 16;
/// What is kept of an error's type or message, in bytes.
const ERROR_TEXT_BYTES_MAX: usize = 8 * 1024;

/// What `next` answers.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) request_id: String,
    pub(crate) event: Bytes,
    pub(crate) deadline_millis: i64,
    pub(crate) arn: String,
    pub(crate) trace_id: String,
    pub(crate) client_context: Option<String>,
}

/// What a request asks of the instance.
pub(crate) enum Ask {
    /// Give me work.
    Next(oneshot::Sender<Assignment>),
    /// This is the answer, or why there is none, to that request.
    Outcome { request_id: String, outcome: Result<Bytes, Failure> },
    /// I cannot start.
    InitError(Failure),
}

/// Why the instance does not do what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing runs under that id.
    UnknownId,
    /// Not now: an invocation runs, or the start is over.
    WrongMoment,
}

/// A request and where its answer goes.
pub(crate) struct Message {
    pub(crate) ask: Ask,
    pub(crate) answer: oneshot::Sender<Result<(), Refusal>>,
}

/// The API as a router.
pub(crate) fn router(messages: mpsc::Sender<Message>) -> Router {
    // Some clients write the slash twice.
    let paths = ["/2018-06-01/runtime", "//2018-06-01/runtime"];
    let routes = paths.iter().fold(Router::new(), |router, path| {
        router
            .route(&format!("{path}/invocation/next"), get(next))
            .route(&format!("{path}/invocation/{{id}}/response"), post(response))
            .route(&format!("{path}/invocation/{{id}}/error"), post(error))
            .route(&format!("{path}/init/error"), post(init_error))
    });
    routes.layer(DefaultBodyLimit::disable()).with_state(messages)
}

type Messages = State<mpsc::Sender<Message>>;

async fn next(State(messages): Messages) -> Response {
    let (give, take) = oneshot::channel();
    if let Err(refused) = ask(&messages, Ask::Next(give)).await {
        return refused;
    }
    match take.await {
        Ok(assignment) => assigned(assignment),
        Err(_) => gone(),
    }
}

fn assigned(assignment: Assignment) -> Response {
    let Assignment { request_id, event, deadline_millis, arn, trace_id, client_context } =
        assignment;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", request_id),
        ("lambda-runtime-deadline-ms", deadline_millis.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", trace_id),
    ];
    let context = client_context.map(|context| [("lambda-runtime-client-context", context)]);
    match context {
        Some(context) => (headers, context, event).into_response(),
        None => (headers, event).into_response(),
    }
}

async fn response(State(messages): Messages, Path(id): Path<String>, body: Body) -> Response {
    let outcome = match answer(body).await {
        Ok(outcome) => outcome,
        Err(broken) => return broken,
    };
    let too_large = Failure::too_large(RESPONSE_BYTES_MAX);
    let refused = outcome.as_ref().err() == Some(&too_large);
    match ask(&messages, Ask::Outcome { request_id: id, outcome }).await {
        Ok(()) if refused => {
            say(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &too_large.message)
        }
        Ok(()) => accepted(),
        Err(refused) => refused,
    }
}

/// The whole answer; one that streams may still end in an error, which its trailers tell.
async fn answer(body: Body) -> Result<Result<Bytes, Failure>, Response> {
    match Limited::new(body, RESPONSE_BYTES_MAX).collect().await {
        Ok(whole) => {
            let failure = whole.trailers().and_then(streamed_failure);
            Ok(failure.map_or_else(|| Ok(whole.to_bytes()), Err))
        }
        Err(error) if error.is::<LengthLimitError>() => {
            Ok(Err(Failure::too_large(RESPONSE_BYTES_MAX)))
        }
        Err(error) => Err(say(StatusCode::BAD_REQUEST, "InvalidRequest", &error.to_string())),
    }
}

fn streamed_failure(trailers: &HeaderMap) -> Option<Failure> {
    let text = |name: &str| trailers.get(name).map(|value| clip(value.to_str().unwrap_or("?")));
    let error_type = text("lambda-runtime-function-error-type")?;
    let body = trailers.get("lambda-runtime-function-error-body");
    let body = body.map(|value| BASE64_STANDARD.decode(value).unwrap_or_default());
    let Described { error_message, .. } = told(&body.unwrap_or_default());
    Some(Failure::new(&error_type, clip(&error_message)))
}

async fn error(
    State(messages): Messages,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let failure = failure(&headers, body).await;
    match ask(&messages, Ask::Outcome { request_id: id, outcome: Err(failure) }).await {
        Ok(()) => accepted(),
        Err(refused) => refused,
    }
}

async fn init_error(State(messages): Messages, headers: HeaderMap, body: Body) -> Response {
    let failure = failure(&headers, body).await;
    match ask(&messages, Ask::InitError(failure)).await {
        Ok(()) => accepted(),
        Err(refused) => refused,
    }
}

/// What clients say of an error.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Described {
    error_type: String,
    error_message: String,
}

fn told(bytes: &[u8]) -> Described {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// Clients differ in where they say what: the body has most, a header the type.
async fn failure(headers: &HeaderMap, body: Body) -> Failure {
    let whole = Limited::new(body, ERROR_BYTES_MAX).collect().await;
    let bytes = whole.map(|whole| whole.to_bytes()).unwrap_or_default();
    let Described { mut error_type, error_message } = told(&bytes);
    let header = headers.get("lambda-runtime-function-error-type");
    if error_type.is_empty() {
        let named = header.and_then(|value| value.to_str().ok()).unwrap_or("Function.Unknown");
        error_type = named.to_owned();
    }
    let described = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes).is_ok();
    Failure {
        error_type: clip(&error_type),
        message: clip(&error_message),
        answer: (described && bytes.len() <= ERROR_KEPT_BYTES_MAX).then_some(bytes),
    }
}

fn clip(text: &str) -> String {
    let mut text = text.to_owned();
    text.truncate(text.floor_char_boundary(ERROR_TEXT_BYTES_MAX));
    text
}

async fn ask(messages: &mpsc::Sender<Message>, ask: Ask) -> Result<(), Response> {
    let (answer, answered) = oneshot::channel();
    if messages.send(Message { ask, answer }).await.is_err() {
        return Err(gone());
    }
    match answered.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Refusal::UnknownId)) => {
            Err(say(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"))
        }
        Ok(Err(Refusal::WrongMoment)) => Err(say(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "The runtime may not ask for this now",
        )),
        Err(_) => Err(gone()),
    }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(serde_json::json!({"status": "OK"}))).into_response()
}

fn gone() -> Response {
    say(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", "The instance is being stopped")
}

fn say(status: StatusCode, error_type: &str, message: &str) -> Response {
    let body = serde_json::json!({"errorMessage": message, "errorType": error_type});
    (status, Json(body)).into_response()
}
