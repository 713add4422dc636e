//! Descriptors run out: more idle connections than the process may have descriptors.

use super::{BACK, DEFECT, Regulars, bank_under, connected, judged, until_a_newcomer_is_granted};
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::faults::vitals::Vitals;
use crate::faults::{How, Tally, now};
use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

/// What the process may have open.
const MOST: usize = 400;
/// How many hold a connection and say nothing.
const IDLE: usize = 600;
/// So long they hold on; whoever is sent away comes again.
const HELD: Duration = Duration::from_secs(4);
/// Who reads and has no connection does not wait for one longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn one(how: &How, tally: &mut Tally) -> io::Result<String> {
    let place = tempfile::tempdir()?;
    let trial = bank_under(place.path(), &format!("prlimit --nofile={MOST}:{MOST}")).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let mut found = Found::default();
    trial.settle(&server, &mut found).await;
    let regulars = Regulars::start(&trial, &server);
    // Those who read are connected by now.
    reads(&trial, &server, tally).await?;
    let (before, begun, mut crowd) = (regulars.granted(), now(), Crowd::default());
    while begun.elapsed() < HELD {
        crowd.hold(&server)?;
        reads(&trial, &server, tally).await?;
    }
    if crowd.most >= MOST as u64 {
        tally.wrong("no descriptor was left for the bank itself".to_owned());
    }
    let meanwhile = regulars.granted() - before;
    if meanwhile == 0 {
        tally.wrong("those who were connected were granted nothing while descriptors were out".to_owned());
    }
    let Crowd { mut held, refused, most } = crowd;
    let crowded = held.len();
    if !how.has(DEFECT) {
        held.clear();
    }
    let back = until_a_newcomer_is_granted(&trial, &server).await?;
    if back.is_none() {
        tally.wrong(format!("descriptors: no newcomer was granted within {} s", BACK.as_secs()));
    }
    drop(held);
    regulars.stop(tally).await?;
    judged(&trial, server, tally).await?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
    Ok(format!(
        "{crowded} idle connections ({refused} refused) on {MOST} descriptors, {most} open at most; {meanwhile} granted \
         meanwhile to those connected before; a newcomer after {} ms",
        back.unwrap_or(BACK).as_millis()
    ))
}

/// Who holds connections.
#[derive(Default)]
struct Crowd {
    held: Vec<TcpStream>,
    /// Connections that could not be had.
    refused: usize,
    /// Descriptors that the server had at most.
    most: u64,
}

impl Crowd {
    /// Takes as many connections as are to be held; those that were sent away come again.
    fn hold(&mut self, server: &Server) -> io::Result<()> {
        self.held.retain(|stream| stream.set_nonblocking(true).is_ok() && !is_closed(stream));
        for _ in self.held.len()..IDLE {
            match connected(server, b"GET /") {
                Ok(stream) => self.held.push(stream),
                Err(_) => self.refused += 1,
            }
            if self.held.len().is_multiple_of(20) {
                self.most = self.most.max(Vitals::of(server.process())?.descriptors);
            }
        }
        self.most = self.most.max(Vitals::of(server.process())?.descriptors);
        Ok(())
    }
}

/// Whether the server has ended it.
fn is_closed(mut stream: &TcpStream) -> bool {
    !matches!(stream.read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Sixteen reads at once on connections that are there: readers open files too.
async fn reads(trial: &Trial, server: &Server, tally: &mut Tally) -> io::Result<()> {
    let ask = |number: usize| {
        let customer = &trial.world.customers[number % trial.world.customers.len()];
        let path = "/v1/statement?currency=CNY&from=2026-01-01&to=2026-12-31";
        let request = trial.client.get(format!("{}{path}", server.address)).bearer_auth(&customer.token);
        tokio::spawn(request.timeout(PATIENCE).send())
    };
    for asked in (0..16).map(ask).collect::<Vec<_>>() {
        let answer = asked.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
        // Who has no connection yet may not get one.
        if let Ok(answer) = answer
            && answer.status().is_server_error()
            && (answer.status().as_u16() != 503 || !answer.headers().contains_key("retry-after"))
        {
            tally.wrong(format!("a reader was told {} while descriptors were out", answer.status()));
        }
    }
    Ok(())
}
