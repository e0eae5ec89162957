"""What a Prometheus answers, and Grafana's variables put into queries as Grafana would."""

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request

VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")


class Prometheus:
    """A server, the seconds that a dashboard shows of it, its scrape interval, and a moment at which something was wrong."""

    def __init__(self, url, window, scrape, trouble=None, now=None):
        self.url, self.window, self.scrape, self.now = url.rstrip("/"), window, scrape, now or time.time()
        self.moments = [self.now, trouble] if trouble else [self.now]

    def get(self, path, **query):
        """The data of one answer; a ValueError says what Prometheus complains of."""
        try:
            with urllib.request.urlopen(
                f"{self.url}{path}?{urllib.parse.urlencode(query, doseq=True)}", timeout=30
            ) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", str(error))) from None

    def ask(self, query, instant):
        """The series of an answer; at one moment now, or if there is none then, when something was wrong."""
        if not instant:
            return self.get(
                "/api/v1/query_range", query=query, start=self.now - self.window, end=self.now, step=self.interval()
            )["result"]
        answers = (self.get("/api/v1/query", query=query, time=moment)["result"] for moment in self.moments)
        return next((series for series in answers if series), [])

    def before_anything(self, query):
        """The answer at a time of which Prometheus knows nothing: any would be made up."""
        return self.get("/api/v1/query", query=query, time=self.now - 30 * 86400)["result"]

    def interval(self):
        """Seconds between two points of a panel."""
        return max(self.scrape, self.window // 200)

    def built_in(self):
        """Variables that Grafana always has."""
        step = self.interval()
        return {
            "__interval": [f"{step}s"],
            "__rate_interval": [f"{max(4 * self.scrape, step + self.scrape)}s"],
            "__range": [f"{self.window}s"],
            "__range_s": [str(self.window)],
        }

    def values(self, query):
        """The values of a variable of the form label_values(series, label)."""
        found = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", query, re.S)
        if not found:
            raise ValueError(f"{query} is not label_values(series, label)")
        return self.get(
            f"/api/v1/label/{found[2]}/values",
            **{"match[]": found[1], "start": self.now - self.window, "end": self.now},
        )


def filled(text, values):
    """The text with every variable in place; one that nobody defined is a ValueError, because it would match nothing in silence."""

    def value(found):
        name, form = found[1] or found[3], found[2]
        if name not in values:
            raise ValueError(f"nobody defines ${name}")
        chosen = values[name]
        if len(chosen) == 1 and form != "regex":
            return chosen[0]
        # in a string of PromQL a backslash is written twice
        return "(" + "|".join(re.escape(each).replace("\\", "\\\\") for each in chosen) + ")"

    return VARIABLE.sub(value, text)


def variables(dashboard, prometheus, chosen):
    """Names with their values: one of a single choice (`chosen` says which), all of a multiple one."""
    values = prometheus.built_in()
    for variable in dashboard["templating"]["list"]:
        name, kind, query = variable["name"], variable["type"], variable["query"]
        if kind == "datasource":
            values[name] = ["prometheus"]
        elif kind == "textbox":
            values[name] = [query]
        else:
            found = prometheus.values(filled(query["query"], values))
            if not found:
                raise ValueError(f"the variable {name} has no value")
            current = chosen.get(name, variable["current"].get("value"))
            values[name] = found if variable["multi"] else [current if current in found else found[0]]
    return values
