//! What a page with a sum looks like, and which files have such pages.

use crate::sum::sum;

/// The length of a page. Files with pages of another length have no sums.
pub const PAGE: usize = 4_096;
/// The sum stands here, little-endian, in bytes that SQLite has been told to leave alone.
const SUM_AT: usize = PAGE - RESERVED;
pub(crate) const RESERVED: usize = 8;

/// The beginning of every database file, with its page size (<https://sqlite.org/fileformat2.html#the_database_header>).
const BEGINNING: [u8; 18] = *b"SQLite format 3\0\x10\x00";
/// Where the file says how many bytes of each page are reserved.
const RESERVED_AT: usize = 20;

/// The sum of a page by its number, from 1.
fn of(number: u64, page: &[u8; PAGE]) -> [u8; RESERVED] {
    sum(number, &page[..SUM_AT]).to_le_bytes()
}

/// Writes a page's sum into it. Whoever writes a page into a file with sums without SQLite must do so: what stands there in the
/// log, or in a copy of it, is old.
pub fn put_sum(number: u64, page: &mut [u8; PAGE]) {
    let sum = of(number, page);
    page[SUM_AT..].copy_from_slice(&sum);
}

/// Whether a page is what was written under this number.
#[must_use]
pub fn is_sound(number: u64, page: &[u8; PAGE]) -> bool {
    page[SUM_AT..] == of(number, page)
}

/// Whether a file with this first page has sums.
#[must_use]
pub fn keeps_sums(first: &[u8; PAGE]) -> bool {
    matches!(File::of(first), File::Summed)
}

/// Whether a file has sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// It has no first page yet: it is being made, and will have.
    New,
    /// Every page has one.
    Summed,
    /// It was made without.
    Bare,
}

impl File {
    /// What a first page says. These few bytes decide whether anything is compared, and never change in the life of a file: where they
    /// are damaged, the sum still says what they were.
    pub(crate) fn of(first: &[u8; PAGE]) -> Self {
        if Self::says(first) {
            return Self::Summed;
        }
        if first.iter().all(|byte| *byte == 0) {
            return Self::New;
        }
        let mut mended = *first;
        mended[..BEGINNING.len()].copy_from_slice(&BEGINNING);
        mended[RESERVED_AT] = RESERVED as u8;
        if is_sound(1, &mended) { Self::Summed } else { Self::Bare }
    }

    /// Whether a first page says that there is room for sums.
    pub(crate) fn says(first: &[u8; PAGE]) -> bool {
        first.starts_with(&BEGINNING) && usize::from(first[RESERVED_AT]) == RESERVED
    }
}
