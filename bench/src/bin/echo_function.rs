//! A function in Rust with AWS's own runtime client: it answers its event, and prints when each
//! object was told of.
#![expect(clippy::print_stdout, reason = "what a function prints is its log")]
#![expect(clippy::disallowed_methods, reason = "it tells the time that the machine has")]

use std::time::{SystemTime, UNIX_EPOCH};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(echo)).await
}

async fn echo(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let records = event.payload.get("Records").and_then(Value::as_array);
    for record in records.into_iter().flatten() {
        if let Some(key) = record.pointer("/s3/object/key").and_then(Value::as_str) {
            println!("entered {key} {now}");
        }
    }
    Ok(event.payload)
}
