//! Older banks to migrate: embedded, or on a server; what is in them, and what ought to be.

use sql::testing::cluster::Cluster;
use sql::{Connection, Database, Digest, Migration, Passwords, SqlError, Table};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What a database holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The steps that were applied.
    pub applied: Vec<u32>,
    /// Tables, columns, indexes and views, in words.
    schema: Vec<String>,
    /// What each table holds.
    rows: Vec<(String, Digest)>,
}

impl State {
    /// The first difference, in words.
    pub fn compare(&self, wanted: &Self) -> Result<(), String> {
        if self.applied != wanted.applied {
            return Err(format!("applied were {:?}, not {:?}", self.applied, wanted.applied));
        }
        let odd = self.schema.iter().find(|line| !wanted.schema.contains(line));
        if let Some(line) = odd.or_else(|| wanted.schema.iter().find(|line| !self.schema.contains(line))) {
            return Err(format!(
                "{} steps are applied, and this is not of them or missing: {line}",
                self.applied.len()
            ));
        }
        let odd = self.rows.iter().find(|table| !wanted.rows.contains(table));
        odd.map_or(Ok(()), |(table, _)| Err(format!("the rows of {table} are others")))
    }
}

/// An older bank, of which copies are migrated.
pub(super) struct Ground<'a> {
    folder: PathBuf,
    cluster: Option<&'a Cluster>,
    /// How many steps it has.
    pub steps: usize,
    list: Vec<Migration>,
    /// What it holds after so many steps, when nobody is killed.
    known: RefCell<BTreeMap<usize, State>>,
}

const INDEXES_AND_COLUMNS: &str = "SELECT CAST(indexdef AS TEXT) FROM pg_indexes WHERE schemaname = 'public' UNION ALL \
    SELECT CAST(table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || \
    coalesce(column_default, '') AS TEXT) FROM information_schema.columns WHERE table_schema = 'public'";
const EVERYTHING: &str = "SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";

impl<'a> Ground<'a> {
    /// A bank of the first `steps`, with what a full bank has of its columns.
    pub fn make(folder: &Path, full: &Path, (steps, cluster): (usize, Option<&'a Cluster>)) -> io::Result<Self> {
        let (folder, known) = (folder.to_owned(), RefCell::default());
        let ground = Self { folder, cluster, steps, list: bank::migrations(), known };
        std::fs::create_dir_all(ground.folder())?;
        ground.fill(full).map_err(io::Error::other)?;
        ground.begin()?;
        Ok(ground)
    }

    /// Makes the older bank: as a file always, since its tables tell those of the server; on the server too when it is there.
    fn fill(&self, full: &Path) -> Result<(), SqlError> {
        let (full, old) = (Connection::open_writer(full, 4_096)?, Connection::open_writer(&self.file("old"), 4_096)?);
        migrated(&old, &self.list[..self.steps])?;
        let tables = Table::all(&old)?;
        copied(&tables, &full, &old)?;
        if let Some(cluster) = self.cluster {
            let made = cluster.sql("postgres", &format!("CREATE DATABASE {}", self.name("old")));
            made.map_err(|error| SqlError::Io(error.to_string()))?;
            let old = self.open("old")?;
            migrated(&old, &self.list[..self.steps])?;
            copied(&tables, &full, &old)?;
        }
        Ok(())
    }

    /// The data directory of the bank that is migrated.
    pub fn folder(&self) -> PathBuf {
        self.folder.join("last")
    }

    /// Where it is, when it is on a server.
    pub fn url(&self) -> Option<String> {
        self.cluster.map(|cluster| url(cluster, &self.name("last")))
    }

    fn file(&self, name: &str) -> PathBuf {
        if name == "last" { self.folder().join(sql::FILE_NAME) } else { self.folder.join(format!("{name}.db")) }
    }

    fn name(&self, name: &str) -> String {
        format!("{name}_{}", self.steps)
    }

    fn open(&self, name: &str) -> Result<Connection, SqlError> {
        match self.cluster {
            None => Connection::open_writer(&self.file(name), 4_096),
            Some(cluster) => {
                let url = url(cluster, &self.name(name));
                let database = Database::parse(&url, &Passwords::default());
                database.map_err(|error| SqlError::Io(error.to_string()))?.open_writer(4_096)
            }
        }
    }

    /// Every step's number.
    pub fn all(&self) -> Vec<u32> {
        self.list.iter().map(|step| step.version).collect()
    }

    /// Puts the older bank in place of the one that is migrated.
    pub fn begin(&self) -> io::Result<()> {
        self.again("old", "last")
    }

    fn again(&self, from: &str, to: &str) -> io::Result<()> {
        match self.cluster {
            None => {
                let beside = |file: &Path, end: &str| PathBuf::from(format!("{}{end}", file.display()));
                for end in ["", "-wal", "-shm"] {
                    let (from, to) = (beside(&self.file(from), end), beside(&self.file(to), end));
                    if to.exists() {
                        std::fs::remove_file(&to)?;
                    }
                    if from.exists() && end != "-shm" {
                        std::fs::copy(&from, &to)?;
                    }
                }
                Ok(())
            }
            Some(cluster) => {
                let (from, to) = (self.name(from), self.name(to));
                cluster.sql("postgres", &format!("DROP DATABASE IF EXISTS {to} WITH (FORCE)"))?;
                // A session that was just left may not have ended yet.
                let ended =
                    format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{from}'");
                cluster.sql("postgres", &ended)?;
                cluster.sql("postgres", &format!("CREATE DATABASE {to} TEMPLATE {from}")).map(drop)
            }
        }
    }

    /// What the migrated bank holds now. Of a file a copy is looked at: whoever opens it changes it.
    pub fn state(&self) -> io::Result<State> {
        if self.cluster.is_none() {
            self.again("last", "seen")?;
        }
        let name = if self.cluster.is_none() { "seen" } else { "last" };
        self.open(name).and_then(|connection| self.read(&connection)).map_err(io::Error::other)
    }

    /// What it ought to hold after so many steps.
    pub fn reference(&self, steps: usize) -> io::Result<State> {
        if let Some(known) = self.known.borrow().get(&steps) {
            return Ok(known.clone());
        }
        self.again("old", "reference")?;
        let state = self.open("reference").and_then(|connection| {
            migrated(&connection, &self.list[..steps])?;
            self.read(&connection)
        });
        let state = state.map_err(io::Error::other)?;
        self.known.borrow_mut().insert(steps, state.clone());
        Ok(state)
    }

    /// The defect: the first statement of the next step is there without the rest.
    pub fn spoil(&self) -> io::Result<()> {
        let connection = self.open("last").map_err(io::Error::other)?;
        let applied = applied(&connection).map_err(io::Error::other)?;
        let next = self.list.iter().find(|step| !applied.contains(&step.version));
        let statement = next.and_then(|step| step.sql.split(';').next()).unwrap_or("CREATE TABLE half(no INTEGER)");
        connection.define(statement).map_err(io::Error::other)
    }

    fn read(&self, connection: &Connection) -> Result<State, SqlError> {
        let applied = applied(connection)?;
        let sql = if connection.is_server() { INDEXES_AND_COLUMNS } else { EVERYTHING };
        let mut schema = connection.query(sql, &[], |row| row.text(0))?;
        schema.sort();
        // The tables of so many steps, as the embedded engine tells them.
        let scratch = Connection::open_writer(Path::new(":memory:"), 4_096)?;
        let there = self.list.iter().filter(|step| applied.contains(&step.version)).copied().collect::<Vec<_>>();
        migrated(&scratch, &there)?;
        connection.execute_batch("BEGIN")?;
        let rows = Table::all(&scratch)?.into_iter().map(|table| {
            let digest = table.digest(connection, &mut |_| {})?;
            Ok((table.name, digest))
        });
        let rows = rows.collect::<Result<Vec<_>, SqlError>>()?;
        connection.execute_batch("ROLLBACK")?;
        Ok(State { applied, schema, rows })
    }
}

fn url(cluster: &Cluster, name: &str) -> String {
    format!("postgres://{}@127.0.0.1:{}/{name}", sql::testing::cluster::ADMINISTRATOR, cluster.port())
}

fn migrated(connection: &Connection, list: &[Migration]) -> Result<(), SqlError> {
    sql::migrate(connection, list).map(drop).map_err(|error| SqlError::Io(format!("{error} ({error:?})")))
}

fn copied(tables: &[Table], from: &Connection, to: &Connection) -> Result<(), SqlError> {
    to.execute_batch("BEGIN")?;
    for table in tables {
        table.copy(from, to, &mut |_| {})?;
    }
    to.execute_batch("COMMIT")
}

fn applied(connection: &Connection) -> Result<Vec<u32>, SqlError> {
    if !connection.has_table("migration")? {
        return Ok(Vec::new());
    }
    connection.query("SELECT version FROM migration WHERE version > 0 ORDER BY version", &[], |row| row.small(0))
}
