//! What a function cannot do.

use std::{env, fs, net::TcpListener, sync::Arc};

use flow::{ManualClock, Timestamp};
use function::{Error, Isolation};
use serde_json::json;
use tokio::sync::mpsc;

use crate::desk::Desk;
use crate::room::{Answers, LAUNCH, LAUNCH_BARE, Objects, Room, START, function, open};

pub(crate) async fn a_function_reads_only_what_is_its_own() {
    let room = Room::new("lambda").await;
    if room.stands("files") {
        let secret = room.dir.join("secret");
        fs::write(&secret, "of the data directory").unwrap();
        for path in
            [secret, room.dir.join("work.db"), "/etc/shadow".into(), "/root/.profile".into()]
        {
            let told = room.ask(json!({"do": "read", "path": path})).await;
            assert_ne!(told, "done", "{}", path.display());
        }
        for path in ["/usr/x", "/x", "/etc/hosts", "/var/task/x", "/proc/self/oom_score_adj"] {
            let told = room.ask(json!({"do": "write", "path": path})).await;
            assert_ne!(told, "done", "{path}");
        }
        let own = env::current_exe().unwrap();
        assert_eq!(room.ask(json!({"do": "read", "path": own})).await, "done");
        assert_eq!(room.ask(json!({"do": "write", "path": "scratch"})).await, "done");
        assert_eq!(room.ask(json!({"do": "write", "path": "/dev/null"})).await, "done");
    }
    room.end().await;
}

pub(crate) async fn a_program_runs_wherever_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let (program, link) = (folder.path().join("program"), folder.path().join("link"));
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    std::os::unix::fs::symlink(&program, &link).unwrap();
    let room = Room::new("lambda").await;
    let mut function = function("lambda");
    function.command[0] = link.into();
    function.readable = vec![folder.path().to_owned()];
    room.functions.add(function).unwrap();
    assert_eq!(room.ask(json!({"do": "read", "path": program})).await, "done");
    if room.stands("files") {
        let inside = folder.path().join("new");
        assert_ne!(room.ask(json!({"do": "write", "path": inside})).await, "done");
    }
    room.end().await;
}

pub(crate) async fn a_function_reaches_only_its_runtime_api_and_our_endpoint() {
    let mut room = Room::new("lambda").await;
    assert_eq!(room.ask(json!({"do": "endpoint"})).await, "done");
    room.touched.recv().await.unwrap();
    if room.stands("network") {
        let neighbour = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = neighbour.local_addr().unwrap().to_string();
        for to in [address.as_str(), "192.0.2.1:80", "[2001:db8::1]:80"] {
            assert_ne!(room.ask(json!({"do": "connect", "to": to})).await, "done", "{to}");
        }
        assert_ne!(room.ask(json!({"do": "datagram", "to": "192.0.2.1:53"})).await, "done");
        let interfaces = room.ask(json!({"do": "list", "path": "/sys/class/net"})).await;
        assert_eq!(interfaces, json!([]));
    }
    if room.stands("system calls") {
        assert_ne!(room.ask(json!({"do": "call", "name": "vsock"})).await, "done");
    }
    room.end().await;
}

pub(crate) async fn a_function_sees_only_its_own_processes() {
    let room = Room::new("lambda").await;
    if room.stands("processes") {
        let names = room.ask(json!({"do": "list", "path": "/proc"})).await;
        let names = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        let processes: Vec<&str> = names.filter(|name| name.parse::<u32>().is_ok()).collect();
        assert!(processes.len() <= 2, "{processes:?}");
    }
    room.end().await;
}

pub(crate) async fn a_function_hears_a_polite_end() {
    let room = Room::new("lambda").await;
    let status = room.ask(json!({"do": "status"})).await;
    let blocked = status.as_str().unwrap().lines().find_map(|line| line.strip_prefix("SigBlk:"));
    // One that does not would be killed, and each stop would wait for its grace to pass.
    assert_eq!(blocked.unwrap().trim(), "0000000000000000");
    room.end().await;
}

pub(crate) async fn a_function_has_no_privileges() {
    let room = Room::new("lambda").await;
    let status = room.ask(json!({"do": "status"})).await;
    let status = status.as_str().unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().to_owned()
    };
    if room.stands("privileges") {
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
            assert_eq!(field(set), "0000000000000000", "{set}");
        }
        assert_eq!(field("NoNewPrivs:"), "1");
    }
    if room.stands("system calls") {
        assert_eq!(field("Seccomp:"), "2");
        for name in ["mount", "unshare"] {
            let told = room.ask(json!({"do": "call", "name": name})).await;
            assert!(told.as_str().unwrap().contains("not permitted"), "{name}: {told}");
        }
    }
    room.end().await;
}

pub(crate) async fn a_function_has_lambdas_environment_and_no_other() {
    let room = Room::new("lambda").await;
    let env = room.ask(json!({"do": "env"})).await;
    let text = |name: &str| env[name].as_str().unwrap().to_owned();
    assert_eq!(text("AWS_LAMBDA_FUNCTION_NAME"), "act");
    assert_eq!(text("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), "128");
    assert_eq!(text("AWS_LAMBDA_LOG_GROUP_NAME"), "/aws/lambda/act");
    assert!(text("AWS_LAMBDA_LOG_STREAM_NAME").starts_with("2026/11/22/[$LATEST]"));
    assert_eq!(text("AWS_ACCESS_KEY_ID"), "ASIA arn:aws:iam::123456789012:role/act act");
    assert_eq!(text("AWS_SESSION_TOKEN"), "token");
    assert_eq!(text("AWS_REGION"), "us-east-2");
    assert_eq!(text("GREETING"), "hello");
    let inherited = ["HOME", "USER", "CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR"];
    assert!(inherited.iter().all(|name| env.get(name).is_none()), "{env}");
    room.end().await;
}

pub(crate) async fn a_function_that_asks_at_the_wrong_moment_is_refused() {
    let room = Room::new("lambda").await;
    let next = room.ask(json!({"do": "next"})).await;
    assert!(next.as_str().unwrap().starts_with("HTTP/1.1 403 "), "{next}");
    assert!(next.as_str().unwrap().contains("InvalidStateTransition"), "{next}");
    let response = room.ask(json!({"do": "respond"})).await;
    assert!(response.as_str().unwrap().starts_with("HTTP/1.1 400 "), "{response}");
    assert!(response.as_str().unwrap().contains("InvalidRequestID"), "{response}");
    room.end().await;
}

pub(crate) async fn required_isolation_refuses_where_a_wall_is_missing() {
    let room = Room::new("lambda").await;
    let walls = room.functions.walls();
    for wall in &walls {
        println!("wall {}: {} ({})", wall.name, wall.standing, wall.why);
    }
    let standing = walls.iter().all(|wall| wall.standing);
    assert_eq!(opens_where_required(LAUNCH).await, standing);
    assert!(!opens_where_required(LAUNCH_BARE).await);
    room.end().await;
}

/// Whether a room opens that insists on all walls; what is missing is named where it does not.
async fn opens_where_required(launch: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(START)));
    let (touch, _touched) = mpsc::channel(1);
    let (answers, objects) = (Arc::new(Answers::default()), Arc::new(Objects::default()));
    let desk = Arc::new(Desk::new(Arc::clone(&clock)));
    let how = (Isolation::Required, launch);
    match open(folder.path().to_owned(), how, clock, answers, objects, desk, touch).await {
        Ok(_) => true,
        Err(error @ Error::Exposed(_)) => {
            let told = error.to_string();
            assert!(told.contains("these walls are missing: network ("), "{told}");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

pub(crate) async fn without_namespaces_the_walls_that_are_missing_are_named_and_others_stand() {
    let mut room = Room::bare("lambda").await;
    let walls = room.functions.walls();
    for wall in &walls {
        println!("wall {} without namespaces: {} ({})", wall.name, wall.standing, wall.why);
    }
    for name in ["network", "processes", "limits", "life"] {
        assert!(walls.iter().any(|wall| wall.name == name && !wall.standing), "{name}");
    }
    assert_eq!(room.ask(json!({"do": "endpoint"})).await, "done");
    room.touched.recv().await.unwrap();
    if room.stands("system calls") {
        assert_ne!(room.ask(json!({"do": "datagram", "to": "192.0.2.1:53"})).await, "done");
        assert_ne!(room.ask(json!({"do": "call", "name": "mount"})).await, "done");
    }
    if room.stands("files") {
        let secret = room.dir.join("secret");
        fs::write(&secret, "of the data directory").unwrap();
        let others = format!("/proc/{}/environ", std::process::id());
        for path in [secret, "/etc/shadow".into(), others.into()] {
            let told = room.ask(json!({"do": "read", "path": path})).await;
            assert_ne!(told, "done", "{}", path.display());
        }
        assert_eq!(room.ask(json!({"do": "write", "path": "scratch"})).await, "done");
    }
    let network = walls.iter().find(|wall| wall.name == "network").unwrap();
    if !network.why.contains("two ports") {
        println!("skipped: this kernel bounds no ports: {}", network.why);
    } else {
        let neighbour = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = neighbour.local_addr().unwrap().to_string();
        assert_ne!(room.ask(json!({"do": "connect", "to": to})).await, "done");
    }
    room.end().await;
}
