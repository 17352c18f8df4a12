//! From YAML text to nodes with places, as `PyYAML`'s `FullLoader` reads it.
//!
//! `granit-parser` gives the events; the resolution of scalars, merge keys, tags, duplicate keys
//! and the limits are here. Not for what a key means: that is `config`.

mod node;

pub use node::{Document, Duplicate, Entry, Kind, Node};

use crate::diagnostic::Diagnostic;

/// Reads one document.
///
/// # Errors
/// The first fault that makes the text unusable: bad syntax, an unknown or refused tag, a
/// recursive structure, more than the limits allow.
pub fn parse(_text: &str) -> Result<Document, Box<Diagnostic>> {
    todo!()
}
