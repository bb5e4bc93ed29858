//! A Runtime API and an S3 with one object at one address: what a function needs to live.

use std::{
    ffi::OsString,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header::HeaderMap},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::Command,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout},
};

/// How long a function may take until it asks for an event, and until it answers one.
const STEP_TIME_MAX: Duration = Duration::from_secs(30);
/// Requests that wait to be looked at.
const ASKED_WAITING_MAX: usize = 16;

/// A function's first moments.
#[derive(Clone, Debug)]
pub struct Life {
    /// From its start to its first request for an event.
    pub first_next: Duration,
    /// From that event to the answer, which needs one object.
    pub answered: Duration,
    /// The most memory that it held until its first request, in bytes.
    pub memory_ready: u64,
    /// The most that it held until it had answered, in bytes.
    pub memory_answered: u64,
    /// What it answered.
    pub answer: Value,
}

enum Asked {
    /// It wants an event, which goes there.
    Next(Instant, oneshot::Sender<()>),
    Answered(Instant, Bytes),
    Failed(Bytes),
}

struct Api {
    asked: mpsc::Sender<Asked>,
    object: Bytes,
    given: AtomicBool,
}

/// Runs `command` as a function until it has answered one event of one object.
///
/// # Errors
/// It ends, fails, or takes too long.
pub async fn live(command: &[OsString], dir: &Path, object: Bytes) -> anyhow::Result<Life> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let (send, mut asked) = mpsc::channel(ASKED_WAITING_MAX);
    let api = Arc::new(Api { asked: send, object, given: AtomicBool::new(false) });
    let path = "/2018-06-01/runtime/invocation";
    let router = Router::new()
        .route(&format!("{path}/next"), get(next))
        .route(&format!("{path}/one/response"), post(answered))
        .route(&format!("{path}/one/error"), post(failed))
        .route("/logs/records.json.gz", get(object_of))
        .with_state(api);
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await });
    let mut command = process(command, dir, &address)?;
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let id = child.id().context("the function has ended")?;
    let mut step = async || match timeout(STEP_TIME_MAX, asked.recv()).await {
        Ok(Some(Asked::Failed(why))) => bail!("it failed: {}", String::from_utf8_lossy(&why)),
        Ok(Some(asked)) => Ok(asked),
        _ => bail!("it asks for nothing"),
    };
    let Asked::Next(asked_at, go) = step().await? else { bail!("it answers unasked") };
    let memory_ready = memory_peak(id)?;
    let sent = Instant::now();
    if go.send(()).is_err() {
        bail!("it hung up");
    }
    let Asked::Answered(answered_at, body) = step().await? else { bail!("it asks for another") };
    let memory_answered = memory_peak(id)?;
    // It would complain of a Runtime API that hangs up.
    child.kill().await?;
    Ok(Life {
        first_next: asked_at - begun,
        answered: answered_at - sent,
        memory_ready,
        memory_answered,
        answer: serde_json::from_slice(&body).context("its answer is no JSON")?,
    })
}

fn process(command: &[OsString], dir: &Path, address: &str) -> anyhow::Result<Command> {
    let (program, args) = command.split_first().context("no command")?;
    let mut process = Command::new(program);
    process.args(args).current_dir(dir).env_clear().kill_on_drop(true);
    process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let endpoint = format!("http://{address}");
    process.envs([
        ("AWS_LAMBDA_RUNTIME_API", address),
        ("AWS_LAMBDA_FUNCTION_NAME", "detect"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_REGION", "us-east-2"),
        ("AWS_DEFAULT_REGION", "us-east-2"),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_SESSION_TOKEN", "example"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("TRAILHOUND_BUCKETS", "logs"),
        ("TRAILHOUND_RULES", "shipped"),
    ]);
    Ok(process)
}

/// The most memory that a process has held so far, in bytes.
fn memory_peak(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.context("the system tells no VmHWM")?.parse()?;
    Ok(kib * 1024)
}

async fn next(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let at = Instant::now();
    if api.given.swap(true, Ordering::Relaxed) {
        // There is one event, and no other for ever.
        std::future::pending::<()>().await;
    }
    let (go, told) = oneshot::channel();
    if api.asked.send(Asked::Next(at, go)).await.is_err() || told.await.is_err() {
        return (StatusCode::GONE, HeaderMap::new(), String::new());
    }
    let record = json!({"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-2",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "logs"}, "object": {"key": "records.json.gz"}}});
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", "one"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-2:111122223333:function:detect",
        ),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000"),
    ] {
        headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    (StatusCode::OK, headers, json!({"Records": [record]}).to_string())
}

async fn answered(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    let asked = Asked::Answered(Instant::now(), body);
    told(&api, asked).await
}

async fn failed(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    told(&api, Asked::Failed(body)).await
}

async fn told(api: &Api, asked: Asked) -> StatusCode {
    match api.asked.send(asked).await {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::GONE,
    }
}

async fn object_of(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let headers =
        [("etag", "\"0123456789abcdef\""), ("last-modified", "Sun, 22 Nov 2026 10:00:00 GMT")];
    (headers, api.object.clone())
}
