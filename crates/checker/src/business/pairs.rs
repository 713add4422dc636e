//! Effects and rows in pairs (the numbers are those of the bank's entry types and states): a journal entry of a kind names the business object that caused it, and that object's row says
//! that it happened. So an effect without a row (a ghost, or a refusal that moved money), a row without an effect, and an
//! effect that happened twice all show. Both sides are added up in their own order; see `indexes` for why that is enough.

use crate::difference::{Difference, Stop};
use crate::journal::{Line, action};
use crate::scan::Snapshot;
use crate::sums::Sum;
use std::collections::BTreeMap;

/// Which amount of an entry its row repeats.
#[derive(Clone, Copy)]
enum Measure {
    /// None.
    Nothing,
    /// The first line's.
    First,
    /// All that reached the account which the last line credits.
    Received,
}

/// A kind of entry and the rows it belongs to.
struct Pair {
    /// The entries' types, and what their first line may be to count here.
    kinds: &'static [(i64, &'static [i64])],
    /// Which amount must agree.
    measure: Measure,
    /// The table.
    table: &'static str,
    /// The rows that say so: the id that such an entry names as its cause, and the amount (0 for [`Measure::Nothing`]).
    rows: &'static str,
}

const POSTS: &[i64] = &[action::POST];
const HOLDS: &[i64] = &[action::HOLD];
const CAPTURES: &[i64] = &[action::CAPTURE];

const PAIRS: &[Pair] = &[
    Pair { kinds: &[(10, HOLDS)], measure: Measure::First, table: "top_up", rows: "SELECT id, amount FROM top_up" },
    // Credited to the wallet, or to suspense when the wallet cannot take it: once, whatever the bank says how often.
    Pair {
        kinds: &[(10, &[action::CAPTURE, action::POST]), (12, POSTS)],
        measure: Measure::First,
        table: "top_up",
        rows: "SELECT id, credited FROM top_up WHERE credited > 0",
    },
    // Released from suspense once, by two people.
    Pair {
        kinds: &[(13, POSTS)],
        measure: Measure::First,
        table: "waiting_money",
        rows: "SELECT case_id, amount FROM waiting_money WHERE how = 1",
    },
    Pair { kinds: &[(20, POSTS)], measure: Measure::Nothing, table: "payout", rows: "SELECT id, 0 FROM payout" },
    // Paid out once, even when the bank paid after it had refused.
    Pair {
        kinds: &[(21, POSTS)],
        measure: Measure::First,
        table: "payout",
        rows: "SELECT id, paid FROM payout WHERE paid > 0",
    },
    Pair {
        kinds: &[(30, POSTS)],
        measure: Measure::First,
        table: "transfer",
        rows: "SELECT id, CASE WHEN amount > 0 THEN amount WHEN fee > 0 THEN fee ELSE tax END FROM transfer \
            WHERE alias IS NULL",
    },
    Pair {
        kinds: &[(31, POSTS)],
        measure: Measure::First,
        table: "transfer",
        rows: "SELECT id, CASE WHEN amount > 0 THEN amount WHEN fee > 0 THEN fee ELSE tax END FROM transfer \
            WHERE alias IS NOT NULL",
    },
    Pair {
        kinds: &[(32, POSTS)],
        measure: Measure::First,
        table: "transfer",
        rows: "SELECT id, amount FROM transfer WHERE state = 3",
    },
    Pair {
        kinds: &[(33, POSTS)],
        measure: Measure::Nothing,
        table: "transfer",
        rows: "SELECT id, 0 FROM transfer WHERE state IN (4, 5)",
    },
    Pair {
        kinds: &[(40, POSTS)],
        measure: Measure::First,
        table: "payment",
        rows: "SELECT id, amount FROM payment WHERE method = 1",
    },
    Pair {
        kinds: &[(41, HOLDS)],
        measure: Measure::Nothing,
        table: "payment_hold",
        rows: "SELECT payment, 0 FROM payment_hold",
    },
    Pair {
        kinds: &[(42, CAPTURES)],
        measure: Measure::First,
        table: "payment_capture",
        rows: "SELECT c.payment, c.amount + CASE WHEN p.terms % 2 = 1 THEN c.fee + c.tax ELSE 0 END \
            FROM payment_capture c JOIN payment p ON p.id = c.payment",
    },
    Pair {
        kinds: &[(45, POSTS)],
        measure: Measure::Received,
        table: "refund",
        rows: "SELECT r.id, r.amount + CASE WHEN p.terms % 2 = 1 THEN r.fee + r.tax ELSE 0 END \
            FROM refund r JOIN payment p ON p.id = r.payment WHERE r.state = 2",
    },
];

/// The entry being read.
struct Open {
    kind: i64,
    cause: u128,
    action: i64,
    first: i64,
    /// The account that each line credits, and how much.
    credits: Vec<(i64, i64)>,
}

impl Open {
    fn received(&self) -> i64 {
        let last = self.credits.last().map_or(0, |found| found.0);
        let all = self.credits.iter().filter(|found| found.0 == last);
        all.fold(0, |sum, found| sum.saturating_add(found.1))
    }
}

/// What the journal says, pair by pair.
pub(crate) struct Pairs {
    /// Pairs whose table exists.
    known: Vec<(&'static Pair, Sum)>,
    entry: Option<Open>,
}

impl Pairs {
    pub(crate) fn new(snapshot: &Snapshot) -> Result<Self, Stop> {
        let mut known = Vec::new();
        for pair in PAIRS {
            if snapshot.has_table(pair.table)? {
                known.push((pair, Sum::default()));
            }
        }
        Ok(Self { known, entry: None })
    }

    /// Sees a line; `head` is the kind and cause of the entry that it begins.
    pub(crate) fn see(&mut self, line: &Line, head: Option<(i64, u128)>) {
        match (head, &mut self.entry) {
            (Some((kind, cause)), _) => {
                self.close();
                let credits = vec![(line.credit, line.amount)];
                self.entry = Some(Open { kind, cause, action: line.action, first: line.amount, credits });
            }
            (None, Some(entry)) => entry.credits.push((line.credit, line.amount)),
            (None, None) => {}
        }
    }

    fn close(&mut self) {
        let Some(entry) = self.entry.take() else { return };
        let counts = |pair: &Pair| {
            pair.kinds.iter().any(|(kind, actions)| *kind == entry.kind && actions.contains(&entry.action))
        };
        if let Some((pair, sum)) = self.known.iter_mut().find(|(pair, _)| counts(pair)) {
            sum.add(entry.cause, measured(pair, entry.first, entry.received()));
        }
    }

    /// After the last line: compares with the rows.
    pub(crate) fn finish(mut self, snapshot: &Snapshot) -> Result<(), Stop> {
        self.close();
        for (pair, sum) in self.known {
            let mut rows = Sum::default();
            snapshot.scan(pair.table, pair.rows, &[], |row| {
                rows.add(row.u128(0)?, row.int(1)?);
                Ok(())
            })?;
            if rows != sum {
                return Err(search(snapshot, pair)?);
            }
        }
        Ok(())
    }
}

fn measured(pair: &Pair, first: i64, received: i64) -> i64 {
    match pair.measure {
        Measure::Nothing => 0,
        Measure::First => first,
        Measure::Received => received,
    }
}

/// Finds what has no partner: only now is everything put side by side.
fn search(snapshot: &Snapshot, pair: &Pair) -> Result<Stop, Stop> {
    let mut sides: BTreeMap<(u128, i64), [u64; 2]> = BTreeMap::new();
    snapshot.scan(pair.table, pair.rows, &[], |row| {
        sides.entry((row.u128(0)?, row.int(1)?)).or_default()[1] += 1;
        Ok(())
    })?;
    let sql = "SELECT h.cause, h.amount, (SELECT sum(l.amount) FROM journal l WHERE l.entry = h.entry AND l.seq >= h.seq \
        AND l.seq < h.seq + 1000 AND l.credit = (SELECT x.credit FROM journal x WHERE x.entry = h.entry AND x.seq >= h.seq \
        AND x.seq < h.seq + 1000 ORDER BY x.seq DESC LIMIT 1)), h.action FROM journal h WHERE h.entry = h.seq AND h.kind = ?1 ORDER BY h.seq";
    for (kind, actions) in pair.kinds {
        snapshot.scan("journal", sql, sql::params![*kind], |row| {
            let key = (row.opt_u128(0)?.unwrap_or(0), measured(pair, row.int(1)?, row.int(2)?));
            sides.entry(key).or_default()[0] += u64::from(actions.contains(&row.int(3)?));
            Ok(())
        })?;
    }
    let all = || Difference::new(("form", pair.table), "all", "rows", "the journal's entries", "others");
    sides.retain(|_, [entries, rows]| entries != rows);
    let Some((&(id, amount), &[entries, rows])) = sides.first_key_value() else { return Ok(all().into()) };
    let more_on = |side: usize| {
        let mut of_id = sides.range((id, i64::MIN)..=(id, i64::MAX));
        of_id.find(|(_, counts)| counts[side] > counts[1 - side]).map(|((_, amount), _)| *amount)
    };
    let row = format!("{id:032x}");
    if let (Some(moved), Some(told)) = (more_on(0), more_on(1)) {
        return Ok(Difference::new(("I2", pair.table), row, "amount", moved, told).into());
    }
    // More effects than rows: a ghost or a refusal that moved money. More rows than effects: something answered is lost.
    let invariant = if entries > rows { "I12" } else { "I2" };
    let (expected, found) = (format!("{entries} rows of {amount}, as in the journal"), format!("{rows} rows"));
    Ok(Difference::new((invariant, pair.table), row, "cause", expected, found).into())
}
