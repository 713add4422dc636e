//! An entry whose id was posted before: the same, or a conflict that names the first difference.
//!
//! Amounts are compared with the lines: an "as much as is available" step is the same when what it came to is within what is
//! asked now, a capture of "all" when it released nothing beyond what it moved. Only a forced entry's lines do not tell what
//! its steps asked for (a shortfall is a line of its own), so there the amounts that the books kept are compared.

use crate::books::StoredEntry;
use crate::entry::{Entry, Line, Posted, PostedLine, Step, UpTo};
use crate::refusal::{Difference, Refusal};

/// What was posted then, or the first difference, in the order of [`Difference`].
pub(crate) fn compare(new: &Entry, stored: &StoredEntry) -> Result<Posted, Refusal> {
    match difference(new, stored) {
        Some(difference) => Err(Refusal::Exists(difference)),
        None => Ok(repeated(stored)),
    }
}

fn repeated(stored: &StoredEntry) -> Posted {
    let of = |line: &Line| PostedLine {
        seq: line.seq,
        amount: line.amount,
        debit_after: line.debit_after,
        credit_after: line.credit_after,
    };
    let entry = stored.lines.first().map_or(0, |line| line.entry);
    Posted { entry, repeated: true, lines: stored.lines.iter().map(of).collect() }
}

fn difference(new: &Entry, stored: &StoredEntry) -> Option<Difference> {
    let old = &stored.entry;
    if new.forced != old.forced || new.steps.len() != old.steps.len() {
        return Some(Difference::Shape);
    }
    let mut steps = new.steps.iter().zip(&old.steps).zip(&stored.lines);
    if let Some(first) = steps.find_map(|((new, old), line)| step(new, (old, stored.entry.forced), line)) {
        return Some(first);
    }
    let fields = [
        (Difference::Cause, new.cause == old.cause),
        (Difference::Actor, new.actor == old.actor),
        (Difference::Policy, new.policy == old.policy),
        (Difference::Kind, new.kind == old.kind),
        (Difference::Version, new.version == old.version),
        (Difference::Channel, new.channel == old.channel),
        (Difference::Reverses, new.reverses == old.reverses),
    ];
    fields.into_iter().find(|(_, same)| !same).map(|(difference, _)| difference)
}

fn step(new: &Step, (old, forced): (&Step, bool), line: &Line) -> Option<Difference> {
    match (*new, *old) {
        (
            Step::Post { debit, credit, amount, up_to, count },
            Step::Post { debit: debit_old, credit: credit_old, amount: amount_old, up_to: up_to_old, count: count_old },
        ) => first_of([
            (Difference::Shape, (up_to, count) == (up_to_old, count_old)),
            (Difference::Debit, debit == debit_old),
            (Difference::Credit, credit == credit_old),
            (Difference::Amount, if forced { amount == amount_old } else { same_amount(amount, up_to, line) }),
        ]),
        (
            Step::Hold { debit, credit, amount, up_to, seconds, count },
            Step::Hold {
                debit: debit_old,
                credit: credit_old,
                amount: amount_old,
                up_to: up_to_old,
                seconds: seconds_old,
                count: count_old,
            },
        ) => first_of([
            (Difference::Shape, (up_to, count) == (up_to_old, count_old)),
            (Difference::Seconds, seconds == seconds_old),
            (Difference::Debit, debit == debit_old),
            (Difference::Credit, credit == credit_old),
            (Difference::Amount, if forced { amount == amount_old } else { same_amount(amount, up_to, line) }),
        ]),
        (Step::Capture { hold, amount, last }, Step::Capture { hold: hold_old, last: last_old, .. }) => first_of([
            (Difference::Shape, same_end(last, last_old, line)),
            (Difference::Hold, hold == hold_old),
            (Difference::Amount, amount.unwrap_or(line.released) == line.amount),
        ]),
        (Step::Void { hold }, Step::Void { hold: old }) | (Step::Expire { hold }, Step::Expire { hold: old }) => {
            (hold != old).then_some(Difference::Hold)
        }
        (
            Step::Post { .. } | Step::Hold { .. } | Step::Capture { .. } | Step::Void { .. } | Step::Expire { .. },
            Step::Post { .. } | Step::Hold { .. } | Step::Capture { .. } | Step::Void { .. } | Step::Expire { .. },
        ) => Some(Difference::Shape),
    }
}

fn first_of<const N: usize>(checks: [(Difference, bool); N]) -> Option<Difference> {
    checks.into_iter().find(|(_, same)| !same).map(|(difference, _)| difference)
}

fn same_amount(asked: i64, up_to: UpTo, line: &Line) -> bool {
    if up_to == UpTo::default() { asked == line.amount } else { asked >= line.amount }
}

/// Whether the capture was the last or not cannot be told from a line that released just what it moved.
fn same_end(last: bool, last_old: bool, line: &Line) -> bool {
    last == last_old || line.released == line.amount
}
