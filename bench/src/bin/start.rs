//! How long things take to stand: the server on a new and on a known directory, and the function.

use std::{path::Path, process::ExitCode, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use bench::{
    Spread, Up, bare_exit, fdatasync_millis, millis, print_json, print_table, say, trailhound,
};
use clap::Parser;
use serde_json::json;
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    process::Command,
    time::{Instant, timeout},
};

/// Ports are free ones; all else is as shipped.
const CONFIG: &str = "[listen]\naddress = \"127.0.0.1:0\"\n";
/// How long a function may take until it asks for an event.
const FIRST_NEXT_MAX: Duration = Duration::from_secs(30);
/// The longest head of a request that is read, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

#[derive(Parser)]
struct Args {
    /// How often each is started
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config.toml");
    std::fs::write(&config, CONFIG)?;
    let sync = fdatasync_millis(folder.path())?;
    let (mut control, mut version, mut detect) = (Vec::new(), Vec::new(), Vec::new());
    let (mut fresh, mut again, mut stop) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that a busy moment of the machine falls on all of them.
    for time in 0..args.times {
        control.push(bare_exit("/bin/true", &[]).await?);
        version.push(bare_exit(trailhound()?, &["--version"]).await?);
        let dir = folder.path().join(time.to_string());
        for starts in [&mut fresh, &mut again] {
            let (up, _lines) = Up::start(&dir, &config, "warn").await?;
            starts.push(up.ready_after);
            stop.push(up.stop().await?);
        }
        detect.push(first_next(folder.path()).await?);
    }
    let rows = [
        ("/bin/true, to its end", Spread::of(control)),
        ("trailhound --version, to its end", Spread::of(version)),
        ("trailhound up, new directory", Spread::of(fresh)),
        ("trailhound up, known directory", Spread::of(again)),
        ("trailhound up, from SIGTERM to its end", Spread::of(stop)),
        ("trailhound runtime detect, to its first request", Spread::of(detect)),
    ];
    show(&rows, &sync, args.json);
    Ok(ExitCode::SUCCESS)
}

/// From the function's start to its first request to a Runtime API of our own.
async fn first_next(dir: &Path) -> anyhow::Result<Duration> {
    let api = TcpListener::bind("127.0.0.1:0").await?;
    let mut command = Command::new(trailhound()?);
    command.args(["runtime", "detect"]).current_dir(dir).env_clear().kill_on_drop(true);
    command.env("AWS_LAMBDA_RUNTIME_API", api.local_addr()?.to_string());
    command.env("AWS_LAMBDA_FUNCTION_NAME", "detect");
    command.env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let asked = async {
        let (mut socket, _) = api.accept().await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
            head.push(socket.read_u8().await?);
        }
        let took = begun.elapsed();
        ensure!(
            head.starts_with(b"GET /2018-06-01/runtime/invocation/next "),
            "the function asked for something else: {}",
            String::from_utf8_lossy(&head)
        );
        Ok((took, socket))
    };
    let asked = timeout(FIRST_NEXT_MAX, asked).await.context("the function asks for nothing")?;
    // It would complain of a Runtime API that hangs up.
    child.kill().await?;
    asked.map(|(took, _)| took)
}

fn show(rows: &[(&str, Spread)], sync: &Spread, json: bool) {
    let control = rows.first().map_or(f64::NAN, |(_, spread)| spread.median());
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(what, spread)| {
                json!({
                    "what": what, "ms": spread.to_json(),
                    "per_bin_true": spread.median() / control,
                    "per_fdatasync": spread.median() / sync.median(),
                })
            })
            .collect();
        let fdatasync = sync.to_json();
        print_json(&json!({"benchmark": "start", "fdatasync_ms": fdatasync, "rows": rows}));
        return;
    }
    let cells: Vec<_> = rows
        .iter()
        .map(|(what, spread)| {
            vec![
                (*what).to_owned(),
                format!("{:.1}", spread.median() / control),
                format!("{:.1}", spread.median() / sync.median()),
                millis(spread.min()),
                millis(spread.median()),
                millis(spread.max()),
            ]
        })
        .collect();
    print_table(&["", "÷ /bin/true", "÷ fdatasync", "min ms", "median ms", "max ms"], &cells);
    say(&format!("One fdatasync takes {} ms here (median).", millis(sync.median())));
}
