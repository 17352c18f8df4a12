//! Handing a mail to Mailgun by HTTP.

use std::io::Read;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, http};

use super::Failure;
use crate::config::Mailgun;
use crate::reason::chain;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of an answer is told, in bytes.
const ANSWER_BYTES: u64 = 1_000;

/// Delivers a message.
pub(super) fn deliver(account: &Mailgun, to: &str, message: &[u8]) -> Result<(), Failure> {
    if !is_safe(&account.url) {
        let why = "a key is never sent unencrypted: `mailgun api url` must begin with https";
        return Err(Failure::Server(why.to_owned()));
    }
    let login = BASE64_STANDARD.encode(format!("api:{}", account.key));
    let (kind, form) = form(to, message);
    let answer = agent()
        .post(&account.url)
        .header("Authorization", format!("Basic {login}"))
        .header("Content-Type", kind)
        .send(&form[..]);
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(refusal(answer)),
        Err(error) => Err(Failure::Server(chain(&error))),
    }
}

/// Whether the key is encrypted on its way, or does not leave this computer.
fn is_safe(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else {
        return false;
    };
    let is_loopback = |host: &str| {
        let address: Result<std::net::IpAddr, _> = host.trim_matches(['[', ']']).parse();
        address.is_ok_and(|address| address.is_loopback())
    };
    match url.scheme_str() {
        Some("https") => true,
        Some("http") => url.host().is_some_and(is_loopback),
        Some(_) | None => false,
    }
}

/// A client that trusts whom this computer trusts and follows nobody elsewhere.
fn agent() -> Agent {
    static ROOTS: LazyLock<Arc<Vec<Certificate<'static>>>> = LazyLock::new(|| {
        let found = rustls_native_certs::load_native_certs().certs;
        let owned = found
            .iter()
            .map(|one| Certificate::from_der(one).to_owned());
        Arc::new(owned.collect())
    });
    let roots = RootCerts::Specific(Arc::clone(&ROOTS));
    let tls = TlsConfig::builder().root_certs(roots).build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .http_status_as_error(false);
    config.build().into()
}

fn refusal(answer: http::Response<Body>) -> Failure {
    let status = answer.status();
    let mut said = Vec::new();
    let body = answer.into_body().into_reader();
    // What came of it is told.
    let _ = body.take(ANSWER_BYTES).read_to_end(&mut said);
    let text = format!("{status}: {}", String::from_utf8_lossy(&said).trim());
    match status.as_u16() {
        400 | 413 => Failure::Refused(text),
        _ => Failure::Server(text),
    }
}

/// The content type and the body of a form with the recipient and the message.
///
/// Source: RFC 7578.
fn form(to: &str, message: &[u8]) -> (String, Vec<u8>) {
    let boundary = format!("sched-{:032x}", fastrand::u128(..));
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n{to}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"message\"; \
         filename=\"message.mime\"\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(message);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_long_answer_is_told() {
        for blanks in [0, 2_000] {
            let said = format!("not \u{e9}{}", " ".repeat(blanks));
            let answer = http::Response::builder().status(401);
            let answer = answer.body(Body::builder().data(said)).unwrap();
            let told = Failure::Server("401 Unauthorized: not \u{e9}".to_owned());
            assert_eq!(refusal(answer), told);
        }
    }
}
