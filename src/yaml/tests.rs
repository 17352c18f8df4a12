//! Documents in, values, places and faults out.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Span;

fn value(text: &str) -> Value {
    parse_value(text).unwrap_or_else(|fault| panic!("{text:?}: {}", fault.message))
}

fn fault(text: &str) -> Diagnostic {
    *parse(text).expect_err(text)
}

/// The piece of text that a fault of it points at.
fn culprit(text: &str) -> String {
    let span = fault(text).span.expect("a fault of the text has a place");
    span.of(text).to_owned()
}

#[test]
fn a_value_of_the_command_line_is_a_whole_document() {
    assert_eq!(value("2"), Value::Int(2));
    assert_eq!(value("no"), Value::Bool(false));
    assert_eq!(value(""), Value::None);
    assert_eq!(value("[1, two]").repr(), "[1, 'two']");
    assert_eq!(value("a b"), Value::Str("a b".to_owned()));
}

#[test]
fn spans_are_what_was_written() {
    let text = "é: &x\n  - 'b'\n  - |\n    c\n\n  - {d: e}\n  -\nf: *x\n";
    let root = parse(text).unwrap().root;
    let [first, second] = root.entries().unwrap() else {
        panic!("two entries")
    };
    let piece = |node: &Node| node.span.of(text).to_owned();
    assert_eq!(piece(&root), text.trim_end());
    assert_eq!(piece(&first.key), "é");
    let items: Vec<String> = first.value.items().unwrap().iter().map(piece).collect();
    assert_eq!(items, ["'b'", "c", "{d: e}", ""]);
    assert_eq!(piece(&second.value), "*x");
    assert_eq!(second.value.kind, first.value.kind);
}

#[test]
fn entries_that_are_taken_out_are_gone_unless_something_else_has_them() {
    let section = |text: &str| parse(text).unwrap().root;
    let keys = |entries: Entries| {
        let keys = entries.map(|entry| entry.key.as_str().unwrap_or_default().to_owned());
        keys.collect::<Vec<_>>()
    };
    let root = section("a: {x: 1}\nb: 2\n");
    let again = root.clone();
    assert_eq!(keys(root.into_entries().unwrap()), ["a", "b"]);
    assert_eq!(keys(again.clone().into_entries().unwrap()), ["a", "b"]);

    let Some(Kind::Mapping(inner)) = again.entries().map(|all| all[0].value.kind.clone()) else {
        panic!("a mapping")
    };
    let held = std::sync::Arc::downgrade(&inner);
    drop(inner);
    let mut entries = again.into_entries().unwrap();
    assert!(
        entries
            .next()
            .is_some_and(|entry| entry.value.entries().is_some())
    );
    assert!(held.upgrade().is_none());
    assert_eq!(keys(entries), ["b"]);
    assert!(section("[a]").into_entries().is_none());
}

#[test]
fn plain_and_quoted_scalars_differ() {
    let root = parse("[1, '1', !!int '1', !!python/tuple [1]]")
        .unwrap()
        .root;
    let [plain, quoted, tagged, tuple] = root.items().unwrap() else {
        panic!("four items")
    };
    assert!(matches!(plain.kind, Kind::Plain(_)));
    assert!(matches!(quoted.kind, Kind::Quoted(_)));
    assert!(matches!(tagged.kind, Kind::Quoted(_)));
    assert!(matches!(tuple.kind, Kind::Tagged(_)));
    assert_eq!(tuple.type_name(), "tuple");
}

#[test]
fn doubled_keys_stay_and_are_told() {
    let text = "1: a\nb: 2\n1.0: c\ntrue: d\n";
    let document = parse(text).unwrap();
    let overridden: Vec<bool> = document
        .root
        .entries()
        .unwrap()
        .iter()
        .map(|entry| entry.overridden)
        .collect();
    assert_eq!(overridden, [true, false, true, false]);
    let told: Vec<(&str, &str)> = document
        .duplicates
        .iter()
        .map(|duplicate| (duplicate.first.of(text), duplicate.second.of(text)))
        .collect();
    assert_eq!(told, [("1", "1.0"), ("1", "true")]);
    assert_eq!(document.root.to_value().repr(), "{1: 'd', 'b': 2}");
}

#[test]
fn doubled_keys_are_told_in_the_order_of_the_text() {
    let text = "x: {a: 1, a: 2}\ny: {b: 1, b: 2}\nx: 3\n";
    let seconds = parse(text)
        .unwrap()
        .duplicates
        .into_iter()
        .map(|duplicate| duplicate.second);
    assert!(seconds.map(|span| span.start).is_sorted());
}

#[test]
fn a_key_that_overrides_a_merged_one_is_no_duplicate() {
    let text = "a: &a {x: 1, y: 2}\nb:\n  z: 0\n  <<: *a\n  x: 3\n";
    let document = parse(text).unwrap();
    assert_eq!(document.duplicates, []);
    let [_, second] = document.root.entries().unwrap() else {
        panic!("two entries")
    };
    // As in Python, what is merged comes first.
    assert_eq!(second.value.to_value().repr(), "{'x': 3, 'y': 2, 'z': 0}");
    let key = &second.value.entries().unwrap()[0].key;
    assert_eq!(key.span.start as usize, text.rfind("x: 3").unwrap());
}

#[test]
fn of_merged_mappings_the_first_of_a_list_wins() {
    let anchors = "a: &a {key: 1}\nb: &b {key: 2, more: 3}\n";
    let merged = |merge: &str| {
        let Value::Map(entries) = value(&format!("{anchors}c:\n{merge}")) else {
            panic!("a mapping")
        };
        entries[2].1.repr()
    };
    assert_eq!(merged("  <<: [*a, *b]\n"), "{'key': 1, 'more': 3}");
    assert_eq!(merged("  <<: *a\n  <<: *b\n"), "{'key': 2, 'more': 3}");
}

#[test]
fn faults_point_at_their_cause() {
    for (text, place, message) in [
        ("a:\n  b: 'c\n", "'", "this quote is never closed"),
        ("a: [b, c\n", "[", "`[` is never closed"),
        ("a: [b}\n", "[", "`[` is closed by `}`"),
        ("a: b: c\n", ":", "no value can begin after this colon"),
        (
            "a: 1\n  b: 2\n",
            ":",
            "this line goes on with the text before it and cannot hold a key",
        ),
        (
            "a\nc: d\n",
            ":",
            "this line goes on with the text before it and cannot hold a key",
        ),
        (
            "minute: */5\n",
            "*/5",
            "`*` begins an alias, and `/5` cannot be its name",
        ),
        (
            "minute: *\n",
            "*",
            "`*` begins an alias, and no name follows",
        ),
        ("a: *b\n", "*b", "there is no anchor `&b` before this alias"),
        (
            "a: &b.c 1\n",
            "&b.c",
            "`b.c` cannot be the name of an anchor",
        ),
        ("a: 1\n--- \nb: 2\n", "---", "a second document begins here"),
        ("a: !x y\n", "!x", "unknown tag `!x`"),
        (
            "a: 2024-02-30\n",
            "2024-02-30",
            "`2024-02-30` is no date or time",
        ),
        ("a: @b\n", "@", "`@` cannot begin a value"),
        (
            "a: \"\\q\"\n",
            "\\q",
            "the escape `\\q` stands for no character",
        ),
        (
            "a: \"b \\x4\"\n",
            "\\x",
            "the escape `\\x` stands for no character",
        ),
        (
            "a: \"\\ud83d\\ude00\"\n",
            "\\ud83d",
            "half of a surrogate pair is no character",
        ),
        ("[a]: b\n", "[a]", "a list cannot be a key"),
        ("a: =\n", "=", "`=` has a meaning of its own"),
        ("a: <<\n", "<<", "`<<` has a meaning of its own"),
        (
            "<<: 5\n",
            "5",
            "`<<` merges a mapping or a list of mappings",
        ),
        (": a\n", "", "a key is missing before this colon"),
        (
            "a: [b?c]\n",
            "?",
            "`?` has a meaning of its own within brackets",
        ),
        (
            "a: b\u{2028}c\n",
            "\u{2028}",
            "the character U+2028 ends a line in YAML 1.1",
        ),
        (
            "a: \u{7}\n",
            "\u{7}",
            "the character U+0007 is not allowed in YAML",
        ),
        (
            "a: &b [*b]\n",
            "*b",
            "this alias is inside of what it stands for",
        ),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "!!python/object/apply:os.system",
            "the tag `!!python/object/apply:os.system` is refused: a config makes no Python objects",
        ),
    ] {
        is_told(text, place, message);
    }
}

#[test]
fn what_pyyaml_folds_or_does_not_scan_is_a_fault() {
    for (text, place, message) in [
        (
            "a: \"b\u{85}c\"\n",
            "\u{85}",
            "the character U+0085 ends a line in YAML 1.1",
        ),
        (
            "a: 'b \u{2028}c'\n",
            "\u{2028}",
            "the character U+2028 ends a line in YAML 1.1",
        ),
        (">\t", "\t", "a tab cannot stand between values"),
        ("- |\t\n", "\t", "a tab cannot stand between values"),
        (
            "%TAG !:\n---",
            "%TAG !:",
            "`%TAG` needs a handle and a prefix",
        ),
        (
            "%TAG ! a#\n---",
            "%TAG ! a#",
            "`%TAG` needs a handle and a prefix",
        ),
    ] {
        is_told(text, place, message);
    }
}

#[track_caller]
fn is_told(text: &str, place: &str, message: &str) {
    let fault = fault(text);
    assert_eq!(fault.message, message, "{text:?}");
    assert_eq!(culprit(text), place, "{text:?}");
    assert!(!fault.help.is_empty(), "{text:?} has a way out");
}

#[test]
fn text_behind_a_closing_bracket_is_no_fault_of_the_indentation() {
    for (text, place) in [
        ("a:\n  b: [ -x /bin/foo ] && foo\n", "&"),
        ("a:\n  b: [1, 2] 3\n  c: 4\n", "3"),
        ("a: {b: 2} x\n", "x"),
        ("a:\n- [1] x\n", "x"),
    ] {
        is_told(text, place, "more text follows the closing bracket");
    }
    let message = "the indentation does not fit the lines before";
    is_told("a: [1,\n  2]\n  b: 3\n", "b", message);
}

#[test]
fn a_colon_without_a_space_is_told_at_the_colon() {
    for (text, line) in [
        ("a:b\nc: d\n", "a"),
        ("t.f:\n  type: cron\n  hour:4\n", "hour"),
        ("t.f:\n  type: cron\n  hour:4\n  minute: 5\n", "hour"),
        ("t.f:\n  hour:4\n  type: cron\n", "hour"),
        ("t.f:\n  type: cron\n  log level:debug\n", "log level"),
    ] {
        let fault = fault(text);
        let colon = text.find(&format!("{line}:")).unwrap() + line.len();
        assert_eq!(fault.message, "a space is missing after this colon");
        assert_eq!(fault.span, Some(Span::new(colon, colon + 1)), "{text:?}");
        assert_eq!(fault.help, ["write `: ` between key and value"]);
    }
    let blank = fault("t.f:\n  type: cron\n  hour:\u{a0}4\n");
    assert_eq!(
        blank.help,
        ["what follows looks like a space and is U+00A0: write a space in its place"]
    );
    for text in ["a: 1\nb\n", "a: 1\nhttp://x\n", "a: 1\n'b:c\n"] {
        assert_ne!(fault(text).message, "a space is missing after this colon");
    }
}

#[test]
fn a_tab_is_named_with_what_to_write_instead() {
    let text = "scheduler:\n    log level: debug\n\ttest.heartbeat:\n";
    let fault = fault(text);
    assert_eq!(fault.message, "a tab cannot be used as indentation");
    assert_eq!(fault.note.as_deref(), Some("this is a tab"));
    assert_eq!(fault.help, ["use spaces; line 2 is indented by 4"]);
    assert_eq!(culprit(text), "\t");
}

#[test]
fn tabs_are_content_in_quotes_comments_and_block_texts() {
    let text = "a: \"\t\" # \t\nb: |\t\n";
    assert_eq!(fault(text).message, "a tab cannot stand between values");
    assert_eq!(
        value("a: \"\t\" # \t\nb: |\n  x\ty\n").repr(),
        r"{'a': '\t', 'b': 'x\ty\n'}"
    );
    assert_eq!(
        value("a: | #\t\nb: c#d #\te\n").repr(),
        "{'a': '', 'b': 'c#d'}"
    );
    // What is wrong is what comes after the comment.
    assert_eq!(culprit("{#\t\n- a\n"), "-");
}

#[test]
fn a_line_separator_in_quotes_stands_for_itself_unless_lines_are_folded_there() {
    assert_eq!(value("a: \"b\u{2028}c\"\n").repr(), r"{'a': 'b\u2028c'}");
    assert_eq!(value("\"\\u0085 \\x85\"").repr(), r"'\x85 \x85'");
}

#[test]
fn one_byte_order_mark_may_stand_at_the_start() {
    assert_eq!(decode("\u{feff}a".as_bytes()).unwrap(), "a");
    let fault = decode("\u{feff}\u{feff}a".as_bytes()).unwrap_err();
    assert_eq!(
        fault.message,
        "a byte order mark (U+FEFF) stands within the file"
    );
}

#[test]
fn tags_have_handles() {
    assert_eq!(
        value("%TAG !e! tag:yaml.org,2002:\n--- !e!str 1\n").repr(),
        "'1'"
    );
    assert_eq!(value("%TAG ! tag:x\n---\n1\n").repr(), "1");
}

#[test]
fn a_comment_needs_no_space_after_a_bracket_comma_or_quote() {
    assert_eq!(
        value("a: [b,# ]\n 'c#'# é\n]# }\n").repr(),
        "{'a': ['b', 'c#']}"
    );
    assert_eq!(culprit("a: [b]# é\nc: @\n"), "@");
}

#[test]
fn long_texts_are_cut_in_messages() {
    let message = fault(&format!("a: {}", "9".repeat(5000))).message;
    assert_eq!(message, format!("`{}…` is no integer", "9".repeat(40)));
}

#[test]
fn a_file_is_decoded_as_python_reads_it() {
    assert_eq!(decode(b"\xef\xbb\xbfa\r\nb\rc\n").unwrap(), "a\nb\nc\n");
    let fault = decode(b"a: 1\r\nb: \xc3\xa9\xff\n").unwrap_err();
    assert_eq!(
        fault.message,
        "the byte 0xff at line 2, column 5 is not UTF-8"
    );
}

#[test]
fn depth_has_a_limit() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    for text in [
        nested(MAX_DEPTH + 1),
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        format!("a: &a {}\nb: [[*a]]\n", nested(MAX_DEPTH - 2)),
    ] {
        assert_eq!(fault(&text).message, "nested more than 256 levels deep");
    }
}

#[test]
fn aliases_and_merge_keys_add_a_bounded_number_of_nodes() {
    let ten = |name: &str| vec![format!("*{name}"); 10].join(", ");
    let laugh = |level: u32| {
        format!(
            "a{level}: &a{level} [{}]\n",
            ten(&format!("a{}", level - 1))
        )
    };
    let laughs = (1..30).map(laugh).collect::<Vec<_>>().concat();
    let wide = (0..10_000)
        .map(|key| format!("k{key}: 1, "))
        .collect::<Vec<_>>()
        .concat();
    let nested = (0..120).fold(format!("{{{wide}}}"), |inner, _| format!("{{<<: {inner}}}"));
    for text in [
        format!("a0: &a0 x\n{laughs}"),
        format!("a: &a {{{wide}}}\nb: [{}]\n", "{<<: *a}, ".repeat(100)),
        nested,
        format!(
            "a: &a '{}'\nb: [{}]\n",
            "x".repeat(1_000_000),
            "*a, ".repeat(1000)
        ),
    ] {
        let message = "aliases, merge keys and tags add more than 1000000 nodes";
        assert_eq!(fault(&text).message, message);
    }
}

#[test]
fn very_long_numbers_are_refused_at_once() {
    for number in [
        "9".repeat(1_000_000),
        format!("0x{}", "f".repeat(1_000_000)),
    ] {
        assert!(fault(&number).message.ends_with("is no integer"));
    }
    let sixties = format!("1{}", ":59".repeat(1_000_000));
    assert!(fault(&sixties).message.ends_with("is no integer"));
    assert!(
        fault(&format!("{sixties}.0"))
            .message
            .ends_with("is no float")
    );
}

#[test]
fn a_text_over_the_limit_is_refused() {
    let text = " ".repeat(MAX_BYTES + 1);
    assert_eq!(
        fault(&text).message,
        "a config longer than 64 MiB is not read"
    );
}

/// Every place of a document, its nodes and doubled keys.
fn spans(document: &Document) -> Vec<Span> {
    let doubled = document
        .duplicates
        .iter()
        .flat_map(|pair| [pair.first, pair.second]);
    let mut spans: Vec<Span> = doubled.collect();
    let mut nodes = vec![&document.root];
    while let Some(node) = nodes.pop() {
        spans.push(node.span);
        nodes.extend(node.items().unwrap_or_default());
        let entries = node.entries().unwrap_or_default();
        nodes.extend(entries.iter().flat_map(|entry| [&entry.key, &entry.value]));
    }
    spans
}

/// Reads any bytes; panics where a place lies outside of the text.
fn fuzz(bytes: &[u8]) {
    let Ok(text) = decode(bytes) else { return };
    let spans = match parse(&text) {
        Ok(document) => {
            let value = document.root.to_value();
            assert_eq!(
                value.to_json(),
                Value::from_json(&value.to_json()).unwrap().to_json()
            );
            spans(&document)
        }
        Err(fault) => {
            let related = fault.related.iter().map(|related| related.span);
            fault.span.into_iter().chain(related).collect()
        }
    };
    for span in spans {
        let range = span.start as usize..span.end as usize;
        assert!(
            text.get(range).is_some(),
            "{span:?} is no piece of {text:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        fuzz(&bytes);
    }

    #[test]
    fn any_text_is_read_or_refused(text: String) {
        fuzz(text.as_bytes());
    }

    #[test]
    fn texts_of_indicators_are_read_or_refused(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "- ", "? ", ": ", ", ", "[", "]", "{", "}", "#", " #é", "&a ", "*a", "!!set ", "!!omap ",
                "!!python/tuple ", "! ", "<<: ", "=", "|", ">-", "|2\n", "'", "\"", "\\", "%", "@", "---",
                "...", "\n", "\n  ", "\n ", " ", "\t", "\r\n", "a", "b: 1", "é", "1:30", "2024-01-01",
                "\u{feff}", "\u{2028}", "\u{85}", "😀",
            ]),
            0..24,
        )
    ) {
        fuzz(pieces.concat().as_bytes());
    }

    #[test]
    fn strings_in_json_form_are_themselves(text in "[ -~éß日😀]*") {
        let json = serde_json::Value::from(text.clone()).to_string();
        prop_assert_eq!(value(&json), Value::Str(text));
    }

    #[test]
    fn integers_are_themselves(int: i64) {
        prop_assert_eq!(value(&int.to_string()), Value::Int(int));
    }

    #[test]
    fn numbers_to_the_base_of_sixty_count_seconds(hour in 1_i64..100, minute in 0_i64..60, second in 0_i64..60) {
        let text = format!("{hour}:{minute:02}:{second:02}");
        prop_assert_eq!(value(&text), Value::Int((hour * 60 + minute) * 60 + second));
    }
}

#[test]
fn a_field_of_cron_without_quotes_is_told_how_to_write_all_of_it() {
    let help = |text: &str| parse(text).unwrap_err().help.join("; ");
    for (text, value) in [
        ("expression: */5 * * * *   # five\n", "*/5 * * * *"),
        ("expression: * * * * *\n", "* * * * *"),
        ("a: {expression: */5 * * * *, b: 1}\n", "*/5 * * * *"),
        ("a: {minute: */5}\n", "*/5"),
        ("minute: */5,30\n", "*/5,30"),
    ] {
        let help = help(text);
        assert!(help.ends_with(&format!("`'{value}'`")), "{text}: {help}");
    }
}
