//! Fake devices that write down what really reaches them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One connection, as the device saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contact {
    pub(crate) came: Instant,
    /// When the other side was gone; `None` while it is there.
    pub(crate) went: Option<Instant>,
    /// Bytes received.
    pub(crate) bytes: usize,
}

/// How a device treats whoever connects.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Takes everything and says nothing.
    Silent,
    /// Says this at once, then nothing more.
    Says(&'static str),
}

/// A TCP port of a device.
pub(crate) struct Device {
    pub(crate) port: u16,
    contacts: Arc<Mutex<Vec<Contact>>>,
    ends: Arc<AtomicBool>,
}

impl Device {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let device = Self { port, contacts: Arc::default(), ends: Arc::default() };
        let (contacts, ends) = (Arc::clone(&device.contacts), Arc::clone(&device.ends));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let place = {
                    let mut contacts = contacts.lock().unwrap();
                    contacts.push(Contact { came: Instant::now(), went: None, bytes: 0 });
                    contacts.len() - 1
                };
                let contacts = Arc::clone(&contacts);
                std::thread::spawn(move || serve(stream, manner, &contacts, place));
            }
        });
        device
    }

    /// Every connection so far, in order.
    pub(crate) fn contacts(&self) -> Vec<Contact> {
        self.contacts.lock().unwrap().clone()
    }

    /// Connections and bytes so far.
    pub(crate) fn totals(&self) -> (usize, usize) {
        let contacts = self.contacts();
        (contacts.len(), contacts.iter().map(|contact| contact.bytes).sum())
    }
}

fn serve(mut stream: TcpStream, manner: Manner, contacts: &Mutex<Vec<Contact>>, place: usize) {
    if let Manner::Says(words) = manner {
        stream.write_all(words.as_bytes()).ok();
    }
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        contacts.lock().unwrap()[place].bytes += count;
    }
    contacts.lock().unwrap()[place].went = Some(Instant::now());
}

impl Drop for Device {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok();
    }
}

/// A UDP port that takes everything and says nothing.
pub(crate) struct Agent {
    pub(crate) port: u16,
    datagrams: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
}

impl Agent {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let agent = Self { port: socket.local_addr().unwrap().port(), datagrams: Arc::default(), ends: Arc::default() };
        let (datagrams, ends) = (Arc::clone(&agent.datagrams), Arc::clone(&agent.ends));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while !ends.load(Ordering::SeqCst) {
                if socket.recv_from(&mut buffer).is_ok() {
                    datagrams.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        agent
    }

    /// Datagrams so far.
    pub(crate) fn datagrams(&self) -> usize {
        self.datagrams.load(Ordering::SeqCst)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
    }
}
