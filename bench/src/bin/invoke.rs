//! Invocations of users' functions, cold and warm, beside `cargo lambda watch`.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use bench::{Deployed, Spread, Up, echo_function, millis, print_json, print_table, renew, say};
use clap::Parser;
use client::Client;
use flow::Tree;
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    task::JoinSet,
    time::{Instant, sleep},
};

/// What is sent and must come back.
const EVENT: &str = r#"{"hello":"world"}"#;
/// A package for `cargo lambda watch` to stand in.
const PACKAGE: &str =
    "[package]\nname = \"watched\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
/// How long `cargo lambda watch` may take until it answers.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: usize = 400;

#[derive(Parser)]
struct Args {
    /// Invocations of each function by one client, after those that start it
    #[arg(long, default_value_t = 500)]
    warm: usize,
    /// Invocations that begin with a new process
    #[arg(long, default_value_t = 20)]
    cold: usize,
    /// Clients at once, where there are several
    #[arg(long, default_value_t = 4)]
    clients: usize,
    /// `cargo-lambda`, from the package cargo-lambda of PyPI
    #[arg(long, value_name = "FILE", default_value = ".venv/bin/cargo-lambda")]
    cargo_lambda: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was measured of one function.
struct Run {
    what: String,
    cold: Spread,
    warm: Spread,
    /// Invocations a second by several clients at once.
    together: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let (up, _lines) = Up::start(&folder.path().join("data"), "", "warn").await?;
    let client = up.client()?;
    let mut runs = Vec::new();
    let python = b"def handler(event, context):\n    return event\n".to_vec();
    let node = b"exports.handler = async (event) => event;\n".to_vec();
    for (name, runtime, file) in [
        ("provided", "provided.al2023", ("bootstrap", echo_function()?, true)),
        ("python", "python3.12", ("index.py", python, false)),
        ("node", "nodejs20.x", ("index.js", node, false)),
    ] {
        let files = [file];
        let function = Deployed { name, runtime, handler: "index.handler", files: &files };
        function.create(&client).await.with_context(|| format!("the {name} function"))?;
        runs.push(measure(&client, name, &args).await?);
    }
    up.stop().await?;
    match Watch::start(&args.cargo_lambda, folder.path()).await? {
        Some(watch) => runs.push(watch.measure(&args).await?),
        None => say(&format!("skipped: {} is not there", args.cargo_lambda.display())),
    }
    show(&runs, &args);
    Ok(ExitCode::SUCCESS)
}

async fn measure(client: &Client, name: &str, args: &Args) -> anyhow::Result<Run> {
    let mut cold = Vec::new();
    for round in 0..args.cold {
        renew(client, name, round).await?;
        cold.push(invoke(client, name).await?);
    }
    let mut warm = Vec::new();
    for _ in 0..args.warm {
        warm.push(invoke(client, name).await?);
    }
    // Once before it counts, so that as many processes stand as there are clients.
    let mut together = 0.0;
    for _ in 0..2 {
        let each = args.warm / args.clients;
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..args.clients {
            let (client, name) = (client.clone(), name.to_owned());
            clients.spawn(async move {
                for _ in 0..each {
                    invoke(&client, &name).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        together = rate(each * args.clients, begun.elapsed());
    }
    let what = format!("trailhound, {name}");
    Ok(Run { what, cold: Spread::of(cold), warm: Spread::of(warm), together })
}

async fn invoke(client: &Client, name: &str) -> anyhow::Result<Duration> {
    let payload = Tree::Blob(EVENT.as_bytes().to_vec());
    let input = Tree::map([("FunctionName", Tree::from(name)), ("Payload", payload)]);
    let begun = Instant::now();
    let answer = client.call("lambda", "Invoke", &input).await?;
    let took = begun.elapsed();
    let same = matches!(answer.get("Payload"), Some(Tree::Blob(bytes)) if is_event(bytes));
    ensure!(same, "{name} answered something else: {answer:?}");
    Ok(took)
}

fn is_event(bytes: &[u8]) -> bool {
    let answered = serde_json::from_slice::<Value>(bytes).ok();
    answered.is_some() && answered == serde_json::from_str(EVENT).ok()
}

fn rate(count: usize, took: Duration) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from) / took.as_secs_f64()
}

/// `cargo lambda watch`, with the function in Rust before it.
struct Watch {
    url: String,
    http: reqwest::Client,
    _processes: [Child; 2],
}

impl Watch {
    /// None where there is no such program.
    async fn start(program: &Path, folder: &Path) -> anyhow::Result<Option<Arc<Self>>> {
        if !program.is_file() {
            return Ok(None);
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        // It wants to be in a package, whatever that holds.
        std::fs::create_dir(folder.join("src"))?;
        std::fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
        std::fs::write(folder.join("Cargo.toml"), PACKAGE)?;
        let mut watch = Command::new(std::path::absolute(program)?);
        watch.args(["lambda", "watch", "--only-lambda-apis", "--quiet", "-A", "127.0.0.1", "-P"]);
        watch.arg(&port).current_dir(folder);
        let function = folder.join("echo_function");
        std::fs::write(&function, echo_function()?)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&function, mode)?;
        let watch = quiet(watch).spawn()?;
        let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/_/invocations");
        let http = reqwest::Client::builder().no_proxy().build()?;
        for _ in 0..LOOKS_MAX {
            if tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.is_ok() {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        let mut command = Command::new(&function);
        command.env("AWS_LAMBDA_RUNTIME_API", format!("http://127.0.0.1:{port}/.rt"));
        command.env("AWS_LAMBDA_FUNCTION_NAME", "_").env("AWS_LAMBDA_FUNCTION_VERSION", "1");
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
        command.env("AWS_LAMBDA_LOG_GROUP_NAME", "_").env("AWS_LAMBDA_LOG_STREAM_NAME", "_");
        let function = quiet(command).spawn()?;
        Ok(Some(Arc::new(Self { url, http, _processes: [watch, function] })))
    }

    async fn measure(self: Arc<Self>, args: &Args) -> anyhow::Result<Run> {
        self.invoke().await.context("`cargo lambda watch` does not invoke the function")?;
        let mut warm = Vec::new();
        for _ in 0..args.warm {
            warm.push(self.invoke().await?);
        }
        let each = args.warm / args.clients;
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..args.clients {
            let watch = Arc::clone(&self);
            clients.spawn(async move {
                for _ in 0..each {
                    watch.invoke().await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        let together = rate(each * args.clients, begun.elapsed());
        let what = "cargo lambda watch, one process".to_owned();
        Ok(Run { what, cold: Spread::default(), warm: Spread::of(warm), together })
    }

    async fn invoke(&self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let answer = self.http.post(&self.url).body(EVENT).send().await?;
        let bytes = answer.error_for_status()?.bytes().await?;
        let took = begun.elapsed();
        ensure!(is_event(&bytes), "it answered {}", String::from_utf8_lossy(&bytes));
        Ok(took)
    }
}

fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

fn show(runs: &[Run], args: &Args) {
    if args.json {
        let told = |run: &Run| {
            json!({
                "function": run.what, "cold_ms": run.cold.to_json(), "warm_ms": run.warm.to_json(),
                "warm_per_second": 1_000.0 / run.warm.median(), "together_per_second": run.together,
            })
        };
        let told: Vec<_> = runs.iter().map(told).collect();
        print_json(&json!({"benchmark": "invoke", "clients": args.clients, "runs": told}));
        return;
    }
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            let times = [
                run.cold.median(),
                run.cold.percentile(99),
                run.warm.median(),
                run.warm.percentile(99),
            ];
            let mut cells = vec![run.what.clone()];
            cells.extend(times.map(millis));
            cells.push(format!("{:.0}", 1_000.0 / run.warm.median()));
            cells.push(format!("{:.0}", run.together));
            cells
        })
        .collect();
    let together = format!("{} clients /s", args.clients);
    let head = ["", "cold p50 ms", "p99 ms", "warm p50 ms", "p99 ms", "warm /s", &together];
    print_table(&head, &rows);
}
