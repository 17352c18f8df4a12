//! Diagnostics as programs read them: the object of `sched validate --format json`.

use serde::Serialize;

use super::Diagnostic;
use super::place::Lines;
use crate::secret::Secrets;

/// What `validate` has to say of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The file, as it was named.
    pub config: String,
    /// Whether it is valid.
    pub valid: bool,
    /// How many jobs it has, the faulty ones included.
    pub jobs: usize,
    /// Every fault, in the order of the text.
    pub diagnostics: Vec<Finding>,
}

/// One fault; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    severity: &'static str,
    code: &'static str,
    message: String,
    line: Option<usize>,
    column: Option<usize>,
    job: Option<String>,
    help: Option<String>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

/// The diagnostics of `text` as findings, secrets masked.
#[must_use]
pub fn findings(diagnostics: &[Diagnostic], text: &str) -> Vec<Finding> {
    let lines = Lines::of(text);
    let secrets = Secrets::of_yaml(text);
    diagnostics
        .iter()
        .map(|diagnostic| finding(diagnostic, &lines, &secrets))
        .collect()
}

fn finding(diagnostic: &Diagnostic, lines: &Lines<'_>, secrets: &Secrets) -> Finding {
    let start = diagnostic.span.map(|span| lines.position(span.start));
    let end = diagnostic.span.map(|span| lines.position(span.end));
    let help = diagnostic.help.join("\n");
    Finding {
        severity: diagnostic.severity.word(),
        code: diagnostic.code.word(),
        message: secrets.mask(&diagnostic.message).into_owned(),
        line: start.map(|start| start.line),
        column: start.map(|start| start.column),
        job: diagnostic.job.clone(),
        help: (!help.is_empty()).then(|| secrets.mask(&help).into_owned()),
        end_line: end.map(|end| end.line),
        end_column: end.map(|end| end.column),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Span};

    #[test]
    fn a_finding_has_the_contracts_keys_and_counts_characters() {
        let text = "mail:\n  password: hunter22\nä: corn\n";
        let found = Diagnostic::error(Code::BadValue, "unknown type `corn`, not hunter22")
            .at(Span::new(31, 35))
            .of_job("a.b")
            .with_help("did you mean `cron`?")
            .with_help("or `date`?");
        let json = serde_json::to_string(&findings(&[found], text)).unwrap();
        assert_eq!(
            json,
            r#"[{"severity":"error","code":"bad-value","message":"unknown type `corn`, not ********","line":3,"column":4,"job":"a.b","help":"did you mean `cron`?\nor `date`?","end_line":3,"end_column":8}]"#
        );
    }

    #[test]
    fn what_is_not_known_is_null() {
        let found = Diagnostic::warning(Code::EmptySection, "there are no jobs");
        let json = serde_json::to_value(findings(&[found], "")).unwrap();
        for key in ["line", "column", "job", "help", "end_line", "end_column"] {
            assert_eq!(json[0][key], serde_json::Value::Null, "{key}");
        }
    }
}
