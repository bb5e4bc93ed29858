//! What the function under test does, by its argument or by its event's `do`.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    process::ExitCode,
    time::Duration,
};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

pub(crate) fn act(how: &str) -> ExitCode {
    match how {
        "exit" => return ExitCode::from(3),
        "silent" => hang(),
        "init-error" => {
            let body = r#"{"errorMessage":"no rules","errorType":"Rules.Missing"}"#;
            post("/2018-06-01/runtime/init/error", body);
            return ExitCode::from(1);
        }
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(lambda_runtime::run(service_fn(handle))).unwrap();
    ExitCode::SUCCESS
}

/// Makes this process one of a machine that offers no namespaces.
pub(crate) fn lose_namespaces() {
    use seccompiler::{SeccompAction, SeccompFilter};
    let refused = [(nix::libc::SYS_unshare, Vec::new())].into();
    let errno = SeccompAction::Errno(nix::libc::EPERM.cast_unsigned());
    let arch = env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(refused, SeccompAction::Allow, errno, arch).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

#[expect(clippy::exit, reason = "that is the misbehaviour")]
async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    let id = context.request_id;
    println!("handling {id}");
    let records = event["Records"].as_array();
    if let Some(records) = records.filter(|records| records[0]["eventSource"] == "aws:sqs") {
        return batch(&event, records);
    }
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    Ok(match text("do").as_str() {
        "fail" => return Err(format!("cannot do it for {id}").into()),
        "exit" => std::process::exit(1),
        "hang" => hang(),
        "big" => json!("x".repeat(7 * 1024 * 1024)),
        "eat" => {
            let bytes = std::hint::black_box(vec![1_u8; 300 * 1024 * 1024]);
            touch_endpoint().unwrap();
            loop {
                std::thread::park();
                std::hint::black_box(&bytes);
            }
        }
        "read" => told(fs::read(text("path")).map(|_| ())),
        "write" => told(fs::write(text("path"), "x")),
        "list" => {
            let entries = fs::read_dir(text("path"));
            let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
            json!(names.map(|name| name.into_string().unwrap()).collect::<Vec<_>>())
        }
        "connect" => {
            let address = text("to").parse().unwrap();
            told(TcpStream::connect_timeout(&address, Duration::from_secs(5)).map(|_| ()))
        }
        "datagram" => {
            let sent = UdpSocket::bind("0.0.0.0:0").and_then(|from| from.send_to(b"x", text("to")));
            told(sent.map(|_| ()))
        }
        "endpoint" => told(touch_endpoint()),
        "status" => json!(fs::read_to_string("/proc/self/status").unwrap()),
        "call" => forbidden(&text("name")),
        "env" => json!(env::vars().collect::<std::collections::BTreeMap<_, _>>()),
        "next" => json!(get("/2018-06-01/runtime/invocation/next")),
        "respond" => json!(post("/2018-06-01/runtime/invocation/other/response", "{}")),
        _ => json!({"echo": event, "arn": context.invoked_function_arn, "id": id}),
    })
}

/// Fails at a message that says so when it is received for the first time: as a whole, by its name,
/// or by a name that it does not have.
fn batch(event: &Value, records: &[Value]) -> Result<Value, Error> {
    let first = |record: &&Value| record["attributes"]["ApproximateReceiveCount"] == "1";
    let says = |word: &str| {
        let says = |record: &&Value| record["body"].as_str().unwrap().starts_with(word);
        records.iter().filter(first).filter(says).collect::<Vec<_>>()
    };
    if !says("fail").is_empty() {
        return Err("a message says so".into());
    }
    let named =
        says("item").into_iter().map(|record| json!({"itemIdentifier": record["messageId"]}));
    let other = says("other").into_iter().map(|_| json!({"itemIdentifier": "another"}));
    let failures: Vec<Value> = named.chain(other).collect();
    Ok(json!({"event": event, "batchItemFailures": failures}))
}

/// Tells the endpoint that it is about to do nothing, and does nothing.
fn hang() -> ! {
    touch_endpoint().unwrap();
    loop {
        std::thread::park();
    }
}

fn touch_endpoint() -> std::io::Result<()> {
    let url = env::vars().find(|(name, _)| name == "AWS_ENDPOINT_URL").unwrap().1;
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map(|_| ())
}

fn forbidden(name: &str) -> Value {
    use nix::{mount, sched, sys::socket};
    let none = None::<&str>;
    let done = match name {
        "mount" => {
            mount::mount(Some("tmpfs"), "/tmp", Some("tmpfs"), mount::MsFlags::empty(), none)
        }
        "unshare" => sched::unshare(sched::CloneFlags::CLONE_NEWUSER),
        "vsock" => socket::socket(
            socket::AddressFamily::Vsock,
            socket::SockType::Stream,
            socket::SockFlag::empty(),
            None,
        )
        .map(drop),
        other => panic!("what is {other}?"),
    };
    told(done.map_err(Into::into))
}

fn told(result: std::io::Result<()>) -> Value {
    match result {
        Ok(()) => json!("done"),
        Err(error) => json!(error.to_string()),
    }
}

fn get(path: &str) -> String {
    raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    raw(&format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
}

fn raw(request: &str) -> String {
    let address = env::vars().find(|(name, _)| name == "AWS_LAMBDA_RUNTIME_API").unwrap().1;
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
