//! Data objects as they stand in the text: two digits of tag, two digits of length, value (EMVCo MPM 1.1, data organisation).
//!
//! **Length counts characters**, that is Unicode scalar values, not bytes: the specification says characters, and so do
//! all published payloads that have a language template (`0104最佳运输`). A few writers count UTF-8 bytes; a payload that
//! cannot be cut by characters but can by bytes is read that way, and the reading says so with a remark.
//! This file knows no tag's meaning.

use super::fault::{Defect, Fault};
use super::tag::{Tag, TagPath};

/// What a length counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// Unicode scalar values: the rule.
    Characters,
    /// UTF-8 bytes: what a few writers do with text beyond ASCII.
    Bytes,
}

impl LengthUnit {
    /// The length of a value in this unit.
    #[must_use]
    pub fn measure(self, value: &str) -> usize {
        match self {
            Self::Characters => value.chars().count(),
            Self::Bytes => value.len(),
        }
    }
}

/// One data object: a tag with a value, and the value's parts when the value is a template that could be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataObject {
    pub(crate) tag: Tag,
    pub(crate) value: String,
    pub(crate) at: usize,
    pub(crate) parts: Vec<DataObject>,
}

impl DataObject {
    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// The value exactly as it was written; for a template the text of all its parts.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Where the data object begins, in characters from the start of the payload.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The data objects inside, in their order; empty when the value is not a template.
    #[must_use]
    pub fn parts(&self) -> &[DataObject] {
        &self.parts
    }

    /// The value of the part with this tag.
    #[must_use]
    pub fn part(&self, tag: Tag) -> Option<&str> {
        self.parts.iter().find(|part| part.tag == tag).map(|part| part.value.as_str())
    }

    pub(crate) fn new(tag: Tag, value: impl Into<String>) -> Self {
        Self { tag, value: value.into(), at: 0, parts: Vec::new() }
    }
}

/// Cuts `text` into data objects; `base` is the position of its first character in the payload, `path` the template
/// around it.
pub(crate) fn cut(text: &str, unit: LengthUnit, base: usize, path: TagPath) -> Result<Vec<DataObject>, Defect> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut at = base;
    while !rest.is_empty() {
        let (object, used) = first(rest, unit).map_err(|(tag, fault)| Defect {
            path: tag.map_or(path, |tag| path.then(tag)),
            at,
            fault,
        })?;
        let value = &rest[4..used];
        found.push(DataObject { tag: object, value: value.to_owned(), at, parts: Vec::new() });
        at += 4 + value.chars().count();
        rest = &rest[used..];
    }
    Ok(found)
}

/// The first data object's tag and how many bytes it takes, header included.
fn first(text: &str, unit: LengthUnit) -> Result<(Tag, usize), (Option<Tag>, Fault)> {
    let bytes = text.as_bytes();
    let header: Vec<char> = text.chars().take(4).collect();
    if header.len() < 4 {
        return Err((None, Fault::HeaderTruncated));
    }
    if !header.iter().all(char::is_ascii_digit) {
        return Err((None, Fault::HeaderNotDigits));
    }
    let tag = Tag::of((bytes[0] - b'0') * 10 + bytes[1] - b'0');
    let length = usize::from((bytes[2] - b'0') * 10 + bytes[3] - b'0');
    let body = &text[4..];
    let end = match unit {
        LengthUnit::Bytes => Some(length).filter(|end| *end <= body.len()),
        LengthUnit::Characters => body.char_indices().map(|(offset, _)| offset).chain([body.len()]).nth(length),
    };
    let end = end.ok_or_else(|| Fault::ValueTruncated { declared: length, available: unit.measure(body) });
    let end = end.map_err(|fault| (Some(tag), fault))?;
    if body.is_char_boundary(end) { Ok((tag, 4 + end)) } else { Err((Some(tag), Fault::CharacterCut)) }
}

/// Writes data objects one after the other. Values longer than 99 are the caller's mistake and are refused by the checks
/// that run before.
pub(crate) fn write(objects: &[DataObject], unit: LengthUnit, out: &mut String) {
    for object in objects {
        let length = unit.measure(&object.value);
        out.push_str(&format!("{}{length:02}", object.tag));
        out.push_str(&object.value);
    }
}
