//! A small proxy between the bank and its database: it cuts connections, refuses new ones, and falls silent.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does to what goes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Everything arrives.
    Fair,
    /// Every connection ends, and new ones end at once.
    Cut,
    /// Nothing arrives, and nobody is told: what is sent meanwhile arrives afterwards.
    Silent,
}

/// A running proxy. Dropping it ends it.
pub struct Proxy {
    /// Its port on 127.0.0.1.
    pub port: u16,
    weather: watch::Sender<Weather>,
    /// Connections that were made before this many are never answered again, and nobody is told.
    deaf: watch::Sender<u64>,
    made: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection's view of the weather.
#[derive(Clone)]
struct Sky {
    number: u64,
    weather: watch::Receiver<Weather>,
    deaf: watch::Receiver<u64>,
}

impl Sky {
    /// Ends when bytes may pass; false when the connection is to end instead.
    async fn clears(&mut self) -> bool {
        loop {
            let (weather, deaf) = (*self.weather.borrow_and_update(), *self.deaf.borrow_and_update());
            match weather {
                Weather::Cut => return false,
                Weather::Fair if self.number >= deaf => return true,
                Weather::Fair | Weather::Silent => {}
            }
            let gone = tokio::select! {
                changed = self.weather.changed() => changed.is_err(),
                changed = self.deaf.changed() => changed.is_err(),
            };
            if gone {
                return false;
            }
        }
    }

    /// Ends when the connection is to be cut.
    async fn cut(mut self) {
        // The proxy going away cuts as well.
        let _ = self.weather.wait_for(|weather| *weather == Weather::Cut).await;
    }
}

impl Proxy {
    /// Starts a proxy to a port of this machine.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(to: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (weather, deaf, made) =
            (watch::Sender::new(Weather::Fair), watch::Sender::new(0), Arc::new(AtomicU64::new(0)));
        let (seen, hears, count) = (weather.subscribe(), deaf.subscribe(), Arc::clone(&made));
        let accepting = tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let sky = Sky { number, weather: seen.clone(), deaf: hears.clone() };
                tokio::spawn(carry(from, to, sky));
            }
        });
        Ok(Self { port, weather, deaf, made, accepting })
    }

    /// Changes the weather.
    pub fn weather(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Ends every connection; new ones are welcome at once.
    pub async fn snip(&self) {
        self.weather(Weather::Cut);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        self.weather(Weather::Fair);
    }

    /// From now on nothing goes through the connections that there are, for ever; new ones are well.
    pub fn forget_connections(&self) {
        self.deaf.send_replace(self.made.load(Ordering::SeqCst));
    }
}

async fn carry(from: TcpStream, to: u16, mut sky: Sky) {
    if !sky.clears().await {
        return;
    }
    let Ok(to) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
    tokio::select! {
        () = pump(from_read, to_write, sky.clone()) => {}
        () = pump(to_read, from_write, sky.clone()) => {}
        () = sky.cut() => {}
    }
}

async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut sky: Sky) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 || !sky.clears().await || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
