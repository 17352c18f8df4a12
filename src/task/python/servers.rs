//! The servers that fork the runs: as many as are of use, and always such as are up to date.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::interpreter::{Interpreter, Stamp};
use super::marshal;
pub(in crate::task) use super::server::Wish;
use super::server::{Server, State};
use crate::process::{Foster, Pipes};
use crate::task::Setup;

/// How long a run waits for its child before it is started in another way.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many servers are asked: one may have died and not be missed yet.
const ATTEMPTS: usize = 2;

/// The most servers that are kept: beyond that they only take memory.
const MOST: usize = 4;

/// How long no other server is started after one that ended when it started; twice as long each
/// time that it happens again, up to the longest.
const REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);

/// All servers.
#[derive(Debug, Default)]
pub(in crate::task) struct Servers(Mutex<Kept>);

/// A child that waits for its request.
#[derive(Debug)]
pub(in crate::task) struct Forked {
    pub(super) foster: Foster,
    pub(super) pipes: Pipes,
    pub(super) server: watch::Receiver<State>,
}

#[derive(Debug, Default)]
struct Kept {
    python: Option<(Interpreter, Option<Stamp>)>,
    servers: Vec<Server>,
    /// Whether such servers cannot be used.
    unfit: bool,
    /// After a server that ended when it started: how long none is started, and what ends then.
    rest: Option<(Duration, JoinHandle<()>)>,
    untold: Vec<String>,
    told: HashSet<String>,
}

impl Servers {
    /// Starts servers, as many as `runs` that begin at once have use for.
    pub(in crate::task) fn warm(&self, interpreter: &Interpreter, setup: &Setup, runs: usize) {
        let mut kept = self.kept();
        kept.renew(interpreter);
        while kept.may_start() && kept.servers.len() < runs.clamp(1, most()) {
            if !kept.start(interpreter, setup) {
                return;
            }
        }
    }

    /// Forks a child; `None` where there is no server that could, and the run must be started in
    /// another way.
    pub(in crate::task) async fn fork(
        &self,
        interpreter: &Interpreter,
        setup: &Setup,
        wish: Wish,
    ) -> Option<Forked> {
        let fork = async {
            for _ in 0..ATTEMPTS {
                if let Some(forked) = self.fork_once(interpreter, setup, wish.clone()).await {
                    return Some(forked);
                }
            }
            None
        };
        timeout(PATIENCE, fork).await.ok()?
    }

    async fn fork_once(
        &self,
        interpreter: &Interpreter,
        setup: &Setup,
        wish: Wish,
    ) -> Option<Forked> {
        let (pipes, theirs) = Pipes::pair().ok()?;
        let (ordered, server) = {
            let mut kept = self.kept();
            kept.renew(interpreter);
            let server = kept.choose(interpreter, setup)?;
            (server.order(wish, theirs), server.state.clone())
        };
        let foster = ordered.forked().await?;
        Some(Forked {
            foster,
            pipes,
            server,
        })
    }

    /// Whether a child that was forked before is what would be forked now: its server still
    /// stands, and so do the files that it has loaded.
    pub(in crate::task) fn is_current(&self, forked: &Forked) -> bool {
        let is_its = |server: &&Server| server.state.same_channel(&forked.server);
        let kept = self.kept();
        kept.servers
            .iter()
            .find(is_its)
            .is_some_and(Server::is_current)
    }

    /// What is to be said of the servers and has not been said yet.
    pub(in crate::task) fn news(&self) -> Vec<String> {
        self.kept().news()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forked {
    /// Tells the child what it will call, ahead of its start.
    pub(super) fn tell(&mut self, request: &Json) {
        self.say(&marshal::bytes(request));
    }

    /// Lets it begin.
    pub(super) fn go(&mut self) {
        self.say(&[]);
    }

    /// Sends a message: its length in four bytes, and its bytes.
    fn say(&mut self, message: &[u8]) {
        // One that is longer is none that anybody could have configured.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let message = [&length.to_be_bytes(), message].concat();
        self.pipes.feed(&message);
    }

    /// Whether docassemble's background context can be entered there.
    pub(super) fn has_context(&self) -> bool {
        match &*self.server.borrow() {
            State::Ready { has_context, .. } => *has_context,
            // It has forked, so it was ready: then it is gone, and nothing is known of it.
            State::Starting | State::Late(_) | State::Failed(_) | State::Unfit(_) => true,
        }
    }
}

/// The most servers that are of use here.
fn most() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    MOST.min(*CORES.get_or_init(cores))
}

impl Kept {
    /// Lets go of servers that are not up to date. Their runs may finish.
    fn renew(&mut self, interpreter: &Interpreter) {
        let stamp = Stamp::of(&interpreter.program);
        let is_same = |(known, then): &(Interpreter, _)| known == interpreter && *then == stamp;
        if !self.python.as_ref().is_some_and(is_same) {
            self.python = Some((interpreter.clone(), stamp));
            self.servers.clear();
            self.rest = None;
        }
        self.unfit = self.servers.iter().any(Server::is_unfit);
        if !self.unfit {
            self.note_failures();
            self.servers.retain(Server::is_current);
        }
    }

    /// Takes note of servers that ended when they started, and lets go of them.
    fn note_failures(&mut self) {
        let mut failures = Vec::new();
        self.servers.retain(|server| match &*server.state.borrow() {
            State::Failed(why) => {
                failures.push(format!(
                    "No Python is kept warm for now, runs start their own: {why}"
                ));
                false
            }
            _ => true,
        });
        if self.servers.iter().any(Server::is_ready) {
            self.rest = None;
        }
        if failures.is_empty() {
            return;
        }
        let rest = self.rest.as_ref().map_or(REST, |(last, _)| *last * 2);
        let rest = rest.min(LONGEST_REST);
        self.rest = Some((rest, tokio::spawn(sleep(rest))));
        self.untold.append(&mut failures);
    }

    /// Whether a server that is started now may be of use.
    fn may_start(&self) -> bool {
        let is_over = |(_, rest): &(_, JoinHandle<()>)| rest.is_finished();
        let promising = self.servers.iter().all(Server::is_promising);
        !self.unfit && promising && self.rest.as_ref().is_none_or(is_over)
    }

    /// The server that has most time for one more child.
    fn choose(&mut self, interpreter: &Interpreter, setup: &Setup) -> Option<&Server> {
        if self.unfit {
            return None;
        }
        let idle = |server: &Server| server.is_ready() && server.waiting() == 0;
        if self.may_start() && self.servers.len() < most() && !self.servers.iter().any(idle) {
            self.start(interpreter, setup);
        }
        let promising = self.servers.iter().filter(|server| server.is_promising());
        promising.min_by_key(|server| (!server.is_ready(), server.waiting()))
    }

    /// Starts one more server, and tells whether that went well.
    fn start(&mut self, interpreter: &Interpreter, setup: &Setup) -> bool {
        let server = Server::start(interpreter, setup);
        server.map(|server| self.servers.push(server)).is_ok()
    }

    fn news(&mut self) -> Vec<String> {
        self.note_failures();
        let mut news = std::mem::take(&mut self.untold);
        for server in &self.servers {
            match server.state() {
                State::Starting | State::Failed(_) => {}
                State::Ready { faults, .. } => news.extend(faults.into_iter().map(|fault| {
                    let (module, traceback) = fault.split_once('\n').unwrap_or((&fault, ""));
                    format!("Could not preload '{module}':\n{}", traceback.trim_end())
                })),
                State::Late(why) => news.push(format!(
                    "No Python is kept warm yet, runs start their own: {why}"
                )),
                State::Unfit(why) => news.push(format!(
                    "No Python is kept warm, each run starts its own: {why}"
                )),
            }
        }
        news.retain(|text| self.told.insert(text.clone()));
        news
    }
}
