//! A page: lines of one family in one piece of memory, each row replaced on its own.

use std::sync::Arc;

use super::text::Text;

/// Rows of lines, one behind the other without a gap; a row may be empty, or hold several lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    text: Arc<Text>,
    /// Where each row ends.
    ends: Vec<u32>,
}

impl Lines {
    /// Makes a page of `rows` rows; `write` appends each to the text.
    pub(super) fn build(rows: usize, mut write: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        let (mut text, mut ends) = (Vec::new(), Vec::with_capacity(rows));
        for row in 0..rows {
            write(row, &mut text);
            ends.push(place(text.len()));
        }
        text.shrink_to_fit();
        Self { text: Arc::new(Text::from(text)), ends }
    }

    /// One row.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.text.plain()[self.span(row)]
    }

    /// Replaces one row. Equal text touches nothing, so that the compressed form stays; text of equal length is
    /// written in place; other text moves what stands behind it.
    pub(super) fn set(&mut self, row: usize, new: &[u8]) {
        let span = self.span(row);
        let old = &self.text.plain()[span.clone()];
        if old == new {
            return;
        }
        let old_len = old.len();
        let text = Text::edit(&mut self.text);
        if old_len == new.len() {
            text[span].copy_from_slice(new);
            return;
        }
        let more = new.len().saturating_sub(old_len);
        if text.capacity() - text.len() < more {
            // a little ahead: not each row that appears should move the page, and a page must not double
            text.reserve_exact(more.max(text.len() / 8));
        }
        text.splice(span, new.iter().copied());
        for end in &mut self.ends[row..] {
            *end = place(*end as usize + new.len() - old_len);
        }
    }

    /// Replaces the value of a row of one line.
    pub(super) fn set_value(&mut self, row: usize, value: &str) {
        let old = self.row(row);
        let Some(space) = old.iter().rposition(|byte| *byte == b' ') else { return };
        let new = [&old[..=space], value.as_bytes(), b"\n"].concat();
        self.set(row, &new);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.plain().is_empty()
    }

    pub(super) fn text(&self) -> &Arc<Text> {
        &self.text
    }

    fn span(&self, row: usize) -> std::ops::Range<usize> {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[row] as usize
    }
}

/// 32 assets and all their checks, or a few thousand points of the law, stay far below 4 GiB.
fn place(at: usize) -> u32 {
    u32::try_from(at).expect("a page is smaller than 4 GiB")
}

/// The part of a line of one family from its brace to before the closing one, to build a line of another family.
pub(super) fn labels<'a>(line: &'a [u8], name: &str) -> &'a [u8] {
    let close = line.iter().rposition(|byte| *byte == b'}').unwrap_or(line.len());
    &line[name.len()..close]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_of_equal_length_is_written_in_place() {
        let mut lines = Lines::build(2, |row, out| out.extend_from_slice(format!("m{{r=\"{row}\"}} 0\n").as_bytes()));
        let before = lines.text.plain().as_ptr();
        lines.set_value(1, "3");
        assert_eq!(lines.text.plain(), b"m{r=\"0\"} 0\nm{r=\"1\"} 3\n");
        assert_eq!(lines.text.plain().as_ptr(), before);
        lines.set_value(0, "17.25");
        assert_eq!(lines.text.plain(), b"m{r=\"0\"} 17.25\nm{r=\"1\"} 3\n");
        assert_eq!(labels(lines.row(1), "m"), b"{r=\"1\"");
    }

    proptest! {
        #[test]
        fn any_series_of_changes_leaves_the_rows_one_behind_the_other(
            changes in proptest::collection::vec((0..5_usize, "[a-z]{0,6}"), 0..60),
            held in any::<bool>(),
        ) {
            let mut rows = vec![String::new(); 5];
            let mut lines = Lines::build(5, |_, _| ());
            for (row, text) in changes {
                let before = held.then(|| (lines.text().share(), lines.text().plain().to_vec()));
                lines.set(row, text.as_bytes());
                rows[row] = text;
                let whole = rows.concat();
                prop_assert_eq!(lines.text().plain(), whole.as_bytes());
                for (at, row) in rows.iter().enumerate() {
                    prop_assert_eq!(lines.row(at), row.as_bytes());
                }
                if let Some((held, copy)) = before {
                    prop_assert_eq!(&held[..], &copy[..]);
                }
            }
        }
    }
}
