#!/usr/bin/env bats
# A daemon that dies is replaced, the program can be replaced, and who uses the mount waits for a moment.

load lib

STORM=$BATS_TEST_DIRNAME/../restart/storm

# Artifacts that main takes, with a payload that follows from the marker.
mk_artifacts() {
	local marker
	mkdir "$T/artifacts"
	for marker; do
		mkdir "$T/artifacts/$marker"
		echo "$marker" >"$T/artifacts/$marker/marker"
		python3 -c 'import hashlib, sys; m = sys.argv[1]
sys.stdout.buffer.write((hashlib.sha512(m.encode()).digest() * 4096)[: 200000 + len(m)])' \
			"$marker" >"$T/artifacts/$marker/payload"
		(cd "$T/artifacts/$marker" && zip -q -0 -X -r "../$marker.zip" .)
		sign_zip release "$T/artifacts/$marker.zip"
	done
}

start_loaded_mount() {
	start_ready_mount </dev/null
	mk_artifacts one two three
	cp "$T/artifacts/one.zip" "$MAIN/x.zip"
	cp "$T/artifacts/two.zip" "$MNT/functions/relaxed/x.zip"
}

# What a package manager does: a program of another version, in the place of the one that runs.
use_own_program() {
	mkdir "$T/bin"
	cp "$VOUCHFS" "$T/bin/vouchfs"
	VOUCHFS=$T/bin/vouchfs
}
install_version() {
	sed "s/\\b0\\.1\\.[0-9]\\x00/$1\\x00/g" "$VOUCHFS" >"$T/bin/new"
	chmod 0755 "$T/bin/new"
	mv "$T/bin/new" "$VOUCHFS"
}
serves_version() { head -n 1 "$MNT/.vouchfs/status" | grep -q "^vouchfs $1 "; }

start_logged_mount() {
	"$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
	foreground_pid=$!
	eventually grep -q "serving $CONF on $MNT" "$T/log"
}
is_logged() { grep -qE -- "$1" "$T/log"; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }
is_another_than() { [ -n "$(daemon_pid)" ] && [ "$(daemon_pid)" != "$1" ]; }

kill_daemon() {
	local before
	before=$(daemon_pid)
	kill "-${1:-KILL}" "$before"
	eventually is_another_than "$before"
}

# ---- a daemon that dies ----

@test "kill -9 of the daemon under load: nobody gets ENOTCONN or a wrong byte, and what was acknowledged is there" {
	start_loaded_mount
	run "$STORM" "$MNT" --artifacts "$T/artifacts" --times "${RESTARTS:-5}"
	echo "$output" | tee -a "${RESTARTS_FIGURES:-/dev/null}"
	[ "$status" -eq 0 ]
	stop_mount
	no_processes_left
}

@test "upgrades under load: the same, and no deployment fails" {
	use_own_program
	start_loaded_mount
	run "$STORM" "$MNT" --artifacts "$T/artifacts" --times "${RESTARTS:-3}" --program "$VOUCHFS"
	echo "$output" | tee -a "${RESTARTS_FIGURES:-/dev/null}"
	[ "$status" -eq 0 ]
	[[ $output == *", refused cleanly 0,"* ]]
	stop_mount
	no_processes_left
}
