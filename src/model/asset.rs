//! An asset: one thing to be judged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::verdict::words;
use super::{AssetId, CheckId, Value, ZoneId};

words! {
    /// What an asset is (check catalogue, section 1); a closed set.
    Kind {
        /// A computer with Linux.
        LinuxHost = "linux-host",
        /// A computer with Windows.
        WindowsHost = "windows-host",
        /// Switch, router, firewall, access point.
        NetworkDevice = "network-device",
        /// Camera, sensor, printer and the like.
        IotDevice = "iot-device",
        /// Programmable controller.
        Plc = "plc",
        /// Operator panel.
        Hmi = "hmi",
        /// Computer that programs controllers.
        EngineeringStation = "engineering-station",
        /// Process data server.
        Historian = "historian",
        /// Protocol or remote-access gateway.
        Gateway = "gateway",
        /// A service reached over HTTP(S).
        WebService = "web-service",
        /// Intrusion detection sensor.
        IdsSensor = "ids-sensor",
        /// Store of backups.
        BackupRepo = "backup-repo",
        /// Uninterruptible power supply.
        Ups = "ups",
        /// A zone as subject of a check.
        Zone = "zone",
        /// A place that packets are sent from.
        Vantage = "vantage",
        /// A supplier.
        Supplier = "supplier",
        /// The organisation.
        Org = "org",
    }
}

/// Whether a kind stands for a device with an address, or for something on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectClass {
    /// It can be sent packets.
    Device,
    /// Its facts are derived.
    Paper,
}

impl Kind {
    /// Kinds for which the hard rules for fragile OT devices hold wherever they stand (check catalogue, section 1).
    #[must_use]
    pub const fn is_fragile(self) -> bool {
        matches!(self, Self::Plc | Self::Hmi | Self::Gateway | Self::IotDevice)
    }

    /// Device or paper.
    #[must_use]
    pub const fn class(self) -> SubjectClass {
        match self {
            Self::Zone | Self::Vantage | Self::Supplier | Self::Org => SubjectClass::Paper,
            _ => SubjectClass::Device,
        }
    }
}

words! {
    /// How much depends on an asset.
    Criticality {
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Production or safety.
        High = "high",
    }
}

words! {
    /// The set of default limits that applies.
    Profile {
        /// Office and server systems.
        It = "it",
        /// Production systems, patched in maintenance windows.
        Ot = "ot",
    }
}

/// One thing to be judged, as the inventory declares it. How it is reached is not part of it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the inventory, each with its own key")]
pub struct Asset {
    /// Unique name.
    pub id: AssetId,
    /// Host name or IP address; `None` for paper subjects.
    pub address: Option<Arc<str>>,
    /// Zone it stands in.
    pub zone: ZoneId,
    /// What it is.
    pub kind: Kind,
    /// Site, from the asset, its zone or the configuration.
    pub site: Option<Arc<str>>,
    /// Maker.
    pub vendor: Option<Arc<str>>,
    /// Product name or order number.
    pub product: Option<Arc<str>>,
    /// Version, maintained by hand where the device cannot be asked.
    pub version: Option<Arc<str>>,
    /// Serial number.
    pub serial: Option<Arc<str>>,
    /// Person or team that answers for it.
    pub owner: Option<Arc<str>>,
    /// How much depends on it.
    pub criticality: Criticality,
    /// Id in the supplier register.
    pub supplier: Option<Arc<str>>,
    /// Last day of support, where the register of the operator says so.
    pub support_end: Option<NaiveDate>,
    /// Limits for IT or OT.
    pub profile: Profile,
    /// TCP ports that may be open; `None` when the inventory does not say.
    pub allowed_ports: Option<BTreeSet<u16>>,
    /// TCP ports of the SSH, TLS and HTTP services that the inventory says it has.
    pub declared_ports: BTreeSet<u16>,
    /// Free labels for selectors.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    /// Further fields of the inventory that checks may read (`room`, `data_class`, …).
    pub fields: BTreeMap<Arc<str>, Value>,
    /// Parameters of checks, this asset only.
    pub params: BTreeMap<CheckId, BTreeMap<Arc<str>, Value>>,
    /// Whether packets may be sent to it.
    pub active: bool,
    /// Opt-in to checks of impact "avoid", inside a window only.
    pub allow_intrusive: bool,
    /// Opt-in to identity reads over control protocols.
    pub allow_protocol_reads: bool,
    /// Whether it may serve as a jump vantage for segmentation checks.
    pub vantage: bool,
}

impl Asset {
    /// A field by the name that checks use after `asset.`: the fixed fields, then [`Asset::fields`].
    /// `None` when the inventory does not say.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value> {
        let text = |text: &Option<Arc<str>>| text.clone().map(Value::Text);
        match name {
            "id" => Some(Value::text(self.id.as_str())),
            "zone" => Some(Value::text(self.zone.as_str())),
            "kind" => Some(Value::text(self.kind.word())),
            "criticality" => Some(Value::text(self.criticality.word())),
            "profile" => Some(Value::text(self.profile.word())),
            "address" => text(&self.address),
            "site" => text(&self.site),
            "vendor" => text(&self.vendor),
            "product" => text(&self.product),
            "version" => text(&self.version),
            "serial" => text(&self.serial),
            "owner" => text(&self.owner),
            "supplier" => text(&self.supplier),
            "support_end" => self.support_end.map(|day| Value::text(day.to_string())),
            "allowed_ports" => {
                self.allowed_ports.as_ref().map(|ports| Value::list(ports.iter().map(|port| Value::from(*port))))
            }
            "declared_ports" if self.declared_ports.is_empty() => None,
            "declared_ports" => Some(Value::list(self.declared_ports.iter().map(|port| Value::from(*port)))),
            "labels" => Some(Value::map(self.labels.iter().map(|(key, value)| (key, Value::Text(value.clone()))))),
            other => self.fields.get(other).cloned(),
        }
    }

    /// The names that [`Asset::field`] knows without [`Asset::fields`]; a reference to any other must be declared there.
    pub const FIELDS: [&'static str; 16] = [
        "id",
        "zone",
        "kind",
        "criticality",
        "profile",
        "address",
        "site",
        "vendor",
        "product",
        "version",
        "serial",
        "owner",
        "supplier",
        "support_end",
        "allowed_ports",
        "declared_ports",
    ];
}
