//! Our ends of the pipes, and somebody who writes into the others.

use std::io::Write as _;
use std::os::unix::net::UnixDatagram;

use tokio::sync::mpsc;

use super::*;

/// A sink that passes datagrams on.
struct Datagrams {
    received: mpsc::UnboundedSender<Vec<u8>>,
    wanted: bool,
}

impl Sink for Datagrams {
    fn stdout(&mut self, _bytes: &[u8]) {}

    fn stderr(&mut self, _bytes: &[u8]) {}

    fn datagram(&mut self, bytes: &[u8]) {
        self.received.send(bytes.to_vec()).unwrap();
    }

    fn wants_datagrams(&self) -> bool {
        self.wanted
    }
}

/// The first `count` datagrams that `child` sends, whether they are `wanted` or not; fewer where
/// half a minute goes by. It has its standard output and its channel.
fn first(
    count: usize,
    wanted: bool,
    child: impl FnOnce(File, UnixDatagram) + Send + 'static,
) -> Vec<Vec<u8>> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let (mut pipes, [_stdin, stdout, _stderr, channel]) = Pipes::pair().unwrap();
        std::thread::spawn(move || child(stdout.into(), channel.into()));
        let (received, mut datagrams) = mpsc::unbounded_channel();
        let mut sink = Datagrams { received, wanted };
        let mut first = Vec::new();
        let collect = async {
            while first.len() < count {
                first.extend(datagrams.recv().await);
            }
        };
        tokio::select! {
            never = pipes.pump(&mut sink) => match never {},
            () = collect => {}
            () = tokio::time::sleep(Duration::from_secs(30)) => {}
        }
        first
    })
}

#[test]
fn an_empty_datagram_stops_no_channel() {
    let received = first(3, true, |_stdout, channel| {
        for datagram in ["before", "", "after"] {
            channel.send(datagram.as_bytes()).unwrap();
        }
    });
    assert_eq!(
        received,
        [b"before".to_vec(), b"".to_vec(), b"after".to_vec()]
    );
}

#[test]
fn output_does_not_prolong_the_wait_for_what_nobody_wants() {
    let received = first(1, false, |mut stdout, channel| {
        channel.send(b"at last").unwrap();
        while stdout.write_all(b".").is_ok() {
            std::thread::sleep(PAUSE / 3);
        }
    });
    assert_eq!(received, [b"at last"]);
}
