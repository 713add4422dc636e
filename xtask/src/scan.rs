//! Splits Rust text into code, comments and string contents without parsing it, and finds what is test code.
//!
//! Each view has the length and the line breaks of the text; what belongs to another view, or is not ASCII, is blank. Knows raw strings,
//! nested comments, and the difference between a lifetime and a character. Knows no macros and no types.

use std::ops::Range;

/// The three views of a Rust file, and which parts of it are compiled for tests only.
pub struct Source {
    /// Everything that is neither comment nor string content.
    pub code: String,
    /// Contents of comments, slashes included.
    pub comments: String,
    /// Contents of string literals, quotes included.
    pub strings: String,
    /// Byte ranges under `#[cfg(test)]` or `#[test]`.
    pub tests: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq)]
enum View {
    Code,
    Comment,
    Text,
}

impl Source {
    /// Splits a text.
    pub fn of(text: &str) -> Self {
        let views = views(text.as_bytes());
        let pick = |wanted: View| {
            let bytes = text.bytes().zip(&views).map(|(byte, view)| match byte {
                b'\n' => b'\n',
                _ if *view == wanted && byte.is_ascii() => byte,
                _ => b' ',
            });
            bytes.map(char::from).collect::<String>()
        };
        let code = pick(View::Code);
        let tests = test_ranges(&code);
        Self { comments: pick(View::Comment), strings: pick(View::Text), code, tests }
    }

    /// The string literals with their places, without quotes and leading space.
    pub fn literals(&self) -> impl Iterator<Item = (usize, &str)> {
        let bytes = self.strings.as_bytes();
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = next + bytes[next..].iter().position(|byte| !byte.is_ascii_whitespace())?;
            next = (start + raw_string(bytes, start).unwrap_or_else(|| quoted(&bytes[start..]))).min(bytes.len());
            let inside = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '#' | 'r' | 'b' | 'c' | '\\');
            Some((start, self.strings[start..next].trim_start_matches(inside)))
        })
    }

    /// Whether this byte stands in test code.
    pub fn in_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }
}

/// The line of a byte, counted from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Identifiers and numbers of a text with their places.
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(is_word)?;
        let end = text[start..].find(|letter| !is_word(letter)).map_or(text.len(), |length| start + length);
        rest = end;
        Some((start, &text[start..end]))
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The parts of an identifier in lower case: `fooBar_baz` gives foo, bar, baz.
pub fn parts(identifier: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before_lower = false;
    for letter in identifier.chars() {
        if letter == '_' || letter == '-' || letter == '.' || (letter.is_uppercase() && before_lower) {
            parts.push(String::new());
        }
        before_lower = letter.is_lowercase() || letter.is_numeric();
        if letter.is_alphanumeric() {
            parts.last_mut().expect("never empty").extend(letter.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn views(text: &[u8]) -> Vec<View> {
    let mut views = Vec::with_capacity(text.len());
    while views.len() < text.len() {
        let at = views.len();
        let rest = &text[at..];
        let (view, length) = if rest.starts_with(b"//") {
            (View::Comment, until_line_end(rest))
        } else if rest.starts_with(b"/*") {
            (View::Comment, block_comment(rest))
        } else if let Some(length) = raw_string(text, at) {
            (View::Text, length)
        } else if rest[0] == b'"' {
            (View::Text, quoted(rest))
        } else if rest[0] == b'\'' {
            (View::Code, character(rest))
        } else {
            (View::Code, 1)
        };
        views.resize((at + length).min(text.len()), view);
    }
    views
}

fn until_line_end(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`: the length, if one starts here.
fn raw_string(text: &[u8], at: usize) -> Option<usize> {
    let inside_word = at > 0 && (text[at - 1].is_ascii_alphanumeric() || text[at - 1] == b'_');
    let rest = &text[at..];
    let prefix = [&b"r"[..], b"br", b"cr"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix.len() + hashes;
    if inside_word || rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let end = rest[open + 1..].windows(close.len()).position(|window| window == close);
    Some(end.map_or(rest.len(), |end| open + 1 + end + close.len()))
}

/// A character literal's length, or 1 for the tick of a lifetime.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        let end = rest.iter().skip(3).position(|byte| *byte == b'\'');
        return end.map_or(1, |end| end + 4);
    }
    let end = rest.iter().skip(2).take(4).position(|byte| *byte == b'\'').map(|end| end + 2);
    match end {
        Some(end) if end == 2 || !rest[1].is_ascii() => end + 1,
        _ => 1,
    }
}

fn test_ranges(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for marker in ["#[cfg(test)]", "#[test]", "#[tokio::test"] {
        for (start, _) in code.match_indices(marker) {
            ranges.push(start..item_end(code, start + marker.len()));
        }
    }
    ranges
}

/// Where the item that starts here ends: at its `;`, or at the brace that closes its body.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b';' if depth == 0 => return at + 1,
            b'{' | b'(' | b'[' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    code.len()
}
