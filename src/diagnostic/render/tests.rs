use super::*;
use crate::diagnostic::Code;

/// The place of the first `part` in `text`.
fn span(text: &str, part: &str) -> Span {
    let start = text.find(part).expect("a part of the text");
    Span::new(start, start + part.len())
}

fn shown(diagnostic: Diagnostic, text: &str) -> String {
    render(&[diagnostic], text, "config.yml", Style::default())
}

fn wrong(text: &str, part: &str) -> Diagnostic {
    Diagnostic::error(Code::BadValue, "wrong").at(span(text, part))
}

#[test]
fn a_fault_shows_its_line_and_its_ways_out() {
    let text = "scheduler:\n  test.heartbeat:\n    type: corn\n";
    let found = Diagnostic::error(Code::BadValue, "unknown trigger type `corn`")
        .at(span(text, "corn"))
        .with_note("read as `cron` for the checks below")
        .with_help("did you mean `cron`?")
        .with_help("or `date`?");
    assert_eq!(
        shown(found, text),
        "\
error[bad-value]: unknown trigger type `corn`
 --> config.yml:3:11
  |
3 |     type: corn
  |           ^^^^ read as `cron` for the checks below
  |
  = help: did you mean `cron`?
  = help: or `date`?

"
    );
}

#[test]
fn what_several_jobs_have_from_one_place_is_told_once() {
    let text = "base: &base\n  hour: 25\n";
    let jobs = ["t.a", "t.b", "t.c\x1b", "t.d"];
    let faults = jobs.map(|job| wrong(text, "25").with_help("mend it").of_job(job));
    assert_eq!(
        render(&faults, text, "config.yml", Style::default()),
        "\
error[bad-value]: wrong
 --> config.yml:2:9
  |
2 |   hour: 25
  |         ^^
  |
  = note: in the jobs `t.a`, `t.b`, `t.c␛` and 1 more
  = help: mend it

"
    );
    assert_eq!(
        lines(faults.iter(), text, "config.yml"),
        ["config.yml:2:9: wrong (in 4 jobs); mend it"]
    );
    assert!(!render(&faults[..1], text, "config.yml", Style::default()).contains("note"));
}

#[test]
fn a_related_place_is_shown_with_it() {
    let text = "scheduler:\n  a.b:\n    type: cron\n    day: 1\n    hour: 1\n  a.b: {}\n";
    let second = text.rfind("a.b").unwrap();
    let found = Diagnostic::warning(Code::DuplicateKey, "`a.b` is given twice")
        .at(Span::new(second, second + 3))
        .with_note("second one")
        .with_related(span(text, "a.b"), "first one");
    assert_eq!(
        shown(found, text),
        "\
warning[duplicate-key]: `a.b` is given twice
 --> config.yml:6:3
  |
2 |   a.b:
  |   --- first one
...
6 |   a.b: {}
  |   ^^^ second one

"
    );
}

#[test]
fn the_line_between_two_places_is_shown() {
    let text = "a: 1\nb: 2\na: 3\n";
    let found = Diagnostic::warning(Code::DuplicateKey, "twice")
        .at(Span::new(10, 11))
        .with_related(Span::new(0, 1), "first one");
    assert!(shown(found, text).contains("2 | b: 2\n"));
}

#[test]
fn a_related_place_far_away_has_a_snippet_of_its_own() {
    let text = format!("a: 1\n{}a: 2\n", "\n".repeat(5_000));
    let found = Diagnostic::warning(Code::DuplicateKey, "twice")
        .at(Span::new(text.len() - 5, text.len() - 4))
        .with_related(Span::new(0, 1), "first one");
    let shown = shown(found, &text);
    assert!(shown.contains("--> config.yml:5002:1"), "{shown}");
    assert!(shown.contains("::: config.yml:1:1"), "{shown}");
}

#[test]
fn a_fault_without_a_place_is_its_message_and_its_ways_out() {
    let found = Diagnostic::error(Code::MissingSection, "there is no section `scheduler`")
        .with_help("did you mean `schedule`?");
    assert_eq!(
        shown(found, ""),
        "\
error[missing-section]: there is no section `scheduler`
--> config.yml
 = help: did you mean `schedule`?

"
    );
}

#[test]
fn a_tab_is_one_arrow_and_one_column() {
    let text = "scheduler:\n\ta.b:\n";
    assert_eq!(
        shown(wrong(text, "a.b"), text),
        "\
error[bad-value]: wrong
 --> config.yml:2:2
  |
2 | →a.b:
  |  ^^^

"
    );
}

#[test]
fn carets_stand_below_wide_and_combining_characters() {
    let text = "你好: e\u{301}x\n";
    assert!(shown(wrong(text, "x"), text).contains("1 | 你好: e\u{301}x\n  |        ^\n"));
    let text = "a: 你好\n";
    let shown = shown(wrong(text, "你好"), text);
    assert!(shown.contains("config.yml:1:4"), "{shown}");
    assert!(shown.contains("  |    ^^^^\n"), "{shown}");
}

#[test]
fn a_span_over_several_lines_is_marked_in_its_first() {
    let text = "a.b:\n  - 1\n  - 2\n";
    let found = Diagnostic::error(Code::BadValue, "wrong").at(Span::new(7, 16));
    assert!(shown(found, text).contains("2 |   - 1\n  |   ^^^\n"));
}

#[test]
fn a_long_line_is_cut_around_the_caret() {
    let text = format!("a: [{}wrong{}]\n", "1, ".repeat(500), ", 2".repeat(500));
    let style = Style {
        color: false,
        width: 80,
    };
    let shown = render(&[wrong(&text, "wrong")], &text, "config.yml", style);
    assert!(shown.contains("^^^^^"), "{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn secrets_are_not_shown() {
    let text = "mail:\n  password: \"hunter 22\"\n  port: hunter 22\n";
    let found = Diagnostic::error(Code::BadValue, "`hunter 22` is no port").at(span(text, "port"));
    let shown_port = shown(found, text);
    assert!(shown_port.contains("`********` is no port"), "{shown_port}");
    let shown_secret = shown(wrong(text, "\"hunter 22\""), text);
    assert!(
        shown_secret.contains("2 |   password: ********\n"),
        "{shown_secret}"
    );
    assert!(
        shown_secret.contains("  |             ^^^^^^^^\n"),
        "{shown_secret}"
    );
}

#[test]
fn a_secret_is_not_shown_where_it_stands_again() {
    let text = "password: hunter22 # hunter22\nx: [hunter22, corn]\n";
    let found = Diagnostic::error(Code::BadValue, "no").at(span(text, "corn"));
    let told = shown(found, text);
    assert!(told.contains("2 | x: [********, corn]"), "{told}");
    assert!(!told.contains("hunter"), "{told}");
}

#[test]
fn a_secret_below_its_key_is_not_shown() {
    let text = "private key: |\n  abc\n  def\napi keys:\n- ghi\nb: c\n";
    for (part, hidden) in [("def", true), ("ghi", true), ("c", false)] {
        let start = text.rfind(part).unwrap();
        let found =
            Diagnostic::error(Code::BadValue, "wrong").at(Span::new(start, start + part.len()));
        assert_eq!(shown(found, text).contains("********"), hidden, "{part}");
    }
}

#[test]
fn control_characters_do_not_reach_the_screen() {
    let text = "a: \x1b[2Jx\u{202e}\u{9b}\n";
    let found = Diagnostic::error(Code::Yaml, "bad \x1b]0;title\x07 `\r`")
        .at(span(text, "x"))
        .with_note("\x1b")
        .with_help("\x08");
    let shown = render(&[found], text, "con\x1b[1mfig.yml", Style::default());
    let is_safe = |c: char| c == '\n' || clean::visible(c) == c;
    assert!(shown.chars().all(is_safe), "{shown:?}");
    assert!(shown.contains("a: ␛[2Jx\u{fffd}\u{fffd}"), "{shown}");
}

#[test]
fn any_span_can_be_shown() {
    let texts = ["", "\n", "a", "ä\r\nb\r", "password: ü\n", "\u{feff}a: b"];
    for text in texts {
        for start in 0..8 {
            for end in 0..8 {
                let found = Diagnostic::error(Code::Yaml, "wrong")
                    .at(Span::new(start, end))
                    .with_related(Span::new(end, start), "here");
                let shown = shown(found, text);
                assert!(shown.starts_with("error[yaml]: wrong\n"), "{shown}");
            }
        }
    }
}

#[test]
fn one_line_names_the_place_the_fault_and_the_way_out() {
    let text = "a: corn\n";
    let found = Diagnostic::error(Code::BadValue, "unknown trigger type `corn`")
        .at(span(text, "corn"))
        .with_help("did you mean `cron`?");
    assert_eq!(
        lines([found].iter(), text, "config.yml"),
        ["config.yml:1:4: unknown trigger type `corn`; did you mean `cron`?"]
    );
}

#[test]
fn of_many_faults_on_one_long_line_the_last_are_told_without_it() {
    let text = format!("a: [{}]\n", "x, ".repeat(MOST_OF_LONG / 10));
    let fault = |at: usize| {
        let fault = Diagnostic::error(Code::BadValue, "wrong").at(Span::new(at, at + 1));
        fault.with_help("do it right")
    };
    let faults = [4, 7, 10, 13].map(fault);
    let shown = render(&faults, &text, "config.yml", Style::default());
    assert_eq!(
        shown.matches("^ ").count() + shown.matches("^\n").count(),
        3
    );
    let last = "error[bad-value]: wrong\n--> config.yml:1:14\n = help: do it right\n\n";
    assert!(shown.ends_with(last), "{}", &shown[shown.len() - 200..]);
}
