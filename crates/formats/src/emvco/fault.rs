//! What can be wrong with a payload, as closed lists: defects, for which it is refused, and remarks, with which it can
//! still be paid.

use super::tag::TagPath;
use std::fmt;
use vocabulary::ErrorCode;

/// One thing for which a payload is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The data object; the payload as a whole when empty.
    pub path: TagPath,
    /// Where it begins, in characters from the start of the payload.
    pub at: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// The kinds of defects, in order of precedence: what makes the rest unreadable first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The payload has no characters.
    Empty,
    /// The payload is longer than [`super::MAX_BYTES`].
    TooLong,
    /// The payload is not UTF-8 (format S).
    NotUtf8,
    /// Fewer than the four characters of tag and length are left (data organisation).
    HeaderTruncated,
    /// Tag or length is not digits (data organisation).
    HeaderNotDigits,
    /// The length points beyond the end (data organisation).
    ValueTruncated {
        /// The length as written.
        declared: usize,
        /// How much is left.
        available: usize,
    },
    /// The length, counted in bytes, ends inside a character.
    CharacterCut,
    /// The check sum differs (requirements of 63).
    CrcMismatch {
        /// As written.
        written: String,
        /// As it should be.
        computed: String,
    },
    /// A mandatory data object is missing (presence M in the tables of data objects).
    Missing,
    /// None of 02–51 is there (requirements of 02–51).
    MissingMerchantAccount,
    /// The tip indicator asks for this data object (requirements of 55).
    MissingFee,
    /// The payload does not begin with the Payload Format Indicator (position of data objects).
    NotFirst,
    /// Something follows the CRC (position of data objects).
    NotLast,
    /// The tag stands twice on the same level, so that two readers could believe different values.
    Duplicate,
    /// The value is too short or too long.
    Length {
        /// At least this many characters.
        min: usize,
        /// At most this many characters.
        max: usize,
        /// So many it has.
        found: usize,
    },
    /// The Payload Format Indicator is not `01` (requirements of 00).
    Version,
    /// The Point of Initiation Method is neither `11` nor `12` (requirements of 01).
    Initiation,
    /// Not all characters are digits.
    NotDigits,
    /// The country is not two capital letters (ISO 3166-1).
    Country,
    /// The language is not two letters (ISO 639).
    Language,
    /// The amount is not digits with at most one point (requirements of 54).
    Amount,
    /// The amount is zero (requirements of 54).
    ZeroAmount,
    /// The tip indicator is none of `01`, `02`, `03` (requirements of 55).
    TipIndicator,
    /// The percentage is not between 00.01 and 99.99 (requirements of 57).
    Percentage,
    /// A control character stands in the value.
    ControlCharacter,
}

impl Fault {
    /// The stable code for callers.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Empty
            | Self::TooLong
            | Self::NotUtf8
            | Self::HeaderTruncated
            | Self::HeaderNotDigits
            | Self::ValueTruncated { .. }
            | Self::CharacterCut => ErrorCode::QrMalformed,
            Self::CrcMismatch { .. } => ErrorCode::QrCrcMismatch,
            Self::Missing | Self::MissingMerchantAccount | Self::MissingFee => ErrorCode::QrMissingField,
            Self::NotFirst
            | Self::NotLast
            | Self::Duplicate
            | Self::Length { .. }
            | Self::Version
            | Self::Initiation
            | Self::NotDigits
            | Self::Country
            | Self::Language
            | Self::Amount
            | Self::ZeroAmount
            | Self::TipIndicator
            | Self::Percentage
            | Self::ControlCharacter => ErrorCode::QrInvalidField,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the code is empty"),
            Self::TooLong => write!(f, "the code is longer than {} bytes", super::MAX_BYTES),
            Self::NotUtf8 => f.write_str("the code is not UTF-8 text"),
            Self::HeaderTruncated => f.write_str("fewer than the four digits of tag and length are left"),
            Self::HeaderNotDigits => f.write_str("tag and length must be four digits"),
            Self::ValueTruncated { declared, available } => {
                write!(f, "the length says {declared} but only {available} are left")
            }
            Self::CharacterCut => f.write_str("the length ends inside a character"),
            Self::CrcMismatch { written, computed } => {
                write!(f, "the check sum is {written:?} but should be {computed:?}")
            }
            Self::Missing => f.write_str("this mandatory data object is missing"),
            Self::MissingMerchantAccount => f.write_str("no merchant account information (02 to 51) is there"),
            Self::MissingFee => f.write_str("the tip indicator asks for this data object, and it is missing"),
            Self::NotFirst => f.write_str("the code must begin with tag 00"),
            Self::NotLast => f.write_str("nothing may follow the check sum"),
            Self::Duplicate => f.write_str("this tag stands twice"),
            Self::Length { min, max, found } if min == max => {
                write!(f, "the value must have {min} characters and has {found}")
            }
            Self::Length { min, max, found } => {
                write!(f, "the value must have {min} to {max} characters and has {found}")
            }
            Self::Version => f.write_str("the payload format must be 01"),
            Self::Initiation => f.write_str("the initiation method must be 11 (static) or 12 (dynamic)"),
            Self::NotDigits => f.write_str("the value must be digits"),
            Self::Country => f.write_str("the country must be two capital letters"),
            Self::Language => f.write_str("the language must be two letters"),
            Self::Amount => f.write_str("the amount must be digits with at most one point"),
            Self::ZeroAmount => f.write_str("the amount must not be zero"),
            Self::TipIndicator => f.write_str("the tip indicator must be 01, 02 or 03"),
            Self::Percentage => f.write_str("the percentage must be between 00.01 and 99.99"),
            Self::ControlCharacter => f.write_str("the value contains a control character"),
        }
    }
}

impl Defect {
    pub(crate) fn of(path: impl Into<TagPath>, at: usize, fault: Fault) -> Self {
        Self { path: path.into(), at, fault }
    }

    /// The stable code for callers.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.fault.code()
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.path, self.at)?;
        write!(f, ": {}", self.fault)
    }
}

impl std::error::Error for Defect {}

fn write_place(f: &mut fmt::Formatter<'_>, path: TagPath, at: usize) -> fmt::Result {
    if path == TagPath::ROOT { write!(f, "at character {at}") } else { write!(f, "tag {path} at character {at}") }
}

/// One thing that the specification does not allow a writer but that leaves a reader no doubt: published payloads of
/// many issuers have it. [`super::Builder`] refuses to write any of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The data object.
    pub path: TagPath,
    /// Where it begins, in characters from the start of the payload.
    pub at: usize,
    /// What is unusual there.
    pub oddity: Oddity,
}

/// The kinds of remarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A data object inside a template has no characters (data organisation wants 01–99); read as absent.
    Empty,
    /// Letters beyond ASCII in a value of format `ans` (data organisation).
    BeyondAns,
    /// An unreserved template (80–99) or payment system template (62.50–99) that is not one; kept as text.
    NotTemplate,
    /// A template without globally unique identifier; kept as text.
    NoGuid,
    /// A fee value that the tip indicator does not ask for (requirements of 55); not to be charged.
    FeeNotAsked,
    /// The consumer data request is not a combination of A, M and E (requirements of 62).
    DataRequest,
    /// The merchant channel is not three digits (requirements of 62).
    Channel,
    /// A currency number that is not on ISO 4217 list one.
    UnknownCurrency,
    /// More digits after the point than the currency has (requirements of 54).
    TooPrecise,
    /// Lengths count bytes.
    ByteLengths,
    /// Longer than the 512 characters that a payload should not exceed (payload length).
    Long,
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the value is empty and is read as absent",
            Self::BeyondAns => "the value has characters beyond ASCII",
            Self::NotTemplate => "the value should be a template and is kept as text",
            Self::NoGuid => "the template has no globally unique identifier",
            Self::FeeNotAsked => "the tip indicator does not ask for this fee, so it is not charged",
            Self::DataRequest => "the consumer data request should be made of A, M and E",
            Self::Channel => "the merchant channel should be three digits",
            Self::UnknownCurrency => "the currency number is not on the ISO 4217 list",
            Self::TooPrecise => "the amount has more digits after the point than its currency",
            Self::ByteLengths => "lengths count bytes instead of characters",
            Self::Long => "the code is longer than 512 characters",
        })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.path, self.at)?;
        write!(f, ": {}", self.oddity)
    }
}
