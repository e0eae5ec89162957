"""Incident clock: the reports that Article 23 asks for, and what may become an incident."""

from .overview import drift_table
from .page import CHECKS, HERE, SEVERITY, ZONE, Page, moved, none_of
from .panels import GREEN, GREY, NONE_IS_WELL, ORANGE, VERMILION, bars, by_name, curves, stat, steps, table, timeline

LEFT = f"nis2watch_incident_deadline_timestamp_seconds{{{HERE}}} - time()"
TIME = steps(VERMILION, (0, ORANGE), (24 * 3600, GREEN))


def build():
    """The page."""
    page = Page(
        "nis2watch-incidents",
        "The reports that Article 23 asks for: early warning in 24 hours, notification in 72, final report in a month.",
        [ZONE, SEVERITY],
        "now-7d",
    )
    page.row("The clock of Article 23")
    # a daemon that is there tells of every report that is owed
    nothing = none_of(f"nis2watch_build_info{{{HERE}}}")
    page.line(
        5,
        (
            6,
            stat(
                "Open incidents",
                "Incidents for which at least one report is owed.",
                f"count(group by (incident) (nis2watch_incident_deadline_timestamp_seconds{{{HERE}}})) or {nothing}",
                thresholds=steps(GREY, (1, ORANGE)),
            ),
        ),
        (
            6,
            stat(
                "Overdue reports",
                "Reports whose time is over.",
                f"count({LEFT} <= 0) or {nothing}",
                thresholds=NONE_IS_WELL,
            ),
        ),
        (12, stat("Next report", "Time until the next report is due.", f"min({LEFT})", "s", TIME, noValue="none is known")),
    )
    left = by_name(
        "left",
        unit="s",
        thresholds=TIME,
        color={"mode": "thresholds"},
        custom__cellOptions={"type": "color-background", "mode": "basic"},
    )
    page.line(
        9,
        (
            12,
            bars(
                "Time left",
                "Time until each report that is owed is due.",
                (LEFT, "{{incident}} {{stage}}"),
                "s",
                TIME,
                empty="no report is known to be owed",
            ),
        ),
        (
            12,
            table(
                "Reports owed",
                "The next first; `nis2watch incident stage` records that one was sent.",
                LEFT,
                {"incident": "incident", "stage": "report", "Value": "left"},
                [left],
                "left",
                "no report is known to be owed",
            ),
        ),
    )
    page.line(
        7,
        (
            24,
            timeline(
                "The check of the clock",
                "The check incident-reporting-clock over time: fail means that a report was late.",
                f'nis2watch_check_state{{{HERE},check="incident-reporting-clock"}}',
                "{{asset}}",
                empty="nothing is known of the check",
            ),
        ),
    )
    page.row("What may become one")
    worst = f"count by (instance, zone) {moved(CHECKS, (2,), (0, 1, 3, 4))}"
    page.line(
        9,
        (14, drift_table()),
        (
            10,
            curves(
                "New fails by zone",
                "Changes to fail; several at once in one zone are worth a look.",
                [(worst, "{{zone}} {{instance}}")],
                bars_=True,
                empty="no new fail was seen",
                shade=VERMILION,
            ),
        ),
    )
    return page.build()
