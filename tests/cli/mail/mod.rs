//! Mail as it arrives: a real server, read by Python's `email` parser.

mod server;
mod stall;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::folder::{Folder, run};
use crate::watch::Watch;
use server::{Certificates, Server};

/// Tasks that fail in every way.
const TASKS: &str = "\
import os
from docassemble.Scheduler.scheduler_logger import log

def fail():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise ValueError('<script>alert(1)</script> & hunter22 Grüße') from error

def shout():
    try:
        {}['key']
    except KeyError:
        log('do something', 'critical')

def forge():
    raise type('Bad\\r\\nBcc: x@evil.example', (Exception,), {})('\\r\\nBcc: y@evil.example\\r\\n')

def until_mended():
    if not os.path.exists('mended'):
        raise RuntimeError('broken')

def handle(error, job):
    pass
";

/// A config with that `mail` and jobs that run at once in `watch`.
fn config(mail: &str, jobs: &str) -> String {
    format!(
        "appname: My <App>\n\
         external hostname: da.example.org\n\
         error notification email: [ops@example.org]\n\
         mail:\n  default sender: '\"Da\" <da@example.org>'\n{mail}\
         scheduler:\n  docassemble context: off\n{jobs}"
    )
}

/// A folder with that `mail`, to run its tasks by hand.
fn folder(mail: &str) -> Folder {
    let jobs = "  t.fail:\n    type: interval\n    hours: 1\n";
    Folder::with_config(&config(mail, jobs)).file("tasks/t.py", TASKS)
}

fn plain(port: u16) -> String {
    format!("  server: 127.0.0.1\n  port: {port}\n  use tls: false\n")
}

fn encrypted(port: u16, how: &str) -> String {
    format!(
        "  server: localhost\n  port: {port}\n  {how}\n  username: user\n  password: hunter22\n"
    )
}

fn header(mail: &Value, name: &str) -> String {
    let headers = mail["headers"].as_array().unwrap().iter();
    let values: Vec<&str> = headers
        .filter(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name))
        .map(|pair| pair[1].as_str().unwrap())
        .collect();
    assert_eq!(values.len(), 1, "{name}: {mail}");
    values[0].to_owned()
}

fn log(folder: &Folder) -> String {
    let path = folder.path("state/sched/log/scheduler.log");
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Runs the failing task while the server has that certificate; gives the log.
fn log_of_run(mail: &str, authority: &Certificates) -> String {
    let folder = folder(mail);
    let mut command = folder.command();
    command.env("SSL_CERT_FILE", authority.authority());
    run(command.args(["run-once", "t.fail"])).exits(1);
    log(&folder)
}

#[test]
fn a_failure_arrives_with_all_that_is_known_of_it() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    let secret = "  username: user\n  password: hunter22\n";
    let folder = folder(&format!("{}{secret}", plain(server.port)));
    let answer = folder.sched("run-once t.fail --format json").exits(1);
    assert!(!(answer.stdout + &answer.stderr + &log(&folder)).contains("hunter22"));
    // A password may go unencrypted to this computer.
    let login = server.next("login");
    assert_eq!(
        (&login["password"], &login["tls"]),
        (&"hunter22".into(), &false.into())
    );
    let mail = server.next("mail");
    assert_eq!(mail["defects"], Value::Array(Vec::new()), "{mail}");
    assert_eq!(mail["recipients"], serde_json::json!(["ops@example.org"]));
    assert_eq!(mail["sender"], "da@example.org");
    assert_eq!(mail["type"], "multipart/alternative");
    assert!(mail["longest"].as_u64().unwrap() <= 998);
    assert_eq!(header(&mail, "To"), "ops@example.org");
    assert_eq!(header(&mail, "From"), "Da <da@example.org>");
    assert_eq!(
        header(&mail, "Subject"),
        "My <App> Scheduler error: ValueError"
    );
    assert!(header(&mail, "Message-ID").starts_with('<'));
    let text = mail["text"].as_str().unwrap();
    for part in [
        "There was an error in the My <App> application.\n\nThe error message was:\n\nValueError: \
         Scheduler Exception: <script>alert(1)</script> & ******** Grüße\n\n",
        "ZeroDivisionError: division by zero",
        "The above exception was the direct cause",
        "The external hostname was da.example.org\n",
        "Job: t.fail\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let html = mail["html"].as_str().unwrap();
    assert!(
        html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; ********"),
        "{html}"
    );
    assert!(!html.contains("<script") && !html.contains("&amp;lt;"));
    assert!(!text.contains("hunter22") && !html.contains("hunter22"));
}

#[test]
fn a_critical_line_is_mailed_with_the_exception_that_was_handled() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    let folder = folder(&plain(server.port));
    folder.sched("run-once t.shout --no-mail").exits(0);
    folder.sched("run-once t.shout").exits(0);
    let mail = server.next("mail");
    assert_eq!(
        header(&mail, "Subject"),
        "My <App> Scheduler error: KeyError"
    );
    let text = mail["text"].as_str().unwrap();
    for part in [
        "KeyError: 'key'\nMessage: do something\n",
        "Original Exception:\nTraceback",
        "Current Stack:\n  File ",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(server.rest(), [] as [Value; 0], "--no-mail");
}

#[test]
fn no_header_can_be_forged() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    // A key of YAML has at most 1,024 characters.
    let long = "ünï ".repeat(250);
    for evil in ["\\r\\nBcc: z@evil.example\\r\\n\\r\\n", &long] {
        let text = config(
            &plain(server.port),
            &format!("  \"t.forge {evil}\":\n    type: interval\n    hours: 1\n"),
        );
        let text = text.replace("appname: My <App>", &format!("appname: \"App {evil}\""));
        let folder = Folder::with_config(&text).file("tasks/t.py", TASKS);
        folder.sched("run-once t.forge").exits(1);
        let mail = server.next("mail");
        assert_eq!(mail["recipients"], serde_json::json!(["ops@example.org"]));
        assert_eq!(mail["defects"], Value::Array(Vec::new()), "{mail}");
        assert!(mail["longest"].as_u64().unwrap() <= 998, "{mail}");
        let names = mail["headers"].as_array().unwrap().iter();
        let names: Vec<&str> = names.map(|pair| pair[0].as_str().unwrap()).collect();
        let expected = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ];
        assert_eq!(names, expected);
        let subject = header(&mail, "Subject");
        assert!(
            subject.starts_with("App ") && subject.chars().count() < 700,
            "{subject}"
        );
    }
}

#[test]
fn what_is_refused_is_told_and_what_is_put_off_waits() {
    let Some(server) = Server::start("refuse") else {
        return;
    };
    let recipients = "error notification email: [bad@example.org, 'Good <good@example.org>']";
    let text = config(&plain(server.port), "");
    let text = text.replace("error notification email: [ops@example.org]", recipients);
    let folder = Folder::with_config(&text).file("tasks/t.py", TASKS);
    let answer = folder.sched("run-once t.fail").exits(1);
    let told = "\nerror: the mail to bad@example.org was refused: ";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    assert_eq!(
        server.next("mail")["recipients"],
        serde_json::json!(["good@example.org"])
    );
    assert_eq!(server.rest(), [] as [Value; 0], "each once");
    let refusal = "ERROR sched->run(0) the mail to bad@example.org was refused: ";
    assert!(log(&folder).contains(refusal), "{}", log(&folder));

    let Some(server) = Server::start_with("later", 0, None) else {
        return;
    };
    let folder = Folder::with_config(&text.replace(&server_port(&text), &server.port.to_string()))
        .file("tasks/t.py", TASKS);
    folder.sched("run-once t.fail").exits(1);
    server.next("mail");
    assert!(log(&folder).contains("the mail to bad@example.org is tried again later: "));
}

fn server_port(config: &str) -> String {
    let line = config
        .lines()
        .find_map(|line| line.strip_prefix("  port: "));
    line.unwrap().to_owned()
}

#[test]
fn mail_and_password_are_encrypted_where_that_is_wanted() {
    let certificates = Certificates::of("localhost");
    for (mode, how) in [("starttls", "use tls: true"), ("tls", "use ssl: true")] {
        let Some(server) = Server::start_with(mode, 0, Some(&certificates)) else {
            return;
        };
        let log = log_of_run(&encrypted(server.port, how), &certificates);
        let login = server.next("login");
        assert_eq!(
            (&login["user"], &login["tls"]),
            (&"user".into(), &true.into())
        );
        let mail = server.next("mail");
        assert_eq!(
            (&mail["tls"], &mail["login"]),
            (&true.into(), &"user".into())
        );
        assert!(
            log.contains("INFO sched->run(0) mailed to ops@example.org: "),
            "{log}"
        );
    }
}

#[test]
fn nothing_is_told_to_a_server_that_cannot_prove_itself() {
    let trusted = Certificates::of("localhost");
    let elsewhere = Certificates::of("elsewhere.example");
    let unknown = Certificates::of("localhost");
    let expired = Certificates::until("localhost", 2020);
    let own = Certificates::self_signed("localhost");
    for (mode, how, certificates, authority) in [
        ("starttls", "use tls: true", &elsewhere, &elsewhere),
        ("starttls", "use tls: true", &unknown, &trusted),
        ("tls", "use ssl: true", &elsewhere, &elsewhere),
        ("tls", "use ssl: true", &unknown, &trusted),
        ("starttls", "use tls: true", &expired, &expired),
        ("tls", "use ssl: true", &expired, &expired),
        ("starttls", "use tls: true", &own, &trusted),
        ("tls", "use ssl: true", &own, &trusted),
        // It does not offer STARTTLS, or somebody in between took that away.
        ("plain", "use tls: true", &trusted, &trusted),
    ] {
        let Some(server) = Server::start_with(mode, 0, Some(certificates)) else {
            return;
        };
        let log = log_of_run(&encrypted(server.port, how), authority);
        assert!(
            log.contains("ERROR sched->run(0) mail cannot be sent, it waits"),
            "{log}"
        );
        let offers_none = log.contains(" the server does not offer STARTTLS: under `mail`, set ");
        assert_eq!(offers_none, mode == "plain", "{log}");
        assert!(!log.contains("hunter22"), "{log}");
        assert_eq!(server.rest(), [] as [Value; 0], "{mode} {how}");
    }
}

#[test]
fn answers_that_were_put_in_before_the_encryption_are_no_delivery() {
    let certificates = Certificates::of("localhost");
    for count in [1, 2, 3, 6] {
        let mode = format!("inject={count}");
        let Some(server) = Server::start_with(&mode, 0, Some(&certificates)) else {
            return;
        };
        let port = server.port;
        for mail in [
            encrypted(port, "use tls: true"),
            // Without a login, six answers are as many as a mail needs.
            format!("  server: localhost\n  port: {port}\n  use tls: true\n"),
        ] {
            let log = log_of_run(&mail, &certificates);
            let why = "it answered STARTTLS with more than one answer";
            assert!(log.contains(why) || count == 1, "{mode}: {log}");
            assert!(
                log.contains("mail cannot be sent, it waits"),
                "{mode}: {log}"
            );
            assert!(!log.contains("mailed to"), "{mode}: {log}");
        }
    }
}

#[test]
fn the_answer_to_each_command_counts() {
    let refused = "ERROR sched->run(0) the mail to ops@example.org was refused: ";
    let later = "WARNING sched->run(0) the mail to ops@example.org is tried again later: ";
    for (mode, words) in [
        ("MAIL=550", refused),
        ("MAIL=451", later),
        ("DATA=554", refused),
        ("DATA=452", later),
    ] {
        let Some(server) = Server::start(mode) else {
            return;
        };
        let folder = folder(&plain(server.port));
        folder.sched("run-once t.fail").exits(1);
        assert!(log(&folder).contains(words), "{mode}: {}", log(&folder));
        assert_eq!(server.rest(), [] as [Value; 0]);
    }
}

#[test]
fn the_same_error_is_mailed_once_by_however_many_processes() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    let folder = folder(&plain(server.port));
    for _ in 0..3 {
        folder.sched("run-once t.fail").exits(1);
    }
    server.next("mail");
    folder.sched("run-once t.forge").exits(1);
    let mail = server.next("mail");
    assert_ne!(
        header(&mail, "Subject"),
        "My <App> Scheduler error: ValueError"
    );
    assert_eq!(server.rest(), [] as [Value; 0], "one about each error");
}

#[test]
fn that_no_mail_can_be_sent_is_told_where_a_job_is_run_by_hand() {
    for (mail, why) in [
        (
            "mail: {default sender: a@example.org, server: 127.0.0.1, port: 1}\n",
            "127.0.0.1: Connection error: Connection refused\n",
        ),
        ("", "`mail` has no `default sender`\n"),
    ] {
        let folder = Folder::with_config(&format!(
            "error notification email: ops@example.org\n{mail}scheduler:\n  fail: {{type: \
             interval, hours: 1, command: exit 3}}\n"
        ));
        let answer = folder.sched("run-once -q fail").exits(1);
        let told = format!("error: mail cannot be sent, it waits and is tried again: {why}");
        assert!(answer.stderr.ends_with(&told), "{}", answer.stderr);
        let answer = folder.sched("run-once -q --no-mail fail").exits(1);
        assert_eq!(answer.stderr.lines().count(), 1, "{}", answer.stderr);
    }
}

#[test]
fn a_server_that_hangs_holds_up_no_run_for_ever() {
    let Some(server) = Server::start("hang") else {
        return;
    };
    let folder = folder(&plain(server.port));
    folder.sched("run-once t.fail").exits(1);
    server.next("connect");
}

#[test]
fn a_server_that_hangs_delays_no_job_and_no_end() {
    let Some(server) = Server::start("hang") else {
        return;
    };
    let jobs = "  t.fail:\n    type: interval\n    hours: 1\n    run_at_start: true\n  \
                tick:\n    command: [\"true\"]\n    type: interval\n    seconds: 1\n";
    let mut watch = Watch::start_in(watched(&config(&plain(server.port), jobs)), &[]);
    server.next("connect");
    for _ in 0..3 {
        watch.expect("ok     tick");
    }
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    assert!(watch.log().contains("Scheduler has been shut down"));
}

/// A folder to watch, with that config.
fn watched(config: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("config.yml"), config).unwrap();
    std::fs::create_dir(root.path().join("tasks")).unwrap();
    std::fs::write(root.path().join("tasks/t.py"), TASKS).unwrap();
    root
}

#[test]
fn a_mail_outlives_an_outage_and_is_delivered_once() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    let port = server.port;
    drop(server);
    let jobs = "  t.fail:\n    type: interval\n    hours: 1\n    run_at_start: true\n    \
                error handler: t.handle\n";
    let mut watch = Watch::start_in(watched(&config(&plain(port), jobs)), &[]);
    watch.expect("FAILED");
    // A handler takes that one; another run by hand has a mail, and no server.
    watch.sched("run-once t.until_mended").exits(1);
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());

    let Some(server) = Server::start_with("drop", port, None) else {
        return;
    };
    let mut watch = watch.anew();
    server.next("drop");
    let mail = server.next("mail");
    assert_eq!(
        header(&mail, "Subject"),
        "My <App> Scheduler error: RuntimeError"
    );
    watch.expect("mailed to ops@example.org");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    assert_eq!(
        server.rest(),
        [] as [Value; 0],
        "once, and none that was handled"
    );
}

#[test]
fn after_an_outage_mails_arrive_in_the_order_of_what_they_tell() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    let port = server.port;
    drop(server);
    let jobs = "  t.until_mended:\n    type: interval\n    seconds: 1\n";
    let mut watch = Watch::start_in(watched(&config(&plain(port), jobs)), &[]);
    watch.expect("mail cannot be sent, it waits");
    let Some(server) = Server::start_with("plain", port, None) else {
        return;
    };
    std::fs::write(watch.path("mended"), "").unwrap();
    let subjects = [(); 2].map(|()| header(&server.next("mail"), "Subject"));
    assert_eq!(
        subjects,
        [
            "My <App> Scheduler error: RuntimeError",
            "My <App> Scheduler: t.until_mended succeeded again"
        ]
    );
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}

#[test]
fn a_retry_that_is_given_up_makes_its_failure_one_for_good() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    let job = |name: &str, hours: u8| {
        format!(
            "  t.{name}:\n    type: interval\n    hours: {hours}\n    run_at_start: true\n    \
             retries: 1\n    retry_delay: 1h\n"
        )
    };
    let text = |jobs: &str| config(&plain(server.port), jobs);
    let fail = job("fail", 1);
    let both = text(&(fail.clone() + &job("until_mended", 1)));
    let mut watch = Watch::start_in(watched(&both), &[]);
    watch.expect("FAILED t.");
    watch.expect("FAILED t.");
    watch.rewrite(&text(&fail));
    watch.expect("its job is gone");
    let subject = |name: &str| format!("My <App> Scheduler error: {name}");
    let mail = server.next("mail");
    assert_eq!(header(&mail, "Subject"), subject("RuntimeError"));
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    assert_eq!(server.rest(), [] as [Value; 0], "the other one waits");
    watch.rewrite(&text(
        &job("fail", 2).replace("run_at_start: true", "run_at_start: false"),
    ));
    for first in [true, false] {
        watch = watch.anew();
        watch.expect("1 job. Save the file");
        if first {
            watch.expect("is not made any more");
            watch.expect("mailed to ops@example.org");
            let mail = server.next("mail");
            assert_eq!(header(&mail, "Subject"), subject("ValueError"));
        }
        watch.signal(Signal::SIGTERM);
        assert!(watch.end().success());
        assert_eq!(server.rest(), [] as [Value; 0], "once");
    }
}

#[test]
fn a_recovery_is_mailed_after_a_failure_that_was() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    let folder = folder(&plain(server.port));
    folder.sched("run-once t.until_mended").exits(1);
    server.next("mail");
    folder.write("mended", "");
    folder.sched("run-once t.until_mended").exits(0);
    let mail = server.next("mail");
    let subject = "My <App> Scheduler: t.until_mended succeeded again";
    assert_eq!(header(&mail, "Subject"), subject);
    folder.sched("run-once t.until_mended").exits(0);
    assert_eq!(server.rest(), [] as [Value; 0]);
}

#[test]
fn mailgun_gets_the_message_by_http() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        // The last boundary ends with two hyphens.
        while !request.ends_with(b"--\r\n") {
            let count = stream.read(&mut piece).unwrap();
            request.extend_from_slice(&piece[..count]);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
            .unwrap();
        String::from_utf8(request).unwrap()
    });
    let mail = format!(
        "  mailgun domain: mg.example.org\n  mailgun api key: key-0123\n  \
         mailgun api url: http://127.0.0.1:{port}/v3/%s/messages.mime\n"
    );
    folder(&mail).sched("run-once t.fail").exits(1);
    let request = server.join().unwrap();
    assert!(request.starts_with("POST /v3/mg.example.org/messages.mime HTTP/1.1\r\n"));
    // The base64 of `api:key-0123`.
    assert!(
        request
            .to_lowercase()
            .contains("authorization: basic yxbpomtles0wmtiz")
    );
    for part in [
        "name=\"to\"\r\n\r\nops@example.org\r\n",
        "name=\"message\"; filename=",
    ] {
        assert!(request.contains(part), "{request}");
    }
    assert!(request.contains("Subject: My <App> Scheduler error: ValueError\r\n"));
}

#[test]
fn files_that_may_not_grow_hold_up_no_job_and_no_mail() {
    let Some(server) = Server::start("plain") else {
        return;
    };
    let folder = folder(&plain(server.port));
    let limited = "ulimit -f 0; exec \"$0\" run-once t.fail";
    let mut command = std::process::Command::new("/bin/sh");
    let output = command
        .args(["-c", limited, env!("CARGO_BIN_EXE_sched")])
        .current_dir(folder.root())
        .env("SCHED_STATE_DIR", folder.path("state"))
        .env("SCHED_LOG_DIR", folder.path("log"))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("this run is not recorded: "), "{told}");
    let complaint = "scheduler.log: File too large";
    assert_eq!(told.matches(complaint).count(), 1, "said once: {told}");
    let subject = header(&server.next("mail"), "Subject");
    assert_eq!(subject, "My <App> Scheduler error: ValueError");
    assert_eq!(server.rest(), [] as [Value; 0]);
}
