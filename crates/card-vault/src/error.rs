//! Why the vault says no, or nothing.

use formats::card::CardFault;
use formats::card_link::TicketError;
use formats::jwe::JweError;
use std::fmt;
use vocabulary::ErrorCode;

/// Why the vault's store cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Its directory is in use or unusable.
    Lock(sql::LockError),
    /// Its file cannot be opened.
    File(sql::SqlError),
    /// Its tables cannot be brought up to date.
    Tables(sql::MigrationError),
    /// What it holds cannot be read; with other keys than those it was made with, most likely.
    Read(Trouble),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lock(_) => "the card vault's directory cannot be had",
            Self::File(_) | Self::Tables(_) => "the card vault's store cannot be opened",
            Self::Read(_) => "the card vault's keys cannot be used: put back the key file that its store was made with",
        })
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lock(error) => Some(error),
            Self::File(error) => Some(error),
            Self::Tables(error) => Some(error),
            Self::Read(error) => Some(error),
        }
    }
}

/// The vault could not do it.
#[derive(Debug)]
pub enum Trouble {
    /// The store failed.
    Store(sql::SqlError),
    /// The key vault failed, or refused a key of ours.
    Keys(ports::VaultError),
    /// A sealed column cannot be opened: it was damaged, or moved from another row.
    Unsealed(&'static str),
    /// The cryptographic library failed.
    Library(&'static str),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the card vault's store failed"),
            Self::Keys(_) => f.write_str("the card vault's key vault failed"),
            Self::Unsealed(column) => write!(f, "the sealed column {column} cannot be opened"),
            Self::Library(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Keys(error) => Some(error),
            Self::Unsealed(_) | Self::Library(_) => None,
        }
    }
}

impl From<sql::SqlError> for Trouble {
    fn from(error: sql::SqlError) -> Self {
        Self::Store(error)
    }
}

impl From<ports::VaultError> for Trouble {
    fn from(error: ports::VaultError) -> Self {
        Self::Keys(error)
    }
}

/// Why a card was not taken, in the order in which it is looked at.
#[derive(Debug)]
pub enum Refused {
    /// The ticket lets nobody in.
    Ticket(TicketError),
    /// The ticket brought a card already, or was tried too often.
    TicketSpent,
    /// The message cannot be read.
    Message(JweError),
    /// What was encrypted is not what a card's details look like, or names another ticket.
    Details,
    /// The card's details are wrong.
    Card(CardFault),
    /// The vault could not do it.
    Trouble(Trouble),
}

impl Refused {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Ticket(error) => error.code(),
            Self::TicketSpent => ErrorCode::CardTicketInvalid,
            Self::Message(error) => error.code(),
            Self::Details => ErrorCode::CardDetailsUnreadable,
            Self::Card(fault) => fault.code(),
            Self::Trouble(Trouble::Store(_) | Trouble::Keys(ports::VaultError::Unavailable(_))) => {
                ErrorCode::Unavailable
            }
            Self::Trouble(_) => ErrorCode::Internal,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket(error) => error.fmt(f),
            Self::TicketSpent => f.write_str("the ticket was used already; ask the bank for a new one"),
            Self::Message(error) => error.fmt(f),
            Self::Details => f.write_str(
                "the encrypted text is JSON with ticket, number, expiry_month, expiry_year and perhaps security_code; the \
                 ticket in it is the one beside it",
            ),
            Self::Card(fault) => fault.fmt(f),
            Self::Trouble(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Trouble> for Refused {
    fn from(error: Trouble) -> Self {
        Self::Trouble(error)
    }
}

impl From<sql::SqlError> for Refused {
    fn from(error: sql::SqlError) -> Self {
        Self::Trouble(error.into())
    }
}
