//! Typed ids: UUID version 7 (RFC 9562, section 5.7), printed as a prefix and 26 Crockford base-32 digits.
//!
//! An id is drawn before the unit of work that uses it, from a passed-in clock reading and random source; its first 48
//! bits are milliseconds, so tables keyed by it grow at their end.

use crate::entropy::{Draw, Entropy};
use crate::time::Timestamp;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// What an id names; only its prefix is used.
pub trait Kind: 'static {
    /// The text before the underscore: `pay` in `pay_…`.
    const PREFIX: &'static str;
}

/// The id of one thing of kind `K`.
pub struct Id<K: Kind> {
    value: u128,
    kind: PhantomData<fn() -> K>,
}

/// Why a text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseIdError {
    /// The prefix is missing or names another kind.
    WrongKind,
    /// Not 26 lower-case Crockford base-32 digits, or a value above 128 bits.
    Malformed,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongKind => "the id has the wrong prefix for this place",
            Self::Malformed => "an id is a prefix, an underscore and 26 characters from 0-9 and a-z without i, l, o, u",
        })
    }
}

impl std::error::Error for ParseIdError {}

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl<K: Kind> Id<K> {
    /// A fresh version-7 id for this moment. Times before 1970 count as 1970.
    #[must_use]
    pub fn draw(now: Timestamp, entropy: &(impl Entropy + ?Sized)) -> Self {
        let random = u128::from_be_bytes(entropy.bytes());
        let millis = u128::try_from(now.micros() / 1000).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
        let low = random & !(0xFFFF_FFFF_FFFF << 80) & !(0xF << 76) & !(0b11 << 62);
        Self::from_u128(millis << 80 | 7 << 76 | 0b10 << 62 | low)
    }

    /// The id with this 128-bit value (as stored).
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self { value, kind: PhantomData }
    }

    /// The 128-bit value.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.value
    }

    /// The sixteen bytes, most significant first: the form in the database.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.value.to_be_bytes()
    }

    /// Reads the sixteen bytes of the database, or nothing when there are not sixteen.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_u128(u128::from_be_bytes(bytes.try_into().ok()?)))
    }

    /// Reads `prefix_` and 26 digits.
    ///
    /// # Errors
    /// `WrongKind` when the prefix is another, `Malformed` for anything else.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        let rest =
            text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(ParseIdError::WrongKind)?;
        if rest.len() != 26 {
            return Err(ParseIdError::Malformed);
        }
        let mut value: u128 = 0;
        for (place, byte) in rest.bytes().enumerate() {
            let digit = DIGITS.iter().position(|d| *d == byte).ok_or(ParseIdError::Malformed)?;
            if place == 0 && digit > 7 {
                return Err(ParseIdError::Malformed);
            }
            value = value << 5 | digit as u128;
        }
        Ok(Self::from_u128(value))
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 26];
        for (place, digit) in digits.iter_mut().enumerate() {
            *digit = DIGITS[(self.value >> (5 * (25 - place)) & 31) as usize];
        }
        write!(f, "{}_{}", K::PREFIX, std::str::from_utf8(&digits).expect("the digits are ASCII"))
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Kind> Copy for Id<K> {}

impl<K: Kind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<K: Kind> Eq for Id<K> {}

impl<K: Kind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Kind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}

impl<K: Kind> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

/// The kinds of things that have ids, and their prefixes.
pub mod kinds {
    use super::Kind;

    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {
            $($(#[$doc])* #[derive(Clone, Copy, Debug)] pub enum $name {}
            impl Kind for $name { const PREFIX: &'static str = $prefix; })*
            /// Every prefix in use, for the test that they differ.
            pub const PREFIXES: &[&str] = &[$($prefix),*];
        };
    }

    kinds! {
        /// A customer: one natural person.
        Customer = "cus";
        /// A customer's wallet, with one account per currency.
        Wallet = "wal";
        /// A ledger account.
        Account = "acc";
        /// A journal entry.
        Entry = "ent";
        /// A hold on an account.
        Hold = "hld";
        /// A name under which a wallet is found: phone, e-mail or handle.
        Alias = "als";
        /// A signed-in session.
        Session = "ses";
        /// A registration that was begun.
        Registration = "reg";
        /// A person's device.
        Device = "dev";
        /// A merchant.
        Merchant = "mer";
        /// A merchant's store.
        Store = "sto";
        /// An API key.
        ApiKey = "key";
        /// A member of the bank's staff.
        Staff = "stf";
        /// A staff token.
        StaffToken = "stt";
        /// A customer's or merchant's account at a bank, outside.
        BankAccount = "bac";
        /// A card that a customer linked.
        Card = "crd";
        /// What stands for a card's number outside the card vault.
        CardToken = "ctk";
        /// Money from a bank account into a wallet.
        TopUp = "top";
        /// Money from a wallet or merchant to a bank account.
        Payout = "pyo";
        /// Money between people.
        Transfer = "trf";
        /// A merchant's order.
        Order = "ord";
        /// A payment to a merchant.
        Payment = "pay";
        /// A capture of a held payment.
        Capture = "cap";
        /// A refund of a payment.
        Refund = "ref";
        /// A dispute about a payment.
        Dispute = "dsp";
        /// A settlement with a merchant.
        Settlement = "stl";
        /// A case that people work on.
        Case = "cas";
        /// A quote: a dry run that was priced.
        Quote = "quo";
        /// A printed merchant code.
        Code = "qrc";
        /// A job with a due time.
        Job = "job";
        /// A webhook endpoint.
        Webhook = "whk";
        /// One delivery attempt series of an event to an endpoint.
        Delivery = "dlv";
        /// A message sent to a person.
        Message = "msg";
        /// A request over HTTP.
        Request = "req";
        /// A policy row.
        Policy = "pol";
        /// An act of staff that waits for a second person.
        Approval = "apr";
        /// A factor by which a customer shows that it is her.
        Factor = "fct";
        /// A movement that waits for its payer's confirmation.
        Confirmation = "cnf";
    }
}
