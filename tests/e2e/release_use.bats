#!/usr/bin/env bats
# Releases that are in use while what they are made of is removed, rolled back and replaced.

load lib

KEEPER=$BATS_TEST_DIRNAME/keeper.py

# Processes that a test starts in the background and has to end.
background=()
teardown() {
	[ ${#background[@]} = 0 ] || kill "${background[@]}" 2>/dev/null || true
	lib_teardown
}

# Function "main", any team-*, layers base and tools, and a clock that stands still.
mount_all() {
	stop_clock
	start_ready_mount <<-END
		[function team-*]
		code_signing_config = Enforce
		[layer base]
		[layer tools]
	END
	mkdir -p "$T/e/task/lib" "$T/e/opt/python"
	head -c 300000 /dev/urandom >"$T/e/task/a-noise"
	seq 20000 >"$T/e/task/lib/numbers"
	head -c 200000 /dev/urandom >"$T/e/opt/a-noise"
	seq 30000 >"$T/e/opt/python/numbers"
	pack "$T/e/task" "$T/code.zip"
	pack "$T/e/opt" "$T/base.zip"
	cp "$T/base.zip" "$MNT/layers/base/"
}

# pack FOLDER OUT: signed
pack() {
	(cd "$1" && zip -q -r "$2" .)
	sign_zip release "$2"
}

# deploy_with_layer SLOT: code.zip with base:1
deploy_with_layer() {
	cp "$T/code.zip" "$1/a.zip"
	echo base:1 >"$1/layers"
}

# keep RELEASE: a process uses it from now on
keep() {
	mkfifo "$T/ready" "$T/go"
	python3 "$KEEPER" "$1" "$T/e" "$T/ready" "$T/go" 3>&- >"$T/out" 2>&1 &
	background+=($!)
	cat "$T/ready"
}

kept_is_whole() {
	echo >"$T/go"
	wait "${background[0]}" || { cat "$T/out"; return 1; }
	[ "$(cat "$T/out")" = whole ]
}

has_payloads() { [ "$(find "$STORE/objects" -name payload | wc -l)" = "$1" ]; }

# What nobody uses any more is gone as soon as the kernel has forgotten it, which root can have it do.
keeps_payloads() {
	[ "$(id -u)" != 0 ] || echo 2 >/proc/sys/vm/drop_caches
	[ "$(id -u)" != 0 ] || has_payloads "$1"
}

# deploy_others COUNT: new content
deploy_others() {
	local i
	for ((i = 0; i < $1; i++)); do
		mk_signed "$T/other.zip" marker="$RANDOM $i"
		cp "$T/other.zip" "$MAIN/a.zip"
	done
}

@test "a layer version is removed, and its release falls out, while the release is in use" {
	mount_all
	deploy_with_layer "$MAIN"
	keep "$RUN"
	rm "$MNT/layers/base/1.zip"
	rm "$MAIN/layers"
	deploy_others 4
	pass_grace
	eventually test ! -e "$MNT/run/.releases/main/2"
	eventually has_payloads 5 # three are kept; code and layer of the one that is in use
	kept_is_whole
	eventually keeps_payloads 3
	run -1 bash -c "echo base:1 >'$MAIN/layers'"
	[[ $output == *"No such file or directory"* ]]
}

@test "a slot is removed, and made again with other content, while its release is in use" {
	mount_all
	mkdir "$MNT/functions/team-x"
	deploy_with_layer "$MNT/functions/team-x"
	keep "$MNT/run/team-x"
	rm -r "$MNT/functions/team-x"
	[ ! -e "$MNT/run/team-x" ]
	[ ! -e "$MNT/run/.releases/team-x" ]
	mkdir "$MNT/functions/team-x"
	mk_signed "$T/other.zip" marker=other
	cp "$T/other.zip" "$MNT/functions/team-x/"
	[ "$(cat "$MNT/run/team-x/task/marker") $(readlink "$MNT/run/team-x")" = "other .releases/team-x/1" ]
	kept_is_whole
	[ "$(cat "$MNT/run/team-x/task/marker")" = other ]
	stop_mount
	start_mount
	[ "$(cat "$MNT/run/team-x/task/marker") $(names_in "$MNT/run/team-x/opt")" = "other " ]
}

@test "a release falls out by a rollback while it is in use; its content goes on under the new number" {
	mount_all
	deploy_with_layer "$MAIN"
	keep "$RUN"
	deploy_others 2
	"$VOUCHFS" rollback main 2
	pass_grace
	eventually test ! -e "$MNT/run/.releases/main/2"
	[ "$(ls "$MNT/run/.releases/main")" = "$(printf '3\n4\n5')" ]
	kept_is_whole
	eventually keeps_payloads 4
	diff -r "$T/e/task" "$RUN/task"
	diff -r "$T/e/opt" "$RUN/opt"
	stop_mount
	start_mount
	diff -r "$T/e/task" "$RUN/task"
	diff -r "$T/e/opt" "$RUN/opt"
}

@test "a rollback is decided between the write and the close of an artifact: both are releases, the close stands" {
	mount_all
	cp "$T/code.zip" "$MAIN/a.zip"
	deploy_others 1
	mk_signed "$T/last.zip" marker=later
	# without a child, whose end would be a close, too
	python3 - "$T/last.zip" "$MAIN/a.zip" "$MNT/.vouchfs/rollback/functions/main" <<-'END'
		import sys
		artifact = open(sys.argv[1], "rb").read()
		with open(sys.argv[2], "wb", buffering=0) as file, open(sys.argv[3], "wb", buffering=0) as control:
		    file.write(artifact)
		    control.write(b"1")
	END
	[ "$(cat "$RUN/task/marker") $(readlink "$RUN")" = "later .releases/main/4" ]
	diff -r "$T/e/task" "$MNT/run/.releases/main/3/task"
	cmp "$T/last.zip" "$MAIN/a.zip"
	grep -c '"rollbackTo":1,' "$STORE"/audit/*.jsonl | grep -qx 1
}

@test "rollbacks and deployments at once: every one is a release of its own, whole" {
	mount_all
	mk_signed "$T/a.zip" marker=a
	mk_signed "$T/b.zip" marker=b
	cp "$T/a.zip" "$MAIN/x.zip"
	cp "$T/b.zip" "$MAIN/x.zip"
	local rounds=12 i k
	for ((i = 0; i < rounds; i++)); do cat "$T/a.zip" >"$MAIN/x.zip"; done &
	background+=($!)
	for ((i = 0; i < rounds; i++)); do cat "$T/b.zip" >"$MAIN/y.zip"; done &
	background+=($!)
	for i in 1 2; do
		for ((k = 0; k < rounds; k++)); do "$VOUCHFS" rollback main >>"$T/rollbacks"; done 3>&- &
		background+=($!)
	done
	local pid total=$((2 + 4 * rounds))
	for pid in "${background[@]}"; do wait "$pid"; done
	background=()
	[ "$(readlink "$RUN")" = ".releases/main/$total" ]
	[ "$(wc -l <"$T/rollbacks")" = $((2 * rounds)) ]
	# each has made a release of its own of one before it
	sed -n 's/^main: release \([0-9]*\) is current, the content of release \([0-9]*\)$/\1 \2/p' "$T/rollbacks" >"$T/pairs"
	[ "$(awk '$2 >= 1 && $2 < $1 { print $1 }' "$T/pairs" | sort -u | wc -l)" = $((2 * rounds)) ]
	# each number once
	[ "$(sed -n 's/.*"event":"deployment".*"release":\([0-9]*\),.*/\1/p' "$STORE"/audit/*.jsonl | sort -n | tr '\n' ' ')" = "$(seq -s ' ' "$total") " ]
	cmp "$RUN/code.zip" "$T/$(cat "$RUN/task/marker").zip"
	stop_mount
	start_mount
	[ "$(readlink "$RUN")" = ".releases/main/$total" ]
	cmp "$RUN/code.zip" "$T/$(cat "$RUN/task/marker").zip"
}
