//! The connection to a PostgreSQL server: the same statements, one exchange for many of them where nobody waits for a result.
//!
//! Statements are written once, with `?1`, `?2`; here they become `$1`, `$2`, are prepared once for each connection and
//! remembered by their text. Statements that are only to be done ([`Postgres::later`]) stand in line and go out together with
//! the next one whose result is needed (see `line`).
//!
//! The crossing into the asynchronous driver: one thread of its own drives all connections of the process; a caller waits
//! for its answer on its own thread, which need not be one of a runtime and may be.
//!
//! Invariants: after an error inside a unit nothing more is sent but the end of a savepoint or of the unit, and the unit
//! counts as ended ([`Postgres::is_idle`]) unless a savepoint is rolled back; a connection that was lost stays lost.

use crate::complaints::{hear, trouble};
use crate::error::SqlError;
use crate::fence::{self, Standing};
use crate::line::{Known, Line, Owned, Parcel};
use crate::server::Server;
use crate::value::{Param, Value};
use futures::executor::block_on;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, private::BytesMut};
use tokio_postgres::{AsyncMessage, Client, Row};

/// How long a server may take to say where it stands.
const ADMISSION: Duration = Duration::from_secs(5);

/// Told to the server by a writer: so long may a unit of this connection stand still, and so long, a little longer, is waited
/// for the lock of one that does.
const OTHERS: &str =
    "SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '7s'; SET tcp_user_timeout = '10s'";

/// Drives the sockets of all connections; what is done on them is decided by who owns them.
static DRIVER: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("postgres")
        .enable_all()
        .build()
        .expect("a thread can be started when the program starts")
});

/// A connection to a server.
pub(crate) struct Postgres {
    client: Client,
    statements: RefCell<HashMap<String, Arc<Known>>>,
    line: RefCell<Line>,
    /// Between BEGIN and COMMIT or ROLLBACK.
    inside: Cell<bool>,
    /// A statement failed inside: the server refuses everything until a savepoint is rolled back or the unit ends.
    doomed: Cell<bool>,
    /// The server warned of something, such as that it stopped waiting for its standbys.
    unsure: Arc<AtomicBool>,
    /// After this no statement is begun.
    until: Cell<Option<Instant>>,
    /// The longest that an answer is waited for; a server that is silent for longer counts as lost.
    patience: Cell<Option<Duration>>,
    /// What drives this connection.
    drive: AbortHandle,
    /// Where the server stood; nothing when it has no timelines.
    standing: Option<Standing>,
}

impl Postgres {
    /// Connects.
    pub(crate) fn connect(server: &Server) -> Result<Self, SqlError> {
        let server = server.clone();
        let unsure = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&unsure);
        let task = DRIVER.spawn(async move {
            let (client, mut connection) = server.connect().await?;
            let drive = tokio::spawn(async move {
                while let Some(message) = futures::future::poll_fn(|context| connection.poll_message(context)).await {
                    match message {
                        Ok(AsyncMessage::Notice(notice)) => hear(&notice, &told),
                        Ok(_) => {}
                        Err(error) => {
                            tracing::warn!(%error, "a connection to the database was lost");
                            break;
                        }
                    }
                }
            });
            let standing = tokio::time::timeout(ADMISSION, fence::admit(&client)).await;
            let standing = standing.map_err(|_| SqlError::Lost("no answer while connecting".to_owned()))??;
            Ok::<_, SqlError>((client, drive.abort_handle(), standing))
        });
        let (client, drive, standing) = block_on(task).map_err(|error| SqlError::Lost(error.to_string()))??;
        let connection = Self {
            client,
            statements: RefCell::default(),
            line: RefCell::default(),
            inside: Cell::new(false),
            doomed: Cell::new(false),
            unsure,
            until: Cell::new(None),
            patience: Cell::new(None),
            drive,
            standing,
        };
        connection.batch(SETTINGS)?;
        Ok(connection)
    }

    /// Whether no unit is open, or the open one cannot be kept any more.
    pub(crate) fn is_idle(&self) -> bool {
        !self.inside.get() || self.doomed.get() || self.is_lost()
    }

    /// Whether the connection is gone, or leads to a server that another one has taken over from.
    pub(crate) fn is_lost(&self) -> bool {
        self.client.is_closed() || self.drive.is_finished() || self.standing.as_ref().is_some_and(fence::is_passed)
    }

    /// Several statements without parameters, results ignored.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), SqlError> {
        self.send_waiting()?;
        self.wait(self.client.batch_execute(sql))
    }

    /// A word that begins or ends a unit or a savepoint. True when `sql` was one.
    pub(crate) fn control(&self, sql: &str) -> Result<bool, SqlError> {
        match sql {
            "BEGIN" | "BEGIN IMMEDIATE" => {
                self.begin("BEGIN ISOLATION LEVEL READ COMMITTED")?;
            }
            "COMMIT" => {
                if self.doomed.get() {
                    // The server would answer "ROLLBACK" and call it done.
                    return Err(SqlError::Full("the unit had failed".to_owned()));
                }
                self.unsure.store(false, Ordering::SeqCst);
                // Right behind what stands in line: when any of that fails, the server undoes the unit and calls it done, but
                // the failure is what is told here.
                let done = self.exchange(self.client.batch_execute("COMMIT"));
                self.inside.set(false);
                done?;
                if self.unsure.swap(false, Ordering::SeqCst) {
                    return Err(SqlError::Unsure);
                }
            }
            "ROLLBACK" => {
                self.line.borrow_mut().clear();
                let done = self.wait(self.client.batch_execute("ROLLBACK"));
                self.inside.set(false);
                self.doomed.set(false);
                done?;
            }
            _ => return self.savepoint(sql),
        }
        Ok(true)
    }

    /// A word about a savepoint. True when `sql` was one.
    fn savepoint(&self, sql: &str) -> Result<bool, SqlError> {
        if let Some(name) = sql.strip_prefix("SAVEPOINT ") {
            self.line.borrow_mut().savepoint(name);
        } else if let Some(name) = sql.strip_prefix("RELEASE ") {
            let taken_out = self.line.borrow_mut().release(name);
            if !taken_out {
                self.later(sql, &[])?;
            }
        } else if let Some(name) = sql.strip_prefix("ROLLBACK TO ") {
            let taken_out = !self.doomed.get() && self.line.borrow_mut().back_to(name);
            if !taken_out {
                // The savepoint has gone out, so all that stands in line is behind it.
                self.line.borrow_mut().clear();
                // A failed statement is forgotten with the savepoint.
                self.wait(self.client.batch_execute(sql))?;
                self.doomed.set(false);
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// From now on no statement is begun after this moment.
    pub(crate) fn until(&self, moment: Option<Instant>) {
        self.until.set(moment);
    }

    /// From now on no statement runs longer.
    pub(crate) fn end_statements_after(&self, time: Duration) -> Result<(), SqlError> {
        self.batch(&format!("SET statement_timeout = '{}ms'", time.as_millis().max(1)))
    }

    /// Begins a unit whose every statement sees the same moment, for reading.
    pub(crate) fn begin_snapshot(&self) -> Result<(), SqlError> {
        self.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn begin(&self, sql: &str) -> Result<(), SqlError> {
        self.doomed.set(false);
        self.wait(self.client.batch_execute(sql))?;
        self.inside.set(true);
        Ok(())
    }

    /// Puts a statement in line for the next exchange.
    pub(crate) fn later(&self, sql: &str, params: &[Param<'_>]) -> Result<(), SqlError> {
        let known = self.known(sql)?;
        self.line.borrow_mut().push(known, params);
        Ok(())
    }

    /// Runs a statement and tells how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, SqlError> {
        let known = self.known(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        let rows = self.exchange(self.client.execute(&known.statement, &params))?;
        usize::try_from(rows).map_err(|_| SqlError::Other("too many rows".to_owned()))
    }

    /// The rows of a query.
    pub(crate) fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        let known = self.known(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        self.exchange(self.client.query(&known.statement, &params))
    }

    /// Calls `visit` with each row of a query, once all are here: `visit` may ask the same connection something else, which
    /// would wait for ever behind rows that nobody takes. Who reads long tables reads them in pages.
    pub(crate) fn each(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut visit: impl FnMut(&Row) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        self.rows(sql, params)?.iter().try_for_each(&mut visit)
    }

    /// Sends what stands in line, in one exchange, and looks at every answer.
    pub(crate) fn send_waiting(&self) -> Result<(), SqlError> {
        if self.line.borrow().is_empty() {
            return Ok(());
        }
        self.exchange(std::future::ready(Ok(())))
    }

    /// Sends what stands in line, and one more statement right behind it.
    fn exchange<T>(&self, last: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, SqlError> {
        let parcels = self.line.borrow_mut().take();
        if !parcels.is_empty() && self.doomed.get() {
            return Err(SqlError::Full("the unit had failed".to_owned()));
        }
        for parcel in &parcels {
            if let Parcel::Many(known, _) = parcel
                && let (None, Some(text)) = (known.many.get(), &known.many_text)
            {
                let _ = known.many.set(self.wait(self.client.prepare(text))?);
            }
        }
        let sent = parcels.iter().map(|parcel| self.send(parcel));
        self.wait(async {
            let mut answers = Vec::with_capacity(parcels.len());
            for one in sent {
                let mut one = Box::pin(one);
                // Looked at once it has gone out: in order, and before anybody waits for an answer.
                match poll_fn(|context| Poll::Ready(one.as_mut().poll(context))).await {
                    Poll::Ready(done) => done?,
                    Poll::Pending => answers.push(one),
                }
            }
            let mut last = pin!(last);
            let early = poll_fn(|context| Poll::Ready(last.as_mut().poll(context))).await;
            for one in answers {
                one.await?;
            }
            match early {
                Poll::Ready(done) => done,
                Poll::Pending => last.await,
            }
        })
    }

    async fn send(&self, parcel: &Parcel) -> Result<(), tokio_postgres::Error> {
        match parcel {
            Parcel::Word(word) => self.client.batch_execute(word).await,
            Parcel::One(known, row) => self.client.execute_raw(&known.statement, row).await.map(drop),
            Parcel::Many(known, columns) => {
                let statement = known.many.get().unwrap_or(&known.statement);
                self.client.execute_raw(statement, columns).await.map(drop)
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "how long a snapshot lives is the machine's time, not the bank's")]
    fn known(&self, sql: &str) -> Result<Arc<Known>, SqlError> {
        if self.until.get().is_some_and(|until| Instant::now() >= until) {
            return Err(SqlError::TooLong);
        }
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(Arc::clone(known));
        }
        if self.doomed.get() {
            return Err(SqlError::Full("the unit had failed".to_owned()));
        }
        // What waits may create what this one names.
        self.send_waiting()?;
        let statement = self.wait(self.client.prepare(&rewritten(sql)))?;
        let known = Arc::new(Known::new(statement, sql));
        self.statements.borrow_mut().insert(sql.to_owned(), Arc::clone(&known));
        Ok(known)
    }

    /// From now on nobody waits longer for an answer. Nor does the server for us: when it hears nothing inside a unit for five
    /// seconds, because the network forgot us or this node sleeps, it ends the unit and gives its locks to other nodes.
    pub(crate) fn answers_within(&self, patience: Duration) -> Result<(), SqlError> {
        if self.patience.replace(Some(patience)).is_none() {
            self.batch(OTHERS)?;
        }
        Ok(())
    }

    fn wait<T>(&self, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, SqlError> {
        let Some(patience) = self.patience.get() else { return self.watch(block_on(answer)) };
        let _timers = DRIVER.enter();
        block_on(tokio::time::timeout(patience, answer)).map_or_else(
            |_| {
                self.drive.abort();
                self.doomed.set(self.inside.get());
                Err(SqlError::Lost(format!("no answer within {} s", patience.as_secs())))
            },
            |answer| self.watch(answer),
        )
    }

    fn watch<T>(&self, result: Result<T, tokio_postgres::Error>) -> Result<T, SqlError> {
        result.map_err(|error| {
            if self.inside.get() {
                self.doomed.set(true);
            }
            trouble(&error)
        })
    }
}

/// Commits wait for the disk and for synchronous standbys, where the server's default is weaker; nobody waits for a lock for
/// ever. No statement ends by the clock: a COMMIT that is cancelled while it waits for a standby is answered as done.
const SETTINGS: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply'); SET statement_timeout = 0; \
    SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = warning; \
    SET standard_conforming_strings = on";

/// `?1` becomes `$1`, outside of texts.
fn rewritten(sql: &str) -> String {
    let mut inside = false;
    sql.chars()
        .map(|sign| match sign {
            '\'' => {
                inside = !inside;
                sign
            }
            '?' if !inside => '$',
            _ => sign,
        })
        .collect()
}

/// A statement that defines tables, in the server's words: the schema is written once, in the embedded engine's.
pub(crate) fn definition(sql: &str) -> String {
    sql.replace(") STRICT, WITHOUT ROWID", ")")
        .replace(") STRICT", ")")
        .replace("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
        .replace("INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
        .replace("INTEGER", "BIGINT")
        .replace("BLOB", "BYTEA")
}

type AnyError = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Param<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, AnyError> {
        match (self, kind) {
            (Param::Null, _) => Ok(IsNull::Yes),
            (Param::Int(value), &Type::INT8) => value.to_sql(kind, out),
            (Param::Int(value), &Type::INT4) => i32::try_from(*value)?.to_sql(kind, out),
            (Param::Int(value), &Type::BOOL) => (*value != 0).to_sql(kind, out),
            (Param::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::NAME) => text.to_sql(kind, out),
            (Param::Blob(bytes), &Type::BYTEA) => bytes.to_sql(kind, out),
            (Param::Id(bytes), &Type::BYTEA) => bytes.as_slice().to_sql(kind, out),
            (Param::Ints(values), &Type::INT8_ARRAY) => values.to_sql(kind, out),
            _ => Err(format!("a parameter for {kind} is of another kind").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

impl ToSql for Owned {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, AnyError> {
        let param = match self {
            Self::Null => Param::Null,
            Self::Int(value) => Param::Int(*value),
            Self::Text(text) => Param::Text(text),
            Self::Blob(bytes) => Param::Blob(bytes),
            Self::Ints(values) => Param::Ints(values),
            Self::Column(values) => return column(values, kind, out),
        };
        param.to_sql(kind, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// An array of one dimension in the binary format: dimensions, whether there are NULLs, the elements' type, their number, the
/// first index, and each element after its length, -1 for NULL.
fn column(values: &[Owned], kind: &Type, out: &mut BytesMut) -> Result<IsNull, AnyError> {
    let Kind::Array(element) = kind.kind() else { return Err(format!("{kind} is no array").into()) };
    let nulls = values.iter().any(|value| matches!(value, Owned::Null));
    let number = i32::try_from(values.len())?;
    for word in [1, i32::from(nulls), element.oid().cast_signed(), number, 1] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    for value in values {
        let length = out.len();
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        if matches!(value.to_sql(element, out)?, IsNull::No) {
            let size = i32::try_from(out.len() - length - 4)?;
            out[length..length + 4].copy_from_slice(&size.to_be_bytes());
        }
    }
    Ok(IsNull::No)
}

/// A column of any type that the schema or its sums have.
pub(crate) struct Column<'a>(pub(crate) Value<'a>);

impl<'a> FromSql<'a> for Column<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, AnyError> {
        Ok(Self(match *kind {
            Type::INT8 => Value::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Value::Int(i64::from(i32::from_sql(kind, raw)?)),
            Type::BOOL => Value::Int(i64::from(bool::from_sql(kind, raw)?)),
            Type::NUMERIC => Value::Int(whole(raw).ok_or("a sum is out of its range")?),
            Type::BYTEA => Value::Blob(raw),
            _ => Value::Text(raw),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, AnyError> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A whole NUMERIC (sums of BIGINT are): digits to the base of 10,000, the first of weight `10,000 ^ weight`.
fn whole(raw: &[u8]) -> Option<i64> {
    let word = |place: usize| raw.get(place * 2..place * 2 + 2).map(|two| i16::from_be_bytes([two[0], two[1]]));
    let (digits, weight, sign) = (word(0)?, word(1)?, word(2)?);
    let mut value = 0_i128;
    for place in 0..=weight {
        let digit = if place < digits { word(4 + usize::try_from(place).ok()?)? } else { 0 };
        value = value.checked_mul(10_000)?.checked_add(i128::from(digit))?;
    }
    i64::try_from(if sign == 0 { value } else { -value }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_rewritten_outside_of_texts() {
        assert_eq!(rewritten("SELECT ?1, '?2', ?12"), "SELECT $1, '?2', $12");
    }

    #[test]
    fn whole_numerics_are_read() {
        let numeric = |words: &[i16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        assert_eq!(whole(&numeric(&[0, 0, 0, 0])), Some(0));
        assert_eq!(whole(&numeric(&[2, 1, 0, 0, 12, 3456])), Some(123_456));
        assert_eq!(whole(&numeric(&[1, 1, 0x4000, 0, 12])), Some(-120_000));
        assert_eq!(whole(&numeric(&[6, 5, 0, 0, 1, 0, 0, 0, 0, 0])), None);
    }
}
