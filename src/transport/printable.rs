//! What a device said, made fit to be shown: it cannot forge a line, move the cursor or fill a page.

/// One line of at most `most` characters, control characters replaced by spaces.
pub(super) fn line(text: &str, most: usize) -> String {
    let line: String = text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_cannot_forge_a_line_or_move_the_cursor() {
        assert_eq!(line("SSH-2.0-x\r\nlevel=error\u{1b}[2J\u{85}", 80), "SSH-2.0-x  level=error [2J");
    }

    #[test]
    fn the_bound_counts_characters() {
        assert_eq!(line("äöüß", 2), "äö");
    }
}
