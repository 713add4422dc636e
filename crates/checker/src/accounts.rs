//! The account table against the fold of the journal: counters, chains, sums of each book.

use crate::BookSum;
use crate::difference::{Difference, Place, Stop};
use crate::journal::{Line, action};
use crate::limits::Groups;
use crate::scan::Snapshot;
use crate::slices;
use money::Currency;
use std::collections::BTreeMap;

/// Four sums from which every balance follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    debits_posted: i64,
    credits_posted: i64,
    debits_pending: i64,
    credits_pending: i64,
}

/// Which side of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Debit = 0,
    Credit = 1,
}

/// What the table says of an account, and what the journal has said so far.
pub(crate) struct Account {
    no: i64,
    pub(crate) book: u32,
    /// Debits increase it.
    debit_normal: bool,
    floor: Option<i64>,
    frozen: bool,
    pub(crate) groups: [i64; 2],
    table: Counters,
    table_last: i64,
    compared: bool,
    fold: Counters,
    pub(crate) last: i64,
}

impl Account {
    /// The posted and held balance in the account's normal direction.
    fn balance(&self) -> (i64, i64) {
        let counters = &self.fold;
        if self.debit_normal {
            (counters.debits_posted - counters.credits_posted, counters.credits_pending)
        } else {
            (counters.credits_posted - counters.debits_posted, counters.debits_pending)
        }
    }

    fn place(&self) -> Place {
        Place { invariant: "I5", table: "account_slice", row: self.no }
    }

    /// The row must equal the fold when the fold has come to the row's line.
    fn compare(&mut self) -> Result<(), Stop> {
        let (place, table, fold) = (self.place(), &self.table, &self.fold);
        place.same("debits_posted", fold.debits_posted, table.debits_posted)?;
        place.same("credits_posted", fold.credits_posted, table.credits_posted)?;
        place.same("debits_pending", fold.debits_pending, table.debits_pending)?;
        place.same("credits_pending", fold.credits_pending, table.credits_pending)?;
        self.compared = true;
        Ok(())
    }

    fn apply(&mut self, line: &Line, side: Side, watermark: i64) -> Result<(), Stop> {
        let place = Place::journal("I5", line.seq);
        if self.last == self.table_last {
            self.compare()?;
            // A start folds only from the watermark on: an earlier line that the row lacks would be lost.
            let expected = || format!("at least the last line before the watermark {watermark} ({})", line.seq);
            self.place().that(line.seq >= watermark, "last", expected(), self.table_last)?;
        }
        let prev_column = ["debit_prev", "credit_prev"][side as usize];
        place.same(prev_column, self.last, line.prev[side as usize])?;
        let (posted, pending) = match side {
            Side::Debit => (&mut self.fold.debits_posted, &mut self.fold.debits_pending),
            Side::Credit => (&mut self.fold.credits_posted, &mut self.fold.credits_pending),
        };
        let (moved, held) = match line.action {
            action::POST => (line.amount, 0),
            action::HOLD => (0, line.amount),
            action::CAPTURE => (line.amount, -line.released),
            _ => (0, -line.released),
        };
        let range = |sum: Option<i64>| sum.filter(|sum| *sum >= 0);
        let sums = range(posted.checked_add(moved)).zip(range(pending.checked_add(held)));
        let Some((new_posted, new_pending)) = sums else {
            return Err(place.differs("amount", "sums from 0 to 2^63 - 1", line.amount));
        };
        (*posted, *pending) = (new_posted, new_pending);
        self.last = line.seq;
        let (posted, held) = self.balance();
        place.same(["debit_posted", "credit_posted"][side as usize], posted, line.after[side as usize].0)?;
        place.same(["debit_held", "credit_held"][side as usize], held, line.after[side as usize].1)
    }

    /// I6: a movement that takes from the account must leave it at its floor or above.
    fn check_floor(&self, line: &Line, side: Side) -> Result<(), Stop> {
        let takes = self.debit_normal == (side == Side::Credit);
        let Some(floor) = self.floor.filter(|_| takes && !self.frozen) else { return Ok(()) };
        let (posted, held) = self.balance();
        let left = i128::from(posted) - i128::from(held);
        let place = Place::journal("I6", line.seq);
        let column = ["debit", "credit"][side as usize];
        let found = format!("{left} on account {}", self.no);
        place.that(left >= i128::from(floor), column, format!("at least {floor} available"), found)
    }
}

/// All accounts, by number.
pub(crate) struct Accounts {
    /// The first is number 1.
    rows: Vec<Account>,
    watermark: i64,
    /// The first account whose terms in its slice are others than in its row: told last, because what the rules of money say
    /// about either tells more.
    terms: Option<Stop>,
}

const SELECT: &str = "SELECT no, book, class, floor, freezes, frozen, group_own, group_owner, receivable, closed FROM account \
    ORDER BY no";

/// An account's terms in the order of its slice: bits (class, then 8 for a floor, 16 and 32 for debits and credits frozen, 64
/// for closed), book, floor, frozen amount, own and owner's limit group, receivable.
type Terms = [i64; 7];
const TERMS: [&str; 7] = ["class", "book", "floor", "frozen", "group_own", "group_owner", "receivable"];

impl Accounts {
    /// Reads the tables; numbers have no gaps, references lead somewhere.
    pub(crate) fn read(snapshot: &Snapshot, groups: &Groups) -> Result<Self, Stop> {
        let mut rows: Vec<Account> = Vec::new();
        let mut receivables = Vec::new();
        let mut all_terms: Vec<Terms> = Vec::new();
        snapshot.scan("account", SELECT, &[], |row| {
            let no = row.int(0)?;
            let place = Place { invariant: "form", table: "account", row: no };
            let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            place.same("no", count + 1, no)?;
            let class = row.int(2)?;
            place.that((1..=5).contains(&class), "class", "1 to 5", class)?;
            for (column, at) in [("group_own", 6), ("group_owner", 7)] {
                let group = row.int(at)?;
                place.that(group == 0 || groups.knows(group), column, "a limit group", group)?;
            }
            if row.int(8)? != 0 {
                receivables.push((no, row.int(8)?));
            }
            let (floor, freeze) = (row.opt_int(3)?, row.int(4)?);
            place.that((0..4).contains(&freeze), "freezes", "0 to 3", freeze)?;
            place.that((0..2).contains(&row.int(9)?), "closed", "0 or 1", row.int(9)?)?;
            let bits = class | i64::from(floor.is_some()) << 3 | freeze << 4 | row.int(9)? << 6;
            all_terms.push([bits, row.int(1)?, floor.unwrap_or(0), row.int(5)?, row.int(6)?, row.int(7)?, row.int(8)?]);
            rows.push(Account {
                no,
                book: row.small(1)?,
                debit_normal: class == 1 || class == 5,
                floor,
                frozen: freeze != 0 || row.int(5)? != 0,
                groups: [row.int(6)?, row.int(7)?],
                table: Counters::default(),
                table_last: 0,
                compared: false,
                fold: Counters::default(),
                last: 0,
            });
            Ok(())
        })?;
        let (terms, count) = read_slices(snapshot, &mut rows, &all_terms)?;
        let read = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Place { invariant: "form", table: "account_slice", row: count + 1 }.same("rows", read, count)?;
        let accounts = Self { rows, watermark: snapshot.watermark("accounts")?, terms };
        for (no, receivable) in receivables {
            let place = Place { invariant: "form", table: "account", row: no };
            let book = accounts.get(no).map(|account| account.book);
            let other = accounts.get(receivable).map(|account| account.book);
            place.that(book == other, "receivable", "an account of the same book", receivable)?;
        }
        Ok(accounts)
    }

    pub(crate) fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    pub(crate) fn get(&self, no: i64) -> Option<&Account> {
        self.rows.get(usize::try_from(no.checked_sub(1)?).ok()?)
    }

    fn get_mut(&mut self, no: i64) -> Option<&mut Account> {
        self.rows.get_mut(usize::try_from(no.checked_sub(1)?).ok()?)
    }

    /// Folds a line into both its accounts.
    pub(crate) fn apply(&mut self, line: &Line) -> Result<(), Stop> {
        let place = Place::journal("I5", line.seq);
        let watermark = self.watermark;
        for (side, no) in [(Side::Debit, line.debit), (Side::Credit, line.credit)] {
            let column = ["debit", "credit"][side as usize];
            let Some(account) = self.get_mut(no) else {
                return Err(place.differs(column, "an account", no));
            };
            account.apply(line, side, watermark)?;
        }
        let books = [line.debit, line.credit].map(|no| self.get(no).map(|account| account.book));
        Place::journal("I1", line.seq).same("credit", books[0], books[1])
    }

    /// I6 for a line that is not forced.
    pub(crate) fn check_floors(&self, line: &Line) -> Result<(), Stop> {
        for (side, no) in [(Side::Debit, line.debit), (Side::Credit, line.credit)] {
            if let Some(account) = self.get(no) {
                account.check_floor(line, side)?;
            }
        }
        Ok(())
    }

    /// After the last line: every row has been compared, none claims a line that is not its own.
    pub(crate) fn finish(&mut self, lines: u64) -> Result<(), Stop> {
        let end = i64::try_from(lines).unwrap_or(i64::MAX).saturating_add(1);
        let place = Place { invariant: "form", table: "watermark", row: 0 };
        place.that(self.watermark <= end, "accounts", format!("at most {end}"), self.watermark)?;
        for account in &mut self.rows {
            if account.last == account.table_last {
                account.compare()?;
            }
            let expected = format!("a line of the account, such as its last ({})", account.last);
            account.place().that(account.compared, "last", expected, account.table_last)?;
        }
        self.terms.take().map_or(Ok(()), Err)
    }

    /// What is held on the account's two sides, for comparison with the holds.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (i64, [i64; 2])> + '_ {
        self.rows.iter().map(|account| (account.no, [account.fold.debits_pending, account.fold.credits_pending]))
    }

    /// The sums of each book.
    pub(crate) fn sums(&self) -> Vec<BookSum> {
        let mut books: BTreeMap<u32, BookSum> = BTreeMap::new();
        for account in &self.rows {
            let (entity, currency) = ((account.book >> 16) as u16, (account.book & 0xFFFF) as u16);
            let code = || Currency::iso_number(currency).map_or(currency.to_string(), |iso| iso.code().to_owned());
            let sum = books.entry(account.book).or_insert_with(|| BookSum {
                entity,
                currency,
                code: code(),
                accounts: 0,
                debits: 0,
                credits: 0,
            });
            sum.accounts += 1;
            sum.debits += i128::from(account.fold.debits_posted);
            sum.credits += i128::from(account.fold.credits_posted);
        }
        books.into_values().collect()
    }
}

/// Reads each account's counters from its slice; returns the first whose terms are others than in its row, and how many rows
/// there are.
fn read_slices(snapshot: &Snapshot, rows: &mut [Account], all_terms: &[Terms]) -> Result<(Option<Stop>, i64), Stop> {
    let mut terms = None;
    let count = slices::each(snapshot, "account_slice", |no, numbers| {
        let place = Place { invariant: "form", table: "account_slice", row: no };
        let account = usize::try_from(no - 1).ok().and_then(|at| rows.get_mut(at).zip(all_terms.get(at)));
        let Some((account, expected)) = account else { return Err(place.differs("no", "an account", no)) };
        let found: Terms = [
            numbers.unsigned()?,
            numbers.unsigned()?,
            numbers.signed()?,
            numbers.signed()?,
            numbers.unsigned()?,
            numbers.unsigned()?,
            numbers.unsigned()?,
        ];
        for (at, column) in TERMS.into_iter().enumerate() {
            let compared = place.same(column, expected[at], found[at]);
            terms = terms.take().or(compared.err());
        }
        account.table = Counters {
            debits_posted: numbers.signed()?,
            credits_posted: numbers.signed()?,
            debits_pending: numbers.signed()?,
            credits_pending: numbers.signed()?,
        };
        account.table_last = numbers.unsigned()?;
        Ok(())
    })?;
    Ok((terms, count))
}

/// I1: in each book debits equal credits.
pub(crate) fn check_sums(books: &[BookSum]) -> Result<(), Stop> {
    let Some(book) = books.iter().find(|book| book.debits != book.credits) else { return Ok(()) };
    let row = format!("book {} of entity {}", book.code, book.entity);
    Err(Difference::new(("I1", "account"), row, "sum", book.debits, book.credits).into())
}
