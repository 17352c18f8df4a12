//! A mail server that falls silent in the middle of the dialogue.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::server::A_WHILE;
use super::{config, folder, plain, watched};
use crate::watch::Watch;

/// A server that says nothing more after `last`; gives its port, and a word when it comes to that.
fn silent_after(last: &'static str) -> (u16, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // Whoever ends the connection is not waited for.
            let _ = talk(stream.unwrap(), last, &tell);
        }
    });
    (port, told)
}

/// Takes part in the dialogue up to the line that begins with `last`.
fn talk(mut stream: TcpStream, last: &str, tell: &Sender<()>) -> std::io::Result<()> {
    stream.write_all(b"220 test\r\n")?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut is_content = false;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.starts_with(last) {
            let _ = tell.send(());
            lines.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        let answer: &[u8] = match line.trim_end() {
            "DATA" => b"354 go on\r\n",
            _ if is_content => continue,
            _ => b"250 OK\r\n",
        };
        is_content = line.starts_with("DATA");
        stream.write_all(answer)?;
    }
}

#[test]
fn a_server_that_falls_silent_delays_no_job_and_no_end() {
    // The last one is the end of the mail.
    for last in ["EHLO", "MAIL", "DATA", ".\r"] {
        let (port, fell_silent) = silent_after(last);
        let jobs = "  t.fail:\n    type: interval\n    hours: 1\n    run_at_start: true\n  \
                    tick:\n    command: [\"true\"]\n    type: interval\n    seconds: 1\n";
        let mut watch = Watch::start_in(watched(&config(&plain(port), jobs)), &[]);
        fell_silent.recv_timeout(A_WHILE).unwrap();
        for _ in 0..2 {
            watch.expect("ok tick");
        }
        watch.signal(Signal::SIGTERM);
        assert!(watch.end().success(), "{last}");
        let log = watch.log();
        assert!(
            log.contains("Scheduler has been shut down"),
            "{last}: {log}"
        );
        assert!(!log.contains("mailed to"), "{last}: {log}");
    }
}

#[test]
fn a_run_by_hand_can_be_ended_while_its_mail_is_tried() {
    let (port, fell_silent) = silent_after("EHLO");
    let folder = folder(&plain(port));
    let child = Command::new(env!("CARGO_BIN_EXE_sched"))
        .args(["run-once", "t.fail"])
        .current_dir(folder.root())
        .env("XDG_STATE_HOME", folder.path("state"))
        .env("SCHED_LOG_DIR", folder.path("log"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    fell_silent.recv_timeout(A_WHILE).unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let told = "error: mail is not sent yet; `sched watch` sends it\n";
    assert!(stderr.ends_with(told), "{stderr}");
}
