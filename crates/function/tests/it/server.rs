//! A whole server process, killed.

use std::{
    env, fs,
    path::Path,
    process::{ExitCode, Stdio},
};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::room::Room;

/// Runs a function that hangs, and says so once it does.
pub(crate) fn serve(dir: &Path) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut room = Room::at(dir.to_owned(), "lambda").await;
        for n in 0..2 {
            room.invoke(&n.to_string(), json!({"do": "hang"})).await;
            room.touched.recv().await.unwrap();
        }
        println!("hanging");
        std::future::pending::<()>().await;
    });
    ExitCode::SUCCESS
}

pub(crate) async fn a_killed_server_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(env::current_exe().unwrap())
        .arg("serve")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    assert_eq!(line, "hanging\n");
    let started = descendants(server.id().unwrap());
    // Two instances, each with two stages; where there is a process namespace, a function besides.
    assert!(started.len() >= 4, "{started:?}");
    server.kill().await.unwrap();
    while started.iter().any(|pid| lives(*pid)) {
        tokio::task::yield_now().await;
    }
}

/// Whether the process runs; one that only waits to be looked at does not.
fn lives(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

fn descendants(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let children: Vec<u32> = threads
        .flat_map(|thread| {
            let list = fs::read_to_string(thread.path().join("children")).unwrap();
            list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>()
        })
        .collect();
    children.iter().flat_map(|child| [vec![*child], descendants(*child)].concat()).collect()
}
