//! One process per connection, as inetd did: a server that knows no port of its own gets one that the system chose.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::Guard;

/// A listener whose connections are served by processes; all end with it.
pub(crate) struct Inetd {
    pub(crate) port: u16,
    ends: Arc<AtomicBool>,
    children: Arc<Mutex<Vec<Guard>>>,
}

impl Inetd {
    pub(crate) fn start(command: impl Fn() -> Command + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ends, children) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::<Guard>::new())));
        let inetd = Self { port, ends: Arc::clone(&ends), children: Arc::clone(&children) };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let mut children = children.lock().unwrap();
                children.retain_mut(Guard::is_running);
                let input = OwnedFd::from(stream.try_clone().unwrap());
                let mut command = command();
                command.stdin(input).stdout(OwnedFd::from(stream)).stderr(Stdio::null());
                children.push(Guard::spawn(&mut command));
            }
        });
        inetd
    }
}

impl Drop for Inetd {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // wakes the listener, which then ends
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok();
        self.children.lock().unwrap().clear();
    }
}
