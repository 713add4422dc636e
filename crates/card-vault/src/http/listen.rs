//! The listener: connections, their time-outs and their end; and the clockwork that tidies.

use super::HttpOptions;
use super::routes::Door;
use crate::vault::Vault;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

/// Serves until `stop` ends, then drains.
///
/// # Errors
/// When the listener cannot be asked for its address.
pub async fn serve(
    vault: Arc<Vault>,
    options: HttpOptions,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(options.connections));
    let door = Arc::new(Door::new(vault, options));
    let (close, closing) = watch::channel(false);
    tracing::info!(address = %listener.local_addr()?, "listening");
    let clockwork = tokio::spawn(tidy(Arc::clone(&door), closing.clone()));
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some((stream, address, place)) = accepted {
            let (door, closing) = (Arc::clone(&door), closing.clone());
            tokio::spawn(async move {
                connection(door, stream, address, closing).await;
                drop(place);
            });
        }
    }
    drop(listener);
    close.send_replace(true);
    let all = u32::try_from(door.options.connections).unwrap_or(u32::MAX);
    let ended = tokio::time::timeout(door.options.drain, places.acquire_many(all)).await.is_ok();
    // What it was at is done before the store is closed.
    let _ = clockwork.await;
    tracing::info!(ended, "drained");
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer.ip(), place)),
        Err(error) => {
            // Out of descriptors, most likely: give the others time to end.
            tracing::warn!(%error, "accept");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(door: Arc<Door>, stream: TcpStream, address: IpAddr, closing: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(door.options.head).max_buf_size(16 * 1024);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(door.answer(request, address).await) }
    });
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = asked(closing) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends when the end was asked for.
async fn asked(mut closing: watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Tidies now and then, as long as the vault is served.
async fn tidy(door: Arc<Door>, closing: watch::Receiver<bool>) {
    let mut beats = tokio::time::interval(door.options.tidy);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end = pin!(asked(closing));
    loop {
        tokio::select! {
            () = &mut end => return,
            _ = beats.tick() => {}
        }
        let vault = Arc::clone(&door.vault);
        match tokio::task::spawn_blocking(move || vault.tidy()).await {
            Ok(Ok(done)) => tracing::debug!(?done, "tidied"),
            Ok(Err(error)) => tracing::error!(%error, "the vault could not be tidied"),
            Err(_) => tracing::error!("tidying panicked"),
        }
    }
}
