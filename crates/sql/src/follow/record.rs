//! One record of a chain: the pages that were committed since the record before.
//!
//! ```text
//! head, 56 bytes: magic · number · moment · pages of the database · pages in the record · sum before · 1 if it is a moment · sum of the head
//! body: the numbers of the pages, four bytes each, filled up to eight · the pages · sum of the body
//! ```
//!
//! Little-endian. The sum of the body takes the sum of the head with it, and the next record repeats it: a record that is
//! missing, damaged or out of place is noticed.

use super::PAGE;
use super::tap::Cut;
use pages::sum;
use std::io::{self, Read};

const MAGIC: u64 = u64::from_le_bytes(*b"jiaozi-1");
pub(crate) const HEAD: usize = 56;

/// What a record says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// From 1 in each chain.
    pub number: u64,
    /// Nothing in it was committed after this moment, microseconds since 1970.
    pub moment: i64,
    /// Pages of the database after it.
    pub size: u32,
    /// Pages in it.
    pub pages: u32,
    /// The sum of the record before.
    pub before: u64,
    /// With it the chain is one moment of the bank. A record that ended because memory was full is none.
    pub whole: bool,
}

/// A record's bytes, and its sum.
pub(crate) fn encode(label: &Label, cut: &Cut) -> (Vec<u8>, u64) {
    let mut bytes = Vec::with_capacity(HEAD + body_length(label));
    for word in [MAGIC, label.number, label.moment.cast_unsigned()] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(&label.size.to_le_bytes());
    bytes.extend_from_slice(&label.pages.to_le_bytes());
    for word in [label.before, u64::from(label.whole), 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    let head_sum = sum(MAGIC, &bytes[..HEAD - 8]);
    bytes[HEAD - 8..].copy_from_slice(&head_sum.to_le_bytes());
    for number in cut.pages.keys() {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    if !label.pages.is_multiple_of(2) {
        bytes.extend_from_slice(&[0; 4]);
    }
    for page in cut.pages.values() {
        bytes.extend_from_slice(&page[..]);
    }
    let whole = sum(head_sum, &bytes[HEAD..]);
    bytes.extend_from_slice(&whole.to_le_bytes());
    (bytes, whole)
}

fn body_length(label: &Label) -> usize {
    let pages = label.pages as usize;
    pages.next_multiple_of(2) * 4 + pages * PAGE + 8
}

/// A record that was read and is whole.
pub(crate) struct Record {
    pub label: Label,
    /// Its sum.
    pub sum: u64,
    numbers: usize,
    body: Vec<u8>,
}

impl Record {
    /// The pages with their numbers.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let numbers = self.body.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        numbers.zip(self.body[self.numbers..].chunks_exact(PAGE)).take(self.label.pages as usize)
    }
}

/// Reads the next record; `None` at the end of the file. `Err(InvalidData)` when it is not whole.
pub(crate) fn read(file: &mut impl Read) -> io::Result<Option<Record>> {
    let mut head = [0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match file.read(&mut head[filled..])? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::InvalidData.into()),
            more => filled += more,
        }
    }
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&head[at..at + 8]);
        u64::from_le_bytes(word)
    };
    if word(0) != MAGIC || word(HEAD - 8) != sum(MAGIC, &head[..HEAD - 8]) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let halves = word(24);
    let (size, pages) = (u32::try_from(halves & 0xffff_ffff), u32::try_from(halves >> 32));
    let (Ok(size), Ok(pages)) = (size, pages) else { return Err(io::ErrorKind::InvalidData.into()) };
    let (number, moment, before, whole) = (word(8), word(16).cast_signed(), word(32), word(40) == 1);
    let label = Label { number, moment, size, pages, before, whole };
    let mut body = Vec::new();
    file.take(body_length(&label) as u64).read_to_end(&mut body)?;
    if body.len() != body_length(&label) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let told = body.split_off(body.len() - 8);
    let whole = sum(word(HEAD - 8), &body);
    if told != whole.to_le_bytes() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(Record { label, sum: whole, numbers: (pages as usize).next_multiple_of(2) * 4, body }))
}
