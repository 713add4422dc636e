//! Payments by themselves: their sums, their states, their captures, refunds and disputes. I7 and I8.

use crate::difference::{Difference, Stop};
use crate::scan::Snapshot;
use sql::Row;
use std::fmt::Display;

/// States as stored.
mod state {
    pub(super) const HELD: i64 = 5;
    pub(super) const PARTIALLY_CAPTURED: i64 = 6;
    pub(super) const CAPTURED: i64 = 7;
    pub(super) const SUCCEEDED: i64 = 8;
    pub(super) const PARTIALLY_REFUNDED: i64 = 9;
    pub(super) const REFUNDED: i64 = 10;
    pub(super) const VOIDED: i64 = 11;
    pub(super) const EXPIRED: i64 = 12;
}

const AT_ONCE: i64 = 1;

struct Payment {
    id: u128,
    state: i64,
    method: i64,
    from: i64,
    to: i64,
    currency: i64,
    amount: i64,
    captured: i64,
    refunded: i64,
    waiting: i64,
    disputed: i64,
    charged_back: i64,
    refunds: i64,
    /// Fee, tax, and what of each was given back.
    fees: [i64; 4],
    entry: i64,
}

const SELECT: &str = "SELECT id, state, method, from_account, to_account, currency, amount, captured, refunded, waiting, \
    disputed, charged_back, refunds, fee, tax, fee_back, tax_back, entry FROM payment ORDER BY id";

fn read(row: &Row<'_>) -> Result<Payment, Stop> {
    Ok(Payment {
        id: row.u128(0)?,
        state: row.int(1)?,
        method: row.int(2)?,
        from: row.int(3)?,
        to: row.int(4)?,
        currency: row.int(5)?,
        amount: row.int(6)?,
        captured: row.int(7)?,
        refunded: row.int(8)?,
        waiting: row.int(9)?,
        disputed: row.int(10)?,
        charged_back: row.int(11)?,
        refunds: row.int(12)?,
        fees: [row.int(13)?, row.int(14)?, row.int(15)?, row.int(16)?],
        entry: row.int(17)?,
    })
}

impl Payment {
    fn that(
        &self,
        holds: bool,
        (invariant, column): (&'static str, &'static str),
        expected: impl Display,
        found: impl Display,
    ) -> Result<(), Stop> {
        if holds {
            return Ok(());
        }
        Err(Difference::new((invariant, "payment"), format!("{:032x}", self.id), column, expected, found).into())
    }

    fn same(&self, at: (&'static str, &'static str), expected: i64, found: i64) -> Result<(), Stop> {
        self.that(expected == found, at, expected, found)
    }

    /// What must be true of the numbers of one row.
    fn check_sums(&self) -> Result<(), Stop> {
        let all = [self.captured, self.refunded, self.waiting, self.disputed, self.charged_back, self.refunds];
        let positive = all.iter().chain(&self.fees).all(|number| *number >= 0);
        self.that(positive && self.amount > 0, ("I7", "amount"), "no number below zero", "one")?;
        self.that(self.captured <= self.amount, ("I7", "captured"), format!("at most {}", self.amount), self.captured)?;
        let gone: i128 = [self.refunded, self.waiting, self.disputed, self.charged_back].map(i128::from).iter().sum();
        let within = gone <= i128::from(self.captured);
        let at = ("I7", "refunded + waiting + disputed + charged_back");
        self.that(within, at, format!("at most {}", self.captured), gone)?;
        let [fee, tax, fee_back, tax_back] = self.fees;
        self.that(fee_back <= fee, ("I7", "fee_back"), format!("at most {fee}"), fee_back)?;
        self.that(tax_back <= tax, ("I7", "tax_back"), format!("at most {tax}"), tax_back)
    }

    /// The state follows from the numbers and from what became of the hold.
    fn check_state(&self, snapshot: &Snapshot) -> Result<(), Stop> {
        let back = self.refunded + self.charged_back;
        let returned = if back >= self.captured { state::REFUNDED } else { state::PARTIALLY_REFUNDED };
        if self.method == AT_ONCE {
            self.same(("I7", "captured"), self.amount, self.captured)?;
            let expected = if back > 0 { returned } else { state::SUCCEEDED };
            return self.same(("I8", "state"), expected, self.state);
        }
        let sql = "SELECT h.state FROM payment_hold p JOIN hold h ON h.id = p.entry WHERE p.payment = ?1";
        let hold = snapshot.number(sql, sql::params![&self.id.to_be_bytes()])?;
        let expected = match (hold, self.captured) {
            (1, 0) => state::HELD,
            (1, _) => state::PARTIALLY_CAPTURED,
            (3, 0) => state::VOIDED,
            (4, 0) => state::EXPIRED,
            (2..=4, 1..) if back > 0 => returned,
            (2..=4, 1..) => state::CAPTURED,
            _ => return self.that(false, ("I8", "state"), "a payment whose hold exists", format!("hold state {hold}")),
        };
        self.same(("I8", "state"), expected, self.state)
    }

    /// The entry that it names is its own and moved or held what it says, between its accounts.
    fn check_entry(&self, snapshot: &Snapshot) -> Result<(), Stop> {
        let sql = "SELECT j.cause, j.debit, j.credit, j.amount, a.book % 65536 FROM journal j \
            JOIN account a ON a.no = j.debit WHERE j.seq = ?1";
        let found = snapshot.connection.query_opt(sql, sql::params![self.entry], |row| {
            Ok((row.opt_u128(0)?, [row.int(1)?, row.int(2)?, row.int(4)?], row.int(3)?))
        })?;
        let Some((cause, places, amount)) = found else {
            return self.that(false, ("I2", "entry"), "a line of the journal", self.entry);
        };
        self.that(cause == Some(self.id), ("I2", "entry"), "an entry that it caused", self.entry)?;
        self.same(("I2", "from_account"), places[0], self.from)?;
        self.same(("I2", "to_account"), places[1], self.to)?;
        self.same(("I2", "currency"), places[2], self.currency)?;
        // A hold may hold the payer's fee on top.
        let enough = if self.method == AT_ONCE { amount == self.amount } else { amount >= self.amount };
        self.that(enough, ("I2", "amount"), amount, self.amount)
    }

    /// Captures, refunds and disputes add up to the row's sums. Returns how many there are of each.
    fn check_parts(&self, snapshot: &Snapshot) -> Result<[u64; 3], Stop> {
        let mut counts = [0; 3];
        if self.method != AT_ONCE {
            let mut sums = [0_i64; 3];
            self.each_part(
                snapshot,
                "SELECT amount, fee, tax, 0 FROM payment_capture WHERE payment = ?1",
                |part, _| {
                    counts[0] += 1;
                    sums = std::array::from_fn(|at| sums[at].saturating_add(part[at]));
                },
            )?;
            self.same(("I7", "captured"), sums[0], self.captured)?;
            self.same(("I7", "fee"), sums[1], self.fees[0])?;
            self.same(("I7", "tax"), sums[2], self.fees[1])?;
        }
        // By state: 1 waits, 2 succeeded, 3 failed.
        let (mut refunds, mut backs) = ([0_i64; 4], [0_i64; 2]);
        self.each_part(snapshot, "SELECT amount, fee, tax, state FROM refund WHERE payment = ?1", |part, state| {
            counts[1] += 1;
            refunds[state] = refunds[state].saturating_add(part[0]);
            backs = if state == 2 { [backs[0] + part[1], backs[1] + part[2]] } else { backs };
        })?;
        self.same(("I7", "refunded"), refunds[2], self.refunded)?;
        self.same(("I7", "waiting"), refunds[1], self.waiting)?;
        self.same(("I7", "fee_back"), backs[0], self.fees[2])?;
        self.same(("I7", "tax_back"), backs[1], self.fees[3])?;
        // By state: 1 open, 2 won by the merchant, 3 by the payer.
        let mut disputes = [0_i64; 4];
        self.each_part(snapshot, "SELECT amount, 0, 0, state FROM dispute WHERE payment = ?1", |part, state| {
            counts[2] += 1;
            disputes[state] = disputes[state].saturating_add(part[0]);
        })?;
        self.same(("I7", "disputed"), disputes[1], self.disputed)?;
        self.same(("I7", "charged_back"), disputes[3], self.charged_back)?;
        Ok(counts)
    }

    fn each_part(
        &self,
        snapshot: &Snapshot,
        sql: &'static str,
        mut visit: impl FnMut([i64; 3], usize),
    ) -> Result<(), Stop> {
        snapshot.scan("payment", sql, sql::params![&self.id.to_be_bytes()], |row| {
            let state: usize = row.small(3)?;
            visit([row.int(0)?, row.int(1)?, row.int(2)?], state.min(3));
            Ok(())
        })
    }
}

/// Checks every payment; parts that belong to none show in the counts.
pub(crate) fn check(snapshot: &Snapshot) -> Result<u64, Stop> {
    for table in ["payment", "payment_hold", "payment_capture", "refund", "dispute"] {
        if !snapshot.has_table(table)? {
            return Ok(0);
        }
    }
    let (mut payments, mut counts) = (0, [0_u64; 3]);
    snapshot.scan("payment", SELECT, &[], |row| {
        let payment = read(row)?;
        payment.check_sums()?;
        payment.check_entry(snapshot)?;
        payment.check_state(snapshot)?;
        let parts = payment.check_parts(snapshot)?;
        counts = std::array::from_fn(|at| counts[at] + parts[at]);
        payments += 1;
        Ok(())
    })?;
    let tables = [
        ("payment_capture", "SELECT count(*) FROM payment_capture"),
        ("refund", "SELECT count(*) FROM refund"),
        ("dispute", "SELECT count(*) FROM dispute"),
    ];
    for ((table, sql), of_payments) in tables.into_iter().zip(counts) {
        let rows = u64::try_from(snapshot.number(sql, &[])?).unwrap_or(0);
        if rows != of_payments {
            return Err(Difference::new(("I7", table), "all", "count", of_payments, rows).into());
        }
    }
    Ok(payments)
}
