"""Every query of every panel against a Prometheus that has read a plant."""

import math
import re

import prometheus as server

LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
OURS = re.compile(r"\b(?:nis2watch|process)_\w+")
ONE_CHECK = re.compile(r'check="([\w-]+)"')


class Live:
    """The server with what is known to exist: metrics of the contract may be silent, others may not."""

    def __init__(self, prometheus, contract, chosen):
        self.prometheus, self.contract, self.chosen = prometheus, contract, chosen
        self.metrics = set(prometheus.get("/api/v1/label/__name__/values"))
        self.checks = set(prometheus.get("/api/v1/label/check/values"))

    def check(self, pages):
        """Everything that is wrong with these dashboards, with the number of queries that were asked."""
        wrong, asked = [], 0
        for name, page in pages.items():
            try:
                values = server.variables(page, self.prometheus, self.chosen)
            except ValueError as error:
                wrong.append(f"{name}: {error}")
                continue
            for panel in page["panels"]:
                for target in panel.get("targets", []):
                    asked += 1
                    what = self.wrong_target(panel, target, values)
                    wrong += [f"{name} {panel['title']!r} {target['refId']}: {what}"] if what else []
        return wrong, asked

    def wrong_target(self, panel, target, values):
        """What is wrong with one query, or nothing."""
        expr, legend = target["expr"], target.get("legendFormat", "")
        unknown = sorted(name for name in set(OURS.findall(expr)) - self.metrics if name not in self.contract)
        if unknown:
            return f"names {unknown}, which nobody exports"
        try:
            query = server.filled(expr, values)
            series = self.prometheus.ask(query, target["instant"])
            if self.prometheus.before_anything(query):
                return f"has an answer where nothing was ever seen [{query}]"
            server.filled(panel["title"], values)
        except ValueError as error:
            return f"{error} [{expr}]"
        points = [float(point[1]) for one in series for point in one.get("values", [one.get("value")])]
        if not points or all(math.isnan(point) for point in points):
            return None if self.may_be_silent(expr) else f"gives no data [{query}]"
        missing = [label for label in LEGEND.findall(legend) if not any(label in one["metric"] for one in series)]
        if missing:
            return f"its legend names {missing}, which no series has"
        names = [LEGEND.sub(lambda found, one=one: one["metric"].get(found[1], ""), legend) for one in series]
        if legend and len(set(names)) < len(names):
            return f"{len(names)} series share {len(set(names))} names in the legend"
        return None

    def may_be_silent(self, expr):
        """Whether a query asks for what this plant has not: a metric of the contract, or a check that nobody has."""
        later = any(check not in self.checks for check in ONE_CHECK.findall(expr))
        return later or any(name in self.contract for name in OURS.findall(expr))
