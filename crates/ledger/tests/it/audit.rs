//! What must hold in the books after every step, recomputed from the journal alone.

use crate::memory::{MemoryBooks, State};
use ledger::{Account, Action, Count, Group, GroupNo, HoldState, LimitSet, Line, Side, limits};
use std::collections::BTreeMap;

/// Panics with what does not hold.
pub fn audit(books: &MemoryBooks) {
    let state = &books.state;
    sums_are_zero(state);
    counters_are_folds(state);
    holds_add_up(state);
    replay_from_nothing_gives_the_same(state);
    lines_are_chained(state);
}

/// Every book's posted debits equal its credits.
fn sums_are_zero(state: &State) {
    let mut sums: BTreeMap<u32, i128> = BTreeMap::new();
    for account in state.accounts.values() {
        *sums.entry(account.book.0).or_default() +=
            i128::from(account.debits_posted) - i128::from(account.credits_posted);
    }
    assert!(sums.values().all(|sum| *sum == 0), "a book does not balance: {sums:?}");
}

/// The four counters are sums over lines; computed here with no help of the ledger.
fn counters_are_folds(state: &State) {
    for account in state.accounts.values() {
        let on = |side: Side, of: &dyn Fn(&Line) -> i64| -> i64 {
            let names = |line: &&Line| match side {
                Side::Debit => line.debit == account.no,
                Side::Credit => line.credit == account.no,
            };
            state.lines.iter().filter(names).map(of).sum()
        };
        let posted = |line: &Line| if matches!(line.action, Action::Post | Action::Capture) { line.amount } else { 0 };
        let pending = |line: &Line| if line.action == Action::Hold { line.amount } else { -line.released };
        let folded = [
            on(Side::Debit, &posted),
            on(Side::Credit, &posted),
            on(Side::Debit, &pending),
            on(Side::Credit, &pending),
        ];
        let stored = [account.debits_posted, account.credits_posted, account.debits_pending, account.credits_pending];
        assert_eq!(folded, stored, "account {:?} is not the fold of its lines", account.no);
    }
}

fn holds_add_up(state: &State) {
    for hold in state.holds.values() {
        assert!(hold.captured <= hold.amount, "captured more than held: {hold:?}");
        assert!(hold.remaining >= 0 && hold.captured + hold.remaining <= hold.amount, "{hold:?}");
        assert!(hold.state == HoldState::Open || hold.remaining == 0, "an ended hold holds: {hold:?}");
        let lines = || state.lines.iter().filter(|line| line.hold == hold.seq);
        let captured: i64 = lines().filter(|line| line.action == Action::Capture).map(|line| line.amount).sum();
        let released: i64 = lines().map(|line| line.released).sum();
        assert_eq!((hold.captured, hold.remaining), (captured, hold.amount - released));
    }
    for account in state.accounts.values() {
        let held: i64 = state.holds.values().filter(|h| h.debit == account.no).map(|h| h.remaining).sum();
        assert_eq!(held, account.debits_pending);
    }
}

/// Recovery: empty accounts and groups, then every line in order, each twice as if its page had been written already.
fn replay_from_nothing_gives_the_same(state: &State) {
    let empty = |account: &Account| Account {
        debits_posted: 0,
        credits_posted: 0,
        debits_pending: 0,
        credits_pending: 0,
        last: 0,
        ..*account
    };
    let mut accounts: BTreeMap<u64, Account> = state.accounts.iter().map(|(no, a)| (*no, empty(a))).collect();
    let mut groups: BTreeMap<u64, (Group, LimitSet)> = BTreeMap::new();
    for (no, (_, limits)) in &state.groups {
        groups.insert(*no, (Group { no: GroupNo(*no), ..Group::default() }, *limits));
    }
    for line in state.lines.iter().flat_map(|line| [line, line]) {
        let (debit, credit) = (accounts[&line.debit.0], accounts[&line.credit.0]);
        for (no, sides) in limits::concerned(&debit, &credit) {
            let group = &mut groups.get_mut(&no.0).expect("a known group").0;
            *group = limits::replay(*group, sides, line);
        }
        for no in [line.debit, line.credit] {
            accounts.get_mut(&no.0).expect("a known account").replay(line);
        }
    }
    assert_eq!(&accounts, &state.accounts, "replayed accounts differ");
    assert_eq!(&groups, &state.groups, "replayed groups differ");
}

/// Numbers have no gaps, each line names the one before it of both accounts, and after-values follow from one another.
fn lines_are_chained(state: &State) {
    let mut last: BTreeMap<u64, u64> = BTreeMap::new();
    for (at, line) in state.lines.iter().enumerate() {
        assert_eq!(line.seq, at as u64 + 1);
        assert!(line.entry <= line.seq && line.entry > 0);
        for (no, prev) in [(line.debit.0, line.debit_prev), (line.credit.0, line.credit_prev)] {
            assert_eq!(last.insert(no, line.seq).unwrap_or(0), prev, "line {} breaks the chain", line.seq);
        }
        assert!(line.released >= 0 && line.amount >= 0);
        assert!(line.count != Count::Use || matches!(line.action, Action::Post | Action::Hold));
    }
    for account in state.accounts.values() {
        let Some(line) = state.lines.get((account.last as usize).wrapping_sub(1)) else { continue };
        let after = if line.debit == account.no { line.debit_after } else { line.credit_after };
        assert_eq!(after, account.after());
    }
}
