#!/usr/bin/env bats
# More in use than the daemon may have open at once. SCALE_FUNCTIONS makes it long.

load lib

SCALE=$BATS_TEST_DIRNAME/scale.py
LIMIT=256
UPLOADS=$((LIMIT - LIMIT / 8 - 48)) # at once: what objects and the daemon itself leave

mk_many_config() {
	VOUCHFS_SECTION=$'durability = none\nkeep_releases = 1' mk_config <<-'END'
		[function many-*]
		code_signing_config = none
	END
}

start_limited_mount() { (ulimit -n "$LIMIT" && start_mount); }
descriptors() { find "/proc/$(daemon_pid)/fd" -mindepth 1 | wc -l; }

@test "more functions in use than descriptors: all are read, again and again, and uploads go on" {
	local count=${SCALE_FUNCTIONS:-400}
	mk_zip "$T/a.zip" app.txt=one
	mk_many_config
	start_limited_mount
	[ "$(prlimit --noheadings --output HARD --nofile --pid "$(daemon_pid)")" -eq "$LIMIT" ]
	python3 "$SCALE" own "$MNT" "$count"
	python3 "$SCALE" read "$MNT" "$count"
	(($(descriptors) < LIMIT / 2))
	python3 "$SCALE" functions "$MNT" 20 "$T/a.zip"
	[ "$(cat "$MNT/run/many-000019/task/app.txt")" = one ]
	python3 "$SCALE" own "$MNT" 20
	python3 "$SCALE" read "$MNT" "$count"

	[ "$(python3 "$SCALE" hold "$MNT" "$count" "$T/a.zip")" = "$UPLOADS Too many open files in system" ]
	[ "$(cat "$MNT/run/many-000000/task/app.txt" "$MNT/run/many-$(printf %06d $((UPLOADS - 1)))/task/app.txt" | uniq -c | tr -s ' ')" = " 2 one" ]
	[ "$(cat "$MNT/run/many-$(printf %06d "$UPLOADS")/task/app.txt")" = "$UPLOADS" ]
	[ "$(cat "$STORE"/audit/* | grep -c page-check-failed || true)" = 0 ]
}
