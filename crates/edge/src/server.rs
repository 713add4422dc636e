//! The listener: connections, their time-outs and their end.
//!
//! HTTP/1.1 only. A slow client cannot hold a connection: the handshake and hyper's reading of the head, idleness too, are
//! bounded by the same time, `body` bounds that of the body, `stalled` that of what is not taken. A connection counts from the
//! moment it is accepted, before any handshake. Stopping drains: readiness says no and streams end at once; for the time of notice requests are still taken, so
//! that a balancer hears of it first; then no new connections, open requests are answered, idle connections close.

use crate::service::Edge;
use crate::stalled::Unstalled;
use crate::tls::Tls;
use crate::unread::{Spoken, Talk, Wire};
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Serves until `stop` ends, then drains. Returns when every connection has ended or the drain's time is over.
///
/// # Errors
/// When the listener cannot be asked for its address.
pub async fn serve(edge: Edge, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    let edge = Arc::new(edge);
    let places = Arc::new(Semaphore::new(edge.options.connections));
    let ends = Ends::default();
    tracing::info!(address = %listener.local_addr()?, "listening");
    let mut stop = pin!(stop);
    accept_until(&mut stop, (&listener, &places), &edge, &ends).await;
    ends.draining.send_replace(true);
    accept_until(tokio::time::sleep(edge.options.notice), (&listener, &places), &edge, &ends).await;
    drop(listener);
    ends.closing.send_replace(true);
    let all = u32::try_from(edge.options.connections).unwrap_or(u32::MAX);
    let ended = tokio::time::timeout(edge.options.drain, places.acquire_many(all)).await.is_ok();
    tracing::info!(ended, "drained");
    Ok(())
}

/// What is told to connections and requests when the server is to end.
#[derive(Default)]
struct Ends {
    /// Readiness says no, streams end.
    draining: watch::Sender<bool>,
    /// Connections end with the request they are at.
    closing: watch::Sender<bool>,
}

async fn accept_until(
    stop: impl Future<Output = ()>,
    (listener, places): (&TcpListener, &Arc<Semaphore>),
    edge: &Arc<Edge>,
    ends: &Ends,
) {
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = accept(listener, places) => accepted,
        };
        if let Some((stream, peer, place)) = accepted {
            let told = (ends.draining.subscribe(), ends.closing.subscribe());
            tokio::spawn(connection(Arc::clone(edge), stream, peer.ip(), told, place));
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            // Out of descriptors, most likely: give the others time to end.
            tracing::warn!(%error, "accept");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

type Told = (watch::Receiver<bool>, watch::Receiver<bool>);

async fn connection(edge: Arc<Edge>, stream: TcpStream, address: IpAddr, told: Told, place: OwnedSemaphorePermit) {
    let Ok(share) = edge.share(address) else {
        metrics::counter!("jiaozi_connections_refused_total").increment(1);
        return;
    };
    let _ = stream.set_nodelay(true);
    match edge.options.tls.as_ref().map(Tls::acceptor) {
        None => talk(edge, stream, address, told).await,
        Some(acceptor) => match tokio::time::timeout(edge.options.head, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => talk(edge, stream, address, told).await,
            Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        },
    }
    drop((share, place));
}

async fn talk<S>(edge: Arc<Edge>, stream: S, address: IpAddr, (draining, mut closing): Told)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let head = edge.options.head;
    let router = edge.router();
    let stream = Unstalled::new(TokioIo::new(stream), edge.options.taking);
    let talk = Arc::new(Talk::default());
    let for_refusals = Arc::clone(&edge);
    let instead = Box::new(move |status| for_refusals.unread(status));
    let wire = Wire::new(stream, Arc::clone(&talk), instead);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        talk.begin();
        let (edge, router, draining) = (Arc::clone(&edge), router.clone(), draining.clone());
        let talk = Arc::clone(&talk);
        async move {
            let answer = edge.answer(router, request.map(Body::new), address, draining).await;
            Ok::<_, Infallible>(answer.map(|body| Spoken::new(body, talk)))
        }
    });
    let mut builder = http1::Builder::new();
    // No `pipeline_flush`: it would keep the answer to a broken request back while the rest of the request is unread.
    builder.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(64 * 1024);
    let mut serving = pin!(builder.serve_connection(wire, service));
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = asked(&mut closing) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends when the end was asked for.
async fn asked(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}
