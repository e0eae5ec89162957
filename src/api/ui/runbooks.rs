//! The runbooks of the alerts, from the copy inside the binary: whoever is called at night needs no wiki that may be down.
//!
//! The texts are our own. All the same nothing of them becomes markup but what Markdown says, and links lead to other runbooks only.

use axum::extract::{Path, State};
use include_dir::{Dir, include_dir};
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::Answer;
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{Query, Refusal};

static PAGES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/docs/runbooks");
/// The page that lists the others.
const INDEX: &str = "README";

pub(super) async fn list(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let text = text(INDEX).ok_or(Refusal::Internal)?;
    // how to carry the folder elsewhere is for whoever has the files, not for whoever reads them here
    let sections = text.find("\n## ").map_or(text, |at| &text[at..]);
    let main = html! {
        p { "One page for each alert: what it says, where to look, how to mend it, when it ends." }
        (markdown(sections))
    };
    Ok(shell(&inner, "Runbooks", "", &main))
}

pub(super) async fn page(State(inner): Shared, Path(name): Path<String>, query: Query) -> Answer {
    query.finish()?;
    let name = name.strip_suffix(".md").unwrap_or(&name);
    if name == INDEX {
        return list(State(inner), Query::default()).await;
    }
    let text = text(name).ok_or_else(|| {
        let known = PAGES.files().filter_map(|file| file.path().file_stem()?.to_str());
        let near = crate::model::did_you_mean(name, known).map(|near| format!("; did you mean {near}?"));
        Refusal::NotFound(format!("there is no runbook of that name{}", near.unwrap_or_default()))
    })?;
    let (title, body) = text.split_once('\n').unwrap_or((text, ""));
    let main = html! {
        div.prose { (markdown(body)) }
        p { a href="/runbooks" { "All runbooks" } }
    };
    Ok(shell(&inner, title.trim_start_matches(['#', ' ']), "", &main))
}

/// The alert that speaks of a verdict in this state.
pub(super) fn about(state: &str) -> Option<&'static str> {
    match state {
        "fail" => Some("Nis2CheckFails"),
        "unknown" => Some("Nis2UnknownTooLong"),
        _ => None,
    }
}

fn text(name: &str) -> Option<&'static str> {
    PAGES.get_file(format!("{name}.md"))?.contents_utf8()
}

fn markdown(text: &str) -> Markup {
    let mut is_link = false;
    let events = Parser::new(text).filter_map(move |event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Link { dest_url, .. }) if !leads_to_a_runbook(&dest_url) => {
            is_link = true;
            None
        }
        Event::End(TagEnd::Link) if is_link => {
            is_link = false;
            None
        }
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = format!("/runbooks/{}", dest_url.trim_end_matches(".md")).into();
            Some(Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        other => Some(other),
    });
    let mut page = String::new();
    pulldown_cmark::html::push_html(&mut page, events);
    PreEscaped(page)
}

fn leads_to_a_runbook(address: &str) -> bool {
    address.strip_suffix(".md").is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::api::WebConfig;
    use crate::api::tests::{Daemon, Setup};

    #[test]
    fn a_text_becomes_no_markup_but_what_markdown_says() {
        let page = markdown(
            "<script>x</script>\n\na <b>b</b> [out](http://x.example) [doc](../ledger.md) [one](Nis2NoticesDropped.md)",
        )
        .into_string();
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("x.example"), "{page}");
        assert!(page.contains("doc") && page.contains(r#"<a href="/runbooks/Nis2NoticesDropped">one</a>"#), "{page}");
    }

    #[tokio::test]
    async fn every_runbook_is_served_under_the_name_that_the_rules_use() {
        let setup = Setup::new(Daemon::default(), "127.0.0.1", &WebConfig::default());
        let (_, list) = setup.send("GET", "/runbooks", &[]).await;
        let mut count = 0;
        for file in PAGES.files() {
            let name = file.path().file_stem().unwrap().to_str().unwrap();
            let (status, page) = setup.send("GET", &format!("/runbooks/{name}.md"), &[]).await;
            assert!(status == StatusCode::OK && page.contains("<h2>"), "{name}: {page}");
            assert!(name == INDEX || list.contains(&format!("href=\"/runbooks/{name}\"")), "{name} is not listed");
            count += 1;
        }
        assert!(count > 30, "{count}");
        let (status, page) = setup.send("GET", "/runbooks/Nis2CheckFail", &[]).await;
        assert!(status == StatusCode::NOT_FOUND && page.contains("did you mean Nis2CheckFails"), "{page}");
        assert_eq!(setup.send("GET", "/runbooks/..%2Falerting", &[]).await.0, StatusCode::NOT_FOUND);
    }
}
