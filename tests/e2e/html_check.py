"""Checks pages of `vouchfs report --html`: well-formed, no script, nothing from elsewhere, tables that can be read out.

html_check.py FILE: says what is wrong and exits 1. As text on stdout: what a reader sees, a line a piece.
"""
import html.parser
import re
import sys

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav", "section", "a", "h1", "h2",
    "h3", "p", "ul", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "code", "span",
    "strong", "time", "details", "summary",
}
ATTRIBUTES = {
    "lang", "charset", "name", "content", "http-equiv", "class", "id", "href", "scope", "data-label", "datetime",
    "aria-label", "aria-labelledby",
}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.faults, self.text, self.ids, self.targets, self.policy = [], [], [], set(), set(), None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in ALLOWED:
            self.faults.append(f"<{tag}>")
        for name, value in attrs.items():
            if name not in ATTRIBUTES:
                self.faults.append(f"{tag} {name}=")
            if name == "id" and value in self.ids:
                self.faults.append(f"id {value} twice")
            if name == "href" and not value.startswith("#"):
                self.faults.append(f"href {value}")
        self.ids.add(attrs.get("id"))
        if "href" in attrs:
            self.targets.add(attrs["href"][1:])
        self.targets.update(attrs.get("aria-labelledby", "").split())
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]
        if tag == "th" and "scope" not in attrs:
            self.faults.append("th without scope")
        if tag == "tbody" and "caption" not in self.seen_in_table():
            self.faults.append("table without caption")
        if tag == "table":
            self.in_table = []
        elif self.open and "table" in self.open:
            self.in_table.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    in_table = []

    def seen_in_table(self):
        return self.in_table

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> within {self.open[-3:]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        if "style" in self.open:
            if re.search(r"url\(|@import|expression|//", data):
                self.faults.append("the style loads something")
        elif data.strip():
            self.text.append(data.strip())

    def handle_comment(self, data):
        self.faults.append("a comment")

    def check(self):
        faults = list(self.faults)
        if self.open:
            faults.append(f"never closed: {self.open}")
        if not self.policy or not re.fullmatch(
            r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'", self.policy
        ):
            faults.append(f"policy {self.policy}")
        if self.targets - self.ids - {""}:
            faults.append(f"leads nowhere: {self.targets - self.ids}")
        return faults


def main():
    source = open(sys.argv[1], encoding="utf-8", errors="strict").read()
    page = Page()
    page.feed(source)
    page.close()
    faults = page.check()
    if not source.startswith("<!DOCTYPE html>\n"):
        faults.append("no doctype")
    if re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f]", source):
        faults.append("a character that hides or turns text")
    for fault in faults:
        print("FAULT:", fault, file=sys.stderr)
    print("\n".join(page.text))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
