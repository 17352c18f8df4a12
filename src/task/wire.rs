//! What a task's process sends us: datagrams that are pieces of messages in JSON.
//!
//! A task can write here whatever it likes. What is no message of ours is passed over, and only so
//! much is kept.

use std::collections::HashMap;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use crate::run::{Level, Record, RunError};

/// What a piece begins with: the process, the number of its message, the number of the piece
/// (all big-endian) and whether it is the last one.
const HEAD_BYTES: usize = 8 + 8 + 4 + 1;

/// How much of a message one datagram takes, in bytes: some systems refuse datagrams above 2 KiB.
const PIECE_BYTES: usize = 2048 - HEAD_BYTES;

/// The longest message that is put together, in bytes.
const LONGEST_BYTES: usize = 4 * 1024 * 1024;

/// How much of unfinished messages is kept, in bytes, over all processes and threads of a task.
const UNFINISHED_BYTES: usize = 4 * LONGEST_BYTES;

/// How many unfinished messages are kept.
const UNFINISHED: usize = 1024;

/// Puts messages together from their pieces.
#[derive(Debug, Default)]
pub struct Assembler {
    unfinished: HashMap<[u8; 16], Pieces>,
    bytes: usize,
}

/// The pieces of a message that have arrived.
#[derive(Debug, Default)]
struct Pieces {
    count: u32,
    bytes: Vec<u8>,
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// A line for the log.
    Log(Record),
    /// How the task ended.
    Result(Report),
}

/// How a task ended, as far as Python knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// `str()` of what it returned, unless that is `None`.
    pub returned: Option<String>,
    /// The exception that ended it.
    pub error: Option<RunError>,
    /// Whether the job's error handler took it; `None` where that was not called.
    pub handled: Option<bool>,
}

impl Assembler {
    /// Takes a piece and gives the message that it completes.
    pub fn push(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let (head, piece) = datagram.split_at_checked(HEAD_BYTES)?;
        let (key, rest) = head.split_first_chunk::<16>()?;
        let (number, last) = rest.split_first_chunk::<4>()?;
        let number = u32::from_be_bytes(*number);

        let mut pieces = self.remove(key);
        if number == 0 {
            pieces = Pieces::default();
        }
        if number != pieces.count || pieces.bytes.len() + piece.len() > LONGEST_BYTES {
            return None;
        }
        pieces.count += 1;
        pieces.bytes.extend_from_slice(piece);
        if last == [1] {
            return Some(pieces.bytes);
        }
        self.keep(*key, pieces);
        None
    }

    fn remove(&mut self, key: &[u8; 16]) -> Pieces {
        let pieces = self.unfinished.remove(key).unwrap_or_default();
        self.bytes -= pieces.bytes.len();
        pieces
    }

    /// Keeps an unfinished message. Processes that die leave theirs, so all are dropped once
    /// they are too many.
    fn keep(&mut self, key: [u8; 16], pieces: Pieces) {
        if self.bytes + pieces.bytes.len() > UNFINISHED_BYTES || self.unfinished.len() >= UNFINISHED
        {
            self.unfinished.clear();
            self.bytes = 0;
        }
        self.bytes += pieces.bytes.len();
        self.unfinished.insert(key, pieces);
    }
}

/// The message that `bytes` hold; `None` for anything else.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    Some(match serde_json::from_slice(bytes).ok()? {
        Form::Log(log) => Message::Log(Record {
            level: Level::named(&log.level)?,
            at: DateTime::from_timestamp_micros(log.at_us)?,
            file: log.file,
            function: log.function,
            line: log.line,
            message: log.message,
            alarm: log.alarm.map(|alarm| Box::new(alarm.into())),
        }),
        Form::Result {
            returned,
            error,
            handled,
        } => Message::Result(Report {
            handled,
            returned,
            error: error.map(RunError::from),
        }),
    })
}

/// The datagrams of a message, the `number`th that `process` sends.
pub(super) fn pieces(message: Message, process: u64, number: u64) -> Vec<Vec<u8>> {
    let bytes = serde_json::to_vec(&Form::from(message)).expect("texts have a JSON form");
    let count = bytes.len().div_ceil(PIECE_BYTES);
    let datagram = |(place, piece): (usize, &[u8])| {
        let place_bytes = u32::try_from(place).unwrap_or(u32::MAX).to_be_bytes();
        let mut datagram = Vec::with_capacity(HEAD_BYTES + piece.len());
        datagram.extend(process.to_be_bytes());
        datagram.extend(number.to_be_bytes());
        datagram.extend(place_bytes);
        datagram.push(u8::from(place + 1 == count));
        datagram.extend_from_slice(piece);
        datagram
    };
    bytes
        .chunks(PIECE_BYTES)
        .enumerate()
        .map(datagram)
        .collect()
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Form {
    Log(LogForm),
    Result {
        returned: Option<String>,
        error: Option<ErrorForm>,
        #[serde(default)]
        handled: Option<bool>,
    },
}

#[derive(Serialize, Deserialize)]
struct LogForm {
    level: String,
    at_us: i64,
    file: String,
    function: String,
    line: u32,
    message: String,
    alarm: Option<ErrorForm>,
}

#[derive(Serialize, Deserialize)]
struct ErrorForm {
    #[serde(rename = "type")]
    class: String,
    message: String,
    traceback: String,
}

impl From<ErrorForm> for RunError {
    fn from(form: ErrorForm) -> Self {
        Self {
            class: form.class,
            message: form.message,
            traceback: form.traceback,
        }
    }
}

impl From<Message> for Form {
    fn from(message: Message) -> Self {
        match message {
            Message::Log(record) => Self::Log(LogForm {
                level: record.level.word().to_owned(),
                at_us: record.at.timestamp_micros(),
                file: record.file,
                function: record.function,
                line: record.line,
                message: record.message,
                alarm: record.alarm.map(|alarm| (*alarm).into()),
            }),
            Message::Result(report) => Self::Result {
                returned: report.returned,
                error: report.error.map(ErrorForm::from),
                handled: report.handled,
            },
        }
    }
}

impl From<RunError> for ErrorForm {
    fn from(error: RunError) -> Self {
        Self {
            class: error.class,
            message: error.message,
            traceback: error.traceback,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(message: u64, number: u32, last: bool, bytes: &[u8]) -> Vec<u8> {
        let mut piece = 7_u64.to_be_bytes().to_vec();
        piece.extend(message.to_be_bytes());
        piece.extend(number.to_be_bytes());
        piece.push(u8::from(last));
        piece.extend(bytes);
        piece
    }

    #[test]
    fn messages_of_two_threads_arrive_whole() {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(&piece(1, 0, false, b"one ")), None);
        assert_eq!(assembler.push(&piece(2, 0, false, b"two ")), None);
        assert_eq!(
            assembler.push(&piece(1, 1, true, b"end")),
            Some(b"one end".to_vec())
        );
        assert_eq!(
            assembler.push(&piece(2, 1, true, b"end")),
            Some(b"two end".to_vec())
        );
        assert_eq!(assembler.bytes, 0);
    }

    #[test]
    fn what_is_cut_is_put_together() {
        let report = || Report {
            returned: Some("ä".repeat(10_000)),
            error: None,
            handled: Some(true),
        };
        let pieces = pieces(Message::Result(report()), 7, 1);
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() <= 2048));
        let mut assembler = Assembler::default();
        let whole = pieces.iter().find_map(|piece| assembler.push(piece));
        assert_eq!(parse(&whole.unwrap()), Some(Message::Result(report())));
    }

    #[test]
    fn a_message_without_its_beginning_is_passed_over() {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(&piece(1, 1, true, b"end")), None);
        assert_eq!(
            assembler.push(&piece(1, 0, true, b"whole")),
            Some(b"whole".to_vec())
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut assembler = Assembler::default();
        let long = vec![b'x'; 64 * 1024];
        for message in 0..2000 {
            for number in 0..100 {
                assembler.push(&piece(message, number, false, &long));
                assert!(assembler.bytes <= UNFINISHED_BYTES);
                assert!(assembler.unfinished.len() <= UNFINISHED);
            }
        }
    }

    #[test]
    fn a_log_line_is_a_record() {
        let text = br#"{"kind": "log", "level": "WARNING", "at_us": 1500000, "file": "test.py",
            "function": "f", "line": 3, "message": "m"}"#;
        let Some(Message::Log(record)) = parse(text) else {
            panic!("it is a log line");
        };
        assert_eq!((record.level, record.line), (Level::Warning, 3));
        assert_eq!(record.at.timestamp_millis(), 1500);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(pieces in proptest::collection::vec(any::<Vec<u8>>(), 0..20)) {
            let mut assembler = Assembler::default();
            for piece in pieces {
                if let Some(message) = assembler.push(&piece) {
                    let _ = parse(&message);
                }
            }
        }

        #[test]
        fn any_pieces_are_taken(
            pieces in proptest::collection::vec((0_u64..3, 0_u32..3, any::<bool>(), any::<Vec<u8>>()), 0..50)
        ) {
            let mut assembler = Assembler::default();
            for (message, number, last, bytes) in pieces {
                assembler.push(&piece(message, number, last, &bytes));
            }
            let held: usize = assembler.unfinished.values().map(|pieces| pieces.bytes.len()).sum();
            prop_assert_eq!(held, assembler.bytes);
        }
    }
}
