//! International bank account numbers (ISO 13616-1): structure by country and check digits (ISO 7064, MOD 97-10).
//!
//! The electronic form is read: capital letters and digits without spaces; spaces between groups, as on paper, are
//! taken out first. Whether the account exists, or the bank inside the number, is not known here.

use std::fmt;
use vocabulary::ErrorCode;

/// A number whose structure and check digits are right.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Iban {
    text: String,
    standing: Standing,
}

/// Whether the country's structure is in the ISO 13616 registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// In the registry that SWIFT keeps.
    Registered,
    /// Used by the country's banks without being registered; other banks may refuse it.
    Experimental,
}

/// Why a text is not an IBAN, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IbanError {
    /// Something other than capital ASCII letters and digits, or fewer than the five first characters.
    Malformed,
    /// No country with this code uses IBANs.
    UnknownCountry,
    /// The country's numbers have another length.
    Length {
        /// What the country has.
        expected: usize,
        /// What the text has.
        found: usize,
    },
    /// A letter stands where the country has a digit, or the other way round.
    Structure,
    /// The check digits do not fit the rest.
    CheckDigits,
}

impl IbanError {
    /// The stable code for callers.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        ErrorCode::BankAccountInvalid
    }
}

impl fmt::Display for IbanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("an IBAN is two capital letters, two digits, then capital letters and digits")
            }
            Self::UnknownCountry => f.write_str("no IBAN begins with these two letters"),
            Self::Length { expected, found } => {
                write!(f, "an IBAN of this country has {expected} characters, this one has {found}")
            }
            Self::Structure => f.write_str("letters and digits stand in the wrong places for this country"),
            Self::CheckDigits => f.write_str("the check digits do not fit; a character may be mistyped"),
        }
    }
}

impl std::error::Error for IbanError {}

impl Iban {
    /// Reads and checks a number.
    ///
    /// # Errors
    /// See [`IbanError`].
    pub fn parse(text: &str) -> Result<Self, IbanError> {
        let compact: String = text.chars().filter(|c| *c != ' ').take(64).collect();
        let bytes = compact.as_bytes();
        let plain = bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let head = bytes.len() > 4 && bytes[..2].iter().all(u8::is_ascii_uppercase);
        if !plain || !head || !bytes[2..4].iter().all(u8::is_ascii_digit) {
            return Err(IbanError::Malformed);
        }
        let (structure, standing) = structure_of(&compact[..2]).ok_or(IbanError::UnknownCountry)?;
        let runs = runs(structure);
        let expected = 4 + runs.iter().map(|(length, _)| length).sum::<usize>();
        if expected != bytes.len() {
            return Err(IbanError::Length { expected, found: bytes.len() });
        }
        if !fits(&bytes[4..], &runs) {
            return Err(IbanError::Structure);
        }
        let digits = (bytes[2] - b'0') * 10 + bytes[3] - b'0';
        if !(2..=98).contains(&digits) || remainder(bytes) != 1 {
            return Err(IbanError::CheckDigits);
        }
        Ok(Self { text: compact, standing })
    }

    /// The electronic form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The country's two letters.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.text[..2]
    }

    /// The national account number behind country and check digits.
    #[must_use]
    pub fn bban(&self) -> &str {
        &self.text[4..]
    }

    /// Whether the country's structure is registered.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// For showing to others: country and check digits, stars, the last four characters.
    #[must_use]
    pub fn masked(&self) -> String {
        let last = &self.text[self.text.len() - 4..];
        format!("{}{}{last}", &self.text[..4], "*".repeat(self.text.len() - 8))
    }
}

impl fmt::Display for Iban {
    /// The printed form in groups of four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in self.text.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iban({})", self.masked())
    }
}

/// The number with its head moved behind, letters as 10–35, modulo 97 (ISO 13616-1, section 6).
fn remainder(bytes: &[u8]) -> u32 {
    let moved = bytes[4..].iter().chain(&bytes[..4]);
    moved.fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

/// Splits `4a14n` into runs of a length and a kind: `n` digits, `a` capital letters, `c` either.
fn runs(structure: &str) -> Vec<(usize, u8)> {
    let mut runs = Vec::new();
    let mut length = 0;
    for byte in structure.bytes() {
        if byte.is_ascii_digit() {
            length = length * 10 + usize::from(byte - b'0');
        } else {
            runs.push((length, byte));
            length = 0;
        }
    }
    runs
}

fn fits(bban: &[u8], runs: &[(usize, u8)]) -> bool {
    let kinds = runs.iter().flat_map(|(length, kind)| std::iter::repeat_n(*kind, *length));
    bban.iter().zip(kinds).all(|(byte, kind)| match kind {
        b'n' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_uppercase(),
        _ => true,
    })
}

fn structure_of(country: &str) -> Option<(&'static str, Standing)> {
    let country = if FRENCH_TERRITORIES.contains(&country) { "FR" } else { country };
    let row = |table: &'static [(&str, &'static str)]| table.iter().find(|row| row.0 == country).map(|row| row.1);
    let registered = row(REGISTERED).map(|structure| (structure, Standing::Registered));
    registered.or_else(|| row(EXPERIMENTAL).map(|structure| (structure, Standing::Experimental)))
}

/// The structures of the ISO 13616 registry (SWIFT), without country and check digits.
#[rustfmt::skip]
const REGISTERED: &[(&str, &str)] = &[
    ("AD", "8n12c"), ("AE", "19n"), ("AL", "8n16c"), ("AT", "16n"), ("AZ", "4a20c"), ("BA", "16n"), ("BE", "12n"),
    ("BG", "4a6n8c"), ("BH", "4a14c"), ("BI", "23n"), ("BR", "23n1a1c"), ("BY", "4c4n16c"), ("CH", "5n12c"),
    ("CR", "18n"), ("CY", "8n16c"), ("CZ", "20n"), ("DE", "18n"), ("DJ", "23n"), ("DK", "14n"), ("DO", "4c20n"),
    ("EE", "16n"), ("EG", "25n"), ("ES", "20n"), ("FI", "14n"), ("FK", "2a12n"), ("FO", "14n"), ("FR", "10n11c2n"),
    ("GB", "4a14n"), ("GE", "2a16n"), ("GI", "4a15c"), ("GL", "14n"), ("GR", "7n16c"), ("GT", "24c"),
    ("HN", "4a20n"), ("HR", "17n"), ("HU", "24n"), ("IE", "4a14n"), ("IL", "19n"), ("IQ", "4a15n"), ("IS", "22n"),
    ("IT", "1a10n12c"), ("JO", "4a4n18c"), ("KW", "4a22c"), ("KZ", "3n13c"), ("LB", "4n20c"), ("LC", "4a24c"),
    ("LI", "5n12c"), ("LT", "16n"), ("LU", "3n13c"), ("LV", "4a13c"), ("LY", "21n"), ("MC", "10n11c2n"),
    ("MD", "20c"), ("ME", "18n"), ("MK", "3n10c2n"), ("MN", "16n"), ("MR", "23n"), ("MT", "4a5n18c"),
    ("MU", "4a19n3a"), ("NI", "4a20n"), ("NL", "4a10n"), ("NO", "11n"), ("OM", "3n16c"), ("PK", "4a16c"),
    ("PL", "24n"), ("PS", "4a21c"), ("PT", "21n"), ("QA", "4a21c"), ("RO", "4a16c"), ("RS", "18n"),
    ("RU", "14n15c"), ("SA", "2n18c"), ("SC", "4a20n3a"), ("SD", "14n"), ("SE", "20n"), ("SI", "15n"),
    ("SK", "20n"), ("SM", "1a10n12c"), ("SO", "19n"), ("ST", "21n"), ("SV", "4a20n"), ("TL", "19n"), ("TN", "20n"),
    ("TR", "6n16c"), ("UA", "6n19c"), ("VA", "18n"), ("VG", "4a16n"), ("XK", "16n"),
];

/// Territories that the registry names in France's row: France's structure, sometimes under their own letters.
const FRENCH_TERRITORIES: &[&str] = &["BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "TF", "WF", "YT"];

/// Structures in use without registration, as published by the countries' banks.
#[rustfmt::skip]
const EXPERIMENTAL: &[(&str, &str)] = &[
    ("AO", "21n"), ("BF", "2c22n"), ("BJ", "2c22n"), ("CF", "23n"), ("CG", "23n"), ("CI", "2a22n"), ("CM", "23n"),
    ("CV", "21n"), ("DZ", "22n"), ("GA", "23n"), ("GQ", "23n"), ("GW", "2c19n"), ("IR", "22n"), ("KM", "23n"),
    ("MA", "24n"), ("MG", "23n"), ("ML", "2c22n"), ("MZ", "21n"), ("NE", "2a22n"), ("SN", "2a22n"), ("TD", "23n"),
    ("TG", "2a22n"), ("YE", "4a4n18c"),
];

#[cfg(test)]
mod tests;
