//! What was found in a QR payload, as plain data: one line of JSON for machines, a few lines of text for people.
//!
//! Nothing is decided here; [`crate::emvco::inspect`] decides, this file only writes it down.

use crate::emvco::{self, DataObject, Inspection, TagPath};
use serde::Serialize;
use std::fmt;

/// The verdict on a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As the specification wants it.
    Valid,
    /// Accepted as the named national scheme's profile; `problems` says how it departs from the specification.
    Profile,
    /// As the specification wants it, but the national scheme whose mark it has would refuse it; `problems` says why.
    SchemeRefused,
    /// Not to be used.
    Invalid,
}

impl Verdict {
    /// Whether a wallet may read the payload as EMVCo data.
    #[must_use]
    pub fn is_readable(self) -> bool {
        self != Self::Invalid
    }

    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Profile => "profile",
            Self::SchemeRefused => "scheme_refused",
            Self::Invalid => "invalid",
        }
    }
}

/// One data object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldReport {
    /// Two digits.
    pub tag: String,
    /// What the specification calls it.
    pub name: &'static str,
    /// As written.
    pub value: String,
    /// The data objects inside, if it is a template.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sub: Vec<FieldReport>,
}

/// One problem or remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingReport {
    /// The stable error code; none for a remark or a scheme's own rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The data object, like `62.01`; empty for the payload as a whole.
    pub path: String,
    /// Where it begins, in characters from the start.
    pub position: usize,
    /// A sentence.
    pub message: String,
}

/// Everything about one payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QrReport {
    /// The verdict.
    pub verdict: Verdict,
    /// The profile's name, when accepted under one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<&'static str>,
    /// The mandatory data objects that the profile omits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub omitted: Vec<String>,
    /// The national scheme whose mark the payload has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<&'static str>,
    /// `static`, `dynamic`, or nothing when the payload does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiation: Option<&'static str>,
    /// The data objects in their order; empty when the text could not be cut.
    pub fields: Vec<FieldReport>,
    /// Departures from the specification, the gravest first.
    pub problems: Vec<FindingReport>,
    /// What is unusual and does no harm.
    pub remarks: Vec<FindingReport>,
}

/// Reports on a payload as text.
#[must_use]
pub fn report(payload: &str) -> QrReport {
    describe(&emvco::inspect(payload))
}

/// Reports on a payload as bytes, which need not be UTF-8.
#[must_use]
pub fn report_bytes(payload: &[u8]) -> QrReport {
    describe(&emvco::inspect_bytes(payload))
}

/// Writes an inspection down.
#[must_use]
pub fn describe(inspection: &Inspection) -> QrReport {
    let mut problems: Vec<_> = inspection.defects().iter().map(problem).collect();
    let refusal = inspection.scheme_refusal().filter(|_| inspection.is_accepted());
    problems.extend(refusal.map(|refusal| FindingReport {
        code: None,
        path: String::new(),
        position: 0,
        message: refusal.sentence().to_owned(),
    }));
    let verdict = match (inspection.is_accepted(), inspection.profile(), refusal) {
        (false, _, _) => Verdict::Invalid,
        (true, _, Some(_)) => Verdict::SchemeRefused,
        (true, Some(_), None) => Verdict::Profile,
        (true, None, None) => Verdict::Valid,
    };
    let initiation = inspection.objects().iter().find(|object| object.tag() == emvco::Tag::INITIATION);
    QrReport {
        verdict,
        profile: inspection.profile().map(|profile| profile.scheme.name()),
        omitted: inspection.profile().map(|p| p.omitted.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        scheme: inspection.scheme().map(emvco::Scheme::name),
        initiation: match initiation.map(DataObject::value) {
            Some("11") => Some("static"),
            Some("12") => Some("dynamic"),
            _ => None,
        },
        fields: inspection.objects().iter().map(|object| field(object, TagPath::ROOT)).collect(),
        problems,
        remarks: inspection.remarks().iter().map(remark).collect(),
    }
}

fn field(object: &DataObject, parent: TagPath) -> FieldReport {
    let path = parent.then(object.tag());
    FieldReport {
        tag: object.tag().to_string(),
        name: emvco::name_of(path),
        value: object.value().to_owned(),
        sub: object.parts().iter().map(|part| field(part, path)).collect(),
    }
}

fn problem(defect: &emvco::Defect) -> FindingReport {
    FindingReport {
        code: Some(defect.code().as_str()),
        path: defect.path.to_string(),
        position: defect.at,
        message: defect.fault.to_string(),
    }
}

fn remark(remark: &emvco::Remark) -> FindingReport {
    FindingReport { code: None, path: remark.path.to_string(), position: remark.at, message: remark.oddity.to_string() }
}

impl fmt::Display for QrReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.verdict.as_str())?;
        match (self.profile, self.scheme) {
            (Some(profile), _) if self.omitted.is_empty() => write!(f, " as {profile}")?,
            (Some(profile), _) => write!(f, " as {profile}, without {}", self.omitted.join(", "))?,
            (None, Some(scheme)) => write!(f, " ({scheme})")?,
            (None, None) => {}
        }
        writeln!(f)?;
        for field in &self.fields {
            write_field(f, field, 1)?;
        }
        for (word, findings) in [("problem", &self.problems), ("remark", &self.remarks)] {
            for finding in findings {
                let place = if finding.path.is_empty() { "" } else { "tag " };
                let comma = if finding.path.is_empty() { "" } else { ", " };
                let FindingReport { path, position, message, .. } = finding;
                writeln!(f, "{word}: {place}{path}{comma}character {position}: {}", printable(message))?;
            }
        }
        Ok(())
    }
}

fn write_field(f: &mut fmt::Formatter<'_>, field: &FieldReport, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    if field.sub.is_empty() {
        return writeln!(f, "{indent}{} {}: {}", field.tag, field.name, printable(&field.value));
    }
    writeln!(f, "{indent}{} {}", field.tag, field.name)?;
    field.sub.iter().try_for_each(|sub| write_field(f, sub, depth + 1))
}

/// A foreign code must not steer the terminal it is printed on.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests;
