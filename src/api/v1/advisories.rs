//! Which advisories and known exploited vulnerabilities concern which assets, as the last judgements saw it.

use axum::Json;
use axum::extract::State;
use serde_json::json;

use super::{Answer, Query, Refusal, stranger};
use crate::api::router::{Inner, Shared};
use crate::catalog::Lists;
use crate::model::{Verdict, ZoneId};
use crate::output::{Exposure, Exposures, Looked, VULNERABILITY_SEVERITIES};
use crate::store::Stored;

/// The last judgements of the checks that leave such a list, those that do not apply left out.
pub(in crate::api) async fn judged(inner: &Inner, is_meant: fn(&Lists) -> bool) -> Result<Vec<Stored>, Refusal> {
    let pairs: Vec<_> = {
        let board = inner.desk.board.read();
        let pairs = board.pairs().filter(|pair| pair.cell.is_some_and(|cell| cell.verdict != Verdict::NotApplicable));
        pairs
            .filter_map(|pair| {
                let (planned, one) = pair.of(&board.plan);
                let is_one = one.check.lists.as_ref().is_some_and(is_meant);
                is_one.then(|| (planned.member.asset.id.clone(), one.check.id.clone()))
            })
            .collect()
    };
    Ok(inner.desk.store.judgements(pairs).await?)
}

/// What is known of the whole plant.
pub(in crate::api) async fn exposures(inner: &Inner) -> Result<Exposures, Refusal> {
    let stored = judged(inner, |lists| matches!(lists, Lists::Vulnerabilities(_))).await?;
    Ok(Exposures::new(stored.into_iter().map(|Stored { result, .. }| Looked {
        asset: result.asset,
        zone: result.zone,
        check: result.check,
        verdict: result.judgement.verdict,
        listed: result.evidence.listed,
        at: Some(result.at),
    })))
}

/// Which of them a list has.
#[derive(Debug, Default)]
pub(in crate::api) struct Wanted {
    pub(in crate::api) asset: Option<String>,
    pub(in crate::api) zone: Option<String>,
    pub(in crate::api) id: Option<String>,
    pub(in crate::api) severities: Vec<&'static str>,
    pub(in crate::api) exploited: Option<bool>,
    pub(in crate::api) certain: Option<bool>,
}

impl Wanted {
    pub(in crate::api) fn take(query: &mut Query) -> Result<Self, Refusal> {
        Ok(Self {
            asset: query.text("asset"),
            zone: query.text("zone"),
            id: query.text("id"),
            severities: query.words("severity", &VULNERABILITY_SEVERITIES)?,
            exploited: query.truth("exploited")?,
            certain: query.truth("certain")?,
        })
    }

    /// Refuses names that are not there: a filter that silently finds nothing would look like good news.
    pub(in crate::api) fn check(&self, inner: &Inner) -> Result<(), Refusal> {
        let board = inner.desk.board.read();
        if let Some(zone) = self.zone.as_ref().filter(|zone| !board.zones.contains_key(zone.as_str())) {
            return Err(stranger("zone", zone, board.zones.keys().map(ZoneId::as_str)));
        }
        match self.asset.as_ref().filter(|asset| board.plan.find(asset).is_none()) {
            Some(asset) => {
                let all = board.plan.assets.iter().map(|planned| planned.member.asset.id.as_str());
                Err(stranger("asset", asset, all))
            }
            None => Ok(()),
        }
    }

    pub(in crate::api) fn is_meant(&self, one: &Exposure) -> bool {
        self.asset.as_ref().is_none_or(|asset| one.asset.as_str() == asset)
            && self.zone.as_ref().is_none_or(|zone| one.zone.as_str() == zone)
            && self.id.as_ref().is_none_or(|id| one.what.id.eq_ignore_ascii_case(id))
            && (self.severities.is_empty() || self.severities.contains(&one.what.severity.as_str()))
            && self.exploited.is_none_or(|exploited| one.what.exploited == exploited)
            && self.certain.is_none_or(|certain| one.what.certain == certain)
    }
}

pub(super) async fn list(State(inner): Shared, mut query: Query) -> Answer {
    let (wanted, page) = (Wanted::take(&mut query)?, query.page()?);
    query.finish()?;
    wanted.check(&inner)?;
    let known = exposures(&inner).await?;
    let found: Vec<&Exposure> = known.rows.iter().filter(|one| wanted.is_meant(one)).collect();
    let shown = page.of(&found).iter().map(|one| json!(one)).collect();
    let Json(mut answer) = super::paged("advisories", shown, found.len(), page);
    answer["assets"] = json!({ "looked_at": known.assets, "unknown": known.unknown });
    answer["left_out"] = json!(known.left_out);
    Ok(Json(answer))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::api::WebConfig;
    use crate::api::v1::tests::{get, judge, plant};
    use crate::model::{Cause, Evidence, Judgement, Listed, Verdict, Vulnerability};

    fn vulnerability(id: &str, exploited: bool, certain: bool) -> Vulnerability {
        Vulnerability {
            id: id.into(),
            advisory: "EX-2099-014".into(),
            confidence: "name+version".into(),
            certain,
            severity: "high".into(),
            exploited,
            ransomware: false,
            due: exploited.then(|| "2099-06-01".into()),
        }
    }

    #[tokio::test]
    async fn a_known_exploited_vulnerability_of_an_asset_is_found_by_every_filter_and_stands_first() {
        let setup = plant(&WebConfig::default()).await;
        let rows = vec![vulnerability("CVE-2099-2", false, false), vulnerability("CVE-2099-1", true, true)];
        let listed = Listed::Vulnerabilities { product: "Rivermark <b> 40".into(), total: 5, rows };
        let judgement = Judgement { verdict: Verdict::Fail, ..Judgement::unknown(Cause::NoData, "open here") };
        let evidence = Evidence { listed: Some(listed), ..Evidence::default() };
        let asset = judge(&setup, "kev-exposure", judgement, evidence).await;
        let (_, all) = get(&setup, "/advisories").await;
        let first = &all["advisories"][0];
        assert_eq!((first["id"].as_str(), first["due"].as_str()), (Some("CVE-2099-1"), Some("2099-06-01")));
        assert_eq!(
            (first["asset"].as_str(), first["confidence"].as_str()),
            (Some(asset.as_str()), Some("name+version"))
        );
        assert_eq!((all["total"].as_u64(), all["left_out"].as_u64()), (Some(2), Some(3)));
        for (query, count) in [
            ("exploited=true", 1),
            ("certain=false", 1),
            ("id=cve-2099-1&severity=high", 1),
            ("severity=critical", 0),
            (&format!("asset={asset}&limit=1"), 2),
        ] {
            let (_, found) = get(&setup, &format!("/advisories?{query}")).await;
            assert_eq!(found["total"].as_u64(), Some(count), "{query}");
        }
        for wrong in ["asset=nobody", "zone=nowhere", "exploited=perhaps", "severity=bad"] {
            let (status, answer) = get(&setup, &format!("/advisories?{wrong}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        }
        let (_, page) = setup.send("GET", "/feeds?exploited=true", &[]).await;
        assert!(page.contains("CVE-2099-1") && !page.contains("CVE-2099-2"), "{page}");
        assert!(page.contains("Rivermark &lt;b&gt; 40") && page.contains("2099-06-01"), "{page}");
    }

    #[tokio::test]
    async fn an_empty_list_says_of_how_many_assets_nothing_is_known() {
        let setup = plant(&WebConfig::default()).await;
        judge(&setup, "kev-exposure", Judgement::unknown(Cause::Stale, "too old"), Evidence::default()).await;
        let (_, all) = get(&setup, "/advisories").await;
        assert_eq!(all["total"].as_u64(), Some(0));
        assert!(all["assets"]["unknown"].as_u64() >= Some(1), "{all}");
        let (_, page) = setup.send("GET", "/feeds", &[]).await;
        assert!(page.contains("cannot be said") && page.contains("no feed folder is configured"), "{page}");
    }
}
