//! Which format a scraper wants, and whether it takes gzip.

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// Both formats.
    pub const ALL: [Self; 2] = [Self::Text, Self::OpenMetrics];

    /// The value of the header `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The word in the label `format`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::OpenMetrics => "openmetrics",
        }
    }
}

/// Chooses by the header `Accept`. OpenMetrics goes only to those who name it in version 1.0.0 or without a version,
/// and prefer it; everybody else, a browser too, gets text.
#[must_use]
pub fn negotiate(accept: Option<&str>) -> Format {
    let ranges: Vec<Range<'_>> = accept.unwrap_or_default().split(',').filter_map(Range::parse).collect();
    let quality = |range: &str, versions: &[&str]| {
        let fits = |one: &&Range<'_>| one.name.eq_ignore_ascii_case(range) && one.has_version(versions);
        ranges.iter().filter(fits).map(|one| one.quality).reduce(f32::max)
    };
    let open = quality("application/openmetrics-text", &["1.0.0"]).unwrap_or(0.0);
    // the most specific range decides, as RFC 9110 section 12.5.1 has it
    let text = quality("text/plain", &["0.0.4"]).or_else(|| quality("text/*", &[])).or_else(|| quality("*/*", &[]));
    if open > 0.0 && open >= text.unwrap_or(0.0) { Format::OpenMetrics } else { Format::Text }
}

/// Whether the header `Accept-Encoding` asks for gzip rather than for the plain body.
#[must_use]
pub fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let codings: Vec<Range<'_>> = accept_encoding.unwrap_or_default().split(',').filter_map(Range::parse).collect();
    let quality = |names: &[&str]| {
        let fits = |one: &&Range<'_>| names.iter().any(|name| one.name.eq_ignore_ascii_case(name));
        codings.iter().filter(fits).map(|one| one.quality).reduce(f32::max)
    };
    let gzip = quality(&["gzip", "x-gzip"]).or_else(|| quality(&["*"])).unwrap_or(0.0);
    gzip > 0.0 && gzip >= quality(&["identity"]).unwrap_or(0.0)
}

/// One element of such a header: a name, its version if it says so, and how much it is wanted.
struct Range<'a> {
    name: &'a str,
    version: Option<&'a str>,
    quality: f32,
}

impl<'a> Range<'a> {
    /// `None` for an empty element and for a quality that is no number from 0 to 1.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let mut range = Self { name, version: None, quality: 1.0 };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match key.trim() {
                "q" | "Q" => range.quality = value.parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?,
                "version" => range.version = Some(value),
                _ => {}
            }
        }
        Some(range)
    }

    fn has_version(&self, versions: &[&str]) -> bool {
        self.version.is_none_or(|version| versions.contains(&version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_gets_openmetrics_and_a_browser_gets_text() {
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                            application/openmetrics-text;version=0.0.1;q=0.5,\
                            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(negotiate(Some(prometheus_2)), Format::OpenMetrics);
        assert_eq!(negotiate(Some(prometheus_3)), Format::OpenMetrics);
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for text in [None, Some(""), Some("*/*"), Some(browser), Some("application/json")] {
            assert_eq!(negotiate(text), Format::Text, "{text:?}");
        }
    }

    #[test]
    fn a_scraper_that_prefers_text_gets_text() {
        for text in [
            "application/openmetrics-text;q=0.3, text/plain;q=0.7",
            "application/openmetrics-text; q=0.3, text/*; q=0.7",
            "application/openmetrics-text;q=0, */*;q=0.1",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=nan, text/plain;q=0.1",
            "application/openmetrics-text;q=7",
        ] {
            assert_eq!(negotiate(Some(text)), Format::Text, "{text:?}");
        }
        let open = "Application/OpenMetrics-Text; version=\"1.0.0\"; q=0.5, text/plain;q=0.1, */*";
        assert_eq!(negotiate(Some(open)), Format::OpenMetrics);
    }

    #[test]
    fn gzip_goes_only_to_those_who_ask_for_it() {
        for yes in ["gzip", "deflate, GZIP;q=0.5", "*", "x-gzip", "gzip, identity", "br;q=1.0, gzip;q=0.8, *;q=0.1"] {
            assert!(accepts_gzip(Some(yes)), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "*;q=0", "gzip;q=0, *", "br", "gzip;q=0.2, identity;q=0.9"] {
            assert!(!accepts_gzip(Some(no)), "{no}");
        }
        assert!(!accepts_gzip(None));
    }
}
