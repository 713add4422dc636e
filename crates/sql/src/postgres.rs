//! The connection to a PostgreSQL server: the same statements, one exchange for many of them where nobody waits for a result.
//!
//! Statements are written once, with `?1`, `?2`; here they become `$1`, `$2`, are prepared once for each connection and
//! remembered by their text. Statements that are only to be done ([`Postgres::later`]) wait and go out together with the
//! next one whose result is needed, in order: a round trip for each row would be most of the time.
//!
//! The crossing into the asynchronous driver: one thread of its own drives all connections of the process; a caller waits
//! for its answer on its own thread, which need not be one of a runtime and may be.
//!
//! Invariants: after an error inside a unit nothing more is sent but the end of a savepoint or of the unit, and the unit
//! counts as ended ([`Postgres::is_idle`]) unless a savepoint is rolled back; a connection that was lost stays lost.

use crate::error::SqlError;
use crate::fence::{self, Standing};
use crate::patience::{self, Patience};
use crate::value::{Param, Value};
use futures::executor::block_on;
use futures::future::try_join_all;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Row, Statement};

/// How long the server may take to answer the first knock.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Drives the sockets of all connections; what is done on them is decided by who owns them.
static DRIVER: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("postgres")
        .enable_all()
        .build()
        .expect("a thread can be started when the program starts")
});

/// A statement that was sent off without waiting for it.
struct Waiting {
    statement: Statement,
    params: Vec<Owned>,
}

/// A connection to a server.
pub(crate) struct Postgres {
    client: Client,
    statements: RefCell<HashMap<String, Statement>>,
    waiting: RefCell<Vec<Waiting>>,
    /// Between BEGIN and COMMIT or ROLLBACK.
    inside: Cell<bool>,
    /// A statement failed inside: the server refuses everything until a savepoint is rolled back or the unit ends.
    doomed: Cell<bool>,
    /// The server warned of something, such as that it stopped waiting for its standbys.
    unsure: Arc<AtomicBool>,
    /// After this no statement is begun.
    until: Cell<Option<Instant>>,
    /// Where the server stood; nothing when it has no timelines.
    standing: Option<Standing>,
    patience: Patience,
}

impl Postgres {
    /// Connects.
    pub(crate) fn connect(config: &Config) -> Result<Self, SqlError> {
        let mut config = config.clone();
        config.connect_timeout(CONNECT_PATIENCE);
        fence::notice_dead_machines(&mut config);
        let unsure = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&unsure);
        let task = DRIVER.spawn(async move {
            // An address where somebody answers the phone and then says nothing is none either.
            let silent = |_| SqlError::Lost("no answer while connecting".to_owned());
            let connecting = tokio::time::timeout(CONNECT_PATIENCE, config.connect(NoTls));
            let (client, mut connection) = connecting.await.map_err(silent)?.map_err(|error| trouble(&error))?;
            let driving = tokio::spawn(async move {
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
            let standing = tokio::time::timeout(CONNECT_PATIENCE, fence::admit(&client)).await.map_err(silent)??;
            Ok::<_, SqlError>((client, driving.abort_handle(), standing))
        });
        let (client, driving, standing) = block_on(task).map_err(|error| SqlError::Lost(error.to_string()))??;
        let connection = Self {
            client,
            statements: RefCell::default(),
            waiting: RefCell::default(),
            inside: Cell::new(false),
            doomed: Cell::new(false),
            unsure,
            until: Cell::new(None),
            standing,
            patience: Patience::new(driving),
        };
        connection.batch(SETTINGS)?;
        Ok(connection)
    }

    /// Whether no unit is open, or the open one cannot be kept any more.
    pub(crate) fn is_idle(&self) -> bool {
        !self.inside.get() || self.doomed.get() || self.client.is_closed()
    }

    /// Whether the connection is gone, or leads to a server that another one has taken over from.
    pub(crate) fn is_lost(&self) -> bool {
        self.client.is_closed() || self.standing.as_ref().is_some_and(fence::is_passed)
    }

    /// See [`crate::Connection::bound_waits`].
    pub(crate) fn bound_waits(&self) -> Result<(), SqlError> {
        self.batch(patience::OTHERS)?;
        let (since, driving) = self.patience.shared();
        DRIVER.spawn(Patience::watch(since, driving));
        Ok(())
    }

    /// Several statements without parameters, results ignored.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), SqlError> {
        self.send_waiting()?;
        self.watch(block_on(self.client.batch_execute(sql)))
    }

    /// A word that begins or ends a unit or a savepoint. True when `sql` was one.
    pub(crate) fn control(&self, sql: &str) -> Result<bool, SqlError> {
        let ends = sql.starts_with("COMMIT") || sql.starts_with("ROLLBACK") || sql.starts_with("BEGIN");
        if ends {
            self.patience.begin();
        }
        match sql {
            "BEGIN" | "BEGIN IMMEDIATE" => {
                self.begin("BEGIN ISOLATION LEVEL READ COMMITTED")?;
            }
            "COMMIT" => {
                self.send_waiting()?;
                if self.doomed.get() {
                    // The server would answer "ROLLBACK" and call it done.
                    return Err(SqlError::Full("the unit had failed".to_owned()));
                }
                self.unsure.store(false, Ordering::SeqCst);
                let done = self.watch(block_on(self.client.batch_execute("COMMIT")));
                self.inside.set(false);
                done?;
                if self.unsure.swap(false, Ordering::SeqCst) {
                    return Err(SqlError::Unsure);
                }
            }
            "ROLLBACK" => {
                self.waiting.borrow_mut().clear();
                let done = self.watch(block_on(self.client.batch_execute("ROLLBACK")));
                self.inside.set(false);
                self.doomed.set(false);
                done?;
            }
            _ if sql.starts_with("ROLLBACK TO ") => {
                if !self.doomed.get() {
                    self.send_waiting()?;
                }
                self.waiting.borrow_mut().clear();
                // A failed statement is forgotten with the savepoint.
                self.watch(block_on(self.client.batch_execute(sql)))?;
                self.doomed.set(false);
            }
            _ if sql.starts_with("SAVEPOINT ") || sql.starts_with("RELEASE ") => self.later(sql, &[])?,
            _ => return Ok(false),
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
        self.watch(block_on(self.client.batch_execute(sql)))?;
        self.inside.set(true);
        Ok(())
    }

    /// Puts a statement in line for the next exchange.
    pub(crate) fn later(&self, sql: &str, params: &[Param<'_>]) -> Result<(), SqlError> {
        let statement = self.statement(sql)?;
        self.waiting.borrow_mut().push(Waiting { statement, params: params.iter().map(Owned::from).collect() });
        Ok(())
    }

    /// Runs a statement and tells how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, SqlError> {
        let statement = self.statement(sql)?;
        self.send_waiting()?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        let rows = self.watch(block_on(self.client.execute(&statement, &params)))?;
        usize::try_from(rows).map_err(|_| SqlError::Other("too many rows".to_owned()))
    }

    /// The rows of a query.
    pub(crate) fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        let statement = self.statement(sql)?;
        self.send_waiting()?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        self.watch(block_on(self.client.query(&statement, &params)))
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

    /// Sends what waits, in one exchange, and looks at every answer.
    pub(crate) fn send_waiting(&self) -> Result<(), SqlError> {
        if self.waiting.borrow().is_empty() {
            return Ok(());
        }
        if self.doomed.get() {
            return Err(SqlError::Full("the unit had failed".to_owned()));
        }
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        let sent = waiting.iter().map(|one| self.client.execute_raw(&one.statement, one.params.iter()));
        self.watch(block_on(try_join_all(sent)))?;
        // What made them go out comes next.
        self.patience.begin();
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "how long a snapshot lives is the machine's time, not the bank's")]
    fn statement(&self, sql: &str) -> Result<Statement, SqlError> {
        if self.until.get().is_some_and(|until| Instant::now() >= until) {
            return Err(SqlError::TooLong);
        }
        self.patience.begin();
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        if self.doomed.get() {
            return Err(SqlError::Full("the unit had failed".to_owned()));
        }
        // What waits may create what this one names.
        self.send_waiting()?;
        let statement = self.watch(block_on(self.client.prepare(&rewritten(sql))))?;
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn watch<T>(&self, result: Result<T, tokio_postgres::Error>) -> Result<T, SqlError> {
        self.patience.end();
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

fn hear(notice: &DbError, unsure: &AtomicBool) {
    // That the wait for a standby was cancelled is told by a warning beside the answer "done", in the server's language and
    // under no code of its own. The commit then stands on one server alone and may be lost with it.
    if matches!(notice.parsed_severity(), Some(Severity::Warning)) {
        unsure.store(true, Ordering::SeqCst);
    }
    tracing::warn!(notice = notice.message(), "the database says");
}

/// Sorts the server's errors by what they mean for a unit.
pub(crate) fn trouble(error: &tokio_postgres::Error) -> SqlError {
    let Some(found) = error.as_db_error() else {
        let broken = error.source().is_some_and(|source| source.is::<std::io::Error>());
        let text = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        return if error.is_closed() || broken { SqlError::Lost(text) } else { SqlError::Other(text) };
    };
    let text = format!("{} ({})", found.message(), found.code().code());
    match &found.code().code()[..2] {
        _ if *found.code() == SqlState::QUERY_CANCELED => SqlError::TooLong,
        "08" | "57" => SqlError::Lost(text),
        "53" => SqlError::Full(text),
        "23" => SqlError::Constraint(text),
        "40" | "55" => SqlError::Busy,
        "58" => SqlError::Io(text),
        "XX" => SqlError::Corrupt("the server found damage"),
        _ => SqlError::Other(text),
    }
}

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

/// A parameter that outlives its statement's text.
#[derive(Debug)]
enum Owned {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<&Param<'_>> for Owned {
    fn from(param: &Param<'_>) -> Self {
        match param {
            Param::Null => Self::Null,
            Param::Int(value) => Self::Int(*value),
            Param::Text(text) => Self::Text((*text).to_owned()),
            Param::Blob(bytes) => Self::Blob(bytes.to_vec()),
            Param::Id(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

impl Owned {
    fn param(&self) -> Param<'_> {
        match self {
            Self::Null => Param::Null,
            Self::Int(value) => Param::Int(*value),
            Self::Text(text) => Param::Text(text),
            Self::Blob(bytes) => Param::Blob(bytes),
        }
    }
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
        self.param().to_sql(kind, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
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
