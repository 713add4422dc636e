//! Whole tables: what they are, copying one to another engine, and a digest by which two engines' rows are compared.
//!
//! Nothing here knows what a table means. Rows are read in the order of their primary key, texts by their bytes on both
//! engines, and both digests come from the same code over the same encoding: a value is a byte that says what it is (0 nothing,
//! 1 integer, 2 text, 3 bytes), then eight bytes, the integer or the length, highest first, then the text or the bytes.

use crate::connection::{Connection, Engine};
use crate::error::SqlError;
use crate::value::{Param, Row, Value};
use aws_lc_rs::digest::{Context, SHA256};

/// A table with its columns, as the embedded engine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Names of its columns, in order.
    columns: Vec<String>,
    /// The columns of its primary key, in the key's order, and whether each is a text.
    key: Vec<(String, bool)>,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// How many rows.
    pub rows: u64,
    /// SHA-256 over the names of its columns and all its rows.
    pub sha256: [u8; 32],
}

/// Rows that are read, or stand in line, at a time; fewer when they are long.
const PAGE_ROWS: usize = 2_000;
/// Bytes that stand in line at most before they go out.
const PAGE_BYTES: usize = 4 << 20;

const NAMES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
    AND name <> 'migration' ORDER BY name";
const COLUMNS: &str = "SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid";
const IDENTITIES: &str = "SELECT CAST(column_name AS TEXT) FROM information_schema.columns \
    WHERE table_schema = current_schema() AND table_name = ?1 AND is_identity = 'YES'";

impl Table {
    /// All tables of an embedded database but the one of migrations, by name.
    ///
    /// # Errors
    /// When the schema cannot be read, or a table has no primary key.
    pub fn all(connection: &Connection) -> Result<Vec<Self>, SqlError> {
        let names = connection.query(NAMES, &[], |row| row.text(0))?;
        names.into_iter().map(|name| Self::read(connection, name)).collect()
    }

    fn read(connection: &Connection, name: String) -> Result<Self, SqlError> {
        let found = connection
            .query(COLUMNS, crate::params![&name], |row| Ok((row.text(0)?, row.text(1)?, row.small::<usize>(2)?)))?;
        let mut key: Vec<_> = found.iter().filter(|(_, _, place)| *place > 0).collect();
        key.sort_by_key(|(_, _, place)| *place);
        let key: Vec<_> = key.into_iter().map(|(column, kind, _)| (column.clone(), kind == "TEXT")).collect();
        if key.is_empty() {
            return Err(SqlError::Corrupt("a table without a primary key"));
        }
        Ok(Self { name, columns: found.into_iter().map(|(column, _, _)| column).collect(), key })
    }

    fn select(&self, connection: &Connection) -> String {
        let by_bytes = if connection.is_server() { " COLLATE \"C\"" } else { " COLLATE BINARY" };
        let order =
            self.key.iter().map(|(name, text)| format!("{}{}", quoted(name), if *text { by_bytes } else { "" }));
        let order = order.collect::<Vec<_>>().join(", ");
        format!("SELECT {} FROM {} ORDER BY {order}", self.list(), quoted(&self.name))
    }

    fn list(&self) -> String {
        self.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    }

    /// How many rows it has.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn count(&self, connection: &Connection) -> Result<u64, SqlError> {
        let count = connection.number(&format!("SELECT count(*) FROM {}", quoted(&self.name)), &[])?;
        u64::try_from(count).map_err(|_| SqlError::Corrupt("a number of rows"))
    }

    /// Calls `visit` with every row in the order of the key. On a server it needs an open unit; rows come in pages.
    fn each(
        &self,
        connection: &Connection,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let select = self.select(connection);
        if let Engine::Embedded(_) = &connection.engine {
            return connection.each(&select, &[], visit);
        }
        let cursor = quoted(&format!("rows of {}", self.name));
        connection.execute_batch(&format!("DECLARE {cursor} NO SCROLL CURSOR FOR {select}"))?;
        let fetch = format!("FETCH {PAGE_ROWS} FROM {cursor}");
        let mut more = true;
        while more {
            more = false;
            connection.each(&fetch, &[], |row| {
                more = true;
                visit(row)
            })?;
        }
        connection.execute_batch(&format!("CLOSE {cursor}"))
    }

    /// Copies every row into the table of the same name, and tells how many there are so far. Both have an open unit.
    ///
    /// # Errors
    /// See [`SqlError`]; a row that the other engine does not take.
    pub fn copy(&self, from: &Connection, to: &Connection, told: &mut dyn FnMut(u64)) -> Result<u64, SqlError> {
        let places = (1..=self.columns.len()).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ");
        let insert = format!("INSERT INTO {}({}) VALUES ({places})", quoted(&self.name), self.list());
        let mut statement = to.prepare(&insert)?;
        let (mut rows, mut waiting, mut bytes) = (0, 0, 0);
        self.each(from, |row| {
            let values = (0..self.columns.len()).map(|column| row.raw(column)).collect::<Result<Vec<_>, _>>()?;
            bytes += values.iter().map(length).sum::<usize>();
            let params = values.into_iter().map(param).collect::<Result<Vec<_>, _>>()?;
            statement.execute(&params)?;
            (rows, waiting) = (rows + 1, waiting + 1);
            if waiting == PAGE_ROWS || bytes >= PAGE_BYTES {
                to.send_line()?;
                (waiting, bytes) = (0, 0);
                told(rows);
            }
            Ok(())
        })?;
        to.send_line()?;
        told(rows);
        Ok(rows)
    }

    /// Lets the numbers that the server gives continue behind all that the embedded engine ever gave.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn continue_numbers(&self, from: &Connection, to: &Connection) -> Result<(), SqlError> {
        for column in to.query(IDENTITIES, crate::params![&self.name], |row| row.text(0))? {
            let highest = format!("SELECT max({}) FROM {}", quoted(&column), quoted(&self.name));
            // Of rows that are gone only this table still knows.
            let given = if from.has_table("sqlite_sequence")? {
                from.number("SELECT seq FROM sqlite_sequence WHERE name = ?1", crate::params![&self.name])?
            } else {
                0
            };
            let next = from.number(&highest, &[])?.max(given).max(0) + 1;
            let (table, column) = (quoted(&self.name), quoted(&column));
            to.execute_batch(&format!("ALTER TABLE {table} ALTER COLUMN {column} RESTART WITH {next}"))?;
        }
        Ok(())
    }

    /// What it holds. On a server it needs an open unit.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn digest(&self, connection: &Connection, told: &mut dyn FnMut(u64)) -> Result<Digest, SqlError> {
        let mut context = Context::new(&SHA256);
        self.columns.iter().for_each(|name| add(&mut context, Value::Text(name.as_bytes())));
        let mut rows = 0;
        self.each(connection, |row| {
            (0..self.columns.len()).try_for_each(|column| row.raw(column).map(|value| add(&mut context, value)))?;
            rows += 1;
            if rows % PAGE_ROWS as u64 == 0 {
                told(rows);
            }
            Ok(())
        })?;
        told(rows);
        let sha256 = context.finish().as_ref().try_into().map_err(|_| SqlError::Corrupt("a digest's length"))?;
        Ok(Digest { rows, sha256 })
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn length(value: &Value<'_>) -> usize {
    match value {
        Value::Null | Value::Int(_) => 8,
        Value::Text(bytes) | Value::Blob(bytes) => bytes.len(),
    }
}

fn param(value: Value<'_>) -> Result<Param<'_>, SqlError> {
    Ok(match value {
        Value::Null => Param::Null,
        Value::Int(value) => Param::Int(value),
        Value::Text(bytes) => {
            Param::Text(std::str::from_utf8(bytes).map_err(|_| SqlError::Corrupt("a text is not UTF-8"))?)
        }
        Value::Blob(bytes) => Param::Blob(bytes),
    })
}

fn add(context: &mut Context, value: Value<'_>) {
    let (kind, word, bytes): (u8, u64, &[u8]) = match value {
        Value::Null => (0, 0, &[]),
        Value::Int(value) => (1, value.cast_unsigned(), &[]),
        Value::Text(bytes) => (2, bytes.len() as u64, bytes),
        Value::Blob(bytes) => (3, bytes.len() as u64, bytes),
    };
    context.update(&[kind]);
    context.update(&word.to_be_bytes());
    context.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(rows: &str) -> (tempfile::TempDir, Connection) {
        let directory = tempfile::tempdir().expect("a directory");
        let connection = Connection::open_writer(&directory.path().join("x.db"), 4096).expect("opens");
        let table = "CREATE TABLE b(k TEXT, n INTEGER, x BLOB, PRIMARY KEY (n, k)) STRICT, WITHOUT ROWID; \
            CREATE TABLE a(no INTEGER PRIMARY KEY) STRICT;";
        connection.execute_batch(&format!("{table}{rows}")).expect("made");
        (directory, connection)
    }

    fn digest(rows: &str) -> Digest {
        let (_directory, connection) = database(rows);
        let tables = Table::all(&connection).expect("read");
        assert_eq!(tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        tables[1].digest(&connection, &mut |_| {}).expect("read")
    }

    #[test]
    fn a_digest_is_of_the_rows_whatever_the_order_they_came_in() {
        let one = digest("INSERT INTO b VALUES ('x', 1, NULL), ('B', 1, x'00'), ('a', 1, x''), ('a', -2, x'61');");
        let same = digest("INSERT INTO b VALUES ('a', -2, x'61'), ('a', 1, x''), ('B', 1, x'00'), ('x', 1, NULL);");
        assert_eq!((one.rows, &one), (4, &same));
        for other in [
            "INSERT INTO b VALUES ('x', 1, x''), ('B', 1, x'00'), ('a', 1, x''), ('a', -2, x'61');",
            "INSERT INTO b VALUES ('x', 1, NULL), ('B', 1, x'00'), ('a', 1, x''), ('a', -2, x'62');",
            "INSERT INTO b VALUES ('x', 1, NULL), ('B', 1, x'00'), ('a', 1, x''), ('a', -1, x'61');",
            "INSERT INTO b VALUES ('x', 1, NULL), ('B', 1, x'00'), ('a', 1, x'');",
        ] {
            assert_ne!(digest(other).sha256, one.sha256, "{other}");
        }
    }

    #[test]
    fn rows_are_copied_as_they_are() {
        let (_from, from) = database("INSERT INTO b VALUES ('x', 1, NULL), ('B', 1, x'00');");
        let (_to, to) = database("");
        let table = &Table::all(&from).expect("read")[1];
        assert_eq!(table.copy(&from, &to, &mut |_| {}).expect("copied"), 2);
        let digest = |connection| table.digest(connection, &mut |_| {}).expect("read");
        assert_eq!(digest(&from), digest(&to));
        assert_eq!(table.count(&to).expect("read"), 2);
    }
}
