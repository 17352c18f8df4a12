//! The lines of an environment file: what a job gets of it, and what must not be shown.
//!
//! Both are read here, so that they are the same. Not for opening the file.

/// The variables in `text`: lines `KEY=VALUE`, where quotes around a value and `export` before a
/// key are taken off, as a shell would; for each line that is something else its number, from 1.
///
/// Blank lines and comments are passed over, and a byte order mark before the first line. Nothing
/// ends a value but its line: `a #b` is a value.
pub fn variables(text: &str) -> impl Iterator<Item = Result<(&str, &str), usize>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| variable(line).ok_or(number))
}

fn variable(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let nameless = key.is_empty() || key.contains(char::is_whitespace);
    let unsettable = key.contains('\0') || value.contains('\0');
    (!nameless && !unsettable).then(|| (key, unquoted(value.trim())))
}

/// `value` without the quotes around it.
fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_file_has_keys_values_and_comments() {
        let text = "# secrets\nA=1\n\n  B = two words \nexport C='quoted'\nD=\"a=b\"\nE=\nF='\n\
                    G=a #b\nH='a'b\n";
        let found: Result<Vec<_>, _> = variables(text).collect();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "quoted"),
            ("D", "a=b"),
            ("E", ""),
            ("F", "'"),
            ("G", "a #b"),
            ("H", "'a'b"),
        ];
        assert_eq!(found, Ok(expected.to_vec()));
    }

    #[test]
    fn a_line_that_is_no_variable_is_named() {
        for text in ["A=1\nhunter2\n", "A=1\n=x", "A=1\nB C=2", "#\nA=\0"] {
            let faulty = variables(text).find_map(Result::err);
            assert_eq!(faulty, Some(2), "{text:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_key() {
        let found: Vec<_> = variables("\u{feff}A=1\nB=2").flatten().collect();
        assert_eq!(found, [("A", "1"), ("B", "2")]);
    }
}
