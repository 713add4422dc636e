//! The sums of a backup's pages, appended to the backup itself: they cannot be left behind when it is moved.
//!
//! ```text
//! pages · the sum of each page, eight bytes · nothing or eight zeros · the sum of these · how many pages · "jz-sums1"
//! ```
//!
//! The database knows from its head how many pages it has and does not look at what follows them. What follows never has the length of
//! whole pages, so a file whose last bytes were damaged is not taken for one without sums.

use crate::follow::{PAGE, page_sum};
use pages::sum;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

const MAGIC: &[u8; 8] = b"jz-sums1";
const END: u64 = 24;

/// Appends the sums to a finished backup. The caller flushes it.
pub(crate) fn seal(file: &Path) -> io::Result<()> {
    let mut pages = BufReader::with_capacity(1 << 20, File::open(file)?);
    let (mut page, mut count, mut sums) = (vec![0; PAGE], 0_u64, Vec::new());
    while !pages.fill(&mut page)? {
        count += 1;
        sums.extend_from_slice(&page_sum(count, &page).to_le_bytes());
    }
    if (sums.len() as u64 + END).is_multiple_of(PAGE as u64) {
        sums.extend_from_slice(&[0; 8]);
    }
    let whole = sum(count, &sums);
    let mut file = OpenOptions::new().append(true).open(file)?;
    for part in [&sums[..], &whole.to_le_bytes(), &count.to_le_bytes(), MAGIC] {
        file.write_all(part)?;
    }
    Ok(())
}

trait Fill {
    /// Reads one page; true at the end.
    fn fill(&mut self, page: &mut [u8]) -> io::Result<bool>;
}

impl<R: Read> Fill for R {
    fn fill(&mut self, page: &mut [u8]) -> io::Result<bool> {
        match self.read_exact(page) {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// How many pages a sealed file has, each of them as it was when the backup was made; `None` when the file has no sums, as a bank's
/// own and backups of older versions. `Err(InvalidData)` says what is damaged.
pub(crate) fn verify(file: &Path) -> io::Result<Option<u64>> {
    let damaged = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    if length.is_multiple_of(PAGE as u64) {
        return Ok(None);
    }
    let unsound = || damaged("the sums of its pages are damaged, or it was cut".to_owned());
    let mut end = [0; END as usize];
    file.seek(SeekFrom::Start(length.checked_sub(END).ok_or_else(unsound)?))?;
    file.read_exact(&mut end)?;
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&end[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let (whole, count) = (word(0), word(8));
    let pages = count.checked_mul(PAGE as u64).filter(|pages| *pages <= length).ok_or_else(unsound)?;
    let between = (length - pages).checked_sub(END).filter(|between| between.abs_diff(8 * count) <= 8);
    let between = between.ok_or_else(unsound)?;
    file.seek(SeekFrom::Start(pages))?;
    let mut sums = vec![0; usize::try_from(between).map_err(|_| unsound())?];
    file.read_exact(&mut sums)?;
    if &end[16..] != MAGIC || sum(count, &sums) != whole || sums.len() as u64 / 8 < count {
        return Err(unsound());
    }
    file.seek(SeekFrom::Start(0))?;
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut page = vec![0; PAGE];
    for (number, told) in (1..=count).zip(sums.as_chunks::<8>().0) {
        if file.fill(&mut page)? || page_sum(number, &page).to_le_bytes() != *told {
            return Err(damaged(format!("page {number} is not as it was when the backup was made")));
        }
    }
    Ok(Some(count))
}

/// Takes the sums off a copy of a backup, which is to become a bank.
///
/// # Errors
/// When it is damaged, or cannot be read or written.
pub fn unseal(file: &Path) -> io::Result<()> {
    let Some(pages) = verify(file)? else { return Ok(()) };
    let file = OpenOptions::new().write(true).open(file)?;
    file.set_len(pages * PAGE as u64)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    //! Every flipped bit of a backup is noticed, wherever its sums end.

    use super::{PAGE, seal, unseal, verify};

    #[test]
    fn damage_is_noticed_and_the_seal_comes_off() {
        let place = tempfile::tempdir().expect("a place");
        for count in [1_usize, 3, 509, 510] {
            let file = place.path().join(format!("{count}"));
            let pages: Vec<u8> = (0..count * PAGE).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
            std::fs::write(&file, &pages).expect("written");
            assert_eq!(verify(&file).expect("read"), None);
            seal(&file).expect("sealed");
            assert_eq!(verify(&file).expect("sound"), Some(count as u64));
            let sealed = std::fs::read(&file).expect("read");
            let tail = count * PAGE * 8..sealed.len() * 8;
            let everywhere = (0..count * PAGE * 8).step_by(count * 1_501).chain(tail.step_by(count.div_ceil(8)));
            for bit in everywhere {
                let mut damaged = sealed.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                std::fs::write(&file, damaged).expect("damaged");
                verify(&file).expect_err(&format!("bit {bit} of {count} pages"));
            }
            std::fs::write(&file, &sealed[..sealed.len() - 1]).expect("cut");
            verify(&file).expect_err("cut");
            std::fs::write(&file, &sealed).expect("put back");
            unseal(&file).expect("unsealed");
            assert_eq!(std::fs::read(&file).expect("read"), pages);
        }
    }
}
