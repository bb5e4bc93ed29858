//! The task that owns an instance: what its process may ask when, its deadline, its output.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use flow::Timestamp;
use tokio::{
    net::TcpListener,
    process::{ChildStderr, ChildStdout},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::DropGuard;

use super::{
    Ended, Folder, Gauge, Host, Hosted, Ran, Work,
    door::Door,
    gauge::{CROWD, Over, Seen},
    output::Output,
    report::{Report, end_line, start_line},
};
use crate::{
    invocation::Failure,
    log::{Stream, Tail},
    process::{Process, how},
    runtime_api::{self, Ask, Assignment, MESSAGES_MAX, Message, Refusal},
};

/// How long a process may take until it first asks for an event, and to ask again, in milliseconds.
const INIT_MILLIS_MAX: i64 = 10_000;
/// Buffers of output that are read before a report.
const READS_MAX: usize = 16;
/// What is kept of one invocation's output, in bytes: a log holds others' too.
const OUTPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What the process is doing, as far as the Runtime API tells.
enum Phase {
    Starting,
    /// It asked for an event and waits.
    Waiting(oneshot::Sender<Assignment>),
    Running,
    /// It answered and has not asked again.
    Answered,
}

/// Why the process is given up.
enum End {
    /// Nobody needs it any more.
    Dismissed,
    Exited(Option<std::process::ExitStatus>),
    TimedOut,
    Over(Over),
    InitError(Failure),
}

struct Current {
    work: Work,
    /// When it was given to the process, or until then when it arrived.
    since: Instant,
}

pub(super) struct Actor {
    host: Arc<Host>,
    hosted: Arc<Hosted>,
    id: String,
    process: Process,
    work: mpsc::Receiver<Work>,
    phase: Phase,
    current: Option<Current>,
    deadline: Option<Timestamp>,
    started: Instant,
    /// How long the start took, until it was reported.
    init: Option<Duration>,
    gauge: Gauge,
    /// Bytes of output since the invocation began.
    printed: usize,
    stdout: Output<ChildStdout>,
    stderr: Output<ChildStderr>,
    /// The last of the log since the invocation before ended.
    tail: Tail,
}

impl Actor {
    pub(super) fn new(
        host: &Arc<Host>,
        hosted: &Arc<Hosted>,
        id: String,
        (at, started): (Timestamp, Instant),
        (mut process, gauge): (Process, Gauge),
        work: mpsc::Receiver<Work>,
    ) -> Self {
        let stdout = Output::new(process.child.stdout.take());
        let stderr = Output::new(process.child.stderr.take());
        Self {
            host: Arc::clone(host),
            hosted: Arc::clone(hosted),
            id,
            process,
            work,
            phase: Phase::Starting,
            current: None,
            deadline: Some(at.plus_millis(INIT_MILLIS_MAX)),
            started,
            init: None,
            gauge,
            printed: 0,
            stdout,
            stderr,
            tail: Tail::default(),
        }
    }

    /// Serves until the process ends or nobody needs it; nothing of it remains.
    pub(super) async fn run(mut self, runtime: TcpListener, folder: Folder, served: DropGuard) {
        let (send, mut messages) = mpsc::channel(MESSAGES_MAX);
        let mut api = JoinSet::new();
        api.spawn(axum::serve(Door::new(runtime), runtime_api::router(send)).into_future());
        let end = self.serve(&mut messages).await;
        let status = match &end {
            End::Exited(status) => *status,
            End::Dismissed => self.process.stop().await,
            End::TimedOut | End::Over(_) | End::InitError(_) => self.process.kill().await,
        };
        self.finish(end, status).await;
        api.shutdown().await;
        drop((served, folder));
    }

    async fn serve(&mut self, messages: &mut mpsc::Receiver<Message>) -> End {
        let clock = Arc::clone(&self.host.clock);
        loop {
            let process = self.process.child.id();
            let (deadline, idle) = (self.deadline, self.current.is_none());
            let late = async {
                match deadline {
                    Some(at) => clock.sleep_until(at).await,
                    None => pending().await,
                }
            };
            // Whoever waits for the outcome may be stopped.
            let unwanted = async {
                match &mut self.current {
                    Some(current) => current.work.done.closed().await,
                    None => pending().await,
                }
            };
            let ended = tokio::select! {
                Some(message) = messages.recv() => self.hear(message).await,
                work = self.work.recv(), if idle => match work {
                    Some(work) => {
                        self.take(work);
                        None
                    }
                    None => Some(End::Dismissed),
                },
                text = self.stdout.read() => self.print(Stream::Stdout, &text),
                text = self.stderr.read() => self.print(Stream::Stderr, &text),
                seen = self.gauge.watch(process, idle) => self.seen(seen),
                () = unwanted => Some(End::Dismissed),
                () = late => Some(End::TimedOut),
                status = self.process.child.wait() => Some(End::Exited(status.ok())),
            };
            if let Some(end) = ended {
                return end;
            }
        }
    }

    async fn hear(&mut self, Message { ask, answer }: Message) -> Option<End> {
        let mut end = None;
        let answered = match ask {
            Ask::Next(give) => self.next(give),
            Ask::Outcome { request_id, outcome } => {
                end = self.measure();
                match end {
                    // Whoever used too much has no answer to give, however quick it was.
                    Some(_) => Err(Refusal::WrongMoment),
                    None => self.outcome(&request_id, outcome).await,
                }
            }
            Ask::InitError(failure) => match self.phase {
                Phase::Starting => {
                    end = Some(End::InitError(failure));
                    Ok(())
                }
                _ => Err(Refusal::WrongMoment),
            },
        };
        if answer.send(answered).is_err() {
            tracing::debug!("A process hung up before its answer");
        }
        end
    }

    fn next(&mut self, give: oneshot::Sender<Assignment>) -> Result<(), Refusal> {
        match &self.phase {
            Phase::Running => return Err(Refusal::WrongMoment),
            Phase::Waiting(earlier) if !earlier.is_closed() => return Err(Refusal::WrongMoment),
            Phase::Starting => {
                let took = self.started.elapsed();
                tracing::debug!(
                    function.name = %self.hosted.function.name,
                    init_ms = took.as_millis(),
                    "An instance of {} asks for its first event", self.hosted.function.name
                );
                self.init = Some(took);
            }
            Phase::Waiting(_) | Phase::Answered => {}
        }
        self.phase = Phase::Waiting(give);
        self.deadline = None;
        self.assign();
        Ok(())
    }

    /// Takes work on, for when the process asks.
    pub(super) fn take(&mut self, work: Work) {
        self.current = Some(Current { work, since: Instant::now() });
        if matches!(self.phase, Phase::Answered) {
            self.deadline = Some(self.host.clock.now().plus_millis(INIT_MILLIS_MAX));
        }
        self.assign();
    }

    /// Brings waiting process and waiting work together.
    fn assign(&mut self) {
        let Some(current) = &mut self.current else { return };
        if !matches!(self.phase, Phase::Waiting(_)) {
            return;
        }
        let Phase::Waiting(give) = std::mem::replace(&mut self.phase, Phase::Running) else {
            return;
        };
        let job = &current.work.job;
        let timeout = self.hosted.function.resources.timeout_millis;
        let deadline = self.host.clock.now().plus_millis(timeout);
        let assignment = Assignment {
            request_id: job.request_id.clone(),
            event: job.event.clone(),
            deadline_millis: deadline.as_millis(),
            arn: job.function.clone(),
            trace_id: trace_id(&self.host),
            client_context: job.client_context.clone(),
        };
        let line = start_line(&job.request_id, &self.hosted.version);
        if give.send(assignment).is_err() {
            // It hung up while it waited, and has to ask again.
            self.phase = Phase::Answered;
            self.deadline = Some(self.host.clock.now().plus_millis(INIT_MILLIS_MAX));
            return;
        }
        current.since = Instant::now();
        self.printed = 0;
        self.deadline = Some(deadline);
        self.say(&line);
    }

    async fn outcome(
        &mut self,
        request_id: &str,
        outcome: Result<Bytes, Failure>,
    ) -> Result<(), Refusal> {
        let known = self.current.as_ref().is_some_and(|c| c.work.job.request_id == request_id);
        if !known || !matches!(self.phase, Phase::Running) {
            return Err(Refusal::UnknownId);
        }
        self.phase = Phase::Answered;
        self.deadline = None;
        self.catch_up();
        let (ran, status) = match outcome {
            Ok(bytes) => (Ran::Answered(bytes), None),
            Err(failure) => (Ran::Failed(failure), Some("error")),
        };
        self.report(status);
        self.done(ran);
        Ok(())
    }

    /// The process is gone: says so to whoever waits, and in the log.
    async fn finish(&mut self, end: End, status: Option<std::process::ExitStatus>) {
        self.read_out().await;
        let Some(request_id) = self.current.as_ref().map(|c| c.work.job.request_id.clone()) else {
            return;
        };
        let running = matches!(self.phase, Phase::Running);
        let starting = matches!(self.phase, Phase::Starting);
        let timeout = self.hosted.function.resources.timeout_millis;
        let limit = if running { timeout } else { INIT_MILLIS_MAX };
        let failure = match end {
            End::Over(Over::Memory) => Failure::out_of_memory(&request_id),
            End::Over(_) => Failure::exited(&request_id, &how(None)),
            End::InitError(failure) => failure,
            End::TimedOut if running || starting => Failure::timed_out(&request_id, limit),
            End::Exited(_) if running || starting => Failure::exited(&request_id, &how(status)),
            // It had answered what it was given; this event never reached it.
            End::TimedOut | End::Exited(_) | End::Dismissed => return self.done(Ran::NotTaken),
        };
        let timed_out = failure.error_type == "Sandbox.Timedout";
        if timed_out {
            let at = self.host.clock.now().to_millis_text();
            self.say(&format!("{at} {request_id} {}", failure.bare_message()));
        } else {
            self.say(&failure.message);
        }
        self.report(Some(if timed_out { "timeout" } else { "error" }));
        self.done(Ran::Failed(failure));
    }

    fn done(&mut self, ran: Ran) {
        if let Some(current) = self.current.take() {
            // Whoever asked may have been stopped; the row is then taken up again.
            drop(current.work.done.send(Ended { ran, log: self.tail.take() }));
        }
    }

    fn report(&mut self, status: Option<&str>) {
        let Some(current) = &self.current else { return };
        let request_id = current.work.job.request_id.clone();
        let report = Report {
            request_id: &request_id,
            took: current.since.elapsed(),
            init: self.init.take(),
            memory_bytes: self.hosted.function.resources.memory_bytes,
            used_bytes: self.gauge.used_bytes,
            status,
        };
        let line = report.line();
        self.say(&end_line(&request_id));
        self.say(&line);
    }

    fn measure(&mut self) -> Option<End> {
        let over = self.gauge.look(self.process.child.id());
        self.over(over)
    }

    fn seen(&mut self, seen: Option<Seen>) -> Option<End> {
        match seen? {
            Seen::Over(over) => self.over(Some(over)),
            Seen::Crowd => {
                self.say(CROWD);
                None
            }
        }
    }

    fn over(&mut self, over: Option<Over>) -> Option<End> {
        let over = over?;
        self.say(&over.told(&self.hosted.function.resources));
        Some(End::Over(over))
    }

    fn say(&mut self, line: &str) {
        self.write(Stream::Platform, line);
    }

    fn print(&mut self, stream: Stream, lines: &[String]) -> Option<End> {
        for line in lines {
            let before = self.printed;
            self.printed = before.saturating_add(line.len()).saturating_add(1);
            if self.printed <= OUTPUT_BYTES_MAX {
                self.write(stream, line);
            } else if before <= OUTPUT_BYTES_MAX {
                self.say(&format!("(output beyond {OUTPUT_BYTES_MAX} bytes is not kept)"));
            }
        }
        None
    }

    fn write(&mut self, stream: Stream, line: &str) {
        self.tail.push(line);
        let request_id = self.current.as_ref().map(|c| c.work.job.request_id.as_str());
        self.hosted.log.write(self.host.clock.now(), &self.id, request_id, stream, line);
    }

    /// Writes the output that is there already, so that it stands before the report: what a pipe
    /// holds.
    fn catch_up(&mut self) {
        for _ in 0..READS_MAX {
            let (stdout, stderr) = (self.stdout.ready(), self.stderr.ready());
            self.print(Stream::Stdout, &stdout);
            self.print(Stream::Stderr, &stderr);
            if stdout.is_empty() && stderr.is_empty() {
                return;
            }
        }
    }

    /// Writes all output of a process that is gone.
    async fn read_out(&mut self) {
        let (stdout, stderr) = tokio::join!(self.stdout.rest(), self.stderr.rest());
        self.print(Stream::Stdout, &stdout);
        self.print(Stream::Stderr, &stderr);
    }
}

/// A trace that is not sampled, in X-Ray's form.
fn trace_id(host: &Host) -> String {
    let seconds = host.clock.now().as_secs();
    let (root, parent) = (host.chance.text(super::HEX, 24), host.chance.text(super::HEX, 16));
    format!("Root=1-{seconds:08x}-{root};Parent={parent};Sampled=0")
}
