//! The body of one scrape, as a list of parts that are shared, not copied.

use std::sync::Arc;

use super::Format;
use super::family::Family;
use super::lines::Lines;
use super::text::Text;

/// Collects the parts of a body in the wanted format.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) format: Format,
    pub(super) texts: Vec<Arc<Text>>,
}

impl Parts {
    pub(super) const fn new(format: Format) -> Self {
        Self { format, texts: Vec::new() }
    }

    /// Adds the pages of a family behind its header; a family without a line is left out.
    pub(super) fn pages<'a>(&mut self, family: &Family, pages: impl Iterator<Item = &'a Lines>) {
        let before = self.texts.len();
        for page in pages.filter(|page| !page.is_empty()) {
            if self.texts.len() == before {
                self.texts.push(Arc::clone(family.header(self.format)));
            }
            self.texts.push(Arc::clone(page.text()));
        }
    }

    /// Adds text that was rendered for this scrape alone.
    pub(super) fn rendered(&mut self, text: Vec<u8>) {
        if !text.is_empty() {
            self.texts.push(Arc::new(Text::from(text)));
        }
    }
}
