//! Log collectors: a file of JSON lines, and syslog over TLS.

mod file;
mod syslog;

pub use file::FileCollector;
pub use syslog::SyslogCollector;

#[cfg(test)]
mod tests;
