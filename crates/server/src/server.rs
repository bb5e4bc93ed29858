//! The whole road in one process: opened, run, drained.

mod functions;
mod info;
mod rooms;
mod rules;
mod shown;

use std::{ffi::OsString, sync::Arc};

use anyhow::Context;
use flow::{Chance, Clock};
use tokio::{net::TcpListener, sync::broadcast, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use crate::server::info::{Info, SERVER_FILE};
pub(crate) use crate::server::rooms::Rooms;
use crate::server::{rules::Keeper, shown::Shown};
use crate::{
    admin::{self, Admin, Road},
    config::Config,
    dir::DataDir,
    passage::Passage,
    tls,
    wiring::{
        bucket_to_notification,
        function_to_gateway::{self, InnerEndpoints},
        trail_to_journal,
    },
};

/// What a server is made of.
pub struct Options {
    /// The configuration.
    pub config: Config,
    /// The data directory, held until the server has stopped.
    pub dir: DataDir,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Where ids and keys come from.
    pub chance: Arc<dyn Chance>,
    /// The program that sets a function's walls, and its arguments.
    pub launcher: Vec<OsString>,
    /// The program of the shipped function, and its arguments.
    pub detect: Vec<OsString>,
    /// What the alert destination `stdout` writes to.
    pub output: alert::Output,
    /// Whether plain HTTP may leave this machine.
    pub insecure_plaintext: bool,
}

/// A running server.
pub struct Server {
    info: Info,
    rooms: Arc<Rooms>,
    running: Vec<Stage>,
    endpoints: InnerEndpoints,
    dir: DataDir,
}

/// A part of the road that stops as one.
struct Stage {
    name: &'static str,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Stage {
    fn of(name: &'static str, run: impl FnOnce(CancellationToken, &mut JoinSet<()>)) -> Self {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        run(stop.clone(), &mut tasks);
        Self { name, stop, tasks }
    }

    /// Asks the stage to drain, and waits for it.
    async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(stage = self.name, %error, "The {} ended badly", self.name);
            }
        }
    }
}

impl Server {
    /// Opens the data directory's databases, binds both ports and sets every room running.
    ///
    /// # Errors
    /// Names the file, address or configuration key that cannot be used.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let Options { config, dir, clock, chance, .. } = &options;
        let tls = match (config.listen.tls_cert.as_str(), config.listen.tls_key.as_str()) {
            ("", _) => None,
            (cert, key) => Some(tls::read(cert.as_ref(), key.as_ref())?),
        };
        let address = config.listen.address;
        if !address.ip().is_loopback() && tls.is_none() && !options.insecure_plaintext {
            anyhow::bail!(
                "{address} is reachable from other machines, and plain HTTP would show them every \
                 record: set `listen.tls_cert` and `listen.tls_key`, or give --insecure-plaintext"
            );
        }
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}: stop who does, or give another --listen")
        })?;
        let admin_address = config.admin.address;
        let admin_listener = TcpListener::bind(admin_address)
            .await
            .with_context(|| format!("`admin.address`: cannot listen on {admin_address}"))?;
        let endpoint = endpoint_url(config, &listener, tls.is_some())?;
        let inner = InnerEndpoints::default();
        let (rooms, keeper) = Rooms::open(&options, &endpoint, &inner).await?;
        let rooms = Arc::new(rooms);
        let token = admin::token(dir, &**chance)?;
        let view = Shown { rooms: Arc::clone(&rooms), limits: config.status.clone() };
        let address = admin_listener.local_addr()?;
        let road = Some(Road::of(config, Arc::clone(&rooms), Arc::clone(chance)));
        let admin = Admin { view: Arc::new(view), road, token: token.clone(), address };
        let info = Info::of(config, dir, &endpoint, &admin, &rooms);
        dir.write_private(SERVER_FILE, &info.to_json(&token))?;
        let admin = (admin, admin_listener);
        let running = stages(&rooms, config, clock, (listener, tls), admin, keeper);
        Ok(Self { info, rooms, running, endpoints: inner, dir: options.dir })
    }

    /// How to reach the server.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Walls that this machine does not offer around functions, and why.
    pub fn missing_walls(&self) -> Vec<(String, String)> {
        let walls = self.rooms.functions.walls();
        walls.into_iter().filter(|wall| !wall.standing).map(|wall| (wall.name, wall.why)).collect()
    }

    /// What passes from room to room from now on.
    pub fn watch(&self) -> broadcast::Receiver<Passage> {
        self.rooms.passages.watch()
    }

    /// The journal of records.
    pub fn journal(&self) -> &store::Journal {
        &self.rooms.journal
    }

    /// How many rules are asked, and those that were refused, as text.
    pub fn rules(&self) -> (usize, Vec<String>) {
        let running = self.rooms.rules.now();
        (running.count, running.refused)
    }

    /// Looks at the folders of rules now, rather than within seconds.
    pub fn reload(&self) {
        self.rooms.rules.ask.notify_one();
    }

    /// Where alerts go, without what is secret of a URL.
    pub fn destinations(&self) -> Vec<String> {
        self.rooms.alerts.destinations()
    }

    /// Stops in the order of the road: each part finishes what it has begun before the next one is
    /// asked to stop. What waits longer stays in the data directory.
    pub async fn stop(self) {
        for stage in self.running {
            tracing::debug!(stage = stage.name, "Stopping the {}", stage.name);
            stage.end().await;
        }
        self.endpoints.close().await;
        self.rooms.close().await;
        // The lock goes last, when nothing writes any more.
        drop(self.dir);
    }
}

/// The URL under which clients reach the endpoint.
fn endpoint_url(config: &Config, listener: &TcpListener, tls: bool) -> anyhow::Result<String> {
    if !config.listen.url.is_empty() {
        return Ok(config.listen.url.trim_end_matches('/').to_owned());
    }
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let scheme = if tls { "https" } else { "http" };
    Ok(format!("{scheme}://{address}"))
}

type Door = (TcpListener, Option<Arc<rustls::ServerConfig>>);

/// Sets everything running, in the order in which it is to stop.
fn stages(
    rooms: &Arc<Rooms>,
    config: &Config,
    clock: &Arc<dyn Clock>,
    (listener, tls): Door,
    (admin, admin_listener): (Admin, TcpListener),
    keeper: Keeper,
) -> Vec<Stage> {
    let gateway = rooms.gateway.clone();
    let retention = config.journal.retention.millis();
    vec![
        // Before the gateway, which waits for calls: those that wait for messages end with this.
        Stage::of("queues", |stop, tasks| {
            tasks.spawn(queue::run(rooms.sqs.clone(), stop));
        }),
        Stage::of("gateway", |stop, tasks| {
            tasks.spawn(function_to_gateway::serve(gateway, listener, tls, stop));
        }),
        Stage::of("trails", |stop, tasks| {
            let (trails, journal) = (rooms.trails.clone(), rooms.journal.clone());
            let clock = Arc::clone(clock);
            tasks.spawn(trail::run(trails.clone(), stop.clone()));
            tasks.spawn(trail_to_journal::run(trails, journal, retention, clock, stop));
        }),
        Stage::of("bucket", |stop, tasks| {
            let (buckets, notifications) = (rooms.buckets.clone(), rooms.notifications.clone());
            let (passages, clock) = (rooms.passages.clone(), Arc::clone(clock));
            tasks.spawn(bucket_to_notification::run(buckets, notifications, passages, clock, stop));
        }),
        Stage::of("notifications", |stop, tasks| {
            tasks.spawn(notification::run(rooms.notifications.clone(), stop));
        }),
        Stage::of("rules", |stop, tasks| {
            tasks.spawn(keeper.run(Arc::clone(clock), stop));
        }),
        Stage::of("functions", |stop, tasks| {
            tasks.spawn(function::run(rooms.functions.clone(), stop));
        }),
        Stage::of("alerts", |stop, tasks| {
            tasks.spawn(alert::run(rooms.alerts.clone(), stop));
        }),
        Stage::of("topics", |stop, tasks| {
            tasks.spawn(topic::run(rooms.topics.clone(), rooms.topic_reach(), stop));
        }),
        Stage::of("admin API", |stop, tasks| {
            tasks.spawn(admin::serve(admin, admin_listener, stop));
        }),
    ]
}
