//! The line: statements of a unit that wait to go out to the server together.
//!
//! A round trip and a parse for each row would be most of the time. So a statement whose result nobody needs stands in line
//! until one comes whose result is needed, or the unit ends. Then all go out in one exchange, in order; and of neighbouring
//! INSERTs those of one text become one statement over arrays (`UNNEST`): among statements that only add rows and read none,
//! order does not matter.
//!
//! A savepoint stands in line as well. One that is released before the line went out was never needed and is taken out again;
//! one that is rolled back takes what stands behind it along. So a unit that asks nothing and is kept costs no savepoint.

use crate::value::Param;
use std::sync::{Arc, OnceLock};
use tokio_postgres::Statement;
use tokio_postgres::types::Type;

/// A statement that the server knows.
pub(crate) struct Known {
    /// For one row.
    pub(crate) statement: Statement,
    /// Its text in the server's words when it can take many rows: `INSERT … SELECT * FROM UNNEST(…)`.
    pub(crate) many_text: Option<String>,
    /// The same, once it was needed.
    pub(crate) many: OnceLock<Statement>,
}

impl Known {
    pub(crate) fn new(statement: Statement, sql: &str) -> Self {
        let many_text = over_arrays(sql, statement.params());
        Self { statement, many_text, many: OnceLock::new() }
    }
}

/// A parameter that outlives its statement's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    Ints(Vec<i64>),
    /// One of each row.
    Column(Vec<Owned>),
}

impl From<&Param<'_>> for Owned {
    fn from(param: &Param<'_>) -> Self {
        match param {
            Param::Null => Self::Null,
            Param::Int(value) => Self::Int(*value),
            Param::Text(text) => Self::Text((*text).to_owned()),
            Param::Blob(bytes) => Self::Blob(bytes.to_vec()),
            Param::Id(bytes) => Self::Blob(bytes.to_vec()),
            Param::Ints(values) => Self::Ints(values.to_vec()),
        }
    }
}

enum Item {
    Savepoint(String),
    Row(Arc<Known>, Vec<Owned>),
}

/// What goes out as one message.
pub(crate) enum Parcel {
    /// A word about a savepoint.
    Word(String),
    /// A statement with the parameters of one row.
    One(Arc<Known>, Vec<Owned>),
    /// The same over arrays, a column for each parameter.
    Many(Arc<Known>, Vec<Owned>),
}

/// Statements in line.
#[derive(Default)]
pub(crate) struct Line {
    items: Vec<Item>,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }

    pub(crate) fn push(&mut self, known: Arc<Known>, params: &[Param<'_>]) {
        self.items.push(Item::Row(known, params.iter().map(Owned::from).collect()));
    }

    pub(crate) fn savepoint(&mut self, name: &str) {
        self.items.push(Item::Savepoint(name.to_owned()));
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.items.iter().rposition(|item| matches!(item, Item::Savepoint(found) if found == name))
    }

    /// Takes a savepoint out that has not gone out yet, and leaves what stands behind it; false when it has.
    pub(crate) fn release(&mut self, name: &str) -> bool {
        let place = self.place(name);
        place.map(|place| drop(self.items.remove(place))).is_some()
    }

    /// Takes out what stands behind a savepoint that has not gone out yet; false when it has.
    pub(crate) fn back_to(&mut self, name: &str) -> bool {
        let place = self.place(name);
        place.map(|place| self.items.truncate(place + 1)).is_some()
    }

    /// Everything, as it is to go out.
    pub(crate) fn take(&mut self) -> Vec<Parcel> {
        let mut parcels = Vec::new();
        let mut tables = Vec::new();
        for item in self.items.drain(..) {
            match item {
                Item::Row(known, row) if known.many_text.is_some() => gather(&mut tables, known, row),
                Item::Row(known, row) => {
                    close(&mut tables, &mut parcels);
                    parcels.push(Parcel::One(known, row));
                }
                Item::Savepoint(name) => {
                    close(&mut tables, &mut parcels);
                    parcels.push(Parcel::Word(format!("SAVEPOINT {name}")));
                }
            }
        }
        close(&mut tables, &mut parcels);
        parcels
    }
}

/// Rows for one statement.
type Rows = (Arc<Known>, Vec<Vec<Owned>>);

fn gather(tables: &mut Vec<Rows>, known: Arc<Known>, row: Vec<Owned>) {
    match tables.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &known)) {
        Some((_, rows)) => rows.push(row),
        None => tables.push((known, vec![row])),
    }
}

fn close(tables: &mut Vec<Rows>, parcels: &mut Vec<Parcel>) {
    for (known, mut rows) in tables.drain(..) {
        if rows.len() == 1 {
            parcels.extend(rows.pop().map(|row| Parcel::One(known, row)));
            continue;
        }
        let mut columns: Vec<Vec<Owned>> = Vec::new();
        columns.resize_with(known.statement.params().len(), || Vec::with_capacity(rows.len()));
        for row in rows {
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        parcels.push(Parcel::Many(known, columns.into_iter().map(Owned::Column).collect()));
    }
}

/// An INSERT whose values are all its parameters, in order, as one over arrays; nothing when it is anything else.
fn over_arrays(sql: &str, types: &[Type]) -> Option<String> {
    let (head, rest) = sql.split_once(" VALUES (")?;
    let (list, tail) = rest.split_once(')')?;
    let numbered = (1..=types.len()).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ");
    let plain = head.starts_with("INSERT INTO ") && list == numbered && !types.is_empty();
    if !plain || !matches!(tail.trim(), "" | "ON CONFLICT DO NOTHING") {
        return None;
    }
    let arrays = types.iter().enumerate().map(|(place, kind)| {
        let array = match *kind {
            Type::INT8 => "bigint[]",
            Type::TEXT => "text[]",
            Type::BYTEA => "bytea[]",
            _ => return None,
        };
        Some(format!("${}::{array}", place + 1))
    });
    let arrays = arrays.collect::<Option<Vec<_>>>()?.join(", ");
    Some(format!("{head} SELECT * FROM UNNEST({arrays}){tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_of_its_parameters_takes_many_rows() {
        let types = [Type::INT8, Type::BYTEA];
        assert_eq!(
            over_arrays("INSERT INTO a(b, c) VALUES (?1, ?2) ON CONFLICT DO NOTHING", &types).as_deref(),
            Some("INSERT INTO a(b, c) SELECT * FROM UNNEST($1::bigint[], $2::bytea[]) ON CONFLICT DO NOTHING")
        );
        for other in [
            "INSERT INTO a(b, c) VALUES (?2, ?1)",
            "INSERT INTO a(b, c) VALUES (?1, ?2), (?3, ?4)",
            "INSERT INTO a(b, c, d) VALUES (?1, ?2, 0)",
            "INSERT INTO a(b, c) VALUES (?1, ?2) ON CONFLICT (b) DO UPDATE SET c = ?2",
            "UPDATE a SET b = ?1 WHERE c = ?2",
        ] {
            assert_eq!(over_arrays(other, &types), None, "{other}");
        }
    }

    #[test]
    fn a_savepoint_in_line_costs_nothing_when_it_is_released_and_takes_its_rows_when_it_is_rolled_back() {
        let mut line = Line::default();
        line.savepoint("unit");
        line.savepoint("attempt");
        assert!(line.back_to("attempt") && line.release("attempt") && !line.release("attempt"));
        assert!(line.release("unit") && line.is_empty() && !line.back_to("unit"));
    }
}
