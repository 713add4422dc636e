//! Holds: what the journal says became of each, against the hold table. Only open ones are kept in memory.

use crate::accounts::Accounts;
use crate::difference::{Difference, Place, Stop};
use crate::journal::{Header, Line, action};
use crate::scan::Snapshot;
use std::collections::HashMap;

/// States as stored; each is final but the first.
mod state {
    pub(super) const OPEN: i64 = 1;
    pub(super) const CAPTURED: i64 = 2;
    pub(super) const VOIDED: i64 = 3;
    pub(super) const EXPIRED: i64 = 4;
}

/// A hold as the journal tells it; also the shape of the table's row.
#[derive(Clone, Copy)]
struct Hold {
    id: u128,
    seq: i64,
    debit: i64,
    credit: i64,
    amount: i64,
    remaining: i64,
    captured: i64,
    state: i64,
    expires: Option<i64>,
    counted: Option<i64>,
}

/// The open holds, by the line that placed them.
#[derive(Default)]
pub(crate) struct Holds {
    open: HashMap<i64, Hold>,
    placed: u64,
}

fn row_of(snapshot: &Snapshot, id: u128) -> Result<Option<Hold>, Stop> {
    let sql =
        "SELECT id, seq, debit, credit, amount, remaining, captured, state, expires, counted FROM hold WHERE id = ?1";
    let found = snapshot.connection.query_opt(sql, sql::params![&id.to_be_bytes()], |row| {
        Ok(Hold {
            id: row.u128(0)?,
            seq: row.int(1)?,
            debit: row.int(2)?,
            credit: row.int(3)?,
            amount: row.int(4)?,
            remaining: row.int(5)?,
            captured: row.int(6)?,
            state: row.int(7)?,
            expires: row.opt_int(8)?,
            counted: row.opt_int(9)?,
        })
    })?;
    Ok(found)
}

impl Hold {
    /// The table's row must say the same.
    fn compare(&self, snapshot: &Snapshot) -> Result<(), Stop> {
        let place = Place { invariant: "I7", table: "hold", row: self.seq };
        let Some(found) = row_of(snapshot, self.id)? else {
            return Err(place.differs("id", format!("a row for entry {:032x}", self.id), "none"));
        };
        place.same("seq", self.seq, found.seq)?;
        place.same("debit", self.debit, found.debit)?;
        place.same("credit", self.credit, found.credit)?;
        place.same("amount", self.amount, found.amount)?;
        place.same("remaining", self.remaining, found.remaining)?;
        place.same("captured", self.captured, found.captured)?;
        Place { invariant: "I8", ..place }.same("state", self.state, found.state)?;
        place.same("expires", self.expires, found.expires)?;
        place.same("counted", self.counted, found.counted)
    }

    /// Folds the line of a capture, void or expiry.
    fn end(&mut self, line: &Line, header: &Header) -> Result<(), Stop> {
        let (sums, states) = (Place::journal("I7", line.seq), Place::journal("I8", line.seq));
        sums.same("debit", self.debit, line.debit)?;
        sums.same("credit", self.credit, line.credit)?;
        let within = line.released <= self.remaining;
        sums.that(within, "released", format!("at most {}", self.remaining), line.released)?;
        let over = self.expires.is_some_and(|at| at <= header.at);
        let expected = || format!("a time {} {}", if over { "before" } else { "from" }, self.expires.unwrap_or(0));
        states.that(over == (line.action == action::EXPIRE), "at", expected(), header.at)?;
        if line.action != action::CAPTURE {
            sums.same("released", self.remaining, line.released)?;
        }
        let unused = line.released - line.amount;
        let given_back = self.counted.filter(|_| unused > 0).map_or(0, |day| day + 2);
        sums.same("counted", given_back, line.counted)?;
        self.remaining -= line.released;
        self.captured += line.amount;
        match line.action {
            action::CAPTURE if self.remaining > 0 => {}
            action::CAPTURE => self.state = state::CAPTURED,
            action::VOID => self.state = state::VOIDED,
            _ => self.state = state::EXPIRED,
        }
        Ok(())
    }
}

impl Holds {
    /// Folds a line.
    pub(crate) fn apply(&mut self, snapshot: &Snapshot, line: &Line, header: &Header) -> Result<(), Stop> {
        match line.action {
            action::POST => return Ok(()),
            action::HOLD => return self.place(line, header),
            _ => {}
        }
        let place = Place::journal("I8", line.seq);
        let Some(hold) = self.open.get_mut(&line.hold) else {
            return Err(place.differs("hold", "the line of a hold that is open", line.hold));
        };
        hold.end(line, header)?;
        if hold.state != state::OPEN {
            let hold = *hold;
            self.open.remove(&line.hold);
            hold.compare(snapshot)?;
        }
        Ok(())
    }

    fn place(&mut self, line: &Line, header: &Header) -> Result<(), Stop> {
        let expires = line.seconds.map(|seconds| header.at.saturating_add(seconds.saturating_mul(1_000_000)));
        let hold = Hold {
            id: header.id,
            seq: line.seq,
            debit: line.debit,
            credit: line.credit,
            amount: line.amount,
            remaining: line.amount,
            captured: 0,
            state: state::OPEN,
            expires,
            counted: (line.counted == 1).then_some(line.day),
        };
        self.placed += 1;
        self.open.insert(line.seq, hold);
        Ok(())
    }

    /// After the last line: open holds stand in the table, nothing else does, and what accounts hold is what holds hold.
    /// Returns how many holds there are, and how many are open.
    pub(crate) fn finish(self, snapshot: &Snapshot, accounts: &Accounts) -> Result<(u64, u64), Stop> {
        let mut held: HashMap<i64, [i64; 2]> = HashMap::new();
        let mut open: Vec<&Hold> = self.open.values().collect();
        open.sort_unstable_by_key(|hold| hold.seq);
        for hold in open {
            hold.compare(snapshot)?;
            let debit = &mut held.entry(hold.debit).or_default()[0];
            *debit = debit.saturating_add(hold.remaining);
            let credit = &mut held.entry(hold.credit).or_default()[1];
            *credit = credit.saturating_add(hold.remaining);
        }
        for (no, pending) in accounts.pending() {
            let expected = held.get(&no).copied().unwrap_or_default();
            let place = Place { invariant: "I7", table: "account", row: no };
            place.same("debits_pending", expected[0], pending[0])?;
            place.same("credits_pending", expected[1], pending[1])?;
        }
        self.check_ghosts(snapshot)?;
        Ok((self.placed, self.open.len() as u64))
    }

    /// Every hold of the journal has its row by now, so more rows mean one that nobody placed.
    fn check_ghosts(&self, snapshot: &Snapshot) -> Result<(), Stop> {
        let rows = snapshot.number("SELECT count(*) FROM hold", &[])?;
        if u64::try_from(rows).ok() == Some(self.placed) {
            return Ok(());
        }
        let sql = "SELECT h.id FROM hold h LEFT JOIN journal line ON line.seq = h.seq AND line.action = 2 \
            LEFT JOIN journal head ON head.seq = line.entry WHERE head.id IS NULL OR head.id <> h.id ORDER BY h.id LIMIT 1";
        snapshot.scan("hold", sql, &[], |row| {
            let id = format!("{:032x}", row.u128(0)?);
            Err(Difference::new(("I7", "hold"), id, "id", "no row: no line placed it", "a row").into())
        })?;
        Err(Difference::new(("I7", "hold"), "all", "count", self.placed, rows).into())
    }
}
