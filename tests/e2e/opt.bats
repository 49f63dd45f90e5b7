#!/usr/bin/env bats
# What layers bring: merged below run/<function>/opt, and found there by runtimes.

load lib

# An account; functions "main" and "other" (Enforce), layers "base" and "tools".
start_with_layers() {
	start_ready_mount <<-END
		[code-signing-config second]
		allowed_publisher = arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release
		untrusted_artifact_on_deployment = Enforce
		untrusted_artifact_on_load = Enforce
		[function other]
		code_signing_config = second
		[layer base]
		[layer tools]
	END
	OTHER=$MNT/run/other
}

# publish LAYER NAME=CONTENT ...
publish() {
	local layer=$1
	shift
	mk_signed "$T/layer.zip" "$@"
	cp "$T/layer.zip" "$MNT/layers/$layer/new.zip"
}

# publish_tree LAYER DIR: modes are kept
publish_tree() {
	rm -f "$T/layer.zip"
	(cd "$2" && zip -q -r "$T/layer.zip" .)
	sign_zip release "$T/layer.zip"
	cp "$T/layer.zip" "$MNT/layers/$1/new.zip"
}

# attach FUNCTION LAYER:VERSION ...: lowest first
attach() {
	local function=$1
	shift
	printf '%s\n' "$@" >"$MNT/functions/$function/layers"
}

# deploy FUNCTION NAME=CONTENT ...
deploy() {
	local function=$1
	shift
	mk_signed "$T/code.zip" "$@"
	cp "$T/code.zip" "$MNT/functions/$function/code.zip"
}

@test "later over earlier, folders merged, a file in the way of a folder wins wholly" {
	start_with_layers
	publish base python/lib.py='old = 1' python/both.py='value = "base"' conflict/a=a conflict/b=b
	publish tools python/both.py='value = "tools"' python/more.py='more = 1' conflict='a file'
	deploy main app.py='import both; print(both.value)'
	attach main base:1 tools:1
	[ "$(cd "$RUN/opt" && find . | sort)" = "$(printf '%s\n' . ./conflict ./python ./python/both.py ./python/lib.py ./python/more.py)" ]
	[ "$(cat "$RUN/opt/conflict")" = "a file" ]
	[ "$(cat "$RUN/opt/python/both.py")" = 'value = "tools"' ]
	[ "$(stat -c '%a %F' "$RUN/opt/python")" = "555 directory" ]
	[ ! -e "$RUN/opt/conflict/a" ]
	[ ! -e "$RUN/opt/nothing" ]
	run -1 touch "$RUN/opt/new"
	[[ $output == *"Read-only file system"* ]]
	[ "$(getfattr --only-values -n user.vouchfs.hidden "$RUN/opt")" = "conflict: a folder of base:1 (2 files), hidden by tools:1" ]
	[ "$(getfattr --only-values -n user.vouchfs.layer "$RUN/opt/python/lib.py")" = base:1 ]
	[ "$(getfattr --only-values -n user.vouchfs.layer "$RUN/opt/python/both.py")" = tools:1 ]
	run -0 "$VOUCHFS" run main -- python3 app.py
	[ "$output" = tools ]
}

@test "find, grep -r, tar, du, cp -a, rsync and diff work on opt" {
	start_with_layers
	mkdir -p "$T/w/deep/er/empty" "$T/w/bin"
	seq 100000 >"$T/w/deep/numbers"
	echo needle >"$T/w/deep/er/hay"
	head -c 1000000 /dev/urandom >"$T/w/noise"
	printf '#!/bin/sh\necho tool\n' >"$T/w/bin/tool"
	chmod 0755 "$T/w/bin/tool"
	for i in {1..500}; do echo "$i" >"$T/w/deep/f$i"; done
	find "$T/w" -exec touch -d '2026-02-03 04:05:06 UTC' {} +
	publish_tree base "$T/w"
	publish tools other=1
	deploy main x=1
	attach main base:1 tools:1
	echo 1 >"$T/w/other"
	diff -r "$T/w" "$RUN/opt"
	[ "$(find "$RUN/opt/" -type f | wc -l)" = 505 ]
	[ "$(grep -rl needle "$RUN/opt/")" = "$RUN/opt/deep/er/hay" ]
	tar -C "$RUN/opt" -cf "$T/x.tar" .
	mkdir "$T/x"
	tar -C "$T/x" -xf "$T/x.tar"
	diff -r "$T/w" "$T/x"
	cp -a "$RUN/opt" "$T/copy"
	diff -r "$T/w" "$T/copy"
	rsync -a "$RUN/opt/" "$T/synced/"
	diff -r "$T/w" "$T/synced"
	[ "$(stat -c '%a %Y' "$T/copy/bin/tool")" = "555 $(date -d '2026-02-03 04:05:06 UTC' +%s)" ]
	[ "$(stat -c %Y "$RUN/opt/deep")" = "$(stat -c %Y "$T/w/deep")" ]
	[ "$(du -s --apparent-size -B1 "$RUN/opt/" | cut -f1)" -gt 1500000 ]
}

@test "Python, Node.js, a program and a shared object are found through layers" {
	local here
	here=python$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	start_with_layers
	mkdir -p "$T/l/bin" "$T/l/lib" "$T/l/nodejs/node_modules/dep" "$T/l/python/lib/$here/site-packages"
	echo 'int answer(void) { return 42; }' >"$T/answer.c"
	gcc -shared -fPIC -o "$T/l/lib/libanswer.so" "$T/answer.c"
	echo 'int answer(void); int main(void) { return answer(); }' >"$T/main.c"
	gcc -o "$T/l/bin/ask" "$T/main.c" -L"$T/l/lib" -lanswer
	echo 'exports.value = 42' >"$T/l/nodejs/node_modules/dep/index.js"
	echo 'value = 42' >"$T/l/python/mod.py"
	echo 'value = 43' >"$T/l/python/lib/$here/site-packages/site_mod.py"
	publish_tree base "$T/l"
	deploy main app.py='import mod, site_mod; print(mod.value, site_mod.value)' index.js='console.log(require("dep").value)'
	attach main base:1
	run -0 "$VOUCHFS" run main -- python3 app.py
	[ "$output" = "42 43" ]
	run -0 "$VOUCHFS" run main -- node index.js
	[ "$output" = 42 ]
	run -42 "$VOUCHFS" run main -- ask
	run -0 "$VOUCHFS" run main -- python3 -c 'import ctypes; print(ctypes.CDLL("libanswer.so").answer())'
	[ "$output" = 42 ]
	run -0 "$VOUCHFS" env main --systemd
	[[ $output == *"LD_LIBRARY_PATH=\"$MNT/run/.releases/main/"*"/opt/lib\""* ]]
	[[ $output == *"PYTHONPATH=\""*"/task:"*"/opt/python/lib/$here/site-packages:"*"/opt/python\""* ]]
	[[ $output == *"NODE_PATH=\""*"/opt/nodejs/node_modules:"* ]]
}

# As readdir has it.
listed_inode() {
	python3 -c 'import os, sys; print(*(e.inode() for e in os.scandir(sys.argv[1]) if e.name == sys.argv[2]))' "$@"
}

@test "a layer's file is one inode in two functions; other layers, another file" {
	start_with_layers
	publish base f=base g=1
	publish tools f=tools
	deploy main x=1
	deploy other x=1
	attach main base:1
	attach other base:1 tools:1
	[ "$(stat -c %i "$RUN/opt/g")" = "$(stat -c %i "$OTHER/opt/g")" ]
	[ "$RUN/opt/g" -ef "$OTHER/opt/g" ]
	[ "$(stat -c %i "$RUN/opt/f")" != "$(stat -c %i "$OTHER/opt/f")" ]
	[ "$(cat "$RUN/opt/f") $(cat "$OTHER/opt/f")" = "base tools" ]
	[ "$(stat -c %i "$RUN/opt/g")" = "$(listed_inode "$OTHER/opt" g)" ]
}

@test "after a restart nodes are the same, and a version that was removed is still there for who has it" {
	local before
	start_with_layers
	publish base a/b/c=1 d=2
	publish tools a/e/f=3
	deploy main x=1
	attach main base:1 tools:1
	before=$(cd "$RUN/opt" && find . -exec stat -c '%i %n' {} +)
	rm "$MNT/layers/base/1.zip"
	[ "$(cat "$RUN/opt/d")" = 2 ]
	stop_mount
	start_mount
	[ "$(cd "$RUN/opt" && find . -exec stat -c '%i %n' {} +)" = "$before" ]
	[ "$(cat "$RUN/opt/a/b/c" "$RUN/opt/a/e/f")" = "$(printf '1\n3')" ]
	[ "$(getfattr --only-values -n user.vouchfs.layers "$RUN/opt")" = "$(printf 'base:1\ntools:1')" ]
}

# Both kinds of what a process can hold: its working directory and an open file.
@test "a blocked function's opt is gone, and a layer's files with the last function that has it" {
	local other="arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/nobody"
	start_with_layers
	sed -i 's/^\[code-signing-config Enforce\]/&\nuntrusted_artifact_on_load = Enforce/' "$CONF"
	"$VOUCHFS" reload
	publish base shared=base
	publish tools own=tools
	deploy main x=1
	deploy other x=1
	attach main base:1 tools:1
	attach other base:1
	cp "$CONF" "$T/good.conf"
	[ "$(cat "$OTHER/opt/shared")" = base ]
	cd "$RUN/opt"
	exec 5<shared 6<own

	python3 - "$CONF" "$other" <<-'END'
		import re, sys
		text = open(sys.argv[1]).read()
		text = re.sub(r"(\[code-signing-config Enforce\]\n(?:.*\n)*?allowed_publisher = ).*", r"\g<1>" + sys.argv[2], text, 1)
		open(sys.argv[1], "w").write(text)
	END
	"$VOUCHFS" reload
	run -2 ls "$RUN/opt/"
	[[ $output == *"Permission denied"* ]]
	run -1 cat shared
	[[ $output == *"Permission denied"* ]]
	run -2 ls .
	[ "$(cat <&5)" = base ] # other has it
	run -1 cat <&6
	[[ $output == *"Permission denied"* ]]
	[ "$(cat "$OTHER/opt/shared")" = base ]

	cp "$T/good.conf" "$CONF"
	"$VOUCHFS" reload
	[ "$(cat own)" = tools ]
	[ "$(cat <&6)" = tools ]
	[ "$(cat "$RUN/opt/shared")" = base ]
	exec 5<&- 6<&-
	cd /
}
