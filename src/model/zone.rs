//! Zones and conduits, the words of IEC 62443 for trust levels and the allowed paths between them.

use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::ZoneId;
use super::verdict::words;

words! {
    /// What a zone is for; decides how careful the gate is.
    ZoneRole {
        /// Office and server networks.
        It = "it",
        /// Administration and office clients.
        Administrative = "administrative",
        /// Between office and production.
        Dmz = "dmz",
        /// Production servers: historians, MES.
        Production = "production",
        /// Controllers and operator stations.
        Control = "control",
        /// Sensors and actuators.
        Field = "field",
        /// Management network.
        Management = "management",
        /// Wireless networks.
        Wireless = "wireless",
        /// Guest networks.
        Guest = "guest",
        /// Networks of suppliers.
        ThirdParty = "third-party",
    }
}

impl ZoneRole {
    /// Whether the hard rules for fragile devices hold for everything in such a zone (check catalogue, section 1).
    #[must_use]
    pub const fn is_fragile(self) -> bool {
        matches!(self, Self::Control | Self::Field)
    }
}

/// A group of assets of one trust level.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Its name.
    pub id: ZoneId,
    /// What it is for.
    pub role: ZoneRole,
    /// Site it lies in, where that differs from the configuration's own.
    pub site: Option<Arc<str>>,
    /// Its networks, where the configuration names them.
    pub networks: Vec<IpNet>,
    /// Whether packets may be sent into it at all.
    pub active: bool,
}

/// A declared, allowed path between two zones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conduit {
    /// Where connections start.
    pub from: ZoneId,
    /// Where they go.
    pub to: ZoneId,
    /// TCP ports that may be reached.
    pub ports: Vec<u16>,
    /// Why the path exists; an auditor reads it.
    pub reason: String,
    /// Last day it is allowed, if it is temporary.
    #[serde(default)]
    pub expires: Option<NaiveDate>,
}

impl Conduit {
    /// Whether it is meant for this port between these zones, expired or not.
    #[must_use]
    pub fn concerns(&self, from: &ZoneId, to: &ZoneId, port: u16) -> bool {
        self.from == *from && self.to == *to && self.ports.contains(&port)
    }

    /// Whether its last day has passed.
    #[must_use]
    pub fn has_expired(&self, today: NaiveDate) -> bool {
        self.expires.is_some_and(|last| today > last)
    }
}
