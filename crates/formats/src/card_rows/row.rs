//! One record as a card row: which fields it needs and what they may contain.

use super::records::Record;
use super::{Columns, LONGEST_FIELD};
use std::fmt;
use vocabulary::{BookingDate, Timestamp};

/// One good row; its texts live until the next row is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardRow<'a> {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// When the card was used.
    pub time: RowTime,
    /// The customer, as written.
    pub customer: &'a str,
    /// The terminal, as written.
    pub terminal: &'a str,
    /// The amount: digits, perhaps a point and more digits.
    pub amount: &'a str,
    /// The transaction's own id, if the file has the column and the row a value.
    pub transaction: Option<&'a str>,
}

/// A point in time as files have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowTime {
    /// `2018-04-01 00:00:31` without a zone: what the clock there showed, as if it were UTC.
    Wall(Timestamp),
    /// RFC 3339 with an offset: one moment.
    Moment(Timestamp),
}

impl RowTime {
    /// The moment, reading wall time as UTC.
    #[must_use]
    pub fn as_utc(self) -> Timestamp {
        match self {
            Self::Wall(time) | Self::Moment(time) => time,
        }
    }
}

/// What is wrong with a row, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// The record is longer than [`super::LONGEST_RECORD`].
    TooLong,
    /// The record has more than [`super::MOST_COLUMNS`] fields.
    TooManyColumns,
    /// A quote is opened and not closed.
    QuoteOpen,
    /// The record has another count of fields than the header.
    FieldCount {
        /// The header's count.
        expected: usize,
        /// The record's count.
        found: usize,
    },
    /// The record is not UTF-8.
    NotUtf8,
    /// The time is neither `YYYY-MM-DD hh:mm:ss` nor RFC 3339.
    Time,
    /// The customer is empty, too long or has control characters.
    Customer,
    /// The terminal is empty, too long or has control characters.
    Terminal,
    /// The amount is not plain decimal digits.
    Amount,
    /// The transaction id is too long or has control characters.
    Transaction,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the row is longer than {} bytes", super::LONGEST_RECORD),
            Self::TooManyColumns => write!(f, "the row has more than {} fields", super::MOST_COLUMNS),
            Self::QuoteOpen => f.write_str("a quotation mark is opened and not closed"),
            Self::FieldCount { expected, found } => {
                write!(f, "the row has {found} fields but the first line names {expected}")
            }
            Self::NotUtf8 => f.write_str("the row is not UTF-8 text"),
            Self::Time => f.write_str("TX_DATETIME must be like 2018-04-01 00:00:31 or 2018-04-01T00:00:31Z"),
            Self::Customer => write!(f, "CUSTOMER_ID must have 1 to {LONGEST_FIELD} bytes of printable text"),
            Self::Terminal => write!(f, "TERMINAL_ID must have 1 to {LONGEST_FIELD} bytes of printable text"),
            Self::Amount => f.write_str("TX_AMOUNT must be digits with at most one point, like 57.16"),
            Self::Transaction => write!(f, "TRANSACTION_ID must have at most {LONGEST_FIELD} bytes of printable text"),
        }
    }
}

pub(super) fn read<'a>(record: &Record<'a>, columns: &Columns) -> Result<CardRow<'a>, RowFault> {
    if record.len() != columns.count {
        return Err(RowFault::FieldCount { expected: columns.count, found: record.len() });
    }
    let text = std::str::from_utf8(record.text()).map_err(|_| RowFault::NotUtf8)?;
    let field = |place: usize| record.span(place).and_then(|span| text.get(span)).unwrap_or_default().trim();
    let row = CardRow {
        line: record.line,
        time: time(field(columns.time)).ok_or(RowFault::Time)?,
        customer: field(columns.customer),
        terminal: field(columns.terminal),
        amount: field(columns.amount),
        transaction: columns.transaction.map(field).filter(|id| !id.is_empty()),
    };
    if row.customer.is_empty() || !is_label(row.customer) {
        return Err(RowFault::Customer);
    }
    if row.terminal.is_empty() || !is_label(row.terminal) {
        return Err(RowFault::Terminal);
    }
    if !is_amount(row.amount) {
        return Err(RowFault::Amount);
    }
    if !row.transaction.is_none_or(is_label) {
        return Err(RowFault::Transaction);
    }
    Ok(row)
}

fn is_label(text: &str) -> bool {
    text.len() <= LONGEST_FIELD && !text.chars().any(char::is_control)
}

/// `digits[.digits]` without leading zeros, at most 15 and 9 of them.
fn is_amount(text: &str) -> bool {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return false,
        Some(parts) => parts,
        None => (text, ""),
    };
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    (1..=15).contains(&whole.len()) && fraction.len() <= 9 && plain(whole) && plain(fraction) && !leading_zero
}

fn time(text: &str) -> Option<RowTime> {
    if let Some(wall) = wall(text.as_bytes()) {
        return Some(RowTime::Wall(wall));
    }
    let rfc3339 = text.len() <= 35 && text.bytes().last().is_some_and(|b| b.is_ascii_digit() || b == b'Z');
    if rfc3339 { Timestamp::parse(text).ok().map(RowTime::Moment) } else { None }
}

/// `YYYY-MM-DD hh:mm:ss` with a space or `T`, and at most six digits of a second's fraction.
fn wall(text: &[u8]) -> Option<Timestamp> {
    let (head, fraction) = text.split_at_checked(19)?;
    let number = |from: usize, to: usize| {
        head[from..to].iter().try_fold(0_i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
    };
    let marks = [(4, b"-"), (7, b"-"), (13, b":"), (16, b":")];
    if !marks.iter().all(|(place, mark)| head[*place] == mark[0]) || !matches!(head[10], b' ' | b'T') {
        return None;
    }
    let micros = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) => {
            let scale = 10_i64.pow(6 - u32::try_from(digits.len()).ok()?);
            digits.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0')) * scale
        }
        _ => return None,
    };
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let year = i16::try_from(number(0, 4)?).ok()?;
    let month = i8::try_from(number(5, 7)?).ok()?;
    let date = BookingDate::from_ymd(year, month, i8::try_from(number(8, 10)?).ok()?)?;
    let seconds = i64::from(date.days()) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp::from_micros(seconds * 1_000_000 + micros))
}
