//! The rules that hold between data objects: which must be there, where, how often, and which belong together.
//!
//! Every finding is kept, so that a merchant sees all of them at once; the first defect in order of precedence is the
//! one that a machine is told.

use super::fault::{Defect, Fault, Oddity, Remark};
use super::rules::{self, Rule};
use super::tag::{Tag, TagPath};
use super::tlv::{self, DataObject, LengthUnit};

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub defects: Vec<Defect>,
    pub remarks: Vec<Remark>,
}

impl Findings {
    fn defect(&mut self, path: impl Into<TagPath>, at: usize, fault: Fault) {
        self.defects.push(Defect::of(path, at, fault));
    }

    fn remark(&mut self, path: impl Into<TagPath>, at: usize, oddity: Oddity) {
        self.remarks.push(Remark { path: path.into(), at, oddity });
    }

    fn judge(&mut self, path: TagPath, object: &DataObject, rule: Rule) {
        let outcome = rules::judge(&object.value, rule);
        if let Some(fault) = outcome.fault {
            self.defect(path, object.at, fault);
        }
        if let Some(oddity) = outcome.oddity {
            self.remark(path, object.at, oddity);
        }
    }

    /// Sorts defects by precedence (damage, check sum, missing, invalid), then by place.
    pub(crate) fn sort(&mut self) {
        self.defects.sort_by_key(|defect| (rank(&defect.fault), defect.at));
    }
}

fn rank(fault: &Fault) -> u8 {
    use vocabulary::ErrorCode;
    match fault.code() {
        ErrorCode::QrMalformed => 0,
        ErrorCode::QrCrcMismatch => 1,
        ErrorCode::QrMissingField => 2,
        _ => 3,
    }
}

/// Cuts the templates of the root into their parts. A template that must be one and cannot be cut is a defect; one of
/// the unreserved kind stays text.
pub(crate) fn open_templates(objects: &mut [DataObject], unit: LengthUnit) -> Findings {
    let mut findings = Findings::default();
    for object in objects {
        let path = TagPath::from(object.tag);
        let tag = object.tag;
        let must = tag.is_account_template() || tag == Tag::ADDITIONAL || tag == Tag::LANGUAGE;
        if !must && !tag.is_unreserved() {
            continue;
        }
        match tlv::cut(&object.value, unit, object.at + 4, path) {
            Ok(parts) => object.parts = parts,
            Err(defect) if must => findings.defects.push(defect),
            Err(_) => findings.remark(path, object.at, Oddity::NotTemplate),
        }
        if tag == Tag::ADDITIONAL {
            open_payment_systems(object, unit, &mut findings);
        }
    }
    findings
}

/// 62.50 to 62.99, payment system specific templates (table "Additional Data Field Template").
fn open_payment_systems(additional: &mut DataObject, unit: LengthUnit, findings: &mut Findings) {
    for part in additional.parts.iter_mut().filter(|part| part.tag.number() >= 50) {
        let path = TagPath::from(Tag::ADDITIONAL).then(part.tag);
        match tlv::cut(&part.value, unit, part.at + 4, path) {
            Ok(parts) => part.parts = parts,
            Err(_) => findings.remark(path, part.at, Oddity::NotTemplate),
        }
    }
}

/// Checks a payload whose templates are open. `end` is the position behind its last character.
pub(crate) fn check(objects: &[DataObject], end: usize) -> Findings {
    let mut findings = Findings::default();
    order(objects, &mut findings);
    duplicates(objects, TagPath::ROOT, &mut findings);
    presence(objects, end, &mut findings);
    fees(objects, end, &mut findings);
    precision(objects, &mut findings);
    for object in objects {
        let path = TagPath::from(object.tag);
        findings.judge(path, object, rules::root(object.tag));
        template(object, path, &mut findings);
    }
    findings
}

/// Position of data objects: 00 first, 63 last.
fn order(objects: &[DataObject], findings: &mut Findings) {
    if let Some(first) = objects.first()
        && first.tag != Tag::FORMAT
    {
        findings.defect(first.tag, first.at, Fault::NotFirst);
    }
    let crc = objects.iter().position(|object| object.tag == Tag::CRC);
    if let Some(next) = crc.and_then(|place| objects.get(place + 1)) {
        findings.defect(next.tag, next.at, Fault::NotLast);
    }
}

/// A tag stands once on its level: else two readers could believe different values.
fn duplicates(objects: &[DataObject], path: TagPath, findings: &mut Findings) {
    let mut seen = [false; 100];
    for object in objects {
        let place = &mut seen[usize::from(object.tag.number())];
        if *place {
            findings.defect(path.then(object.tag), object.at, Fault::Duplicate);
        }
        *place = true;
    }
}

/// Presence M: what every payload has.
fn presence(objects: &[DataObject], end: usize, findings: &mut Findings) {
    let mandatory = [Tag::FORMAT, Tag::CATEGORY, Tag::CURRENCY, Tag::COUNTRY, Tag::NAME, Tag::CITY, Tag::CRC];
    for tag in mandatory {
        if find(objects, tag).is_none() {
            findings.defect(tag, end, Fault::Missing);
        }
    }
    if !objects.iter().any(|object| object.tag.is_merchant_account()) {
        findings.defect(TagPath::ROOT, end, Fault::MissingMerchantAccount);
    }
}

/// Requirements of 55, 56, 57: the fee that the indicator asks for is there, and no other counts.
fn fees(objects: &[DataObject], end: usize, findings: &mut Findings) {
    let asked = match find(objects, Tag::TIP).map(|tip| tip.value.as_str()) {
        Some("02") => Some(Tag::FIXED_FEE),
        Some("03") => Some(Tag::PERCENT_FEE),
        _ => None,
    };
    for tag in [Tag::FIXED_FEE, Tag::PERCENT_FEE] {
        match find(objects, tag) {
            None if asked == Some(tag) => findings.defect(tag, end, Fault::MissingFee),
            Some(fee) if asked != Some(tag) => findings.remark(tag, fee.at, Oddity::FeeNotAsked),
            _ => {}
        }
    }
}

/// Requirements of 54: digits after the point fit the currency.
fn precision(objects: &[DataObject], findings: &mut Findings) {
    let currency = find(objects, Tag::CURRENCY).and_then(|object| rules::currency(&object.value));
    let Some(currency) = currency else { return };
    for object in [Tag::AMOUNT, Tag::FIXED_FEE].into_iter().filter_map(|tag| find(objects, tag)) {
        let significant = object.value.trim_end_matches('0');
        let decimals = if object.value.contains('.') { rules::decimals(significant) } else { Some(0) };
        if decimals.is_some_and(|decimals| decimals > usize::from(currency.digits())) {
            findings.remark(object.tag, object.at, Oddity::TooPrecise);
        }
    }
}

/// The parts of one template of the root.
fn template(object: &DataObject, path: TagPath, findings: &mut Findings) {
    let tag = object.tag;
    let rule_of: fn(Tag) -> Rule = match tag {
        Tag::ADDITIONAL => rules::additional,
        Tag::LANGUAGE => rules::language,
        _ => rules::account,
    };
    if object.parts.is_empty() {
        return;
    }
    let must = tag.is_account_template() || tag == Tag::ADDITIONAL || tag == Tag::LANGUAGE;
    if !must {
        if object.part(Tag::GUID).is_none_or(str::is_empty) {
            findings.remark(path, object.at, Oddity::NoGuid);
        }
        return;
    }
    duplicates(&object.parts, path, findings);
    let mandatory: &[Tag] = match tag {
        Tag::ADDITIONAL => &[],
        Tag::LANGUAGE => &[Tag::of(0), Tag::of(1)],
        _ => &[Tag::GUID],
    };
    for tag in mandatory.iter().filter(|tag| object.part(**tag).is_none()) {
        findings.defect(path.then(*tag), object.at, Fault::Missing);
    }
    for part in &object.parts {
        findings.judge(path.then(part.tag), part, rule_of(part.tag));
    }
}

pub(crate) fn find(objects: &[DataObject], tag: Tag) -> Option<&DataObject> {
    objects.iter().find(|object| object.tag == tag)
}
