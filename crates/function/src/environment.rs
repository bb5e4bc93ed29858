//! The environment that Lambda gives a function's process.

use std::ffi::OsString;

use crate::{Config, Function, RoleCredentials};

/// What differs from instance to instance.
pub(crate) struct Place {
    /// Host and port of the Runtime API, as the process reaches it.
    pub(crate) runtime_api: String,
    /// URL of the AWS endpoint, as the process reaches it.
    pub(crate) endpoint: String,
    pub(crate) log_stream: String,
}

/// All variables of the process; it inherits none.
pub(crate) fn environment(
    config: &Config,
    function: &Function,
    credentials: &RoleCredentials,
    place: &Place,
) -> Vec<(OsString, OsString)> {
    let name = &function.name;
    let memory = (config.memory_bytes / (1024 * 1024)).to_string();
    let group = format!("/aws/lambda/{name}");
    let lambda = [
        ("AWS_LAMBDA_RUNTIME_API", place.runtime_api.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", &place.log_stream),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("_HANDLER", "bootstrap"),
        ("AWS_REGION", config.region.as_str()),
        ("AWS_DEFAULT_REGION", config.region.as_str()),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.expose()),
        ("AWS_SESSION_TOKEN", credentials.session_token.expose()),
        ("AWS_ENDPOINT_URL", &place.endpoint),
        ("TZ", ":UTC"),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        (
            "LD_LIBRARY_PATH",
            "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
    ];
    // Lambda's own names win, as they do on Lambda.
    let own = function.env.iter().filter(|(name, _)| lambda.iter().all(|(kept, _)| name != kept));
    own.cloned().chain(lambda.iter().map(|(name, value)| (name.into(), value.into()))).collect()
}
