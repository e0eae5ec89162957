//! A receiver of messages on loopback, which keeps what it was sent and answers as it is told.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// Longest wait for a request that has begun.
const LONGEST: Duration = Duration::from_secs(20);

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) path: String,
    pub(crate) body: Value,
    /// What was answered; 0 for nothing.
    pub(crate) status: u16,
}

/// A receiver; its threads end with the test.
pub(crate) struct Hook {
    pub(crate) port: u16,
    status: Arc<AtomicU16>,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Hook {
    /// One that takes everything.
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (status, messages) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let (answers, kept) = (Arc::clone(&status), Arc::clone(&messages));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, kept) = (Arc::clone(&answers), Arc::clone(&kept));
                std::thread::spawn(move || take(stream, &answers, &kept));
            }
        });
        Self { port, status, messages }
    }

    /// Answers with this status from now on; with 0 it takes a message and never answers.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What came to a path and was answered so.
    pub(crate) fn messages(&self, path: &str, status: u16) -> Vec<Value> {
        let messages = self.messages.lock().unwrap();
        let wanted = messages.iter().filter(|message| message.path == path && message.status == status);
        wanted.map(|message| message.body.clone()).collect()
    }
}

fn take(mut stream: TcpStream, answers: &AtomicU16, kept: &Mutex<Vec<Message>>) {
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    let Some((path, body)) = read(&mut stream) else { return };
    let status = answers.load(Ordering::SeqCst);
    kept.lock().unwrap().push(Message { path, body, status });
    if status == 0 {
        // until the sender gives up and closes
        stream.read_to_end(&mut Vec::new()).ok();
        return;
    }
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok();
}

fn read(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let small = head.to_lowercase();
            let length = small.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some((head.split(' ').nth(1)?.to_owned(), serde_json::from_str(body).ok()?));
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
    }
}
