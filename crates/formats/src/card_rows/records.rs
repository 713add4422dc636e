//! CSV records from a stream, in bounded memory, with line numbers and recovery.
//!
//! The grammar is `csv-core`'s. What is added: a record that grows beyond its bound, or whose last quote is never
//! closed, is given up after its first line, so that one stray quote does not swallow what follows.

use super::row::RowFault;
use super::{LONGEST_RECORD, MOST_COLUMNS};
use csv_core::ReadRecordResult;
use std::io::{self, ErrorKind, Read};

const BUFFER: usize = 1 << 16;

/// One record: unquoted fields, valid until the next is read.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// The line on which it begins, from 1.
    pub line: u64,
    text: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn field(&self, place: usize) -> Option<&[u8]> {
        self.text.get(self.span(place)?)
    }

    /// Where a field stands in [`Record::text`].
    pub(super) fn span(&self, place: usize) -> Option<std::ops::Range<usize>> {
        let end = *self.ends.get(place)?;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        Some(start..end)
    }
}

/// The outcome of one step: a record, or the line and fault of what was skipped.
pub(super) type Step<'a> = Result<Record<'a>, (u64, RowFault)>;

pub(super) struct Records<R> {
    source: R,
    grammar: csv_core::Reader,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    begun: bool,
    line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<R> std::fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("line", &self.line).finish_non_exhaustive()
    }
}

/// What the grammar made of the bytes at hand.
enum Parsed {
    Record { used: usize, text: usize, fields: usize },
    Nothing,
    Over(RowFault),
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            grammar: csv_core::Reader::new(),
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            at_end: false,
            begun: false,
            line: 1,
            text: vec![0; LONGEST_RECORD + 16],
            ends: vec![0; MOST_COLUMNS + 1],
        }
    }

    /// The next record; `None` at the end of the source.
    pub(super) fn advance(&mut self) -> io::Result<Option<Step<'_>>> {
        self.fill()?;
        if !self.begun {
            self.begun = true;
            if self.buffer[self.start..self.end].starts_with(b"\xEF\xBB\xBF") {
                self.start += 3;
            }
        }
        self.skip_blank_lines()?;
        if self.start == self.end {
            return Ok(None);
        }
        let line = self.line;
        let (used, text, fields) = match self.parse() {
            Parsed::Nothing => return Ok(None),
            Parsed::Over(fault) => {
                self.skip_line()?;
                return Ok(Some(Err((line, fault))));
            }
            Parsed::Record { used, text, fields } => (used, text, fields),
        };
        let pair = self.buffer[self.start + used - 1..self.end].starts_with(b"\r\n");
        let used = if pair { used + 1 } else { used };
        let raw = &self.buffer[self.start..self.start + used];
        if raw.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
            self.skip_line()?;
            return Ok(Some(Err((line, RowFault::QuoteOpen))));
        }
        self.line += breaks(raw);
        self.start += used;
        Ok(Some(Ok(Record { line, text: &self.text[..text], ends: &self.ends[..fields] })))
    }

    /// Runs the grammar over one record without taking it.
    fn parse(&mut self) -> Parsed {
        self.grammar.reset();
        let limit = self.end.min(self.start + LONGEST_RECORD);
        let whole = self.at_end && limit == self.end;
        let mut input = &self.buffer[self.start..limit];
        let (mut used, mut text, mut fields) = (0, 0, 0);
        loop {
            let (result, read, wrote, ended) =
                self.grammar.read_record(input, &mut self.text[text..], &mut self.ends[fields..]);
            used += read;
            text += wrote;
            fields += ended;
            input = &input[read..];
            match result {
                ReadRecordResult::Record => return Parsed::Record { used, text, fields },
                ReadRecordResult::End => return Parsed::Nothing,
                ReadRecordResult::OutputEndsFull => return Parsed::Over(RowFault::TooManyColumns),
                ReadRecordResult::OutputFull => return Parsed::Over(RowFault::TooLong),
                ReadRecordResult::InputEmpty if whole => {}
                ReadRecordResult::InputEmpty => return Parsed::Over(RowFault::TooLong),
            }
        }
    }

    /// Makes the buffer hold one byte more than the longest record, or all that is left.
    fn fill(&mut self) -> io::Result<()> {
        if self.at_end || self.end - self.start > LONGEST_RECORD {
            return Ok(());
        }
        if self.buffer.len() - self.start <= 2 * LONGEST_RECORD {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start <= LONGEST_RECORD && !self.at_end {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            while self.start < self.end && matches!(self.buffer[self.start], b'\n' | b'\r') {
                self.take_break();
            }
            self.fill()?;
            if self.start == self.end || !matches!(self.buffer[self.start], b'\n' | b'\r') {
                return Ok(());
            }
        }
    }

    /// Gives up the line at hand, however long it is.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            if let Some(place) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                self.start += place;
                self.fill()?;
                self.take_break();
                return Ok(());
            }
            self.start = self.end;
            self.fill()?;
            if self.start == self.end {
                return Ok(());
            }
        }
    }

    /// Takes one line break at the front: LF, CR LF or CR.
    fn take_break(&mut self) {
        let pair = self.buffer[self.start..self.end].starts_with(b"\r\n");
        self.start += if pair { 2 } else { 1 };
        self.line += 1;
    }
}

/// How many line breaks these bytes contain: LF, or CR without LF behind it.
fn breaks(raw: &[u8]) -> u64 {
    let feeds = raw.iter().filter(|byte| **byte == b'\n').count();
    let lone = if raw.contains(&b'\r') {
        let pairs = raw.windows(2).filter(|pair| *pair == b"\r\n").count();
        raw.iter().filter(|byte| **byte == b'\r').count() - pairs
    } else {
        0
    };
    (feeds + lone) as u64
}
