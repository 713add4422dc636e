//! One round: start, settle what was open, load, kill, examine.

use crate::chance::Chance;
use crate::crash::book::{Book, Told};
use crate::crash::client::exchange;
use crate::crash::people::{self, World};
use crate::crash::server::{self, Server, Start};
use crate::crash::traffic;
use crate::crash::verdict;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How hard to load and when to kill.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Clients at once.
    pub clients: u32,
    /// Killed after at least so long.
    pub at_least: Duration,
    /// And at most so long.
    pub at_most: Duration,
}

/// What a round found.
#[derive(Debug, Default)]
pub struct Found {
    /// How long the start took.
    pub ready_after: Duration,
    /// Wishes that were open after the kill before and are now answered.
    pub settled: usize,
    /// What is wrong, in words.
    pub wrong: Vec<String>,
}

/// The bank under test: where it is, who uses it, what they were told.
#[derive(Clone)]
pub struct Trial {
    /// How to start the server.
    pub start: Start,
    /// The HTTP client.
    pub client: reqwest::Client,
    /// The token of a staff member who may do everything.
    pub staff: String,
    /// Who uses it.
    pub world: Arc<World>,
    /// What they were told.
    pub book: Arc<Mutex<Book>>,
    /// The bank's database, when it is on a server.
    pub books: Option<sql::Database>,
}

/// How many answered wishes are asked for once more after a start.
const AGAIN: usize = 40;

impl Trial {
    /// Makes a bank with people in it below a directory. The defect sleeps until the first round.
    ///
    /// # Errors
    /// When the server does not start or refuses.
    pub async fn prepare(place: &Path, defect: Option<String>) -> io::Result<Self> {
        let (executable, directory) = (server::executable()?, place.join("data"));
        let start = Start { executable, directory, defect, environment: Vec::new(), arguments: Vec::new() };
        Self::make(start, None).await
    }

    /// As [`Trial::prepare`], on a database on a server: its URL for the bank, and how the harness reaches it.
    ///
    /// # Errors
    /// As [`Trial::prepare`].
    pub async fn prepare_on(place: &Path, (url, books): (&str, sql::Database)) -> io::Result<Self> {
        let (executable, directory) = (server::executable()?, place.join("data"));
        let environment = vec![("JIAOZI_DATABASE".to_owned(), url.to_owned())];
        let start = Start { executable, directory, defect: None, environment, arguments: Vec::new() };
        Self::make(start, Some(books)).await
    }

    async fn make(start: Start, books: Option<sql::Database>) -> io::Result<Self> {
        let client = reqwest::Client::builder().build().map_err(io::Error::other)?;
        let staff = people::staff_token(&start)?;
        let sound = Start { defect: None, ..start.clone() };
        let server = Server::start(&sound, &client).await?;
        let (world, book) = people::settle(&server, &client, &staff).await?;
        server.kill()?;
        Ok(Self { start, client, staff, world: Arc::new(world), book: Arc::new(Mutex::new(book)), books })
    }

    /// Runs a round.
    ///
    /// # Errors
    /// When the server does not start, or the harness itself fails.
    pub async fn round(&self, load: &Load, mut chance: Chance) -> io::Result<Found> {
        let server = Server::start(&self.start, &self.client).await?;
        let mut found = Found { ready_after: server.ready_after, ..Found::default() };
        self.settle(&server, &mut found).await;
        self.ask_again(&server, &mut chance, &mut found).await;
        let span = load.at_most.saturating_sub(load.at_least).as_millis();
        let more = chance.below(u64::try_from(span).unwrap_or(0) + 1);
        let clients = traffic::start(self, &server.address, load.clients, &chance);
        tokio::time::sleep(load.at_least + Duration::from_millis(more)).await;
        server.kill()?;
        for client in clients {
            client.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
        }
        self.examine(&mut found)?;
        Ok(found)
    }

    /// After the last round: settles what is open, kills, and now nothing may be unexplained.
    ///
    /// # Errors
    /// As [`Trial::round`].
    pub async fn close(&self) -> io::Result<Found> {
        let server = Server::start(&self.start, &self.client).await?;
        let mut found = Found { ready_after: server.ready_after, ..Found::default() };
        self.settle(&server, &mut found).await;
        server.kill()?;
        self.examine(&mut found)?;
        Ok(found)
    }

    /// Has the checker and the verdict look at a copy of what stands on disk now.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn examine(&self, found: &mut Found) -> io::Result<()> {
        if let Some(books) = &self.books {
            let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
            found.wrong.extend(verdict::judge_server(books, &book).err());
            return Ok(());
        }
        let place = tempfile::tempdir()?;
        let file = verdict::copy(&self.start.directory, place.path())?;
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        found.wrong.extend(verdict::judge(&file, &book).err());
        Ok(())
    }

    /// Sends every wish without an answer once more: it acts now, or is answered as it was.
    pub async fn settle(&self, server: &Server, found: &mut Found) {
        let open: Vec<usize> = {
            let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
            (0..book.wishes.len()).filter(|number| book.wishes[*number].told == Told::Nothing).collect()
        };
        for number in open {
            let (key, call) = self.sent(number);
            for _ in 0..20 {
                let exchange = exchange(&self.client, &server.address, &key, &call).await;
                if exchange.told == Told::Nothing {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
                found.settled += 1;
                self.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = exchange.told;
                break;
            }
            if self.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told == Told::Nothing {
                found.wrong.push(format!("{key} stays without an answer after the restart: {call:?}"));
            }
        }
    }

    /// I4: a wish that was answered is answered the same, and nothing is done.
    pub async fn ask_again(&self, server: &Server, chance: &mut Chance, found: &mut Found) {
        let all = self.book.lock().unwrap_or_else(PoisonError::into_inner).wishes.len();
        for _ in 0..AGAIN.min(all) {
            let number = chance.place(all);
            let (key, call) = self.sent(number);
            let before = self.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told.clone();
            let now = exchange(&self.client, &server.address, &key, &call).await;
            if !same(&before, &now.told) || !now.replayed {
                found.wrong.push(format!("{key} was answered {before:?} and then {now:?}"));
            }
        }
    }

    fn sent(&self, number: usize) -> (String, crate::crash::book::Call) {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        (book.wishes[number].key.clone(), book.wishes[number].call.clone())
    }
}

/// The same answer, the request's own number aside.
fn same(before: &Told, now: &Told) -> bool {
    let bare = |told: &Told| match told {
        Told::Nothing => None,
        Told::Done(body) | Told::Refused(body) => {
            let mut body = body.clone();
            if let Some(members) = body.as_object_mut() {
                members.remove("request_id");
            }
            Some((matches!(told, Told::Done(_)), body))
        }
    };
    bare(before) == bare(now)
}
