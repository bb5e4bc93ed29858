//! A function in Rust as its users write one, with AWS's own runtime client. It does what its
//! event's `do` says, and is uploaded as the `bootstrap` of a zip.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a function prints is its log")]
#![expect(clippy::disallowed_methods, reason = "it has the environment that it was started with")]

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

static CALLS: AtomicU64 = AtomicU64::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if env::var("FAIL_AT_START").is_ok() {
        return Err("cannot start".into());
    }
    lambda_runtime::run(service_fn(handle)).await
}

#[expect(clippy::exit, clippy::panic, reason = "functions do, and the server must tell so")]
async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let count = event.get("n").and_then(Value::as_u64).unwrap_or_default();
    match text("do") {
        "fail" => Err(format!("on purpose: {}", text("why")).into()),
        "panic" => panic!("on purpose: {}", text("why")),
        "exit" => std::process::exit(3),
        "sleep" => {
            println!("going to sleep");
            tokio::time::sleep(Duration::from_secs(count)).await;
            Ok(Value::Null)
        }
        "print" => {
            println!("plain {}", text("what"));
            eprintln!("aside {}", text("what"));
            Ok(Value::Null)
        }
        "environment" => Ok(json!(env::var(text("name")).ok())),
        "context" => Ok(told(&context)),
        "calls" => Ok(json!(calls)),
        "large" => Ok(json!("é".repeat(usize::try_from(count)?))),
        _ => Ok(event),
    }
}

fn told(context: &Context) -> Value {
    let config = &context.env_config;
    json!({
        "id": context.request_id,
        "arn": context.invoked_function_arn,
        "deadline": context.deadline,
        "name": config.function_name,
        "version": config.version,
        "memory": config.memory,
        "group": config.log_group,
        "stream": config.log_stream,
        "custom": context.client_context.as_ref().map(|client| &client.custom),
    })
}
