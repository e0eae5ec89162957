//! A scrape, looked up by name and labels.

/// The samples of one scrape in the text format.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(pub(crate) String);

impl Metrics {
    /// The value of the one series with this name and at least these labels; `None` when there is none.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self.all(name, labels);
        let first = found.next();
        assert!(found.next().is_none(), "{name} with {labels:?} is not one series");
        first
    }

    /// The sum of all series with this name and at least these labels.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.all(name, labels).sum()
    }

    fn all(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = f64> {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        self.lines(name).filter(move |line| labels.iter().all(|label| line.contains(label.as_str()))).map(|line| {
            let value = line.rsplit(' ').next().unwrap();
            value.parse().unwrap_or_else(|_| panic!("{line}"))
        })
    }

    /// The series of this name, as written.
    pub(crate) fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.lines().filter(move |line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
        })
    }
}
