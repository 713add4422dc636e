//! The bank's own codes: one merchant account template with references that only the bank understands.
//!
//! The template carries at most 99 characters in all, so a code names as few references as it needs: a static code the
//! merchant and perhaps the store, a dynamic one the order.

use super::decode::Payload;
use super::model::{MerchantAccount, Template};
use super::tag::Tag;
use vocabulary::ErrorCode;

const MERCHANT: Tag = Tag::of(1);
const STORE: Tag = Tag::of(2);
const ORDER: Tag = Tag::of(3);

/// What a code of the bank refers to; ids as the bank prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnReference {
    /// Part 01, the merchant.
    pub merchant: Option<String>,
    /// Part 02, the store.
    pub store: Option<String>,
    /// Part 03, the order.
    pub order: Option<String>,
}

/// Why a payload is not a code of this bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOwn {
    /// No template has the bank's identifier.
    Foreign,
    /// The bank's template refers to nothing.
    NoReference,
}

impl NotOwn {
    /// The stable code for callers.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Foreign => ErrorCode::QrForeign,
            Self::NoReference => ErrorCode::QrMissingField,
        }
    }
}

impl std::fmt::Display for NotOwn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Foreign => "the code belongs to another scheme",
            Self::NoReference => "the code names neither merchant, store nor order",
        })
    }
}

impl std::error::Error for NotOwn {}

impl OwnReference {
    /// The template to put into a payload under `tag` (26–51; anything else is refused when the payload is built), with
    /// the bank's globally unique identifier (1–32 characters: an application id, a UUID without hyphens, or a reverse
    /// domain name).
    #[must_use]
    pub fn account(&self, tag: Tag, guid: &str) -> MerchantAccount {
        let parts = [(MERCHANT, &self.merchant), (STORE, &self.store), (ORDER, &self.order)];
        let present = parts.into_iter().filter_map(|(tag, value)| value.as_ref().map(|value| (tag, value.clone())));
        MerchantAccount::Scheme(Template { tag, guid: guid.to_owned(), fields: present.collect() })
    }

    /// The references in a payload's template with this identifier.
    ///
    /// # Errors
    /// `Foreign` when there is no such template, `NoReference` when it names nothing.
    pub fn read(payload: &Payload, guid: &str) -> Result<Self, NotOwn> {
        let template = payload.content().account(guid).ok_or(NotOwn::Foreign)?;
        let field = |tag: Tag| template.field(tag).map(str::to_owned);
        let found = Self { merchant: field(MERCHANT), store: field(STORE), order: field(ORDER) };
        if found == Self::default() { Err(NotOwn::NoReference) } else { Ok(found) }
    }
}
