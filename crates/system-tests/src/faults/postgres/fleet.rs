//! A bank on a server: one node or several, people, what they were told, and whether the rows agree with it.

use crate::chance::Chance;
use crate::crash::book::Told;
use crate::crash::people;
use crate::crash::round::{Found, Trial};
use crate::crash::server::{self, Server, Start};
use crate::faults::Tally;
use crate::faults::postgres::cluster;
use sql::Database;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Makes a bank with people in it in the database of a URL; its node keeps what is its own below `place`.
///
/// # Errors
/// When the server does not start or refuses.
pub async fn prepare(
    place: &Path,
    (url, primary): (&str, &cluster::Server),
    defect: Option<String>,
) -> io::Result<Trial> {
    let (executable, directory) = (server::executable()?, place.join("node-1"));
    let client = reqwest::Client::builder().build().map_err(io::Error::other)?;
    let arguments = vec!["--database".to_owned(), url.to_owned()];
    let start = Start { executable, directory, defect, environment: Vec::new(), arguments };
    let environment = vec![("JIAOZI_DATABASE".to_owned(), url.to_owned())];
    let staff = people::staff_token(&Start { environment, ..start.clone() })?;
    let sound = Start { defect: None, ..start.clone() };
    let server = Server::start(&sound, &client).await?;
    let (world, book) = people::settle(&server, &client, &staff).await?;
    // What the first node's sandbox bank owes has come before a second one starts.
    primary.until("SELECT count(*) FROM top_up WHERE state <> 5", "0")?;
    server.kill()?;
    let books = Some(books(primary)?);
    Ok(Trial { start, client, staff, world: Arc::new(world), book: Arc::new(Mutex::new(book)), books })
}

/// A further node of the bank, which reaches the database by this URL.
///
/// # Errors
/// When its folder cannot be made.
pub fn another(trial: &Trial, number: u32, url: &str) -> io::Result<Trial> {
    let directory = trial.start.directory.with_file_name(format!("node-{number}"));
    std::fs::create_dir_all(&directory)?;
    // Nodes of one bank share the keys.
    std::fs::copy(trial.start.directory.join("vault.key"), directory.join("vault.key"))?;
    let arguments = vec!["--database".to_owned(), url.to_owned()];
    Ok(Trial { start: Start { directory, arguments, ..trial.start.clone() }, ..trial.clone() })
}

/// Sends every wish without an answer again, asks for answered ones once more, and compares the rows on a server with what
/// was told; how many wishes had no answer.
///
/// # Errors
/// When the database's address is none.
pub async fn settle_and_judge(
    trial: &Trial,
    server: &Server,
    (primary, chance): (&cluster::Server, &Chance),
    tally: &mut Tally,
) -> io::Result<usize> {
    judge(trial, primary, tally)?;
    let mut found = Found::default();
    trial.settle(server, &mut found).await;
    trial.ask_again(server, &mut chance.branch(77), &mut found).await;
    found.wrong.drain(..).for_each(|wrong| tally.wrong(wrong));
    judge(trial, primary, tally)?;
    Ok(found.settled)
}

/// The database of a server, for reading its books.
///
/// # Errors
/// When its address is none.
pub fn books(primary: &cluster::Server) -> io::Result<Database> {
    Database::parse(&primary.url(), &sql::Passwords::default()).map_err(io::Error::other)
}

/// Compares the rows on a server with what was told.
///
/// # Errors
/// When the database's address is none.
pub fn judge(trial: &Trial, primary: &cluster::Server, tally: &mut Tally) -> io::Result<()> {
    let database = books(primary)?;
    let book = trial.book.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(wrong) = crate::crash::verdict::judge_server(&database, &book) {
        tally.wrong(wrong);
    }
    Ok(())
}

/// How many wishes are without an answer.
#[must_use]
pub fn open(trial: &Trial) -> usize {
    let book = trial.book.lock().unwrap_or_else(PoisonError::into_inner);
    book.wishes.iter().filter(|wish| wish.told == Told::Nothing).count()
}

/// How many were answered so far, in words.
#[must_use]
pub fn acknowledged(trial: &Trial) -> String {
    let [done, refused] = trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
    format!("{done} done and {refused} refused")
}
