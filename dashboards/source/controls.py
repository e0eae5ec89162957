"""NIS2 controls: which points of law and standards have evidence, and what stands against them."""

from .page import HERE, Page, by_severity, none_of, query_variable, to_asset, to_evidence
from .panels import (
    BLUE,
    GREEN,
    GREY,
    LAST,
    PURPLE,
    SCORE,
    VERMILION,
    bars,
    STATES,
    colored,
    curves,
    hide,
    linked,
    matrix,
    panel,
    severity_column,
    stat,
    steps,
    table,
)

FRAMEWORK = query_variable(
    "framework", "Framework", 'label_values(nis2watch_control_coverage{instance=~"$instance"}, framework)', multi=False
)
FRAMEWORK["current"] = {"text": "nis2", "value": "nis2"}
CONTROL = query_variable(
    "control",
    "Point",
    'label_values(nis2watch_control_coverage{instance=~"$instance",framework="$framework"}, control)',
)
POINT = f'{HERE},framework="$framework",control=~"$control"'


def score(by):
    """Share of the verdicts that hold."""
    held, all_ = (
        f"sum{by} (nis2watch_control_checks{{{POINT},state{which}}})"
        for which in ('=~"pass|warn|waived"', '!="not_applicable"')
    )
    return f"{held} / ({all_} > 0)"


def coverage():
    """How many points are seen to by machine, by people, or not at all."""
    query = (f"count by (kind) (max by (control, kind) (nis2watch_control_coverage{{{POINT}}}))", "{{kind}}")
    defaults = {"unit": "short", "color": {"mode": "palette-classic"}}
    options = {
        "pieType": "donut",
        "displayLabels": ["name", "value"],
        "legend": {"showLegend": True, "displayMode": "list", "placement": "right", "values": ["value"]},
        "tooltip": {"mode": "single", "sort": "none"},
        "reduceOptions": LAST,
    }
    overrides = [colored("automated", GREEN), colored("attested", BLUE), colored("none", GREY)]
    return panel(
        "piechart",
        "How points are covered",
        "Points for which a machine has evidence, a person signs, or nobody does: candour about what is measured.",
        [query],
        True,
        defaults,
        options,
        overrides=overrides,
    )


def against():
    """Fails that stand against the chosen points."""
    concerned = f"max by (instance, check) (nis2watch_check_control_info{{{POINT}}})"
    query = f"{by_severity(HERE, 2)} * on (instance, check) group_left () {concerned}"
    made = table(
        "What stands against them",
        "Fails of checks that are evidence for the chosen points.",
        query,
        {"Value": "severity", "check": "check", "asset": "asset", "zone": "zone"},
        [severity_column("severity"), linked("asset", to_asset()), linked("check", to_evidence())],
        "-severity",
        "no fail is known",
        widths={"severity": 90, "asset": 150, "zone": 120},
    )
    hide(made, "severity")
    return made


def build():
    """The page."""
    page = Page(
        "nis2watch-controls",
        "Which points of NIS2 and of other frameworks have evidence, and what stands against them.",
        [FRAMEWORK, CONTROL],
        "now-30d",
    )
    page.row("$framework")
    nothing = none_of(f"nis2watch_control_coverage{{{POINT}}}")
    page.line(
        4,
        (
            6,
            stat(
                "Shown to hold",
                "Share of all verdicts for the chosen points that hold; unknown counts against it.",
                score(""),
                "percentunit",
                SCORE,
            ),
        ),
        (
            6,
            stat(
                "Points with a fail",
                "Points for which at least one check fails on some asset.",
                f'count(sum by (control) (nis2watch_control_checks{{{POINT},state="fail"}}) > 0) or {nothing}',
                thresholds=steps(GREEN, (1, VERMILION)),
            ),
        ),
        (
            6,
            stat(
                "Points partly unseen",
                "Points for which at least one check is unknown on some asset.",
                f'count(sum by (control) (nis2watch_control_checks{{{POINT},state="unknown"}}) > 0) or {nothing}',
                thresholds=steps(GREEN, (1, PURPLE)),
            ),
        ),
        (
            6,
            stat(
                "Points without any way",
                "Points that no check and no attestation of the plan sees to.",
                f'count(max by (control) (nis2watch_control_coverage{{{POINT},kind="none"}})) or {nothing}',
                thresholds=steps(GREEN, (1, GREY)),
            ),
        ),
    )
    states = f"sum by (control, state) (nis2watch_control_checks{{{POINT}}}) > 0"
    page.line(
        14,
        (
            8,
            bars(
                "Evidence by point",
                "Share of the verdicts that hold; a point without a bar has no verdict.",
                (score(" by (control)"), "{{control}}"),
                "percentunit",
                SCORE,
                1,
            ),
        ),
        (
            11,
            matrix(
                "Verdicts by point and state",
                "How many pairs of an asset and a check give evidence for a point, by their state.",
                states,
                "control",
                "state",
                {name.replace(" ", "_"): name for name, _ in STATES[:5]} | {"not_applicable": "n/a"},
            ),
        ),
        (5, coverage()),
    )
    page.line(
        11,
        (14, against()),
        (
            10,
            curves(
                "Evidence over time",
                "Verdicts that are evidence for the chosen points, by their state; one verdict counts for each of its points.",
                [(f'sum(nis2watch_control_checks{{{POINT},state="{name}"}}) or {nothing}', name) for name, _ in STATES[:5]],
                stacked=True,
                colors=dict(STATES),
            ),
        ),
    )
    checks = f"count by (control, check) (nis2watch_check_control_info{{{POINT}}})"
    made = table(
        "Which checks give evidence",
        "The checks of the plan for each point; a check can be evidence for several.",
        checks,
        {"control": "point", "check": "check"},
        [linked("check", to_evidence(asset=None))],
        "point",
    )
    hide(made, "Value")
    page.line(10, (24, made))
    return page.build()
