//! Functions of a user's own: deployed by calls of Lambda's API, run by this machine's interpreters
//! or by programs of their own.

use std::{
    io::{Cursor, Write},
    process::Command,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flow::{Caller, Fault, Invoke, Request, Service, Timestamp, Tree};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::room::{Room, START};

const ROLE: &str = "arn:aws:iam::123456789012:role/mine";
pub(crate) const MINE: &str = "arn:aws:lambda:us-east-2:123456789012:function:mine";

/// A zip of these files; `bootstrap` may be executed.
pub(crate) fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        let mode = if *name == "bootstrap" { 0o755 } else { 0o644 };
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn text(value: &str) -> Tree {
    Tree::from(value)
}

/// What an invocation answered: the payload, the function's error, and the end of its log.
pub(crate) struct Answered {
    pub(crate) payload: Value,
    pub(crate) error: Option<String>,
    pub(crate) log: String,
}

impl Room {
    pub(crate) async fn call(&self, operation: &str, input: Tree) -> Result<Tree, Fault> {
        let request = Request {
            service: "lambda".to_owned(),
            operation: operation.to_owned(),
            input,
            caller: Caller::root("123456789012".parse().unwrap(), "AKIA"),
            region: "us-east-2".parse().unwrap(),
            time: Timestamp::from_secs(START),
            request_id: "c0ffee00-0000-4000-8000-000000000000".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
            endpoint: "http://127.0.0.1:4580".to_owned(),
        };
        Ok(self.functions.call(request).await?.output)
    }

    /// Creates the function `mine`.
    pub(crate) async fn create(
        &self,
        runtime: &str,
        handler: &str,
        files: &[(&str, &str)],
    ) -> Tree {
        self.try_create(runtime, handler, files, Vec::new()).await.unwrap()
    }

    pub(crate) async fn try_create(
        &self,
        runtime: &str,
        handler: &str,
        files: &[(&str, &str)],
        more: Vec<(&str, Tree)>,
    ) -> Result<Tree, Fault> {
        let code = Tree::map([("ZipFile", Tree::Blob(zipped(files)))]);
        let mut members = vec![
            ("FunctionName", text("mine")),
            ("Runtime", text(runtime)),
            ("Handler", text(handler)),
            ("Role", text(ROLE)),
            ("Code", code),
        ];
        members.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        members.extend(more);
        self.call("CreateFunction", Tree::map(members)).await
    }

    /// Calls `mine` and waits for its answer.
    pub(crate) async fn answer(&self, event: Value) -> Answered {
        let input = Tree::map([
            ("FunctionName", text("mine")),
            ("LogType", text("Tail")),
            ("Payload", Tree::Blob(event.to_string().into_bytes())),
        ]);
        let output = self.call("Invoke", input).await.unwrap();
        let Some(Tree::Blob(payload)) = output.get("Payload") else { panic!("{output:?}") };
        let log = BASE64_STANDARD.decode(output.text("LogResult").unwrap()).unwrap();
        assert_eq!(output.text("ExecutedVersion"), Some("$LATEST"));
        Answered {
            payload: serde_json::from_slice(payload).unwrap(),
            error: output.text("FunctionError").map(str::to_owned),
            log: String::from_utf8(log).unwrap(),
        }
    }
}

/// Whether this machine has the program; says so where it has not.
pub(crate) fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|it| it.status.success());
    if !there {
        println!("skipped: there is no {program} here");
    }
    there
}

const PYTHON: &str = r#"
import json, logging, os, sys
logger = logging.getLogger()
logger.setLevel("INFO")
count = 0

def handler(event, context):
    global count
    count += 1
    print("printed", event.get("n"))
    logger.info("logged")
    if event.get("do") == "raise":
        raise ValueError("no such thing")
    if event.get("do") == "exit":
        sys.exit(7)
    if event.get("do") == "hang":
        while True:
            pass
    if event.get("do") == "strange":
        return object()
    return {
        "count": count, "event": event, "cwd": os.getcwd(), "file": __file__,
        "name": context.function_name, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "id": context.aws_request_id,
        "context": context.client_context.custom if context.client_context else None,
        "greeting": os.environ.get("GREETING"), "handler": os.environ["_HANDLER"],
        "release": os.environ["AWS_EXECUTION_ENV"],
    }
"#;

pub(crate) async fn a_python_handler_is_called_and_answers() {
    if !has("python3") {
        return;
    }
    let room = Room::new("lambda").await;
    let variables = Tree::map([("Variables", Tree::map([("GREETING", text("hello"))]))]);
    let more = vec![("Environment", variables), ("MemorySize", Tree::Int(256))];
    let files = &[("pkg/__init__.py", ""), ("pkg/app.py", PYTHON)];
    let made = room.try_create("python3.13", "pkg/app.handler", files, more).await.unwrap();
    assert_eq!(made.text("FunctionArn"), Some(MINE));
    assert_eq!(made.text("State"), Some("Active"));
    let Answered { payload, error, log } = room.answer(json!({"n": 1})).await;
    assert_eq!(error, None, "{log}");
    assert_eq!(payload["event"], json!({"n": 1}));
    assert_eq!((&payload["name"], &payload["arn"]), (&json!("mine"), &json!(MINE)));
    assert_eq!((&payload["memory"], &payload["greeting"]), (&json!("256"), &json!("hello")));
    assert_eq!(payload["handler"], "pkg/app.handler");
    assert_eq!(payload["release"], "AWS_Lambda_python3.13");
    if room.stands("processes") {
        let place = (&payload["cwd"], &payload["file"]);
        assert_eq!(place, (&json!("/var/task"), &json!("/var/task/pkg/app.py")));
    }
    let id = payload["id"].as_str().unwrap();
    assert!(
        log.contains(&format!("START RequestId: {id}")) && log.contains("printed 1\n"),
        "{log}"
    );
    assert!(log.contains(&format!("Z\t{id}\tlogged\n")), "{log}");
    assert!(log.ends_with('\n') && log.contains("Memory Size: 256 MB"), "{log}");
    // The second finds the same process, and a context.
    let context = BASE64_STANDARD.encode(r#"{"custom": {"a": "é"}}"#);
    let input = Tree::map([("FunctionName", text(MINE)), ("ClientContext", Tree::from(context))]);
    let output = room.call("Invoke", input).await.unwrap();
    let Some(Tree::Blob(payload)) = output.get("Payload") else { panic!("{output:?}") };
    let payload: Value = serde_json::from_slice(payload).unwrap();
    assert_eq!((&payload["count"], &payload["event"]), (&json!(2), &json!({})));
    assert_eq!(payload["context"], json!({"a": "é"}));
    room.end().await;
}

pub(crate) async fn a_python_handlers_failures_are_told_as_lambda_tells_them() {
    if !has("python3") {
        return;
    }
    let room = Room::new("lambda").await;
    room.create("python3.13", "app.handler", &[("app.py", PYTHON)]).await;
    let Answered { payload, error, log } = room.answer(json!({"do": "raise"})).await;
    assert_eq!(error.as_deref(), Some("Unhandled"));
    assert_eq!(payload["errorType"], "ValueError");
    assert_eq!(payload["errorMessage"], "no such thing");
    let trace = payload["stackTrace"][0].as_str().unwrap();
    assert!(trace.starts_with("  File \"") && trace.contains("app.py\", line "), "{trace}");
    assert_eq!(payload["stackTrace"].as_array().unwrap().len(), 1);
    assert!(log.contains("[ERROR] ValueError: no such thing\nTraceback"), "{log}");
    let Answered { payload, .. } = room.answer(json!({"do": "strange"})).await;
    assert_eq!(payload["errorType"], "Runtime.MarshalError");
    let why = "Unable to marshal response: Object of type object is not JSON serializable";
    assert_eq!(payload["errorMessage"], why);
    let Answered { payload, .. } = room.answer(json!({"do": "exit"})).await;
    assert_eq!(payload["errorType"], "Runtime.ExitError");
    let told = payload["errorMessage"].as_str().unwrap();
    assert!(told.ends_with("Error: Runtime exited with error: exit status 7"), "{told}");
    for (handler, kind, message) in [
        (
            "nothing.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'nothing': No module named 'nothing'",
        ),
        ("app.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'app'"),
        (
            "broken.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'broken': invalid syntax (broken.py, line 1)",
        ),
        (
            "app",
            "Runtime.MalformedHandlerName",
            "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        ),
        (
            "needs.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'needs': No module named 'such_a_module'",
        ),
    ] {
        let files =
            &[("app.py", PYTHON), ("broken.py", "a b"), ("needs.py", "import such_a_module")];
        let code = [("FunctionName", text("mine")), ("ZipFile", Tree::Blob(zipped(files)))];
        room.call("UpdateFunctionCode", Tree::map(code)).await.unwrap();
        let changed = [("FunctionName", text("mine")), ("Handler", text(handler))];
        room.call("UpdateFunctionConfiguration", Tree::map(changed)).await.unwrap();
        let Answered { payload, error, .. } = room.answer(json!({})).await;
        assert_eq!(error.as_deref(), Some("Unhandled"));
        assert_eq!(
            (&payload["errorType"], &payload["errorMessage"]),
            (&json!(kind), &json!(message))
        );
    }
    room.end().await;
}

pub(crate) async fn a_call_that_takes_too_long_is_ended() {
    if !has("python3") {
        return;
    }
    let room = Room::new("lambda").await;
    let touch = "import urllib.request, os\nurl = os.environ['AWS_ENDPOINT_URL']\n\
                 def handler(event, context):\n    import socket\n    host, port = url[7:].split(':')\n    \
                 socket.create_connection((host, int(port)))\n    while True: pass\n";
    room.create("python3.13", "app.handler", &[("app.py", touch)]).await;
    let mut room = room;
    let functions = room.functions.clone();
    let clock = std::sync::Arc::clone(&room.clock);
    let input = Tree::map([("FunctionName", text("mine")), ("LogType", text("Tail"))]);
    let (output, ()) = {
        let mut touched = std::mem::replace(&mut room.touched, tokio::sync::mpsc::channel(1).1);
        tokio::join!(room.call("Invoke", input), async move {
            touched.recv().await.unwrap();
            clock.advance(3_000);
        })
    };
    drop(functions);
    let output = output.unwrap();
    assert_eq!(output.text("FunctionError"), Some("Unhandled"));
    let Some(Tree::Blob(payload)) = output.get("Payload") else { panic!("{output:?}") };
    let payload: Value = serde_json::from_slice(payload).unwrap();
    assert_eq!(payload["errorType"], "Sandbox.Timedout");
    let id = "c0ffee00-0000-4000-8000-000000000000";
    let message = format!("RequestId: {id} Error: Task timed out after 3.00 seconds");
    assert_eq!(payload["errorMessage"], json!(message));
    let log = BASE64_STANDARD.decode(output.text("LogResult").unwrap()).unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(log.contains(&format!("Z {id} Task timed out after 3.00 seconds\n")), "{log}");
    room.end().await;
}

const NODE_MODULE: &str = r#"
import { greet } from "./lib/greet.mjs";
export const handler = async (event, context) => {
  console.log("printed", event.n);
  if (event.do === "raise") throw new RangeError("no such thing");
  if (event.do === "exit") process.exit(7);
  return { greeting: greet(event.n), id: context.awsRequestId, left: typeof context.getRemainingTimeInMillis(),
           name: context.functionName, cwd: process.cwd() };
};
export const back = (event, context, callback) => {
  if (event.do === "idle") return;
  setTimeout(() => event.do === "raise" ? callback("text") : callback(null, { back: event.n }), 5);
};
export const stuck = () => new Promise(() => {});
export const old = (event, context) => context.succeed("old");
"#;

const NODE_FILES: &[(&str, &str)] = &[
    ("index.mjs", NODE_MODULE),
    ("lib/greet.mjs", "export const greet = (n) => `hello ${n}`;"),
    ("common.js", "exports.deep = { handler: async (event) => ({ common: event.n }) };"),
    ("broken.mjs", "export const handler = ;"),
    ("needs.mjs", "import 'such-a-module';"),
    (
        "rejects.mjs",
        "export const handler = async () => { Promise.reject(new Error('left')); await new Promise((r) => setTimeout(r, 5000)); };",
    ),
];

pub(crate) async fn a_node_handler_is_called_in_each_of_its_styles() {
    if !has("node") {
        return;
    }
    let room = Room::new("lambda").await;
    let more = vec![("MemorySize", Tree::Int(512))];
    room.try_create("nodejs22.x", "index.handler", NODE_FILES, more).await.unwrap();
    let Answered { payload, error, log } = room.answer(json!({"n": 1})).await;
    assert_eq!(error, None, "{log}");
    assert_eq!((&payload["greeting"], &payload["left"]), (&json!("hello 1"), &json!("number")));
    let id = payload["id"].as_str().unwrap();
    assert!(log.contains(&format!("Z\t{id}\tINFO\tprinted 1\n")), "{log}");
    let Answered { payload, error, .. } = room.answer(json!({"do": "raise"})).await;
    assert_eq!(error.as_deref(), Some("Unhandled"));
    assert_eq!(
        (&payload["errorType"], &payload["errorMessage"]),
        (&json!("RangeError"), &json!("no such thing"))
    );
    assert!(payload["trace"].as_array().unwrap().len() > 1);
    let told = room.answer(json!({"do": "exit"})).await.payload;
    assert!(told["errorMessage"].as_str().unwrap().ends_with("exit status 7"), "{told}");
    let message = |value: Value| Some(value);
    for (handler, event, payload, kind) in [
        ("index.back", json!({"n": 2}), message(json!({"back": 2})), None),
        ("index.back", json!({"do": "idle"}), message(json!(null)), None),
        ("index.back", json!({"do": "raise"}), None, Some("string")),
        ("index.stuck", json!({}), message(json!(null)), None),
        ("index.old", json!({}), message(json!("old")), None),
        ("common.deep.handler", json!({"n": 3}), message(json!({"common": 3})), None),
        ("index.nothing", json!({}), None, Some("Runtime.HandlerNotFound")),
        ("nothing.handler", json!({}), None, Some("Runtime.ImportModuleError")),
        ("needs.handler", json!({}), None, Some("Error")),
        ("broken.handler", json!({}), None, Some("Runtime.UserCodeSyntaxError")),
        ("index", json!({}), None, Some("Runtime.MalformedHandlerName")),
        ("rejects.handler", json!({}), None, Some("Runtime.UnhandledPromiseRejection")),
    ] {
        let changed = [("FunctionName", text("mine")), ("Handler", text(handler))];
        room.call("UpdateFunctionConfiguration", Tree::map(changed)).await.unwrap();
        let answered = room.answer(event.clone()).await;
        assert_eq!(
            answered.payload["errorType"].as_str(),
            kind,
            "{handler} {event}: {}",
            answered.log
        );
        assert!(
            payload.is_none_or(|payload| payload == answered.payload),
            "{handler} {event}: {}",
            answered.payload
        );
    }
    room.end().await;
}

/// Answers each event with itself, in nothing but Bash.
pub(crate) const BASH: &str = r#"#!/bin/bash
host=${AWS_LAMBDA_RUNTIME_API%:*} port=${AWS_LAMBDA_RUNTIME_API#*:}
while true; do
  exec 3<>/dev/tcp/$host/$port
  printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n' >&3
  length=0
  while IFS= read -r line <&3; do
    line=${line%$'\r'}; [[ -z $line ]] && break
    case ${line,,} in
      lambda-runtime-aws-request-id:*) id=${line#*: } ;;
      content-length:*) length=${line#*: } ;;
    esac
  done
  IFS= read -r -N "$length" event <&3
  exec 3>&-
  exec 3<>/dev/tcp/$host/$port
  printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' "$id" "${#event}" "$event" >&3
  read -r line <&3
  exec 3>&-
done
"#;

pub(crate) async fn a_program_of_its_own_is_a_function() {
    let room = Room::new("lambda").await;
    room.create("provided.al2023", "none", &[("bootstrap", BASH)]).await;
    assert_eq!(room.answer(json!({"n": 1})).await.payload, json!({"n": 1}));
    assert_eq!(room.answer(json!({"n": 2})).await.payload, json!({"n": 2}));
    let code = |files: &[(&str, &str)]| {
        Tree::map([("FunctionName", text("mine")), ("ZipFile", Tree::Blob(zipped(files)))])
    };
    room.call("UpdateFunctionCode", code(&[("other", "")])).await.unwrap();
    let Answered { payload, error, log } = room.answer(json!({})).await;
    assert_eq!(error.as_deref(), Some("Unhandled"));
    assert_eq!(payload["errorType"], "Runtime.InvalidEntrypoint");
    assert!(log.contains("Couldn't find valid bootstrap(s)"), "{log}");
    let other = room.call("UpdateFunctionCode", code(&[("bootstrap", "MZ for another system")]));
    let refused = other.await.unwrap_err();
    assert_eq!(refused.code, "InvalidParameterValueException");
    assert!(refused.message.contains("is for Windows"), "{}", refused.message);
    room.end().await;
}

pub(crate) async fn a_function_outlives_a_restart_and_its_old_code_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let room = Room::at(folder.path().to_owned(), "lambda").await;
    room.create("provided", "none", &[("bootstrap", BASH)]).await;
    let shelf = || std::fs::read_dir(folder.path().join("code")).unwrap().count();
    assert_eq!(room.answer(json!(1)).await.payload, json!(1));
    let code = [
        ("FunctionName", text("mine")),
        ("ZipFile", Tree::Blob(zipped(&[("bootstrap", BASH), ("more", "")]))),
    ];
    room.call("UpdateFunctionCode", Tree::map(code)).await.unwrap();
    assert_eq!(room.answer(json!(2)).await.payload, json!(2));
    let named = || Tree::map([("FunctionName", text("mine"))]);
    let before = room.call("GetFunctionConfiguration", named()).await.unwrap();
    while shelf() > 1 {
        tokio::task::yield_now().await;
    }
    room.end().await;
    let room = Room::at(folder.path().to_owned(), "lambda").await;
    assert_eq!(room.call("GetFunctionConfiguration", named()).await.unwrap(), before);
    assert_eq!(room.answer(json!(3)).await.payload, json!(3));
    room.call("DeleteFunction", named()).await.unwrap();
    let gone = room.call("GetFunction", named()).await.unwrap_err();
    assert_eq!(gone.code, "ResourceNotFoundException");
    assert_eq!(gone.message, format!("Function not found: {MINE}"));
    while shelf() > 0 {
        tokio::task::yield_now().await;
    }
    room.end().await;
}

pub(crate) async fn calls_beyond_what_is_reserved_are_throttled() {
    let mut room = Room::new("lambda").await;
    let reserve = |name: &'static str, count: i64| {
        Tree::map([
            ("FunctionName", text(name)),
            ("ReservedConcurrentExecutions", Tree::Int(count)),
        ])
    };
    room.call("PutFunctionConcurrency", reserve("act", 1)).await.unwrap();
    room.invoke("1", json!({"do": "hang"})).await;
    room.touched.recv().await.unwrap();
    let refused =
        room.call("Invoke", Tree::map([("FunctionName", text("act"))])).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.status), ("TooManyRequestsException", 429));
    let reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
    assert_eq!(refused.detail.text("Reason"), Some(reason));
    room.call("DeleteFunctionConcurrency", Tree::map([("FunctionName", text("act"))]))
        .await
        .unwrap();
    let answered = room.call("Invoke", Tree::map([("FunctionName", text("act"))])).await.unwrap();
    assert_eq!(answered.int("StatusCode"), Some(200));
    room.end().await;
}

pub(crate) async fn an_event_is_tried_as_often_as_its_function_says() {
    let room = Room::new("lambda").await;
    let bash = BASH.replace("/response", "/error");
    room.create("provided", "none", &[("bootstrap", &bash)]).await;
    let tries = |count: i64| {
        Tree::map([("FunctionName", text("mine")), ("MaximumRetryAttempts", Tree::Int(count))])
    };
    room.call("PutFunctionEventInvokeConfig", tries(0)).await.unwrap();
    let event = Bytes::from_static(br#"{"errorType":"E","errorMessage":"no"}"#);
    room.functions.invoke(MINE, "1", event).await.unwrap();
    let dead = room.dead().await;
    assert_eq!((dead.attempts, dead.reason.as_str()), (1, "E: no"));
    room.end().await;
}

pub(crate) async fn an_event_that_became_too_old_is_not_tried() {
    let mut room = Room::new("lambda").await;
    let aged = [("FunctionName", text("act")), ("MaximumEventAgeInSeconds", Tree::Int(100))];
    room.call("PutFunctionEventInvokeConfig", Tree::map(aged)).await.unwrap();
    room.invoke("1", json!({"do": "fail"})).await;
    room.tried().await;
    room.clock.advance(60_000);
    // The second wait would end after two hundred seconds.
    let dead = room.dead().await;
    assert_eq!(dead.attempts, 2);
    room.end().await;
}

pub(crate) async fn code_may_lie_in_a_bucket() {
    let room = Room::new("lambda").await;
    let zip = Bytes::from(zipped(&[("bootstrap", BASH)]));
    for key in ["code.zip", "forbidden.zip"] {
        room.objects.0.lock().unwrap().insert(format!("b/{key}"), zip.clone());
    }
    let from =
        |key: &str| vec![("Code", Tree::map([("S3Bucket", text("b")), ("S3Key", text(key))]))];
    let refused = |key: &'static str| room.try_create("provided", "x", &[], from(key));
    let missing = refused("other.zip").await.unwrap_err();
    assert!(missing.message.contains("S3 Error Code: NoSuchKey"), "{}", missing.message);
    assert_eq!(refused("forbidden.zip").await.unwrap_err().code, "AccessDeniedException");
    refused("code.zip").await.unwrap();
    assert_eq!(room.answer(json!(1)).await.payload, json!(1));
    room.end().await;
}

pub(crate) async fn a_role_must_be_passed_and_trust_lambda() {
    let room = Room::new("lambda").await;
    let with = |role: &'static str| {
        let role = format!("arn:aws:iam::123456789012:role/{role}");
        room.try_create("provided", "x", &[("bootstrap", BASH)], vec![("Role", Tree::from(role))])
    };
    let denied = with("forbidden").await.unwrap_err();
    assert_eq!((denied.code.as_str(), denied.status), ("AccessDeniedException", 403));
    assert!(denied.message.ends_with("iam:PassRole"), "{}", denied.message);
    let untrusting = with("untrusting").await.unwrap_err();
    let words = "The role defined for the function cannot be assumed by Lambda.";
    assert_eq!(
        (untrusting.code.as_str(), untrusting.message.as_str()),
        ("InvalidParameterValueException", words)
    );
    // A role that is gone later fails the invocation, which says so.
    with("gone").await.unwrap();
    let Answered { error, log, .. } = room.answer(json!({})).await;
    assert_eq!(error.as_deref(), Some("Unhandled"));
    assert!(log.contains("role/gone does not exist"), "{log}");
    room.end().await;
}

pub(crate) async fn a_function_that_stands_still_delays_no_other_for_long() {
    let mut room = Room::new("lambda").await;
    room.create("provided", "none", &[("bootstrap", BASH)]).await;
    for n in 0..40 {
        room.invoke(&format!("hang {n}"), json!({"do": "hang"})).await;
    }
    for _ in 0..4 {
        room.touched.recv().await.unwrap();
    }
    room.functions.invoke(MINE, "behind", Bytes::from_static(b"1")).await.unwrap();
    // Long enough to be seen, not so long that those that hang are ended.
    for _ in 0..10 {
        room.clock.advance(110);
        tokio::task::yield_now().await;
    }
    room.until(|counts| counts.done == 1).await;
    room.end().await;
}

pub(crate) async fn events_of_a_function_without_instances_are_dead_letters() {
    let room = Room::new("lambda").await;
    let none = [("FunctionName", text("act")), ("ReservedConcurrentExecutions", Tree::Int(0))];
    room.call("PutFunctionConcurrency", Tree::map(none)).await.unwrap();
    room.functions.invoke(crate::room::ARN, "1", Bytes::from_static(b"{}")).await.unwrap();
    while room.functions.queue().counts().await.unwrap().dead < 1 {
        tokio::task::yield_now().await;
    }
    let dead = room.dead().await;
    assert!(dead.reason.starts_with("ZeroReservedConcurrency"), "{}", dead.reason);
    room.end().await;
}
