"""One asset: what it is, what holds, what does not and since when, and what was sent to it."""

from .page import HERE, SEVERITY, ZONE, Page, by_urgency, none_of, query_variable, to_evidence, unsteady
from .panels import (
    ANSWERS,
    BLUE,
    BY_TRANSPORT,
    GREEN,
    GREY,
    NONE_IS_WELL,
    PURPLE,
    SCORE,
    by_name,
    curves,
    hide,
    linked,
    stat,
    state_column,
    steps,
    table,
    timeline,
)

ASSET = query_variable(
    "asset", "Asset", 'label_values(nis2watch_asset_info{instance=~"$instance",zone=~"$zone"}, asset)', multi=False
)
IT = f'{HERE},asset="$asset"'
OF_IT = f'{IT},severity=~"$severity"'


def verdicts():
    """Every check with its text, its state and its age."""
    query = f"{by_urgency(f'nis2watch_check_state{{{OF_IT}}}')} * on (instance, check) group_left (title, pack) nis2watch_check_info{{{HERE}}}"
    columns = {"check": "check", "title": "asks that", "pack": "pack", "severity": "severity", "Value": "state"}
    made = table(
        "Verdicts",
        "Every check of the asset with its present state; `nis2watch explain` says how to mend it.",
        query,
        columns,
        [state_column("state"), linked("check", to_evidence("${asset}"))],
        "-state",
        widths={"check": 210, "pack": 140, "severity": 80, "state": 110},
    )
    hide(made, "asset", "zone")
    return made


def since():
    """Since when fails and unknowns last."""
    query = f"(time() - nis2watch_check_state_since_timestamp_seconds{{{IT}}}) * on (instance, asset, check) group_left (severity) (nis2watch_check_state{{{OF_IT}}} == 2) / 2"
    columns = {"check": "check", "severity": "severity", "Value": "fails for"}
    made = table(
        "Fails, by age",
        "How long each fail of the asset has lasted; survives restarts of nis2watch.",
        query,
        columns,
        [by_name("fails for", unit="s"), linked("check", to_evidence("${asset}"))],
        "-fails for",
        "no fail is known",
        widths={"severity": 80, "fails for": 100},
    )
    hide(made, "asset", "zone")
    return made


def build():
    """The page."""
    page = Page(
        "nis2watch-asset",
        "One asset: what it is, what holds, what does not and since when, and what was sent to it.",
        [ZONE, ASSET, SEVERITY],
        "now-7d",
    )
    page.row("$asset")
    nothing = none_of(f"nis2watch_check_state{{{OF_IT}}}")
    held = f"(sum(nis2watch_check_pass{{{OF_IT}}}) or {nothing}) / count(nis2watch_check_state{{{OF_IT}}} != 5)"
    counted = f"count(nis2watch_check_state{{{OF_IT}}} == %d) or {nothing}"
    page.line(
        4,
        (
            4,
            stat(
                "Shown to hold",
                "Share of the checks of this asset that apply and are shown to hold; unknown counts against it.",
                held,
                "percentunit",
                SCORE,
            ),
        ),
        (4, stat("Fails", "Checks of this asset that fail now.", counted % 2, thresholds=NONE_IS_WELL)),
        (
            4,
            stat(
                "Unknown",
                "Checks of this asset that cannot be judged now.",
                counted % 3,
                thresholds=steps(GREEN, (1, PURPLE)),
            ),
        ),
        (
            4,
            stat(
                "Waived",
                "Fails of this asset that a waiver accepts for a time.",
                counted % 4,
                thresholds=steps(GREY, (1, BLUE)),
            ),
        ),
        (
            4,
            stat(
                "Last visit",
                "How long ago the last visit to this asset ended.",
                f"time() - max(nis2watch_asset_last_visit_timestamp_seconds{{{IT}}})",
                "s",
            ),
        ),
        (
            4,
            stat(
                "Visit takes",
                "How long the last visit to this asset took, pauses of its gate included.",
                f"max(nis2watch_asset_visit_duration_seconds{{{IT}}})",
                "s",
            ),
        ),
    )
    what = {
        "asset": "asset",
        "zone": "zone",
        "site": "site",
        "kind": "kind",
        "vendor": "vendor",
        "model": "model",
        "version": "version",
        "owner": "owner",
        "criticality": "criticality",
    }
    info = table(
        "What it is",
        "By the inventory, and by what the device says about itself.",
        f"nis2watch_asset_info{{{IT}}}",
        what,
    )
    hide(info, "Value")
    page.line(4, (24, info))
    page.line(12, (16, verdicts()), (8, since()))
    page.line(
        12,
        (
            24,
            timeline(
                "Verdicts over time",
                "Every check of the asset, without those that passed or did not apply all the time.",
                unsteady(OF_IT),
                "{{check}}",
                empty="nothing else was seen",
            ),
        ),
    )
    page.row("What is not seen, and what was sent")
    causes = table(
        "Unknown, and why",
        "The cause says whose turn it is; docs/operations.md has the list.",
        f"nis2watch_check_unknown{{{IT}}}",
        {"check": "check", "cause": "cause"},
        (),
        "cause",
        "nothing is told to be unknown",
    )
    hide(causes, "Value", "asset")
    page.line(
        8,
        (8, causes),
        (
            16,
            timeline(
                "Does it answer",
                "Whether the asset answered over each transport when it was last asked.",
                f"nis2watch_asset_reachable{{{IT}}}",
                "{{transport}}",
                ANSWERS,
            ),
        ),
    )
    sent = "sum by (transport) (rate({}{{" + IT + "}}[$__rate_interval]))"
    page.line(
        8,
        (
            8,
            curves(
                "Connections",
                "Connections to the asset that were attempted, by transport.",
                [(sent.format("nis2watch_gate_connections_total"), "{{transport}}")],
                "ops",
                colors=BY_TRANSPORT,
            ),
        ),
        (
            8,
            curves(
                "Packets",
                "Datagrams sent to the asset, and writes to its TCP connections.",
                [(sent.format("nis2watch_gate_packets_total"), "{{transport}}")],
                "pps",
                colors=BY_TRANSPORT,
            ),
        ),
        (
            8,
            curves(
                "Refused by its gate",
                "What the gate did not allow: budget, pause after failures, window, kill switch.",
                [(sent.format("nis2watch_gate_refused_total"), "{{transport}}")],
                "ops",
                colors=BY_TRANSPORT,
            ),
        ),
    )
    return page.build()
