//! Refusals: their codes, which of them may pass, and their sentences.

use crate::memory::{MemoryBooks, moment};
use ledger::{
    Account, AccountNo, BookNo, ChainRefusal, Class, Count, Difference, Direction, Entry, Floor, Freeze, GroupNo,
    Reached, Refusal, Side, Step, Sum, UpTo, Window, post,
};
use vocabulary::{BookingDate, Timestamp, ValueDate};

fn reached(window: Window, resets_at: Option<Timestamp>) -> Reached {
    Reached { group: GroupNo(1), direction: Direction::Out, window, limit: 500, left: 20, resets_at }
}

fn every_refusal() -> Vec<(Refusal, &'static str, bool, &'static str)> {
    let no = AccountNo(7);
    let day = Timestamp::parse("2026-11-23T00:00:00Z").ok();
    vec![
        (Refusal::Exists(Difference::Amount), "entry_exists", false, "use a fresh id"),
        (Refusal::AmountNotPositive, "amount_not_positive", false, "above zero"),
        (Refusal::Unbalanced(BookNo::of(1, 156)), "entry_unbalanced", false, "currency 156 of legal entity 1"),
        (Refusal::AccountsSame(no), "accounts_same", false, "two different accounts"),
        (Refusal::AccountNotFound(Side::Debit, no), "account_not_found", true, "debit account 7"),
        (Refusal::HoldNotFound, "hold_not_found", true, "check its id"),
        (Refusal::CaptureExceedsHold { remaining: 40 }, "capture_exceeds_hold", false, "only 40 minor units"),
        (Refusal::HoldAlreadyCaptured, "hold_already_captured", false, "nothing is left"),
        (Refusal::HoldAlreadyVoided, "hold_already_voided", false, "nothing is left"),
        (Refusal::HoldExpired, "hold_expired", false, "start a new payment"),
        (Refusal::HoldNotOver, "hold_not_over", true, "wait, or void it"),
        (Refusal::AccountClosed(Side::Credit, no), "account_closed", true, "credit account 7 is closed"),
        (Refusal::AccountFrozen(Side::Debit, no), "account_frozen", true, "ask the bank why"),
        (Refusal::Overflow(Sum::Debits), "amount_too_large", false, "smaller amount"),
        (
            Refusal::InsufficientFunds { side: Side::Debit, account: no, available: 99 },
            "insufficient_funds",
            true,
            "has 99 minor units available",
        ),
        (Refusal::Limit(reached(Window::Day, day)), "limit_exceeded", true, "wait until 2026-11-23T00:00:00Z"),
        (Refusal::BalanceLimit(reached(Window::Balance, None)), "balance_limit_exceeded", true, "send less"),
    ]
}

#[test]
fn every_refusal_has_its_code_and_says_what_to_do() {
    for (refusal, code, transient, part) in every_refusal() {
        assert_eq!(refusal.code().as_str(), code);
        assert_eq!(refusal.is_transient(), transient, "{code}");
        assert_eq!(refusal.reached().is_some(), code.contains("limit"), "{code}");
        assert!(refusal.to_string().contains(part), "{refusal}");
    }
}

#[test]
fn in_a_failed_chain_the_others_failed_because_of_the_first() {
    let chain = ChainRefusal { index: 1, refusal: Refusal::HoldExpired };
    let codes = [0, 1, 2].map(|index| chain.code_of(index).as_str());
    assert_eq!(codes, ["entry_chain_failed", "hold_expired", "entry_chain_failed"]);
    assert!(chain.to_string().contains("entry 1 of the chain failed"));
}

fn account(no: u64, counters: [i64; 4]) -> Account {
    let [debits_pending, debits_posted, credits_pending, credits_posted] = counters;
    Account {
        no: AccountNo(no),
        book: BookNo(1),
        class: Class::Liability,
        floor: Floor::None,
        freeze: Freeze::default(),
        closed: false,
        debits_posted,
        credits_posted,
        debits_pending,
        credits_pending,
        last: 0,
        groups: [GroupNo::NONE; 2],
        receivable: AccountNo::default(),
    }
}

fn refused(now: Timestamp, step: Step) -> Refusal {
    let mut books = MemoryBooks::default();
    books.put(account(1, [100, 200, 0, 0]));
    books.put(account(2, [0, 0, 110, 210]));
    let entry = Entry {
        id: 1,
        fresh: true,
        kind: 1,
        version: 1,
        booking: BookingDate::from_days(0),
        value: ValueDate::from_days(0),
        actor: 0,
        channel: 0,
        cause: 0,
        policy: 0,
        reverses: 0,
        forced: true,
        steps: vec![step],
    };
    let Ok(answer) = post(&mut books, &moment(now), &entry);
    answer.expect_err("it overflows")
}

#[test]
fn sums_that_would_leave_the_range_are_refused_in_order_even_when_forced() {
    let now = Timestamp::from_micros(0);
    let (debit, credit, up_to, count) = (AccountNo(1), AccountNo(2), UpTo::default(), Count::No);
    let hold = |below: i64| {
        let seconds = None;
        refused(now, Step::Hold { debit, credit, amount: i64::MAX - below, up_to, seconds, count })
    };
    let move_ = |below: i64| refused(now, Step::Post { debit, credit, amount: i64::MAX - below, up_to, count });
    assert_eq!(hold(99), Refusal::Overflow(Sum::DebitsPending));
    assert_eq!(hold(100), Refusal::Overflow(Sum::CreditsPending));
    assert_eq!(hold(199), Refusal::Overflow(Sum::DebitsPosted));
    assert_eq!(hold(209), Refusal::Overflow(Sum::CreditsPosted));
    assert_eq!(hold(299), Refusal::Overflow(Sum::Debits));
    assert_eq!(hold(319), Refusal::Overflow(Sum::Credits));
    assert_eq!(move_(0), Refusal::Overflow(Sum::DebitsPosted));
    assert_eq!(move_(299).code().as_str(), "amount_too_large");
    let late = Timestamp::from_micros(i64::MAX - 5);
    let step = Step::Hold { debit, credit, amount: 1, up_to, seconds: Some(1), count };
    assert_eq!(refused(late, step), Refusal::Overflow(Sum::Expiry));
}
