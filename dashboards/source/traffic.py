"""What we sent: the books of the gates, for the engineer who fears scanners."""

from .page import HERE, IN_ZONE, ZONE, Page, query_variable, series_to_asset, to_asset
from .panels import ANSWERS, BY_TRANSPORT, GREEN, ORANGE, SKY, bars, by_name, curves, linked, stat, steps, table, timeline

KIND = query_variable("kind", "Kind", 'label_values(nis2watch_asset_info{instance=~"$instance",zone=~"$zone"}, kind)')
ASSETS = f'on (instance, asset) group_left (zone, kind) nis2watch_asset_info{{{IN_ZONE},kind=~"$kind"}}'


def rate(metric, by):
    """Events in a second."""
    return f"sum by ({by}) (rate({metric}{{{HERE}}}[$__rate_interval]) * {ASSETS})"


def total(metric, by, span="$__range"):
    """Events within the time shown, for each value of labels or for all.

    A counter that is younger than that time began with events that an increase does not see.
    """
    group = f" by ({by}) " if by else ""
    counter = f"{metric}{{{HERE}}}"
    grown, first = f"increase({counter}[{span}])", f"min_over_time({counter}[{span}])"
    return f"sum{group}((({grown} + ({first} unless {counter} offset {span})) or {grown}) * {ASSETS})"


def build():
    """The page."""
    page = Page(
        "nis2watch-traffic",
        "What was really sent to the assets: connections, packets, bytes, and what their gates refused.",
        [ZONE, KIND],
    )
    page.row("In the time shown")
    tiles = [
        ("Connections", "Connections to assets that were attempted.", "nis2watch_gate_connections_total", "short"),
        (
            "Packets",
            "Datagrams sent to assets, and writes to their TCP connections.",
            "nis2watch_gate_packets_total",
            "short",
        ),
        ("Bytes sent", "Payload bytes that were sent to assets.", "nis2watch_gate_sent_bytes_total", "bytes"),
        ("Bytes received", "Payload bytes that assets sent back.", "nis2watch_gate_received_bytes_total", "bytes"),
    ]
    made = [(5, stat(title, text, total(metric, ""), unit, decimals=0 if unit == "short" else 1)) for title, text, metric, unit in tiles]
    refused = total("nis2watch_gate_refused_total", "")
    made.append(
        (
            4,
            stat(
                "Refused",
                "Requests that a gate refused: nothing of them was sent.",
                refused,
                thresholds=steps(GREEN, (1, ORANGE)),
                decimals=0,
            ),
        )
    )
    page.line(4, *made)
    page.row("Over time")
    page.line(
        8,
        (
            8,
            curves(
                "Connections",
                "Connections in a second, by transport.",
                [(rate("nis2watch_gate_connections_total", "transport"), "{{transport}}")],
                "ops",
                stacked=True,
                colors=BY_TRANSPORT,
            ),
        ),
        (
            8,
            curves(
                "Packets",
                "Packets in a second, by transport.",
                [(rate("nis2watch_gate_packets_total", "transport"), "{{transport}}")],
                "pps",
                stacked=True,
                colors=BY_TRANSPORT,
            ),
        ),
        (
            8,
            curves(
                "Refused",
                "What gates refused, by asset: budget, pause after failures, window, kill switch.",
                [(f"topk(10, {rate('nis2watch_gate_refused_total', 'instance, asset')} > 0)", "{{asset}} {{instance}}")],
                "ops",
                bars_=True,
                empty="no refusal was seen",
                shade=ORANGE,
            ),
        ),
    )
    bytes_ = [
        (rate("nis2watch_gate_sent_bytes_total", "kind"), "sent to {{kind}}"),
        (rate("nis2watch_gate_received_bytes_total", "kind"), "received from {{kind}}"),
    ]
    page.line(
        9,
        (12, curves("Bytes by kind", "Payload in a second, by the kind of the asset.", bytes_, "Bps")),
        (
            12,
            curves(
                "Visits in flight",
                "Visits that run at the same time; one asset sees one at a time.",
                [(f"sum by (instance) (nis2watch_visits_in_flight{{{HERE}}})", "{{instance}}")],
            ),
        ),
    )
    page.row("Asset by asset")
    hour = total("nis2watch_gate_connections_total", "instance, asset", "1h")
    columns = {"asset": "asset", "zone": "zone", "kind": "kind", "transport": "transport", "Value": "connections"}
    each = total("nis2watch_gate_connections_total", "instance, asset, zone, kind, transport")
    page.line(
        12,
        (
            10,
            bars(
                "Connections in the last hour",
                "Fragile devices are allowed 60 in an hour unless their entry says otherwise; what is more is refused.",
                (f"topk(25, {hour})", "{{asset}} {{instance}}"),
                "short",
                steps(SKY),
                link=series_to_asset(),
            ),
        ),
        (
            14,
            table(
                "Connections by asset",
                "In the time shown, by transport.",
                each,
                columns,
                [by_name("connections", unit="short", decimals=0), linked("asset", to_asset())],
                "-connections",
            ),
        ),
    )
    reach = f"max by (instance, asset) (nis2watch_asset_reachable{{{HERE}}} * {ASSETS})"
    ago = f"topk(25, max by (instance, asset, zone) (time() - nis2watch_asset_last_visit_timestamp_seconds{{{HERE}}} * {ASSETS}))"
    page.line(
        10,
        (
            14,
            timeline(
                "Does it answer",
                "Whether any transport of an asset answered at its last visit.",
                reach,
                "{{asset}} {{instance}}",
                ANSWERS,
            ),
        ),
        (
            10,
            table(
                "Age of the last visit",
                "Assets that were not asked for longest come first.",
                ago,
                {"asset": "asset", "zone": "zone", "Value": "ago"},
                [by_name("ago", unit="s"), linked("asset", to_asset())],
                "-ago",
            ),
        ),
    )
    return page.build()
