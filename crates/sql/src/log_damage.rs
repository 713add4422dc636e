//! Notices a damaged write-ahead log before it is recovered.
//!
//! Recovery reads the log up to the first frame whose checksum is wrong and takes that for the end: after a power cut it is.
//! After a flipped bit it is not: every commit behind it, answered long ago, would vanish without a word. The two differ. A
//! commit is flushed before the next one writes its first frame; so when a frame behind the apparent end continues a commit,
//! that commit was flushed, and what stands before it cannot be a write that did not arrive. What remains: damage in the last
//! commit of all looks like a power cut before its flush.
//!
//! A frame continues another when its checksum follows from the other's, so that frames of an older log, or of a unit that was
//! rolled back and overwritten, are never taken for evidence. The format: <https://sqlite.org/fileformat2.html#walformat>.

use crate::error::SqlError;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

const HEAD: usize = 32;
const FRAME_HEAD: usize = 24;
const MAGIC: u32 = 0x377f_0682;
const DAMAGED: SqlError = SqlError::Corrupt("its log has committed changes behind damaged ones; restore a backup");

pub(crate) type Sum = [u32; 2];

pub(crate) fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(crate) fn pair(bytes: &[u8], at: usize) -> [u32; 2] {
    [word(bytes, at), word(bytes, at + 4)]
}

/// The format's checksum, continued. The lengths are multiples of eight.
pub(crate) fn add(mut sum: Sum, bytes: &[u8], big: bool) -> Sum {
    let read = |part: &[u8]| if big { word(part, 0) } else { word(part, 0).swap_bytes() };
    for part in bytes.chunks_exact(8) {
        sum[0] = sum[0].wrapping_add(read(part)).wrapping_add(sum[1]);
        sum[1] = sum[1].wrapping_add(read(&part[4..])).wrapping_add(sum[0]);
    }
    sum
}

/// What is known of the frame before.
struct Before {
    /// What its checksum is by what it holds, and by what it says.
    sums: [Sum; 2],
    /// It ends a commit.
    commits: bool,
}

/// Looks at the log of a database file that nobody has open.
///
/// # Errors
/// `Corrupt` when commits that were flushed would not be recovered; when the log cannot be read.
pub fn check_log(database: &Path) -> Result<(), SqlError> {
    let io = |error: std::io::Error| SqlError::Io(error.to_string());
    let log = PathBuf::from(format!("{}-wal", database.display()));
    let mut file = match File::open(log) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        file => BufReader::with_capacity(1 << 20, file.map_err(io)?),
    };
    let mut head = [0; HEAD];
    if !fill(&mut file, &mut head).map_err(io)? {
        return Ok(());
    }
    let big = word(&head, 0) & 1 == 1;
    let (sum, salts) = (add([0; 2], &head[..FRAME_HEAD], big), pair(&head, 16));
    let sound = word(&head, 0) & !1 == MAGIC && sum == pair(&head, FRAME_HEAD);
    let size = word(&head, 8);
    // What a damaged head says of its pages cannot be relied on: 4 kB are what the writer asks for.
    let size = if sound && size.is_power_of_two() && (512..=65_536).contains(&size) { size as usize } else { 4_096 };
    let mut frame = vec![0; FRAME_HEAD + size];
    if !sound {
        // The head is flushed before the first frame is written. One that shares a number with it is of this log.
        let read = fill(&mut file, &mut frame).map_err(io)?;
        let first = pair(&frame, 8);
        return if read && salts != [0; 2] && (first[0] == salts[0] || first[1] == salts[1]) {
            Err(DAMAGED)
        } else {
            Ok(())
        };
    }
    let (mut ended, mut before) = (false, Before { sums: [sum; 2], commits: false });
    while fill(&mut file, &mut frame).map_err(io)? {
        let (said, commits) = (pair(&frame, 16), word(&frame, 4) != 0);
        let sums = before.sums.map(|sum| add(add(sum, &frame[..8], big), &frame[FRAME_HEAD..], big));
        let ours = pair(&frame, 8) == salts;
        if ended && ours && before.commits && sums.contains(&said) {
            return Err(DAMAGED);
        }
        // Of the frame at the end either the checksum or what it sums up may be what is damaged.
        let whole = ours && sums[0] == said;
        before = Before { sums: if ended || whole { [said; 2] } else { [sums[0], said] }, commits };
        ended |= !whole;
    }
    // A killed process may have left a commit that was written and never flushed. Recovery takes it for one, answers rest on it
    // from now on, and the next commits continue it: it must be durable before that.
    file.into_inner().sync_all().map_err(io)
}

/// Reads a whole buffer; false when the file ends before.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    //! Damage before the last commit is told; every way in which the last one may have been cut off is not.

    use super::check_log;
    use crate::connection::Connection;
    use std::path::{Path, PathBuf};

    const COMMITS: usize = 6;

    /// A database whose log holds some commits; the log's length after each.
    fn logged(directory: &Path) -> (PathBuf, Vec<u8>, Vec<usize>) {
        let file = directory.join(crate::FILE_NAME);
        let log = PathBuf::from(format!("{}-wal", file.display()));
        let connection = Connection::open_writer(&file, 1024).expect("opens");
        connection.execute_batch("CREATE TABLE t(a INTEGER, b BLOB)").expect("made");
        let mut ends = Vec::new();
        for _ in 0..COMMITS {
            connection.execute_batch("INSERT INTO t VALUES (1, randomblob(6000))").expect("written");
            ends.push(usize::try_from(std::fs::metadata(&log).expect("a log").len()).expect("a length"));
        }
        let bytes = std::fs::read(&log).expect("a log");
        drop(connection);
        (file, bytes, ends)
    }

    fn told(file: &Path, log: &[u8]) -> bool {
        std::fs::write(format!("{}-wal", file.display()), log).expect("written");
        check_log(file).is_err()
    }

    #[test]
    fn a_flipped_bit_before_the_last_commit_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, log, ends) = logged(directory.path());
        assert!(!told(&file, &log), "a sound log");
        for at in (0..ends[COMMITS - 3]).step_by(101).chain(0..32).chain(32..56) {
            let mut flipped = log.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(told(&file, &flipped), "byte {at}");
        }
    }

    #[test]
    fn a_last_commit_that_was_cut_off_anywhere_is_not_damage() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, log, ends) = logged(directory.path());
        let last = ends[COMMITS - 2];
        for at in (last..log.len()).step_by(97) {
            assert!(!told(&file, &log[..at]), "cut at {at}");
            let mut lost = log.clone();
            lost[at..(at + 512).min(log.len())].fill(0);
            assert!(!told(&file, &lost), "a sector lost at {at}");
        }
    }

    #[test]
    fn what_an_older_log_left_behind_the_end_is_not_damage() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, log, ends) = logged(directory.path());
        let mut anew = log.clone();
        // Salts change when a log starts anew in the same file.
        for frame in anew[ends[1]..].chunks_mut(24 + 4096) {
            frame[8] ^= 0xff;
            frame[12] ^= 0xff;
        }
        assert!(!told(&file, &anew));
        assert!(!told(&file, &[]));
    }
}
