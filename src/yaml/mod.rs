//! From YAML text to nodes with places, as `PyYAML`'s `FullLoader` reads it.
//!
//! `granit-parser` gives the events; the resolution of scalars, merge keys, tags, duplicate keys
//! and the limits are here. Not for what a key means: that is `config`.

mod base64;
mod blanks;
mod comment;
mod composer;
mod constructor;
mod decode;
mod digit;
mod doubled;
mod escape;
mod events;
mod fault;
mod graph;
mod node;
mod resolver;
mod scalar;
mod strict;
mod surprise;
mod syntax;
mod tag;
mod timestamp;

#[cfg(test)]
mod tests;

pub use decode::decode;
pub use node::{Document, Duplicate, Entries, Entry, Kind, Node};
pub use surprise::explain;

use crate::diagnostic::Diagnostic;
use crate::value::Value;

/// The longest text that is read, in bytes; who opens a file checks its size before.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How deeply lists and mappings may be nested, aliases followed.
pub const MAX_DEPTH: usize = 256;

/// How many nodes aliases, merge keys and tags within tags may add to those that are written.
pub const MAX_ADDED_NODES: usize = 1_000_000;

/// Reads one document.
///
/// # Errors
/// The first fault that makes the text unusable: bad syntax, an unknown or refused tag, a
/// recursive structure, more than the limits allow.
pub fn parse(text: &str) -> Result<Document, Box<Diagnostic>> {
    if text.len() > MAX_BYTES {
        return Err(fault::too_long());
    }
    decode::check_characters(text)?;
    let text = comment::blank_tight(text);
    blanks::check(&text)?;
    let graph = composer::compose(&text)?;
    constructor::construct(&graph)
}

/// Reads a value as it is given on the command line: `2` is an `int`, `[1, two]` a `list`.
///
/// # Errors
/// As [`parse`].
pub fn parse_value(text: &str) -> Result<Value, Box<Diagnostic>> {
    Ok(parse(text)?.root.to_value())
}
