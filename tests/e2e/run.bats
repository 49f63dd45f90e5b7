#!/usr/bin/env bats
# What runtimes load: from run/<function>, always whole, always the bytes that were verified.

load lib

# Processes that a test starts in the background and has to end.
background=()
teardown() {
	[ ${#background[@]} = 0 ] || kill "${background[@]}" 2>/dev/null || true
	lib_teardown
}

@test "the tree of a release, and that it is read-only for everyone" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" app.py='print(1)' lib/x.py='x = 1' deep/er/y.txt=y
	cp "$T/a.zip" "$MAIN/"
	[ "$(readlink "$RUN")" = .releases/main/1 ]
	[ "$(ls "$RUN/")" = "$(printf 'code.zip\nopt\nrelease.json\ntask')" ]
	[ "$(cd "$RUN/task" && find . | sort)" = "$(printf '.\n./app.py\n./deep\n./deep/er\n./deep/er/y.txt\n./lib\n./lib/x.py')" ]
	[ -z "$(ls -A "$RUN/opt")" ]
	cmp "$T/a.zip" "$RUN/code.zip"
	[ "$(stat -c '%a %F' "$RUN/task/app.py")" = "444 regular file" ]
	[ "$(stat -c '%a %F' "$RUN/task/lib")" = "555 directory" ]
	run -1 touch "$RUN/task/new"
	[[ $output == *"Read-only file system"* ]]
	run -1 rm -f "$RUN/task/app.py"
	[[ $output == *"Read-only file system"* ]]
	[ "$(cat "$RUN/task/../task/./deep/er/y.txt")" = y ]
	[ ! -e "$RUN/task/nothing" ]
	[ ! -e "$MNT/run/relaxed" ]
	[ ! -e "$MNT/run/.releases/main/2" ]
}

@test "find, grep -r, tar, du, cp -a and diff work on it" {
	start_ready_mount </dev/null
	mkdir -p "$T/w/sub"
	seq 100000 >"$T/w/sub/numbers"
	echo needle >"$T/w/hay"
	head -c 1000000 /dev/urandom >"$T/w/noise"
	(cd "$T/w" && zip -q -r ../a.zip .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	diff -r "$T/w" "$RUN/task"
	[ "$(grep -rl needle "$RUN/task/")" = "$RUN/task/hay" ]
	tar -C "$RUN/task" -cf "$T/x.tar" .
	cp -a "$RUN/task" "$T/copy"
	diff -r "$T/w" "$T/copy"
	[ "$(du -s --apparent-size -B1 "$RUN/task/" | cut -f1)" -gt 1500000 ]
	dd if="$RUN/task/noise" of="$T/part" bs=777 skip=100 count=50 status=none
	cmp <(dd if="$T/w/noise" bs=777 skip=100 count=50 status=none) "$T/part"
	dd if="$RUN/task/noise" iflag=direct bs=64k status=none | cmp - "$T/w/noise"
}

@test "Python imports and runs from task, and runs code.zip" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" __main__.py='import mod; print("main", mod.value)' mod.py='value = 42'
	cp "$T/a.zip" "$MAIN/"
	[ "$(python3 "$RUN/task/__main__.py")" = "main 42" ]
	[ "$(PYTHONPATH=$RUN/task python3 -c 'import mod; print(mod.__file__)')" = "$RUN/task/mod.py" ]
	[ "$(python3 "$RUN/code.zip")" = "main 42" ]
}

@test "Node.js requires from task" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" index.js='console.log(require("dep").value)' \
		node_modules/dep/index.js='exports.value = 42' node_modules/dep/package.json='{"name":"dep","main":"index.js"}'
	cp "$T/a.zip" "$MAIN/"
	[ "$(node "$RUN/task/index.js")" = 42 ]
}

@test "Java runs code.zip as a JAR, and classes from task" {
	start_ready_mount </dev/null
	mkdir "$T/j"
	echo 'class Hello { public static void main(String[] a) { System.out.println("hello " + Hello.class.getResource("x.txt").getProtocol()); } }' >"$T/j/Hello.java"
	echo resource >"$T/j/x.txt"
	(cd "$T/j" && javac Hello.java && jar --create --file ../a.zip --main-class Hello Hello.class x.txt)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	[ "$(java -Xshare:auto -jar "$RUN/code.zip")" = "hello jar" ]
	[ "$(java -Xshare:auto -cp "$RUN/task" Hello)" = "hello file" ]
}

@test "a native executable runs, a shared object is mapped" {
	start_ready_mount </dev/null
	mkdir "$T/n"
	echo 'int answer(void); int answer(void) { return 42; }' >"$T/n/answer.c"
	echo 'int answer(void); int main(void) { return answer() == 42 ? 0 : 1; }' >"$T/n/main.c"
	(cd "$T/n" && cc -shared -fPIC -o libanswer.so answer.c && cc -o main main.c -L. -lanswer -Wl,-rpath,'$ORIGIN' && rm ./*.c)
	(cd "$T/n" && zip -q -r ../a.zip .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	"$RUN/task/main"
	[ "$(python3 -c 'import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).answer())' "$RUN/task/libanswer.so")" = 42 ]
}

@test "a process keeps the files of its release while three new ones are deployed" {
	stop_clock
	start_ready_mount </dev/null
	head -c 2000000 /dev/urandom >"$T/noise"
	local i
	for i in 1 2 3 4; do
		mkdir "$T/w$i" && cp "$T/noise" "$T/w$i/" && echo "$i" >"$T/w$i/marker"
		(cd "$T/w$i" && zip -q -0 -r "../$i.zip" .)
		sign_zip release "$T/$i.zip"
	done
	cp "$T/1.zip" "$MAIN/a.zip"
	mkfifo "$T/go"
	(cd "$RUN/task" && exec 5<noise && read -r _ <"$T/go" && cat marker && cmp - "$T/noise" <&5 && cmp noise "$T/noise" && pwd -P) >"$T/out" 2>&1 3>&- &
	background+=($!)
	for i in 2 3 4; do cp "$T/$i.zip" "$MAIN/a.zip"; done
	[ "$(cat "$RUN/task/marker")" = 4 ]
	[ "$(ls "$MNT/run/.releases/main")" = "$(printf '2\n3\n4')" ]
	pass_grace
	eventually test ! -e "$MNT/run/.releases/main/1"
	echo >"$T/go"
	wait "${background[0]}"
	[ "$(head -n 1 "$T/out")" = 1 ]
	[ "$(wc -l <"$T/out")" = 2 ]
	# once nobody uses it, its record goes
	echo 2 >/proc/sys/vm/drop_caches 2>/dev/null || true
	[ "$(id -u)" != 0 ] || eventually test ! -e "$STORE/functions/main/releases/1"
}

@test "the switch is atomic for readers in a tight loop, and seen as soon as cp is back" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a other=a
	mk_signed "$T/b.zip" marker=b other=b
	cp "$T/a.zip" "$MAIN/x.zip"
	python3 - "$RUN" "$T/stop" >"$T/out" 2>&1 3>&- <<-'END' &
		import os, sys
		run, stop = sys.argv[1:3]
		seen = set()
		while not os.path.exists(stop):
		    real = os.path.realpath(run)
		    one = open(real + "/task/marker").read()
		    two = open(real + "/task/other").read()
		    assert one == two, (one, two)
		    seen.add(one.strip())
		print(" ".join(sorted(seen)))
	END
	background+=($!)
	for _ in 1 2 3 4 5; do
		cp "$T/b.zip" "$MAIN/x.zip"
		[ "$(cat "$RUN/task/marker")" = b ]
		cp "$T/a.zip" "$MAIN/x.zip"
		[ "$(cat "$RUN/task/marker")" = a ]
	done
	touch "$T/stop"
	wait "${background[0]}"
	[ "$(cat "$T/out")" = "a b" ]
}

@test "a first deployment is seen although its absence had been cached" {
	start_ready_mount </dev/null
	[ ! -e "$RUN" ]
	[ -z "$(ls "$MNT/run")" ]
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	[ "$(cat "$RUN/task/marker")" = a ]
	[ "$(ls "$MNT/run")" = main ]
}

@test "a block of the store is changed on disk: EIO for that file, a record, everything else served" {
	start_ready_mount </dev/null
	mkdir "$T/w"
	head -c 50000 /dev/urandom >"$T/w/a"
	head -c 50000 /dev/urandom >"$T/w/b"
	(cd "$T/w" && zip -q -0 -r ../a.zip a b)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	mk_signed "$T/other.zip" marker=other
	cp "$T/other.zip" "$MNT/functions/relaxed/"
	local payload
	payload=$(find "$STORE/objects" -name payload -size +90k)
	chmod 0600 "$payload"
	printf 'XXXX' | dd of="$payload" bs=1 seek=20000 conv=notrunc status=none
	run -1 cat "$RUN/task/a"
	[[ $output == *"Input/output error"* ]]
	cmp "$T/w/b" "$RUN/task/b"
	[ "$(cat "$MNT/run/relaxed/task/marker")" = other ]
	run -1 cat "$RUN/code.zip"
	grep '"event":"page-check' "$STORE"/audit/*.jsonl | grep -q 'the stored bytes are not what was verified'
	[[ $(cat "$MNT/.vouchfs/status") == *"! main "*"    DAMAGED: "* ]]
	# the same artifact again heals it
	cp "$T/a.zip" "$MAIN/"
	cmp "$T/w/a" "$RUN/task/a"
}

@test "releases survive a restart, as they were" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	mk_zip "$T/u.zip" marker=unsigned
	cp "$T/a.zip" "$MAIN/"
	cp "$T/u.zip" "$MNT/functions/relaxed/"
	stop_mount
	start_mount
	[ "$(cat "$RUN/task/marker")" = a ]
	[ "$(cat "$MNT/run/relaxed/task/marker")" = unsigned ]
	[ "$(getfattr --absolute-names --only-values -n user.vouchfs.outcome "$MNT/run/relaxed/")" = warned ]
	cmp "$T/a.zip" "$MAIN/a.zip"
}

@test "names that are hard on shells and terminals are served as they are" {
	start_ready_mount </dev/null
	mkdir -p "$T/w/a dir"
	echo 1 >"$T/w/a dir/it's \"quoted\" \$x.txt"
	echo 2 >"$T/w/grüße.txt"
	python3 - "$T/w" "$T/a.zip" <<-'END'
		import os, sys, zipfile
		os.chdir(sys.argv[1])
		with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as z:
		    for folder, _, names in os.walk("."):
		        for name in names:
		            z.write(os.path.join(folder, name)[2:])
	END
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	diff -r "$T/w" "$RUN/task"
}
