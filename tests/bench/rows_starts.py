"""The rows of programs that start from what is served, in groups as in rows_run.py."""
import glob
import os
import shutil

import artifacts
from measure import QUICK, can_drop_caches, run
from peers import BARE, Comparison, KINDS, Zip, in_memory, laid
from rows_run import FASTER, rows_of

PYTHON = "/usr/bin/python3"
PYTHON_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "requests", "certifi", "idna",
                   "chardet", "charset_normalizer", "cryptography", "OpenSSL", "six.py")
ZIPPABLE = ("mpmath",) if QUICK else ("sympy", "mpmath")
JARS = ("clojure", "spec.alpha", "core.specs.alpha")


def make_python(host):
    """boto3 and what it imports, with compiled files that do not ask for times."""
    root = host.place("python-packages")
    os.mkdir(root)
    for name in PYTHON_PACKAGES:
        source = f"/usr/lib/python3/dist-packages/{name}"
        if os.path.exists(source):
            run("cp", "-rL", source, root)
    run(PYTHON, "-m", "compileall", "-q", "-f", "-j0", "--invalidation-mode", "unchecked-hash", root)
    return root


def start_import(root, modules):
    """Imports the modules, the first of which has to come from the root."""
    script = f"import {', '.join(modules)}; assert {modules[0]}.__file__.startswith({root!r})"
    environment = dict(os.environ, PYTHONPATH=root, PYTHONDONTWRITEBYTECODE="1")
    return lambda: run(PYTHON, "-c", script, env=environment)


def start_python(root):
    return start_import(root, ["boto3", "botocore"])


def make_zippable(host):
    """A package of nothing but Python that also starts from a ZIP: there, compiled files stand beside their sources."""
    root = host.place("zippable-packages")
    for name in ZIPPABLE:
        shutil.copytree(f"/usr/lib/python3/dist-packages/{name}", f"{root}/{name}",
                        ignore=shutil.ignore_patterns("tests", "__pycache__"))
    run(PYTHON, "-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash", root)
    for path in glob.glob(f"{root}/**/__pycache__/*.pyc", recursive=True):
        folder, name = os.path.split(path)
        shutil.copy(path, f"{os.path.dirname(folder)}/{name.split('.')[0]}.pyc")
    return root


def start_zippable(root):
    return start_import(root, [ZIPPABLE[0]])


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


class Program:
    """One that starts from packages in a tree. needs: files of its packages. reads_zips: what the runtime's own way to
    start from the ZIP is called."""

    def __init__(self, function, title, make, start, needs, kinds=(*KINDS, BARE), reads_zips=None, is_short=True):
        self.function, self.title, self.make, self.start, self.needs = function, title, make, start, needs
        self.kinds, self.reads_zips, self.is_short = kinds, reads_zips, is_short


PROGRAMS = (
    Program("python", "python3 -c 'import boto3'", make_python, start_python,
            ["/usr/lib/python3/dist-packages/boto3"]),
    Program("zippable", f"python3 -c 'import {ZIPPABLE[0]}'", make_zippable, start_zippable,
            [f"/usr/lib/python3/dist-packages/{name}" for name in ZIPPABLE], kinds=(BARE,), reads_zips="zipimport"),
    Program("node", "node -e 'require(\"eslint\")'", make_node, start_node,
            ["/usr/bin/node", "/usr/share/nodejs/eslint"]),
    Program("java", "java -cp clojure.jar clojure.main", make_java, start_java,
            ["/usr/bin/java", "/usr/share/java/clojure.jar"], is_short=False),
)


def rows_of_program(host, mount, program, runs):
    packages, archive = program.make(host), host.place(f"{program.function}.zip")
    artifacts.make_tree(archive, packages)
    with laid(host, mount, program.function, host.sign(archive), program.kinds) as places:
        if program.reads_zips:
            places.append(Zip(program.reads_zips, archive))
        rows = rows_of(program.title + ", warm", ("<=", 1.10), FASTER,
                       Comparison(places, program.start, runs, many_files=True))
        if can_drop_caches() and program.is_short:
            with in_memory(packages) as elsewhere:
                cold = Comparison(places, program.start, runs, cold=True, many_files=True, elsewhere=elsewhere)
            rows += rows_of(program.title + ", cold", ("<=", 1.5), FASTER, cold)
        return rows


def starts(host, fast, _, runs):
    """starting programs from run/"""
    rows = []
    for program in (one for one in PROGRAMS if not QUICK or one.reads_zips):
        missing = [path for path in program.needs if not os.path.exists(path)]
        if missing:
            host.notes.append(f"{program.title}: left out, there is no {missing[0]}.")
        else:
            rows += rows_of_program(host, fast, program, runs)
    return rows


GROUPS = {"starts": starts}
