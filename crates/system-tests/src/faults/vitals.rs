//! What the machine says of a running server: memory, descriptors, threads. Linux only (`proc(5)`).

use std::io;

/// A process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Resident memory, KiB.
    pub resident: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}

impl Vitals {
    /// Looks at a process.
    ///
    /// # Errors
    /// When it is gone, or the machine does not tell.
    pub fn of(process: u32) -> io::Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok());
            number.ok_or_else(|| io::Error::other(format!("the machine does not tell {name}")))
        };
        let descriptors = std::fs::read_dir(format!("/proc/{process}/fd"))?.count() as u64;
        Ok(Self { resident: field("VmRSS:")?, descriptors, threads: field("Threads:")? })
    }
}
