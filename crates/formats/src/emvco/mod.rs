//! Merchant-presented QR payloads: EMVCo QR Code Specification for Payment Systems, Merchant-Presented Mode, version 1.1.
//!
//! [`decode`] reads a payload into a typed [`Content`] or names the first defect; [`inspect`] keeps every finding;
//! [`Builder`] writes strict payloads; [`OwnReference`] is the bank's own template.
//!
//! - **Lengths count characters**, not bytes: see [`LengthUnit`].
//! - **The check sum** covers the UTF-8 bytes up to and including `6304`, in capital hex digits.
//! - **Defects and remarks.** What a reader cannot rely on is a defect and refuses the payload. What the specification
//!   forbids a writer, yet published payloads of many issuers do and no reader can misunderstand, is a remark. Both are
//!   closed lists ([`Fault`], [`Oddity`]); the builder writes neither.
//! - **Profiles.** National schemes omit mandatory data. A payload with such a scheme's mark is accepted as that
//!   scheme's profile, which says what is missing: [`Scheme`], [`Profile`]. There is no leniency without a name.
//! - `encode` gives back byte for byte what `decode` accepted.
//!
//! Rules are cited by the specification's own headings ("requirements of" a tag, names of tables).
//! Consumer-presented payloads are read in [`consumer`].
//! Nothing here draws or scans a symbol.

mod builder;
mod check;
pub mod consumer;
mod crc;
mod decode;
mod fault;
mod model;
mod names;
mod own;
mod rules;
mod scheme;
mod tag;
mod tlv;

pub use builder::{BuildError, Builder, Merchant, plain_text};
pub use crc::crc16;
pub use decode::{Inspection, MAX_BYTES, Payload, decode, decode_bytes, inspect, inspect_bytes};
pub use fault::{Defect, Fault, Oddity, Remark};
pub use model::{AdditionalData, Content, Initiation, LanguageTemplate, MerchantAccount, Template, Tip, Unreserved};
pub use names::name_of;
pub use own::{NotOwn, OwnReference};
pub use scheme::{Profile, Scheme, SchemeRefusal};
pub use tag::{Tag, TagPath};
pub use tlv::{DataObject, LengthUnit};

#[cfg(test)]
mod tests;
