//! The assets as a table with a filter.

use axum::extract::State;
use maud::html;

use super::Answer;
use super::parts::{choice, moment, pager, state};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{Query, WantedAssets};
use crate::model::{Kind, Verdict, ZoneId};

pub(super) async fn page(State(inner): Shared, mut query: Query) -> Answer {
    let text = query.without("offset");
    let (wanted, page) = (WantedAssets::take(&mut query)?, query.page()?);
    query.finish()?;
    let main = {
        let board = inner.desk.board.read();
        let found = wanted.find(&board)?;
        html! {
            form.filter method="get" role="search" {
                label { "Text " input type="search" name="q" value=[wanted.text.as_deref()] placeholder="id, address, vendor"; }
                (choice("Zone", "zone", wanted.zone.as_deref(), board.zones.keys().map(ZoneId::as_str)))
                (choice("Kind", "kind", wanted.kind.as_deref(), Kind::ALL.iter().map(|kind| kind.word())))
                (choice("With a check that is", "state", wanted.states.first().copied(), Verdict::WORDS))
                button { "Show" }
            }
            p { (found.len()) (if found.len() == 1 { " asset" } else { " assets" }) }
            table.assets aria-label="Assets, with their checks by state" {
                thead { tr {
                    th scope="col" { "Asset" } th scope="col" { "Zone" } th scope="col" { "Kind" } th scope="col" { "State" }
                    @for word in Verdict::WORDS { th.number scope="col" { (word.replace('_', " ")) } }
                    th scope="col" { "Last visit" }
                } }
                tbody { @for at in page.of(&found) {
                    @let asset = &board.plan.asset(*at).member.asset;
                    @let tally = board.tally(*at);
                    tr {
                        th scope="row" { a href={ "/assets/" (asset.id) } { (asset.id) }
                            @if let Some(address) = &asset.address { br; small { (address) } } }
                        td { (asset.zone) }
                        td { (asset.kind) }
                        td { (state(tally.leading(), None)) }
                        @for (word, count) in Verdict::WORDS.iter().zip(tally.states()) {
                            td class={ "number " (if count > 0 { *word } else { "none" }) } data-label=(word.replace('_', " ")) { (count) }
                        }
                        td { @if let Some(visit) = &board.visits[*at as usize] { (moment(visit.at)) } }
                    }
                } }
            }
            (pager("/assets", &text, page.offset, page.limit, found.len()))
        }
    };
    Ok(shell(&inner, "Assets", "/assets", &main))
}
