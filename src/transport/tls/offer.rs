//! One hello of our own over one connection, and what the server says to it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::Ended;
use super::flight::{End, Flight};
use crate::model::Transport;
use crate::transport::TransportError;
use crate::transport::gate::{Gate, Refusal, Stream};
use crate::transport::tcp::{Reached, reach};

/// What became of an offer.
pub(super) struct Offered {
    /// What was read of the server's flight.
    pub(super) flight: Flight,
    /// How it ended.
    pub(super) ended: Ended,
}

/// Sends one hello over a connection of its own and reads what comes in the clear.
///
/// # Errors
///
/// A refusal of the gate: what was not asked is not known.
pub(super) async fn offer(gate: &Gate, port: u16, hello: &[u8], wait: Duration) -> Result<Offered, TransportError> {
    let mut flight = Flight::default();
    let ended = match reach(gate, Transport::Tls, port, wait).await? {
        Reached::Open(mut stream) => {
            let talk = timeout_at(Instant::now() + wait, talk(&mut stream, hello, &mut flight)).await;
            stream.close().await;
            talk.unwrap_or(Ended::Silent)
        }
        Reached::Closed => Ended::Broken("no further connection was accepted".into()),
        Reached::Filtered | Reached::NoWay(_) => Ended::Broken("no further connection was answered".into()),
    };
    still_allowed(gate)?;
    Ok(Offered { flight, ended })
}

/// A conversation that the kill switch cut says nothing about the asset.
pub(super) fn still_allowed(gate: &Gate) -> Result<(), TransportError> {
    match gate.is_open(Transport::Tls) {
        Err(refusal @ Refusal::Inactive(_)) => Err(refusal.into()),
        _ => Ok(()),
    }
}

async fn talk(stream: &mut Stream, hello: &[u8], flight: &mut Flight) -> Ended {
    if let Err(error) = stream.write_all(hello).await {
        return Ended::from_io(&error);
    }
    let (mut chunk, mut taken) = ([0_u8; 4096], 0);
    loop {
        let came = match stream.read(&mut chunk).await {
            Ok(0) => return Ended::closed(taken),
            Ok(n) => &chunk[..n],
            Err(error) => return Ended::from_io(&error),
        };
        taken += came.len();
        match flight.push(came) {
            None => {}
            Some(End::NotTls) => return Ended::not_tls(came),
            Some(end) => return end.into(),
        }
    }
}
