//! Steps that end a hold, wholly or in part: capture, void, expire.
//!
//! Captures pass freezes, floors and limits: the hold passed them when it was placed, and its money has been promised since.
//! A hold whose time is over can only expire. The end of a hold gives back to the limits what it had used and did not move.

use crate::account::{Account, Side};
use crate::books::Books;
use crate::entry::{Action, Count, Hold, HoldState, PostedLine};
use crate::movement::check_open;
use crate::post::{Change, Decided, Posting, Stop};
use crate::refusal::Refusal;
use vocabulary::Timestamp;

/// Moves an amount out of a hold, all of what is still held if none is named; releases the rest if it is the last.
pub(crate) fn capture<B: Books>(
    posting: &mut Posting<'_, B>,
    id: u128,
    amount: Option<i64>,
    last: bool,
) -> Decided<PostedLine, B> {
    let mut hold = find(posting, id)?;
    check_capture(&hold, amount, posting.moment.now)?;
    let (debit, credit) = accounts(posting, &hold)?;
    check_open(&debit, &credit)?;

    // After this point the step must succeed.
    let amount = amount.unwrap_or(hold.remaining);
    let released = if last { hold.remaining } else { amount };
    let count = given_back(&hold, released - amount);
    let change = Change { action: Action::Capture, amount, released, hold: hold.seq, count };
    let line = posting.write(debit, credit, change)?;
    hold.remaining -= released;
    hold.captured += amount;
    if hold.remaining == 0 {
        hold.state = HoldState::Captured;
    }
    posting.books.set_hold(&hold);
    Ok(line)
}

/// Releases all that is still held.
pub(crate) fn void<B: Books>(posting: &mut Posting<'_, B>, id: u128) -> Decided<PostedLine, B> {
    let hold = find(posting, id)?;
    check_running(&hold, posting.moment.now)?;
    end(posting, hold, Action::Void)
}

/// Releases all that is still held because its time is over.
pub(crate) fn expire<B: Books>(posting: &mut Posting<'_, B>, id: u128) -> Decided<PostedLine, B> {
    let hold = find(posting, id)?;
    check_open_state(&hold)?;
    if !is_over(&hold, posting.moment.now) {
        return Err(Refusal::HoldNotOver.into());
    }
    end(posting, hold, Action::Expire)
}

fn end<B: Books>(posting: &mut Posting<'_, B>, mut hold: Hold, action: Action) -> Decided<PostedLine, B> {
    let (debit, credit) = accounts(posting, &hold)?;

    // After this point the step must succeed. A closed account does not keep money held.
    let released = hold.remaining;
    let count = given_back(&hold, released);
    let line = posting.write(debit, credit, Change { action, amount: 0, released, hold: hold.seq, count })?;
    hold.remaining = 0;
    hold.state = if action == Action::Void { HoldState::Voided } else { HoldState::Expired };
    posting.books.set_hold(&hold);
    Ok(line)
}

fn find<B: Books>(posting: &mut Posting<'_, B>, id: u128) -> Decided<Hold, B> {
    match posting.books.hold(id).map_err(Stop::Trouble)? {
        Some(hold) => Ok(hold),
        None => Err(Refusal::HoldNotFound.into()),
    }
}

fn accounts<B: Books>(posting: &mut Posting<'_, B>, hold: &Hold) -> Decided<(Account, Account), B> {
    Ok((posting.account(Side::Debit, hold.debit)?, posting.account(Side::Credit, hold.credit)?))
}

/// More than was ever held is refused first; then the hold's state; then more than is still held.
fn check_capture(hold: &Hold, amount: Option<i64>, now: Timestamp) -> Result<(), Refusal> {
    let asked = amount.unwrap_or(0);
    if asked < 0 {
        return Err(Refusal::AmountNotPositive);
    }
    if asked > hold.amount {
        return Err(Refusal::CaptureExceedsHold { remaining: hold.remaining });
    }
    check_running(hold, now)?;
    if asked > hold.remaining {
        return Err(Refusal::CaptureExceedsHold { remaining: hold.remaining });
    }
    Ok(())
}

fn check_running(hold: &Hold, now: Timestamp) -> Result<(), Refusal> {
    check_open_state(hold)?;
    if is_over(hold, now) { Err(Refusal::HoldExpired) } else { Ok(()) }
}

fn check_open_state(hold: &Hold) -> Result<(), Refusal> {
    match hold.state {
        HoldState::Open => Ok(()),
        HoldState::Captured => Err(Refusal::HoldAlreadyCaptured),
        HoldState::Voided => Err(Refusal::HoldAlreadyVoided),
        HoldState::Expired => Err(Refusal::HoldExpired),
    }
}

fn is_over(hold: &Hold, now: Timestamp) -> bool {
    hold.expires.is_some_and(|at| at <= now)
}

/// What the end of a hold does to limits: nothing if it had not counted or if all of it moved.
fn given_back(hold: &Hold, unused: i64) -> Count {
    match hold.counted {
        Some(day) if unused > 0 => Count::GiveBack { day },
        Some(_) | None => Count::No,
    }
}
