//! Entries of many legs.

use ledger::{AccountNo, BookNo, Entry, Leg, Refusal, Side, Step, Sum};
use proptest::prelude::*;
use std::collections::BTreeMap;

const CNY: BookNo = BookNo(156);
const EUR: BookNo = BookNo(978);

fn debit(account: u64, amount: i64, book: BookNo) -> Leg {
    (AccountNo(account), Side::Debit, amount, book)
}

fn credit(account: u64, amount: i64, book: BookNo) -> Leg {
    (AccountNo(account), Side::Credit, amount, book)
}

fn pairs(legs: &[Leg]) -> Vec<(u64, u64, i64)> {
    let moved = |step: Step| match step {
        Step::Post { debit, credit, amount, .. } => (debit.0, credit.0, amount),
        other => panic!("legs only move: {other:?}"),
    };
    Entry::from_legs(legs).expect("balanced legs").into_iter().map(moved).collect()
}

#[test]
fn legs_are_paired_within_their_book_equal_amounts_first() {
    assert_eq!(pairs(&[debit(1, 5, CNY), credit(2, 5, CNY)]), [(1, 2, 5)]);
    assert_eq!(pairs(&[debit(1, 100, CNY), credit(2, 97, CNY), credit(3, 3, CNY)]), [(1, 2, 97), (1, 3, 3)]);
    assert_eq!(
        pairs(&[debit(1, 7, CNY), credit(2, 3, CNY), debit(3, 3, CNY), credit(4, 7, CNY)]),
        [(1, 4, 7), (3, 2, 3)]
    );
    assert_eq!(
        pairs(&[debit(1, 7, CNY), credit(11, 1, EUR), credit(2, 7, CNY), debit(12, 1, EUR)]),
        [(1, 2, 7), (12, 11, 1)]
    );
}

#[test]
fn an_accounts_legs_are_taken_together() {
    assert_eq!(pairs(&[debit(1, 10, CNY), credit(1, 4, CNY), credit(2, 6, CNY)]), [(1, 2, 6)]);
}

#[test]
fn legs_that_do_not_balance_in_every_book_are_refused() {
    let refused = |legs: &[Leg]| Entry::from_legs(legs).expect_err("it is refused");
    assert_eq!(refused(&[debit(1, 5, CNY), credit(2, 4, CNY)]), Refusal::Unbalanced(CNY));
    let across = [debit(1, 5, CNY), credit(2, 5, EUR)];
    assert_eq!(refused(&across).code().as_str(), "entry_unbalanced");
    assert_eq!(refused(&[debit(1, -5, CNY), credit(2, -5, CNY)]), Refusal::AmountNotPositive);
    assert_eq!(refused(&[debit(1, 5, CNY), credit(1, 5, CNY)]), Refusal::AmountNotPositive);
    assert_eq!(refused(&[]), Refusal::AmountNotPositive);
    let max = i64::MAX;
    let huge = [debit(1, max, CNY), debit(1, max, CNY), credit(2, max, CNY), credit(3, max, CNY)];
    assert_eq!(refused(&huge), Refusal::Overflow(Sum::Legs));
}

proptest! {
    #[test]
    fn steps_move_exactly_what_the_legs_say(amounts in prop::collection::vec((1_u64..6, 0_i64..1000, any::<bool>()), 1..12)) {
        let mut legs: Vec<Leg> =
            amounts.iter().map(|&(no, amount, side)| (AccountNo(no), if side { Side::Debit } else { Side::Credit }, amount, CNY)).collect();
        let sum: i64 = amounts.iter().map(|(_, amount, side)| if *side { *amount } else { -amount }).sum();
        legs.push(if sum > 0 { credit(9, sum, CNY) } else { debit(9, -sum, CNY) });
        let mut want: BTreeMap<u64, i64> = BTreeMap::new();
        for leg in &legs {
            *want.entry(leg.0.0).or_default() += if leg.1 == Side::Debit { leg.2 } else { -leg.2 };
        }
        want.retain(|_, net| *net != 0);
        if want.is_empty() {
            prop_assert_eq!(Entry::from_legs(&legs), Err(Refusal::AmountNotPositive));
            return Ok(());
        }
        let pairs = pairs(&legs);
        prop_assert!(pairs.len() < want.len());
        let mut got: BTreeMap<u64, i64> = BTreeMap::new();
        for (debit, credit, amount) in pairs {
            prop_assert!(amount > 0 && debit != credit);
            *got.entry(debit).or_default() += amount;
            *got.entry(credit).or_default() -= amount;
        }
        prop_assert_eq!(got, want);
    }
}
