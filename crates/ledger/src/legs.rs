//! Entries of many legs: from debits and credits that balance in every book to steps that each move one amount.

use crate::account::{AccountNo, BookNo, Side};
use crate::entry::{Count, Entry, Step, UpTo};
use crate::refusal::{Refusal, Sum};

/// One leg: account, side, minor units, the account's book.
pub type Leg = (AccountNo, Side, i64, BookNo);

impl Entry {
    /// The steps that post these legs: each account's legs are taken together, then what debits and credits of a book have in
    /// common is paired, equal amounts first; so there are fewer steps than accounts. They do not count toward limits.
    ///
    /// # Errors
    /// [`Refusal::AmountNotPositive`] when an amount is negative or nothing would move, [`Refusal::Overflow`] when an
    /// account's legs exceed the range, [`Refusal::Unbalanced`] when a book's debits and credits differ.
    pub fn from_legs(legs: &[Leg]) -> Result<Vec<Step>, Refusal> {
        if legs.iter().any(|leg| leg.2 < 0) {
            return Err(Refusal::AmountNotPositive);
        }
        let mut books: Vec<BookNo> = Vec::new();
        for leg in legs {
            if !books.contains(&leg.3) {
                books.push(leg.3);
            }
        }
        if let Some(book) = books.iter().find(|book| sum(legs, **book) != 0) {
            return Err(Refusal::Unbalanced(*book));
        }
        let mut steps = Vec::with_capacity(legs.len());
        for book in books {
            let (debits, credits) = net(legs, book)?;
            pair(debits, credits, &mut steps);
        }
        if steps.is_empty() { Err(Refusal::AmountNotPositive) } else { Ok(steps) }
    }
}

fn signed(leg: &Leg) -> i128 {
    match leg.1 {
        Side::Debit => i128::from(leg.2),
        Side::Credit => -i128::from(leg.2),
    }
}

fn sum(legs: &[Leg], book: BookNo) -> i128 {
    legs.iter().filter(|leg| leg.3 == book).map(signed).sum()
}

/// Accounts with what each is owed, in order of appearance.
type Amounts = Vec<(AccountNo, i64)>;

fn net(legs: &[Leg], book: BookNo) -> Result<(Amounts, Amounts), Refusal> {
    let mut nets: Vec<(AccountNo, i128)> = Vec::new();
    for leg in legs.iter().filter(|leg| leg.3 == book) {
        match nets.iter_mut().find(|(account, _)| *account == leg.0) {
            Some((_, amount)) => *amount += signed(leg),
            None => nets.push((leg.0, signed(leg))),
        }
    }
    let (mut debits, mut credits) = (Vec::new(), Vec::new());
    for (account, amount) in nets {
        let size = i64::try_from(amount.unsigned_abs()).map_err(|_| Refusal::Overflow(Sum::Legs))?;
        if amount > 0 {
            debits.push((account, size));
        } else if amount < 0 {
            credits.push((account, size));
        }
    }
    Ok((debits, credits))
}

fn pair(mut debits: Amounts, mut credits: Amounts, steps: &mut Vec<Step>) {
    debits.retain(|&(debit, amount)| {
        let Some(at) = credits.iter().position(|credit| credit.1 == amount) else { return true };
        let (credit, _) = credits.remove(at);
        steps.push(moving(debit, credit, amount));
        false
    });
    let (mut debits, mut credits) = (debits.into_iter(), credits.into_iter());
    let (mut debit, mut credit) = (debits.next(), credits.next());
    while let (Some((from, owed)), Some((to, due))) = (debit, credit) {
        let amount = owed.min(due);
        steps.push(moving(from, to, amount));
        debit = if owed == amount { debits.next() } else { Some((from, owed - amount)) };
        credit = if due == amount { credits.next() } else { Some((to, due - amount)) };
    }
}

fn moving(debit: AccountNo, credit: AccountNo, amount: i64) -> Step {
    Step::Post { debit, credit, amount, up_to: UpTo::default(), count: Count::No }
}
