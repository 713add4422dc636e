//! The address by which a bank reaches its database: leads to one server or another, and cuts the line where it is told.
//!
//! Both directions are taken apart into the messages of PostgreSQL's protocol (version 3: after the first, each begins with
//! a letter and its length), so that a line can be cut between a statement and its answer. Cutting closes both ends.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a line is to be cut, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// When the bank sends lines of the journal: they do not arrive.
    Statement,
    /// When the server has answered that: the answer does not arrive.
    StatementAnswer,
    /// In the middle of the message that asks for the commit.
    Commit,
    /// When the server has committed: its answer does not arrive.
    CommitAnswer,
    /// After so many bytes to the server.
    BytesTo(u64),
    /// After so many bytes from the server.
    BytesFrom(u64),
}

#[derive(Default)]
struct Line {
    ends: Vec<(TcpStream, UnixStream)>,
    target: Option<PathBuf>,
    cut: Option<Cut>,
}

#[derive(Default)]
struct Shared {
    line: Mutex<Line>,
    cuts: AtomicU64,
    stopped: AtomicBool,
}

/// The address.
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
}

impl Proxy {
    /// Listens on a port of this machine; leads nowhere yet.
    ///
    /// # Errors
    /// When there is no port.
    pub fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let heard = Arc::clone(&shared);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if heard.stopped.load(Ordering::SeqCst) {
                    return;
                }
                // Who cannot be led anywhere is hung up on.
                let _ = lead(&heard, near);
            }
        });
        Ok(Self { shared, port })
    }

    /// The URL of the bank's database by this address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://bank@127.0.0.1:{}/bank", self.port)
    }

    /// Leads to a server from now on, given by the folder of its socket, or nowhere; lines that stand are cut.
    pub fn lead_to(&self, target: Option<&Path>) {
        let ends = {
            let mut line = self.shared.lock();
            line.target = target.map(|folder| folder.join(".s.PGSQL.5432"));
            std::mem::take(&mut line.ends)
        };
        ends.iter().for_each(hang_up);
    }

    /// Cuts the line at the next such place.
    pub fn cut_at(&self, cut: Cut) {
        self.shared.lock().cut = Some(cut);
    }

    /// Whether the last cut that was asked for has not come about; it is no longer wanted.
    #[must_use]
    pub fn forget_cut(&self) -> bool {
        self.shared.lock().cut.take().is_some()
    }

    /// How many cuts came about.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.lead_to(None);
        // Wakes whoever listens.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True, once, when a cut that is wanted is one of these.
    fn take(&self, is_here: impl Fn(Cut) -> bool) -> bool {
        let mut line = self.lock();
        let here = line.cut.is_some_and(is_here);
        if here {
            line.cut = None;
            self.cuts.fetch_add(1, Ordering::SeqCst);
        }
        here
    }
}

fn hang_up((near, far): &(TcpStream, UnixStream)) {
    // The other side may have been quicker.
    let _ = (near.shutdown(Shutdown::Both), far.shutdown(Shutdown::Both));
}

fn lead(shared: &Arc<Shared>, near: TcpStream) -> io::Result<()> {
    let mut line = shared.lock();
    let Some(target) = &line.target else { return Ok(()) };
    let far = UnixStream::connect(target)?;
    near.set_nodelay(true)?;
    line.ends.push((near.try_clone()?, far.try_clone()?));
    drop(line);
    let ends = (near.try_clone()?, far.try_clone()?);
    let other = (near.try_clone()?, far.try_clone()?);
    let awaited = Arc::new(Mutex::new(Awaited::Nothing));
    let (to, from) = (Arc::clone(shared), Arc::clone(shared));
    let asked = Arc::clone(&awaited);
    std::thread::spawn(move || {
        let mut watch = ToServer { shared: &to, statements: HashMap::new(), awaited: &asked, bytes: 0, begun: false };
        let _ = carry(near.try_clone(), far.try_clone(), &mut |bytes| watch.look(bytes));
        hang_up(&ends);
    });
    std::thread::spawn(move || {
        let mut watch = FromServer { shared: &from, awaited: &awaited, bytes: 0 };
        let _ = carry(other.1.try_clone(), other.0.try_clone(), &mut |bytes| watch.look(bytes));
        hang_up(&other);
    });
    Ok(())
}

/// What is to be done with what was read: how many bytes are sent on, how many are kept until more is there, whether the
/// line is cut then.
struct Seen {
    pass: usize,
    cut: bool,
}

fn carry(
    from: io::Result<impl Read>,
    to: io::Result<impl Write>,
    look: &mut dyn FnMut(&[u8]) -> Seen,
) -> io::Result<()> {
    let (mut from, mut to) = (from?, to?);
    let (mut held, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        held.extend_from_slice(&buffer[..read]);
        let seen = look(&held);
        to.write_all(&held[..seen.pass])?;
        if seen.cut {
            return Ok(());
        }
        held.drain(..seen.pass);
    }
}

/// The answer that is wanted for a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Nothing,
    Statement,
    Commit,
}

/// The direction to the server.
struct ToServer<'a> {
    shared: &'a Shared,
    /// What prepared statements say, by name.
    statements: HashMap<Vec<u8>, Vec<u8>>,
    awaited: &'a Mutex<Awaited>,
    bytes: u64,
    begun: bool,
}

/// The length of the message at the beginning, letter included.
fn message(bytes: &[u8]) -> Option<usize> {
    let length: [u8; 4] = bytes.get(1..5)?.try_into().ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()? + 1;
    (bytes.len() >= length).then_some(length)
}

impl ToServer<'_> {
    fn look(&mut self, bytes: &[u8]) -> Seen {
        let mut pass = 0;
        if !self.begun {
            // The first message has no letter; it was sent whole, or the rest passes with it.
            self.begun = true;
            return Seen { pass: bytes.len(), cut: false };
        }
        while let Some(length) = message(&bytes[pass..]) {
            let one = &bytes[pass..pass + length];
            let end = self.bytes + length as u64;
            if self.shared.take(|cut| matches!(cut, Cut::BytesTo(most) if end >= most)) {
                return Seen { pass: pass + length / 2, cut: true };
            }
            self.bytes = end;
            match self.kind(one) {
                Awaited::Statement if self.shared.take(|cut| cut == Cut::Statement) => return Seen { pass, cut: true },
                Awaited::Commit if self.shared.take(|cut| cut == Cut::Commit) => {
                    return Seen { pass: pass + length / 2, cut: true };
                }
                Awaited::Nothing => {}
                kind => *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = kind,
            }
            pass += length;
        }
        Seen { pass, cut: false }
    }

    /// Lines of the journal are sent, or a commit is asked for.
    fn kind(&mut self, message: &[u8]) -> Awaited {
        let mut texts = message[5..].split(|byte| *byte == 0);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        let text = match message[0] {
            b'Q' => first,
            b'P' => {
                self.statements.insert(first.to_vec(), second.to_vec());
                return Awaited::Nothing;
            }
            b'B' => self.statements.get(second).map_or(&[][..], Vec::as_slice),
            _ => return Awaited::Nothing,
        };
        if text.starts_with(b"INSERT INTO journal") {
            Awaited::Statement
        } else if text.starts_with(b"COMMIT") {
            Awaited::Commit
        } else {
            Awaited::Nothing
        }
    }
}

/// The direction from the server.
struct FromServer<'a> {
    shared: &'a Shared,
    awaited: &'a Mutex<Awaited>,
    bytes: u64,
}

impl FromServer<'_> {
    fn look(&mut self, bytes: &[u8]) -> Seen {
        let mut pass = 0;
        while let Some(length) = message(&bytes[pass..]) {
            let one = &bytes[pass..pass + length];
            let end = self.bytes + length as u64;
            if self.shared.take(|cut| matches!(cut, Cut::BytesFrom(most) if end >= most)) {
                return Seen { pass: pass + length / 2, cut: true };
            }
            self.bytes = end;
            // "C" tells that a statement is complete, with its name.
            if one[0] == b'C' {
                let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
                let done = one[5..].starts_with(b"COMMIT");
                let cut = match *awaited {
                    Awaited::Commit if done => self.shared.take(|cut| cut == Cut::CommitAnswer),
                    Awaited::Statement if one[5..].starts_with(b"INSERT") => {
                        self.shared.take(|cut| cut == Cut::StatementAnswer)
                    }
                    _ => false,
                };
                if cut {
                    return Seen { pass, cut: true };
                }
                if done {
                    *awaited = Awaited::Nothing;
                }
            }
            pass += length;
        }
        Seen { pass, cut: false }
    }
}
