"""A store of very many functions, written from a few that were really deployed: the same records with another name and
other ids. What binds a record to its place is its place, its ids and its checksum, so the store is as a deployment of
each would have left it."""
import hashlib
import os
import re

ID_FIRST = 1 << 28  # above what a store that was deployed into has given


def seal(body):
    return body + b"sha256: " + hashlib.sha256(body).hexdigest().encode() + b"\n"


def body_of(text):
    return text[:text.rindex(b"sha256: ")]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)


class Template:
    """What a function with one release has in the store."""

    def __init__(self, store, function):
        self.function = function.encode()
        self.store = store
        place = f"{store}/functions/{function}"
        self.files = {name: read(f"{place}/{name}") for name in ("slot", "note", "current", "releases/1")}
        digest = re.search(rb"^object: ([0-9a-f]+)$", self.files["releases/1"], re.M).group(1).decode()
        self.object = f"{store}/objects/{digest[:2]}/{digest}"

    def _renamed(self, name, function, first_id):
        text = body_of(self.files[name])
        text = text.replace(b"functions/" + self.function, b"functions/" + function)
        text = text.replace(b"\nfunction: " + self.function + b"\n", b"\nfunction: " + function + b"\n", 1)
        number = first_id if name == "slot" else first_id + 1
        return seal(re.sub(rb"^id: \d+$", b"id: %d" % number, text, count=1, flags=re.M))

    def copy(self, function, first_id):
        place = f"{self.store}/functions/{function}"
        os.mkdir(place, 0o700)
        os.mkdir(f"{place}/releases", 0o700)
        for name in self.files:
            write(f"{place}/{name}", self._renamed(name, function.encode(), first_id))
        write(f"{self.object}/ref.{function}", b"")


def fill(store, templates, first, names):
    """Adds a function for each name to a store that nobody has mounted, with the releases of the Templates in turn.
    first: how many were added before."""
    count = first
    for count, name in enumerate(names, first + 1):
        templates[count % len(templates)].copy(name, ID_FIRST + 2 * count)
    path = f"{store}/next-id"
    os.unlink(path)
    write(path, seal(b"vouchfs-text: 1\nplace: next-id\n\n%d\n" % (ID_FIRST + 2 * count + 2)))
