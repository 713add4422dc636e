//! Stories of payouts, each a script: what the bank does and when; then state, money, instructions and open cases.

use crate::cases::CaseKind;
use crate::chart::Own;
use crate::entries::Channel;
use crate::payouts::{self, PayoutState, PayoutView, StartForMerchant, StartPayout};
use crate::policies::{self, Change};
use crate::testing::{TestBank, TestCustomer, cny};
use crate::topups::tests::{line, linked, open_cases, own_balance, spend};
use crate::wish::{Principal, Wish};
use crate::{accounting, bank_accounts};
use money::Money;
use ports::{Order, Outcome, RailError};
use vocabulary::{Id, kinds};

const ASKED: i64 = 10_000;
const HAD: i64 = 25_000;
const FEE: i64 = 200;

fn cash(minor: i64) -> Money {
    Money::new(minor, cny()).expect("not negative")
}

async fn priced(bank: &TestBank) {
    let mut fees = bank.bank.policies().fees.clone();
    let terms = fees.get_mut("payout").expect("payouts have terms");
    (terms.fixed_minor, terms.tax_bps, terms.refundable) = (FEE, 600, true);
    let value = serde_json::to_value(&fees).expect("it is JSON");
    let change = Change { name: "fees".to_owned(), value, from: None, source: "a test".to_owned() };
    let wish = Wish::internal(Principal::System, "policies.set");
    policies::set(&bank.bank, wish, change).await.expect("no trouble").result.expect("it is set");
    bank.run_jobs();
}

async fn begun(bank: &TestBank, customer: &TestCustomer) -> PayoutView {
    let bank_account = linked(bank, customer).await;
    let wish = Wish::internal(Principal::Customer(customer.id), "payouts.start");
    let command = StartPayout { wallet: customer.wallet, bank_account, amount: cash(ASKED), channel: Channel::Api };
    payouts::start(&bank.bank, wish, command).await.expect("no trouble").result.expect("it begins")
}

enum Do {
    /// The bank reports.
    Say(Outcome),
    /// The bank states: incoming, amount, reference.
    State(bool, i64, &'static str),
    /// So many seconds pass, and jobs run.
    Tick(i64),
    /// The customer spends.
    Spend(i64),
}
use Do::{Say, Spend, State, Tick};

fn done(amount: i64) -> Outcome {
    Outcome::Done { amount }
}

fn rejected() -> Outcome {
    Outcome::Rejected { reason: "account closed".to_owned() }
}

fn returned() -> Outcome {
    Outcome::Returned { amount: ASKED, reason: "no such holder".to_owned() }
}

/// State, wallet, suspense, nostro, receivable, open cases.
type Expected = (PayoutState, i64, i64, i64, i64, Vec<CaseKind>);

async fn check(name: &str, script: Vec<Do>, expected: Expected) {
    let bank = TestBank::new();
    priced(&bank).await;
    let customer = bank.customer("Alice Zhang", HAD);
    let payout = begun(&bank, &customer).await;
    assert_eq!((payout.state, payout.fee_minor), (PayoutState::Created, FEE), "{name}");
    assert_eq!(bank.balance(customer.account.account).0, HAD - ASKED - FEE, "{name}: it left before anybody was told");
    bank.run_jobs();
    for step in script {
        match step {
            Say(outcome) => bank.rail.say(&payout.end_to_end_id, outcome),
            State(incoming, amount, reference) => {
                bank.rail.book(line(&payout.end_to_end_id, incoming, (amount, reference)));
            }
            Tick(seconds) => {
                bank.clock.advance(seconds);
                bank.run_jobs();
            }
            Spend(amount) => spend(&bank, customer.account.account, amount).await,
        }
    }
    let found = payouts::find(&bank.bank, payout.id).await.expect("no trouble").expect("it exists");
    let wallet = bank.balance(customer.account.account).0;
    let receivable = bank.balance(customer.account.receivable).0;
    let (suspense, nostro) = (own_balance(&bank, Own::PayoutSuspense), own_balance(&bank, Own::Nostro));
    let cases = open_cases(&bank).await;
    assert_eq!((found.state, wallet, suspense, nostro, receivable, cases), expected, "{name}");
    assert_eq!(bank.rail.instructions().len(), 1, "{name}: instructed once");
    assert_eq!(found.ended_at.is_some(), found.state.is_final(), "{name}");
    assert_eq!(found.next_date.is_some(), found.state == PayoutState::UnderInvestigation, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_of_the_bank_leads_where_it_should() {
    use CaseKind as C;
    use PayoutState as S;
    let (all, none, day) = (ASKED, Vec::new, 86_400);
    let left = HAD - ASKED - FEE;
    let table: Vec<(&str, Vec<Do>, Expected)> = vec![
        ("no word yet", vec![Tick(60)], (S::Instructed, left, all, 0, 0, none())),
        ("done", vec![Say(done(all)), Tick(2)], (S::Paid, left, 0, -all, 0, none())),
        (
            "everything twice",
            vec![Say(done(all)), Say(done(all)), State(false, all, "r1"), State(false, all, "r1"), Tick(2)],
            (S::Paid, left, 0, -all, 0, none()),
        ),
        (
            "rejected: fee and all go back",
            vec![Say(rejected()), Say(rejected()), Tick(2)],
            (S::Failed, HAD, 0, 0, 0, none()),
        ),
        ("silent until the deadline", vec![Tick(day)], (S::UnderInvestigation, left, all, 0, 0, vec![C::NoResult])),
        (
            "silent for ever: time alone gives nothing back",
            vec![Tick(day), Tick(day), Tick(30 * day)],
            (S::UnderInvestigation, left, all, 0, 0, vec![C::NoResult]),
        ),
        ("silent, then stated", vec![Tick(day), State(false, all, "r1"), Tick(2)], (S::Paid, left, 0, -all, 0, none())),
    ];
    for (name, script, expected) in table {
        check(name, script, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_late_or_comes_back_leads_where_it_should() {
    use CaseKind as C;
    use PayoutState as S;
    let (all, none) = (ASKED, Vec::new);
    let table: Vec<(&str, Vec<Do>, Expected)> = vec![
        (
            "paid after we had given back",
            vec![Say(rejected()), Tick(2), Spend(20_000), Say(done(all)), State(false, all, "r1"), Tick(2)],
            (S::Paid, HAD - 20_000, 0, -all, all, vec![C::PaidAfterReturn]),
        ),
        (
            "paid after we had given back, and returned at last",
            vec![Say(rejected()), Tick(2), Say(done(all)), Tick(2), Say(returned()), State(true, all, "r2"), Tick(2)],
            (S::Returned, HAD, 0, 0, 0, none()),
        ),
        (
            "paid and returned",
            vec![Say(done(all)), Tick(2), State(false, all, "r1"), State(true, all, "r2"), Say(returned()), Tick(2)],
            (S::Returned, HAD, 0, 0, 0, none()),
        ),
        (
            "a return that was said before it was paid and heard after the statement had shown that",
            vec![State(false, all, "r1"), Tick(2), Say(returned()), Say(done(all)), Tick(2)],
            (S::Paid, HAD - all - FEE, 0, -all, 0, vec![C::Contradiction]),
        ),
        (
            "returned before we heard that it was paid",
            vec![Say(returned()), Tick(2)],
            (S::Returned, HAD, 0, 0, 0, none()),
        ),
    ];
    for (name, script, expected) in table {
        check(name, script, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn success_after_a_return_is_owed_until_the_statement_shows_the_return() {
    use CaseKind as C;
    use PayoutState as S;
    let (all, none) = (ASKED, Vec::new);
    let table: Vec<(&str, Vec<Do>, Expected)> = vec![
        (
            "paid after it had come back",
            vec![
                Say(returned()),
                Tick(2),
                Spend(20_000),
                Say(done(all)),
                Say(done(all)),
                State(false, all, "r1"),
                Tick(2),
            ],
            (S::Returned, HAD - 20_000, 0, -all, all, vec![C::PaidAfterReturn]),
        ),
        (
            "paid after it had come back, by the statement alone, twice",
            vec![
                Say(returned()),
                Tick(2),
                State(false, all, "r1"),
                State(false, all, "r1"),
                Tick(2),
                Say(done(all)),
                Tick(2),
            ],
            (S::Returned, HAD, 0, -all, all, vec![C::PaidAfterReturn]),
        ),
        (
            "the story told backwards by reports, and the statement then",
            vec![
                Say(returned()),
                Say(done(all)),
                Say(returned()),
                Tick(2),
                State(false, all, "r1"),
                State(true, all, "r2"),
                State(true, all, "r2"),
                Tick(2),
                Say(done(all)),
                Tick(2),
            ],
            (S::Returned, HAD, 0, 0, 0, none()),
        ),
        (
            "the story told backwards by the statement",
            vec![State(true, all, "r2"), State(false, all, "r1"), Say(done(all)), Say(returned()), Tick(2)],
            (S::Returned, HAD, 0, 0, 0, none()),
        ),
        (
            "a second word of a return, after a contradiction, is not believed without the statement",
            vec![Say(returned()), Say(done(all)), Say(returned()), Tick(2)],
            (S::Returned, HAD, 0, -all, all, vec![C::PaidAfterReturn]),
        ),
        (
            "refused, and the statement told backwards",
            vec![Say(rejected()), Tick(2), State(true, all, "r2"), State(false, all, "r1"), Tick(2)],
            (S::Failed, HAD, 0, 0, 0, none()),
        ),
    ];
    for (name, script, expected) in table {
        check(name, script, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_and_other_amounts_are_for_people() {
    use CaseKind as C;
    use PayoutState as S;
    let (all, left) = (ASKED, HAD - ASKED - FEE);
    let table: Vec<(&str, Vec<Do>, Expected)> = vec![
        (
            "done, then rejected",
            vec![Say(done(all)), Say(rejected()), Tick(2)],
            (S::Paid, left, 0, -all, 0, vec![C::Contradiction]),
        ),
        (
            "another amount reported",
            vec![Say(done(all - 1)), Tick(2)],
            (S::UnderInvestigation, left, all, 0, 0, vec![C::AmountDiffers]),
        ),
        (
            "another amount stated",
            vec![State(false, all - 1, "r1"), Tick(2)],
            (S::Paid, left + 1, 0, 1 - all, 0, vec![C::AmountDiffers]),
        ),
    ];
    for (name, script, expected) in table {
        check(name, script, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_surely_never_sent_goes_back_at_the_deadline_with_limits() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", HAD);
    for _ in 0..2 {
        bank.rail.fail_next(RailError::Unreachable("down".to_owned()));
    }
    let who = Principal::Customer(customer.id);
    let bank_account = linked(&bank, &customer).await;
    let command = StartPayout { wallet: customer.wallet, bank_account, amount: cash(1), channel: Channel::Api };
    let left = async || {
        let run = payouts::dry_run(&bank.bank, who, command.clone()).await.expect("no trouble");
        run.expect("allowed").limits_left.iter().filter_map(|left| left.out_month).collect::<Vec<_>>()
    };
    let before = left().await;
    let payout = begun(&bank, &customer).await;
    let used = left().await;
    assert!(!before.is_empty() && used.iter().zip(&before).all(|(used, before)| before - used == ASKED));
    bank.run_jobs();
    bank.clock.advance(86_400);
    bank.run_jobs();
    let found = payouts::find(&bank.bank, payout.id).await.expect("no trouble").expect("it exists");
    assert_eq!((found.state, bank.rail.instructions().len()), (PayoutState::Failed, 0));
    assert_eq!((bank.balance(customer.account.account).0, left().await), (HAD, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_wish_sends_once_and_a_lost_answer_is_asked_about() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", HAD);
    bank.rail.fail_next(RailError::NoAnswer("cut".to_owned()));
    let payout = begun(&bank, &customer).await;
    let bank = bank.restart(2);
    bank.run_jobs();
    let bank = bank.restart(3);
    bank.clock.advance(10);
    bank.run_jobs();
    let instructions = bank.rail.instructions();
    assert_eq!(instructions.len(), 1);
    assert_eq!((instructions[0].order, instructions[0].amount), (Order::Pay, ASKED));
    let found = payouts::find(&bank.bank, payout.id).await.expect("no trouble").expect("it exists");
    assert_eq!(found.state, PayoutState::Instructed);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_in_order_and_move_nothing() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", HAD), bank.customer("Bob Li", 0));
    let (hers, his) = (linked(&bank, &alice).await, linked(&bank, &bob).await);
    let who = Principal::Customer(alice.id);
    let command =
        |wallet, bank_account, minor| StartPayout { wallet, bank_account, amount: cash(minor), channel: Channel::Api };
    let table = [
        (Principal::System, command(alice.wallet, hers, 1), "forbidden"),
        (who, command(bob.wallet, his, 0), "amount_not_positive"),
        (who, command(bob.wallet, his, 1), "account_not_found"),
        (who, command(alice.wallet, his, 1), "bank_account_not_found"),
        (who, command(alice.wallet, hers, HAD + 1), "insufficient_funds"),
    ];
    for (principal, command, code) in table {
        let wish = Wish::internal(principal, "payouts.start");
        let refusal =
            payouts::start(&bank.bank, wish, command.clone()).await.expect("no trouble").result.expect_err(code);
        assert_eq!(refusal.code.as_str(), code);
        let run = payouts::dry_run(&bank.bank, principal, command).await.expect("no trouble");
        assert_eq!(run.expect_err(code).code.as_str(), code, "the dry run says the same");
    }
    assert_eq!(bank.balance(alice.account.account), (HAD, 0));
    assert!(payouts::list(&bank.bank, who, None, 9).await.expect("no trouble").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_no_trace_and_says_what_the_payout_then_does() {
    let bank = TestBank::new();
    priced(&bank).await;
    let customer = bank.customer("Alice Zhang", HAD);
    let bank_account = linked(&bank, &customer).await;
    let command = StartPayout { wallet: customer.wallet, bank_account, amount: cash(ASKED), channel: Channel::Api };
    let who = Principal::Customer(customer.id);
    let last = bank.bank.store().read(|snapshot| Ok(snapshot.last_line())).await.expect("no trouble");
    let forecast = payouts::dry_run(&bank.bank, who, command).await.expect("no trouble").expect("allowed");
    let after = bank.bank.store().read(|snapshot| Ok(snapshot.last_line())).await.expect("no trouble");
    assert_eq!((after, bank.balance(customer.account.account).0), (last, HAD), "nothing was written");
    begun(&bank, &customer).await;
    let balance = bank.balance(customer.account.account).0;
    assert_eq!((forecast.fee_minor, forecast.total_minor), (FEE, ASKED + FEE));
    assert_eq!((forecast.balance_after_minor, forecast.available_after_minor), (balance, balance));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchants_payout_leaves_and_finds_back_to_its_account() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", HAD);
    let merchant = bank.merchant("Tea House").await;
    let wish = Wish::internal(Principal::Merchant(merchant.merchant), "bank_accounts.link");
    let linked = bank_accounts::link(&bank.bank, wish, "6222021234567890".to_owned()).await.expect("no trouble");
    let bank_account = linked.result.expect("it is linked").id;
    let id: Id<kinds::Payout> = bank.bank.new_id();
    let (desk, from) = (bank.bank.desk(), customer.account.account);
    let command =
        StartForMerchant { id, merchant: merchant.merchant, from, bank_account, amount: cash(ASKED), cause: 77 };
    let body = move |uow: &mut store::Uow<'_, '_>| {
        let view = payouts::start_for_merchant(&desk, uow, &command)?.expect("allowed");
        let none = StartForMerchant { amount: cash(0), ..command.clone() };
        let foreign = StartForMerchant { merchant: Id::from_u128(9), ..command.clone() };
        let refused = [&none, &foreign].map(|wrong| payouts::start_for_merchant(&desk, uow, wrong));
        let codes = refused.map(|refused| refused.expect("no trouble").expect_err("refused").code.as_str());
        assert_eq!(codes, ["amount_not_positive", "bank_account_not_found"]);
        Ok(store::Outcome::<PayoutView, ()>::Done(view))
    };
    bank.bank.store().write(body).await.expect("no trouble");
    bank.run_jobs();
    assert_eq!(bank.rail.instructions()[0].account, "6222021234567890");
    bank.rail.say(&bank.rail.instructions()[0].end_to_end.clone(), rejected());
    bank.clock.advance(2);
    bank.run_jobs();
    let found = payouts::caused_by(&bank.bank, 77).await.expect("no trouble");
    assert_eq!((found[0].state, found[0].merchant), (PayoutState::Failed, Some(merchant.merchant)));
    assert_eq!(bank.balance(from).0, HAD);
    let all = bank.bank.clone();
    let sums = std::thread::spawn(move || accounting::trial_balance(&all))
        .join()
        .expect("no panic")
        .expect("no trouble")
        .sums();
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
}
