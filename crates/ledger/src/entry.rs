//! Journal entries: what is asked (steps), what is written (lines), what comes back.

use crate::account::AccountNo;
use vocabulary::{BookingDate, Timestamp, ValueDate};

/// A journal entry as asked for. All its steps are posted or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id, unique for ever within the store; the id of the hold it places, if it places one.
    pub id: u128,
    /// The id was drawn from chance for this very attempt, so no other entry can have it: skip the look-up.
    pub fresh: bool,
    /// Its type: a number of the tenant's table of entry types, from 1.
    pub kind: u16,
    /// The version of the type's schema.
    pub version: u8,
    /// The day of the books.
    pub booking: BookingDate,
    /// The day from which it bears value.
    pub value: ValueDate,
    /// Who caused it: a customer, merchant, member of staff or the bank itself (0).
    pub actor: u128,
    /// Through which channel: a number of the tenant's table.
    pub channel: u8,
    /// The business object that caused it (a payment, a top-up), 0 for none.
    pub cause: u128,
    /// The version of the policies under which it was decided.
    pub policy: u32,
    /// The first line of the entry that this one reverses, 0 for none.
    pub reverses: u64,
    /// Forced: passes freezes, floors and limits; what is missing goes to the account's receivable.
    pub forced: bool,
    /// What is to be done, in order; at least one step.
    pub steps: Vec<Step>,
}

/// Whether a step counts toward limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Count {
    /// It does not.
    #[default]
    No,
    /// It uses the limits of the debit account's groups (outgoing) and of the credit account's groups (incoming).
    Use,
    /// It goes against a movement of that day and gives back what that used, as far as its windows still run: outgoing to the
    /// groups of the credit account (whoever paid then), incoming to those of the debit account (whoever received).
    GiveBack {
        /// The day on which it was used.
        day: i32,
    },
}

/// As much as is available: which side's balance bounds the amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpTo {
    /// At most what the debit account may still be debited.
    pub debit: bool,
    /// At most what the credit account may still be credited.
    pub credit: bool,
}

/// One step of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Moves an amount.
    Post {
        /// The account debited.
        debit: AccountNo,
        /// The account credited.
        credit: AccountNo,
        /// Minor units; with `up_to`, at most so many.
        amount: i64,
        /// As much as is available on these sides.
        up_to: UpTo,
        /// Toward limits.
        count: Count,
    },
    /// Sets an amount aside on the debit account for the credit account. At most one to an entry.
    Hold {
        /// The account that will be debited.
        debit: AccountNo,
        /// The account that will be credited.
        credit: AccountNo,
        /// Minor units; with `up_to`, at most so many.
        amount: i64,
        /// As much as is available on these sides.
        up_to: UpTo,
        /// When it expires, if ever: seconds from now.
        seconds: Option<u32>,
        /// Toward limits.
        count: Count,
    },
    /// Turns a hold, or part of it, into a movement.
    Capture {
        /// The entry that placed the hold.
        hold: u128,
        /// Minor units, at most what is still held; nothing for all of it.
        amount: Option<i64>,
        /// The rest is released; otherwise it stays held for further captures.
        last: bool,
    },
    /// Releases all that is still held.
    Void {
        /// The entry that placed the hold.
        hold: u128,
    },
    /// Releases all that is still held because its time is over.
    Expire {
        /// The entry that placed the hold.
        hold: u128,
    },
}

/// What a line did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Action {
    /// Moved `amount`.
    Post = 1,
    /// Held `amount`.
    Hold = 2,
    /// Moved `amount` out of a hold and ended `released` of it (at least `amount`).
    Capture = 3,
    /// Ended `released` of a hold.
    Void = 4,
    /// Ended `released` of a hold whose time was over.
    Expire = 5,
}

/// An account's balances after a line, in its normal direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// Posted, see [`crate::Account::posted`].
    pub posted: i64,
    /// Held, see [`crate::Account::held`].
    pub held: i64,
}

/// A line of the journal: two postings of one amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// The number of its entry's first line.
    pub entry: u64,
    /// What it did.
    pub action: Action,
    /// The debit account.
    pub debit: AccountNo,
    /// The credit account.
    pub credit: AccountNo,
    /// Minor units moved ([`Action::Post`], [`Action::Capture`]) or held ([`Action::Hold`]); 0 otherwise.
    pub amount: i64,
    /// Minor units of a hold that ended with this line.
    pub released: i64,
    /// The line that placed the hold concerned (for the placing line, itself), 0 for none.
    pub hold: u64,
    /// Toward limits: what it used or gave back. For the end of a hold that had used them, [`Count::GiveBack`] with the day of
    /// the hold, concerning `released - amount`: outgoing of the debit account's groups, incoming of the credit account's.
    pub count: Count,
    /// The calendar day of the moment at which it was posted (as [`crate::Moment::day`]).
    pub day: i32,
    /// The debit account's balances after it.
    pub debit_after: After,
    /// The credit account's balances after it.
    pub credit_after: After,
    /// The line before it that names the debit account, 0 for none.
    pub debit_prev: u64,
    /// The line before it that names the credit account.
    pub credit_prev: u64,
}

/// The state of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HoldState {
    /// Something is still held.
    Open = 1,
    /// Ended by a capture.
    Captured = 2,
    /// Ended by a void.
    Voided = 3,
    /// Ended by time.
    Expired = 4,
}

/// A hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The id of the entry that placed it.
    pub id: u128,
    /// The line that placed it.
    pub seq: u64,
    /// The account that will be debited.
    pub debit: AccountNo,
    /// The account that will be credited.
    pub credit: AccountNo,
    /// Minor units placed.
    pub amount: i64,
    /// Minor units still held.
    pub remaining: i64,
    /// Minor units captured.
    pub captured: i64,
    /// Its state.
    pub state: HoldState,
    /// When it expires, if ever.
    pub expires: Option<Timestamp>,
    /// The day on which it used limits, if it did.
    pub counted: Option<i32>,
}

/// What a line came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostedLine {
    /// The line's number.
    pub seq: u64,
    /// The amount moved or held (for "as much as is available" steps: what it came to).
    pub amount: i64,
    /// The debit account's balances after.
    pub debit_after: After,
    /// The credit account's balances after.
    pub credit_after: After,
}

/// An entry was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its first line, which names it for ever.
    pub entry: u64,
    /// It had been posted before with the same content; nothing was written now.
    pub repeated: bool,
    /// One for each step, then one for each shortfall that a forced step sent to a receivable.
    pub lines: Vec<PostedLine>,
}
