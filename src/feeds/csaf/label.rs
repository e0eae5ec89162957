//! How far a document may be passed on: the labels of the Traffic Light Protocol, in its versions 1 and 2.
//!
//! <https://www.first.org/tlp/>, and section 3.2.1.5.2 of CSAF 2.0.

/// A label. What is not [`Label::Public`] is named by a handle everywhere: judgements travel into messages, reports and exports,
/// and nobody can call them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// `WHITE`, `CLEAR`, or none: anybody may know.
    Public,
    /// `GREEN`: the community, not the public.
    Green,
    /// `AMBER`: the organisation and its clients, as far as they need to know.
    Amber,
    /// `AMBER+STRICT`: the organisation alone.
    AmberStrict,
    /// `RED`: those who received it, nobody else.
    Red,
    /// A label that we do not know, which is taken for the strictest.
    Foreign,
}

impl Label {
    /// Reads the label of a document; case and the prefix `TLP:` do not matter.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let word = text.trim().to_ascii_uppercase();
        match word.strip_prefix("TLP:").unwrap_or(&word) {
            "" | "WHITE" | "CLEAR" => Self::Public,
            "GREEN" => Self::Green,
            "AMBER" => Self::Amber,
            "AMBER+STRICT" => Self::AmberStrict,
            "RED" => Self::Red,
            _ => Self::Foreign,
        }
    }

    /// Whether anybody may know.
    #[must_use]
    pub fn is_public(self) -> bool {
        self == Self::Public
    }

    /// The word that handles begin with.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "TLP:CLEAR",
            Self::Green => "TLP:GREEN",
            Self::Amber => "TLP:AMBER",
            Self::AmberStrict => "TLP:AMBER+STRICT",
            Self::Red => "TLP:RED",
            Self::Foreign => "TLP:UNKNOWN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_in_either_version_and_an_unknown_one_is_not_public() {
        assert!(["WHITE", "clear", "TLP:WHITE", ""].into_iter().all(|text| Label::parse(text).is_public()));
        assert_eq!(Label::parse("TLP:Amber+Strict"), Label::AmberStrict);
        assert_eq!(
            ["GREEN", "AMBER", "RED"].map(|text| Label::parse(text).word()),
            ["TLP:GREEN", "TLP:AMBER", "TLP:RED"]
        );
        assert_eq!(Label::parse("ORANGE"), Label::Foreign);
    }
}
