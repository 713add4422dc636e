//! Consumer-presented payloads: EMVCo QR Code Specification for Payment Systems, Consumer-Presented Mode, version 1.1.
//!
//! Base64 of BER-TLV data objects (EMV Book 3, annex B): the Payload Format Indicator first, then application templates
//! and perhaps common data. Invariants: at most [`MAX_BYTES`] of text and four levels are looked at; `encode` gives back
//! what `decode` accepted. What stands in the transparent templates belongs to the card scheme and is not judged here.

use super::decode::MAX_BYTES;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use vocabulary::ErrorCode;

/// `85`, Payload Format Indicator.
pub const FORMAT: u16 = 0x85;
/// `61`, Application Template.
pub const APPLICATION: u16 = 0x61;
/// `62`, Common Data Template.
pub const COMMON: u16 = 0x62;
/// `4F`, Application Definition File Name, the identifier of the card application.
pub const APPLICATION_ID: u16 = 0x4F;
/// `57`, Track 2 Equivalent Data.
pub const TRACK_2: u16 = 0x57;
/// `5A`, Application Primary Account Number.
pub const ACCOUNT_NUMBER: u16 = 0x5A;

const DEEPEST: usize = 4;

/// One BER-TLV data object.
#[derive(Clone, PartialEq, Eq)]
pub struct BerObject {
    tag: u16,
    value: Vec<u8>,
    parts: Vec<BerObject>,
}

impl fmt::Debug for BerObject {
    /// Without the value, which may be a card number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}[{}]", self.tag, self.value.len())?;
        if self.parts.is_empty() { Ok(()) } else { f.debug_list().entries(&self.parts).finish() }
    }
}

impl BerObject {
    /// The tag, one or two bytes.
    #[must_use]
    pub fn tag(&self) -> u16 {
        self.tag
    }

    /// The value's bytes; of a template those of all its parts.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The data objects inside a constructed one.
    #[must_use]
    pub fn parts(&self) -> &[BerObject] {
        &self.parts
    }

    /// The value of the first part with this tag, looking into nested templates as well.
    #[must_use]
    pub fn find(&self, tag: u16) -> Option<&[u8]> {
        self.parts.iter().find_map(|part| if part.tag == tag { Some(part.value()) } else { part.find(tag) })
    }
}

/// Why a text is not a consumer-presented payload, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerFault {
    /// Empty or longer than [`MAX_BYTES`].
    Size,
    /// Not base64.
    NotBase64,
    /// The bytes are not whole BER-TLV data objects; with the place of the first that is not.
    NotBer(usize),
    /// Templates are nested too deeply.
    TooDeep,
    /// The payload does not begin with tag 85 and the value `CPV01`.
    Format,
    /// No application template (61).
    NoApplication,
    /// An application template without application identifier (4F).
    NoApplicationId,
    /// An application identifier that has not 5 to 16 bytes.
    ApplicationId,
    /// A second common data template (62).
    Duplicate,
}

impl ConsumerFault {
    /// The stable code for callers.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Size | Self::NotBase64 | Self::NotBer(_) | Self::TooDeep => ErrorCode::QrMalformed,
            Self::NoApplication | Self::NoApplicationId => ErrorCode::QrMissingField,
            Self::Format | Self::ApplicationId | Self::Duplicate => ErrorCode::QrInvalidField,
        }
    }
}

impl fmt::Display for ConsumerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => write!(f, "the code must have 1 to {MAX_BYTES} characters"),
            Self::NotBase64 => f.write_str("the code is not base64"),
            Self::NotBer(place) => write!(f, "at byte {place}: tag, length and value do not fit"),
            Self::TooDeep => f.write_str("templates are nested too deeply"),
            Self::Format => f.write_str("the code must begin with tag 85 and the value CPV01"),
            Self::NoApplication => f.write_str("the code has no application template (61)"),
            Self::NoApplicationId => f.write_str("an application template has no application identifier (4F)"),
            Self::ApplicationId => f.write_str("an application identifier has 5 to 16 bytes"),
            Self::Duplicate => f.write_str("the common data template (62) stands twice"),
        }
    }
}

impl std::error::Error for ConsumerFault {}

/// An accepted consumer-presented payload. `Debug` shows no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerCode {
    objects: Vec<BerObject>,
    text: Text,
}

#[derive(Clone, PartialEq, Eq)]
struct Text(String);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl ConsumerCode {
    /// The data objects of the root in their order.
    #[must_use]
    pub fn objects(&self) -> &[BerObject] {
        &self.objects
    }

    /// The application templates, the consumer's preferred first.
    pub fn applications(&self) -> impl Iterator<Item = &BerObject> {
        self.objects.iter().filter(|object| object.tag == APPLICATION)
    }

    /// The text that was decoded.
    #[must_use]
    pub fn encode(&self) -> &str {
        &self.text.0
    }
}

/// Reads a consumer-presented payload.
///
/// # Errors
/// See [`ConsumerFault`].
pub fn decode(text: &str) -> Result<ConsumerCode, ConsumerFault> {
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(ConsumerFault::Size);
    }
    let bytes = STANDARD.decode(text).map_err(|_| ConsumerFault::NotBase64)?;
    let objects = cut(&bytes, 0, 1)?;
    if !objects.first().is_some_and(|first| first.tag == FORMAT && first.value == b"CPV01") {
        return Err(ConsumerFault::Format);
    }
    if !objects.iter().any(|object| object.tag == APPLICATION) {
        return Err(ConsumerFault::NoApplication);
    }
    for application in objects.iter().filter(|object| object.tag == APPLICATION) {
        let id = application.parts.iter().find(|part| part.tag == APPLICATION_ID);
        let id = id.ok_or(ConsumerFault::NoApplicationId)?;
        if !(5..=16).contains(&id.value.len()) {
            return Err(ConsumerFault::ApplicationId);
        }
    }
    if objects.iter().filter(|object| object.tag == COMMON).count() > 1 {
        return Err(ConsumerFault::Duplicate);
    }
    Ok(ConsumerCode { objects, text: Text(text.to_owned()) })
}

/// Cuts bytes into data objects, templates included.
fn cut(bytes: &[u8], base: usize, depth: usize) -> Result<Vec<BerObject>, ConsumerFault> {
    if depth > DEEPEST {
        return Err(ConsumerFault::TooDeep);
    }
    let mut objects = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (tag, constructed, start, end) = header(&bytes[at..]).ok_or(ConsumerFault::NotBer(base + at))?;
        let value = &bytes[at + start..at + end];
        let parts = if constructed { cut(value, base + at + start, depth + 1)? } else { Vec::new() };
        objects.push(BerObject { tag, value: value.to_vec(), parts });
        at += end;
    }
    Ok(objects)
}

/// Tag, whether it is a template, and where its value begins and ends (EMV Book 3, annex B2).
fn header(bytes: &[u8]) -> Option<(u16, bool, usize, usize)> {
    let first = *bytes.first()?;
    let (tag, length_at) = if first & 0x1F == 0x1F {
        let second = *bytes.get(1).filter(|byte| **byte & 0x80 == 0)?;
        (u16::from_be_bytes([first, second]), 2)
    } else {
        (u16::from(first), 1)
    };
    let (length, start) = match *bytes.get(length_at)? {
        short @ 0..=0x7F => (usize::from(short), length_at + 1),
        0x81 => (usize::from(*bytes.get(length_at + 1)?), length_at + 2),
        0x82 => {
            let high = usize::from(*bytes.get(length_at + 1)?);
            (high << 8 | usize::from(*bytes.get(length_at + 2)?), length_at + 3)
        }
        _ => return None,
    };
    let end = start + length;
    (end <= bytes.len()).then_some((tag, first & 0x20 != 0, start, end))
}

#[cfg(test)]
mod tests;
