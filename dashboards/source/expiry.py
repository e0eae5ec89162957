"""Expiry calendar: what ends when."""

from .page import HERE, IN_ZONE, ZONE, Page, by_urgency, to, to_asset, to_evidence, unsteady
from .panels import GREEN, ORANGE, VERMILION, by_name, linked, stat, state_column, steps, table, timeline

DAYS = steps(VERMILION, (0, ORANGE), (30, GREEN))
UNIT = "suffix: days"
# metric, kind, label that names the thing
PAPERS = [
    ("nis2watch_certificate_expiry_timestamp_seconds", "certificate"),
    ("nis2watch_waiver_expiry_timestamp_seconds", "waiver"),
    ("nis2watch_attestation_expiry_timestamp_seconds", "attestation"),
    ("nis2watch_baseline_expiry_timestamp_seconds", "baseline"),
    ("nis2watch_incident_deadline_timestamp_seconds", "incident"),
]
# checks that watch a date themselves
DATED = "tls-cert-expiry|opcua-certificate|os-end-of-life|support-end-date|firmware-age|feed-freshness"


def calendar():
    """Everything with a date, in the order of the dates."""
    parts = (f'label_replace(({metric}{{{HERE}}} - time()) / 86400, "kind", "{kind}", "", "")' for metric, kind in PAPERS)
    columns = {
        "kind": "kind",
        "id": "id",
        "asset": "asset",
        "check": "check",
        "port": "port",
        "incident": "incident",
        "stage": "stage",
        "owner": "owner",
        "subject": "subject",
        "Value": "left",
    }
    left = by_name(
        "left",
        unit=UNIT,
        decimals=1,
        thresholds=DAYS,
        color={"mode": "thresholds"},
        custom__cellOptions={"type": "color-text"},
    )
    return table(
        "Calendar",
        "Certificates, waivers, attestations, baselines and reports of incidents, the next end first; negative days are over.",
        " or ".join(parts),
        columns,
        [left, linked("asset", to_asset())],
        "left",
        "no end is known",
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
                4 if kind == "certificate" else 5,
                stat(
                    f"Next {kind}",
                    f"Days until the next {kind} ends; red when one is over.",
                    f"min({metric}{{{HERE}}} - time()) / 86400",
                    UNIT,
                    DAYS,
                    decimals=1,
                    noValue="none is known",
                    link=to("nis2watch-incidents") if kind == "incident" else None,
                ),
            )
        )
    page.line(4, *tiles)
    page.line(10, (24, calendar()))
    page.row("Checks that watch a date")
    selector = f'{IN_ZONE},check=~"{DATED}"'
    dated = by_urgency(f"(nis2watch_check_state{{{selector}}} != 5)")
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
                widths={"asset": 110, "zone": 100, "severity": 80, "state": 100},
            ),
        ),
        (
            12,
            timeline(
                "Over time",
                "The same checks over time, without those that passed or did not apply all the time.",
                unsteady(selector),
                "{{asset}} {{check}}",
                empty="nothing else was seen",
            ),
        ),
    )
    return page.build()
