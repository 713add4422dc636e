//! References that merchants give to orders, payments and refunds: each names one thing for ever.
//!
//! The race closed here: a merchant's till that lost an answer sends the same wish again, perhaps with a fresh idempotency
//! key. Look-up and claim happen in the unit that does the thing, so of two attempts one acts and the other finds what the
//! first made. Rows are never removed: a reference of an expired order stays taken.

mod records;

pub use records::{MIGRATIONS, claim, find};

use vocabulary::ErrorCode;

/// What a reference names. Each kind has its own space of references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Named {
    /// An order.
    Order = 1,
    /// A payment.
    Payment = 2,
    /// A refund.
    Refund = 3,
}

/// The longest reference, bytes.
pub const LONGEST: usize = 64;
/// The longest description, bytes.
pub const LONGEST_DESCRIPTION: usize = 256;

/// Why a text cannot be a reference or description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRejection {
    /// The reference is empty, longer than [`LONGEST`], or not visible ASCII.
    Reference,
    /// The description is longer than [`LONGEST_DESCRIPTION`] or has control characters.
    Description,
}

impl TextRejection {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        ErrorCode::InvalidField
    }

    /// The field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Description => "description",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Reference => "a reference has 1 to 64 visible ASCII characters",
            Self::Description => "a description has at most 256 bytes and no control characters",
        }
    }
}

/// Checks both texts.
///
/// # Errors
/// The first that is not usable.
pub fn check(reference: Option<&str>, description: Option<&str>) -> Result<(), TextRejection> {
    let bad = |text: &str| text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic());
    if reference.is_some_and(bad) {
        return Err(TextRejection::Reference);
    }
    let bad = |text: &str| text.len() > LONGEST_DESCRIPTION || text.chars().any(char::is_control);
    if description.is_some_and(bad) {
        return Err(TextRejection::Description);
    }
    Ok(())
}
