"""The rows of the run side, in groups: what is served is read, in turns with the same tree on ext4 and with the peers. A
group is a function of (host, fast, durable, runs)."""
import mmap
import os
import shutil

import artifacts
from artifacts import BIG_MIB
from measure import QUICK, Row, can_drop_caches, run
from peers import compare, laid

NAMES_MAX = 1000 if QUICK else 5000
PYTHON = "/usr/bin/python3"
PYTHON_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "requests", "certifi", "idna",
                   "chardet", "charset_normalizer", "cryptography", "OpenSSL", "six.py")
JARS = ("clojure", "spec.alpha", "core.specs.alpha")
FASTER = (">=", 1)


def names_below(root):
    return sorted(os.path.relpath(os.path.join(directory, name), root)
                  for directory, _, names in os.walk(root) for name in names)


def rows_of(title, ext4, peer, outcome):
    """One row against each place. ext4, peer: budgets."""
    times, problems = outcome
    ours = times.pop("ours")
    rows = [Row(title, name, peer if name != "ext4, unpacked" else ext4, ours, theirs, name != "ext4, unpacked")
            for name, theirs in times.items() if name not in problems]
    return rows + [Row(title, name, peer, ours, peer=True, problem=problem) for name, problem in problems.items()]


# ---- what is timed: functions of a root that return it ----

def by_path(work, names):
    """By whole paths, as they are found. At ours they have more components: run/, a link, .releases, the release."""
    return lambda root: lambda paths=tuple(os.path.join(root, name) for name in names): work(paths)


def from_inside(work, names):
    """With the tree as the working directory, which is what `vouchfs run` makes it."""
    def prepare(root):
        def timed():
            here = os.getcwd()
            os.chdir(root)
            try:
                work(names)
            finally:
                os.chdir(here)
        return timed
    return prepare


def read_all(paths):
    buffer = bytearray(artifacts.MIB)
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        try:
            while os.readv(fd, [buffer]) > 0:
                pass
        finally:
            os.close(fd)


def touch_mapped(paths):
    for path in paths:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            mapped[::mmap.PAGESIZE]  # pylint: disable=pointless-statement


def open_all(paths):
    for path in paths:
        os.close(os.open(path, os.O_RDONLY))


def stat_all(paths):
    for path in paths:
        os.stat(path)


def miss_all(paths):
    access = os.access
    for path in paths:
        access(path, os.F_OK)


# ---- the groups ----

def reads(host, fast, _, runs):
    """reading a big file below run/"""
    big = host.place("read.zip")
    artifacts.make_stored(big, BIG_MIB, 9)
    with laid(host, fast, "signed", host.sign(big)) as places:
        names = names_below(places[1].root)
        return (rows_of(f"sequential read of {BIG_MIB} MiB, warm", (">=", 0.97), FASTER,
                        compare(places, by_path(read_all, names), runs))
                + rows_of(f"mmap of {BIG_MIB} MiB, every page, warm", (">=", 0.97), FASTER,
                          compare(places, by_path(touch_mapped, names), runs)))


def tree(host, fast, _, runs):
    """a large tree of real files: names, and every file read"""
    archive = host.place("tree.zip")
    host.notes.append(f"The tree: {artifacts.make_real_tree(archive)}.")
    with laid(host, fast, "tree", host.sign(archive)) as places:
        names = names_below(places[1].root)
        title = f"every file of a tree, {len(names):,} files"
        rows = names_of_tree(places, names[::max(1, len(names) // NAMES_MAX)][:NAMES_MAX], runs)
        if can_drop_caches():
            rows += rows_of(title + ", cold", ("<=", 1.2), (">=", 3),
                            compare(places, by_path(read_all, names), runs, cold=True, many_files=True))
        return rows + rows_of(title + ", warm", ("<=", 1.5), (">=", 10),
                              compare(places, by_path(read_all, names), runs, many_files=True))


def names_of_tree(places, names, runs):
    absent = [name + ".not" for name in names]
    rows = []
    for form, suffix in (by_path, ""), (from_inside, ", from the working directory"):
        for title, work, of_those, ext4, peer in (
                ("open and close of {:,} files, warm", open_all, names, (">=", 0.5), (">=", 20)),
                ("stat of {:,} files, warm", stat_all, names, (">=", 0.6), FASTER),
                ("{:,} missing names, warm", miss_all, absent, (">=", 0.7), FASTER)):
            rows += rows_of(title.format(len(names)) + suffix, ext4, peer, compare(places, form(work, of_those), runs))
    return rows


def make_python(host):
    """boto3 and what it imports, with compiled files that do not ask for times."""
    root = host.place("python-packages")
    os.mkdir(root)
    for name in PYTHON_PACKAGES:
        source = f"/usr/lib/python3/dist-packages/{name}"
        if os.path.exists(source):
            run("cp", "-rL", source, root)
    run(PYTHON, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", root)
    return root


def start_python(root):
    script = f"import boto3, botocore; assert boto3.__file__.startswith({root!r})"
    environment = dict(os.environ, PYTHONPATH=root, PYTHONDONTWRITEBYTECODE="1")
    return lambda: run(PYTHON, "-c", script, env=environment)


def make_node(host):
    """All of Debian's packages for Node.js that are here, as one node_modules; eslint starts from it."""
    root = host.place("node-packages")
    os.mkdir(root)
    shutil.copytree("/usr/share/nodejs", f"{root}/node_modules", ignore_dangling_symlinks=True)
    return root


def start_node(root):
    script = ("const root = require('fs').realpathSync(process.argv[1]); require(root + '/node_modules/eslint');"
              "const strange = Object.keys(require.cache).filter(name => !name.startsWith(root));"
              "if (strange.length) throw new Error('loaded from elsewhere: ' + strange)")
    return lambda: run("node", "-e", script, root)


def make_java(host):
    root = host.place("java-packages")
    os.mkdir(root)
    for name in JARS:
        shutil.copy(f"/usr/share/java/{name}.jar", root)
    return root


def start_java(root):
    classes = ":".join(f"{root}/{name}.jar" for name in JARS)
    return lambda: run("java", "-cp", classes, "clojure.main", "-e", "nil")


RUNTIMES = (
    ("python", "python3 -c 'import boto3'", make_python, start_python),
    ("node", "node -e 'require(\"eslint\")'", make_node, start_node),
    ("java", "java -cp clojure.jar clojure.main", make_java, start_java),
)


def starts(host, fast, _, runs):
    """starting programs from run/"""
    rows = []
    for function, title, make, start in RUNTIMES:
        archive = host.place(f"{function}.zip")
        artifacts.make_tree(archive, make(host))
        with laid(host, fast, function, host.sign(archive)) as places:
            rows += rows_of(title + ", warm", ("<=", 1.10), FASTER,
                            compare(places, start, runs, many_files=True))
            if can_drop_caches() and function != "java":
                rows += rows_of(title + ", cold", ("<=", 1.5), FASTER,
                                compare(places, start, runs, cold=True, many_files=True))
    return rows


GROUPS = {"reads": reads, "tree": tree, "starts": starts}
