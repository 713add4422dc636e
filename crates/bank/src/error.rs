//! Trouble: the bank could not do it. A business "no" is a [`crate::Refusal`] instead.

use ports::VaultError;
use std::fmt;
use store::StoreError;
use vocabulary::ErrorCode;

/// Why a use case has no answer.
#[derive(Debug)]
pub enum BankError {
    /// The store could not do it.
    Store(StoreError),
    /// The idempotency key was used with another body.
    KeyReused,
    /// More was given to one call than it takes; nothing was begun.
    TooMany {
        /// It takes so many.
        most: usize,
    },
    /// The key vault could not be used.
    Vault(VaultError),
    /// A sealed value cannot be opened: it was damaged or moved.
    Unsealed(&'static str),
    /// Something outside the bank did not do its part; what was asked of it is tried again.
    Outside(String),
    /// A mistake of ours.
    Bug(String),
}

impl BankError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::KeyReused => ErrorCode::IdempotencyKeyReused,
            Self::TooMany { .. } => ErrorCode::TooManyAtOnce,
            Self::Store(StoreError::Overloaded) => ErrorCode::Overloaded,
            Self::Store(StoreError::TooLong) => ErrorCode::ReadTooLong,
            Self::Store(StoreError::Revoked) => ErrorCode::Unauthenticated,
            Self::Store(StoreError::Unavailable | StoreError::Contended | StoreError::Moved)
            | Self::Vault(VaultError::Unavailable(_))
            | Self::Outside(_) => ErrorCode::Unavailable,
            Self::Store(StoreError::Unknown) => ErrorCode::OutcomeUnknown,
            Self::Store(StoreError::Corrupt { .. } | StoreError::Bug(_))
            | Self::Vault(VaultError::Refused)
            | Self::Unsealed(_)
            | Self::Bug(_) => ErrorCode::Internal,
        }
    }
}

impl fmt::Display for BankError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the store could not do it"),
            Self::KeyReused => f.write_str("the key was used with another body; use a fresh key for a new wish"),
            Self::TooMany { most } => write!(f, "at most {most} in one call"),
            Self::Vault(_) => f.write_str("the key vault could not do it"),
            Self::Unsealed(table) => write!(f, "a sealed value of table {table} cannot be opened"),
            Self::Outside(what) => f.write_str(what),
            Self::Bug(what) => write!(f, "a mistake of ours: {what}"),
        }
    }
}

impl std::error::Error for BankError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Vault(error) => Some(error),
            Self::KeyReused | Self::TooMany { .. } | Self::Unsealed(_) | Self::Outside(_) | Self::Bug(_) => None,
        }
    }
}

impl From<StoreError> for BankError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<VaultError> for BankError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<sql::SqlError> for BankError {
    fn from(error: sql::SqlError) -> Self {
        Self::Store(error.into())
    }
}

/// Inside a unit of work only the store's trouble travels: a key vault that fails there is as bad as a store that does.
impl From<BankError> for StoreError {
    fn from(error: BankError) -> Self {
        match error {
            BankError::Store(error) => error,
            BankError::Vault(VaultError::Unavailable(_)) => Self::Unavailable,
            other => Self::Bug(other.to_string()),
        }
    }
}
