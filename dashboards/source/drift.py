"""Drift timeline: what changed, when, and what changed with it."""

from .overview import drift_table
from .page import BAD, CHECKS, GOOD, HERE, IN_ZONE, SEVERITY, UNSEEN, ZONE, Page, moved
from .panels import ANSWERS, BY_SEVERITY, FLOWS, NEUTRAL, bars, curves, timeline


def build():
    """The page."""
    page = Page("nis2watch-drift", "What changed, when, and what changed with it.", [ZONE, SEVERITY])
    page.row("Verdicts that changed")
    state = f"nis2watch_check_state{{{CHECKS}}}"
    # the verdict that a pair got first is no change
    changed = f"{state} and changes(({state} unless {UNSEEN})[$__range:$__interval] @ end()) > 0"
    page.line(
        14,
        (
            24,
            timeline(
                "Checks that changed",
                "Only pairs whose state changed within the time shown, with their state before and after. First sights are left out.",
                changed,
                "{{asset}} {{check}}",
                empty="no change was seen",
            ),
        ),
    )
    by = "by (instance, zone)"
    worst = f"max {by} (nis2watch_check_state{{{CHECKS}}} == 2) or max {by} (nis2watch_check_state{{{CHECKS}}} == 3) or max {by} (nis2watch_check_state{{{CHECKS}}} == 1) or min {by} (nis2watch_check_state{{{CHECKS}}})"
    page.line(
        6,
        (
            24,
            timeline(
                "Worst state by zone",
                "Fail before unknown before warn: what a zone had worst at each moment.",
                worst,
                "{{zone}} {{instance}}",
            ),
        ),
    )
    page.row("What changed with it")
    reach = f"max by (instance, asset) (nis2watch_asset_reachable{{{HERE}}} * on (instance, asset) group_left (zone) nis2watch_asset_info{{{IN_ZONE}}})"
    page.line(
        10,
        (
            24,
            timeline(
                "Does it answer",
                "Whether any transport of an asset answered at its last visit.",
                reach,
                "{{asset}} {{instance}}",
                ANSWERS,
            ),
        ),
    )
    page.line(
        4,
        (
            24,
            timeline(
                "Kill switch",
                "While it is on, no asset is asked anything, so no drift is seen.",
                f"nis2watch_active{{{HERE}}}",
                "{{instance}}",
                FLOWS,
            ),
        ),
    )
    away = f"count by (severity) {moved(CHECKS, BAD, GOOD)}"
    back = f"count by (severity) {moved(CHECKS, GOOD, BAD)}"
    total = f"sum by (from, to) (nis2watch_transitions_total{{{CHECKS}}})"
    page.line(
        9,
        (
            12,
            curves(
                "Away from good",
                "Changes from pass, warn or waived to fail or unknown, by the severity of the check.",
                [(away, "{{severity}}")],
                bars_=True,
                empty="no drift was seen",
                colors=BY_SEVERITY,
            ),
        ),
        (
            12,
            curves(
                "Back to good",
                "Changes from fail or unknown to pass, warn or waived, by the severity of the check.",
                [(back, "{{severity}}")],
                bars_=True,
                empty="no recovery was seen",
                colors=BY_SEVERITY,
            ),
        ),
    )
    page.line(
        10,
        (16, drift_table()),
        (
            8,
            bars(
                "Since the daemon started",
                "Changes of verdicts by their two states; none means first sight.",
                (total, "{{from}} to {{to}}"),
                "short",
                NEUTRAL,
            ),
        ),
    )
    return page.build()
