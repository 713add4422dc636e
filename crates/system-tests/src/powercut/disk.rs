//! What a disk may hold when the power goes away at some place of a trace.

use crate::chance::Chance;
use crate::powercut::history::{self, History};
use crate::powercut::trace::{Event, Trace};
use std::collections::{BTreeMap, HashMap};
use std::io;

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Drives write whole sectors of this size or nothing.
const SECTOR: usize = 512;

/// What happens to writes that were not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All are lost.
    Lost,
    /// All arrived.
    Arrived,
    /// The first ones arrived, the next one is torn.
    Torn,
    /// Each arrived or not, so later ones without earlier ones.
    Scattered,
    /// Each sector arrived or not; a sector of a grown file that did not may hold anything.
    Shredded,
}

impl Fate {
    fn draw(chance: &mut Chance) -> Self {
        [Self::Lost, Self::Arrived, Self::Torn, Self::Scattered, Self::Shredded][chance.place(5)]
    }
}

#[derive(Clone, Default)]
struct OnDisk {
    /// Flushed content; nothing when the file's name is not durable.
    flushed: Option<Vec<u8>>,
    /// Events since then, by place.
    waiting: Vec<usize>,
}

/// A disk that follows a trace.
pub struct Disk<'t> {
    trace: &'t Trace,
    base: &'t Files,
    next: usize,
    files: Vec<OnDisk>,
    begun: HashMap<u64, usize>,
    grain: usize,
    lies: bool,
    /// What clients knew at this place of the trace.
    pub history: History,
}

impl<'t> Disk<'t> {
    /// A disk that holds these files, before the trace.
    #[must_use]
    pub fn new(trace: &'t Trace, base: &'t Files) -> Self {
        let on_disk = |name: &String| OnDisk { flushed: base.get(name).cloned(), waiting: Vec::new() };
        let files = trace.names.iter().map(on_disk).collect();
        Self {
            trace,
            base,
            next: 0,
            files,
            begun: HashMap::new(),
            grain: SECTOR,
            lies: false,
            history: History::default(),
        }
    }

    /// A disk that may tear even a sector: writes break at multiples of so many bytes.
    #[must_use]
    pub fn tearing_at(self, grain: usize) -> Self {
        Self { grain: grain.max(1), ..self }
    }

    /// A disk that says it has flushed and has not: what a harness must notice.
    #[must_use]
    pub fn that_lies(self, lies: bool) -> Self {
        Self { lies, ..self }
    }

    /// Follows the trace up to an event, exclusive.
    ///
    /// # Errors
    /// When the history is not one.
    pub fn advance(&mut self, to: usize) -> io::Result<()> {
        while self.next < to.min(self.trace.events.len()) {
            let place = self.next;
            self.next += 1;
            match &self.trace.events[place] {
                Event::Write { file, data, .. } if self.trace.names[*file] == history::FILE => {
                    self.history.add(&self.trace.bytes[data.clone()])?;
                }
                Event::Write { file, .. } | Event::Truncate { file, .. } | Event::Unlink { file } => {
                    self.files[*file].waiting.push(place);
                }
                Event::SyncBegun { number, .. } => {
                    self.begun.insert(*number, place);
                }
                Event::SyncEnded { .. } if self.lies => {}
                Event::SyncEnded { file, number } => {
                    let begun = self.begun.remove(number).unwrap_or(0);
                    if self.trace.names[*file].is_empty() { self.flush_names(begun) } else { self.flush(*file, begun) }
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, file: usize, before: usize) {
        let mut on_disk = std::mem::take(&mut self.files[file]);
        let covered = on_disk.waiting.iter().take_while(|place| **place < before).count();
        for place in on_disk.waiting.drain(..covered) {
            apply(self.trace, place, &mut on_disk.flushed);
        }
        // Whatever was flushed has a name, even if it is empty.
        if on_disk.waiting.is_empty() {
            on_disk.flushed.get_or_insert_default();
        }
        self.files[file] = on_disk;
    }

    /// A flush of the directory makes removals durable.
    fn flush_names(&mut self, before: usize) {
        for file in 0..self.files.len() {
            let removed = |place: &&usize| matches!(self.trace.events[**place], Event::Unlink { .. });
            let last = self.files[file].waiting.iter().filter(|place| **place < before).rfind(removed).copied();
            if let Some(last) = last {
                let covered = self.files[file].waiting.iter().position(|place| *place == last).unwrap_or(0) + 1;
                self.files[file].waiting.drain(..covered);
                self.files[file].flushed = None;
            }
        }
    }

    /// One of the disks that this moment may leave behind, and what happened to each file with unflushed writes.
    #[must_use]
    pub fn cut(&self, chance: &mut Chance) -> (Files, Vec<(String, Fate)>) {
        let untouched = |name: &&String| !self.trace.names.contains(*name);
        let mut left: Files =
            self.base.iter().filter(|(name, _)| untouched(name)).map(|(n, c)| (n.clone(), c.clone())).collect();
        let mut fates = Vec::new();
        for (name, on_disk) in self.trace.names.iter().zip(&self.files) {
            if name.is_empty() || name == history::FILE {
                continue;
            }
            let fate = Fate::draw(chance);
            if !on_disk.waiting.is_empty() {
                fates.push((name.clone(), fate));
            }
            if let Some(content) = self.leave(on_disk, fate, chance) {
                left.insert(name.clone(), content);
            }
        }
        (left, fates)
    }

    fn leave(&self, on_disk: &OnDisk, fate: Fate, chance: &mut Chance) -> Option<Vec<u8>> {
        let mut content = on_disk.flushed.clone();
        let torn = chance.place(on_disk.waiting.len() + 1);
        let flushed = content.as_ref().map_or(0, Vec::len);
        for (order, place) in on_disk.waiting.iter().enumerate() {
            let whole = match fate {
                Fate::Lost => false,
                Fate::Arrived => true,
                Fate::Torn if order == torn => {
                    self.shred(*place, &mut content, usize::MAX, chance);
                    false
                }
                Fate::Torn => order < torn,
                Fate::Scattered => chance.percent(50),
                Fate::Shredded => {
                    self.shred(*place, &mut content, flushed, chance);
                    false
                }
            };
            if whole {
                apply(self.trace, *place, &mut content);
            }
        }
        content
    }

    /// Lets each sector of a write arrive or not. From `flushed` on, one that does not may hold anything.
    fn shred(&self, place: usize, content: &mut Option<Vec<u8>>, flushed: usize, chance: &mut Chance) {
        let Event::Write { at, data, .. } = &self.trace.events[place] else {
            if chance.percent(50) {
                apply(self.trace, place, content);
            }
            return;
        };
        let bytes = &self.trace.bytes[data.clone()];
        let start = usize::try_from(*at).unwrap_or(0);
        let mut from = 0;
        while from < bytes.len() {
            let to = bytes.len().min((start + from) / self.grain * self.grain + self.grain - start);
            if chance.percent(50) {
                put(content, start + from, &bytes[from..to]);
            } else if start + from >= flushed && chance.percent(50) {
                let garbage: Vec<u8> = (from..to).map(|_| chance.next().to_le_bytes()[0]).collect();
                put(content, start + from, &garbage);
            }
            from = to;
        }
    }
}

fn put(content: &mut Option<Vec<u8>>, at: usize, bytes: &[u8]) {
    let content = content.get_or_insert_default();
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

fn apply(trace: &Trace, place: usize, content: &mut Option<Vec<u8>>) {
    match &trace.events[place] {
        Event::Write { at, data, .. } => {
            put(content, usize::try_from(*at).unwrap_or(0), &trace.bytes[data.clone()]);
        }
        Event::Truncate { length, .. } => {
            content.get_or_insert_default().resize(usize::try_from(*length).unwrap_or(0), 0);
        }
        Event::Unlink { .. } => *content = None,
        Event::SyncBegun { .. } | Event::SyncEnded { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    //! What is flushed stays, what is not may go; later flushes cover only what came before them.

    use super::{Disk, Files};
    use crate::chance::Chance;
    use crate::powercut::trace::{Event, Trace};

    /// Writes "aa", flushes while "bb" is written, then writes "cc".
    fn trace() -> Trace {
        Trace {
            names: vec!["file".to_owned()],
            events: vec![
                Event::Write { file: 0, at: 0, data: 0..2 },
                Event::SyncBegun { file: 0, number: 1 },
                Event::Write { file: 0, at: 2, data: 2..4 },
                Event::SyncEnded { file: 0, number: 1 },
                Event::Write { file: 0, at: 4, data: 4..6 },
            ],
            bytes: b"aabbcc".to_vec(),
        }
    }

    fn left(to: usize) -> Vec<Option<Vec<u8>>> {
        let (trace, base) = (trace(), Files::new());
        let mut disk = Disk::new(&trace, &base);
        disk.advance(to).unwrap();
        (0..200).map(|seed| disk.cut(&mut Chance::new(seed)).0.remove("file")).collect()
    }

    #[test]
    fn nothing_is_certain_before_a_flush_has_ended() {
        let left = left(3);
        assert!(left.contains(&None));
        assert!(left.contains(&Some(b"aabb".to_vec())));
        assert!(left.contains(&Some(b"\0\0bb".to_vec())), "a later write may arrive without an earlier one");
    }

    #[test]
    fn a_flush_covers_what_was_written_before_it_began_and_nothing_else() {
        let left = left(5);
        assert!(left.iter().all(|content| content.as_ref().is_some_and(|content| content.starts_with(b"aa"))));
        assert!(left.contains(&Some(b"aa".to_vec())));
        assert!(left.contains(&Some(b"aabbcc".to_vec())));
    }

    #[test]
    fn files_that_the_trace_does_not_name_stay_as_they_were() {
        let trace = trace();
        let base = Files::from([("other".to_owned(), b"x".to_vec())]);
        let (files, _) = Disk::new(&trace, &base).cut(&mut Chance::new(1));
        assert_eq!(files.get("other"), Some(&b"x".to_vec()));
    }
}
