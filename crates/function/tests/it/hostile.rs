//! Functions that try what they may not, as a user would deploy them.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
};

use flow::Tree;
use nix::libc;
use serde_json::{Value, json};

use crate::{
    lambda::{Answered, has},
    room::Room,
};

const HOSTILE: &str = include_str!("hostile.py");
/// What a function's log keeps of one invocation's output.
const OUTPUT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A room with the hostile function; `None`, and said so, without Python.
async fn hostile(megabytes: i64) -> Option<Room> {
    if !has("python3") {
        return None;
    }
    let room = Room::new("lambda").await;
    let more = vec![("MemorySize", Tree::Int(megabytes)), ("Timeout", Tree::Int(60))];
    room.try_create("python3.13", "app.handler", &[("app.py", HOSTILE)], more).await.unwrap();
    Some(room)
}

impl Room {
    /// What the hostile function says of its try.
    async fn try_to(&self, event: Value) -> Value {
        let Answered { payload, error, log } = self.answer(event).await;
        assert_eq!(error, None, "{payload} {log}");
        payload
    }

    /// Both files of it.
    fn own_log(&self) -> String {
        let path = self.functions.log_path("mine").unwrap();
        let before = fs::read_to_string(path.with_added_extension("1")).unwrap_or_default();
        before + &fs::read_to_string(path).unwrap()
    }
}

fn none_is_done(told: &Value) {
    for (name, told) in told.as_object().unwrap() {
        assert_ne!(told, "done", "{name}");
    }
}

pub(crate) async fn a_hostile_function_reads_nothing_of_the_server_and_of_others() {
    let Some(room) = hostile(256).await else { return };
    if room.stands("files") {
        fs::write(room.dir.join("admin.token"), "of the server").unwrap();
        let dir = room.dir.display().to_string();
        let shell = std::env::current_dir().unwrap().display().to_string();
        let mut paths = vec![dir.clone(), shell];
        for name in ["admin.token", "state.db", "work.db", "code", "instances", "act.log"] {
            paths.push(format!("{dir}/{name}"));
        }
        for path in [
            "/root",
            "/home",
            "/etc/shadow",
            "/etc/passwd",
            "/var/run/docker.sock",
            "/run",
            "/sys",
            "/proc/1/root/etc/shadow",
            "/proc/self/cwd/../../etc/shadow",
            "/proc/kcore",
            "/proc/kmsg",
            "/dev/mem",
            "/dev/kmsg",
            "/dev/tty",
        ] {
            paths.push(path.to_owned());
        }
        none_is_done(&room.try_to(json!({"do": "read", "paths": paths})).await);
    }
    if room.stands("processes") {
        // An instance of another function is warm: its environment holds its credentials.
        room.ask(json!({"do": "env"})).await;
        let found = room.try_to(json!({"do": "find", "text": "role/act"})).await;
        assert_eq!(found, json!([]));
        let own = room.try_to(json!({"do": "find", "text": "role/mine"})).await;
        assert_ne!(own, json!([]), "the search finds what is its own");
    }
    room.end().await;
}

pub(crate) async fn a_hostile_function_reaches_nobody_by_any_socket() {
    let Some(room) = hostile(256).await else { return };
    if room.stands("network") && room.stands("system calls") {
        let service = TcpListener::bind("127.0.0.1:0").unwrap();
        let _datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let name = format!("trailhound-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let _abstract = UnixListener::bind_addr(&address).unwrap();
        let to = [
            service.local_addr().unwrap().to_string(),
            "127.0.0.1:22".to_owned(),
            "169.254.169.254:80".to_owned(),
            "169.254.170.2:80".to_owned(),
            "192.0.2.1:443".to_owned(),
            "::1:9000".to_owned(),
        ];
        none_is_done(&room.try_to(json!({"do": "connect", "to": to})).await);
        none_is_done(&room.try_to(json!({"do": "sockets", "abstract": name})).await);
    }
    room.end().await;
}

pub(crate) async fn a_hostile_functions_system_calls_are_refused() {
    let Some(room) = hostile(256).await else { return };
    if room.stands("system calls") {
        let call = |name: &str, number: i64, rest: &[i64]| {
            (name.to_owned(), json!([&[number], rest].concat()))
        };
        let user = i64::from(libc::CLONE_NEWUSER);
        let calls: serde_json::Map<String, Value> = [
            call("ptrace", libc::SYS_ptrace, &[0, 0, 0, 0]),
            call("mount", libc::SYS_mount, &[0, 0, 0, 0, 0]),
            call("unshare", libc::SYS_unshare, &[user]),
            call("clone into a namespace", libc::SYS_clone, &[user | 17, 0, 0, 0, 0]),
            call("clone3", libc::SYS_clone3, &[0, 0]),
            call("setns", libc::SYS_setns, &[0, 0]),
            call("keyctl", libc::SYS_keyctl, &[0, -3, 1]),
            call("bpf", libc::SYS_bpf, &[0, 0, 0]),
            call("scheduler", libc::SYS_sched_setscheduler, &[0, 0, 0]),
            call("attributes", libc::SYS_sched_setattr, &[0, 0, 0]),
            call("io_uring", libc::SYS_io_uring_setup, &[1, 0]),
            call("perf", libc::SYS_perf_event_open, &[0, 0, 0, 0, 0]),
            call("module", libc::SYS_init_module, &[0, 0, 0]),
            call("userfaultfd", libc::SYS_userfaultfd, &[0]),
            call("memfd", libc::SYS_memfd_create, &[0, 0]),
            call("shared memory", libc::SYS_shmget, &[0, 4096, 0o1600]),
            call("message queue", libc::SYS_msgget, &[0, 0o1600]),
            call("reboot", libc::SYS_reboot, &[0, 0, 0, 0]),
            call("clock", libc::SYS_clock_settime, &[0, 0]),
            call("root", libc::SYS_chroot, &[0]),
            call("become another", libc::SYS_setuid, &[1]),
            // x86_64's second set of numbers for the same calls; no such calls elsewhere.
            call("unshare by its other number", libc::SYS_unshare | 0x4000_0000, &[user]),
        ]
        .into_iter()
        .collect();
        let told = room.try_to(json!({"do": "calls", "calls": calls})).await;
        for (name, told) in told.as_object().unwrap() {
            let refused = ["EPERM", "ENOSYS", "EINVAL"];
            assert!(refused.contains(&told.as_str().unwrap()), "{name}: {told}");
            // By the wall, not for what it was asked with; there is but one user to become.
            assert!(told != "EINVAL" || name == "become another", "{name}: {told}");
        }
        for path in
            ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/pid_max", "/proc/sysrq-trigger"]
        {
            assert_ne!(room.ask(json!({"do": "write", "path": path})).await, "done", "{path}");
        }
    }
    room.end().await;
}

pub(crate) async fn a_bomb_of_threads_finds_its_bound() {
    let Some(room) = hostile(1_024).await else { return };
    if room.stands("limits") {
        let told = room.try_to(json!({"do": "threads"})).await;
        assert!(told["threads"].as_u64().unwrap() < 1_324, "{told}");
        assert!(told["error"].is_string(), "{told}");
    }
    room.end().await;
}

/// The scheduling policies of all that this process has started and what they have started, by what
/// the kernel says of them.
fn policies_below(pid: u32) -> Vec<i32> {
    let mut all = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_ascii_whitespace().map(|child| child.parse().unwrap()) {
            let stat = fs::read_to_string(format!("/proc/{child}/stat"));
            all.extend(stat.ok().and_then(|stat| policy(&stat)));
            all.extend(policies_below(child));
        }
    }
    all
}

fn policy(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(38)?.parse().ok()
}

pub(crate) async fn a_crowd_that_spins_runs_behind_everybody_and_the_server_goes_on() {
    let Some(room) = hostile(1_024).await else { return };
    let processors = std::thread::available_parallelism().unwrap().get();
    let processes = 4 * processors + 8;
    // It never answers: nothing here waits for what runs behind everybody.
    let spin = room.answer(json!({"do": "spin", "processes": processes}));
    let lowered = async {
        let idle = |policy: &i32| *policy == libc::SCHED_IDLE;
        // All that spin, and who started them.
        while policies_below(std::process::id()).iter().filter(|it| idle(it)).count() <= processes {
            tokio::task::yield_now().await;
        }
        room.ask(json!({"do": "env"})).await;
    };
    tokio::select! {
        ended = spin => panic!("{}", ended.payload),
        () = lowered => {}
    }
    let said = "from now on it runs when nobody else would";
    assert_eq!(room.own_log().matches(said).count(), 1);
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        // One of the runtime's threads may end meanwhile.
        let stat = fs::read_to_string(thread.unwrap().path().join("stat"));
        assert!(stat.is_err() || policy(&stat.unwrap()) == Some(libc::SCHED_OTHER));
    }
    room.end().await;
}

pub(crate) async fn a_crowd_of_sessions_is_ended() {
    let Some(room) = hostile(1_024).await else { return };
    let event = json!({"do": "spin", "processes": 100, "sessions": true});
    let Answered { payload, error, log } = room.answer(event).await;
    assert_eq!(error.as_deref(), Some("Unhandled"), "{payload} {log}");
    assert!(log.contains("more than 64 sessions and was ended"), "{log}");
    room.end().await;
}

pub(crate) async fn memory_is_bounded_however_quick_and_however_many() {
    let Some(room) = hostile(128).await else { return };
    for event in [
        json!({"do": "eat", "megabytes": 200}),
        json!({"do": "eat", "megabytes": 40, "processes": 6}),
    ] {
        let Answered { payload, error, log } = room.answer(event.clone()).await;
        assert_eq!(error.as_deref(), Some("Unhandled"), "{event}: {payload} {log}");
        assert_eq!(payload["errorType"], "Runtime.OutOfMemory", "{payload} {log}");
        let message = payload["errorMessage"].as_str().unwrap();
        assert!(message.starts_with("RequestId: "), "{message}");
        let words = "Error: Runtime exited with error: signal: killed";
        assert!(message.ends_with(words) && log.contains(words), "{message} {log}");
        assert!(log.contains("more than its memory of 128 MB"), "{log}");
    }
    // The next one finds a new process.
    assert_eq!(room.try_to(json!({"do": "hole", "gigabytes": 0})).await, "done");
    room.end().await;
}

pub(crate) async fn a_scratch_folder_is_as_large_as_it_may_be() {
    let Some(room) = hostile(256).await else { return };
    if room.stands("limits") && room.stands("files") {
        let told = room.try_to(json!({"do": "hole", "gigabytes": 10})).await;
        assert_eq!(told, "EFBIG");
        let told = room.try_to(json!({"do": "crowd"})).await;
        assert_eq!(told["error"], "ENOSPC", "{told}");
        let told = room.try_to(json!({"do": "hold"})).await;
        assert_eq!(told["error"], "EMFILE", "{told}");
        assert!(told["held"].as_u64().unwrap() < 1_024, "{told}");
    }
    room.end().await;
    let Some(room) = hostile(256).await else { return };
    assert_eq!(room.try_to(json!({"do": "nest"})).await, "nested");
    if room.stands("limits") && room.stands("files") {
        let told = room.try_to(json!({"do": "fill", "megabytes": 600})).await;
        assert_eq!(told["error"], "ENOSPC", "{told}");
        let written = told["megabytes"].as_u64().unwrap();
        assert!((500..=512).contains(&written), "{told}");
    }
    room.end().await;
}

pub(crate) async fn endless_output_is_cut_off_and_said_so() {
    let Some(room) = hostile(256).await else { return };
    for lines in [true, false] {
        let Answered { payload, log, .. } =
            room.answer(json!({"do": "print_much", "lines": lines, "megabytes": 6})).await;
        assert_eq!(payload, "printed");
        assert!(log.contains("REPORT RequestId: ") && log.contains("is not kept)"), "{log}");
    }
    let log = room.own_log();
    assert_eq!(log.matches("(output beyond 4194304 bytes is not kept)").count(), 2);
    let length = u64::try_from(log.len()).unwrap();
    assert!(length > OUTPUT_BYTES_MAX && length < 5 * OUTPUT_BYTES_MAX / 2, "{length}");
    room.end().await;
}

pub(crate) async fn a_runtime_api_bears_with_a_hostile_client() {
    let Some(room) = hostile(256).await else { return };
    for path in ["invocation/c0ffee00-0000-4000-8000-000000000001/response", "init/error"] {
        let told =
            room.try_to(json!({"do": "post", "path": path, "letter": "x", "bytes": 9})).await;
        assert!(told == 400 || told == 403, "{path}: {told}");
    }
    let told = room.try_to(json!({"do": "hold", "of": "runtime"})).await;
    assert!(told["held"].as_u64().unwrap() < 5_000, "{told}");
    // The last one never asks for work again.
    for do_it in ["fail", "own_error"] {
        let event = json!({"do": do_it, "bytes": 9_000_000});
        let Answered { payload, error, .. } = room.answer(event).await;
        assert_eq!(error.as_deref(), Some("Unhandled"), "{do_it}");
        let length = payload.to_string().len();
        assert!(length < 6 * 1024 * 1024, "{do_it}: {length}");
    }
    room.end().await;
}

pub(crate) async fn what_a_function_lets_go_ends_with_its_instance() {
    let Some(room) = hostile(256).await else { return };
    if room.stands("processes") {
        let mark = format!("left-{}", std::process::id());
        assert_eq!(room.try_to(json!({"do": "leave", "mark": mark})).await, "left");
        while !is_running(&mark) {
            tokio::task::yield_now().await;
        }
        let told = room.try_to(json!({"do": "kill_all"})).await;
        assert!(told["all"] == "done" || told["all"] == "ESRCH", "{told}");
        room.end().await;
        while is_running(&mark) {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) async fn without_namespaces_what_it_lets_go_is_found() {
    if !has("python3") {
        return;
    }
    let room = Room::bare("lambda").await;
    let more = vec![("MemorySize", Tree::Int(256))];
    room.try_create("python3.13", "app.handler", &[("app.py", HOSTILE)], more).await.unwrap();
    let mark = format!("found-{}", std::process::id());
    assert_eq!(room.try_to(json!({"do": "leave", "mark": mark})).await, "left");
    while !is_running(&mark) {
        tokio::task::yield_now().await;
    }
    room.end().await;
    while is_running(&mark) {
        tokio::task::yield_now().await;
    }
}

/// Whether any process of this machine was started with these words.
pub(crate) fn is_running(mark: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    commands.into_iter().any(|command| String::from_utf8_lossy(&command).contains(mark))
}
