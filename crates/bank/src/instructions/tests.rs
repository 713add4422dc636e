//! The table of decisions; what it does to money stands in the stories of top-ups and payouts.

use crate::cases::CaseKind;
use crate::instructions::Stage::{self, Created, Executed, Failed, Instructed, Returned, UnderInvestigation};
use crate::instructions::rules::{AtDeadline, Decision, Known, at_deadline, decide};
use crate::rail_feed::Source::{self, Report, Statement};
use ports::Outcome;

const ALL: [Stage; 6] = [Created, Instructed, UnderInvestigation, Failed, Executed, Returned];

fn known(stage: Stage, moved: i64) -> Known {
    Known { stage, asked: 100, moved, standing: false, stated: false, stated_back: None, let_go: false }
}

fn done(amount: i64) -> Outcome {
    Outcome::Done { amount }
}

fn rejected() -> Outcome {
    Outcome::Rejected { reason: String::new() }
}

fn returned(amount: i64) -> Outcome {
    Outcome::Returned { amount, reason: String::new() }
}

fn check(known: &Known, source: Source, table: &[(Outcome, Decision)]) {
    for (outcome, expected) in table {
        assert_eq!(decide(known, (outcome, source)), *expected, "{known:?} {source:?} {outcome:?}");
    }
}

const DIFFERS: Decision = Decision::Doubt(CaseKind::AmountDiffers);
const CONTRADICTS: Decision = Decision::Doubt(CaseKind::Contradiction);
const NOTHING: Decision = Decision::Nothing;

fn unwound() -> Decision {
    Decision::Unwind { reason: String::new() }
}

#[test]
fn before_the_end_every_word_leads_to_one() {
    let (fail, back) = (Decision::Fail { reason: String::new() }, Decision::FailReturned { reason: String::new() });
    for stage in [Created, Instructed, UnderInvestigation] {
        let table =
            [(done(100), Decision::Execute { amount: 100 }), (rejected(), fail.clone()), (returned(100), back.clone())];
        check(&known(stage, 0), Report, &table);
        check(&known(stage, 0), Statement, &table);
        check(&known(stage, 0), Report, &[(done(99), DIFFERS), (done(101), DIFFERS)]);
        check(&known(stage, 0), Statement, &[(done(99), Decision::Execute { amount: 99 }), (done(101), DIFFERS)]);
    }
}

#[test]
fn what_is_known_is_nothing_and_what_contradicts_it_is_for_people() {
    let undo = Decision::Undo { reason: String::new() };
    let table = [(done(100), NOTHING), (done(99), DIFFERS), (rejected(), CONTRADICTS), (returned(100), undo)];
    check(&known(Executed, 100), Report, &table);
    check(&known(Executed, 100), Statement, &table);
    check(&known(Executed, 100), Report, &[(returned(9), DIFFERS)]);
    check(&known(Failed, 0), Report, &[(rejected(), NOTHING), (returned(100), NOTHING)]);
    check(&known(Returned, 100), Report, &[(done(100), NOTHING), (rejected(), NOTHING), (returned(100), NOTHING)]);
}

#[test]
fn a_result_does_not_take_back_what_the_statement_shows() {
    let (undo, unwind) = (Decision::Undo { reason: String::new() }, unwound());
    for (standing, by_statement) in [(false, undo), (true, unwind)] {
        let shown = Known { stated: true, standing, ..known(Executed, 100) };
        check(&shown, Report, &[(returned(100), CONTRADICTS), (rejected(), CONTRADICTS), (done(100), NOTHING)]);
        check(&shown, Statement, &[(returned(100), by_statement)]);
    }
}

#[test]
fn executed_after_the_end_is_late_unless_the_statement_has_shown_both_ways() {
    let (late, after) = (|amount| Decision::ExecuteLate { amount }, |amount| Decision::ExecuteAfterReturn { amount });
    check(&known(Failed, 0), Report, &[(done(100), late(100)), (done(7), DIFFERS)]);
    check(&known(Failed, 0), Statement, &[(done(7), late(7))]);
    check(&known(Returned, 0), Report, &[(done(100), after(100)), (done(7), DIFFERS)]);
    check(&known(Returned, 0), Statement, &[(done(7), after(7))]);
    for stage in [Failed, Returned] {
        let shown = Known { stated_back: Some(100), ..known(stage, 0) };
        check(&shown, Report, &[(done(100), NOTHING)]);
        check(&shown, Statement, &[(done(100), NOTHING)]);
        let less = Known { stated_back: Some(60), ..known(stage, 0) };
        check(&less, Statement, &[(done(100), DIFFERS), (done(60), NOTHING)]);
    }
}

#[test]
fn what_stands_is_settled_by_the_statement_or_two_people() {
    let standing = |stage| Known { standing: true, ..known(stage, 100) };
    for stage in [UnderInvestigation, Executed] {
        check(&standing(stage), Report, &[(done(100), NOTHING), (returned(100), unwound()), (rejected(), CONTRADICTS)]);
    }
    check(&standing(Returned), Report, &[(done(100), NOTHING), (returned(100), NOTHING), (rejected(), NOTHING)]);
    for stage in [UnderInvestigation, Executed, Returned] {
        let table = [(done(100), NOTHING), (returned(100), unwound()), (rejected(), unwound())];
        check(&standing(stage), Statement, &table);
        check(&standing(stage), Statement, &[(done(99), DIFFERS), (returned(99), DIFFERS)]);
    }
}

#[test]
fn what_people_let_go_and_the_statement_takes_belongs_to_nothing() {
    let gone = Known { let_go: true, ..known(Returned, 100) };
    check(&gone, Report, &[(done(100), NOTHING), (returned(100), NOTHING), (rejected(), NOTHING)]);
    check(&gone, Statement, &[(done(100), NOTHING), (returned(100), Decision::Unmatched), (rejected(), NOTHING)]);
}

#[test]
fn an_absurd_amount_is_for_people_to_look_at_or_nothing() {
    for stage in ALL {
        for amount in [i64::MIN, -1, 0, 101, i64::MAX] {
            for source in [Report, Statement] {
                let decision = decide(&known(stage, 0), (&done(amount), source));
                let nothing_moved = stage == Executed && amount == 0;
                assert_eq!(decision, if nothing_moved { NOTHING } else { DIFFERS }, "{stage:?} {amount} {source:?}");
            }
        }
    }
}

#[test]
fn a_deadline_gives_up_only_what_was_never_handed_over() {
    for stage in ALL {
        let expected = match stage {
            Created => [AtDeadline::GiveUp, AtDeadline::Investigate],
            Instructed | UnderInvestigation => [AtDeadline::Investigate; 2],
            Failed | Executed | Returned => [AtDeadline::Nothing; 2],
        };
        assert_eq!([at_deadline(stage, false), at_deadline(stage, true)], expected, "{stage:?}");
        assert_eq!(Stage::from_number(stage as u8), Some(stage));
    }
    assert_eq!((Stage::from_number(0), Stage::from_number(7)), (None, None));
}
