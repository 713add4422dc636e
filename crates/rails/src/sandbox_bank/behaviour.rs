//! How the sandbox bank behaves, by amount or by order, and what that means as a plan of events.
//!
//! A plan is a pure function of behaviour, instruction and moment: what is booked, reported and stated, and when.

use ports::{Behaviour, Instruction, Order};

/// Seconds after which a prompt bank answers.
const PROMPT: i64 = 1;
/// Seconds after which a silent bank's statement shows the booking.
const STATEMENT: i64 = 3_600;
/// Seconds that a slow bank takes when an amount asks for it.
const SLOW: u32 = 30;
/// Seconds after which a late bank executes when an amount asks for it: three days.
const LATE: u32 = 3 * 86_400;
/// Seconds after which money is taken back when an amount asks for it.
const RETURN: u32 = 60;

/// Amounts in minor units that choose a behaviour, for those who can only choose amounts: 900.01 to 900.12 in a currency
/// with two digits.
pub const MAGIC_AMOUNTS: &[(i64, Behaviour)] = &[
    (90_001, Behaviour::RejectFunds),
    (90_002, Behaviour::RejectClosed),
    (90_003, Behaviour::Slow(SLOW)),
    (90_004, Behaviour::Silent),
    (90_005, Behaviour::Dead),
    (90_006, Behaviour::Twice),
    (90_007, Behaviour::Late(LATE)),
    (90_008, Behaviour::Contradicting),
    (90_009, Behaviour::WrongAmount),
    (90_010, Behaviour::Returning(RETURN)),
    (90_011, Behaviour::AfterReturn(RETURN)),
    (90_012, Behaviour::Backwards(RETURN)),
];

/// The behaviour that an amount asks for, if any.
#[must_use]
pub fn magic(amount: i64) -> Option<Behaviour> {
    MAGIC_AMOUNTS.iter().find(|(minor, _)| *minor == amount).map(|(_, behaviour)| *behaviour)
}

/// Something the bank will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Move money between the outside account and ours, in the instruction's way, and state it (so many times).
    Book { amount: i64, lines: u8 },
    /// Move it back and state that.
    TakeBack { amount: i64 },
    /// Say that it was done.
    SayDone { amount: i64 },
    /// Say that it was not.
    SayRejected { reason: &'static str },
    /// Say that it was taken back.
    SayReturned { amount: i64 },
}

/// What the bank will do with an instruction: seconds from now, in order.
pub(crate) fn plan(behaviour: Behaviour, instruction: &Instruction) -> Vec<(i64, Deed)> {
    let amount = instruction.amount;
    let book = |seconds, amount, lines| (seconds, Deed::Book { amount, lines });
    let done = |seconds, amount| (seconds, Deed::SayDone { amount });
    let rejected = |seconds, reason| (seconds, Deed::SayRejected { reason });
    match behaviour {
        // What is not reached takes nothing, so it plans nothing: see `instruct`.
        Behaviour::Dead | Behaviour::Unreachable => Vec::new(),
        Behaviour::Prompt | Behaviour::AnswerLost => vec![book(PROMPT, amount, 1), done(PROMPT, amount)],
        Behaviour::Slow(seconds) => vec![book(seconds.into(), amount, 1), done(seconds.into(), amount)],
        Behaviour::Silent => vec![book(STATEMENT, amount, 1)],
        Behaviour::Twice => vec![book(PROMPT, amount, 2), done(PROMPT, amount), done(PROMPT + 1, amount)],
        Behaviour::Late(seconds) => {
            let late = PROMPT + i64::from(seconds);
            vec![rejected(PROMPT, "no answer from the account"), book(late, amount, 1), done(late, amount)]
        }
        Behaviour::Contradicting => {
            vec![book(PROMPT, amount, 1), done(PROMPT, amount), rejected(PROMPT + 1, "not executed")]
        }
        Behaviour::WrongAmount => {
            let other = (amount - 1).max(1);
            vec![book(PROMPT, other, 1), done(PROMPT, other)]
        }
        Behaviour::Returning(seconds) => {
            let back = PROMPT + i64::from(seconds);
            let said = (back, Deed::SayReturned { amount });
            vec![book(PROMPT, amount, 1), done(PROMPT, amount), (back, Deed::TakeBack { amount }), said]
        }
        Behaviour::AfterReturn(seconds) => {
            let late = PROMPT + i64::from(seconds);
            let back = (PROMPT, Deed::SayReturned { amount });
            vec![back, book(late, amount, 1), done(late, amount), done(late + 1, amount)]
        }
        Behaviour::Backwards(seconds) => {
            let late = PROMPT + i64::from(seconds);
            let back = (PROMPT, Deed::SayReturned { amount });
            vec![back, done(PROMPT, amount), book(late, amount, 1), (late, Deed::TakeBack { amount })]
        }
        Behaviour::RejectFunds => vec![rejected(PROMPT, "insufficient funds")],
        Behaviour::RejectClosed => vec![rejected(PROMPT, "account closed")],
    }
}

/// Whether money comes to us when an instruction is executed.
pub(crate) fn incoming(order: Order) -> bool {
    order == Order::Collect
}

/// The names under which behaviours are kept, with whether they know a time.
const NAMES: &[(&str, Behaviour)] = &[
    ("prompt", Behaviour::Prompt),
    ("slow", Behaviour::Slow(0)),
    ("silent", Behaviour::Silent),
    ("dead", Behaviour::Dead),
    ("twice", Behaviour::Twice),
    ("late", Behaviour::Late(0)),
    ("contradicting", Behaviour::Contradicting),
    ("wrong_amount", Behaviour::WrongAmount),
    ("returning", Behaviour::Returning(0)),
    ("after_return", Behaviour::AfterReturn(0)),
    ("backwards", Behaviour::Backwards(0)),
    ("reject_funds", Behaviour::RejectFunds),
    ("reject_closed", Behaviour::RejectClosed),
    ("unreachable", Behaviour::Unreachable),
    ("answer_lost", Behaviour::AnswerLost),
];

/// The behaviour as it is kept: name and seconds.
pub(crate) fn written(behaviour: Behaviour) -> (&'static str, u32) {
    let seconds = match behaviour {
        Behaviour::Slow(seconds)
        | Behaviour::Late(seconds)
        | Behaviour::Returning(seconds)
        | Behaviour::AfterReturn(seconds)
        | Behaviour::Backwards(seconds) => seconds,
        _ => 0,
    };
    let same = |known: &Behaviour| std::mem::discriminant(known) == std::mem::discriminant(&behaviour);
    let name = NAMES.iter().find(|(_, known)| same(known)).map_or("prompt", |(name, _)| name);
    (name, seconds)
}

/// The behaviour of a name.
pub(crate) fn read(name: &str, seconds: u32) -> Option<Behaviour> {
    let (_, found) = NAMES.iter().find(|(known, _)| *known == name)?;
    Some(match found {
        Behaviour::Slow(_) => Behaviour::Slow(seconds),
        Behaviour::Late(_) => Behaviour::Late(seconds),
        Behaviour::Returning(_) => Behaviour::Returning(seconds),
        Behaviour::AfterReturn(_) => Behaviour::AfterReturn(seconds),
        Behaviour::Backwards(_) => Behaviour::Backwards(seconds),
        other => *other,
    })
}
