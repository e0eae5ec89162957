"""Expiry calendar: what ends when."""

from .page import HERE, IN_ZONE, ZONE, Page, to, to_asset, to_evidence
from .panels import GREEN, ORANGE, VERMILION, by_name, linked, stat, state_column, steps, table, timeline

DAYS = steps(VERMILION, (0, ORANGE), (30 * 86400, GREEN))
# metric, kind, label that names the thing
PAPERS = [
    ("nis2watch_waiver_expiry_timestamp_seconds", "waiver"),
    ("nis2watch_attestation_expiry_timestamp_seconds", "attestation"),
    ("nis2watch_baseline_expiry_timestamp_seconds", "baseline"),
    ("nis2watch_incident_deadline_timestamp_seconds", "incident"),
]
# checks that watch a date themselves
DATED = "tls-cert-expiry|opcua-certificate|os-end-of-life|support-end-date|firmware-age|feed-freshness"


def calendar():
    """Everything with a date, in the order of the dates."""
    parts = (f'label_replace({metric}{{{HERE}}} - time(), "kind", "{kind}", "", "")' for metric, kind in PAPERS)
    columns = {
        "kind": "kind",
        "id": "id",
        "asset": "asset",
        "check": "check",
        "incident": "incident",
        "stage": "stage",
        "Value": "left",
    }
    left = by_name(
        "left", unit="s", thresholds=DAYS, color={"mode": "thresholds"}, custom__cellOptions={"type": "color-text"}
    )
    return table(
        "Calendar",
        "Waivers, attestations, baselines and reports of incidents, the next end first; a negative time is over.",
        " or ".join(parts),
        columns,
        [left, linked("asset", to_asset())],
        "left",
        "nothing has an end",
    )


def build():
    """The page."""
    page = Page(
        "nis2watch-expiry",
        "What ends when: waivers, attestations, baselines, reports, certificates, support.",
        [ZONE],
        "now-30d",
    )
    page.row("The next ends")
    tiles = []
    for metric, kind in PAPERS:
        tiles.append(
            (
                6,
                stat(
                    f"Next {kind}",
                    f"Time until the next {kind} ends; red when one is over.",
                    f"min({metric}{{{HERE}}} - time())",
                    "s",
                    DAYS,
                    link=to("nis2watch-incidents") if kind == "incident" else None,
                ),
            )
        )
    page.line(4, *tiles)
    page.line(10, (24, calendar()))
    page.row("Checks that watch a date")
    dated = f'nis2watch_check_state{{{IN_ZONE},check=~"{DATED}"}} != 5'
    columns = {"asset": "asset", "check": "check", "zone": "zone", "severity": "severity", "Value": "state"}
    page.line(
        11,
        (
            12,
            table(
                "Certificates and support",
                "Checks of certificates, ends of support and feeds; warn means soon, fail means over or nearly. The evidence has the day.",
                dated,
                columns,
                [state_column("state"), linked("asset", to_asset()), linked("check", to_evidence())],
                "-state",
            ),
        ),
        (
            12,
            timeline(
                "Over time", "The same checks over time, without those that do not apply.", dated, "{{asset}} {{check}}"
            ),
        ),
    )
    return page.build()
