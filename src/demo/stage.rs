//! Raises the plant: one server for every service of every device.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use russh::keys::PrivateKey;
use tokio::net::TcpStream;

use super::cast::{self, Block, CAST, DRIFTER, Device, Service, Ssh};
use super::host::{self, Host};
use super::old_tls::OldServer;
use super::recording::{Commands, Machine, commands};
use super::serve::Servers;
use super::web::{self, Identity};
use super::{DemoError, agent, misfits};
use crate::catalog::Catalog;

/// Characters of an SNMP password that nobody has to type.
const PASSWORD_LENGTH: usize = 24;

/// Keys and passwords of one run; they outlive a failed attempt to listen.
pub(super) struct Keys {
    visitor: PrivateKey,
    /// The monitor's private key as a file holds it.
    pub(super) visitor_file: String,
    hosts: BTreeMap<&'static str, PrivateKey>,
    /// The monitor's SNMP passwords.
    pub(super) passwords: agent::Passwords,
}

impl Keys {
    /// Makes new ones.
    pub(super) fn new() -> Result<Self, DemoError> {
        let visitor = host::new_key();
        let visitor_file = host::key_file(&visitor)
            .map_err(|error| DemoError::Data { name: "the monitor's key", problem: error.to_string() })?;
        // one for the silent device too: it is pinned although nobody will ever see it
        let hosts = CAST.iter().map(|device| (device.id, host::new_key())).collect();
        let word = || (0..PASSWORD_LENGTH).map(|_| char::from(rand::random_range(b'a'..=b'z'))).collect();
        Ok(Self { visitor, visitor_file, hosts, passwords: agent::Passwords { auth: word(), privacy: word() } })
    }

    /// Fingerprints by asset.
    pub(super) fn pins(&self) -> BTreeMap<&'static str, String> {
        self.hosts.iter().map(|(id, key)| (*id, host::fingerprint(key))).collect()
    }
}

/// All devices, running.
pub(super) struct Stage {
    pub(super) servers: Servers,
    pub(super) block: Block,
    /// The Linux hosts by asset.
    pub(super) machines: BTreeMap<&'static str, Arc<Machine>>,
    /// The one that drifts.
    pub(super) drifter: Arc<Machine>,
    /// Bytes that reached ports where none belong.
    pub(super) heard: Arc<AtomicU64>,
}

impl Stage {
    /// Opens every port in this block of addresses; what is open already closes again on an error.
    pub(super) async fn open(block: Block, keys: &Keys, catalog: &Catalog) -> Result<Self, DemoError> {
        let commands = Arc::new(commands(catalog));
        let mut raise = Raise {
            servers: Servers::default(),
            block,
            keys,
            commands,
            machines: BTreeMap::new(),
            heard: Arc::default(),
        };
        for device in CAST {
            for service in device.services {
                raise.service(device, service).await?;
            }
        }
        let Raise { servers, machines, heard, .. } = raise;
        let missing = || DemoError::Data { name: DRIFTER, problem: "it is no Linux host".into() };
        let drifter = Arc::clone(machines.get(DRIFTER).ok_or_else(missing)?);
        Ok(Self { servers, block, machines, drifter, heard })
    }

    /// Where a device stands.
    pub(super) fn address(&self, id: &str) -> Ipv4Addr {
        let place = CAST.iter().find(|device| device.id == id).map_or((0, 0), |device| device.place);
        self.block.address(place)
    }
}

struct Raise<'a> {
    servers: Servers,
    block: Block,
    keys: &'a Keys,
    commands: Arc<Commands>,
    machines: BTreeMap<&'static str, Arc<Machine>>,
    heard: Arc<AtomicU64>,
}

impl Raise<'_> {
    async fn service(&mut self, device: &'static Device, service: &Service) -> Result<(), DemoError> {
        let address = self.block.address(device.place);
        match service {
            Service::Ssh(ssh) => self.ssh(device, ssh),
            Service::Snmp(door, table) => {
                let passwords = &self.keys.passwords;
                let at = (address, self.block.port(cast::SNMP));
                Box::pin(agent::start(device.id, at, *door, table, passwords, &self.servers)).await
            }
            Service::Http(page) => {
                let page: Arc<[u8]> = page.to_bytes(address, self.block).into();
                self.listen(device, cast::HTTP, move |stream| web::answer(stream, Arc::clone(&page)))
            }
            Service::Https(page, days) => {
                let page: Arc<[u8]> = page.to_bytes(address, self.block).into();
                let acceptor = Identity::new(device.id, *days)?.acceptor(device.id, false)?;
                let serve = move |stream| web::answer_over_tls(stream, acceptor.clone(), Arc::clone(&page));
                self.listen(device, cast::HTTPS, serve)
            }
            Service::OldHttps(page, days) => {
                let identity = Identity::new(device.id, *days)?;
                let server = OldServer {
                    acceptor: identity.acceptor(device.id, true)?,
                    certificate: identity.certificate.as_ref().into(),
                    page: page.to_bytes(address, self.block).into(),
                };
                self.listen(device, cast::HTTPS, move |stream| server.clone().serve(stream))
            }
            Service::Telnet => self.listen(device, cast::TELNET, misfits::telnet),
            Service::Counter(port) => {
                let heard = Arc::clone(&self.heard);
                self.listen(device, *port, move |stream| misfits::counter(stream, Arc::clone(&heard)))
            }
            Service::Silence(port) => {
                let port = self.block.port(*port);
                misfits::silence(address, port, &self.servers).await.map_err(|error| self.failed(device, port, error))
            }
            Service::EndlessBanner => self.listen(device, cast::SSH, misfits::endless_banner),
            Service::DrippingPage => self.listen(device, cast::HTTP, misfits::dripping_page),
            Service::NoTls => self.listen(device, cast::HTTPS, misfits::no_tls),
            Service::GarbageAgent => {
                let port = self.block.port(cast::SNMP);
                let socket = misfits::datagrams(address, port).await;
                let socket = socket.map_err(|error| self.failed(device, port, error))?;
                self.servers.spawn(misfits::garbage_agent(socket));
                Ok(())
            }
        }
    }

    fn ssh(&mut self, device: &'static Device, ssh: &Ssh) -> Result<(), DemoError> {
        let Ssh { banner, age, usual, drifted, grants_root } = *ssh;
        let (usual, drifted) = (self.block.fill(usual), self.block.fill(drifted));
        let machine = Machine::new(device.id, Arc::clone(&self.commands), &usual, &drifted, grants_root)?;
        let machine = Arc::new(machine);
        self.machines.insert(device.id, Arc::clone(&machine));
        let key = self.keys.hosts[device.id].clone();
        let host = Host::new(banner, age, key, self.keys.visitor.public_key().clone(), machine);
        self.listen(device, cast::SSH, move |stream| host.clone().serve(stream))
    }

    fn listen<F, Fut>(&self, device: &'static Device, usual: u16, serve: F) -> Result<(), DemoError>
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let port = self.block.port(usual);
        let opened = self.servers.listen(self.block.address(device.place), port, serve);
        opened.map_err(|error| self.failed(device, port, error))?.keep();
        Ok(())
    }

    fn failed(&self, device: &'static Device, port: u16, source: io::Error) -> DemoError {
        DemoError::Listen { asset: device.id, address: self.block.address(device.place), port, source }
    }
}
