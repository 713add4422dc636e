//! The account tables: what an account is (terms, owner, product, general-ledger code) stands in `account`, for everybody to
//! read; what the rules need of it, its counters above all, once more in `account_slice` (see `slices`).

use crate::slices::{self, Decoder, Encoder, Sliced};
use ledger::{Account, AccountNo, BookNo, Class, Floor, Freeze, GroupNo};
use sql::{Connection, Row, SqlError};
use vocabulary::{Timestamp, kinds};

/// Typed id of an account.
pub type AccountId = vocabulary::Id<kinds::Account>;

/// An account to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// Its id, unique for ever.
    pub id: AccountId,
    /// Its currency and legal entity.
    pub book: BookNo,
    /// Its class.
    pub class: Class,
    /// Its place in the general ledger.
    pub gl_code: String,
    /// The product it belongs to.
    pub product: String,
    /// Whose it is: a customer or merchant; the bank's own when nobody's.
    pub owner: Option<u128>,
    /// How low it may go.
    pub floor: Floor,
    /// Its own limit group and its owner's.
    pub groups: [GroupNo; 2],
    /// Where forced shortfalls go, `AccountNo(0)` for nowhere.
    pub receivable: AccountNo,
}

/// An account with what the rules need not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// What the rules know. The counters may lag in a snapshot: balances come from the journal, see `Snapshot::balance`.
    pub account: Account,
    /// Its place in the general ledger.
    pub gl_code: String,
    /// The product it belongs to.
    pub product: String,
    /// Whose it is.
    pub owner: Option<u128>,
    /// When it was opened.
    pub opened: Timestamp,
}

const COLUMNS: &str = "no, book, class, floor, freezes, frozen, closed, group_own, group_owner, receivable, id, gl_code, product, \
    owner, opened";

/// An account in memory: every field of the rules in 72 bytes.
#[derive(Clone, Copy)]
pub(crate) struct PackedAccount {
    /// Debits and credits posted, debits and credits pending.
    counters: [i64; 4],
    floor: i64,
    frozen: i64,
    /// The last line, above the bits of [`BITS`].
    last: u64,
    book: u32,
    groups: [u32; 2],
    receivable: u32,
}

/// Beneath a packed account's last line: three bits of class, then floor, debit frozen, credit frozen, closed.
const BITS: u32 = 8;

impl Sliced for Account {
    type Packed = PackedAccount;
    const SELECT: &'static str = "SELECT rows FROM account_slice WHERE no = ?1";
    const WRITE: &'static str = "INSERT INTO account_slice(no, rows, version) VALUES (?1, ?2, ?3) \
        ON CONFLICT (no) DO UPDATE SET rows = excluded.rows, version = excluded.version";
    const SINCE: &'static str = "SELECT no, rows FROM account_slice WHERE version > ?1 ORDER BY no";

    fn pack(&self) -> PackedAccount {
        let small = |no: u64| u32::try_from(no).expect("numbers are dense");
        let flags = [matches!(self.floor, Floor::At(_)), self.freeze.debit, self.freeze.credit, self.closed];
        let flags = flags.iter().rev().fold(0, |bits, flag| bits << 1 | u64::from(*flag));
        PackedAccount {
            counters: [self.debits_posted, self.credits_posted, self.debits_pending, self.credits_pending],
            floor: floor_of(self.floor).unwrap_or(0),
            frozen: self.freeze.amount,
            last: self.last << BITS | flags << 3 | self.class as u64,
            book: self.book.0,
            groups: self.groups.map(|no| small(no.0)),
            receivable: small(self.receivable.0),
        }
    }

    fn unpack(no: u64, packed: &PackedAccount) -> Self {
        let flag = |place: u32| packed.last >> (3 + place) & 1 != 0;
        let [debits_posted, credits_posted, debits_pending, credits_pending] = packed.counters;
        Self {
            no: AccountNo(no),
            book: BookNo(packed.book),
            class: Class::from_number((packed.last & 7) as u8).expect("checked when it was read"),
            floor: if flag(0) { Floor::At(packed.floor) } else { Floor::None },
            freeze: Freeze { debit: flag(1), credit: flag(2), amount: packed.frozen },
            closed: flag(3),
            debits_posted,
            credits_posted,
            debits_pending,
            credits_pending,
            last: packed.last >> BITS,
            groups: packed.groups.map(|no| GroupNo(u64::from(no))),
            receivable: AccountNo(u64::from(packed.receivable)),
        }
    }

    fn encode(packed: &PackedAccount, to: &mut Encoder<'_>) {
        to.unsigned(packed.last & ((1 << BITS) - 1));
        to.unsigned(u64::from(packed.book));
        to.signed(packed.floor);
        to.signed(packed.frozen);
        for no in [packed.groups[0], packed.groups[1], packed.receivable] {
            to.unsigned(u64::from(no));
        }
        for counter in packed.counters {
            to.signed(counter);
        }
        to.unsigned(packed.last >> BITS);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<PackedAccount, SqlError> {
        let bits: u8 = from.small()?;
        Class::from_number(bits & 7).ok_or(SqlError::Corrupt("an account's class"))?;
        let book = from.small()?;
        let (floor, frozen) = (from.signed()?, from.signed()?);
        let groups = [from.small()?, from.small()?];
        let receivable = from.small()?;
        let counters = [from.signed()?, from.signed()?, from.signed()?, from.signed()?];
        let last = from.unsigned()?;
        Ok(PackedAccount { counters, floor, frozen, last: last << BITS | u64::from(bits), book, groups, receivable })
    }
}

fn read(connection: &Connection, row: &Row<'_>) -> Result<AccountRow, SqlError> {
    let no = row.small(0)?;
    let missing = SqlError::Corrupt("an account is missing in its slice");
    let counters = slices::read_one::<Account>(connection, no)?.ok_or(missing)?;
    let freeze = row.int(4)?;
    let account = Account {
        book: BookNo(row.small(1)?),
        class: Class::from_number(row.small(2)?).ok_or(SqlError::Corrupt("an account's class"))?,
        floor: row.opt_int(3)?.map_or(Floor::None, Floor::At),
        freeze: Freeze { debit: freeze & 1 != 0, credit: freeze & 2 != 0, amount: row.int(5)? },
        closed: row.flag(6)?,
        groups: [GroupNo(row.small(7)?), GroupNo(row.small(8)?)],
        receivable: AccountNo(row.small(9)?),
        ..counters
    };
    Ok(AccountRow {
        account,
        id: row.id(10)?,
        gl_code: row.text(11)?,
        product: row.text(12)?,
        owner: row.opt_u128(13)?,
        opened: row.time(14)?,
    })
}

pub(crate) fn by_no(connection: &Connection, no: AccountNo) -> Result<Option<AccountRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE no = ?1");
    connection.query_opt(&sql, sql::params![no.0], |row| read(connection, row))
}

pub(crate) fn by_id(connection: &Connection, id: AccountId) -> Result<Option<AccountRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE id = ?1");
    connection.query_opt(&sql, sql::params![id], |row| read(connection, row))
}

pub(crate) fn page(connection: &Connection, after: AccountNo, limit: u32) -> Result<Vec<AccountRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE no > ?1 ORDER BY no LIMIT ?2");
    connection.query(&sql, sql::params![after.0, limit], |row| read(connection, row))
}

pub(crate) const INSERT: &str = "INSERT INTO account(no, id, book, class, gl_code, product, owner, floor, freezes, frozen, \
    closed, group_own, group_owner, receivable, opened) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, 0, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING";

pub(crate) const CHANGE: &str =
    "UPDATE account SET floor = ?2, freezes = ?3, frozen = ?4, closed = ?5, receivable = ?6 WHERE no = ?1";

pub(crate) fn floor_of(floor: Floor) -> Option<i64> {
    match floor {
        Floor::None => None,
        Floor::At(at) => Some(at),
    }
}

pub(crate) fn freeze_bits(freeze: Freeze) -> i64 {
    i64::from(freeze.debit) | i64::from(freeze.credit) << 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_comes_back_from_memory_and_from_its_slice() {
        let plain = Account {
            no: AccountNo(1),
            book: BookNo::of(3, 156),
            class: Class::Liability,
            floor: Floor::At(-500),
            freeze: Freeze { debit: true, credit: false, amount: 70 },
            closed: false,
            debits_posted: 10,
            credits_posted: i64::MAX,
            debits_pending: 3,
            credits_pending: 0,
            last: (1 << 55) - 1,
            groups: [GroupNo(7), GroupNo::NONE],
            receivable: AccountNo(u64::from(u32::MAX)),
        };
        let frozen = Freeze { debit: false, credit: true, amount: 0 };
        let others = [
            Account { class: Class::Expense, floor: Floor::None, ..plain },
            Account { freeze: frozen, closed: true, last: 0, ..plain },
        ];
        for account in others.into_iter().chain([plain]) {
            assert_eq!(Account::unpack(1, &account.pack()), account);
            let mut bytes = Vec::new();
            slices::encode::<Account>([account.pack()].iter(), &mut bytes);
            let rows = slices::decode::<Account>(&bytes).expect("reads");
            assert_eq!(Account::unpack(1, &rows[0]), account);
        }
    }
}
