"""Panels as values: each function returns the JSON of one panel, without its place on the page.

Colours come from the palette of Okabe and Ito, which people with any colour vision can tell apart; a colour never says
anything that a word beside it does not say too.
"""

GREEN, ORANGE, VERMILION, PURPLE, BLUE, GREY, SKY, YELLOW = (
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
    "#0072B2",
    "#999999",
    "#56B4E9",
    "#F0E442",
)
PALETTE = {GREEN, ORANGE, VERMILION, PURPLE, BLUE, GREY, SKY, YELLOW}
# in the order of nis2watch_check_state
STATES = [
    ("pass", GREEN),
    ("warn", ORANGE),
    ("fail", VERMILION),
    ("unknown", PURPLE),
    ("waived", BLUE),
    ("not applicable", GREY),
]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def mapping(names):
    """Texts and colours for the values 0, 1, 2 and so on."""
    options = {str(code): {"text": text, "color": color, "index": code} for code, (text, color) in enumerate(names)}
    return [{"type": "value", "options": options}]


STATE_NAMES = mapping(STATES)
# a table that is sorted by state or by severity sorts by these numbers: the higher, the sooner one should look
STATES_BY_URGENCY = [STATES[code] for code in (5, 0, 4, 1, 3, 2)]
SEVERITIES = [("info", GREY), ("low", BLUE), ("medium", SKY), ("high", ORANGE), ("critical", VERMILION)]
# series whose names are known; others take Grafana's colours in turn
BY_TRANSPORT = {
    "ssh": BLUE,
    "ssh_service": SKY,
    "snmp": GREEN,
    "tcp": GREY,
    "tls": PURPLE,
    "http": ORANGE,
    "mqtt": YELLOW,
    "opcua": VERMILION,
}
BY_CAUSE = {
    "no_data": GREY,
    "timeout": PURPLE,
    "privilege": BLUE,
    "gated": SKY,
    "protocol": ORANGE,
    "refused": GREEN,
    "auth": YELLOW,
    "stale": VERMILION,
}
BY_SEVERITY = dict(SEVERITIES)
ANSWERS = mapping([("silent", VERMILION), ("answers", GREEN)])
FLOWS = mapping([("stopped", VERMILION), ("flows", GREEN)])
NO_YES = mapping([("no", VERMILION), ("yes", GREEN)])


def steps(first, *more):
    """Thresholds: the colour below all of them, then pairs of a value and the colour from there on."""
    all_steps = [{"color": first, "value": None}] + [{"color": color, "value": value} for value, color in more]
    return {"mode": "absolute", "steps": all_steps}


SCORE = steps(VERMILION, (0.8, ORANGE), (0.95, GREEN))
NONE_IS_WELL = steps(GREEN, (1, VERMILION))
NEUTRAL = steps(GREY)


def targets(queries, instant, table=False):
    """Queries are texts, or pairs of a text and its legend."""
    made = []
    for ref, query in zip("ABCDEFGH", queries):
        expr, legend = query if isinstance(query, tuple) else (query, None)
        target = {
            "refId": ref,
            "datasource": SOURCE,
            "editorMode": "code",
            "expr": expr,
            "instant": instant,
            "range": not instant,
        }
        if legend:
            target["legendFormat"] = legend
        if table:
            target["format"] = "table"
        made.append(target)
    return made


def panel(kind, title, description, queries, instant, defaults, options, **more):
    """The parts that every panel has."""
    made = {"type": kind, "title": title, "description": description, "datasource": SOURCE}
    made["targets"] = targets(queries, instant, kind == "table")
    made["fieldConfig"] = {"defaults": defaults, "overrides": more.pop("overrides", [])}
    made["options"] = options
    return made | more


def stat(title, description, query, unit="short", thresholds=NEUTRAL, mappings=(), link=None, **more):
    """One number; `more` has its decimals, or the words for no answer (`noValue`)."""
    defaults = {"unit": unit, "thresholds": thresholds, "color": {"mode": "thresholds"}, "mappings": list(mappings)}
    if unit == "percentunit":
        defaults |= {"decimals": 1, "min": 0, "max": 1}
    if link:
        defaults["links"] = [link]
    defaults |= more
    options = {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "reduceOptions": LAST,
    }
    return panel("stat", title, description, [query], True, defaults, options)


def bars(title, description, query, unit, thresholds, maximum=None, link=None, empty=None):
    """A bar for each series."""
    defaults = {"unit": unit, "thresholds": thresholds, "color": {"mode": "thresholds"}, "min": 0}
    if unit == "short":
        defaults["decimals"] = 0
    if maximum is not None:
        defaults["max"] = maximum
    if link:
        defaults["links"] = [link]
    if empty:
        defaults["noValue"] = empty
    options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": True,
        "valueMode": "color",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "reduceOptions": LAST,
    }
    return panel("bargauge", title, description, [query], True, defaults, options)


def curves(title, description, queries, unit="short", stacked=False, bars_=False, empty=None, colors=None, shade=None, axis=True):
    """Time on the x axis; `colors` has those of series whose names are known, `shade` is that of all, and without an axis the
    numbers are not told."""
    custom = {
        "drawStyle": "bars" if bars_ else "line",
        "lineInterpolation": "stepAfter",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked or bars_ else 10,
        "showPoints": "never",
        "spanNulls": False,
    }
    if not axis:
        custom["axisPlacement"] = "hidden"
    custom["stacking"] = {"mode": "normal" if stacked or bars_ else "none", "group": "A"}
    defaults = {"unit": unit, "min": 0, "custom": custom, "color": {"mode": "palette-classic"}}
    if shade:
        defaults["color"] = {"mode": "shades", "fixedColor": shade}
    if unit == "short":
        defaults["decimals"] = 0
    if empty:
        defaults["noValue"] = empty
    options = {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    overrides = [colored(name, color) for name, color in (colors or {}).items()]
    return panel("timeseries", title, description, queries, False, defaults, options, overrides=overrides)


def by_name(name, **properties):
    """Settings of one column or series; a dot in a key is written as two underscores."""
    made = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": made}


def colored(name, color):
    """A series of a fixed colour."""
    return by_name(name, color={"mode": "fixed", "fixedColor": color})


def state_curves(title, description, query):
    """One stacked curve a state, in the colours of the states; `query` holds %d where the state goes."""
    queries = [(query % code, name) for code, (name, _) in enumerate(STATES)]
    return curves(title, description, queries, stacked=True, colors=dict(STATES))


def timeline(title, description, query, legend, mappings=STATE_NAMES, empty=None):
    """States over time, one line a series."""
    defaults = {
        "mappings": mappings,
        "color": {"mode": "thresholds"},
        "thresholds": NEUTRAL,
        "custom": {"lineWidth": 0, "fillOpacity": 80},
    }
    if empty:
        defaults["noValue"] = empty
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.9,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel("state-timeline", title, description, [(query, legend)], False, defaults, options)


def table(title, description, query, columns, overrides=(), sort=None, empty=None, transformations=None, widths=None):
    """Rows; `columns` maps labels to headings in order, and `Value` is the number; a column without a width takes what is left."""
    hidden = {name: True for name in ("Time", "__name__", "instance", "job", *HIDDEN) if name not in columns}
    order = {name: place for place, name in enumerate(columns)}
    organize = {
        "id": "organize",
        "options": {
            "excludeByName": hidden,
            "indexByName": order,
            "renameByName": {k: v for k, v in columns.items() if v != k},
        },
    }
    defaults = {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True}}
    if empty:
        defaults["noValue"] = empty
    options = {
        "cellHeight": "sm",
        "showHeader": True,
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
    }
    if sort:
        options["sortBy"] = [{"displayName": sort.lstrip("-"), "desc": sort.startswith("-")}]
    sized = [by_name(name, custom__width=width) for name, width in (widths or {}).items()]
    more = {"overrides": [*overrides, *sized], "transformations": transformations or [organize]}
    return panel("table", title, description, [query], True, defaults, options, **more)


# labels that stand in many answers and in few columns
HIDDEN = ("framework", "site", "vendor", "model", "version")


def matrix(title, description, query, row, column, headings=None, mappings=None, empty=None, overrides=()):
    """A table with the values of one label down and of another across; `headings` renames these, in order."""
    corner = {f"{row}\\{column}": row}
    names = corner | (headings or {})
    across = [
        {
            "id": "groupingToMatrix",
            "options": {"columnField": column, "rowField": row, "valueField": "Value", "emptyValue": "null"},
        },
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "indexByName": {name: place for place, name in enumerate(names)},
                "renameByName": {k: v for k, v in names.items() if v != k},
            },
        },
    ]
    made = table(title, description, query, {}, overrides, transformations=across, empty=empty, widths={row: 120})
    defaults = made["fieldConfig"]["defaults"]
    defaults["custom"]["cellOptions"] = {"type": "color-background", "mode": "basic"} if mappings else {"type": "auto"}
    if mappings:
        defaults |= {"mappings": mappings, "color": {"mode": "thresholds"}, "thresholds": steps("transparent")}
    return made


def hide(shown, *columns):
    """Leaves columns of a table out."""
    shown["transformations"][0]["options"]["excludeByName"] |= {name: True for name in columns}


def state_column(name):
    """A column of what `page.by_urgency` gives, in the colours and words of the states."""
    cell = {"type": "color-background", "mode": "basic"}
    return by_name(name, mappings=mapping(STATES_BY_URGENCY), custom__cellOptions=cell)


def severity_column(name):
    """A column of what `page.by_severity` gives, in words."""
    return by_name(name, mappings=mapping(SEVERITIES), custom__align="left")


def linked(name, *links):
    """A column whose cells lead somewhere."""
    return by_name(name, links=list(links))
