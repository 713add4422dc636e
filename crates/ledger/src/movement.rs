//! Steps that move or hold an amount: their checks in order, and how a forced one splits.

use crate::account::{Account, AccountNo, Side};
use crate::books::Books;
use crate::entry::{Action, Count, PostedLine, Step, UpTo};
use crate::post::{Change, Decided, NewHold, Posting, guarded};
use crate::refusal::{Refusal, Sum};
use vocabulary::Timestamp;

/// What a forced step could not take from its account: the receivable owes it instead.
#[derive(Clone, Copy)]
pub(crate) struct Shortfall {
    receivable: AccountNo,
    credit: AccountNo,
    amount: i64,
    count: Count,
}

impl Shortfall {
    /// The step that posts it, after all others.
    pub(crate) fn step(self) -> Step {
        let Self { receivable: debit, credit, amount, count } = self;
        Step::Post { debit, credit, amount, up_to: UpTo::default(), count }
    }
}

/// A post or hold step as one shape.
struct Ask {
    debit: AccountNo,
    credit: AccountNo,
    amount: i64,
    up_to: UpTo,
    count: Count,
    /// For a hold: the seconds after which it expires.
    hold: Option<Option<u32>>,
}

impl Ask {
    fn of(step: &Step) -> Self {
        match *step {
            Step::Post { debit, credit, amount, up_to, count } => {
                Self { debit, credit, amount, up_to, count, hold: None }
            }
            Step::Hold { debit, credit, amount, up_to, seconds, count } => {
                Self { debit, credit, amount, up_to, count, hold: Some(seconds) }
            }
            Step::Capture { .. } | Step::Void { .. } | Step::Expire { .. } => unreachable!("these end holds"),
        }
    }
}

/// Decides and writes a post or hold step. A forced post may leave a shortfall to be posted after all steps.
pub(crate) fn movement<B: Books>(
    posting: &mut Posting<'_, B>,
    step: &Step,
) -> Decided<(PostedLine, Option<Shortfall>), B> {
    let ask = Ask::of(step);
    let forced = posting.entry.forced;
    let (debit, credit) = accounts(posting, &ask)?;
    if !forced {
        check_frozen(&debit, &credit)?;
    }
    let amount = bounded(&ask, &debit, &credit);
    check_sums(&debit, &credit, amount, ask.hold.is_some())?;
    let expires = match ask.hold {
        Some(Some(seconds)) => Some(expiry(posting.moment.now, seconds)?),
        Some(None) | None => None,
    };
    let mut taken = amount;
    if forced && ask.hold.is_none() {
        taken = amount - shortfall(&debit, amount);
    } else {
        check_floors(&debit, &credit, amount, !forced)?;
    }
    if ask.count == Count::Use && !forced {
        posting.check_limits(&debit, &credit, amount)?;
    }

    // After this point the step must succeed.
    let action = if ask.hold.is_some() { Action::Hold } else { Action::Post };
    let change = Change { action, amount: taken, released: 0, hold: 0, count: ask.count };
    let line = posting.write(debit, credit, change)?;
    if ask.hold.is_some() {
        posting.place(&line, (debit.no, credit.no), NewHold { expires, count: ask.count });
    }
    let missing = (taken < amount).then_some(Shortfall {
        receivable: debit.receivable,
        credit: credit.no,
        amount: amount - taken,
        count: ask.count,
    });
    Ok((line, missing))
}

/// Both accounts: different, known, of one book, open.
fn accounts<B: Books>(posting: &mut Posting<'_, B>, ask: &Ask) -> Decided<(Account, Account), B> {
    if ask.amount < 0 {
        return Err(Refusal::AmountNotPositive.into());
    }
    if ask.debit == ask.credit {
        return Err(Refusal::AccountsSame(ask.debit).into());
    }
    let debit = posting.account(Side::Debit, ask.debit)?;
    let credit = posting.account(Side::Credit, ask.credit)?;
    if debit.book != credit.book {
        return Err(Refusal::Unbalanced(debit.book).into());
    }
    check_open(&debit, &credit)?;
    Ok((debit, credit))
}

/// Refuses when either account is closed.
pub(crate) fn check_open(debit: &Account, credit: &Account) -> Result<(), Refusal> {
    match (debit.closed, credit.closed) {
        (true, _) => Err(Refusal::AccountClosed(Side::Debit, debit.no)),
        (false, true) => Err(Refusal::AccountClosed(Side::Credit, credit.no)),
        (false, false) => Ok(()),
    }
}

fn check_frozen(debit: &Account, credit: &Account) -> Result<(), Refusal> {
    if debit.freeze.debit {
        return Err(Refusal::AccountFrozen(Side::Debit, debit.no));
    }
    if credit.freeze.credit {
        return Err(Refusal::AccountFrozen(Side::Credit, credit.no));
    }
    Ok(())
}

/// The amount, or as much of it as is available on the sides that bound it.
fn bounded(ask: &Ask, debit: &Account, credit: &Account) -> i64 {
    let mut amount = i128::from(ask.amount);
    if ask.up_to.debit {
        amount = amount.min(debit.room_to_debit(true));
    }
    if ask.up_to.credit {
        amount = amount.min(credit.room_to_credit(true));
    }
    i64::try_from(amount.max(0)).expect("at most the amount asked for")
}

/// Refuses when a counter, or the sum of held and posted on a side, would leave its range.
fn check_sums(debit: &Account, credit: &Account, amount: i64, hold: bool) -> Result<(), Refusal> {
    let over = |used: i64| used.checked_add(amount).is_none();
    let both =
        |pending: i64, posted: i64| i128::from(pending) + i128::from(posted) + i128::from(amount) > i64::MAX.into();
    let refused = if hold && over(debit.debits_pending) {
        Sum::DebitsPending
    } else if hold && over(credit.credits_pending) {
        Sum::CreditsPending
    } else if over(debit.debits_posted) {
        Sum::DebitsPosted
    } else if over(credit.credits_posted) {
        Sum::CreditsPosted
    } else if both(debit.debits_pending, debit.debits_posted) {
        Sum::Debits
    } else if both(credit.credits_pending, credit.credits_posted) {
        Sum::Credits
    } else {
        return Ok(());
    };
    Err(Refusal::Overflow(refused))
}

fn expiry(now: Timestamp, seconds: u32) -> Result<Timestamp, Refusal> {
    match now.micros().checked_add(i64::from(seconds) * 1_000_000) {
        Some(micros) => Ok(Timestamp::from_micros(micros)),
        None => Err(Refusal::Overflow(Sum::Expiry)),
    }
}

/// Refuses when an account with a floor would fall below it, held and (if `frozen`) frozen amounts counted.
fn check_floors(debit: &Account, credit: &Account, amount: i64, frozen: bool) -> Result<(), Refusal> {
    let sides =
        [(Side::Debit, debit, debit.room_to_debit(frozen)), (Side::Credit, credit, credit.room_to_credit(frozen))];
    for (side, account, room) in sides {
        if guarded(account, side) && i128::from(amount) > room {
            let available = i64::try_from(room.max(0)).unwrap_or(i64::MAX);
            return Err(Refusal::InsufficientFunds { side, account: account.no, available });
        }
    }
    Ok(())
}

/// How much of a forced debit is not there. Held money is not there: the hold was promised first; frozen money is.
fn shortfall(debit: &Account, amount: i64) -> i64 {
    if !guarded(debit, Side::Debit) || debit.receivable == AccountNo::default() {
        return 0;
    }
    let there = debit.room_to_debit(false).clamp(0, i128::from(amount));
    amount - i64::try_from(there).expect("at most the amount")
}
