//! An entry whose id was posted before: the same, or a conflict that names the first difference.
//!
//! Amounts are compared with the lines, never with the stored steps, so that it does not matter whether the books keep the
//! amounts asked for: an "as much as is available" step is the same when what it came to is within what is asked now, a
//! capture of "all" when it released nothing beyond what it moved, a forced entry when its lines add up to what is asked.

use crate::books::StoredEntry;
use crate::entry::{Action, Entry, Line, Posted, PostedLine, Step, UpTo};
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
    let by_sum = |difference: &Difference| !(old.forced && *difference == Difference::Amount);
    let mut steps = new.steps.iter().zip(&old.steps).zip(&stored.lines);
    if let Some(first) = steps.find_map(|((new, old), line)| step(new, old, line).filter(by_sum)) {
        return Some(first);
    }
    if old.forced && !same_sum(new, &stored.lines) {
        return Some(Difference::Amount);
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

/// Whether the lines, shortfalls among them, add up to what is asked; to at most that when a step bounds its amount.
fn same_sum(entry: &Entry, lines: &[Line]) -> bool {
    let (mut asked, mut bounded) = (0, false);
    for step in &entry.steps {
        match *step {
            Step::Post { amount, up_to, .. } | Step::Hold { amount, up_to, .. } => {
                asked += i128::from(amount);
                bounded |= up_to != UpTo::default();
            }
            Step::Capture { .. } | Step::Void { .. } | Step::Expire { .. } => {}
        }
    }
    if bounded { asked >= moved(lines) } else { asked == moved(lines) }
}

fn moved(lines: &[Line]) -> i128 {
    let amount = |line: &Line| match line.action {
        Action::Post | Action::Hold => i128::from(line.amount),
        Action::Capture | Action::Void | Action::Expire => 0,
    };
    lines.iter().map(amount).sum()
}

fn step(new: &Step, old: &Step, line: &Line) -> Option<Difference> {
    match (*new, *old) {
        (
            Step::Post { debit, credit, amount, up_to, count },
            Step::Post { debit: debit_old, credit: credit_old, up_to: up_to_old, count: count_old, .. },
        ) => first_of([
            (Difference::Shape, (up_to, count) == (up_to_old, count_old)),
            (Difference::Debit, debit == debit_old),
            (Difference::Credit, credit == credit_old),
            (Difference::Amount, same_amount(amount, up_to, line)),
        ]),
        (
            Step::Hold { debit, credit, amount, up_to, seconds, count },
            Step::Hold {
                debit: debit_old,
                credit: credit_old,
                up_to: up_to_old,
                seconds: seconds_old,
                count: count_old,
                ..
            },
        ) => first_of([
            (Difference::Shape, (up_to, count) == (up_to_old, count_old)),
            (Difference::Seconds, seconds == seconds_old),
            (Difference::Debit, debit == debit_old),
            (Difference::Credit, credit == credit_old),
            (Difference::Amount, same_amount(amount, up_to, line)),
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
