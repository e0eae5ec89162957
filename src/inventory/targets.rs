//! Assets from Prometheus target lists (`file_sd`, `http_sd`): `[{targets: [host:port], labels: {…}}]`.
//!
//! A label that is named like a key of an asset is that key, also with the prefix `nis2_` or `__meta_nis2_`
//! (`nis2_zone`, `kind`); `access__ssh__credential` leads into maps with two underscores. Other labels become
//! labels, except names that start with `__`, which Prometheus drops as well. The port of a target belongs to an
//! exporter and is not the asset's; the id is the label `id`, else the host.

use std::collections::BTreeSet;

use super::asset_file::all_keys;
use crate::model::document::{Data, Document, Entry, Node, Place, path_text};
use crate::model::{Problem, Problems};

/// Turns a target list into a document that looks like an asset file.
pub(super) fn assets(document: &Document, problems: &mut Problems) -> Document {
    let mut assets = Vec::new();
    let mut seen = BTreeSet::new();
    if !matches!(document.root.data, Data::List(_) | Data::Null) {
        problems.push(document.wrong(&[], "a target list is a list of { targets: […], labels: {…} }"));
    }
    for (at, group) in document.root.items() {
        let wrong = |place: &Place, key: &str, message: &str| -> Problem {
            document.wrong_at(place, &path_text(&[(*at).into(), key.into()]), message)
        };
        for entry in group.entries().iter().filter(|entry| !matches!(entry.key.as_str(), "targets" | "labels")) {
            problems.push(wrong(&entry.place, &entry.key, "unknown key").suggest(&entry.key, ["targets", "labels"]));
        }
        let Some(targets) = group.get("targets") else {
            problems.push(wrong(&group.place, "targets", "key \"targets\" is missing"));
            continue;
        };
        let labels = group.get("labels").map(Node::entries).unwrap_or_default();
        for (_, target) in targets.items() {
            match target.as_text().and_then(host) {
                Some(host) => {
                    let asset = asset(host, target, labels);
                    let id = asset.get("id").and_then(Node::as_text).unwrap_or(host).to_owned();
                    // several exporters of one host are one asset
                    if seen.insert((id, host.to_owned())) {
                        assets.push((assets.len(), asset));
                    }
                }
                None => problems.push(wrong(&target.place, "targets", "a target is host:port or host")),
            }
        }
    }
    Document { file: document.file.clone(), root: Node::new(document.root.place.clone(), Data::List(assets)) }
}

/// The host of `host:port`, `[::1]:port`, a URL or a bare host.
fn host(target: &str) -> Option<&str> {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let rest = rest.split('/').next()?;
    if let Some(v6) = rest.strip_prefix('[') {
        return v6.split_once(']').map(|(host, _)| host);
    }
    let host = match rest.rsplit_once(':') {
        Some((host, _)) if !host.contains(':') => host,
        _ => rest,
    };
    (!host.is_empty()).then_some(host)
}

fn asset(host: &str, target: &Node, labels: &[Entry]) -> Node {
    let mut asset = Node::new(target.place.clone(), Data::Map(Vec::new()));
    let text = |text: &str| Node::new(target.place.clone(), Data::Text(text.to_owned()));
    asset.set(&["id"], text(&host.replace(':', "-")));
    asset.set(&["address"], text(host));
    for label in labels {
        let value = || Node::scalar(label.node.place.clone(), label.node.as_text().unwrap_or_default());
        let bare = label.key.strip_prefix("__meta_").unwrap_or(&label.key);
        let bare = bare.strip_prefix("nis2_").unwrap_or(bare);
        let mut keys: Vec<&str> = bare.split("__").collect();
        let is_key = keys.first().is_some_and(|first| all_keys().any(|key| key == *first));
        if is_key && (bare != label.key || !label.key.starts_with("__")) {
            asset.set(&keys, list_or(bare, value()));
        } else if !label.key.starts_with("__") {
            keys = vec!["labels", &label.key];
            asset.set(&keys, value());
        }
    }
    asset
}

/// Labels are text, so lists are written with commas.
fn list_or(key: &str, value: Node) -> Node {
    if !matches!(key, "allowed_ports" | "services" | "windows" | "access__ssh__jump") {
        return value;
    }
    let place = value.place.clone();
    let parts: Vec<&str> = value.as_text().unwrap_or_default().split([',', ';', ' ']).collect();
    let items = parts.into_iter().filter(|part| !part.is_empty()).map(|part| Node::scalar(place.clone(), part));
    Node::new(place.clone(), Data::List(items.enumerate().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_target_is_found() {
        assert_eq!(host("10.0.0.1:9100"), Some("10.0.0.1"));
        assert_eq!(host("[fd00::1]:9100"), Some("fd00::1"));
        assert_eq!(host("fd00::1"), Some("fd00::1"));
        assert_eq!(host("https://cam-3.example:8443/x"), Some("cam-3.example"));
        assert_eq!(host(""), None);
    }
}
