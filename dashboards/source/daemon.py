"""The daemon itself: is it there, is it late, does it keep what it saw."""

from .page import HERE, Page, to
from .panels import (
    FLOWS,
    GREEN,
    NONE_IS_WELL,
    NO_YES,
    ORANGE,
    VERMILION,
    curves,
    hide,
    mapping,
    stat,
    steps,
    table,
    timeline,
)


def build():
    """The page."""
    page = Page("nis2watch-daemon", "nis2watch itself: is it there, is it late, does it keep what it saw.")
    page.row("Is it well")
    page.line(
        4,
        (
            4,
            stat(
                "Answers",
                "Whether Prometheus reads its metrics.",
                f"min(up{{{HERE}}})",
                "none",
                steps(VERMILION, (1, GREEN)),
                NO_YES,
            ),
        ),
        (
            4,
            stat(
                "Traffic",
                "The kill switch: while it is on, no packet is sent to any asset.",
                f"min(nis2watch_active{{{HERE}}})",
                "none",
                steps(VERMILION, (1, GREEN)),
                FLOWS,
                to("nis2watch-traffic"),
            ),
        ),
        (
            4,
            stat(
                "Configuration",
                "Whether the last load of the configuration succeeded.",
                f"min(nis2watch_config_last_reload_successful{{{HERE}}})",
                "none",
                steps(VERMILION, (1, GREEN)),
                mapping([("refused", VERMILION), ("loaded", GREEN)]),
            ),
        ),
        (
            4,
            stat(
                "Late by",
                "How late the most overdue check is.",
                f"max(nis2watch_schedule_lag_seconds{{{HERE}}})",
                "s",
                steps(GREEN, (60, ORANGE), (900, VERMILION)),
            ),
        ),
        (
            4,
            stat(
                "Store errors",
                "Reads and writes that the store refused in the time shown.",
                f"sum(increase(nis2watch_store_errors_total{{{HERE}}}[$__range]))",
                thresholds=NONE_IS_WELL,
            ),
        ),
        (
            4,
            stat(
                "Defects",
                "Visits that ended in a defect of the program in the time shown.",
                f"sum(increase(nis2watch_visit_panics_total{{{HERE}}}[$__range]))",
                thresholds=NONE_IS_WELL,
            ),
        ),
    )
    build_info = table(
        "Which one",
        "The daemons that are read, their version and the system that they were built for.",
        f"nis2watch_build_info{{{HERE}}}",
        {"instance": "daemon", "version": "version", "os": "system", "arch": "processor"},
    )
    hide(build_info, "Value")
    page.line(
        5,
        (12, build_info),
        (
            6,
            stat(
                "Up for",
                "Time since the process started.",
                f"time() - max(process_start_time_seconds{{{HERE}}} and on (instance) nis2watch_build_info)",
                "s",
            ),
        ),
        (
            6,
            stat(
                "Configuration of",
                "When the configuration in use was loaded.",
                f"1000 * max(nis2watch_config_last_reload_success_timestamp_seconds{{{HERE}}})",
                "dateTimeAsIso",
            ),
        ),
    )
    page.row("Its work")
    page.line(
        8,
        (
            8,
            curves(
                "Lag",
                "How late the most overdue check is.",
                [(f"nis2watch_schedule_lag_seconds{{{HERE}}}", "{{instance}}")],
                "s",
            ),
        ),
        (
            8,
            curves(
                "Visits",
                "Visits that ended, in a second.",
                [(f"sum by (instance) (rate(nis2watch_visits_total{{{HERE}}}[$__rate_interval]))", "{{instance}}")],
                "ops",
            ),
        ),
        (8, curves("In flight", "Visits that run now.", [(f"nis2watch_visits_in_flight{{{HERE}}}", "{{instance}}")])),
    )
    page.row("What it keeps")
    page.line(
        8,
        (
            8,
            curves(
                "Records of the ledger",
                "Only ever grows; the alerts watch it.",
                [(f"nis2watch_ledger_records{{{HERE}}}", "{{instance}}")],
            ),
        ),
        (
            8,
            curves(
                "Head of the ledger",
                "The first 48 bits of the digest of the last record: Prometheus keeps it outside of the store, so that a rewritten chain shows.",
                [(f"nis2watch_ledger_head_digest{{{HERE}}}", "{{instance}}")],
                "none",
                axis=False,
            ),
        ),
        (
            8,
            curves(
                "Refused lists and store errors",
                "Target lists that did not come, and reads or writes that the store refused.",
                [
                    (f"sum(increase(nis2watch_inventory_refresh_failures_total{{{HERE}}}[$__rate_interval]))", "lists"),
                    (f"sum(increase(nis2watch_store_errors_total{{{HERE}}}[$__rate_interval]))", "store"),
                ],
                bars_=True,
            ),
        ),
    )
    page.row("What it costs")
    ours = "and on (instance) nis2watch_build_info"
    quantile = f"histogram_quantile(0.9, sum by (instance, le) (rate(nis2watch_scrape_duration_seconds_bucket{{{HERE}}}[$__rate_interval])))"
    page.line(
        8,
        (
            6,
            curves(
                "Processor",
                "Processor time in a second of wall time.",
                [(f"rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval]) {ours}", "{{instance}}")],
                "percentunit",
            ),
        ),
        (
            6,
            curves(
                "Memory",
                "Memory of the process that is resident.",
                [(f"process_resident_memory_bytes{{{HERE}}} {ours}", "{{instance}}")],
                "bytes",
            ),
        ),
        (
            6,
            curves(
                "Open files",
                "File descriptors against what the process may have.",
                [(f"process_open_fds{{{HERE}}} / process_max_fds {ours}", "{{instance}}")],
                "percentunit",
            ),
        ),
        (
            6,
            curves(
                "Scrapes", "How long nine of ten scrapes take to prepare at most.", [(quantile, "{{instance}}")], "s"
            ),
        ),
    )
    page.line(
        5,
        (
            24,
            timeline(
                "Kill switch",
                "While it is on, no asset is asked anything.",
                f"nis2watch_active{{{HERE}}}",
                "{{instance}}",
                FLOWS,
            ),
        ),
    )
    return page.build()
