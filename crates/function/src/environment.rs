//! The environment that Lambda gives a function's process.

use std::ffi::OsString;

use crate::{Config, RoleCredentials, instance::Hosted, runtime::Interpreter};

/// What a function's own configuration may not set, as AWS lists it ("Defined runtime environment
/// variables" in its developer guide).
pub(crate) const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// What differs from instance to instance.
pub(crate) struct Place {
    /// Host and port of the Runtime API, as the process reaches it.
    pub(crate) runtime_api: String,
    /// URL of the AWS endpoint, as the process reaches it.
    pub(crate) endpoint: String,
    pub(crate) log_stream: String,
}

/// All variables of the process; it inherits none. `start` are those of its runtime.
pub(crate) fn environment(
    config: &Config,
    hosted: &Hosted,
    credentials: &RoleCredentials,
    place: &Place,
    start: Vec<(OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let function = &hosted.function;
    let name = &function.name;
    let memory = (function.resources.memory_bytes / (1024 * 1024)).to_string();
    let group = format!("/aws/lambda/{name}");
    let lambda = [
        ("AWS_LAMBDA_RUNTIME_API", place.runtime_api.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_VERSION", &hosted.version),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", &place.log_stream),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("_HANDLER", hosted.handler()),
        ("AWS_REGION", config.region.as_str()),
        ("AWS_DEFAULT_REGION", config.region.as_str()),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.expose()),
        ("AWS_SESSION_TOKEN", credentials.session_token.expose()),
    ];
    // These a function may set otherwise.
    let usual = [
        ("AWS_ENDPOINT_URL", place.endpoint.as_str()),
        ("TZ", ":UTC"),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        (
            "LD_LIBRARY_PATH",
            "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
    ];
    let text = |(name, value): &(&str, &str)| (OsString::from(name), OsString::from(value));
    let fixed: Vec<_> = lambda.iter().map(text).collect();
    let runtime = hosted.deployed.as_ref().map(|deployed| &deployed.runtime);
    let interpreted = runtime.filter(|runtime| runtime.language.is_some());
    let release = interpreted.map(|runtime| Interpreter::execution_env(runtime.name()));
    let mut all: Vec<(OsString, OsString)> = Vec::new();
    let candidates = fixed.into_iter().chain(release).chain(function.env.iter().cloned());
    // Lambda's own names win, as they do on Lambda; then the function's.
    for (name, value) in candidates.chain(start).chain(usual.iter().map(text)) {
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, value));
        }
    }
    all
}
