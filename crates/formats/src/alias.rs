//! Aliases under which a wallet is found — phone number, e-mail address, handle — and what of a name, number or address
//! is shown to somebody else.
//!
//! Normal forms are ASCII, so that nothing that merely looks like another alias can be registered beside it.

use std::fmt;
use unicode_segmentation::UnicodeSegmentation;
use vocabulary::ErrorCode;

/// An alias in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alias {
    /// ITU-T E.164: `+` and 7 to 15 digits, the first not 0.
    Phone(String),
    /// RFC 5321 address with a dot-atom local part, all in small letters.
    Email(String),
    /// `@` and 3 to 30 of `a`–`z`, `0`–`9`, `_`, `.`.
    Handle(String),
}

/// Why a text is not an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasError {
    /// Begins with `+` but is not an E.164 number.
    Phone,
    /// Contains `@` but is not an address that can be normalised.
    Email,
    /// Begins with `@` but is not a handle.
    Handle,
    /// None of the three shapes.
    Shape,
}

impl AliasError {
    /// The stable code for callers.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        ErrorCode::AliasInvalid
    }
}

impl fmt::Display for AliasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Phone => "a phone number is + and 7 to 15 digits with its country code, like +8613800000000",
            Self::Email => "an e-mail address is like name@example.com, in ASCII, at most 254 characters",
            Self::Handle => "a handle is @ and 3 to 30 of a-z, 0-9, underscore and full stop",
            Self::Shape => "an alias is a phone number, an e-mail address or a handle",
        })
    }
}

impl std::error::Error for AliasError {}

impl Alias {
    /// Reads an alias as a person types it and brings it to its normal form: separators leave a phone number, letters
    /// become small.
    ///
    /// # Errors
    /// By shape: what it began like, or `Shape` when like nothing.
    pub fn parse(text: &str) -> Result<Self, AliasError> {
        let text = text.trim();
        if text.len() > 254 {
            return Err(AliasError::Shape);
        }
        if let Some(rest) = text.strip_prefix('+') {
            return phone(rest).map(Self::Phone).ok_or(AliasError::Phone);
        }
        if let Some(rest) = text.strip_prefix('@') {
            return handle(rest).map(Self::Handle).ok_or(AliasError::Handle);
        }
        if text.contains('@') {
            return email(text).map(Self::Email).ok_or(AliasError::Email);
        }
        Err(AliasError::Shape)
    }

    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(text) | Self::Email(text) | Self::Handle(text) => text,
        }
    }

    /// What of it is shown to others; handles are public.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(number) => mask_phone(number),
            Self::Email(address) => mask_email(address),
            Self::Handle(handle) => handle.clone(),
        }
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn phone(rest: &str) -> Option<String> {
    let digits: String = rest.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    (plain && (7..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))
}

fn handle(rest: &str) -> Option<String> {
    let small = rest.to_ascii_lowercase();
    let plain = small.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'));
    (plain && (3..=30).contains(&small.len())).then(|| format!("@{small}"))
}

/// RFC 5321, section 4.1.2, without quoted local parts and address literals: nobody types those as an alias.
fn email(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let atoms = local.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels = domain.contains('.') && domain.split('.').all(label);
    let top_is_name = domain.rsplit('.').next()?.bytes().any(|b| b.is_ascii_alphabetic());
    (atoms && local.len() <= 64 && labels && domain.len() <= 253 && top_is_name).then(|| text.to_ascii_lowercase())
}

/// A person's name as it is shown to a payer who is to confirm the payee: `张*三`, `A*** S****`.
///
/// The first grapheme of each word is kept; of a single word in Han script with three or more also the last. Of a name
/// that is one grapheme nothing is kept. At most 8 words, at most 8 stars each.
#[must_use]
pub fn mask_name(name: &str) -> String {
    let words: Vec<Vec<&str>> =
        name.split_whitespace().take(8).map(|word| word.graphemes(true).take(64).collect()).collect();
    match words.as_slice() {
        [word] if word.len() == 1 => "*".to_owned(),
        [word] if word.len() > 2 && word.iter().all(|grapheme| is_han(grapheme)) => {
            format!("{}{}{}", word[0], stars(word.len() - 2), word[word.len() - 1])
        }
        _ => {
            let masked = words.iter().map(|word| format!("{}{}", word[0], stars(word.len() - 1)));
            masked.collect::<Vec<_>>().join(" ")
        }
    }
}

fn stars(count: usize) -> String {
    "*".repeat(count.min(8))
}

fn is_han(grapheme: &str) -> bool {
    grapheme.chars().next().is_some_and(|c| {
        matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
    })
}

/// A phone number in normal form as it is shown to others: `+86 138****1234`.
#[must_use]
pub fn mask_phone(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).take(15).collect();
    let split = calling_code_length(&digits).min(digits.len());
    let (code, national) = digits.split_at(split);
    let (first, last) = match national.len() {
        10.. => (3, 4),
        7..=9 => (2, 2),
        4..=6 => (0, 2),
        _ => (0, 0),
    };
    let hidden = national.len() - first - last;
    format!("+{code} {}{}{}", &national[..first], "*".repeat(hidden), &national[first + hidden..])
}

/// How many digits the country code has (ITU-T E.164, list of assigned codes).
fn calling_code_length(digits: &str) -> usize {
    let two = digits.get(..2).and_then(|code| code.parse::<u8>().ok()).unwrap_or(0);
    match two {
        10..=19 | 70..=79 => 1,
        20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98 => 2,
        _ => 3,
    }
}

/// An e-mail address as it is shown to others: `a***@example.com`; a local part of one character is hidden whole.
#[must_use]
pub fn mask_email(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let mut graphemes = local.graphemes(true);
    let first = graphemes.next().unwrap_or_default();
    let first = if graphemes.next().is_some() { first } else { "" };
    format!("{first}***@{domain}")
}

#[cfg(test)]
mod tests;
