//! What a mail says, and its form on the way.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::News;
use crate::clean;
use crate::run::RunError;
use crate::store::Mail;
use crate::trigger::Zone;

/// How long parts of a mail may be, in characters.
const LONGEST_NAME: usize = 200;
const LONGEST_MESSAGE: usize = 10_000;
const LONGEST_TRACE: usize = 64 * 1024;

/// The last second that fits a mail's date: the end of the year 9998.
const LAST_SECOND: i64 = 253_370_764_799;

/// What every mail of a config names.
#[derive(Debug, Clone)]
pub(super) struct Letterhead {
    /// The application.
    pub(super) appname: String,
    /// The name by which others know its server.
    pub(super) external_hostname: Option<String>,
    /// The name of this computer.
    pub(super) host: String,
    /// The zone of times.
    pub(super) zone: Zone,
}

/// Subject and text.
pub(super) type Words = (String, String);

impl Letterhead {
    /// What is mailed of an error; `held_back` mails of its class were not sent.
    ///
    /// Source: docassemble's own mail about an error.
    pub(super) fn trouble(&self, news: &News, error: &RunError, held_back: u64) -> Words {
        let app = name(&self.appname);
        let class = name(&error.class);
        let mut blocks = vec![
            format!("There was an error in the {app} application."),
            "The error message was:".to_owned(),
            format!("{class}: {}", text(&error.message, LONGEST_MESSAGE)),
            text(&error.traceback, LONGEST_TRACE),
        ];
        blocks.extend(self.external_hostname.as_deref().map(|host| {
            let host = name(host);
            format!("The external hostname was {host}")
        }));
        blocks.push(self.about(news));
        if held_back > 0 {
            let mails = if held_back == 1 { "mail" } else { "mails" };
            let rest = format!("{held_back} {mails} about {class} before this one were held back.");
            blocks.push(rest);
        }
        blocks.retain(|block| !block.is_empty());
        let subject = format!("{app} Scheduler error: {class}");
        (subject, blocks.join("\n\n") + "\n")
    }

    /// What is mailed when a job succeeds whose failure was mailed at `since`.
    pub(super) fn recovery(&self, news: &News, since: Option<DateTime<Utc>>) -> Words {
        let (app, job) = (name(&self.appname), name(&news.job));
        let since = since.map(|since| format!(" that was mailed at {}", self.time(since)));
        let since = since.unwrap_or_default();
        let told = format!("{job} succeeded again, after the failure{since}.");
        let subject = format!("{app} Scheduler: {job} succeeded again");
        (subject, format!("{told}\n\n{}\n", self.about(news)))
    }

    /// Job, run, time and host.
    fn about(&self, news: &News) -> String {
        format!(
            "Job: {}\nRun: {}\nTime: {}\nHost: {}",
            name(&news.job),
            news.run,
            self.time(news.at),
            name(&self.host)
        )
    }

    fn time(&self, at: DateTime<Utc>) -> String {
        let time = self.zone.local(at).format("%Y-%m-%d %H:%M:%S %:z");
        format!("{time} ({})", self.zone.name())
    }
}

/// The mail as it goes over the wire, with its text also as HTML.
pub(super) fn formatted(
    mail: &Mail,
    sender: &Mailbox,
    recipient: Mailbox,
    host: &str,
) -> Result<Vec<u8>, lettre::error::Error> {
    let seconds = mail.written.timestamp().clamp(0, LAST_SECOND);
    let written = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let automatic = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    let message = Message::builder()
        .from(sender.clone())
        .to(recipient)
        .subject(line(&mail.subject, 3 * LONGEST_NAME))
        .date(SystemTime::from(written))
        .message_id(Some(format!("<{}@{host}>", mail.id)))
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(
            mail.body.clone(),
            html(&mail.body),
        ))?;
    Ok(message.formatted())
}

/// The text as HTML: escaped once, nothing from elsewhere.
fn html(text: &str) -> String {
    let paragraphs: String = text.trim_end().split("\n\n").map(paragraph).collect();
    format!("<!DOCTYPE html>\n<html>\n<body>\n{paragraphs}</body>\n</html>\n")
}

fn paragraph(text: &str) -> String {
    let escaped = escaped(text.trim_matches('\n'));
    // What is indented keeps its form.
    if text.lines().any(|line| line.starts_with([' ', '\t'])) {
        format!("<pre>{escaped}</pre>\n")
    } else {
        format!("<p>{}</p>\n", escaped.replace('\n', "<br>\n"))
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A name on one line.
fn name(text: &str) -> String {
    line(text, LONGEST_NAME)
}

fn line(text: &str, longest: usize) -> String {
    let short: String = text.chars().take(longest).collect();
    clean::line(&short).into_owned()
}

/// Text of several lines without other control characters, its middle left out where it is too
/// long.
fn text(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    let whole = if count > longest {
        let half = longest / 2;
        let first: String = text.chars().take(half).collect();
        let last: String = text.chars().skip(count - half).collect();
        format!(
            "{first}\n[{} characters left out]\n{last}",
            count - 2 * half
        )
    } else {
        text.to_owned()
    };
    let whole = whole.replace("\r\n", "\n");
    let visible = |c| {
        if matches!(c, '\n' | '\t') {
            c
        } else {
            clean::visible(c)
        }
    };
    whole.trim_end().chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::What;
    use crate::config::mailbox;
    use crate::run::RunId;

    fn head() -> Letterhead {
        Letterhead {
            appname: "docassemble".to_owned(),
            external_hostname: Some("da.example.org".to_owned()),
            host: "web1".to_owned(),
            zone: Zone::named("America/New_York").unwrap(),
        }
    }

    fn at() -> DateTime<Utc> {
        "2026-11-24T14:31:12Z".parse().unwrap()
    }

    fn news() -> News {
        News {
            job: "test.heartbeat".to_owned(),
            run: RunId::new(at(), 1),
            at: at(),
            what: What::Recovered,
        }
    }

    fn error(class: &str, message: &str, traceback: &str) -> RunError {
        RunError {
            class: class.to_owned(),
            message: message.to_owned(),
            traceback: traceback.to_owned(),
        }
    }

    fn sent(subject: &str, body: &str) -> String {
        let mail = Mail {
            id: RunId::new(at(), 1),
            recipient: "to@example.org".to_owned(),
            subject: subject.to_owned(),
            body: body.to_owned(),
            written: at(),
        };
        let sender = mailbox("Sender <from@example.org>").unwrap();
        let recipient = mailbox("to@example.org").unwrap();
        let bytes = formatted(&mail, &sender, recipient, "web1").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_mail_tells_what_happened_where_and_when() {
        let error = error("ValueError", "no", "Traceback:\n  here\nValueError: no\n");
        let (subject, body) = head().trouble(&news(), &error, 3);
        assert_eq!(subject, "docassemble Scheduler error: ValueError");
        let run = RunId::new(at(), 1);
        assert_eq!(
            body,
            format!(
                "There was an error in the docassemble application.\n\n\
                 The error message was:\n\n\
                 ValueError: no\n\n\
                 Traceback:\n  here\nValueError: no\n\n\
                 The external hostname was da.example.org\n\n\
                 Job: test.heartbeat\nRun: {run}\n\
                 Time: 2026-11-24 09:31:12 -05:00 (America/New_York)\nHost: web1\n\n\
                 3 mails about ValueError before this one were held back.\n"
            )
        );
    }

    #[test]
    fn a_recovery_is_short() {
        let (subject, body) = head().recovery(&news(), Some(at()));
        assert_eq!(
            subject,
            "docassemble Scheduler: test.heartbeat succeeded again"
        );
        assert!(body.starts_with("test.heartbeat succeeded again, after the failure that was"));
    }

    #[test]
    fn no_header_can_be_forged() {
        let evil = "X\r\nBcc: x@y.z\r\n\r\nbody";
        let (subject, body) = head().trouble(&news(), &error(evil, evil, evil), 0);
        let text = sent(&subject, &body);
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.contains("\nBcc"), "{headers}");
        assert!(!subject.contains(['\r', '\n']));
        for none in ["a@b.c\r\nBcc: x@y.z", "a@b.c, d@e.f", "a@b.c\0", "a", ""] {
            assert_eq!(mailbox(none), None, "{none:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        for c in ["ü", "x", "\n", "a "] {
            let long = c.repeat(1_000_000);
            let (subject, body) = head().trouble(&news(), &error(&long, &long, &long), 0);
            assert!(subject.chars().count() < 300 && body.chars().count() < 80_000);
            let text = sent(&subject, &body);
            assert!(text.lines().all(|line| line.len() <= 998), "{c}");
        }
    }

    #[test]
    fn html_is_escaped_once() {
        assert_eq!(
            html("<script>&amp;\n'\"\n\n  in\n"),
            "<!DOCTYPE html>\n<html>\n<body>\n\
             <p>&lt;script&gt;&amp;amp;<br>\n&#39;&quot;</p>\n<pre>  in</pre>\n\
             </body>\n</html>\n"
        );
    }

    #[test]
    fn any_time_has_a_date() {
        for seconds in [i64::MIN / 1_000_000, -1, 0, i64::MAX / 1_000_000] {
            let written = DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
            let mail = Mail {
                id: RunId::new(written, 1),
                recipient: String::new(),
                subject: String::new(),
                body: String::new(),
                written,
            };
            let one = mailbox("a@example.org").unwrap();
            assert!(formatted(&mail, &one, one.clone(), "h").is_ok());
        }
    }
}
