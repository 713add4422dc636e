//! Journal entries as the bank writes them: types, channels, booking and value dates.
//!
//! An entry books to the day of its moment in the tenant's zone, to the next day after the cut-off, to the next business day
//! when the calendar says so, and never to a day that is closed.

mod records;

pub use records::MIGRATIONS;

use crate::desk::Desk;
use crate::known::Kind;
use crate::policies::Policies;
use crate::wish::Principal;
use ledger::{Entry, Step};
use sql::Reading;
use store::{StoreError, Uow};
use vocabulary::{BookingDate, Draw, Timestamp, ValueDate, ZoneName};

macro_rules! numbered {
    ($(#[$outer:meta])* $name:ident: $repr:ty { $($(#[$doc:meta])* $variant:ident = $number:literal $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr($repr)]
        pub enum $name { $($(#[$doc])* $variant = $number,)* }

        impl $name {
            /// Every one, in the order of numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number that the journal keeps.
            #[must_use]
            pub const fn number(self) -> $repr {
                self as $repr
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one with this number.
            #[must_use]
            pub const fn from_number(number: $repr) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

numbered! {
    /// The types of journal entries. A number never changes its meaning.
    EntryKind: u16 {
        /// A balance brought into the books.
        Opening = 1 "opening",
        /// Money that a bank sent arrives in a wallet.
        TopUp = 10 "top_up",
        /// A top-up that the bank took back.
        TopUpReturned = 11 "top_up_returned",
        /// Money that arrived and belongs to nobody known yet, or its end.
        TopUpSuspense = 12 "top_up_suspense",
        /// Money that waited in suspense goes to its owner.
        SuspenseReleased = 13 "suspense_released",
        /// Money leaves a wallet or merchant account for a bank.
        Payout = 20 "payout",
        /// The bank executed a payout.
        PayoutExecuted = 21 "payout_executed",
        /// A payout was refused or came back.
        PayoutReturned = 22 "payout_returned",
        /// Money between people.
        Transfer = 30 "transfer",
        /// Money for an alias that nobody holds yet.
        TransferUnclaimed = 31 "transfer_unclaimed",
        /// The alias found its holder.
        TransferClaimed = 32 "transfer_claimed",
        /// Nobody claimed it: it goes back.
        TransferReturned = 33 "transfer_returned",
        /// A payment to a merchant.
        Payment = 40 "payment",
        /// A payment sets money aside.
        PaymentHold = 41 "payment_hold",
        /// A held payment, or part of it, is taken.
        PaymentCapture = 42 "payment_capture",
        /// A held payment is given up by the merchant.
        PaymentVoid = 43 "payment_void",
        /// A held payment's time was over.
        PaymentExpiry = 44 "payment_expiry",
        /// A merchant gives back.
        Refund = 45 "refund",
        /// A fee.
        Fee = 46 "fee",
        /// A fee given back.
        FeeReturned = 47 "fee_returned",
        /// A dispute that the payer won is taken back from the merchant.
        Chargeback = 48 "chargeback",
        /// What a merchant is owed goes on its way.
        Settlement = 50 "settlement",
        /// A settlement reached the merchant's bank.
        SettlementPaid = 51 "settlement_paid",
        /// A settlement came back.
        SettlementReturned = 52 "settlement_returned",
        /// Part of a merchant's money is kept for later refunds.
        ReserveHeld = 53 "reserve_held",
        /// And released.
        ReserveReleased = 54 "reserve_released",
        /// A correction by staff.
        Correction = 60 "correction",
        /// The undoing of an entry of ours.
        Reversal = 61 "reversal",
        /// A shortfall is paid back.
        ReceivablePaid = 62 "receivable_paid",
        /// A difference found in reconciliation.
        Difference = 63 "difference",
    }
}

numbered! {
    /// Through which channel an entry was caused.
    Channel: u8 {
        /// The API.
        Api = 1 "api",
        /// The pages.
        Web = 2 "web",
        /// A job of the bank.
        Job = 3 "job",
        /// The command line.
        CommandLine = 4 "command_line",
        /// News from the bank rail.
        Rail = 5 "rail",
        /// The demonstration.
        Demo = 6 "demo",
    }
}

/// Why an entry is written.
#[derive(Clone, Copy, Debug)]
pub struct Intent {
    /// Its type.
    pub kind: EntryKind,
    /// Who caused it.
    pub principal: Principal,
    /// Through which channel.
    pub channel: Channel,
    /// The business object that caused it.
    pub cause: u128,
}

/// An entry of these steps, with a fresh id, dates by cut-off, calendar and closed days, and the policies' version. Change
/// its fields (`forced`, `reverses`, `value`) where needed.
#[must_use]
pub fn draft(desk: &Desk, uow: &Uow<'_, '_>, intent: Intent, steps: Vec<Step>) -> Entry {
    let booking = booking_date(desk, Timestamp::from_micros(uow.now().micros()), uow.moment().day);
    Entry {
        id: u128::from_be_bytes(desk.entropy().bytes()),
        fresh: true,
        kind: intent.kind.number(),
        version: 1,
        booking,
        value: ValueDate::from_days(booking.days()),
        actor: intent.principal.actor(),
        channel: intent.channel.number(),
        cause: intent.cause,
        policy: desk.policies().version,
        reverses: 0,
        forced: false,
        steps,
    }
}

fn booking_date(desk: &Desk, now: Timestamp, day: i32) -> BookingDate {
    let by_rule = day_by_rule(desk.policies(), desk.zone(), now, BookingDate::from_days(day));
    by_rule.max(desk.policies().first_open(desk.closed_through().plus_days(1)))
}

fn day_by_rule(policies: &Policies, zone: &ZoneName, now: Timestamp, day: BookingDate) -> BookingDate {
    let late = policies.cut_off_second_of_day < 86_400 && zone.second_of_day(now) >= policies.cut_off_second_of_day;
    policies.first_open(if late { day.plus_days(1) } else { day })
}

/// The booking day of a moment, closed days aside.
#[must_use]
pub fn day_of(desk: &Desk, now: Timestamp) -> BookingDate {
    day_by_rule(desk.policies(), desk.zone(), now, desk.zone().day_of(now))
}

/// Closes the books through a day: from now on, no entry books to it or an earlier one. Part of the unit that closes the day.
///
/// Later entries see it at once, even before the unit is committed; should the unit be undone, they only book a day later
/// than they had to, until the next start. Other nodes hear of it before their next group decides.
///
/// # Errors
/// When the database fails.
pub fn close_through(desk: &Desk, uow: &mut Uow<'_, '_>, day: BookingDate) -> Result<(), StoreError> {
    records::set_closed(uow, day)?;
    uow.tell(Kind::Closed.of(0));
    desk.raise_closed(day);
    Ok(())
}

/// The last day through which the books are closed, as committed.
///
/// # Errors
/// When the database fails.
pub fn closed_through(reading: Reading<'_>) -> Result<Option<BookingDate>, StoreError> {
    records::closed(reading)
}
