//! The sandbox bank's manners, one by one, and that its books survive a restart.

use super::{Behaviour, MAGIC_AMOUNTS, SandboxBank, magic};
use money::Currency;
use ports::{BankRail, Instruction, Manners, Order, Outcome, RailError, TellManners};
use std::path::Path;
use vocabulary::Timestamp;

const THEIRS: &str = "DE89370400440532013000";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000).plus_seconds(seconds)
}

fn cny() -> Currency {
    Currency::iso("CNY").expect("on the list")
}

fn instruction(id: &str, order: Order, amount: i64) -> Instruction {
    Instruction { end_to_end: id.to_owned(), order, account: THEIRS.to_owned(), amount, currency: cny() }
}

fn open(directory: &Path) -> SandboxBank {
    SandboxBank::open(directory).expect("opens")
}

fn told(bank: &SandboxBank, behaviour: Behaviour, left: Option<u32>) {
    bank.tell(Manners { behaviour, left }).expect("it listens");
}

fn outcomes(bank: &SandboxBank, seconds: i64) -> Vec<Outcome> {
    let reports = bank.reports(0, 100, at(seconds)).expect("answers");
    assert!(reports.iter().enumerate().all(|(place, report)| report.no == place as u64 + 1), "numbered without gaps");
    reports.into_iter().map(|report| report.outcome).collect()
}

/// Signed amounts of the statement of our account.
fn stated(bank: &SandboxBank, seconds: i64) -> Vec<i64> {
    let lines = bank.statement(0, 100, at(seconds)).expect("answers");
    lines.iter().map(|line| if line.incoming { line.amount } else { -line.amount }).collect()
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected { reason: reason.to_owned() }
}

#[test]
fn each_behaviour_reports_and_states_as_its_name_says() {
    let done = || Outcome::Done { amount: 500 };
    let returned = Outcome::Returned { amount: 500, reason: "returned by the account's holder".to_owned() };
    let table: Vec<(Behaviour, i64, Vec<Outcome>, Vec<i64>)> = vec![
        (Behaviour::Prompt, 0, vec![], vec![]),
        (Behaviour::Prompt, 1, vec![done()], vec![500]),
        (Behaviour::Slow(30), 29, vec![], vec![]),
        (Behaviour::Slow(30), 30, vec![done()], vec![500]),
        (Behaviour::Silent, 3_600, vec![], vec![500]),
        (Behaviour::Dead, 999_999, vec![], vec![]),
        (Behaviour::Twice, 2, vec![done(), done()], vec![500, 500]),
        (Behaviour::Late(60), 10, vec![rejected("no answer from the account")], vec![]),
        (Behaviour::Late(60), 61, vec![rejected("no answer from the account"), done()], vec![500]),
        (Behaviour::Contradicting, 2, vec![done(), rejected("not executed")], vec![500]),
        (Behaviour::WrongAmount, 1, vec![Outcome::Done { amount: 499 }], vec![499]),
        (Behaviour::Returning(60), 61, vec![done(), returned.clone()], vec![500, -500]),
        (Behaviour::AfterReturn(60), 60, vec![returned.clone()], vec![]),
        (Behaviour::AfterReturn(60), 62, vec![returned.clone(), done(), done()], vec![500]),
        (Behaviour::Backwards(60), 60, vec![returned.clone(), done()], vec![]),
        (Behaviour::Backwards(60), 61, vec![returned, done()], vec![500, -500]),
        (Behaviour::RejectFunds, 1, vec![rejected("insufficient funds")], vec![]),
        (Behaviour::RejectClosed, 1, vec![rejected("account closed")], vec![]),
    ];
    for (behaviour, seconds, says, states) in table {
        let directory = tempfile::tempdir().expect("a directory");
        let bank = open(directory.path());
        told(&bank, behaviour, None);
        bank.instruct(&instruction("e1", Order::Collect, 500), at(0)).expect("taken");
        assert_eq!(outcomes(&bank, seconds), says, "{behaviour:?} after {seconds} s");
        assert_eq!(stated(&bank, seconds), states, "{behaviour:?} after {seconds} s");
        let moved: i64 = if behaviour == Behaviour::Twice { 500 } else { states.iter().sum() };
        assert_eq!(bank.our_balance(156).expect("reads"), moved, "a line stated twice is money moved once");
    }
}

#[test]
fn an_id_is_executed_once_however_often_it_is_instructed() {
    let directory = tempfile::tempdir().expect("a directory");
    let bank = open(directory.path());
    for _ in 0..3 {
        bank.instruct(&instruction("e1", Order::Pay, 700), at(0)).expect("taken");
    }
    assert_eq!(stated(&bank, 9), vec![-700]);
    let other = bank.instruct(&instruction("e1", Order::Pay, 701), at(1));
    assert!(matches!(other, Err(RailError::Refused(_))), "the id names another instruction: {other:?}");
    assert_eq!(bank.balance(THEIRS, 156).expect("reads"), 1_000_000_700);
}

#[test]
fn a_lost_answer_leaves_an_instruction_that_the_bank_knows_and_a_dead_line_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let bank = open(directory.path());
    told(&bank, Behaviour::AnswerLost, Some(1));
    let lost = bank.instruct(&instruction("e1", Order::Pay, 5), at(0));
    told(&bank, Behaviour::Unreachable, Some(1));
    let down = bank.instruct(&instruction("e2", Order::Pay, 5), at(0));
    assert!(matches!(lost, Err(RailError::NoAnswer(_))));
    assert!(matches!(down, Err(RailError::Unreachable(_))));
    assert!(bank.knows("e1", at(1)).expect("answers"));
    assert!(!bank.knows("e2", at(1)).expect("answers"));
    assert_eq!(stated(&bank, 9), vec![-5]);
}

#[test]
fn books_plans_and_sequences_survive_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let bank = open(directory.path());
    told(&bank, Behaviour::Slow(10), Some(2));
    bank.instruct(&instruction("e1", Order::Collect, 500), at(0)).expect("taken");
    bank.book_stray(true, 42, 156, at(1)).expect("books");
    assert_eq!(stated(&bank, 1), vec![42]);
    drop(bank);
    let bank = open(directory.path());
    assert_eq!(bank.told().expect("reads"), Manners { behaviour: Behaviour::Slow(10), left: Some(1) });
    assert_eq!(outcomes(&bank, 10), vec![Outcome::Done { amount: 500 }]);
    assert_eq!(stated(&bank, 10), vec![42, 500]);
    assert_eq!(bank.our_balance(156).expect("reads"), 542);
}

#[test]
fn magic_amounts_choose_and_an_empty_account_gives_nothing() {
    assert_eq!(magic(90_004), Some(Behaviour::Silent));
    assert_eq!(magic(90_000), None);
    assert_eq!(MAGIC_AMOUNTS.len(), 12);
    let directory = tempfile::tempdir().expect("a directory");
    let bank = open(directory.path());
    bank.set_balance(THEIRS, 156, 99).expect("sets");
    bank.instruct(&instruction("e1", Order::Collect, 100), at(0)).expect("taken");
    bank.instruct(&instruction("e2", Order::Collect, 90_002), at(0)).expect("taken");
    told(&bank, Behaviour::RejectClosed, Some(1));
    bank.instruct(&instruction("e3", Order::Pay, 1), at(0)).expect("taken");
    let all = [rejected("insufficient funds"), rejected("insufficient funds"), rejected("account closed")];
    assert_eq!(outcomes(&bank, 5), all);
}

#[test]
fn what_it_is_told_for_some_instructions_ends_with_them_and_comes_before_magic() {
    let directory = tempfile::tempdir().expect("a directory");
    let bank = open(directory.path());
    told(&bank, Behaviour::RejectClosed, Some(2));
    for (id, amount) in [("e1", 1), ("e1", 1), ("e2", 90_001), ("e3", 1), ("e4", 90_001)] {
        bank.instruct(&instruction(id, Order::Pay, amount), at(0)).expect("taken");
    }
    let closed = || rejected("account closed");
    let done = Outcome::Done { amount: 1 };
    assert_eq!(outcomes(&bank, 5), [closed(), closed(), done, rejected("insufficient funds")], "twice e1 counts once");
    assert_eq!(bank.told().expect("reads"), Manners { behaviour: Behaviour::Prompt, left: None });
    told(&bank, Behaviour::Unreachable, Some(2));
    for no in 0..3 {
        let met = bank.instruct(&instruction("e5", Order::Pay, 1), at(6));
        assert_eq!(met.is_ok(), no == 2, "the line is down for two calls");
    }
    for (name, seconds) in [("slow", 7), ("late", 8), ("returning", 9), ("silent", 0), ("answer_lost", 0)] {
        let behaviour = super::behaviour::read(name, seconds).expect("a name");
        assert_eq!(super::behaviour::written(behaviour), (name, seconds));
    }
    assert_eq!(super::behaviour::read("polite", 0), None);
}
