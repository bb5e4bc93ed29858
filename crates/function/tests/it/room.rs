//! The room with its neighbours: a store on disk, a settlement that can fail, an AWS endpoint that
//! tells who touched it.

use std::{
    collections::HashMap,
    env,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flow::{
    Access, Authorize, Decision, Fetch, FetchError, Invoke, ManualClock, Pending, Secret,
    SeededChance, Timestamp, Who,
};
use function::{
    Config, Error, Function, Functions, Isolation, Outlet, Ports, Resources, RoleCredentials,
    Settle, Settled,
};
use serde_json::{Value, json};
use store::{Counts, Database, Dead};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;

pub(crate) const ARN: &str = "arn:aws:lambda:us-east-2:123456789012:function:act";
pub(crate) const START: i64 = 1_795_341_600;

pub(crate) struct Room {
    pub(crate) functions: Functions,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settled: Arc<Answers>,
    pub(crate) objects: Arc<Objects>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) dir: PathBuf,
    /// One message for each touch of the endpoint from within a function.
    pub(crate) touched: mpsc::Receiver<()>,
    pub(crate) stop: CancellationToken,
    pub(crate) run: JoinSet<()>,
    tries: u64,
    folder: Option<TempDir>,
}

/// Every settled answer; the first `failing` settlements fail.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) seen: Mutex<Vec<(String, Value)>>,
    pub(crate) failing: Mutex<usize>,
    pub(crate) failed: watch::Sender<usize>,
    pub(crate) dead: Mutex<bool>,
}

impl Settle for Answers {
    fn settle<'a>(
        &'a self,
        function: &'a Function,
        request_id: &'a str,
        _: &'a Bytes,
        response: &'a Bytes,
    ) -> Pending<'a, Result<Settled, String>> {
        if !function.findings {
            return Box::pin(std::future::ready(Ok(Settled::Done)));
        }
        assert_eq!(function.arn, ARN);
        let mut failing = self.failing.lock().unwrap();
        let result = if *failing > 0 {
            *failing -= 1;
            self.failed.send_modify(|failed| *failed += 1);
            Err("the outbox is full".to_owned())
        } else {
            let answer = serde_json::from_slice(response).unwrap();
            self.seen.lock().unwrap().push((request_id.to_owned(), answer));
            let detail = json!({"bucket": "b", "key": "k", "offset": 7});
            let dead = *self.dead.lock().unwrap();
            Ok(if dead {
                Settled::Dead { reason: "not a log file".to_owned(), detail }
            } else {
                Settled::Done
            })
        };
        Box::pin(std::future::ready(result))
    }
}

/// How the launcher is started: with all that this machine offers,
pub(crate) const LAUNCH: &str = "launch";
/// or as where it offers no namespaces.
pub(crate) const LAUNCH_BARE: &str = "launch-bare";

pub(crate) fn config(dir: PathBuf, isolation: Isolation, endpoint: String, launch: &str) -> Config {
    Config {
        account: "123456789012".parse().unwrap(),
        region: "us-east-2".parse().unwrap(),
        retry_waits: Config::RETRY_WAITS_MILLIS.to_vec(),
        instances_max: 10,
        isolation,
        dir,
        endpoint,
        launcher: vec![env::current_exe().unwrap().into(), launch.into()],
        python: "python3".to_owned(),
        node: "node".to_owned(),
    }
}

pub(crate) fn function(how: &str) -> Function {
    Function {
        name: "act".to_owned(),
        arn: ARN.to_owned(),
        command: vec![env::current_exe().unwrap().into(), "act".into(), how.into()],
        env: vec![("GREETING".into(), "hello".into())],
        findings: true,
        role: "arn:aws:iam::123456789012:role/act".to_owned(),
        readable: Vec::new(),
        resources: Resources {
            timeout_millis: 3_000,
            memory_bytes: 128 * 1024 * 1024,
            scratch_bytes: 512 * 1024 * 1024,
        },
    }
}

/// Lets everybody do everything, but for roles and objects whose names say otherwise.
pub(crate) struct Policies;

impl Authorize for Policies {
    fn decide(&self, who: Who<'_>, access: &Access) -> Decision {
        let refused = match who {
            Who::Service(_) => "untrusting",
            _ => "forbidden",
        };
        if access.resource.contains(refused) {
            Decision::Denied(format!("not authorized to perform: {}", access.action))
        } else {
            Decision::Allowed
        }
    }
}

/// Objects by bucket and key.
#[derive(Default)]
pub(crate) struct Objects(pub(crate) Mutex<HashMap<String, Bytes>>);

impl Fetch for Objects {
    fn get<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        _: u64,
    ) -> Pending<'a, Result<Bytes, FetchError>> {
        let found = self.0.lock().unwrap().get(&format!("{bucket}/{key}")).cloned();
        let missing = FetchError::Missing { bucket: bucket.to_owned(), key: key.to_owned() };
        Box::pin(std::future::ready(found.ok_or(missing)))
    }
}

/// Opens functions whose endpoint sends a message for each connection.
pub(crate) async fn open(
    dir: PathBuf,
    (isolation, launch): (Isolation, &str),
    clock: Arc<ManualClock>,
    settled: Arc<Answers>,
    objects: Arc<Objects>,
    desk: Arc<Desk>,
    touched: mpsc::Sender<()>,
) -> Result<Functions, Error> {
    let boot = format!("boot {:p}", &dir);
    let work = Database::open(&dir.join("work.db"), &boot).unwrap();
    let state = Database::open(&dir.join("state.db"), &boot).unwrap();
    let outer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", outer.local_addr().unwrap());
    let tasks = Arc::new(Mutex::new(JoinSet::new()));
    let serve = move |listener: std::net::TcpListener, stop: CancellationToken| {
        let touched = touched.clone();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        tasks.lock().unwrap().spawn(async move {
            while let Some(Ok((mut stream, _))) = stop.run_until_cancelled(listener.accept()).await
            {
                stream.write_all(b"touched").await.unwrap();
                touched.send(()).await.unwrap();
            }
        });
    };
    // Where functions share our network, they come this way.
    serve(outer, CancellationToken::new());
    let credentials = |role: &str, session: &str| {
        if role.contains("gone") {
            return Err(format!("the function's role {role} does not exist"));
        }
        Ok(RoleCredentials {
            access_key_id: format!("ASIA {role} {session}"),
            secret_access_key: Secret::new("secret"),
            session_token: Secret::new("token"),
            expires: None,
        })
    };
    let config = config(dir, isolation, endpoint, launch);
    let ports = Ports {
        roles: Arc::new(credentials),
        settle: settled,
        endpoint: Arc::new(serve),
        authorize: Arc::new(Policies),
        fetch: objects,
        queues: Arc::clone(&desk) as Arc<dyn Outlet>,
        topics: Arc::clone(&desk) as Arc<dyn Outlet>,
        source: desk,
        filters: Arc::new(crate::desk::filter),
        clock,
        chance: Arc::new(SeededChance::new(7)),
    };
    Functions::open(config, &state, &work, ports).await
}

impl Room {
    /// A running room whose one function starts as `how` says.
    pub(crate) async fn new(how: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Self::at(folder.path().to_owned(), how).await;
        room.folder = Some(folder);
        room
    }

    pub(crate) async fn at(dir: PathBuf, how: &str) -> Self {
        Self::launched(LAUNCH, dir, how).await
    }

    /// A running room as on a machine without namespaces.
    pub(crate) async fn bare(how: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Self::launched(LAUNCH_BARE, folder.path().to_owned(), how).await;
        room.folder = Some(folder);
        room
    }

    pub(crate) async fn launched(launch: &str, dir: PathBuf, how: &str) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(START)));
        let settled = Arc::new(Answers::default());
        let objects = Arc::new(Objects::default());
        let desk = Arc::new(Desk::new(Arc::clone(&clock)));
        let (touch, touched) = mpsc::channel(64);
        let open = open(
            dir.clone(),
            (Isolation::BestEffort, launch),
            Arc::clone(&clock),
            Arc::clone(&settled),
            Arc::clone(&objects),
            Arc::clone(&desk),
            touch,
        );
        let functions = open.await.unwrap();
        functions.add(function(how)).unwrap();
        let (stop, mut run) = (CancellationToken::new(), JoinSet::new());
        run.spawn(function::run(functions.clone(), stop.clone()));
        let (tries, folder) = (0, None);
        Self { functions, clock, settled, objects, desk, dir, touched, stop, run, tries, folder }
    }

    pub(crate) async fn invoke(&self, delivery: &str, event: Value) -> String {
        let event = Bytes::from(event.to_string());
        self.functions.invoke(ARN, delivery, event).await.unwrap().0
    }

    /// The answer to one event.
    pub(crate) async fn ask(&self, event: Value) -> Value {
        let id = self.invoke(&format!("ask {event}"), event).await;
        self.until(|_| self.settled.seen.lock().unwrap().iter().any(|(seen, _)| *seen == id)).await;
        let seen = self.settled.seen.lock().unwrap();
        seen.iter().find(|(seen, _)| *seen == id).unwrap().1.clone()
    }

    /// Waits until the queue's counts are so; looks again whenever a try has ended.
    pub(crate) async fn until(&self, reached: impl Fn(Counts) -> bool) {
        let mut ended = self.functions.ended();
        loop {
            ended.mark_unchanged();
            if reached(self.functions.queue().counts().await.unwrap()) {
                return;
            }
            ended.changed().await.unwrap();
        }
    }

    /// Waits for the only dead letter, moving the clock past each retry's wait.
    pub(crate) async fn dead_after_retries(&mut self) -> Dead {
        for wait in Config::RETRY_WAITS_MILLIS {
            self.tried().await;
            self.clock.advance(wait);
        }
        self.tries += 1;
        self.dead().await
    }

    /// Waits until one more try has ended.
    pub(crate) async fn tried(&mut self) {
        self.tries += 1;
        let mut ended = self.functions.ended();
        ended.wait_for(|tries| *tries >= self.tries).await.unwrap();
    }

    pub(crate) async fn dead(&self) -> Dead {
        self.until(|counts| counts.dead == 1).await;
        self.functions.queue().dead(1).await.unwrap().remove(0)
    }

    pub(crate) fn stands(&self, name: &str) -> bool {
        let walls = self.functions.walls();
        let wall = walls.iter().find(|wall| wall.name == name).unwrap();
        if !wall.standing {
            println!("skipped: the wall `{name}` does not stand here: {}", wall.why);
        }
        wall.standing
    }

    /// Stops, and leaves no process and no folder of an instance.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.run.join_next().await {
            ended.unwrap();
        }
        let instances = self.dir.join("instances");
        let left = std::fs::read_dir(&instances).into_iter().flatten().count();
        assert_eq!(left, 0, "folders of instances are left");
    }
}
