//! The tables' names of results.

use ledger::{Difference, Refusal, Side, Sum};

/// The table's name for a refusal.
pub fn refusal(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Exists(what) => difference(*what),
        Refusal::Unbalanced(_) => "accounts_must_have_the_same_ledger",
        Refusal::AccountsSame(_) => "accounts_must_be_different",
        Refusal::AccountNotFound(Side::Debit, _) => "debit_account_not_found",
        Refusal::AccountNotFound(Side::Credit, _) => "credit_account_not_found",
        Refusal::HoldNotFound => "pending_transfer_not_found",
        Refusal::CaptureExceedsHold { .. } => "exceeds_pending_transfer_amount",
        Refusal::HoldAlreadyCaptured => "pending_transfer_already_posted",
        Refusal::HoldAlreadyVoided => "pending_transfer_already_voided",
        Refusal::HoldExpired => "pending_transfer_expired",
        Refusal::AccountClosed(Side::Debit, _) => "debit_account_already_closed",
        Refusal::AccountClosed(Side::Credit, _) => "credit_account_already_closed",
        Refusal::Overflow(which) => sum(*which),
        Refusal::InsufficientFunds { side: Side::Debit, .. } => "exceeds_credits",
        Refusal::InsufficientFunds { side: Side::Credit, .. } => "exceeds_debits",
        Refusal::AmountNotPositive
        | Refusal::HoldNotOver
        | Refusal::AccountFrozen(..)
        | Refusal::Limit(_)
        | Refusal::BalanceLimit(_) => refusal.code().as_str(),
    }
}

fn difference(what: Difference) -> &'static str {
    match what {
        Difference::Shape => "exists_with_different_flags",
        Difference::Hold => "exists_with_different_pending_id",
        Difference::Seconds => "exists_with_different_timeout",
        Difference::Debit => "exists_with_different_debit_account_id",
        Difference::Credit => "exists_with_different_credit_account_id",
        Difference::Amount => "exists_with_different_amount",
        Difference::Cause => "exists_with_different_user_data_128",
        Difference::Actor => "exists_with_different_user_data_64",
        Difference::Policy => "exists_with_different_user_data_32",
        Difference::Kind => "exists_with_different_code",
        Difference::Version | Difference::Channel | Difference::Reverses => "entry_exists",
    }
}

fn sum(which: Sum) -> &'static str {
    match which {
        Sum::DebitsPending => "overflows_debits_pending",
        Sum::CreditsPending => "overflows_credits_pending",
        Sum::DebitsPosted => "overflows_debits_posted",
        Sum::CreditsPosted => "overflows_credits_posted",
        Sum::Debits => "overflows_debits",
        Sum::Credits => "overflows_credits",
        Sum::Expiry => "overflows_timeout",
        Sum::Legs => "amount_too_large",
    }
}

/// Failures after which the tables never let the id succeed.
pub fn is_transient(name: &str) -> bool {
    matches!(
        name,
        "debit_account_not_found"
            | "credit_account_not_found"
            | "pending_transfer_not_found"
            | "exceeds_credits"
            | "exceeds_debits"
            | "debit_account_already_closed"
            | "credit_account_already_closed"
    )
}
