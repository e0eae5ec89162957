//! Servers that mean harm or are broken: each visit ends in time, with the right cause, and the slot is free again.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::model::Cause;
use crate::transport::ssh::testing::{Server, ask, closed_port, gate};
use crate::transport::ssh::{Access, Deadlines};

/// Asks with a handshake of half a second; more often than the gate has slots.
async fn cause(server: &Server) -> (Cause, String) {
    let deadlines = Deadlines { handshake: Duration::from_millis(500), ..server.access().deadlines };
    let access = Access { deadlines, ..server.access() };
    let gate = gate();
    let mut last = None;
    for _ in 0..5 {
        let start = Instant::now();
        let error = ask(&access, &["true"], &gate).await.remove(0).unwrap_err();
        assert!(start.elapsed() < Duration::from_millis(1500), "{:?}: {error}", start.elapsed());
        last = Some((error.cause(), error.to_string()));
    }
    last.unwrap()
}

async fn says(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.ok();
}

async fn forever() {
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let server = Server::raw(|stream| async move {
        let _stream = stream;
        forever().await;
    });
    assert_eq!(cause(&server.await).await.0, Cause::Timeout);
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let server = Server::raw(|_| async {}).await;
    let access = Access { port: closed_port().await, ..server.access() };
    let error = ask(&access, &["true"], &gate()).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::Refused);
}

#[tokio::test]
async fn a_slow_drip_is_a_timeout() {
    let server = Server::raw(|mut stream| async move {
        for byte in b"SSH-2.0-OpenSSH_9.2 and a long comment".iter().cycle() {
            says(&mut stream, &[*byte]).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });
    let (cause, text) = cause(&server.await).await;
    assert!(matches!(cause, Cause::Timeout | Cause::Protocol), "{text}");
}

#[tokio::test]
async fn an_endless_banner_breaks_the_protocol() {
    for line in ["spam\r\n", "spam"] {
        let server = Server::raw(move |mut stream| async move {
            let flood = line.repeat(4096);
            while stream.write_all(flood.as_bytes()).await.is_ok() {}
        });
        let (cause, text) = cause(&server.await).await;
        assert_eq!(cause, Cause::Protocol, "{text}");
        assert!(text.contains("no SSH server") && text.contains("spam"), "{text}");
    }
}

#[tokio::test]
async fn other_protocols_are_quoted() {
    for (said, quoted) in [
        (&b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..], "HTTP/1.1 400 Bad Request"),
        (b"\xff\xfd\x01\x1b[2Jlogin: \n", "login"),
        (b"", "without a word"),
    ] {
        let server = Server::raw(move |mut stream| async move {
            says(&mut stream, said).await;
        });
        let (cause, text) = cause(&server.await).await;
        assert_eq!(cause, Cause::Protocol, "{text}");
        assert!(text.contains(quoted) && !text.contains('\x1b'), "{text}");
    }
}

#[tokio::test]
async fn garbage_before_and_after_the_banner_breaks_the_protocol() {
    for banner in [&b""[..], b"SSH-2.0-x\r\n"] {
        let server = Server::raw(move |mut stream| async move {
            says(&mut stream, banner).await;
            let garbage: Vec<u8> = (0..65536_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
            says(&mut stream, &garbage).await;
            forever().await;
        });
        let (cause, text) = cause(&server.await).await;
        assert_eq!(cause, Cause::Protocol, "{text}");
    }
}

#[tokio::test]
async fn a_huge_packet_length_breaks_the_protocol() {
    let server = Server::raw(|mut stream| async move {
        says(&mut stream, b"SSH-2.0-x\r\n\x7f\xff\xff\xff\x04").await;
        forever().await;
    });
    assert_eq!(cause(&server.await).await.0, Cause::Protocol);
}

#[tokio::test]
async fn a_stall_in_the_key_exchange_is_a_timeout() {
    let server = Server::raw(|mut stream| async move {
        says(&mut stream, b"SSH-2.0-x\r\n").await;
        forever().await;
    });
    assert_eq!(cause(&server.await).await.0, Cause::Timeout);
}

#[tokio::test]
async fn ssh_version_1_is_named() {
    let server = Server::raw(|mut stream| async move {
        says(&mut stream, b"SSH-1.5-Cisco-1.25\n").await;
        forever().await;
    });
    let (cause, text) = cause(&server.await).await;
    assert_eq!(cause, Cause::Protocol);
    assert!(text.contains("SSH version 1") && text.contains("Cisco-1.25"), "{text}");
}

#[tokio::test]
async fn a_reset_breaks_the_protocol() {
    let server = Server::raw(|mut stream| async move {
        let mut some = [0; 4];
        stream.read_exact(&mut some).await.ok();
        // unread bytes make the kernel answer the close with a reset
        stream.set_zero_linger().unwrap();
    });
    assert_eq!(cause(&server.await).await.0, Cause::Protocol);
}

mod after_login {
    use std::sync::Arc;

    use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream};
    use russh::{Channel, ChannelId};

    use super::*;
    use crate::transport::ssh::HostKeyPolicy;

    /// Lets everybody in and floods, then stalls, drops, or ends well without a mark.
    #[derive(Clone, Copy)]
    enum Evil {
        Stall,
        Drop,
        EndsWell,
        Flood,
    }

    impl Handler for Evil {
        type Error = russh::Error;
        async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
            Ok(Auth::Accept)
        }
        async fn channel_open_session(
            &mut self,
            _: Channel<Msg>,
            reply: ChannelOpenHandle,
            _: &mut Session,
        ) -> Result<(), Self::Error> {
            reply.accept().await;
            Ok(())
        }
        async fn exec_request(&mut self, id: ChannelId, _: &[u8], session: &mut Session) -> Result<(), Self::Error> {
            session.channel_success(id)?;
            let (handle, evil) = (session.handle(), *self);
            tokio::spawn(async move {
                let megabytes = if matches!(evil, Evil::Flood) { 200 } else { 2 };
                for _ in 0..megabytes * 32 {
                    if handle.data(id, vec![b'x'; 32 * 1024]).await.is_err() {
                        return;
                    }
                }
                match evil {
                    Evil::Stall | Evil::Flood => {}
                    Evil::Drop => {
                        drop(handle.disconnect(russh::Disconnect::ByApplication, "bye\n".into(), String::new()).await);
                    }
                    Evil::EndsWell => {
                        handle.exit_status_request(id, 0).await.ok();
                        handle.close(id).await.ok();
                    }
                }
            });
            Ok(())
        }
    }

    async fn asked(evil: Evil) -> (Cause, String, Duration) {
        let key = russh::keys::PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519);
        let config = Arc::new(Config { keys: vec![key.unwrap()], ..Config::default() });
        let server = Server::raw(move |stream| {
            let config = config.clone();
            async move {
                if let Ok(session) = run_stream(config, stream, evil).await {
                    session.await.ok();
                }
            }
        })
        .await;
        let mut access = Access { host_key: HostKeyPolicy::Learn, ..server.access() };
        access.deadlines.exec =
            if matches!(evil, Evil::Stall) { Duration::from_millis(500) } else { Duration::from_secs(10) };
        let start = Instant::now();
        let error = ask(&access, &["true"], &gate()).await.remove(0).unwrap_err();
        (error.cause(), error.to_string(), start.elapsed())
    }

    #[tokio::test]
    async fn a_stall_after_two_megabytes_is_a_timeout() {
        let (cause, text, took) = asked(Evil::Stall).await;
        assert_eq!(cause, Cause::Timeout, "{text}");
        assert!(took < Duration::from_secs(4), "{took:?}");
    }

    #[tokio::test]
    async fn a_drop_after_two_megabytes_breaks_the_protocol() {
        let (cause, text, _) = asked(Evil::Drop).await;
        assert_eq!(cause, Cause::Protocol, "{text}");
        assert!(text.contains("bye"), "{text}");
    }

    #[tokio::test]
    async fn status_zero_without_our_marks_is_no_success() {
        let (cause, text, _) = asked(Evil::EndsWell).await;
        assert_eq!(cause, Cause::Protocol, "{text}");
        assert!(text.contains("something else"), "{text}");
    }

    #[tokio::test]
    async fn a_flood_is_hung_up_on() {
        let (cause, text, _) = asked(Evil::Flood).await;
        assert_eq!(cause, Cause::Protocol, "{text}");
        assert!(text.contains("the answer was cut at"), "{text}");
    }
}
