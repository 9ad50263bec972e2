"""Reads the page of `status` strictly: what is not closed, twice there or from elsewhere is an error."""
import html.parser
import re

from harness import check

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(html.parser.HTMLParser):
    """`tables`: {caption: [{column: text}]}; `text`: what is read."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.tables, self.links, self.inputs, self.parts = [], [], {}, [], {}, []
        self._caption = self._columns = self._row = self._cell = None
        check(text.startswith("<!DOCTYPE html>"), text[:40])
        self.feed(text)
        self.close()
        check(not self.open, f"not closed: {self.open}")
        check(len(self.ids) == len(set(self.ids)), f"an id twice: {sorted(self.ids)}")
        for name in re.findall(r"aria-labelledby=\"([^\"]*)\"", text):
            check(name in self.ids, f"no id {name}")

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.parts))

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        check(len(names) == len(set(names)), f"an attribute twice: {attributes}")
        given = dict(attributes)
        check("style" not in given and not any(name.startswith("on") for name in names), f"inline: {attributes}")
        check(tag != "script" or given.get("src") == "/page.js", f"a script: {attributes}")
        check(tag not in ("style", "iframe", "object", "base"), f"<{tag}>")
        for name in ("href", "src", "action"):
            check(not given.get(name) or re.match(r"^(/(?!/)|#)", given[name]), f"leads elsewhere: {attributes}")
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if tag == "input":
            self.inputs[given["name"]] = given.get("value", "")
            check("label" in self.open, f"an input without a label: {attributes}")
        if tag not in VOID:
            self.open.append(tag)
        self._start_of_table(tag, given)

    def _start_of_table(self, tag, given):
        if tag == "caption":
            self._caption = []
        elif tag == "thead":
            self._columns = []
        elif tag == "tbody":
            check(self._caption is not None and self._columns, "a table without caption or columns")
            self.tables.setdefault(self._title(), [])
        elif tag == "tr" and "tbody" in self.open:
            self._row = []
        elif tag in ("th", "td"):
            check(tag == "td" or given.get("scope") in ("col", "row"), f"no scope: {given}")
            self._cell = []

    def _title(self):
        return re.sub(r"\s+", " ", "".join(self._caption)).strip()

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> within {self.open[-3:]}")
        self.open.pop()
        if tag in ("th", "td"):
            cell = re.sub(r"\s+", " ", "".join(self._cell)).strip()
            (self._columns if "thead" in self.open else self._row).append(cell)
            self._cell = None
        elif tag == "tr" and "tbody" in self.open:
            check(len(self._row) == len(self._columns), f"{self._row} in {self._columns}")
            self.tables[self._title()].append(dict(zip(self._columns, self._row)))

    def handle_data(self, text):
        if not {"script", "title"} & set(self.open):
            self.parts.append(text)
        if "caption" in self.open:
            self._caption.append(text)
        if self._cell is not None:
            self._cell.append(text)

    def table(self, caption):
        """The one whose caption begins so."""
        found = [rows for title, rows in self.tables.items() if title.startswith(caption)]
        check(len(found) == 1, f"{caption} is not one of {list(self.tables)}")
        return found[0]

    def services(self):
        return self.table("Services and their endpoints")
