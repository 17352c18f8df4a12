use super::looks::of_url;
use super::*;

fn secret_of(line: &str) -> String {
    let found: Vec<&str> = of_line(line).into_iter().map(|at| &line[at]).collect();
    found.join("|")
}

#[test]
fn keys_are_secret_by_their_name() {
    for key in [
        "password",
        "SMTP_PASSWORD",
        "api key",
        "apikey",
        "mailgun api key",
        "dsn",
        "DB_PASS",
        "auth",
        "Authorization",
        "session cookie",
    ] {
        assert!(is_secret_key(key), "{key}");
    }
    for key in [
        "server",
        "username",
        "keyboard",
        "type",
        "timezone",
        "keep history",
        "passes",
        "auth type",
        "author",
    ] {
        assert!(!is_secret_key(key), "{key}");
    }
}

#[test]
fn the_secret_of_a_line_is_the_value_of_its_secret_key() {
    assert_eq!(secret_of("    password: hunter22"), "hunter22");
    assert_eq!(secret_of("  - {user: me, \"api key\": 'a: b'}"), "'a: b'");
    assert_eq!(secret_of("    server: smtp.example.org"), "");
    assert_eq!(secret_of("  token.refresh:"), "");
    assert_eq!(secret_of("  token.refresh: {type: corn}"), "");
    assert_eq!(secret_of("  token.refresh: { type: corn}"), "");
    assert_eq!(secret_of("ключ: ü"), "");
}

#[test]
fn a_slip_leaves_the_value_of_a_secret_key_a_secret() {
    assert_eq!(secret_of("  password:hunter22"), "hunter22");
    assert_eq!(secret_of("  - API_KEY = hunter 22"), "hunter 22");
    assert_eq!(secret_of("  a: password = hunter22"), "");
    assert_eq!(secret_of("  token.refresh:{}"), "");
    let bare = |line| of_line_without_colon(line).map_or("", |place| &line[place]);
    assert_eq!(bare("  - api key hunter 22 "), "hunter 22");
    assert_eq!(bare("  api key"), "");
    assert_eq!(bare("  a password: hunter22"), "");
    let secrets = Secrets::of_yaml("  password:\n\thunter22\n? token\n: hunter33\n");
    assert_eq!(secrets.mask("hunter22 hunter33"), format!("{MASK} {MASK}"));
}

#[test]
fn a_long_line_is_gone_through_once() {
    let entry = |n| format!("password{n}: abcdefg, x{n}: {{y: z");
    let all: Vec<String> = (0..20_000).map(entry).collect();
    let line = format!("{{{}", all.join(", "));
    assert_eq!(of_line(&line).len(), 20_000);
    assert_eq!(of_line(&"a: ".repeat(50_000)), []);
}

#[test]
fn a_line_may_have_several_secrets() {
    for (line, expected) in [
        ("{password: one, port: 5, token: 'a, b'}", "one|'a, b'"),
        (
            r#"{password: "a\", b", x: {pwd: it's, y: 1}}"#,
            r#""a\", b"|it's"#,
        ),
        ("{tokens: [a, {b: c}], x: 1}", "[a, {b: c}]"),
        ("password: a, b}", "a, b}"),
        ("[redis://u:one@h, db://v:two@h/x]", "one|two"),
    ] {
        assert_eq!(secret_of(line), expected, "{line}");
    }
}

#[test]
fn a_secret_in_braces_is_hidden_wherever_it_turns_up() {
    let text = "mail: {password: hunter22, port: 5}\ndb: {\n  password: hunter33, port: 5\n}\n";
    let mut secrets = Secrets::of_yaml(text);
    secrets.add_variable("A", "harmless");
    secrets.add_variable("API_KEY", "hunter44");
    secrets.add_variable("URL", "db://u:hunter55@h/x");
    assert_eq!(
        secrets.mask("hunter22 hunter33 hunter44 hunter55 harmless"),
        format!("{MASK} {MASK} {MASK} {MASK} harmless")
    );
}

#[test]
fn the_password_of_a_url_is_secret() {
    let text = "redis://user:p@ss@host:6379/0";
    assert_eq!(of_url(text).map(|place| &text[place]), Some("p@ss"));
    for text in ["redis://host:6379", "http://a/b:c@d", "a:b@c", "://"] {
        assert_eq!(of_url(text), None, "{text}");
    }
}

#[test]
fn secrets_are_hidden_wherever_they_turn_up() {
    let secrets = Secrets::of_yaml("mail:\n  password: 'hunter 22'  \n  token: abc\n");
    assert_eq!(
        secrets.mask("login hunter 22 failed"),
        "login ******** failed"
    );
    assert_eq!(secrets.mask("?p=hunter%2022"), "?p=********");
    assert_eq!(secrets.mask("Basic aHVudGVyIDIy"), "Basic ********");
    assert_eq!(secrets.mask("the abc of it"), "the abc of it");
}

#[test]
fn the_word_for_a_secret_is_hidden_by_its_key_alone() {
    let secrets = Secrets::of_yaml("password: password\ntoken: my-secret\n");
    let told = "password authentication failed, my-secret";
    assert_eq!(
        secrets.mask(told),
        "password authentication failed, ********"
    );
    assert_eq!(secret_of("password: password"), "password");
}

#[test]
fn a_name_stays_readable_although_a_part_of_it_is_a_secret() {
    let secrets = Secrets::of_yaml("key: reports\ntoken: to-reports.nightly-2\n");
    for (text, expected) in [
        (
            "reports.nightly ended: reports",
            "reports.nightly ended: ********",
        ),
        (
            "to-reports.nightly-2 reports.nightly",
            "******** reports.nightly",
        ),
        ("reports.night", "********.night"),
    ] {
        let masked = secrets.mask_around(text, "reports.nightly");
        assert_eq!(masked, expected, "{text}");
    }
    assert_eq!(secrets.mask_around("reports", ""), MASK);
    assert_eq!(secrets.mask_around("reports", "reports"), MASK);
}

#[test]
fn the_token_of_a_header_is_hidden_without_its_scheme() {
    let secrets = Secrets::of_yaml("authorization: Bearer hunter22\n");
    assert_eq!(
        secrets.mask("hunter22, Bearer hunter22"),
        "********, ********"
    );
}

#[test]
fn the_secrets_of_keywords_are_hidden_at_any_depth() {
    let text = |text: &str| Value::Str(text.to_owned());
    let pair = |key: &str, value: &str| (text(key), text(value));
    let mut secrets = Secrets::default();
    let inner = Value::List(vec![Value::Map(vec![pair("token", "hunter33")])]);
    secrets.add_entries(&[
        pair("password", "hunter22"),
        pair("url", "db://u:hunter44@h"),
        (text("x"), inner),
    ]);
    let masked = secrets.mask("hunter22 hunter33 hunter44 x");
    assert_eq!(masked, "******** ******** ******** x");
    let mut more = Secrets::default();
    more.add("hunter33");
    assert!(secrets.hold(&more) && !more.hold(&secrets));
}

#[test]
fn a_secret_below_its_key_is_hidden_wherever_it_turns_up() {
    let text =
        "api keys:\n- first-key\n\n- 'second-key'\nprivate key: |\n  abcdefgh\nb:\n- harmless\n";
    let secrets = Secrets::of_yaml(text);
    for secret in ["first-key", "second-key", "abcdefgh"] {
        assert_eq!(secrets.mask(secret), MASK, "{secret}");
    }
    assert_eq!(secrets.mask("harmless"), "harmless");
}

#[test]
fn the_password_of_a_url_is_hidden_in_both_forms() {
    let secrets = Secrets::of_yaml("redis: redis://u:hunter%2F%zz%é@h/0");
    let shown = secrets.mask("hunter%2F%zz%é hunter/%zz%é").into_owned();
    assert_eq!(shown, format!("{MASK} {MASK}"));
}

#[test]
fn a_value_is_masked_by_its_keys_at_any_depth() {
    let text = |text: &str| Value::Str(text.to_owned());
    let map = |key: &str, value| Value::Map(vec![(text(key), value)]);
    let inner = map("api key", Value::List(vec![Value::Int(1)]));
    let mut secrets = Secrets::default();
    assert_eq!(
        secrets.mask_value(&map("a", inner)),
        map("a", map("api key", text(MASK)))
    );
    let urls = "see http://h/ and db://u:pw@h, db://v:w@h";
    assert_eq!(
        secrets.mask_value(&text(urls)),
        text("see http://h/ and db://u:********@h, db://v:********@h")
    );
    secrets.add("hunter22");
    let within = |secret: &str| map(secret, Value::Set(vec![text(secret)]));
    assert_eq!(secrets.mask_value(&within("hunter22")), within(MASK));
}

#[test]
fn the_beginning_of_a_secret_at_the_end_of_a_text_is_seen() {
    let mut secrets = Secrets::of_yaml("password: hunter22\ntoken: hunter22-and-more\n");
    secrets.add("er22-of-another");
    for (text, length) in [
        ("it is", 0),
        ("it is h", 1),
        ("it is hunte", 5),
        ("it is hunter2", 7),
        ("it is hunter22", 8),
        ("it is hunter22-and-more", 0),
        ("it is hunter22-and-less", 0),
        ("it is er22", 4),
        ("hunter22-and-mor", 16),
        ("aHVudGVyMj", 10),
        ("", 0),
    ] {
        assert_eq!(secrets.begun(text.as_bytes()), length, "{text}");
    }
    assert_eq!(Secrets::default().begun(b"hunter22"), 0);
}

#[test]
fn the_end_of_a_secret_at_the_beginning_of_what_is_left_is_hidden() {
    let mut secrets = Secrets::default();
    for secret in ["hunter-22ü", "nter-22ü, too", "of-another-nter-22ü"] {
        secrets.add(secret);
    }
    for (text, expected) in [
        ("unter-22ü hunter-22ü", "******** ********"),
        ("r-22ü of it", "******** of it"),
        ("22ü of it", "22ü of it"),
        ("nter-22ü, too long", "******** long"),
        ("other-nter-22ü, too", "********, too"),
        ("it is unter-22ü", "it is unter-22ü"),
        ("", ""),
    ] {
        assert_eq!(secrets.mask_rest(text), expected, "{text}");
    }
}

#[test]
fn no_part_of_a_secret_is_left_beside_what_was_left_out() {
    let mut secrets = Secrets::default();
    secrets.add("hunter-22-and-more");
    let masked = |text: &str| secrets.mask(text).into_owned();
    for (text, expected) in [
        (
            "a hunter-22\n[9 characters left out]\nb",
            "a *\n[9 characters left out]\nb",
        ),
        (
            "a\n[12 characters left out]\n22-and-more b",
            "a\n[12 characters left out]\n* b",
        ),
        (
            "a hunter-\n[1 characters left out]\n-and-more hunter-22-and-more hunter-2\n[2 \
             characters left out]\nd-more hunter-22-and-more",
            "a *\n[1 characters left out]\n* * *\n[2 characters left out]\n* *",
        ),
        // So short, it may stand there by chance; or nothing is left out there.
        (
            "hunte\n[1 characters left out]\n-more",
            "hunte\n[1 characters left out]\n-more",
        ),
        (
            "a hunter-22 characters left out]\n",
            "a hunter-22 characters left out]\n",
        ),
        (
            "[1 characters left out]\n22-and-more",
            "[1 characters left out]\n22-and-more",
        ),
    ] {
        assert_eq!(masked(text), expected.replace('*', MASK), "{text}");
    }
    let name = "a.hunter-22-and-more";
    let text = format!("{name} hunter-2\n[5 characters left out]\n{name}");
    let expected = format!("{name} {MASK}\n[5 characters left out]\n{name}");
    assert_eq!(secrets.mask_around(&text, name), expected);
}

#[test]
fn earlier_secrets_can_be_kept() {
    let mut secrets = Secrets::of_yaml("password: hunter22");
    secrets.extend(&Secrets::of_yaml("password: hunter22-and-more"));
    let masked = secrets.mask("hunter22 hunter22-and-more");
    assert_eq!(masked, "******** ********");
}
