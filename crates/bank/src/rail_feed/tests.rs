//! Listening and reconciliation: cursors, lines that belong to nothing, lines in the wrong currency.

use crate::cases::CaseKind;
use crate::chart::Own;
use crate::entries::Channel;
use crate::rail_feed::{self, Named, end_to_end, named};
use crate::testing::{TestBank, TestCustomer, cny};
use crate::topups::tests::{line, linked, open_cases, own_balance};
use crate::topups::{self, StartTopUp, TopUpState, TopUpView};
use crate::wish::{Principal, Wish};
use money::Money;
use ports::{Outcome, StatementLine};
use vocabulary::{Id, kinds};

/// A top-up that the bank has reported done.
pub(crate) async fn topped_up(bank: &TestBank, customer: &TestCustomer, minor: i64) -> TopUpView {
    let bank_account = linked(bank, customer).await;
    let amount = Money::new(minor, cny()).expect("not negative");
    let command = StartTopUp { wallet: customer.wallet, bank_account, amount, channel: Channel::Api };
    let wish = Wish::internal(Principal::Customer(customer.id), "top_ups.start");
    let begun = topups::start(&bank.bank, wish, command).await.expect("no trouble").result.expect("it begins");
    bank.run_jobs();
    bank.rail.say(&begun.end_to_end_id, Outcome::Done { amount: minor });
    bank.clock.advance(2);
    bank.run_jobs();
    topups::find(&bank.bank, begun.id).await.expect("no trouble").expect("it exists")
}

#[test]
fn end_to_end_ids_name_what_caused_them_within_35_characters() {
    let (top_up, payout) = (Id::<kinds::TopUp>::from_u128(7), Id::<kinds::Payout>::from_u128(u128::MAX));
    let (one, other) = (end_to_end(top_up), end_to_end(payout));
    assert!(one.len() <= 35 && other.len() <= 35 && one.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert!(matches!(named(Some(&one)), Named::TopUp(id) if id == top_up));
    assert!(matches!(named(Some(&other)), Named::Payout(id) if id == payout));
    for text in [None, Some(""), Some("NOTPROVIDED"), Some("top"), Some("topzz")] {
        assert!(matches!(named(text), Named::Nothing), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_heard_is_not_heard_again_after_a_restart() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 0);
    let top_up = topped_up(&bank, &alice, 5_000).await;
    bank.rail.book(line(&top_up.end_to_end_id, true, (5_000, "r1")));
    let bank = bank.restart(2);
    let again = bank.bank.clone();
    let heard =
        std::thread::spawn(move || (rail_feed::listen(&again), rail_feed::listen(&again))).join().expect("no panic");
    assert_eq!((heard.0.expect("no trouble"), heard.1.expect("no trouble")), (1, 0), "the line only, and once");
    assert_eq!((bank.balance(alice.account.account).0, own_balance(&bank, Own::Nostro)), (5_000, 5_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_belong_to_nothing_are_booked_as_differences_and_opened_as_cases() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 0);
    let top_up = topped_up(&bank, &alice, 5_000).await;
    bank.rail.book(line(&top_up.end_to_end_id, true, (5_000, "r1")));
    bank.rail.book(StatementLine { end_to_end: None, ..line("", true, (42, "r2")) });
    bank.rail.book(line("SOMEBODYELSES", false, (7, "r3")));
    bank.rail.book(StatementLine { currency: 978, ..line(&top_up.end_to_end_id, true, (5_000, "r4")) });
    bank.clock.advance(2);
    bank.run_jobs();
    assert_eq!(open_cases(&bank).await, [CaseKind::UnmatchedStatement; 3]);
    assert_eq!((own_balance(&bank, Own::Nostro), own_balance(&bank, Own::Difference)), (5_035, 35));
    let found = topups::find(&bank.bank, top_up.id).await.expect("no trouble").expect("it exists");
    assert_eq!((found.state, found.credited_minor), (TopUpState::Succeeded, 5_000));
    let all = bank.bank.clone();
    let found =
        std::thread::spawn(move || rail_feed::reconciliation(&all)).join().expect("no panic").expect("no trouble");
    for currency in found {
        assert_eq!(currency.books_minor, currency.statement_minor, "{currency:?}");
        assert_eq!(currency.unmatched_lines, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_booking_for_one_instruction_is_a_difference_and_a_case() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 0);
    let top_up = topped_up(&bank, &alice, 5_000).await;
    bank.rail.book(line(&top_up.end_to_end_id, true, (5_000, "r1")));
    bank.rail.book(line(&top_up.end_to_end_id, true, (5_000, "r1")));
    bank.rail.book(line(&top_up.end_to_end_id, true, (5_000, "r2")));
    bank.clock.advance(2);
    bank.run_jobs();
    assert_eq!((own_balance(&bank, Own::Nostro), own_balance(&bank, Own::Difference)), (10_000, 5_000));
    assert_eq!(
        (bank.balance(alice.account.account).0, open_cases(&bank).await),
        (5_000, vec![CaseKind::UnmatchedStatement])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_the_books_cannot_take_is_a_case_and_does_not_stop_the_feed() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 0);
    let top_up = topped_up(&bank, &alice, 5_000).await;
    for (amount, reference) in [(-3, "r1"), (i64::MAX, "r2")] {
        bank.rail.book(StatementLine { end_to_end: None, ..line("", true, (amount, reference)) });
    }
    bank.rail.book(line(&top_up.end_to_end_id, false, (5_000, "r3")));
    bank.clock.advance(2);
    bank.run_jobs();
    assert_eq!(open_cases(&bank).await, [CaseKind::UnmatchedStatement; 2]);
    let found = topups::find(&bank.bank, top_up.id).await.expect("no trouble").expect("it exists");
    assert_eq!((found.state, bank.balance(alice.account.account).0), (TopUpState::Returned, 0));
}
