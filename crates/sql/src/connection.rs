//! A connection: statements are cached by their text, parameters are numbered `?1`, `?2`.

use crate::error::SqlError;
use crate::password::Passwords;
use crate::postgres::{self, Postgres};
use crate::server::Server;
use crate::value::{Param, Row, Source};
use crate::vetting;
use rusqlite::{OpenFlags, ToSql, params_from_iter};
use std::fs::{OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a tenant's database is.
#[derive(Clone, Debug)]
pub enum Database {
    /// Embedded, in this file.
    File(PathBuf),
    /// On a server.
    Server(Arc<Server>),
}

impl Database {
    /// The database that a URL such as `postgres://user@host:5432/bank` names.
    ///
    /// # Errors
    /// See [`Server::parse`].
    pub fn parse(url: &str, passwords: &Passwords) -> Result<Self, SqlError> {
        Ok(Self::Server(Arc::new(Server::parse(url, passwords)?)))
    }

    /// Whether it is on a server, where other nodes may write too.
    #[must_use]
    pub fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Opens it for writing, with a page cache of so many KiB where that is ours to say.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_writer(&self, cache_kib: u32) -> Result<Connection, SqlError> {
        match self {
            Self::File(file) => Connection::open_writer(file, cache_kib),
            Self::Server(server) => {
                let connection = Connection { engine: Engine::Server(Box::new(Postgres::connect(server)?)) };
                vetting::still_durable(server, &connection)?;
                Ok(connection)
            }
        }
    }

    /// Opens it for reading only.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_reader(&self) -> Result<Connection, SqlError> {
        match self {
            Self::File(file) => Connection::open_reader(file),
            Self::Server(server) => {
                let server = Postgres::connect(server)?;
                server.batch("SET default_transaction_read_only = on")?;
                Ok(Connection { engine: Engine::Server(Box::new(server)) })
            }
        }
    }
}

/// A connection to the database of one tenant.
pub struct Connection {
    pub(crate) engine: Engine,
}

/// Which database it talks to.
pub(crate) enum Engine {
    Embedded(rusqlite::Connection),
    Server(Box<Postgres>),
}

/// 4 kB pages: larger ones write more for each random change.
const WRITER_SETTINGS: &str = "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; \
    PRAGMA foreign_keys=OFF; PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY;";

/// Makes the file readable and writable by its owner only, before anything stands in it; log and shared memory get the same
/// permissions from it.
fn keep_private(file: &Path) -> io::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mode = std::fs::metadata(file)?.permissions().mode();
            let beside = ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", file.display())));
            for path in beside.iter().filter(|path| mode & 0o077 != 0 && path.exists()) {
                std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

impl Connection {
    /// Opens (and creates) the database for writing. Only the holder of the directory's lock may call it, once.
    ///
    /// # Errors
    /// When the file cannot be opened or is no database.
    pub fn open_writer(file: &Path, cache_kib: u32) -> Result<Self, SqlError> {
        keep_private(file).map_err(|error| SqlError::Other(format!("{}: {error}", file.display())))?;
        let inner = pages::open(file, OpenFlags::default())?;
        inner.execute_batch(&format!("{WRITER_SETTINGS} PRAGMA cache_size=-{cache_kib};"))?;
        #[cfg(feature = "seeded-defects")]
        if std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == "no-sync") {
            inner.execute_batch("PRAGMA synchronous=OFF")?;
        }
        if !pages::has_sums(&inner) {
            tracing::warn!(file = %file.display(), "made by an older version: its pages carry no sums; a backup of it, restored, has them");
        }
        inner.set_prepared_statement_cache_capacity(256);
        Ok(Self { engine: Engine::Embedded(inner) })
    }

    /// Opens the database for reading only.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open_reader(file: &Path) -> Result<Self, SqlError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let inner = pages::open(file, flags)?;
        inner.busy_timeout(std::time::Duration::from_secs(5))?;
        inner.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY;")?;
        inner.set_prepared_statement_cache_capacity(128);
        Ok(Self { engine: Engine::Embedded(inner) })
    }

    /// Opens the database for copying it whole: reads only, but may write the copy.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open_copier(file: &Path) -> Result<Self, SqlError> {
        let reader = Self::open_reader(file)?;
        reader.execute_batch("PRAGMA query_only=OFF;")?;
        Ok(reader)
    }

    /// Whether the pages of an embedded database carry sums. Files of older versions do not; a server sees to its own pages.
    #[must_use]
    pub fn has_sums(&self) -> bool {
        self.embedded().is_ok_and(pages::has_sums)
    }

    /// The embedded engine beneath.
    pub(crate) fn embedded(&self) -> Result<&rusqlite::Connection, SqlError> {
        match &self.engine {
            Engine::Embedded(inner) => Ok(inner),
            Engine::Server(_) => Err(SqlError::Other("only an embedded database can do that".to_owned())),
        }
    }

    /// Whether the database is on a server.
    #[must_use]
    pub fn is_server(&self) -> bool {
        matches!(self.engine, Engine::Server(_))
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, SqlError> {
        match &self.engine {
            Engine::Embedded(inner) => {
                let mut statement = inner.prepare_cached(sql)?;
                Ok(statement.execute(params_from_iter(params.iter().map(|p| p as &dyn ToSql)))?)
            }
            Engine::Server(_) if params.is_empty() && self.control(sql)? => Ok(0),
            Engine::Server(server) => server.execute(sql, params),
        }
    }

    /// Runs a statement whose result nobody needs; on a server it is put in line, and an error may show only with the next
    /// result that is asked for, at the latest with COMMIT.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn put(&self, sql: &str, params: &[Param<'_>]) -> Result<(), SqlError> {
        match &self.engine {
            Engine::Embedded(_) => self.execute(sql, params).map(drop),
            Engine::Server(server) => server.later(sql, params),
        }
    }

    /// Sends what stands in line and looks at every answer.
    pub(crate) fn send_line(&self) -> Result<(), SqlError> {
        match &self.engine {
            Engine::Embedded(_) => Ok(()),
            Engine::Server(server) => server.send_waiting(),
        }
    }

    /// Sends what stands in line, so that every error of it shows now and not with COMMIT.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn send_all(&self) -> Result<(), SqlError> {
        self.send_line()
    }

    fn control(&self, sql: &str) -> Result<bool, SqlError> {
        match &self.engine {
            Engine::Embedded(_) => Ok(false),
            Engine::Server(server) => server.control(sql),
        }
    }

    /// From now on no statement is begun after this moment; what runs in the embedded engine is interrupted by its owner.
    pub(crate) fn until(&self, moment: Option<std::time::Instant>) {
        if let Engine::Server(server) = &self.engine {
            server.until(moment);
        }
    }

    /// From now on nobody waits longer for the server's answer; one that is silent for longer counts as lost.
    pub(crate) fn answers_within(&self, patience: std::time::Duration) -> Result<(), SqlError> {
        match &self.engine {
            Engine::Embedded(_) => Ok(()),
            Engine::Server(server) => server.answers_within(patience),
        }
    }

    /// Begins a unit that sees one moment and only reads.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn begin_snapshot(&self) -> Result<(), SqlError> {
        match &self.engine {
            Engine::Embedded(_) => self.execute("BEGIN", &[]).map(drop),
            Engine::Server(server) => server.begin_snapshot(),
        }
    }

    /// Whether a statement only reads: it begins as a query, and changes no row. A server's readers are held to that by the
    /// server too.
    pub(crate) fn only_reads(&self, sql: &str) -> Result<bool, SqlError> {
        let query = ["SELECT", "WITH"].iter().any(|word| sql.trim_start().starts_with(word));
        match &self.engine {
            Engine::Embedded(inner) => Ok(query && inner.prepare_cached(sql)?.readonly()),
            Engine::Server(_) => Ok(query && !["INSERT ", "UPDATE ", "DELETE "].iter().any(|word| sql.contains(word))),
        }
    }

    /// Looks a statement up once, to run it for many rows: a look-up hashes its text.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn prepare<'c>(&'c self, sql: &'c str) -> Result<Prepared<'c>, SqlError> {
        Ok(match &self.engine {
            Engine::Embedded(inner) => Prepared(Ready::Embedded(inner.prepare_cached(sql)?)),
            Engine::Server(server) => Prepared(Ready::Server(server, sql)),
        })
    }

    /// Runs several statements without parameters.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn execute_batch(&self, sql: &str) -> Result<(), SqlError> {
        match &self.engine {
            Engine::Embedded(inner) => Ok(inner.execute_batch(sql)?),
            Engine::Server(_) if self.control(sql)? => Ok(()),
            Engine::Server(server) => server.batch(sql),
        }
    }

    /// Runs the statements of a migration, which are written in the embedded engine's words.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn define(&self, sql: &str) -> Result<(), SqlError> {
        if self.is_server() { self.execute_batch(&postgres::definition(sql)) } else { self.execute_batch(sql) }
    }

    /// All rows of a query, each read by `read`.
    ///
    /// # Errors
    /// See [`SqlError`]; whatever `read` returns.
    pub fn query<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let mut found = Vec::new();
        self.each(sql, params, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Calls `visit` with each row of a query, without collecting them.
    ///
    /// # Errors
    /// See [`SqlError`]; whatever `visit` returns.
    pub fn each(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut visit: impl FnMut(&Row<'_>) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        match &self.engine {
            Engine::Embedded(inner) => {
                let mut statement = inner.prepare_cached(sql)?;
                let mut rows = statement.query(params_from_iter(params.iter().map(|p| p as &dyn ToSql)))?;
                while let Some(row) = rows.next()? {
                    visit(&Row(Source::Embedded(row)))?;
                }
                Ok(())
            }
            Engine::Server(server) => server.each(sql, params, |row| visit(&Row(Source::Server(row)))),
        }
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// See [`SqlError`]; whatever `read` returns.
    pub fn query_opt<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Option<T>, SqlError> {
        match &self.engine {
            Engine::Embedded(inner) => {
                let mut statement = inner.prepare_cached(sql)?;
                let mut rows = statement.query(params_from_iter(params.iter().map(|p| p as &dyn ToSql)))?;
                rows.next()?.map(|row| read(&Row(Source::Embedded(row)))).transpose()
            }
            Engine::Server(server) => {
                server.rows(sql, params)?.first().map(|row| read(&Row(Source::Server(row)))).transpose()
            }
        }
    }

    /// One integer, 0 when there is no row or it is NULL.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn number(&self, sql: &str, params: &[Param<'_>]) -> Result<i64, SqlError> {
        Ok(self.query_opt(sql, params, |row| row.opt_int(0))?.flatten().unwrap_or(0))
    }

    /// Whether the schema has a table of this name.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn has_table(&self, name: &str) -> Result<bool, SqlError> {
        let sql = if self.is_server() {
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?1"
        } else {
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1"
        };
        Ok(self.number(sql, crate::params![name])? == 1)
    }

    /// The name of some table of the schema, if it has one.
    pub(crate) fn any_table(&self) -> Result<Option<String>, SqlError> {
        let sql = if self.is_server() {
            "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename LIMIT 1"
        } else {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name LIMIT 1"
        };
        self.query_opt(sql, &[], |row| row.text(0))
    }

    /// Whether no unit is open on this connection, or the open one cannot be kept any more.
    pub(crate) fn is_idle(&self) -> bool {
        match &self.engine {
            Engine::Embedded(inner) => inner.is_autocommit(),
            Engine::Server(server) => server.is_idle(),
        }
    }

    /// Whether the connection is gone for good.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(&self.engine, Engine::Server(server) if server.is_lost())
    }
}

/// A statement ready to run many times.
pub struct Prepared<'c>(Ready<'c>);

enum Ready<'c> {
    /// Compiled.
    Embedded(rusqlite::CachedStatement<'c>),
    /// To be sent with others.
    Server(&'c Postgres, &'c str),
}

impl Prepared<'_> {
    /// Runs it, or puts it in line: an error may show only with the next result that is asked for, at the latest with COMMIT.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn execute(&mut self, params: &[Param<'_>]) -> Result<(), SqlError> {
        match &mut self.0 {
            Ready::Embedded(statement) => {
                for (place, param) in params.iter().enumerate() {
                    statement.raw_bind_parameter(place + 1, param)?;
                }
                Ok(statement.raw_execute().map(drop)?)
            }
            Ready::Server(server, sql) => server.later(sql, params),
        }
    }
}
