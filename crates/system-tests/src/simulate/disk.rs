//! The node's disk: a directory under two libraries that are loaded before the program, one that writes down every write and
//! flush (`shim/powercut.c`), one that lets calls fail (`shim/faults.c`) and is told here when.
//!
//! What a death of the process leaves is what was written; what a power cut leaves is what was flushed, and of the rest what
//! `powercut::disk` draws. What was not flushed when the process died may still be lost by a later power cut: the record goes
//! on until the next one.

use crate::chance::Chance;
use crate::powercut::disk::{Disk, Files};
use crate::powercut::session::files_of;
use crate::powercut::trace::Trace;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

const EIO: u32 = 5;
const ENOSPC: u32 = 28;

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process ends at its n-th call that would change the disk; nothing after that changes it.
    EndsAt(u64),
    /// The n-th write fails once.
    Write(u64),
    /// The n-th flush of a file's data fails once.
    Flush(u64),
    /// From the n-th write on there is no room, until it is healed.
    Full(u64),
}

/// The disk.
pub struct SimDisk {
    place: PathBuf,
    base: Files,
}

/// The files of a run within its place.
impl SimDisk {
    /// The directory of the bank.
    #[must_use]
    pub fn node(place: &Path) -> PathBuf {
        place.join("node")
    }

    /// What the libraries must find in the environment of the program, whose directory must be there.
    #[must_use]
    pub fn environment(place: &Path, libraries: [&Path; 2]) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.display().to_string();
        let node = text(Self::node(place));
        vec![
            ("LD_PRELOAD".to_owned(), format!("{}:{}", libraries[0].display(), libraries[1].display())),
            ("POWERCUT_DIR".to_owned(), node.clone()),
            ("POWERCUT_TRACE".to_owned(), text(place.join("trace"))),
            ("FAULTS_DIR".to_owned(), node),
            ("FAULTS_CONTROL".to_owned(), text(place.join("control"))),
            ("FAULTS_HISTORY".to_owned(), text(place.join("tripped"))),
        ]
    }

    /// The disk at a place, holding these files.
    ///
    /// # Errors
    /// When they cannot be written, or the libraries are not loaded.
    pub fn new(place: &Path, files: &Files) -> io::Result<Self> {
        let mut disk = Self { place: place.to_owned(), base: Files::new() };
        disk.hold(files.clone())?;
        Ok(disk)
    }

    fn tell(&self, said: &str) -> io::Result<()> {
        match std::fs::remove_file(self.place.join("tripped")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::write(self.place.join("control"), said)?;
        match std::fs::metadata(self.place.join("control"))?.len() {
            0 => Ok(()),
            _ => Err(io::Error::other("the library of the failing disk is not loaded")),
        }
    }

    /// From now on this is wrong with it.
    ///
    /// # Errors
    /// When the library cannot be told.
    pub fn fail(&self, fault: Fault) -> io::Result<()> {
        let said = match fault {
            Fault::EndsAt(nth) => format!("any {nth} {EIO} 1"),
            Fault::Write(nth) => format!("write {nth} {EIO} 0"),
            Fault::Flush(nth) => format!("fdatasync {nth} {EIO} 0"),
            Fault::Full(nth) => format!("write {nth} {ENOSPC} 1"),
        };
        self.tell(&said)
    }

    /// Nothing is wrong any more.
    ///
    /// # Errors
    /// When the library cannot be told.
    pub fn heal(&self) -> io::Result<()> {
        self.tell("none 0 0 0")
    }

    /// Whether what is wrong has been met.
    #[must_use]
    pub fn tripped(&self) -> bool {
        self.place.join("tripped").exists()
    }

    /// The power goes: the directory holds what a cut leaves. Nobody has a file of it open. Returns what happened, in words.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn cut(&mut self, chance: &mut Chance) -> io::Result<String> {
        self.heal()?;
        let trace = Trace::read(&self.place.join("trace"))?;
        let (files, fates) = {
            let mut disk = Disk::new(&trace, &self.base);
            disk.advance(trace.events.len())?;
            disk.cut(chance)
        };
        self.hold(files)?;
        let told: Vec<String> = fates.iter().map(|(name, fate)| format!("{name} {fate:?}")).collect();
        Ok(told.join(", "))
    }

    fn hold(&mut self, files: Files) -> io::Result<()> {
        self.heal()?;
        let node = Self::node(&self.place);
        for item in std::fs::read_dir(&node)? {
            std::fs::remove_file(item?.path())?;
        }
        files.iter().try_for_each(|(name, content)| std::fs::write(node.join(name), content))?;
        File::options().write(true).open(self.place.join("trace"))?.set_len(0)?;
        self.base = files;
        Ok(())
    }

    /// The files as they lie there now.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn files(&self) -> io::Result<Files> {
        files_of(&Self::node(&self.place))
    }
}
