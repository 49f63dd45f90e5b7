#!/usr/bin/env bats
# Real packages as content: a Python package with a C extension, an npm tree of thousands of files, Java libraries,
# programs of Debian; started as an ordinary user by `vouchfs run`, and as a unit starts them.

load lib

PYTHON=/usr/bin/python3 # the one that Debian's packages are for
JAVA=(java -XX:-UsePerfData -XX:TieredStopAtLevel=1)
unset PYTHONDONTWRITEBYTECODE PYTHONPATH NODE_PATH CLASSPATH JAVA_TOOL_OPTIONS

# Programs that print where each module or class that they are given comes from; "-" waits for a line.
setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/classes" "$BATS_FILE_TMPDIR/inner"
	cd "$BATS_FILE_TMPDIR" || return
	cat >where.py <<-'END'
		import importlib, sys
		for name in sys.argv[1:]:
		    if name == "-":
		        print("ready", flush=True)
		        sys.stdin.readline()
		        continue
		    print(name, importlib.import_module(name).__file__)
		with open("/proc/self/maps") as maps:
		    for path in sorted(line.split()[-1] for line in maps if "/.releases/" in line and " r-xp " in line):
		        print("runs", path)
	END
	cat >where.js <<-'END'
		const { readSync } = require('fs')
		for (const name of process.argv.slice(2)) {
		  if (name === '-') {
		    console.log('ready')
		    readSync(0, Buffer.alloc(9))
		    continue
		  }
		  require(name)
		  console.log(name, require.resolve(name))
		}
		console.log(Object.keys(require.cache).length, 'files')
	END
	cat >Where.java <<-'END'
		package app;
		public class Where {
		    public static void main(String[] names) throws Exception {
		        for (String name : names) {
		            if (name.equals("-")) {
		                System.out.println("ready");
		                System.in.read();
		                continue;
		            }
		            Class<?> found = Class.forName(name);
		            System.out.println(name + " " + found.getProtectionDomain().getCodeSource().getLocation().getPath());
		        }
		    }
		}
	END
	cat >Own.java <<-'END'
		package app;
		import java.io.File;
		import java.net.URL;
		import java.net.URLClassLoader;
		public class Own {
		    static {
		        try {
		            URL task = new File(System.getenv("LAMBDA_TASK_ROOT")).toURI().toURL();
		            ClassLoader loader = new URLClassLoader(new URL[] {task}, null);
		            System.out.println("loaded " + (loader.loadClass("app.Where") != Where.class));
		            System.out.println(new String(loader.getResourceAsStream("app/words.txt").readAllBytes()).trim());
		        } catch (Exception e) {
		            throw new IllegalStateException(e);
		        }
		    }
		}
	END
	echo 'package inner; public class Inner {}' >Inner.java
	javac -d classes Where.java Own.java
	javac -d inner Inner.java
	echo "some words" >classes/app/words.txt
}

# Processes that a test starts in the background and has to end.
background=()
teardown() {
	[ ${#background[@]} = 0 ] || kill "${background[@]}" 2>/dev/null || true
	lib_teardown
}

# Functions "app" and "other", blocked on load where they do not pass; layers "base" and "tools".
start_packages() {
	start_ready_mount <<-END
		[code-signing-config guarded]
		allowed_publisher = arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release
		untrusted_artifact_on_deployment = Enforce
		untrusted_artifact_on_load = Enforce
		[function app]
		code_signing_config = guarded
		[function other]
		code_signing_config = guarded
		[layer base]
		[layer tools]
	END
	APP=$MNT/run/.releases/app
	OTHER=$MNT/run/.releases/other
	chmod 0644 "$CONF"
	cp "$VOUCHFS" "$T/vouchfs"
}

# put FOLDER SLOT: as a signed ZIP
put() {
	rm -f "$T/put.zip"
	(cd "$1" && zip -q -r "$T/put.zip" .)
	sign_zip release "$T/put.zip"
	cp "$T/put.zip" "$MNT/$2/put.zip"
}

# package_files PACKAGE FOLDER OUT: the files that an installed package has below a folder
package_files() {
	mkdir -p "$3"
	dpkg -L "$1" | sed -n "s|^$2/||p" | tar -C "$2" --no-recursion -c -T - | tar -C "$3" -x
}

# needed_library PROGRAM NAME: the path of a library that a program is linked with
needed_library() { ldd "$1" | awk -v name="$2" 'index($1, name) == 1 { print $3 }'; }

as_ordinary() {
	if [ "$(id -u)" = 0 ]; then as_user "$@"; else "$@"; fi
}

# started FUNCTION COMMAND ...: as an ordinary user
started() {
	local function=$1
	shift
	as_ordinary "$T/vouchfs" run "$function" -- "$@"
}

# as_unit FUNCTION COMMAND ...: as a unit starts it whose EnvironmentFile= `vouchfs env --systemd` wrote
as_unit() {
	"$VOUCHFS" env "$1" --systemd >"$T/unit.env"
	shift
	as_ordinary env -i PATH=/usr/bin:/bin sh -c 'set -a; . "$0"; cd "$LAMBDA_TASK_ROOT"; exec "$@"' "$T/unit.env" "$@"
}

# says COMMAND ... <<EXPECTED: exactly that, with nothing to complain of
says() {
	local expected
	expected=$(cat)
	run -0 "$@" </dev/null
	diff <(printf '%s\n' "$expected") <(printf '%s\n' "$output")
}

# Markupsafe as code; yaml in one layer, the library that its extension is linked with in another.
put_python() {
	package_files python3-markupsafe /usr/lib/python3/dist-packages "$T/code"
	cp "$BATS_FILE_TMPDIR/where.py" "$T/code/"
	package_files python3-yaml /usr/lib/python3/dist-packages "$T/yaml/python"
	mkdir -p "$T/libraries/lib"
	cp -L "$(needed_library "$T"/yaml/python/yaml/_yaml*.so libyaml)" "$T/libraries/lib/libyaml-0.so.2"
	put "$T/yaml" layers/base
	put "$T/libraries" layers/tools
	put "$T/code" functions/app
	printf 'base:1\ntools:1\n' >"$MNT/functions/app/layers"
}

@test "Python: packages with C extensions, mapped from the mount, and their library from a layer" {
	start_packages
	put_python
	put "$T/code" functions/other
	printf 'tools:1\nbase:1\n' >"$MNT/functions/other/layers"
	local function at ending
	ending=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
	for function in app other; do
		at=$MNT/run/.releases/$function/2
		for how in started as_unit; do
			says "$how" "$function" "$PYTHON" where.py markupsafe._speedups yaml._yaml <<-END
				markupsafe._speedups $at/task/markupsafe/_speedups$ending
				yaml._yaml $at/opt/python/yaml/_yaml$ending
				runs $at/opt/lib/libyaml-0.so.2
				runs $at/opt/python/yaml/_yaml$ending
				runs $at/task/markupsafe/_speedups$ending
			END
		done
	done
	[ "$APP/2/opt/lib/libyaml-0.so.2" -ef "$OTHER/2/opt/lib/libyaml-0.so.2" ]
	says started app "$PYTHON" -c 'import markupsafe, yaml; print(markupsafe.escape("<b>"), yaml.load("a: [1, 2]", yaml.CSafeLoader))' \
		<<<"&lt;b&gt; {'a': [1, 2]}"
	run -0 started app ldd "$APP/2/opt/python/yaml/_yaml$ending"
	[[ $output == *"libyaml-0.so.2 => $APP/2/opt/lib/libyaml-0.so.2"* ]]
}

@test "Python: resources, caches that cannot be written and those that were deployed, ZIPs that are run" {
	start_packages
	mkdir -p "$T/code/pack/data"
	echo 'value = 42' >"$T/code/pack/__init__.py"
	echo 'value = 43' >"$T/code/plain.py"
	echo "some words" >"$T/code/pack/data/words.txt"
	cat >"$T/code/__main__.py" <<-'END'
		import importlib.resources, os, pack, pkgutil, plain
		print(pack.value, plain.value)
		print(pkgutil.get_data("pack", "data/words.txt").decode(), end="")
		print(importlib.resources.files("pack").joinpath("data", "words.txt").read_text(), end="")
		print([module.name for module in pkgutil.iter_modules([os.path.dirname(pack.__path__[0])])])
	END
	"$PYTHON" -m compileall -q "$T/code/pack" # one has its cache, the other one has none
	put "$T/code" functions/app
	local expected
	expected=$(printf "42 43\nsome words\nsome words\n['__main__', 'pack', 'plain']")
	says started app "$PYTHON" . <<<"$expected"
	says as_unit app "$PYTHON" ../code.zip <<<"$expected"
	run -0 started app "$PYTHON" -v -c 'import pack, plain'
	[[ $output == *"matches $APP/1/task/pack/__init__.py"* ]]
	[[ $output != *"Traceback"* ]]
	[ ! -e "$APP/1/task/__pycache__" ]
	run -1 "$PYTHON" -m compileall "$APP/1/task/plain.py"
	[[ $output == *"Read-only file system"* ]]
	says env PYTHONPYCACHEPREFIX="$T/caches" "$PYTHON" -c "import sys; sys.path.insert(0, '$APP/1/task'); import plain" </dev/null
	[ "$(find "$T/caches" -name 'plain.*.pyc' | wc -l)" = 1 ]
	"$PYTHON" -m zipfile -t "$APP/1/code.zip"
	diff <("$PYTHON" -m zipfile -l "$T/put.zip") <("$PYTHON" -m zipfile -l "$APP/1/code.zip")
	diff <(unzip -v "$T/put.zip" | tail -n +2) <(unzip -v "$APP/1/code.zip" | tail -n +2)
}

# How many files Node.js loads where Debian has installed the packages.
as_debian_has() { NODE_PATH=/usr/share/nodejs node "$BATS_FILE_TMPDIR/where.js" "$@" | tail -n 1; }

# put_semver DIR: with what it needs, where it needs it: Debian 12's needs both, later ones less.
put_semver() {
	local name
	cp -rL /usr/share/nodejs/semver "$1/"
	for name in lru-cache yallist; do
		[ ! -e "/usr/share/nodejs/$name" ] || cp -rL "/usr/share/nodejs/$name" "$1/"
	done
}

@test "Node.js: a tree of thousands of files, packages of a layer that two functions share, JSON, an addon" {
	start_packages
	mkdir -p "$T/code/node_modules" "$T/layer/nodejs/node_modules" "$T/thin"
	cp -r /usr/share/nodejs/core-js "$T/code/node_modules/"
	mkdir "$T/code/node_modules/of-app" # Debian's Node.js finds core-js where Debian has installed it, too
	touch "$T/code/node_modules/of-app/index.js"
	cp "$BATS_FILE_TMPDIR/where.js" "$T/code/"
	cp "$BATS_FILE_TMPDIR/where.js" "$T/thin/"
	put_semver "$T/layer/nodejs/node_modules"
	put "$T/layer" layers/base
	put "$T/code" functions/app
	put "$T/thin" functions/other
	echo base:1 | tee "$MNT/functions/app/layers" >"$MNT/functions/other/layers"
	diff -r "$T/code" "$APP/2/task"
	[ "$(find "$APP/2/task/" -type f | wc -l)" -gt 3000 ]

	says started app node where.js core-js/full semver core-js/package.json <<-END
		core-js/full $APP/2/task/node_modules/core-js/full/index.js
		semver $APP/2/opt/nodejs/node_modules/semver/index.js
		core-js/package.json $APP/2/task/node_modules/core-js/package.json
		$(as_debian_has core-js/full semver core-js/package.json)
	END
	says as_unit other node where.js semver <<-END
		semver $OTHER/2/opt/nodejs/node_modules/semver/index.js
		$(as_debian_has semver)
	END
	says started other node -p 'require("semver").coerce("v3.4").version' <<<3.4.0
	started app node where.js of-app
	run -1 started other node where.js of-app
	[[ $output == *"Cannot find module 'of-app'"* ]]
}

# The few symbols of Node-API that are used, so that its headers are not needed.
@test "Node.js: a native addon" {
	start_packages
	mkdir -p "$T/code/build"
	cat >"$T/addon.c" <<-'END'
		extern int napi_create_int32(void *env, int value, void **ret_value);
		void *napi_register_module_v1(void *env, void *exports);
		void *napi_register_module_v1(void *env, void *exports)
		{
			void *value = exports;
			return napi_create_int32(env, 42, &value) == 0 ? value : exports;
		}
	END
	cc -shared -fPIC -o "$T/code/build/answer.node" "$T/addon.c"
	echo 'console.log(require("./build/answer"), require("./build/answer.node"))' >"$T/code/index.js"
	put "$T/code" functions/app
	says started app node index.js <<<"42 42"
	says as_unit app node . <<<"42 42"
}

# Classes as code, a JAR among them, a library of Debian in a layer.
put_java() {
	mkdir -p "$T/code/lib" "$T/layer/java/lib"
	cp -r "$BATS_FILE_TMPDIR/classes/." "$T/code/"
	jar --create --file "$T/code/lib/inner.jar" -C "$BATS_FILE_TMPDIR/inner" .
	cp -L /usr/share/java/commons-lang3.jar "$T/layer/java/lib/"
	put "$T/layer" layers/base
	put "$T/code" functions/app
	echo base:1 >"$MNT/functions/app/layers"
}

@test "Java: classes, a JAR among them, one of a layer, a loader of one's own, and the artifact itself" {
	start_packages
	put_java
	local how
	for how in started as_unit; do
		says "$how" app "${JAVA[@]}" app.Where app.Own inner.Inner org.apache.commons.lang3.StringUtils <<-END
			loaded true
			some words
			app.Own $APP/2/task/
			inner.Inner $APP/2/task/lib/inner.jar
			org.apache.commons.lang3.StringUtils $APP/2/opt/java/lib/commons-lang3.jar
		END
	done
	jar --create --file "$T/put.jar" --main-class app.Where -C "$BATS_FILE_TMPDIR/classes" .
	sign_zip release "$T/put.jar"
	cp "$T/put.jar" "$MNT/functions/other/put.zip"
	says started other "${JAVA[@]}" -jar ../code.zip app.Where <<<"app.Where $OTHER/1/code.zip"
	says started other "${JAVA[@]}" -cp ../code.zip app.Where app.Where <<<"app.Where $OTHER/1/code.zip"
}

@test "programs: a static one, and one of Debian with its library from a layer" {
	start_packages
	mkdir -p "$T/code" "$T/layer/lib" "$T/layer/bin"
	printf '#include <stdio.h>\nint main(int c, char **v) { return printf("%%s %%d\\n", v[c - 1], c) < 0; }\n' >"$T/main.c"
	cc -static -o "$T/code/bootstrap" "$T/main.c"
	cp "$(command -v bsdtar)" "$T/layer/bin/listed"
	cp -L "$(needed_library "$T/layer/bin/listed" libarchive)" "$T/layer/lib/libarchive.so.13"
	put "$T/layer" layers/base
	put "$T/code" functions/app
	put "$T/code" functions/other
	echo base:1 | tee "$MNT/functions/app/layers" >"$MNT/functions/other/layers"
	local function
	for function in app other; do
		says started "$function" ./bootstrap one <<<"one 2"
		says as_unit "$function" "$MNT/run/$function/task/bootstrap" <<<"$MNT/run/$function/task/bootstrap 1"
		says started "$function" listed -tf ../code.zip bootstrap <<<bootstrap # found by PATH
		run -0 started "$function" env LD_DEBUG=libs listed --version
		[[ $output == *"calling init: $MNT/run/.releases/$function/2/opt/lib/libarchive.so.13"* ]]
	done
}

# begin NAME COMMAND ...: in the background; what it says goes to $T/NAME.out, it waits until $T/NAME.go is written
begin() {
	local name=$1
	shift
	mkfifo "$T/$name.go"
	"$@" <"$T/$name.go" >"$T/$name.out" 2>&1 3>&- &
	background+=($!)
}

is_ready() { grep -qx ready "$T/$1.out"; }

@test "new releases while they run: each loads the rest of its own, and what starts next the new one" {
	start_packages
	put_python
	mkdir -p "$T/all"
	cp -r "$T/code/." "$BATS_FILE_TMPDIR/classes/." "$BATS_FILE_TMPDIR/where.js" "$T/all/"
	mkdir -p "$T/all/lib" "$T/all/node_modules"
	put_semver "$T/all/node_modules"
	jar --create --file "$T/all/lib/inner.jar" -C "$BATS_FILE_TMPDIR/inner" .
	put "$T/all" functions/app
	[ "$(readlink "$MNT/run/app")" = .releases/app/3 ]
	begin python started app "$PYTHON" where.py markupsafe - yaml._yaml markupsafe._speedups
	begin node started app node where.js semver/classes/semver - semver
	begin java started app "${JAVA[@]}" app.Where - inner.Inner app.Own
	exec 5>"$T/python.go" 6>"$T/node.go" 7>"$T/java.go"
	for name in python node java; do eventually is_ready "$name"; done

	mkdir "$T/next"
	echo 'print("next")' >"$T/next/where.py"
	put "$T/next" functions/app # without any of it, then without layers: two releases later
	rm "$MNT/functions/app/layers"
	says started app "$PYTHON" where.py <<<next
	[ "$(readlink "$MNT/run/app")" = .releases/app/5 ]
	[ ! -e "$MNT/run/app/opt/python" ]
	echo | tee /dev/fd/5 /dev/fd/6 >&7
	exec 5>&- 6>&- 7>&-
	for pid in "${background[@]}"; do wait "$pid"; done
	background=()
	grep -q "^yaml._yaml $APP/3/opt/python/yaml/_yaml" "$T/python.out"
	grep -q "^runs $APP/3/opt/lib/libyaml-0.so.2" "$T/python.out"
	grep -q "^semver $APP/3/task/node_modules/semver/index.js" "$T/node.out"
	grep -q "^inner.Inner $APP/3/task/lib/inner.jar" "$T/java.out"
	grep -q '^some words' "$T/java.out"
}
