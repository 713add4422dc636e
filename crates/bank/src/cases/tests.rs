//! What staff do with cases, and that a finding twice is one case.

use crate::cases::{self, CaseKind, Closing, Finding, NewCase};
use crate::entries::Channel;
use crate::payouts::{self, PayoutState, StartPayout};
use crate::testing::{TestBank, cny};
use crate::topups::tests::linked;
use crate::wish::{Principal, Wish};
use money::Money;
use store::Outcome;
use vocabulary::{Id, kinds};

async fn opened(bank: &TestBank, finding: &'static str) -> Id<kinds::Case> {
    let desk = bank.bank.desk();
    let body = move |uow: &mut store::Uow<'_, '_>| {
        let new = NewCase { kind: CaseKind::NoResult, subject: "top_x", finding, next_date: None };
        Ok(Outcome::<_, ()>::Done(cases::open(&desk, uow, &new)?))
    };
    match bank.bank.store().write(body).await.expect("no trouble") {
        Outcome::Done(id) => id,
        Outcome::Refused(()) => unreachable!("a case is never refused"),
    }
}

fn closing(reason: &str, evidence: &str) -> Closing {
    Closing { reason: reason.to_owned(), evidence: evidence.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_gathers_notes_and_closes_once_with_reason_and_evidence() {
    let bank = TestBank::new();
    let staff = Principal::Staff(Id::from_u128(3));
    let id = opened(&bank, "no answer").await;
    assert_eq!(opened(&bank, "still none").await, id, "the same finding is the same case");
    let wish = || Wish::internal(staff, "cases.work");
    let noted = cases::note(&bank.bank, wish(), id, "called the bank".to_owned()).await.expect("no trouble");
    assert_eq!(noted.result.expect("noted").notes.len(), 3);
    let close = async |id, closing| {
        let answer = cases::close(&bank.bank, wish(), id, closing).await.expect("no trouble");
        answer.result.map(|case| case.open).map_err(|refusal| refusal.code.as_str())
    };
    assert_eq!(close(id, closing("", "letter 7")).await, Err("missing_field"));
    assert_eq!(close(id, closing("found", " ")).await, Err("missing_field"));
    assert_eq!(close(Id::from_u128(1), closing("found", "letter 7")).await, Err("not_found"));
    assert_eq!(close(id, closing("found", "letter 7")).await, Ok(false));
    assert_eq!(close(id, closing("found", "letter 7")).await, Err("case_closed"));
    let empty = cases::note(&bank.bank, wish(), id, " ".to_owned()).await.expect("no trouble").result;
    assert_eq!(empty.expect_err("empty").code.as_str(), "missing_field");
    let case = cases::find(&bank.bank, id).await.expect("no trouble").expect("it exists");
    assert!(!case.open && case.closed_at.is_some() && case.notes[3].text.contains("letter 7"));
    assert_eq!(case.notes[3].by, Some(Id::from_u128(3)));
    assert_ne!(opened(&bank, "again").await, id, "a closed case is not opened again");
    assert_eq!(cases::list(&bank.bank, true, None, 9).await.expect("no trouble").len(), 1);
    assert_eq!(cases::list(&bank.bank, false, None, 9).await.expect("no trouble").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_end_an_investigation_and_one_alone_does_not() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 5_000);
    let start = async |minor| {
        let bank_account = linked(&bank, &alice).await;
        let amount = Money::new(minor, cny()).expect("positive");
        let command = StartPayout { wallet: alice.wallet, bank_account, amount, channel: Channel::Api };
        let wish = Wish::internal(Principal::Customer(alice.id), "payouts.start");
        payouts::start(&bank.bank, wish, command).await.expect("no trouble").result.expect("it begins").id
    };
    let (lost, paid) = (start(1_000).await, start(2_000).await);
    bank.run_jobs();
    bank.clock.advance(86_400);
    bank.run_jobs();
    let open = cases::list(&bank.bank, true, None, 9).await.expect("no trouble");
    let case_of = |id: Id<kinds::Payout>| open.iter().find(|case| case.subject == id.to_string()).expect("a case").id;
    let staff = |number| Wish::internal(Principal::Staff(Id::from_u128(number)), "cases.decide");
    let propose = async |wish, id, finding, evidence| {
        let answer = cases::propose(&bank.bank, wish, id, (finding, closing("the bank wrote", evidence))).await;
        answer.expect("no trouble").result.map(|case| case.open).map_err(|refusal| refusal.code.as_str())
    };
    let approve = async |wish, id, finding| {
        let answer = cases::approve(&bank.bank, wish, id, finding).await.expect("no trouble");
        answer.result.map(|case| case.open).map_err(|refusal| refusal.code.as_str())
    };
    let (one, other) = (case_of(lost), case_of(paid));
    let (no, some) = (Finding::NotExecuted, |amount_minor| Finding::Executed { amount_minor, currency: 156 });
    let foreign = Finding::Executed { amount_minor: 5, currency: 978 };
    assert_eq!(propose(Wish::internal(Principal::System, "x"), one, no, "letter").await, Err("forbidden"));
    assert_eq!(propose(staff(1), one, no, "").await, Err("missing_field"));
    assert_eq!(propose(staff(1), Id::from_u128(4), no, "letter").await, Err("not_found"));
    assert_eq!(propose(staff(1), one, some(1_001), "letter").await, Err("invalid_field"));
    assert_eq!(approve(staff(2), one, no).await, Err("not_found"), "nothing is proposed yet");
    assert_eq!(propose(staff(1), one, foreign, "letter").await, Err("currency_mismatch"));
    assert_eq!(propose(staff(1), one, no, "letter").await, Ok(true));
    assert_eq!(approve(staff(2), one, some(1_000)).await, Err("invalid_field"), "that is not what is proposed");
    assert_eq!(propose(staff(1), other, some(2_000), "letter").await, Ok(true));
    assert_eq!(approve(staff(1), one, no).await, Err("forbidden"), "not the proposer");
    assert_eq!(bank.balance(alice.account.account).0, 2_000, "a proposal moves nothing");
    assert_eq!((approve(staff(2), one, no).await, approve(staff(2), other, some(2_000)).await), (Ok(false), Ok(false)));
    assert_eq!(
        (approve(staff(2), one, no).await, propose(staff(1), one, no, "letter").await),
        (Err("case_closed"), Err("case_closed"))
    );
    let state = async |id| payouts::find(&bank.bank, id).await.expect("no trouble").expect("it exists").state;
    assert_eq!((state(lost).await, state(paid).await), (PayoutState::Failed, PayoutState::Paid));
    assert_eq!(bank.balance(alice.account.account).0, 3_000);
    assert!(cases::list(&bank.bank, true, None, 9).await.expect("no trouble").is_empty());
}

#[test]
fn kinds_have_numbers_of_their_own() {
    for kind in CaseKind::ALL {
        assert_eq!(CaseKind::from_number(kind.number()), Some(kind));
    }
    assert_eq!((CaseKind::from_number(0), CaseKind::from_number(10)), (None, None));
}
