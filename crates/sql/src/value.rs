//! What goes into a statement and what comes out: 64-bit integers, text, bytes, null. Nothing else exists in the schema.

use crate::error::SqlError;
use crate::postgres::Column;
use rusqlite::types::{ToSqlOutput, ValueRef};
use vocabulary::{Id, Kind, Timestamp};

/// A value of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

/// A bound parameter.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// NULL
    Null,
    /// INTEGER
    Int(i64),
    /// TEXT
    Text(&'a str),
    /// BLOB
    Blob(&'a [u8]),
    /// BLOB of sixteen bytes: an id
    Id([u8; 16]),
    /// A list of integers, to look many keys up at once (`= ANY (?1)`); on a server only.
    Ints(&'a [i64]),
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Param::Null => ToSqlOutput::Owned(rusqlite::types::Value::Null),
            Param::Int(value) => ToSqlOutput::Owned(rusqlite::types::Value::Integer(*value)),
            Param::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Param::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Param::Id(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Param::Ints(_) => return Err(rusqlite::Error::ToSqlConversionFailure("a list of integers".into())),
        })
    }
}

macro_rules! from_int {
    ($($name:ty),*) => {$(
        impl From<$name> for Param<'_> {
            fn from(value: $name) -> Self { Param::Int(i64::from(value)) }
        }
    )*};
}
from_int!(i64, i32, u32, u16, u8, bool);

impl From<u64> for Param<'_> {
    /// Numbers given by the store itself; they stay far below 2⁶³.
    fn from(value: u64) -> Self {
        Param::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for Param<'_> {
    fn from(value: Timestamp) -> Self {
        Param::Int(value.micros())
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Param::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Param::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Param::Blob(value)
    }
}

impl<'a> From<&'a [i64]> for Param<'a> {
    fn from(value: &'a [i64]) -> Self {
        Param::Ints(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Param<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Param::Blob(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Param::Blob(value)
    }
}

impl<K: Kind> From<Id<K>> for Param<'_> {
    fn from(value: Id<K>) -> Self {
        Param::Id(value.to_bytes())
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}

/// Parameters of a statement, in the order of `?1`, `?2`, …
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::Param::from($value)),*] };
}

/// A row of a result. Columns are numbered from 0; a column of another type than asked for is corruption.
pub struct Row<'a>(pub(crate) Source<'a>);

/// Where a row comes from.
pub(crate) enum Source<'a> {
    Embedded(&'a rusqlite::Row<'a>),
    Server(&'a tokio_postgres::Row),
}

impl Row<'_> {
    pub(crate) fn raw(&self, column: usize) -> Result<Value<'_>, SqlError> {
        match &self.0 {
            Source::Embedded(row) => Ok(match row.get_ref(column)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(value) => Value::Int(value),
                ValueRef::Text(bytes) => Value::Text(bytes),
                ValueRef::Blob(bytes) => Value::Blob(bytes),
                ValueRef::Real(_) => return Err(SqlError::Corrupt("a column is a fraction")),
            }),
            Source::Server(row) => row
                .try_get::<_, Column<'_>>(column)
                .map(|found| found.0)
                .map_err(|error| SqlError::Other(error.to_string())),
        }
    }

    /// An INTEGER.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn int(&self, column: usize) -> Result<i64, SqlError> {
        self.opt_int(column)?.ok_or(SqlError::Corrupt("an integer is missing"))
    }

    /// An INTEGER or NULL.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, SqlError> {
        match self.raw(column)? {
            Value::Int(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            _ => Err(SqlError::Corrupt("a column is not an integer")),
        }
    }

    /// An INTEGER that fits a smaller type.
    ///
    /// # Errors
    /// `Corrupt` when it does not.
    pub fn small<T: TryFrom<i64>>(&self, column: usize) -> Result<T, SqlError> {
        T::try_from(self.int(column)?).map_err(|_| SqlError::Corrupt("an integer is out of its range"))
    }

    /// A TEXT.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn text(&self, column: usize) -> Result<String, SqlError> {
        self.opt_text(column)?.ok_or(SqlError::Corrupt("a text is missing"))
    }

    /// A TEXT or NULL.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, SqlError> {
        match self.raw(column)? {
            Value::Text(bytes) => {
                String::from_utf8(bytes.to_vec()).map(Some).map_err(|_| SqlError::Corrupt("a text is not UTF-8"))
            }
            Value::Null => Ok(None),
            _ => Err(SqlError::Corrupt("a column is not a text")),
        }
    }

    /// A BLOB.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>, SqlError> {
        self.opt_blob(column)?.ok_or(SqlError::Corrupt("bytes are missing"))
    }

    /// A BLOB or NULL.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>, SqlError> {
        match self.raw(column)? {
            Value::Blob(bytes) => Ok(Some(bytes.to_vec())),
            Value::Null => Ok(None),
            _ => Err(SqlError::Corrupt("a column is not bytes")),
        }
    }

    /// A BLOB of sixteen bytes as a number.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn u128(&self, column: usize) -> Result<u128, SqlError> {
        self.opt_u128(column)?.ok_or(SqlError::Corrupt("an id is missing"))
    }

    /// A BLOB of sixteen bytes as a number, or NULL.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn opt_u128(&self, column: usize) -> Result<Option<u128>, SqlError> {
        match self.raw(column)? {
            Value::Blob(bytes) => bytes
                .try_into()
                .map(|bytes| Some(u128::from_be_bytes(bytes)))
                .map_err(|_| SqlError::Corrupt("an id is not sixteen bytes")),
            Value::Null => Ok(None),
            _ => Err(SqlError::Corrupt("a column is not an id")),
        }
    }

    /// An id.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn id<K: Kind>(&self, column: usize) -> Result<Id<K>, SqlError> {
        self.u128(column).map(Id::from_u128)
    }

    /// An id or NULL.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn opt_id<K: Kind>(&self, column: usize) -> Result<Option<Id<K>>, SqlError> {
        Ok(self.opt_u128(column)?.map(Id::from_u128))
    }

    /// A moment.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn time(&self, column: usize) -> Result<Timestamp, SqlError> {
        self.int(column).map(Timestamp::from_micros)
    }

    /// A moment or NULL.
    ///
    /// # Errors
    /// `Corrupt` when it is anything else.
    pub fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, SqlError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_micros))
    }

    /// A truth value, stored as 0 or 1.
    ///
    /// # Errors
    /// `Corrupt` when it is not an integer.
    pub fn flag(&self, column: usize) -> Result<bool, SqlError> {
        self.int(column).map(|value| value != 0)
    }
}
