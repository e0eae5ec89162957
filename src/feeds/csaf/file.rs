//! The parts of a CSAF 2.0 document that are read; everything else is ignored.

use serde::Deserialize;

use crate::model::Time;

#[derive(Deserialize)]
pub(super) struct File {
    pub(super) document: About,
    #[serde(default)]
    pub(super) product_tree: Option<ProductTree>,
    #[serde(default)]
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
pub(super) struct About {
    pub(super) csaf_version: String,
    pub(super) publisher: Publisher,
    pub(super) title: String,
    pub(super) tracking: Tracking,
    #[serde(default)]
    pub(super) distribution: Option<Distribution>,
}

#[derive(Deserialize)]
pub(super) struct Publisher {
    pub(super) namespace: String,
}

#[derive(Deserialize)]
pub(super) struct Distribution {
    #[serde(default)]
    pub(super) tlp: Option<Tlp>,
}

#[derive(Deserialize)]
pub(super) struct Tlp {
    pub(super) label: String,
}

#[derive(Deserialize)]
pub(super) struct Tracking {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) status: String,
    pub(super) current_release_date: Time,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ProductTree {
    pub(super) branches: Vec<Branch>,
    pub(super) full_product_names: Vec<FullName>,
    pub(super) relationships: Vec<Relationship>,
    pub(super) product_groups: Vec<Group>,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    pub(super) category: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) branches: Vec<Branch>,
    #[serde(default)]
    pub(super) product: Option<FullName>,
}

#[derive(Deserialize)]
pub(super) struct FullName {
    pub(super) name: String,
    pub(super) product_id: String,
    #[serde(default)]
    pub(super) product_identification_helper: Option<Helper>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Helper {
    pub(super) model_numbers: Vec<String>,
    pub(super) skus: Vec<String>,
    pub(super) serial_numbers: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Relationship {
    pub(super) category: String,
    pub(super) product_reference: String,
    pub(super) relates_to_product_reference: String,
    pub(super) full_product_name: FullName,
}

#[derive(Deserialize)]
pub(super) struct Group {
    pub(super) group_id: String,
    pub(super) product_ids: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Vulnerability {
    #[serde(default)]
    pub(super) cve: Option<String>,
    #[serde(default)]
    pub(super) ids: Vec<Id>,
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) product_status: Option<ProductStatus>,
    #[serde(default)]
    pub(super) scores: Vec<Score>,
    #[serde(default)]
    pub(super) remediations: Vec<Remediation>,
}

#[derive(Deserialize)]
pub(super) struct Id {
    pub(super) text: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ProductStatus {
    pub(super) first_affected: Vec<String>,
    pub(super) known_affected: Vec<String>,
    pub(super) last_affected: Vec<String>,
    pub(super) first_fixed: Vec<String>,
    pub(super) fixed: Vec<String>,
    pub(super) known_not_affected: Vec<String>,
    pub(super) under_investigation: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Score {
    #[serde(default)]
    pub(super) products: Vec<String>,
    #[serde(default)]
    pub(super) cvss_v3: Option<Cvss>,
    #[serde(default)]
    pub(super) cvss_v2: Option<Cvss>,
}

#[derive(Deserialize)]
pub(super) struct Cvss {
    #[serde(default, rename = "baseScore")]
    pub(super) base_score: Option<f32>,
}

#[derive(Deserialize)]
pub(super) struct Remediation {
    pub(super) category: String,
    #[serde(default)]
    pub(super) product_ids: Vec<String>,
    #[serde(default)]
    pub(super) group_ids: Vec<String>,
}
