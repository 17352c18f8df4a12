//! Secrets in what a run wrote are hidden as it ends.
//!
//! Whoever is told of the end masks what is shown; but texts are cut on the way there, and what is
//! left of a secret then is not known any more.

use std::borrow::Cow;

use crate::run::{Ended, KEPT_BYTES};
use crate::secret::Secrets;

/// The longest broken character that is left out where a stream was cut, in bytes.
const BROKEN_BYTES: usize = 3;

/// Hides `secrets` in what the run wrote.
pub(super) fn output(ended: &mut Ended, secrets: &Secrets) {
    for text in [&mut ended.stdout, &mut ended.stderr] {
        let is_rest = text.len() + BROKEN_BYTES >= KEPT_BYTES;
        let masked = if is_rest {
            secrets.mask_rest(text)
        } else {
            secrets.mask(text)
        };
        if let Cow::Owned(masked) = masked {
            *text = masked;
        }
    }
}
