//! The `process_` metrics that every Prometheus client has, read from `/proc/self`.
//!
//! Read here and not by the client crate: its collector draws a second generation of system crates into the build.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::Format;
use super::family::{Family, Type, sample};

static CPU: Family = Family::new(
    Type::Counter,
    "process_cpu_seconds_total",
    "Processor time spent by the process in user and system mode, in seconds.",
);
static START: Family =
    Family::new(Type::Gauge, "process_start_time_seconds", "When the process started, in seconds since 1970.");
static RESIDENT: Family =
    Family::new(Type::Gauge, "process_resident_memory_bytes", "Memory of the process that is resident.");
static VIRTUAL: Family = Family::new(Type::Gauge, "process_virtual_memory_bytes", "Virtual memory of the process.");
static VIRTUAL_MAX: Family =
    Family::new(Type::Gauge, "process_virtual_memory_max_bytes", "Most virtual memory that the process may have.");
static OPEN_FDS: Family = Family::new(Type::Gauge, "process_open_fds", "File descriptors that are open.");
static MAX_FDS: Family = Family::new(Type::Gauge, "process_max_fds", "Most file descriptors that may be open.");
static THREADS: Family = Family::new(Type::Gauge, "process_threads", "Threads of the process.");

/// Renders what the system tells about this process; what it does not tell is left out.
pub(super) fn render(format: Format, out: &mut Vec<u8>) {
    let mut show = |family: &Family, value: Option<f64>| {
        if let Some(value) = value {
            out.extend_from_slice(family.header(format).plain());
            sample(out, family.name, &[], value);
        }
    };
    let stat = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::parse);
    let stat = stat.as_ref();
    show(&CPU, stat.map(|stat| ticks(stat.cpu_ticks)));
    show(&START, stat.and_then(|stat| Some(boot_time()? + ticks(stat.start_ticks))));
    show(&RESIDENT, stat.map(|stat| number(stat.resident_pages.saturating_mul(page_size() as u64))));
    show(&VIRTUAL, stat.map(|stat| number(stat.virtual_bytes)));
    show(&VIRTUAL_MAX, Some(limit(Resource::As)));
    // the listing itself holds one descriptor
    show(&OPEN_FDS, fs::read_dir("/proc/self/fd").ok().map(|open| number(open.count().saturating_sub(1) as u64)));
    show(&MAX_FDS, Some(limit(Resource::Nofile)));
    show(&THREADS, stat.map(|stat| number(stat.threads)));
}

/// The fields of `/proc/self/stat` that are shown (proc(5)).
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // the name of the program stands in parentheses and may hold anything
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        // proc(5) counts from 1, and the state behind the name is its third field
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// When the system started, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

fn ticks(ticks: u64) -> f64 {
    number(ticks) / number(clock_ticks_per_second())
}

/// No limit is shown as the largest number, as the other clients do.
fn limit(resource: Resource) -> f64 {
    number(getrlimit(resource).current.unwrap_or(u64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floats; beyond 2^53 the last digits do not matter")]
fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_parentheses_does_not_shift_the_fields() {
        let rest = (3..=30).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        let stat = Stat::parse(&format!("1 (a) b (c)) {rest}")).unwrap();
        assert_eq!((stat.cpu_ticks, stat.threads, stat.start_ticks), (29, 20, 22));
        assert_eq!((stat.virtual_bytes, stat.resident_pages), (23, 24));
        assert!(Stat::parse("1 (a) S 1").is_none());
    }

    #[test]
    fn this_process_has_memory_threads_and_a_start() {
        let mut out = Vec::new();
        render(Format::Text, &mut out);
        let text = String::from_utf8(out).unwrap();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
            line.parse::<f64>().unwrap()
        };
        let now = chrono::Utc::now().timestamp();
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0 && value("process_max_fds") >= 3.0);
        assert!(value("process_threads") >= 1.0 && value("process_cpu_seconds_total") >= 0.0);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
        let age = now as f64 - value("process_start_time_seconds");
        assert!((-5.0..86_400.0).contains(&age), "{age}");
    }
}
