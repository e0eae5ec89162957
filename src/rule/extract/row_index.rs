//! The index of an SNMP row, cut into what its numbers stand for (RFC 2578, section 7.7).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::octets;
use crate::model::Value;

/// The parts of an index in order: `index: [{ vlan: int }, { mac: mac }]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct RowIndex(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "BTreeMap<Arc<str>, Kind>")]
struct Part {
    name: Arc<str>,
    kind: Kind,
}

/// What the numbers of a part are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// One number.
    Int,
    /// Six octets.
    Mac,
    /// Four octets.
    Ipv4,
    /// `InetAddressType`, a length and so many octets (RFC 4001); empty without octets.
    Address,
    /// A length and so many octets.
    Text,
}

impl TryFrom<BTreeMap<Arc<str>, Kind>> for Part {
    type Error = &'static str;

    fn try_from(map: BTreeMap<Arc<str>, Kind>) -> Result<Self, &'static str> {
        let mut parts = map.into_iter();
        match (parts.next(), parts.next()) {
            (Some((name, kind)), None) => Ok(Self { name, kind }),
            _ => Err("a part of an index is one name with one kind: int, mac, ipv4, address or text"),
        }
    }
}

impl RowIndex {
    /// The names of the parts.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().map(|part| &part.name)
    }

    /// The parts of an index; none at all when it has another form, so that nothing half read is compared.
    pub(super) fn read(&self, index: &[u32]) -> BTreeMap<Arc<str>, Value> {
        let mut rest = index;
        let parts = self.0.iter().map(|part| Some((part.name.clone(), part.kind.take(&mut rest)?)));
        let parts: Option<BTreeMap<_, _>> = parts.collect();
        parts.filter(|_| rest.is_empty()).unwrap_or_default()
    }
}

impl Kind {
    fn take(self, rest: &mut &[u32]) -> Option<Value> {
        match self {
            Self::Int => number(rest).map(|number| Value::Int(i64::from(number))),
            Self::Mac => octets::mac(&octets(rest, 6)?).map(Value::from),
            Self::Ipv4 => octets::address(&octets(rest, 4)?).map(Value::from),
            Self::Address => {
                number(rest)?;
                match number(rest)? {
                    // no address, as the next hop of a network that is attached
                    0 => Some(Value::text("")),
                    length => octets::address(&octets(rest, length)?).map(Value::from),
                }
            }
            Self::Text => {
                let length = number(rest)?;
                octets(rest, length).map(|octets| octets::text(&octets))
            }
        }
    }
}

fn number(rest: &mut &[u32]) -> Option<u32> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

fn octets(rest: &mut &[u32], length: u32) -> Option<Vec<u8>> {
    let (octets, tail) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = tail;
    octets.iter().map(|number| u8::try_from(*number).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spec: &str, index: &[u32]) -> serde_json::Value {
        let spec: RowIndex = serde_saphyr::from_str(spec).unwrap();
        Value::Map(Arc::new(spec.read(index))).to_json()
    }

    #[test]
    fn an_index_is_cut_into_its_parts() {
        let fdb = "[{vlan: int}, {mac: mac}]";
        let row = serde_json::json!({"vlan": 10, "mac": "00:1b:1b:ff:00:01"});
        assert_eq!(read(fdb, &[10, 0, 0x1b, 0x1b, 0xff, 0, 1]), row);
        let neighbour = "[{port: int}, {address: address}]";
        let row = serde_json::json!({"port": 2, "address": "192.0.2.7"});
        assert_eq!(read(neighbour, &[2, 1, 4, 192, 0, 2, 7]), row);
        let user = "[{engine: text}, {user: text}]";
        let row = serde_json::json!({"engine": "0x8000", "user": "mon"});
        assert_eq!(read(user, &[2, 128, 0, 3, 109, 111, 110]), row);
        assert_eq!(read("[{peer: ipv4}]", &[10, 0, 0, 1]), serde_json::json!({"peer": "10.0.0.1"}));
        assert_eq!(read("[{hop: address}]", &[0, 0]), serde_json::json!({"hop": ""}));
    }

    #[test]
    fn an_index_of_another_form_yields_nothing() {
        for index in [&[1_u32, 2, 3][..], &[10, 0, 27, 27, 255, 0, 1, 9], &[10, 0, 27, 27, 256, 0, 1], &[]] {
            assert_eq!(read("[{vlan: int}, {mac: mac}]", index), serde_json::json!({}), "{index:?}");
        }
        assert_eq!(read("[{user: text}]", &[u32::MAX, 1]), serde_json::json!({}));
        assert_eq!(read("[{at: address}]", &[1, 5, 1, 2, 3, 4, 5]), serde_json::json!({}));
    }

    #[test]
    fn a_part_has_one_name_and_a_known_kind() {
        for bad in ["[{a: int, b: int}]", "[{}]", "[{a: hex}]", "[a]"] {
            assert!(serde_saphyr::from_str::<RowIndex>(bad).is_err(), "{bad}");
        }
    }
}
