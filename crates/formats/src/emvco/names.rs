//! What data objects are called, for people (EMVCo MPM 1.1, tables of data objects).

use super::tag::{Tag, TagPath};

/// The name of the data object at this path; of a scheme's own parts only that they are the scheme's.
#[must_use]
pub fn name_of(path: TagPath) -> &'static str {
    let mut tags = path.tags();
    match (tags.next(), tags.next()) {
        (None, _) => "Payload",
        (Some(root), None) => root_name(root),
        (Some(Tag::ADDITIONAL), Some(part)) => additional_name(part),
        (Some(Tag::LANGUAGE), Some(part)) => language_name(part),
        (Some(_), Some(Tag::GUID)) => "Globally Unique Identifier",
        (Some(_), Some(_)) => "Scheme Specific",
    }
}

fn root_name(tag: Tag) -> &'static str {
    match tag.number() {
        0 => "Payload Format Indicator",
        1 => "Point of Initiation Method",
        2..=51 => "Merchant Account Information",
        52 => "Merchant Category Code",
        53 => "Transaction Currency",
        54 => "Transaction Amount",
        55 => "Tip or Convenience Indicator",
        56 => "Value of Convenience Fee Fixed",
        57 => "Value of Convenience Fee Percentage",
        58 => "Country Code",
        59 => "Merchant Name",
        60 => "Merchant City",
        61 => "Postal Code",
        62 => "Additional Data Field Template",
        63 => "CRC",
        64 => "Merchant Information - Language Template",
        65..=79 => "Reserved for Future Use",
        _ => "Unreserved Template",
    }
}

fn additional_name(tag: Tag) -> &'static str {
    match tag.number() {
        1 => "Bill Number",
        2 => "Mobile Number",
        3 => "Store Label",
        4 => "Loyalty Number",
        5 => "Reference Label",
        6 => "Customer Label",
        7 => "Terminal Label",
        8 => "Purpose of Transaction",
        9 => "Additional Consumer Data Request",
        10 => "Merchant Tax ID",
        11 => "Merchant Channel",
        50..=99 => "Payment System Specific Template",
        _ => "Reserved for Future Use",
    }
}

fn language_name(tag: Tag) -> &'static str {
    match tag.number() {
        0 => "Language Preference",
        1 => "Merchant Name - Alternate Language",
        2 => "Merchant City - Alternate Language",
        _ => "Reserved for Future Use",
    }
}
