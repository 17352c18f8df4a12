//! Secrets in what a run left are hidden as it ends.
//!
//! Whoever is told of the end masks what is shown; but texts are cut on the way there, and what is
//! left of a secret then is not known any more.

use std::borrow::Cow;

use crate::run::{Ended, KEPT_BYTES, RunError};
use crate::secret::Secrets;

/// The longest broken character that is left out where a stream was cut, in bytes.
const BROKEN_BYTES: usize = 3;

/// Hides `secrets` in what the run wrote, returned and raised.
pub(super) fn all(ended: &mut Ended, secrets: &Secrets) {
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
    let error = ended.error.iter_mut().flat_map(
        |RunError {
             class,
             message,
             traceback,
         }| [class, message, traceback],
    );
    for text in error.chain(&mut ended.returned) {
        if let Cow::Owned(masked) = secrets.mask(text) {
            *text = masked;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::run::Outcome;
    use crate::secret::MASK;

    #[test]
    fn all_that_a_run_left_is_hidden_before_it_is_told_in_pieces() {
        let cut = "xSuperSecret\n[9 characters left out]\nPassword1y";
        let mut ended = Ended {
            outcome: Outcome::Failure,
            exit_code: Some(1),
            signal: None,
            returned: Some(cut.to_owned()),
            error: Some(RunError {
                class: "SuperSecretPassword1".to_owned(),
                message: cut.to_owned(),
                traceback: cut.to_owned(),
            }),
            stdout: "a SuperSecretPassword1".to_owned(),
            stderr: String::new(),
            took: Duration::ZERO,
        };
        all(
            &mut ended,
            &Secrets::of_yaml("password: SuperSecretPassword1"),
        );
        let error = ended.error.unwrap();
        let hidden = format!("x{MASK}\n[9 characters left out]\n{MASK}y");
        for text in [&error.message, &error.traceback, &ended.returned.unwrap()] {
            assert_eq!(*text, hidden);
        }
        assert_eq!(
            (&*error.class, &*ended.stdout),
            (MASK, &*format!("a {MASK}"))
        );
    }
}
