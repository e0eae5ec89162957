"""Segmentation matrix: do zones stay apart, seen from every place that can tell."""

from .page import HERE, IN_ZONE, ZONE, Page, by_severity, none_of, to_asset, to_evidence
from .panels import (
    GREEN,
    NONE_IS_WELL,
    PURPLE,
    SCORE,
    STATE_NAMES,
    bars,
    hide,
    linked,
    matrix,
    severity_column,
    stat,
    steps,
    table,
    timeline,
)

SEGMENTATION = f'group by (instance, check) (nis2watch_check_info{{{HERE},pack="segmentation"}})'
STATE = f"nis2watch_check_state{{{IN_ZONE}}} * on (instance, check) group_left () {SEGMENTATION}"
# what shows that a host lets in more than it should, beside the matrix of zones
EXPOSED = {
    "asset-open-ports": "open ports",
    "cleartext-admin-services": "clear text",
    "linux-firewall-active": "firewall",
    "linux-listening-ports": "listening",
    "ot-protocol-exposure": "OT protocols",
}


def build():
    """The page."""
    page = Page(
        "nis2watch-segmentation",
        "Do zones stay apart: what the checks of segmentation say, asset by asset and zone by zone.",
        [ZONE],
        "now-7d",
    )
    page.row("Zones")
    held = f"sum by (instance, zone) ({STATE} <= bool 1) / count by (instance, zone) ({STATE} != 5)"
    page.line(
        6,
        (
            5,
            stat(
                "Broken",
                "Checks of segmentation that fail now.",
                f"count({STATE} == 2) or {none_of(STATE)}",
                thresholds=NONE_IS_WELL,
            ),
        ),
        (
            5,
            stat(
                "Not seen",
                "Checks of segmentation that are unknown: a silent probe is not a closed firewall.",
                f"count({STATE} == 3) or {none_of(STATE)}",
                thresholds=steps(GREEN, (1, PURPLE)),
            ),
        ),
        (
            14,
            bars(
                "Shown to be apart, by zone",
                "Share of the checks of segmentation that apply in a zone and pass.",
                (held, "{{zone}} {{instance}}"),
                "percentunit",
                SCORE,
                1,
            ),
        ),
    )
    page.row("The matrix")
    page.line(
        12,
        (
            24,
            matrix(
                "Asset by check",
                "Every check of segmentation on every asset, vantage point and zone that it applies to.",
                STATE,
                "asset",
                "check",
                mappings=STATE_NAMES,
                empty="no check of segmentation is known",
                overrides=[linked("asset", to_asset())],
            ),
        ),
    )
    page.line(
        10,
        (
            24,
            timeline(
                "Over time",
                "Checks of segmentation that were something else than pass or not applicable.",
                f"({STATE} > 0) < 5",
                "{{asset}} {{check}}",
                empty="nothing else was seen",
            ),
        ),
    )
    page.row("What hosts let in")
    exposed = f'{IN_ZONE},check=~"{"|".join(EXPOSED)}"'
    columns = {"Value": "severity", "asset": "asset", "check": "check", "zone": "zone"}
    now = table(
        "Exposed now",
        "Of these, what fails.",
        by_severity(exposed, 2),
        columns,
        [severity_column("severity"), linked("asset", to_asset()), linked("check", to_evidence())],
        "-severity",
        "no exposure is known",
        widths={"severity": 90, "asset": 110, "zone": 110},
    )
    hide(now, "severity")
    page.line(
        11,
        (
            12,
            matrix(
                "Exposure by asset",
                "Open ports, clear-text services, host firewalls and control protocols, asset by asset.",
                f"nis2watch_check_state{{{exposed}}}",
                "asset",
                "check",
                EXPOSED,
                STATE_NAMES,
                overrides=[linked("asset", to_asset())],
            ),
        ),
        (12, now),
    )
    return page.build()
