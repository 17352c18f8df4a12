//! A Python that has loaded everything and forks a child for each run.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::heard::Heard;
use super::interpreter::{Interpreter, Stamp};
use super::{RUNNER, marshal};
use crate::process::{self, Control, Foster, Launch, Lines, Theirs};
use crate::run::Order;
use crate::task::{Setup, surroundings};

/// How long after the end of a server its last words may take.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long a server may take to end that nobody wants anything of: it does what its modules have
/// to do at the end of a process, and ends itself after five seconds of that.
const END: Duration = Duration::from_secs(6);

/// How long it may take to load everything. Until then runs wait for it.
const LOADING: Duration = Duration::from_secs(30);

/// A server, as long as anybody may want it to fork. Without this, it ends with its last run.
#[derive(Debug)]
pub(super) struct Server {
    orders: mpsc::UnboundedSender<ForkOrder>,
    pub(super) state: watch::Receiver<State>,
    /// One more for each child that is waited for.
    waiting: Arc<()>,
}

/// What is known of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It loads.
    Starting,
    /// It forks. The task files that it has loaded must stay as they are.
    Ready {
        /// The modules that could not be loaded, each with the traceback.
        faults: Vec<String>,
        /// The files of tasks that are loaded, as they were then.
        files: Vec<(PathBuf, Option<Stamp>)>,
        /// Whether docassemble's background context can be entered.
        has_context: bool,
    },
    /// It still loads, and nobody waits for it any longer.
    Late(String),
    /// It ended when it started.
    Failed(String),
    /// It cannot be used, and neither could another one like it.
    Unfit(String),
}

/// A wish for a child.
#[derive(Debug)]
struct ForkOrder {
    wish: Wish,
    theirs: Theirs,
    forked: oneshot::Sender<Foster>,
}

/// What a child is for.
#[derive(Debug, Clone)]
pub(in crate::task) struct Wish {
    /// The functions that it will call first.
    pub(in crate::task) names: Vec<String>,
    /// When it is let go, in microseconds since 1970; `None` for at once.
    pub(in crate::task) due: Option<i64>,
}

impl Wish {
    /// The order with that number, as `runner.py` reads it.
    fn text(&self, ticket: u64) -> String {
        let due = self.due.map(|due| due.to_string()).unwrap_or_default();
        // No function has a null character in its name.
        let names = self.names.iter().filter(|name| !name.contains('\0'));
        names.fold(format!("{ticket}\0{due}"), |text, name| text + "\0" + name)
    }
}

/// A child that has been ordered.
#[derive(Debug)]
pub(super) struct Ordered {
    forked: oneshot::Receiver<Foster>,
    state: watch::Receiver<State>,
    _waiting: Arc<()>,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// Where the system has no more descriptors.
    pub(super) fn start(interpreter: &Interpreter, setup: &Setup) -> std::io::Result<Self> {
        let (control, theirs) = Control::pair()?;
        let request = json!({
            "control": std::os::fd::AsRawFd::as_raw_fd(&theirs),
            "tasks": setup.python_folders(),
            "preload": setup.preload,
        });
        let launch = Launch {
            control: Some(theirs),
            // Its children write their own ids there.
            variables: vec![surroundings::no_run()],
            ..Launch::default()
        };
        let launch = interpreter.launch(RUNNER, &marshal::bytes(&request), setup, launch);
        let (orders, wanted) = mpsc::unbounded_channel();
        let (news, state) = watch::channel(State::Starting);
        tokio::spawn(live(launch, control, wanted, news));
        Ok(Self {
            orders,
            state,
            waiting: Arc::new(()),
        })
    }

    /// Orders a child.
    pub(super) fn order(&self, wish: Wish, theirs: Theirs) -> Ordered {
        let (forked, awaited) = oneshot::channel();
        // Where the server is gone, the child is waited for in vain.
        let _ = self.orders.send(ForkOrder {
            wish,
            theirs,
            forked,
        });
        Ordered {
            forked: awaited,
            state: self.state.clone(),
            _waiting: Arc::clone(&self.waiting),
        }
    }

    /// How many children have been ordered and are not there yet.
    pub(super) fn waiting(&self) -> usize {
        Arc::strong_count(&self.waiting) - 1
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(*self.state.borrow(), State::Ready { .. })
    }

    /// Whether a child of it is worth waiting for.
    pub(super) fn is_promising(&self) -> bool {
        !self.state.borrow().is_hopeless()
    }

    pub(super) fn is_unfit(&self) -> bool {
        matches!(*self.state.borrow(), State::Unfit(_))
    }

    /// Whether it lives, and what it has loaded is as it was.
    pub(super) fn is_current(&self) -> bool {
        let is_same = |(path, stamp): &(PathBuf, Option<Stamp>)| Stamp::of(path) == *stamp;
        !self.orders.is_closed()
            && match &*self.state.borrow() {
                State::Starting | State::Late(_) => true,
                State::Ready { files, .. } => files.iter().all(is_same),
                State::Failed(_) | State::Unfit(_) => false,
            }
    }
}

impl Ordered {
    /// The child; `None` where the server could not fork it, or not in time.
    pub(super) async fn forked(self) -> Option<Foster> {
        let Self {
            forked, mut state, ..
        } = self;
        let hopeless = async { state.wait_for(State::is_hopeless).await.map(drop) };
        tokio::select! {
            biased;
            forked = forked => forked.ok(),
            Ok(()) = hopeless => None,
        }
    }
}

/// The life of a server, from its start to the end of its last run.
async fn live(
    launch: Launch,
    control: Control,
    wanted: mpsc::UnboundedReceiver<ForkOrder>,
    news: watch::Sender<State>,
) {
    let (_nobody, mut order) = watch::channel(Order::GoOn);
    let mut heard = Heard::up_to(0);
    let process = process::run(launch, &mut order, &mut heard);
    let service = serve(control, wanted, &news);
    tokio::pin!(process, service);
    let late = async {
        sleep(LOADING).await;
        news.send_if_modified(take_too_long);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = &mut service => if let Ok(exit) = timeout(END, process).await {
            news.send_if_modified(|state| never_ready(state, exit));
        },
        () = late => {}
        exit = &mut process => {
            let _ = timeout(LAST_WORDS, service).await;
            news.send_if_modified(|state| never_ready(state, exit));
        }
    }
}

/// Takes note that a server is not ready yet. It will do when it is.
fn take_too_long(state: &mut State) -> bool {
    let starting = *state == State::Starting;
    if starting {
        let within = LOADING.as_secs();
        *state = State::Late(format!("it has not loaded everything within {within} s"));
    }
    starting
}

/// Takes note that a server ended before it was ready.
fn never_ready(state: &mut State, exit: Result<process::Exit, process::Error>) -> bool {
    let never = state.still_loads();
    if never {
        *state = State::Failed(match exit {
            Ok(exit) => format!("it ended when it started, {}", exit.words()),
            Err(error) => crate::task::chain(&error),
        });
    }
    never
}

/// Passes orders on and answers back, until nobody wants anything of the server any more, or it
/// is gone.
async fn serve(
    control: Control,
    mut wanted: mpsc::UnboundedReceiver<ForkOrder>,
    news: &watch::Sender<State>,
) {
    let (letters, mut outbox) = mpsc::unbounded_channel::<(String, Theirs)>();
    let send = async {
        while let Some((text, theirs)) = outbox.recv().await {
            if control.send(text.as_bytes(), &theirs).await.is_err() {
                return;
            }
        }
    };
    let talk = async {
        let mut children = Children::default();
        let mut lines = Lines::default();
        let mut open = true;
        while open || !children.going.is_empty() {
            tokio::select! {
                order = wanted.recv(), if open => match order {
                    // Whoever reads `outbox` goes on as long as this does.
                    Some(order) => _ = letters.send(children.expect(order)),
                    None => open = false,
                },
                line = control.line(&mut lines) => match line {
                    Some(line) => children.take(&line, news),
                    None => return,
                },
            }
        }
    };
    // A server that does not read must not keep us from reading, or both would wait.
    tokio::select! {
        () = talk => {}
        () = send => {}
    }
}

/// The children of a server, by their tickets.
#[derive(Debug, Default)]
struct Children {
    last: u64,
    going: HashMap<u64, Child>,
}

#[derive(Debug)]
enum Child {
    Expected(oneshot::Sender<Foster>),
    Forked(oneshot::Sender<i32>),
}

/// What a server says of itself when it has loaded everything.
#[derive(Debug, Deserialize)]
struct Ready {
    faults: Vec<String>,
    threads: usize,
    /// The modules after which there were more of them.
    starters: Vec<String>,
    has_context: bool,
    /// The task files that are loaded, each with its time of modification, in nanoseconds since
    /// 1970, and its size in bytes when it was read.
    files: Vec<(PathBuf, i64, u64)>,
}

impl Children {
    /// Takes note of an order, and gives what the server is told of it.
    fn expect(&mut self, order: ForkOrder) -> (String, Theirs) {
        self.last += 1;
        self.going.insert(self.last, Child::Expected(order.forked));
        (order.wish.text(self.last), order.theirs)
    }

    /// Takes note of a line of the server; what is no line of ours is passed over.
    fn take(&mut self, line: &str, news: &watch::Sender<State>) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "ready" {
            if let Ok(ready) = serde_json::from_str(rest) {
                news.send_replace(State::of(ready));
            }
            return;
        }
        let mut numbers = rest.split(' ').map(str::parse::<i64>);
        let Some(Ok(ticket)) = numbers.next() else {
            return;
        };
        let ticket = ticket.unsigned_abs();
        let number = numbers.next().and_then(Result::ok);
        match (word, number.and_then(|number| i32::try_from(number).ok())) {
            ("forked", Some(pid)) => self.forked(ticket, pid),
            ("ended", Some(status)) => {
                if let Some(Child::Forked(told)) = self.going.remove(&ticket) {
                    // A run that was given up is not waited for.
                    let _ = told.send(status);
                }
            }
            ("refused", _) => _ = self.going.remove(&ticket),
            _ => {}
        }
    }

    fn forked(&mut self, ticket: u64, pid: i32) {
        let (told, status) = oneshot::channel();
        if let Some(Child::Expected(forked)) = self.going.remove(&ticket) {
            self.going.insert(ticket, Child::Forked(told));
            // Where nobody waits for it any more, nobody holds its request, and it ends.
            let _ = forked.send(Foster::new(pid, status));
        }
    }
}

impl State {
    fn of(ready: Ready) -> Self {
        if ready.threads > 1 {
            let starters = ready.starters.iter().map(|name| format!("'{name}'"));
            let starters = starters.collect::<Vec<_>>().join(", ");
            let who = match starters.as_str() {
                "" => "a module of `preload`".to_owned(),
                starters => format!("`preload` of {starters}"),
            };
            return Self::Unfit(format!(
                "{who} leaves threads behind, and a process with threads cannot be forked safely"
            ));
        }
        let stamped = |(path, modified_ns, bytes)| (path, Stamp::from_nanos(modified_ns, bytes));
        Self::Ready {
            faults: ready.faults,
            has_context: ready.has_context,
            files: ready.files.into_iter().map(stamped).collect(),
        }
    }

    /// Whether it has not been ready yet.
    fn still_loads(&self) -> bool {
        matches!(self, Self::Starting | Self::Late(_))
    }

    /// Whether nobody need wait for a child: none comes, or not for long.
    fn is_hopeless(&self) -> bool {
        matches!(self, Self::Late(_) | Self::Failed(_) | Self::Unfit(_))
    }
}
