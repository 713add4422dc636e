//! Stories of money that waits: who may let it go, where to, once; and that no case about it closes without it.

use crate::cases::{self, Closing, Finding};
use crate::chart::Own;
use crate::customers;
use crate::entries::Channel;
use crate::payouts::{self, PayoutState, StartPayout};
use crate::testing::{TestBank, TestCustomer, cny};
use crate::topups::tests::{closed, line, linked, open_cases, own_balance};
use crate::topups::{self, StartTopUp, TopUpState, TopUpView};
use crate::wallets::{self, Freezing};
use crate::wish::{Principal, Wish};
use money::Money;
use ports::{Order, Outcome};
use vocabulary::{Id, kinds};

const ASKED: i64 = 10_000;
const TO_OWNER: Finding = Finding::Release { wallet: None };

async fn begun(bank: &TestBank, customer: &TestCustomer) -> TopUpView {
    let bank_account = linked(bank, customer).await;
    let amount = Money::new(ASKED, cny()).expect("positive");
    let command = StartTopUp { wallet: customer.wallet, bank_account, amount, channel: Channel::Api };
    let wish = Wish::internal(Principal::Customer(customer.id), "top_ups.start");
    topups::start(&bank.bank, wish, command).await.expect("no trouble").result.expect("it begins")
}

fn heard(bank: &TestBank, end_to_end: &str, outcome: Outcome) {
    bank.rail.say(end_to_end, outcome);
    bank.clock.advance(2);
    bank.run_jobs();
}

fn done() -> Outcome {
    Outcome::Done { amount: ASKED }
}

fn returned() -> Outcome {
    Outcome::Returned { amount: ASKED, reason: "disputed".to_owned() }
}

fn rejected() -> Outcome {
    Outcome::Rejected { reason: "no such account".to_owned() }
}

/// A top-up whose money came after its wallet was closed.
async fn waiting(bank: &TestBank) -> (TestCustomer, TopUpView, Id<kinds::Case>) {
    let customer = bank.customer("Alice Zhang", 0);
    let top_up = begun(bank, &customer).await;
    bank.run_jobs();
    // The hold that reserves its limits keeps an account open: the bank refuses, the account closes, the money comes.
    heard(bank, &top_up.end_to_end_id, rejected());
    closed(bank, &customer).await;
    heard(bank, &top_up.end_to_end_id, done());
    let case = the_case(bank).await;
    assert_eq!((own_balance(bank, Own::TopUpSuspense), own_balance(bank, Own::Nostro)), (ASKED, ASKED));
    (customer, top_up, case)
}

async fn the_case(bank: &TestBank) -> Id<kinds::Case> {
    let open = cases::list(&bank.bank, true, None, 9).await.expect("no trouble");
    let found: Vec<_> = open.iter().filter(|case| case.kind == cases::CaseKind::NotCreditable).collect();
    assert_eq!(found.len(), 1, "{open:?}");
    found[0].id
}

async fn reopened(bank: &TestBank, customer: &TestCustomer) {
    let wish = Wish::internal(Principal::System, "accounts.reopen");
    let answer = wallets::freeze(&bank.bank, wish, customer.account.id, Freezing::Reopen).await;
    answer.expect("no trouble").result.expect("it is open");
}

fn staff(number: u128) -> Wish {
    Wish::internal(Principal::Staff(Id::from_u128(number)), "cases.decide")
}

fn closing() -> Closing {
    Closing { reason: "the customer asked".to_owned(), evidence: "letter 7".to_owned() }
}

async fn proposed(bank: &TestBank, case: Id<kinds::Case>, finding: Finding) -> &'static str {
    let answer = cases::propose(&bank.bank, staff(1), case, (finding, closing())).await.expect("no trouble");
    answer.result.map_or_else(|refusal| refusal.code.as_str(), |_| "done")
}

async fn approved(bank: &TestBank, number: u128, case: Id<kinds::Case>, finding: Finding) -> &'static str {
    let answer = cases::approve(&bank.bank, staff(number), case, finding).await.expect("no trouble");
    answer.result.map_or_else(|refusal| refusal.code.as_str(), |case| if case.open { "open" } else { "done" })
}

async fn state(bank: &TestBank, top_up: &TopUpView) -> TopUpState {
    topups::find(&bank.bank, top_up.id).await.expect("no trouble").expect("it exists").state
}

async fn released(bank: &TestBank) -> usize {
    told(bank, "suspense.released").await
}

async fn told(bank: &TestBank, kind: &'static str) -> usize {
    let events = bank.bank.store().read(|snapshot| snapshot.events_after(0, None, 1_000)).await;
    events.expect("no trouble").iter().filter(|event| event.kind == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_release_waiting_money_to_the_reopened_wallet_once() {
    let bank = TestBank::new();
    let (customer, top_up, case) = waiting(&bank).await;
    assert_eq!(approved(&bank, 2, case, TO_OWNER).await, "not_found", "nothing is proposed");
    assert_eq!(proposed(&bank, case, TO_OWNER).await, "done");
    assert_eq!(approved(&bank, 1, case, TO_OWNER).await, "forbidden", "not the proposer");
    assert_eq!(approved(&bank, 2, case, Finding::SendBack).await, "invalid_field", "that is not what is proposed");
    assert_eq!(approved(&bank, 2, case, TO_OWNER).await, "account_closed");
    assert_eq!((own_balance(&bank, Own::TopUpSuspense), released(&bank).await), (ASKED, 0), "a refusal moves nothing");
    reopened(&bank, &customer).await;
    reopened(&bank, &customer).await;
    assert_eq!(approved(&bank, 2, case, TO_OWNER).await, "done");
    assert_eq!(approved(&bank, 2, case, TO_OWNER).await, "case_closed");
    let wallet = customer.account.account;
    assert_eq!((bank.balance(wallet).0, own_balance(&bank, Own::TopUpSuspense)), (ASKED, 0));
    assert_eq!((released(&bank).await, state(&bank, &top_up).await), (1, TopUpState::Succeeded));
    heard(&bank, &top_up.end_to_end_id, done());
    assert_eq!((bank.balance(wallet).0, own_balance(&bank, Own::Nostro)), (ASKED, ASKED), "said again, credited once");
    let open: Vec<_> = open_cases(&bank).await;
    assert_eq!(open, [], "nothing is left to look at");
    assert_eq!(told(&bank, "case.opened").await, told(&bank, "case.closed").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_money_goes_to_no_strangers_wallet_and_its_case_does_not_close_without_it() {
    let bank = TestBank::new();
    let (customer, _, case) = waiting(&bank).await;
    let stranger = bank.customer("Bob Li", 0);
    let executed = Finding::Executed { amount_minor: ASKED, currency: 156 };
    for (finding, code) in [
        (Finding::Release { wallet: Some(stranger.wallet) }, "account_not_found"),
        (Finding::Release { wallet: Some(Id::from_u128(9)) }, "account_not_found"),
        (executed, "money_waiting"),
    ] {
        assert_eq!(proposed(&bank, case, finding).await, code, "{finding:?}");
    }
    let close = cases::close(&bank.bank, staff(1), case, closing()).await.expect("no trouble").result;
    assert_eq!(close.expect_err("money waits").code.as_str(), "money_waiting");
    let wish = Wish::internal(Principal::System, "customers.erase");
    let erase = customers::erase(&bank.bank, wish, customer.id).await.expect("no trouble").result;
    assert_eq!(erase.expect_err("money waits").code.as_str(), "account_not_empty");
    assert_eq!(own_balance(&bank, Own::TopUpSuspense), ASKED);
    reopened(&bank, &customer).await;
    let hers = Finding::Release { wallet: Some(customer.wallet) };
    assert_eq!((proposed(&bank, case, hers).await, approved(&bank, 2, case, hers).await), ("done", "done"));
    assert_eq!((bank.balance(customer.account.account).0, bank.balance(stranger.account.account).0), (ASKED, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_money_is_sent_back_by_rail_and_waits_again_when_it_bounces() {
    let bank = TestBank::new();
    let (customer, top_up, mut case) = waiting(&bank).await;
    for bounces in [true, false] {
        assert_eq!(proposed(&bank, case, Finding::SendBack).await, "done");
        assert_eq!(approved(&bank, 2, case, Finding::SendBack).await, "done");
        assert_eq!((own_balance(&bank, Own::TopUpSuspense), own_balance(&bank, Own::PayoutSuspense)), (0, ASKED));
        bank.run_jobs();
        let sent = bank.rail.instructions().pop().expect("it was sent");
        assert_eq!((sent.order, sent.amount), (Order::Pay, ASKED));
        heard(&bank, &sent.end_to_end, if bounces { rejected() } else { done() });
        if bounces {
            case = the_case(&bank).await;
            assert_eq!((own_balance(&bank, Own::TopUpSuspense), own_balance(&bank, Own::PayoutSuspense)), (ASKED, 0));
        }
    }
    assert_eq!((own_balance(&bank, Own::TopUpSuspense), own_balance(&bank, Own::PayoutSuspense)), (0, 0));
    assert_eq!((own_balance(&bank, Own::Nostro), bank.balance(customer.account.account).0), (0, 0));
    assert_eq!((released(&bank).await, state(&bank, &top_up).await), (2, TopUpState::Returned));
    heard(&bank, &top_up.end_to_end_id, done());
    assert_eq!((own_balance(&bank, Own::TopUpSuspense), own_balance(&bank, Own::Nostro)), (0, 0), "said again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_back_bounced_and_was_paid_all_the_same_waits_once_when_it_returns() {
    let bank = TestBank::new();
    let (_, _, case) = waiting(&bank).await;
    assert_eq!(proposed(&bank, case, Finding::SendBack).await, "done");
    assert_eq!(approved(&bank, 2, case, Finding::SendBack).await, "done");
    bank.run_jobs();
    let sent = bank.rail.instructions().pop().expect("it was sent").end_to_end;
    heard(&bank, &sent, rejected());
    heard(&bank, &sent, done());
    assert_eq!((own_balance(&bank, Own::TopUpSuspense), own_balance(&bank, Own::Difference)), (ASKED, -ASKED));
    heard(&bank, &sent, returned());
    assert_eq!((own_balance(&bank, Own::TopUpSuspense), own_balance(&bank, Own::Difference)), (ASKED, 0));
    assert_eq!(own_balance(&bank, Own::Nostro), ASKED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_takes_back_meanwhile_is_not_released() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", 0);
    let top_up = begun(&bank, &customer).await;
    bank.run_jobs();
    heard(&bank, &top_up.end_to_end_id, returned());
    heard(&bank, &top_up.end_to_end_id, done());
    let case = the_case(&bank).await;
    assert_eq!(proposed(&bank, case, TO_OWNER).await, "done");
    bank.rail.book(line(&top_up.end_to_end_id, true, (ASKED, "r1")));
    bank.rail.book(line(&top_up.end_to_end_id, false, (ASKED, "r2")));
    bank.clock.advance(2);
    bank.run_jobs();
    assert_eq!(approved(&bank, 2, case, TO_OWNER).await, "case_closed");
    assert_eq!((own_balance(&bank, Own::TopUpSuspense), own_balance(&bank, Own::Nostro)), (0, 0));
    assert_eq!((bank.balance(customer.account.account).0, state(&bank, &top_up).await), (0, TopUpState::Returned));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_after_a_return_is_released_to_an_open_wallet_or_found_never_to_have_come() {
    for finding in [TO_OWNER, Finding::NotExecuted] {
        let bank = TestBank::new();
        let customer = bank.customer("Alice Zhang", 0);
        let top_up = begun(&bank, &customer).await;
        bank.run_jobs();
        heard(&bank, &top_up.end_to_end_id, returned());
        heard(&bank, &top_up.end_to_end_id, done());
        let case = the_case(&bank).await;
        assert_eq!((proposed(&bank, case, finding).await, approved(&bank, 2, case, finding).await), ("done", "done"));
        heard(&bank, &top_up.end_to_end_id, done());
        let expected = if finding == TO_OWNER { ASKED } else { 0 };
        assert_eq!(bank.balance(customer.account.account).0, expected);
        assert_eq!((own_balance(&bank, Own::TopUpSuspense), own_balance(&bank, Own::Nostro)), (0, expected));
        assert_eq!(open_cases(&bank).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_takes_back_after_people_let_it_go_is_a_difference_and_a_case() {
    for finding in [TO_OWNER, Finding::SendBack] {
        let bank = TestBank::new();
        let customer = bank.customer("Alice Zhang", 0);
        let top_up = begun(&bank, &customer).await;
        bank.run_jobs();
        heard(&bank, &top_up.end_to_end_id, returned());
        heard(&bank, &top_up.end_to_end_id, done());
        let case = the_case(&bank).await;
        assert_eq!((proposed(&bank, case, finding).await, approved(&bank, 2, case, finding).await), ("done", "done"));
        bank.rail.book(line(&top_up.end_to_end_id, true, (ASKED, "r1")));
        bank.rail.book(line(&top_up.end_to_end_id, false, (ASKED, "r2")));
        bank.clock.advance(2);
        bank.run_jobs();
        let balances = (own_balance(&bank, Own::Nostro), own_balance(&bank, Own::Difference));
        assert_eq!(balances, (0, -ASKED), "{finding:?}: our nostro is what the statement says");
        assert!(open_cases(&bank).await.contains(&cases::CaseKind::UnmatchedStatement), "{finding:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_goes_back_to_a_closed_wallet_waits_and_is_released_with_what_it_used_of_limits() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", ASKED);
    let bank_account = linked(&bank, &customer).await;
    let amount = Money::new(ASKED, cny()).expect("positive");
    let command = StartPayout { wallet: customer.wallet, bank_account, amount, channel: Channel::Api };
    let wish = Wish::internal(Principal::Customer(customer.id), "payouts.start");
    let payout = payouts::start(&bank.bank, wish, command).await.expect("no trouble").result.expect("it begins");
    bank.run_jobs();
    closed(&bank, &customer).await;
    heard(&bank, &payout.end_to_end_id, rejected());
    let found = payouts::find(&bank.bank, payout.id).await.expect("no trouble").expect("it exists");
    assert_eq!((found.state, own_balance(&bank, Own::PayoutSuspense)), (PayoutState::Failed, ASKED));
    let case = the_case(&bank).await;
    assert_eq!(proposed(&bank, case, Finding::SendBack).await, "invalid_field", "it came from no bank account");
    assert_eq!(proposed(&bank, case, Finding::NotExecuted).await, "money_waiting");
    reopened(&bank, &customer).await;
    assert_eq!((proposed(&bank, case, TO_OWNER).await, approved(&bank, 2, case, TO_OWNER).await), ("done", "done"));
    assert_eq!((bank.balance(customer.account.account).0, own_balance(&bank, Own::PayoutSuspense)), (ASKED, 0));
    assert_eq!((released(&bank).await, open_cases(&bank).await.len()), (1, 0));
}
