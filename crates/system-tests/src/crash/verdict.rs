//! Whether what a kill left behind agrees with the book of wishes.

use crate::crash::book::{Aim, Book, Told, Wish};
use checker::{CheckError, Report};
use sql::{Connection, Database, SqlError};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use vocabulary::{Id, Kind, kinds};

/// A payment as its row tells it.
struct Payment {
    reference: Option<String>,
    captured: i64,
    state: i64,
}

const VOIDED: i64 = 11;

/// What the rows say.
struct Rows {
    payments: HashMap<u128, Payment>,
    transfers: HashSet<u128>,
    refunds: HashSet<u128>,
    top_ups: HashSet<u128>,
    payouts: HashSet<u128>,
}

/// Copies the database of a data directory as it is, log included, so that examining it changes nothing.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy(data: &Path, destination: &Path) -> io::Result<PathBuf> {
    let from = database(data)?.ok_or_else(|| io::Error::other(format!("no database in {}", data.display())))?;
    let to = destination.join(sql::FILE_NAME);
    std::fs::copy(&from, &to)?;
    let log = |file: &Path| PathBuf::from(format!("{}-wal", file.display()));
    if log(&from).is_file() {
        std::fs::copy(log(&from), log(&to))?;
    }
    Ok(to)
}

/// The database file: in the directory, or in a tenant's below it.
fn database(directory: &Path) -> io::Result<Option<PathBuf>> {
    let file = directory.join(sql::FILE_NAME);
    if file.is_file() {
        return Ok(Some(file));
    }
    for item in std::fs::read_dir(directory)? {
        let path = item?.path();
        if path.is_dir()
            && let Some(found) = database(&path)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Has the independent checker read the copy, then compares the rows with the book.
///
/// # Errors
/// What is wrong, in words.
pub fn judge(file: &Path, book: &Book) -> Result<(), String> {
    let options = checker::Options { pages: true };
    let report = checker::check(file, &options, &mut |_| {});
    compare(report, Connection::open_reader(file), book)
}

/// As [`judge`], of a database on a server.
///
/// # Errors
/// What is wrong, in words.
pub fn judge_server(books: &Database, book: &Book) -> Result<(), String> {
    compare(checker::check_database(books, &mut |_| {}), books.open_reader(), book)
}

fn compare(
    report: Result<Report, CheckError>,
    connection: Result<Connection, SqlError>,
    book: &Book,
) -> Result<(), String> {
    let report = report.map_err(|error| format!("{error} ({error:?})"))?;
    if let Some(difference) = report.difference {
        return Err(difference.to_string());
    }
    let rows = connection.and_then(|connection| read(&connection));
    let rows = rows.map_err(|error| format!("the rows cannot be read: {error}"))?;
    book.wishes.iter().try_for_each(|wish| kept(wish, &rows))?;
    no_ghosts(book, &rows)?;
    book.wishes.iter().try_for_each(sensible)
}

fn sensible(wish: &Wish) -> Result<(), String> {
    match wish.refusal().filter(|code| !EXPECTED.contains(code)) {
        None => Ok(()),
        Some(code) => Err(format!("{} was refused with {code}: {:?} {:?}", wish.key, wish.told, wish.call)),
    }
}

fn ids(connection: &Connection, sql: &str) -> Result<HashSet<u128>, SqlError> {
    Ok(connection.query(sql, &[], |row| row.u128(0))?.into_iter().collect())
}

fn read(connection: &Connection) -> Result<Rows, SqlError> {
    let mut payments = HashMap::new();
    connection.each("SELECT id, reference, captured, state FROM payment", &[], |row| {
        let payment = Payment { reference: row.opt_text(1)?, captured: row.int(2)?, state: row.int(3)? };
        payments.insert(row.u128(0)?, payment);
        Ok(())
    })?;
    Ok(Rows {
        payments,
        transfers: ids(connection, "SELECT id FROM transfer")?,
        refunds: ids(connection, "SELECT id FROM refund")?,
        top_ups: ids(connection, "SELECT id FROM top_up")?,
        // A merchant's settlement is paid out as well, and nobody wished for it.
        payouts: ids(connection, "SELECT id FROM payout WHERE merchant = 0")?,
    })
}

fn number<K: Kind>(text: &str) -> Result<u128, String> {
    Id::<K>::parse(text).map(Id::as_u128).map_err(|error| format!("the answer's id {text}: {error}"))
}

fn made<K: Kind>(wish: &Wish) -> Result<u128, String> {
    let id = wish.made().ok_or_else(|| format!("{}: the answer has no id: {:?}", wish.key, wish.told))?;
    number::<K>(id)
}

/// What a sound bank may answer to this traffic. Any other refusal means that the harness asks for the wrong thing.
const EXPECTED: [&str; 6] = [
    "balance_limit_exceeded",
    "insufficient_funds",
    "limit_exceeded",
    "payee_changed",
    "refund_exceeds_payment",
    "refund_merchant_short",
];

/// I2: what was acknowledged is there.
fn kept(wish: &Wish, rows: &Rows) -> Result<(), String> {
    if !matches!(wish.told, Told::Done(_)) {
        return Ok(());
    }
    let payment = |id: &str| Ok::<_, String>(rows.payments.get(&number::<kinds::Payment>(id)?));
    let there = match &wish.aim {
        Aim::Transfer => rows.transfers.contains(&made::<kinds::Transfer>(wish)?),
        Aim::Pay | Aim::Hold => {
            let found = rows.payments.get(&made::<kinds::Payment>(wish)?);
            found.is_some_and(|payment| payment.reference.as_ref() == Some(&wish.key))
        }
        Aim::Capture { payment: id, amount } => payment(id)?.is_some_and(|payment| payment.captured == *amount),
        Aim::Void { payment: id } => payment(id)?.is_some_and(|payment| payment.state == VOIDED),
        Aim::Refund => rows.refunds.contains(&made::<kinds::Refund>(wish)?),
        Aim::TopUp => rows.top_ups.contains(&made::<kinds::TopUp>(wish)?),
        Aim::Payout => rows.payouts.contains(&made::<kinds::Payout>(wish)?),
    };
    if there { Ok(()) } else { Err(format!("{} was acknowledged and is not there: {wish:?}", wish.key)) }
}

/// I3 and I12: what is there was wished for; beyond what was acknowledged there is at most what was never answered.
fn no_ghosts(book: &Book, rows: &Rows) -> Result<(), String> {
    let by_key: HashMap<&str, &Wish> = book.wishes.iter().map(|wish| (wish.key.as_str(), wish)).collect();
    let (mut seen, mut ended) = (HashSet::new(), HashSet::new());
    for (id, payment) in &rows.payments {
        let reference = payment.reference.as_deref().unwrap_or_default();
        let wish = by_key.get(reference).filter(|wish| matches!(wish.aim, Aim::Pay | Aim::Hold));
        let Some(wish) = wish else { return Err(format!("payment {id:032x} ({reference}) was never sent")) };
        if matches!(wish.told, Told::Refused(_)) {
            return Err(format!("payment {id:032x} is there although {reference} was refused: {:?}", wish.told));
        }
        if !seen.insert(reference) {
            return Err(format!("{reference} paid twice"));
        }
        // A hold that a final refusal left alone is still open; one that ended needs somebody who wished for it.
        if matches!(wish.aim, Aim::Hold) && (payment.captured > 0 || payment.state == VOIDED) {
            ended.insert(*id);
        }
    }
    let ends = book.wishes.iter().filter(|wish| !matches!(wish.told, Told::Refused(_)));
    for wish in ends {
        if let Aim::Capture { payment, .. } | Aim::Void { payment } = &wish.aim {
            ended.remove(&number::<kinds::Payment>(payment)?);
        }
    }
    if let Some(id) = ended.iter().next() {
        return Err(format!(
            "the hold of payment {id:032x} ended though nobody's wish to end it was granted or is open"
        ));
    }
    no_more(book, &rows.transfers, |aim| *aim == Aim::Transfer, made::<kinds::Transfer>)?;
    no_more(book, &rows.refunds, |aim| *aim == Aim::Refund, made::<kinds::Refund>)?;
    no_more(book, &rows.top_ups, |aim| *aim == Aim::TopUp, made::<kinds::TopUp>)?;
    no_more(book, &rows.payouts, |aim| *aim == Aim::Payout, made::<kinds::Payout>)
}

fn no_more(
    book: &Book,
    found: &HashSet<u128>,
    mine: impl Fn(&Aim) -> bool,
    id_of: impl Fn(&Wish) -> Result<u128, String>,
) -> Result<(), String> {
    let (mut known, mut open, mut aim) = (HashSet::new(), 0, None);
    for wish in book.wishes.iter().filter(|wish| mine(&wish.aim)) {
        aim = Some(&wish.aim);
        match wish.told {
            Told::Done(_) => {
                if !known.insert(id_of(wish)?) {
                    return Err(format!("{} was answered with what another wish had made: {wish:?}", wish.key));
                }
            }
            Told::Nothing => open += 1,
            Told::Refused(_) => {}
        }
    }
    let unknown = found.difference(&known).count();
    if unknown <= open {
        return Ok(());
    }
    Err(format!("{unknown} rows of {aim:?} were not acknowledged, but only {open} wishes are without an answer"))
}

#[cfg(test)]
mod tests {
    //! Each kind of broken promise is told.

    use super::{Payment, Rows, VOIDED, kept, no_ghosts};
    use crate::crash::book::{Aim, Book, Call, Told};
    use serde_json::{Value, json};
    use std::collections::{HashMap, HashSet};
    use vocabulary::{Id, kinds};

    fn id(number: u128) -> String {
        Id::<kinds::Payment>::from_u128(number).to_string()
    }

    fn book(wishes: &[(Aim, Told)]) -> Book {
        let mut book = Book::default();
        for (aim, told) in wishes {
            let call = Call { path: String::new(), token: String::new(), body: Value::Null };
            let number = book.send(aim.clone(), call);
            book.wishes[number].told = told.clone();
        }
        book
    }

    /// Payments by reference's number and state, under ids from 1.
    fn rows(payments: &[(usize, i64, i64)]) -> Rows {
        let row = |(at, &(wish, captured, state)): (usize, &(usize, i64, i64))| {
            (at as u128 + 1, Payment { reference: Some(format!("wish-{wish:08}")), captured, state })
        };
        let payments: HashMap<u128, Payment> = payments.iter().enumerate().map(row).collect();
        Rows {
            payments,
            transfers: HashSet::new(),
            refunds: HashSet::new(),
            top_ups: HashSet::new(),
            payouts: HashSet::new(),
        }
    }

    fn judge(book: &Book, rows: &Rows) -> Result<(), String> {
        book.wishes.iter().try_for_each(|wish| kept(wish, rows))?;
        no_ghosts(book, rows)
    }

    fn done(number: u128) -> Told {
        Told::Done(json!({"id": id(number)}))
    }

    fn refused() -> Told {
        Told::Refused(json!({"code": "insufficient_funds"}))
    }

    #[test]
    fn what_was_acknowledged_and_is_there_once_is_right() {
        let book = book(&[(Aim::Pay, done(1)), (Aim::Hold, Told::Nothing), (Aim::Pay, refused())]);
        assert_eq!(judge(&book, &rows(&[(0, 5, 8), (1, 0, 5)])), Ok(()));
        assert_eq!(judge(&book, &rows(&[(0, 5, 8)])), Ok(()));
    }

    #[test]
    fn broken_promises_are_told() {
        let capture = Aim::Capture { payment: id(1), amount: 5 };
        let void = Aim::Void { payment: id(1) };
        let cases = [
            (book(&[(Aim::Pay, done(1))]), rows(&[]), "was acknowledged and is not there"),
            (book(&[(Aim::Pay, done(1))]), rows(&[(7, 5, 8)]), "was acknowledged and is not there"),
            (book(&[(Aim::Pay, done(1))]), rows(&[(0, 5, 8), (0, 5, 8)]), "paid twice"),
            (book(&[]), rows(&[(0, 5, 8)]), "was never sent"),
            (book(&[(Aim::Pay, refused())]), rows(&[(0, 5, 8)]), "was refused"),
            (book(&[(Aim::Hold, done(1)), (capture.clone(), done(1))]), rows(&[(0, 4, 7)]), "is not there"),
            (book(&[(Aim::Hold, done(1)), (void.clone(), done(1))]), rows(&[(0, 0, 5)]), "is not there"),
            (book(&[(Aim::Hold, done(1)), (capture, refused())]), rows(&[(0, 5, 7)]), "ended though nobody's wish"),
            (book(&[(Aim::Hold, done(1)), (void, refused())]), rows(&[(0, 0, VOIDED)]), "ended though nobody's wish"),
        ];
        for (book, rows, expected) in cases {
            let told = judge(&book, &rows).expect_err(expected);
            assert!(told.contains(expected), "{told} is not about: {expected}");
        }
    }

    #[test]
    fn a_row_more_than_wishes_without_an_answer_is_a_ghost() {
        let mut rows = rows(&[]);
        let transfer = Id::<kinds::Transfer>::from_u128(1).to_string();
        rows.transfers = HashSet::from([1, 2]);
        let mut wishes = vec![(Aim::Transfer, Told::Done(json!({"id": transfer}))), (Aim::Transfer, Told::Nothing)];
        assert_eq!(judge(&book(&wishes), &rows), Ok(()));
        wishes[1].1 = refused();
        assert!(judge(&book(&wishes), &rows).unwrap_err().contains("were not acknowledged"));
        wishes[1].1 = wishes[0].1.clone();
        assert!(judge(&book(&wishes), &rows).unwrap_err().contains("what another wish had made"));
    }
}
