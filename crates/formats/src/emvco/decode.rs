//! From text to a payload: cut, check, name the profile, give the typed content.

use super::check::{self, Findings};
use super::crc::crc16;
use super::fault::{Defect, Fault, Oddity, Remark};
use super::model::Content;
use super::scheme::{Profile, Scheme, SchemeRefusal};
use super::tag::{Tag, TagPath};
use super::tlv::{self, DataObject, LengthUnit};

/// The longest text that is looked at. The specification's payloads have at most 512 characters; the largest QR symbol
/// holds 2,953 bytes.
pub const MAX_BYTES: usize = 4096;

/// Everything that was found in a text, good or bad. See [`decode`] for the short way.
#[derive(Clone, Debug)]
pub struct Inspection {
    pub(crate) objects: Vec<DataObject>,
    pub(crate) unit: LengthUnit,
    pub(crate) defects: Vec<Defect>,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) profile: Option<Profile>,
    pub(crate) refusal: Option<SchemeRefusal>,
}

impl Inspection {
    /// The data objects of the root in their order; empty when the text could not be cut.
    #[must_use]
    pub fn objects(&self) -> &[DataObject] {
        &self.objects
    }

    /// Every departure from the specification, by precedence; those of a named profile included.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// What is unusual and still readable.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The national scheme whose mark the payload shows, whether or not it needs a profile.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// The profile under which the payload is accepted in spite of its defects.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Why the recognised scheme itself would refuse an otherwise acceptable payload.
    #[must_use]
    pub fn scheme_refusal(&self) -> Option<SchemeRefusal> {
        self.refusal
    }

    /// Whether the payload may be used: no defects, or a named profile that covers all of them.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.defects.is_empty() || self.profile.is_some()
    }

    /// The payload, if it is accepted.
    ///
    /// # Errors
    /// The first defect in order of precedence.
    pub fn into_payload(self) -> Result<Payload, Defect> {
        if !self.is_accepted()
            && let Some(first) = self.defects.into_iter().next()
        {
            return Err(first);
        }
        let content = Content::read(&self.objects);
        Ok(Payload { objects: self.objects, unit: self.unit, content, profile: self.profile, remarks: self.remarks })
    }
}

/// An accepted merchant-presented payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub(crate) objects: Vec<DataObject>,
    pub(crate) unit: LengthUnit,
    pub(crate) content: Content,
    pub(crate) profile: Option<Profile>,
    pub(crate) remarks: Vec<Remark>,
}

impl Payload {
    /// The data objects of the root in their order.
    #[must_use]
    pub fn objects(&self) -> &[DataObject] {
        &self.objects
    }

    /// The typed content.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The national profile, when the payload departs from the specification.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// What is unusual and still readable.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// What lengths count in this payload.
    #[must_use]
    pub fn length_unit(&self) -> LengthUnit {
        self.unit
    }

    /// The text with a freshly computed check sum; for a decoded payload byte for byte what was decoded.
    #[must_use]
    pub fn encode(&self) -> String {
        let body: Vec<_> = self.objects.iter().filter(|object| object.tag != Tag::CRC).cloned().collect();
        let mut text = String::with_capacity(256);
        tlv::write(&body, self.unit, &mut text);
        text.push_str("6304");
        let crc = crc16(text.as_bytes());
        text.push_str(&format!("{crc:04X}"));
        text
    }
}

/// Reads a merchant-presented payload (EMVCo MPM 1.1), strictly or under a named national profile.
///
/// # Errors
/// The first defect in order of precedence: damage, check sum, missing data, invalid data.
pub fn decode(text: &str) -> Result<Payload, Defect> {
    inspect(text).into_payload()
}

/// As [`decode`], from bytes that a scanner gave.
///
/// # Errors
/// As [`decode`]; `NotUtf8` for bytes that are not UTF-8.
pub fn decode_bytes(bytes: &[u8]) -> Result<Payload, Defect> {
    inspect_bytes(bytes).into_payload()
}

/// As [`inspect`], from bytes.
#[must_use]
pub fn inspect_bytes(bytes: &[u8]) -> Inspection {
    match std::str::from_utf8(bytes) {
        Ok(text) => inspect(text),
        Err(error) => unreadable(Defect::of(TagPath::ROOT, error.valid_up_to(), Fault::NotUtf8)),
    }
}

/// Reads a payload and keeps everything that was found, good or bad.
#[must_use]
pub fn inspect(text: &str) -> Inspection {
    if text.is_empty() {
        return unreadable(Defect::of(TagPath::ROOT, 0, Fault::Empty));
    }
    if text.len() > MAX_BYTES {
        return unreadable(Defect::of(TagPath::ROOT, 0, Fault::TooLong));
    }
    let by_characters = cut_all(text, LengthUnit::Characters);
    let broken = by_characters.as_ref().map_or(true, |(_, findings)| !findings.defects.is_empty());
    let by_bytes = if broken && !text.is_ascii() { cut_all(text, LengthUnit::Bytes).ok() } else { None };
    let by_bytes = by_bytes.filter(|(_, findings)| findings.defects.is_empty());
    match (by_bytes, by_characters) {
        (Some((objects, mut findings)), _) => {
            findings.remarks.push(Remark { path: TagPath::ROOT, at: 0, oddity: Oddity::ByteLengths });
            judge(text, objects, findings, LengthUnit::Bytes)
        }
        (None, Ok((objects, findings))) => judge(text, objects, findings, LengthUnit::Characters),
        (None, Err(defect)) => unreadable(defect),
    }
}

fn cut_all(text: &str, unit: LengthUnit) -> Result<(Vec<DataObject>, Findings), Defect> {
    let mut objects = tlv::cut(text, unit, 0, TagPath::ROOT)?;
    let findings = check::open_templates(&mut objects, unit);
    Ok((objects, findings))
}

fn judge(text: &str, objects: Vec<DataObject>, mut findings: Findings, unit: LengthUnit) -> Inspection {
    let characters = text.chars().count();
    let checked = check::check(&objects, characters);
    findings.defects.extend(checked.defects);
    findings.remarks.extend(checked.remarks);
    findings.defects.extend(crc_defect(text, &objects));
    if characters > 512 {
        findings.remarks.push(Remark { path: TagPath::ROOT, at: 0, oddity: Oddity::Long });
    }
    findings.sort();
    let scheme = Scheme::recognise(&objects);
    let profile = scheme.and_then(|scheme| scheme.profile(&findings.defects));
    let refusal = scheme.and_then(|scheme| scheme.refusal(&objects));
    let Findings { defects, remarks } = findings;
    Inspection { objects, unit, defects, remarks, scheme, profile, refusal }
}

/// Requirements of 63: the check sum covers all that stands before its four digits, its tag and length included.
fn crc_defect(text: &str, objects: &[DataObject]) -> Option<Defect> {
    let crc = check::find(objects, Tag::CRC)?;
    let start = text.char_indices().nth(crc.at + 4).map_or(text.len(), |(offset, _)| offset);
    let computed = format!("{:04X}", crc16(&text.as_bytes()[..start]));
    let fault = Fault::CrcMismatch { written: crc.value.clone(), computed };
    let matches = matches!(&fault, Fault::CrcMismatch { written, computed } if written == computed);
    (!matches).then(|| Defect::of(Tag::CRC, crc.at, fault))
}

fn unreadable(defect: Defect) -> Inspection {
    Inspection {
        objects: Vec::new(),
        unit: LengthUnit::Characters,
        defects: vec![defect],
        remarks: Vec::new(),
        scheme: None,
        profile: None,
        refusal: None,
    }
}
