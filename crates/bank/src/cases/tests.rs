//! What staff do with cases, and that a finding twice is one case.

use crate::cases::{self, CaseKind, Closing, NewCase};
use crate::testing::TestBank;
use crate::wish::{Principal, Wish};
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

#[test]
fn kinds_have_numbers_of_their_own() {
    for kind in CaseKind::ALL {
        assert_eq!(CaseKind::from_number(kind.number()), Some(kind));
    }
    assert_eq!((CaseKind::from_number(0), CaseKind::from_number(9)), (None, None));
}
