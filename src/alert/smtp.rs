//! Handing a mail to a mail server.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Severity;

use super::Failure;
use crate::config::{Security, Server};
use crate::reason::chain;

/// How long the server may take for each step.
const PATIENCE: Duration = Duration::from_secs(20);

/// That a server does not encrypt as it was asked to, and what to do.
const NO_STARTTLS: &str = "the server does not offer STARTTLS: under `mail`, set `use ssl: true` for a \
                           server that encrypts from the start, or `use tls: false` for one on this \
                           computer";

/// How long to listen whether somebody says more than was asked.
const LISTENING: Duration = Duration::from_millis(50);

/// Delivers a message; `host` is how this computer calls itself.
pub(super) fn deliver(
    server: &Server,
    from: Address,
    to: Address,
    message: &[u8],
    host: &str,
) -> Result<(), Failure> {
    let envelope = Envelope::new(Some(from), vec![to]);
    let envelope = envelope.map_err(|error| Failure::Refused(chain(&error)))?;
    let mut connection = connect(server, host)?;
    let answer = connection.send(&envelope, message);
    let answer = answer.map_err(|error| of_mail(&error))?;
    if answer.code().severity != Severity::PositiveCompletion {
        // Somebody slipped in an answer before the connection was encrypted.
        let why = format!("its answers are out of step: {}", answer.code());
        return Err(Failure::Server(why));
    }
    // The mail is delivered, whatever the server says to that.
    let _ = connection.quit();
    Ok(())
}

/// A connection that is encrypted and logged in as wanted.
fn connect(server: &Server, host: &str) -> Result<SmtpConnection, Failure> {
    let to_failure = |error: Error| Failure::Server(reason(&error));
    let addresses = addresses(server)?;
    let hello = ClientId::Domain(host.to_owned());
    let tls = match server.security {
        Security::None => None,
        Security::StartTls | Security::Tls => {
            Some(TlsParameters::new(server.host.clone()).map_err(to_failure)?)
        }
    };
    let at_once = tls.as_ref().filter(|_| server.security == Security::Tls);
    let patience = Some(PATIENCE);
    let connection = SmtpConnection::connect(&addresses[..], patience, &hello, at_once, None);
    let mut connection = connection.map_err(to_failure)?;
    if let (Some(tls), Security::StartTls) = (&tls, server.security) {
        if !connection.can_starttls() {
            return Err(Failure::Server(NO_STARTTLS.to_owned()));
        }
        connection.starttls(tls, &hello).map_err(to_failure)?;
        no_more_answers(&mut connection)?;
    }
    if let Some((user, password)) = &server.login {
        let credentials = Credentials::new(user.clone(), password.clone());
        let login = connection.auth(DEFAULT_MECHANISMS, &credentials);
        login.map_err(|error| Failure::Server(format!("login: {}", reason(&error))))?;
    }
    Ok(connection)
}

/// Where the server is. A password goes unencrypted to this computer alone.
fn addresses(server: &Server) -> Result<Vec<SocketAddr>, Failure> {
    let found = (server.host.as_str(), server.port).to_socket_addrs();
    let mut found: Vec<_> = found
        .map_err(|error| Failure::Server(chain(&error)))?
        .collect();
    if server.login.is_some() && server.security == Security::None {
        found.retain(|address| address.ip().is_loopback());
        if found.is_empty() {
            let why = "a password is never sent unencrypted: set `use tls` or `use ssl`";
            return Err(Failure::Server(why.to_owned()));
        }
    }
    Ok(found)
}

/// Refuses a server that has more to say than was asked.
///
/// What somebody in between put behind the answer to STARTTLS lies in lettre's buffer and would
/// pass for the answers to what is said under TLS: a mail would count as delivered that is not.
/// One such answer has been taken for the server's, and the last answer to a mail tells.
fn no_more_answers(connection: &mut SmtpConnection) -> Result<(), Failure> {
    let set = |connection: &mut SmtpConnection, patience| {
        let set = connection.set_timeout(Some(patience));
        set.map_err(|error| Failure::Server(chain(&error)))
    };
    set(connection, LISTENING)?;
    let silence = connection.read_response().err();
    if !silence.is_some_and(|error| is_timeout(&error)) {
        let why = "it answered STARTTLS with more than one answer, not all of them encrypted";
        return Err(Failure::Server(why.to_owned()));
    }
    set(connection, PATIENCE)
}

/// Whether nothing came in time.
fn is_timeout(error: &Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|source| matches!(source.kind(), TimedOut | WouldBlock))
}

/// What went wrong.
fn reason(error: &Error) -> String {
    if is_timeout(error) {
        // The system says that a resource is unavailable.
        format!("no answer within {} s", PATIENCE.as_secs())
    } else {
        // lettre calls it its own fault when a server cannot do what is wanted.
        match std::error::Error::source(error) {
            Some(why) if error.is_client() => chain(why),
            Some(_) | None => chain(error),
        }
    }
}

/// Whose fault it is that a mail was not taken.
fn of_mail(error: &Error) -> Failure {
    let text = reason(error);
    // Source: RFC 4954 and RFC 3207: these ask for a login or for TLS.
    let wants_login = [530, 534, 535, 538];
    let code = error.status().map(u16::from);
    if code.is_some_and(|code| wants_login.contains(&code)) {
        Failure::Server(text)
    } else if error.is_permanent() || error.is_client() {
        Failure::Refused(text)
    } else if error.is_transient() {
        Failure::Later(text)
    } else {
        Failure::Server(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_a_server_cannot_do_is_told_as_no_fault_of_ours() {
        let plain = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = plain.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = plain.accept().unwrap();
            stream.write_all(b"220 plain\r\n").unwrap();
            let _ = stream.read(&mut [0; 512]).unwrap();
            stream.write_all(b"250 plain\r\n").unwrap();
            let _ = stream.read(&mut [0; 512]);
        });
        let hello = ClientId::Domain("test".to_owned());
        let connection = SmtpConnection::connect(address, Some(PATIENCE), &hello, None, None);
        let mut connection = connection.unwrap();
        let credentials = Credentials::new("user".to_owned(), "hunter22".to_owned());
        let login = connection.auth(DEFAULT_MECHANISMS, &credentials);
        assert_eq!(
            reason(&login.unwrap_err()),
            "No compatible authentication mechanism was found"
        );
        drop(connection);
        server.join().unwrap();
    }

    #[test]
    fn a_server_that_says_nothing_is_told_as_that() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let hello = ClientId::Domain("test".to_owned());
        let address = silent.local_addr().unwrap();
        let told = || {
            let patience = Some(LISTENING);
            let connection = SmtpConnection::connect(address, patience, &hello, None, None);
            reason(&connection.err().expect("nobody answers"))
        };
        assert_eq!(told(), "no answer within 20 s");
        drop(silent);
        assert!(told().contains("refused"), "{}", told());
    }
}
