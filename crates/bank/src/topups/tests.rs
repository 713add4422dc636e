//! Stories of top-ups, each a script: what the bank does and when; then state, money, instructions and open cases.

use crate::bank_accounts;
use crate::cases::{self, CaseKind};
use crate::chart::Own;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::policies::Limits;
use crate::testing::{TestBank, TestCustomer, cny};
use crate::topups::{self, StartTopUp, TopUpState, TopUpView};
use crate::wallets::{self, Freezing};
use crate::wish::{Principal, Wish};
use ledger::{AccountNo, Count, Step, UpTo};
use money::Money;
use ports::{Outcome, RailError, StatementLine};
use vocabulary::{Id, Timestamp, kinds};

pub(crate) const IBAN: &str = "DE89 3704 0044 0532 0130 00";
const ASKED: i64 = 10_000;

fn cash(minor: i64) -> Money {
    Money::new(minor, cny()).expect("not negative")
}

pub(crate) async fn linked(bank: &TestBank, customer: &TestCustomer) -> Id<kinds::BankAccount> {
    let wish = Wish::internal(Principal::Customer(customer.id), "bank_accounts.link");
    let answer = bank_accounts::link(&bank.bank, wish, IBAN.to_owned()).await.expect("no trouble");
    answer.result.expect("it is linked").id
}

async fn begun(bank: &TestBank, customer: &TestCustomer) -> TopUpView {
    let bank_account = linked(bank, customer).await;
    let wish = Wish::internal(Principal::Customer(customer.id), "top_ups.start");
    let command = StartTopUp { wallet: customer.wallet, bank_account, amount: cash(ASKED), channel: Channel::Api };
    let answer = topups::start(&bank.bank, wish, command).await.expect("no trouble");
    answer.result.expect("it begins")
}

/// A line of the statement under a reference.
pub(crate) fn line(end_to_end: &str, incoming: bool, (amount, reference): (i64, &str)) -> StatementLine {
    StatementLine {
        no: 0,
        reference: reference.to_owned(),
        end_to_end: Some(end_to_end.to_owned()),
        incoming,
        amount,
        currency: 156,
        at: Timestamp::default(),
        text: String::new(),
    }
}

pub(crate) async fn open_cases(bank: &TestBank) -> Vec<CaseKind> {
    let found = cases::list(&bank.bank, true, None, 100).await.expect("no trouble");
    found.into_iter().map(|case| case.kind).collect()
}

pub(crate) fn own_balance(bank: &TestBank, own: Own) -> i64 {
    let account = bank.bank.desk().chart().opened(own, cny()).expect("it is offered");
    bank.balance(account).0
}

/// Takes money from a wallet account, to the opening account.
pub(crate) async fn spend(bank: &TestBank, account: AccountNo, amount: i64) {
    let desk = bank.bank.desk();
    let body = move |uow: &mut store::Uow<'_, '_>| {
        let credit = desk.chart().own(uow, Own::Opening, cny())?;
        let intent = Intent { kind: EntryKind::Opening, principal: Principal::System, channel: Channel::Job, cause: 0 };
        let step = Step::Post { debit: account, credit, amount, up_to: UpTo::default(), count: Count::No };
        let entry = entries::draft(&desk, uow, intent, vec![step]);
        uow.post(&entry)?.expect("there is enough");
        Ok(store::Outcome::<(), ()>::Done(()))
    };
    bank.bank.store().write(body).await.expect("no trouble");
}

#[derive(Clone)]
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
    Outcome::Returned { amount: ASKED, reason: "disputed".to_owned() }
}

/// State, wallet, nostro, receivable, open cases.
type Expected = (TopUpState, i64, i64, i64, Vec<CaseKind>);

async fn check(name: &str, script: Vec<Do>, expected: Expected) {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", 0);
    let top_up = begun(&bank, &customer).await;
    assert_eq!((top_up.state, bank.rail.instructions().len()), (TopUpState::Created, 0), "{name}");
    bank.run_jobs();
    for step in script {
        match step {
            Say(outcome) => bank.rail.say(&top_up.end_to_end_id, outcome),
            State(incoming, amount, reference) => {
                bank.rail.book(line(&top_up.end_to_end_id, incoming, (amount, reference)));
            }
            Tick(seconds) => {
                bank.clock.advance(seconds);
                bank.run_jobs();
            }
            Spend(amount) => spend(&bank, customer.account.account, amount).await,
        }
    }
    let found = topups::find(&bank.bank, top_up.id).await.expect("no trouble").expect("it exists");
    let wallet = bank.balance(customer.account.account).0;
    let receivable = bank.balance(customer.account.receivable).0;
    let nostro = own_balance(&bank, Own::Nostro);
    assert_eq!((found.state, wallet, nostro, receivable, open_cases(&bank).await), expected, "{name}");
    assert_eq!(bank.rail.instructions().len(), 1, "{name}: instructed once");
    let final_ = found.state > TopUpState::UnderInvestigation;
    assert_eq!(found.ended_at.is_some(), final_, "{name}");
    assert_eq!(
        found.next_date.is_some(),
        found.state == TopUpState::UnderInvestigation,
        "{name}: the next date is shown"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_of_the_bank_leads_where_it_should() {
    use CaseKind as C;
    use TopUpState as S;
    let (all, none) = (ASKED, Vec::new);
    let table: Vec<(&str, Vec<Do>, Expected)> = vec![
        ("no word yet", vec![Tick(60)], (S::Instructed, 0, 0, 0, none())),
        ("done", vec![Say(done(all)), Tick(2)], (S::Succeeded, all, all, 0, none())),
        ("done by statement alone", vec![State(true, all, "r1"), Tick(2)], (S::Succeeded, all, all, 0, none())),
        (
            "everything twice",
            vec![
                Say(done(all)),
                Say(done(all)),
                State(true, all, "r1"),
                State(true, all, "r1"),
                Tick(2),
                Say(done(all)),
                Tick(2),
            ],
            (S::Succeeded, all, all, 0, none()),
        ),
        ("rejected", vec![Say(rejected()), Tick(2)], (S::Failed, 0, 0, 0, none())),
        (
            "late success after failure",
            vec![Say(rejected()), Tick(9_000), Say(done(all)), State(true, all, "r1"), Tick(2)],
            (S::Succeeded, all, all, 0, vec![C::LateTopUp]),
        ),
        ("silent until the deadline", vec![Tick(3_600)], (S::UnderInvestigation, 0, 0, 0, vec![C::NoResult])),
        (
            "silent for ever",
            vec![Tick(3_600), Tick(86_400), Tick(864_000)],
            (S::UnderInvestigation, 0, 0, 0, vec![C::NoResult]),
        ),
        (
            "silent, then stated",
            vec![Tick(3_600), State(true, all, "r1"), Tick(2)],
            (S::Succeeded, all, all, 0, none()),
        ),
        ("done at the very deadline", vec![Say(done(all)), Tick(3_600)], (S::Succeeded, all, all, 0, none())),
    ];
    for (name, script, expected) in table {
        check(name, script, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_amounts_contradictions_and_returns_lead_where_they_should() {
    use CaseKind as C;
    use TopUpState as S;
    let (all, none) = (ASKED, Vec::new);
    let table: Vec<(&str, Vec<Do>, Expected)> = vec![
        (
            "another amount reported",
            vec![Say(done(all - 1)), Tick(2)],
            (S::UnderInvestigation, 0, 0, 0, vec![C::AmountDiffers]),
        ),
        (
            "another amount reported and stated",
            vec![Say(done(all - 1)), State(true, all - 1, "r1"), Tick(2)],
            (S::Succeeded, all - 1, all - 1, 0, vec![C::AmountDiffers]),
        ),
        (
            "done, then rejected",
            vec![Say(done(all)), Say(rejected()), Tick(2)],
            (S::Succeeded, all, all, 0, vec![C::Contradiction]),
        ),
        ("taken back unspent", vec![Say(done(all)), Tick(2), Say(returned()), Tick(2)], (S::Returned, 0, 0, 0, none())),
        (
            "taken back when a part was spent",
            vec![
                Say(done(all)),
                Tick(2),
                Spend(7_000),
                Say(returned()),
                State(true, all, "r1"),
                State(false, all, "r2"),
                Tick(2),
            ],
            (S::Returned, 0, 0, 7_000, vec![C::ReturnedTopUp]),
        ),
        (
            "a return that was said before it came and heard after the statement had shown it",
            vec![State(true, all, "r1"), Tick(2), Say(returned()), Say(done(all)), Say(done(all)), Tick(2)],
            (S::Succeeded, all, all, 0, vec![C::Contradiction]),
        ),
        (
            "a return that was said, and shown by the statement later",
            vec![State(true, all, "r1"), Tick(2), Say(returned()), Tick(2), State(false, all, "r2"), Tick(2)],
            (S::Returned, 0, 0, 0, none()),
        ),
    ];
    for (name, script, expected) in table {
        check(name, script, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stories_told_backwards_lead_where_they_should() {
    use CaseKind as C;
    use TopUpState as S;
    let (all, none) = (ASKED, Vec::new);
    let table: Vec<(&str, Vec<Do>, Expected)> = vec![
        (
            "taken back before we heard that it came",
            vec![Say(returned()), State(true, all, "r1"), State(false, all, "r2"), Tick(2)],
            (S::Returned, 0, 0, 0, none()),
        ),
        (
            "done after it had been taken back: it waits, and is nobody's to spend",
            vec![Say(returned()), Tick(2), Say(done(all)), Say(done(all)), State(true, all, "r1"), Tick(2)],
            (S::Returned, 0, all, 0, vec![C::NotCreditable]),
        ),
        (
            "a second word of a return, after a contradiction, is not believed without the statement",
            vec![Say(returned()), Say(done(all)), Say(returned()), Tick(2)],
            (S::Returned, 0, all, 0, vec![C::NotCreditable]),
        ),
        (
            "the story told backwards by reports, and the statement then",
            vec![
                Say(returned()),
                Say(done(all)),
                Tick(2),
                State(true, all, "r1"),
                State(false, all, "r2"),
                State(false, all, "r2"),
                Tick(2),
            ],
            (S::Returned, 0, 0, 0, none()),
        ),
        (
            "the story told backwards by the statement",
            vec![State(false, all, "r2"), State(true, all, "r1"), Say(done(all)), Say(returned()), Tick(2)],
            (S::Returned, 0, 0, 0, none()),
        ),
    ];
    for (name, script, expected) in table {
        check(name, script, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_wish_and_the_bank_forgets_nothing_and_sends_once() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", 0);
    let top_up = begun(&bank, &customer).await;
    let bank = bank.restart(2);
    assert_eq!(bank.rail.instructions().len(), 0);
    bank.run_jobs();
    let bank = bank.restart(3);
    bank.run_jobs();
    let instructions = bank.rail.instructions();
    assert_eq!(instructions.len(), 1, "one instruction, whatever crashed");
    assert_eq!(instructions[0].end_to_end, top_up.end_to_end_id);
    assert_eq!(instructions[0].account, "DE89370400440532013000");
    let found = topups::find(&bank.bank, top_up.id).await.expect("no trouble").expect("it exists");
    assert_eq!(found.state, TopUpState::Instructed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_about_and_never_sent_again() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", 0);
    bank.rail.fail_next(RailError::NoAnswer("cut".to_owned()));
    let top_up = begun(&bank, &customer).await;
    bank.run_jobs();
    let state = |view: Option<TopUpView>| view.expect("it exists").state;
    assert_eq!(state(topups::find(&bank.bank, top_up.id).await.expect("no trouble")), TopUpState::Created);
    let bank = bank.restart(2);
    bank.clock.advance(10);
    bank.run_jobs();
    assert_eq!(state(topups::find(&bank.bank, top_up.id).await.expect("no trouble")), TopUpState::Instructed);
    assert_eq!(bank.rail.instructions().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_surely_never_sent_is_given_up_at_the_deadline_and_its_limits_come_back() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", 0);
    for _ in 0..2 {
        bank.rail.fail_next(RailError::Unreachable("down".to_owned()));
    }
    let top_up = begun(&bank, &customer).await;
    assert_eq!(reserved(&bank, &customer).await, ASKED);
    bank.run_jobs();
    bank.clock.advance(3_600);
    bank.run_jobs();
    let found = topups::find(&bank.bank, top_up.id).await.expect("no trouble").expect("it exists");
    assert_eq!((found.state, bank.rail.instructions().len()), (TopUpState::Failed, 0));
    assert_eq!(reserved(&bank, &customer).await, 0, "the room under the limits is free again");
}

/// What incoming holds reserve on the customer's account.
async fn reserved(bank: &TestBank, customer: &TestCustomer) -> i64 {
    let no = customer.account.account;
    let body = move |uow: &mut store::Uow<'_, '_>| {
        let pending = uow.account(no)?.map_or(0, |account| account.credits_pending);
        Ok(store::Outcome::<i64, ()>::Done(pending))
    };
    match bank.bank.store().write(body).await.expect("no trouble") {
        store::Outcome::Done(pending) => pending,
        store::Outcome::Refused(()) => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_in_order_and_move_nothing() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 0), bank.customer("Bob Li", 0));
    let (hers, his) = (linked(&bank, &alice).await, linked(&bank, &bob).await);
    let (who, other) = (Principal::Customer(alice.id), Principal::System);
    let command =
        |wallet, bank_account, minor| StartTopUp { wallet, bank_account, amount: cash(minor), channel: Channel::Api };
    let table = [
        (other, command(alice.wallet, hers, 1), "forbidden"),
        (who, command(bob.wallet, his, 0), "amount_not_positive"),
        (who, command(bob.wallet, his, 1), "account_not_found"),
        (who, command(alice.wallet, his, 1), "bank_account_not_found"),
        (who, command(alice.wallet, hers, i64::MAX), "balance_limit_exceeded"),
    ];
    for (principal, command, code) in table {
        let wish = Wish::internal(principal, "top_ups.start");
        let refusal = topups::start(&bank.bank, wish, command).await.expect("no trouble").result.expect_err(code);
        assert_eq!(refusal.code.as_str(), code);
    }
    bank.run_jobs();
    assert_eq!((bank.rail.instructions().len(), own_balance(&bank, Own::Nostro)), (0, 0));
    assert!(topups::list(&bank.bank, alice.id, None, 9).await.expect("no trouble").is_empty());
}

/// What a month's limit of 10,000.00 still lets in for the person, less one minor unit.
async fn left_in(bank: &TestBank, customer: &TestCustomer) -> Vec<i64> {
    let bank_account = linked(bank, customer).await;
    let command = StartTopUp { wallet: customer.wallet, bank_account, amount: cash(1), channel: Channel::Api };
    let run = topups::dry_run(&bank.bank, Principal::Customer(customer.id), command).await;
    run.expect("no trouble").expect("allowed").limits_left.iter().filter_map(|left| left.in_month).collect()
}

async fn limited(bank: &TestBank) -> TestCustomer {
    let customer = bank.customer("Alice Zhang", 0);
    let limits = Limits { in_month: Some(1_000_000), ..Limits::default() };
    let wish = Wish::internal(Principal::Customer(customer.id), "limits.lower");
    let lowered = wallets::lower_limits(&bank.bank, wish, (customer.id, cny()), limits).await;
    lowered.expect("no trouble").result.expect("it is lowered");
    assert_eq!(left_in(bank, &customer).await, [999_999], "of the person's");
    customer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_comes_late_uses_the_limits_all_the_same_until_it_is_taken_back() {
    let bank = TestBank::new();
    let customer = limited(&bank).await;
    let top_up = begun(&bank, &customer).await;
    bank.run_jobs();
    for (outcome, wallet) in [(rejected(), 0), (done(ASKED), ASKED)] {
        bank.rail.say(&top_up.end_to_end_id, outcome);
        bank.clock.advance(86_400);
        bank.run_jobs();
        assert_eq!(bank.balance(customer.account.account).0, wallet);
        assert_eq!(left_in(&bank, &customer).await, [999_999 - wallet]);
    }
    bank.rail.say(&top_up.end_to_end_id, returned());
    bank.clock.advance(2);
    bank.run_jobs();
    assert_eq!((bank.balance(customer.account.account).0, left_in(&bank, &customer).await), (0, vec![999_999]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_is_taken_back_gives_its_limits_back_even_when_it_was_spent() {
    let bank = TestBank::new();
    let customer = limited(&bank).await;
    let top_up = begun(&bank, &customer).await;
    bank.run_jobs();
    bank.rail.say(&top_up.end_to_end_id, done(ASKED));
    bank.clock.advance(2);
    bank.run_jobs();
    assert_eq!(left_in(&bank, &customer).await, [999_999 - ASKED]);
    spend(&bank, customer.account.account, 7_000).await;
    for _ in 0..2 {
        bank.rail.say(&top_up.end_to_end_id, returned());
        bank.clock.advance(2);
        bank.run_jobs();
        assert_eq!(left_in(&bank, &customer).await, [999_999]);
        let (wallet, receivable) = (customer.account.account, customer.account.receivable);
        assert_eq!((bank.balance(wallet).0, bank.balance(receivable).0), (0, 7_000));
    }
    assert_eq!(open_cases(&bank).await, [CaseKind::ReturnedTopUp]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_is_taken_back_from_a_closed_wallet_stands_as_a_receivable_under_a_case() {
    let bank = TestBank::new();
    let customer = bank.customer("Alice Zhang", 0);
    let top_up = begun(&bank, &customer).await;
    bank.run_jobs();
    bank.rail.say(&top_up.end_to_end_id, done(ASKED));
    bank.clock.advance(2);
    bank.run_jobs();
    spend(&bank, customer.account.account, ASKED).await;
    closed(&bank, &customer).await;
    bank.rail.say(&top_up.end_to_end_id, returned());
    bank.clock.advance(2);
    bank.run_jobs();
    assert_eq!((own_balance(&bank, Own::Nostro), own_balance(&bank, Own::TopUpSuspense)), (0, 0));
    assert_eq!(bank.balance(customer.account.receivable).0, ASKED);
    assert_eq!(open_cases(&bank).await, [CaseKind::ReturnedTopUp]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_when_the_receivable_is_closed_too_is_a_difference_and_does_not_stop_the_feed() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 0), bank.customer("Bob Li", 0));
    let (top_up, other) = (begun(&bank, &alice).await, begun(&bank, &bob).await);
    bank.run_jobs();
    bank.rail.say(&top_up.end_to_end_id, done(ASKED));
    bank.clock.advance(2);
    bank.run_jobs();
    spend(&bank, alice.account.account, ASKED).await;
    closed(&bank, &alice).await;
    let receivable = alice.account.receivable;
    let found = bank.bank.store().read(move |snapshot| snapshot.account(receivable)).await.expect("no trouble");
    let wish = Wish::internal(Principal::System, "accounts.close");
    let answer = wallets::freeze(&bank.bank, wish, found.expect("it exists").id, Freezing::Close).await;
    answer.expect("no trouble").result.expect("it is empty");
    bank.rail.say(&top_up.end_to_end_id, returned());
    bank.rail.say(&other.end_to_end_id, done(ASKED));
    bank.clock.advance(2);
    bank.run_jobs();
    assert_eq!(bank.balance(bob.account.account).0, ASKED, "the bank is heard on");
    assert_eq!((own_balance(&bank, Own::Difference), own_balance(&bank, Own::Nostro)), (-ASKED, ASKED));
    assert_eq!(open_cases(&bank).await, [CaseKind::ReturnedTopUp]);
}

/// The customer's account is closed.
pub(crate) async fn closed(bank: &TestBank, customer: &TestCustomer) {
    let wish = Wish::internal(Principal::System, "accounts.close");
    let answer = wallets::freeze(&bank.bank, wish, customer.account.id, Freezing::Close).await;
    answer.expect("no trouble").result.expect("it is empty");
}
