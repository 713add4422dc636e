//! A slice: 256 neighbouring rows of a dense table, encoded into one blob.
//!
//! A counter that changes in random order costs a look-up and a record each time it is written; written with its 255
//! neighbours it costs a few bytes. So what the rules need of accounts and limit groups stands in `account_slice` and
//! `group_slice`, a blob for each 256 rows, and a start reads a million accounts in a few thousand rows.
//!
//! The encoding: a version byte, then the rows in the order of their numbers, row `no` being the `(no - 1) % 256`-th of slice
//! `(no - 1) / 256`; numbers start at 1 and have no gaps. A row is a fixed sequence of integers in LEB128, signed ones zigzag.

use sql::{Connection, SqlError};

/// Rows to a slice.
pub(crate) const ROWS: usize = 256;

/// The version that a blob begins with.
const VERSION: u8 = 1;

/// A row that lives in slices.
pub(crate) trait Sliced: Sized {
    /// What it takes in memory, where there may be millions.
    type Packed: Copy;
    /// The statement that reads a slice, by its number.
    const SELECT: &'static str;
    /// The statement that writes a slice: number, rows, version.
    const WRITE: &'static str;
    /// The statement that reads the slices written after a version: number and rows.
    const SINCE: &'static str;

    fn pack(&self) -> Self::Packed;
    fn unpack(no: u64, packed: &Self::Packed) -> Self;
    fn encode(packed: &Self::Packed, to: &mut Encoder<'_>);
    fn decode(from: &mut Decoder<'_>) -> Result<Self::Packed, SqlError>;
}

/// The slice of a row and its place there.
pub(crate) fn place(no: u64) -> (usize, usize) {
    let index = usize::try_from(no).expect("numbers are dense").checked_sub(1).expect("numbers start at 1");
    (index / ROWS, index % ROWS)
}

/// The rows of a slice as they stand in the table, none when it was not written yet.
pub(crate) fn read<T: Sliced>(connection: &Connection, slice: usize) -> Result<Vec<T::Packed>, SqlError> {
    let found = connection.query_opt(T::SELECT, sql::params![slice as u64], |row| row.blob(0))?;
    found.map_or(Ok(Vec::new()), |bytes| decode::<T>(&bytes))
}

/// Slices by number, with their rows.
pub(crate) type Images<T> = Vec<(usize, Vec<<T as Sliced>::Packed>)>;

/// The slices that were written after a version.
pub(crate) fn since<T: Sliced>(connection: &Connection, version: u64) -> Result<Images<T>, SqlError> {
    let found = connection.query(T::SINCE, sql::params![version], |row| Ok((row.small(0)?, row.blob(1)?)))?;
    found.into_iter().map(|(slice, bytes)| Ok((slice, decode::<T>(&bytes)?))).collect()
}

/// One row as it stands in the table.
pub(crate) fn read_one<T: Sliced>(connection: &Connection, no: u64) -> Result<Option<T>, SqlError> {
    if no == 0 {
        return Ok(None);
    }
    let (slice, place) = place(no);
    Ok(read::<T>(connection, slice)?.get(place).map(|packed| T::unpack(no, packed)))
}

/// The blob of a slice's rows.
pub(crate) fn encode<'a, T: Sliced>(rows: impl Iterator<Item = &'a T::Packed>, bytes: &mut Vec<u8>)
where
    T::Packed: 'a,
{
    bytes.clear();
    bytes.push(VERSION);
    let mut encoder = Encoder(bytes);
    for row in rows {
        T::encode(row, &mut encoder);
    }
}

pub(crate) fn decode<T: Sliced>(bytes: &[u8]) -> Result<Vec<T::Packed>, SqlError> {
    let Some((&VERSION, rest)) = bytes.split_first() else {
        return Err(SqlError::Corrupt("a slice of an unknown version"));
    };
    let mut decoder = Decoder(rest);
    let mut rows = Vec::with_capacity(ROWS);
    while !decoder.0.is_empty() {
        rows.push(T::decode(&mut decoder)?);
    }
    if rows.len() > ROWS {
        return Err(SqlError::Corrupt("a slice with too many rows"));
    }
    Ok(rows)
}

/// Appends integers.
pub(crate) struct Encoder<'a>(&'a mut Vec<u8>);

impl Encoder<'_> {
    pub(crate) fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push((value & 0x7F) as u8);
    }

    pub(crate) fn signed(&mut self, value: i64) {
        self.unsigned((value << 1 ^ value >> 63).cast_unsigned());
    }
}

/// Takes integers off the front.
pub(crate) struct Decoder<'a>(&'a [u8]);

impl Decoder<'_> {
    pub(crate) fn unsigned(&mut self) -> Result<u64, SqlError> {
        let mut value = 0;
        for (place, byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                self.0 = &self.0[place + 1..];
                return Ok(value);
            }
        }
        Err(SqlError::Corrupt("a slice ends inside a number"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, SqlError> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A number that fits a smaller type.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, SqlError> {
        T::try_from(self.unsigned()?).map_err(|_| SqlError::Corrupt("a number of a slice is out of its range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_as_they_were() {
        let mut bytes = Vec::new();
        let signed = [0, 1, -1, 63, -64, 64, 1 << 40, i64::MAX, i64::MIN];
        let unsigned = [0, 127, 128, u64::from(u32::MAX), u64::MAX];
        let mut encoder = Encoder(&mut bytes);
        signed.iter().for_each(|value| encoder.signed(*value));
        unsigned.iter().for_each(|value| encoder.unsigned(*value));
        let mut decoder = Decoder(&bytes);
        for value in signed {
            assert_eq!(decoder.signed().ok(), Some(value));
        }
        for value in unsigned {
            assert_eq!(decoder.unsigned().ok(), Some(value));
        }
        assert!(decoder.unsigned().is_err(), "nothing is left");
        assert!(Decoder(&[0xFF; 12]).unsigned().is_err(), "no number is that long");
    }
}
