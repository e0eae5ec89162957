"""Plant overview: the first page."""

from .page import (
    BAD,
    CHECKS,
    GOOD,
    HERE,
    IN_ZONE,
    SEVERITY,
    ZONE,
    Page,
    moved,
    none_of,
    series_to_asset,
    to,
    to_asset,
    to_evidence,
)
from .panels import (
    BY_CAUSE,
    FLOWS,
    GREEN,
    NONE_IS_WELL,
    PURPLE,
    SCORE,
    VERMILION,
    bars,
    by_name,
    curves,
    hide,
    linked,
    stat,
    state_curves,
    steps,
    table,
)


def score(by):
    """Share of the checks that apply and are shown to hold, for each value of a label or for all; unknown counts against it."""
    group = f" by ({by})" if by else ""
    return (
        f"(sum{group} (nis2watch_check_pass{{{CHECKS}}}) or 0 * count{group} (nis2watch_check_state{{{CHECKS}}}))"
        f" / count{group} (nis2watch_check_state{{{CHECKS}}} != 5)"
    )


ARTICLE_21 = 'framework="nis2",control=~"Art. 21.+"'
DRIFTED = f'nis2watch_check_finding_since_timestamp_seconds{{{CHECKS},kind="drifted"}}'
SINCE = f"1000 * {DRIFTED}"


def points():
    """What weighs on an asset: 8 for a critical fail, 4 for high, 2 for medium, 1 for low."""
    weights = {"critical": 8, "high": 4, "medium": 2, "low": 1}
    none = f"0 * count by (instance, asset, zone) (nis2watch_check_state{{{IN_ZONE}}})"
    parts = (
        f'({weight} * count by (instance, asset, zone) (nis2watch_check_state{{{IN_ZONE},severity="{severity}"}} == 2) or {none})'
        for severity, weight in weights.items()
    )
    return f"topk(15, {' + '.join(parts)} > 0)"


def drift_table():
    """What drifted."""
    columns = {"asset": "asset", "check": "check", "severity": "severity", "zone": "zone", "Value": "fails since"}
    overrides = [
        by_name("fails since", unit="dateTimeAsIso"),
        linked("asset", to_asset()),
        linked("check", to_evidence()),
    ]
    return table(
        "Drifted, not mended",
        "What passed before and fails, and since when; also what cannot be seen since it failed.",
        SINCE,
        columns,
        overrides,
        "-fails since",
        "nothing that held before is known to fail",
        widths={"asset": 120, "severity": 80, "zone": 110, "fails since": 170},
    )


def build():
    """The page."""
    page = Page(
        "nis2watch-overview",
        "Does the plant still meet its security rules: score, drift, what is unknown and why.",
        [ZONE, SEVERITY],
    )
    page.row("The plant")
    held = "Share of the checks that apply and are shown to hold (pass, warn or waived). Unknown counts against it: no evidence is not compliance."
    nothing = none_of(f"nis2watch_check_state{{{CHECKS}}}")
    counted = f"count(nis2watch_check_state{{{CHECKS}}} == %d) or {nothing}"
    drifted = f"count({DRIFTED}) or {nothing}"
    page.line(
        4,
        (4, stat("Shown to hold", held, score(""), "percentunit", SCORE)),
        (
            4,
            stat(
                "Fails",
                "Pairs of an asset and a check that fail now.",
                counted % 2,
                thresholds=NONE_IS_WELL,
            ),
        ),
        (
            4,
            stat(
                "Unknown",
                "Pairs that cannot be judged now; the panel by cause says why.",
                counted % 3,
                thresholds=steps(GREEN, (1, PURPLE)),
            ),
        ),
        (
            4,
            stat(
                "Drifted, not mended",
                "Checks that passed before and fail, also where they cannot be seen since.",
                drifted,
                thresholds=NONE_IS_WELL,
                link=to("nis2watch-drift"),
            ),
        ),
        (4, stat("Assets", "Assets of the inventory that are watched.", f"count(nis2watch_asset_info{{{IN_ZONE}}})")),
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
    )
    by_control = (
        f'sum by (control) (nis2watch_control_checks{{{HERE},{ARTICLE_21},state=~"pass|warn|waived"}})'
        f' / (sum by (control) (nis2watch_control_checks{{{HERE},{ARTICLE_21},state!="not_applicable"}}) > 0)'
    )
    # high enough for the fourteen points of Article 21
    page.line(
        11,
        (
            6,
            bars(
                "Score by zone",
                "Share of the checks of the chosen severities that apply and are shown to hold, zone by zone; unknown counts against it.",
                (score("instance, zone"), "{{zone}} {{instance}}"),
                "percentunit",
                SCORE,
                1,
            ),
        ),
        (
            8,
            bars(
                "Score by NIS2 point",
                "Share of the verdicts that are evidence for a point of Article 21 and are shown to hold, of all zones and severities whatever is chosen above. A point without a bar has no verdict.",
                (by_control, "{{control}}"),
                "percentunit",
                SCORE,
                1,
                to("nis2watch-controls"),
            ),
        ),
        (
            10,
            state_curves(
                "States over time",
                "All pairs of an asset and a check by their state.",
                counted,
            ),
        ),
    )
    page.row("What to do first")
    worst = table(
        "Worst assets",
        "Assets with the heaviest fails: 8 points for a critical fail, 4 high, 2 medium, 1 low.",
        points(),
        {"asset": "asset", "zone": "zone", "Value": "points"},
        [
            by_name(
                "points",
                unit="short",
                custom__cellOptions={"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
                color={"mode": "fixed", "fixedColor": VERMILION},
            ),
            linked("asset", to_asset()),
        ],
        "-points",
        "no fail is known",
    )
    page.line(10, (8, worst), (16, drift_table()))
    unknown = f"count by (cause) (nis2watch_check_unknown{{{HERE}}} * on (instance, asset) group_left (zone) nis2watch_asset_info{{{IN_ZONE}}})"
    silent = f"count by (instance, asset) (nis2watch_check_unknown{{{HERE}}} * on (instance, asset) group_left (zone) nis2watch_asset_info{{{IN_ZONE}}})"
    changes = [
        (f"count({moved(CHECKS, here, there)}) or {nothing}", name)
        for name, here, there in (("away from good", BAD, GOOD), ("back to good", GOOD, BAD))
    ]
    page.line(
        9,
        (
            9,
            curves(
                "Unknown by cause",
                "Why nothing can be said: each cause has its own remedy in the operations page.",
                [(unknown, "{{cause}}")],
                stacked=True,
                empty="nothing is told to be unknown",
                colors=BY_CAUSE,
            ),
        ),
        (
            7,
            bars(
                "Unknown by asset",
                "Assets about which least is known, with the number of their unknown checks.",
                (f"topk(10, {silent})", "{{asset}} {{instance}}"),
                "short",
                steps(PURPLE),
                link=series_to_asset(),
                empty="nothing is told to be unknown",
            ),
        ),
        (
            8,
            curves(
                "Changes",
                "Away from good: from pass, warn or waived to fail or unknown. First sights are left out.",
                changes,
                bars_=True,
                colors={"away from good": VERMILION, "back to good": GREEN},
            ),
        ),
    )
    page.row("Alerts")
    page.line(8, (24, alerts()))
    return page.build()


def alerts():
    """Alerts of the rules in deploy/prometheus that fire now."""
    columns = {"severity": "urgency", "alertname": "alert", "asset": "asset", "check": "check", "zone": "zone"}
    columns["subject"] = "subject"
    query = 'ALERTS{alertname=~"Nis2.+",alertname!="Nis2DeadMansSwitch",alertstate="firing"}'
    made = table(
        "Firing alerts",
        "Needs the rules of deploy/prometheus. Each alert has a page in docs/runbooks.",
        query,
        columns,
        [linked("asset", to_asset())],
        "urgency",
        "no alert is known to fire",
        widths={"urgency": 100, "asset": 150, "zone": 150, "subject": 150},
    )
    hide(made, "Value", "alertstate", "cause", "owner", "id", "incident", "stage")
    return made
