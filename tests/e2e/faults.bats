#!/usr/bin/env bats
# The daemon is killed, or its disk fails, at every step of a deployment or a rollback: the old release or the new one, whole.

load lib

CALLS=60 # more than a deployment makes; the first test holds it to that

# What is served after the daemon is gone and came back: "old", "new", or what is wrong.
look() {
	start_mount || return
	local marker
	marker=$(cat "$RUN/task/marker")
	cmp -s "$T/$marker.zip" "$RUN/code.zip" && cmp -s "$T/$marker.zip" "$MAIN/x.zip" && echo "$marker"
	[ -z "$(ls "$STORE/staging")" ] || echo "left in staging: $(ls "$STORE/staging")"
	stop_mount
}

prepare() {
	start_ready_mount </dev/null
	mk_signed "$T/old.zip" marker=old
	mk_signed "$T/new.zip" marker=new
	cp "$T/old.zip" "$MAIN/x.zip"
	stop_mount
}

accepted_records() { cat "$STORE"/audit/*.jsonl | grep -c '"outcome":"accepted"'; }

@test "kill -9 of the daemon at every changing call of a deployment" {
	prepare
	cp -a "$STORE" "$T/before"
	local n status=1 found
	for ((n = 1; status != 0; n++)); do
		rm -rf "$STORE" && cp -a "$T/before" "$STORE"
		VOUCHFS_TEST_FAULT="*:$n:kill" start_mount
		status=0
		cp "$T/new.zip" "$MAIN/x.zip" 2>/dev/null || status=$?
		if [ "$status" = 0 ]; then stop_mount; else eventually no_processes_left; fi
		found=$(look)
		[ "$found" = new ] || { [ "$found" = old ] && [ "$status" != 0 ]; } || {
			echo "killed at call $n: cp exited $status, then found: $found"
			false
		}
		# I3: no release without its record
		[ "$found" = old ] || [ "$(accepted_records)" -ge 2 ]
	done
	[ "$n" -gt 15 ]
	[ "$n" -lt "$CALLS" ]
}

# sweep_error ERROR STEP
sweep_error() {
	local n status found
	for ((n = 1; n < CALLS; n += $2)); do
		rm -rf "$STORE" && cp -a "$T/before" "$STORE"
		VOUCHFS_TEST_FAULT="*:$n:$1" start_mount
		status=0
		cp "$T/new.zip" "$MAIN/x.zip" 2>"$T/err" || status=$?
		found=$(cat "$RUN/task/marker")
		# told, and the old one is served; or taken, and the new one is
		[ "$status/$found" = 0/new ] || [ "$status/$found" = 1/old ] || {
			echo "$1 at call $n: cp exited $status, then found: $found"
			return 1
		}
		stop_mount || { echo "$1 at call $n: unmount"; return 1; }
		[ "$(look)" = "$found" ] || {
			echo "$1 at call $n: after a restart not $found"
			return 1
		}
	done
}

@test "EIO at every changing call of a deployment: the tool is told and the old release stays, or it was taken" {
	prepare
	cp -a "$STORE" "$T/before"
	sweep_error EIO 1
}

@test "a full disk at a changing call of a deployment: the same" {
	prepare
	cp -a "$STORE" "$T/before"
	sweep_error ENOSPC "${FAULT_STEP:-4}"
}

@test "kill -9 while an upload is under way: nothing of it is left" {
	prepare
	start_mount
	python3 - "$T/new.zip" "$MAIN/x.zip" "$T/half" 3>&- <<-'END' &
		import os, sys, time
		content = open(sys.argv[1], "rb").read()
		out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
		os.write(out, content[: len(content) // 2])
		open(sys.argv[3], "w").close()
		time.sleep(60)
	END
	local writer=$!
	eventually test -e "$T/half"
	own_pids | xargs kill -KILL
	kill "$writer"
	wait "$writer" || true
	lib_unmount_all
	[ "$(look)" = old ]
}

@test "kill -9 of the daemon at every changing call of a rollback" {
	prepare
	start_mount
	cp "$T/new.zip" "$MAIN/x.zip"
	stop_mount
	cp -a "$STORE" "$T/before"
	local n status=1 found
	for ((n = 1; status != 0; n += ${FAULT_STEP:-3})); do
		rm -rf "$STORE" && cp -a "$T/before" "$STORE"
		VOUCHFS_TEST_FAULT="*:$n:kill" start_mount
		status=0
		"$VOUCHFS" rollback main >"$T/out" 2>&1 || status=$?
		if [ "$status" = 0 ]; then stop_mount; else eventually no_processes_left; fi
		found=$(look)
		[ "$found" = old ] || { [ "$found" = new ] && [ "$status" != 0 ]; } || {
			echo "killed at call $n: rollback exited $status, then found: $found"
			false
		}
		[ "$found" = new ] || [ "$(accepted_records)" -ge 3 ]
	done
	[ "$n" -gt 8 ]
	[ "$n" -lt "$CALLS" ]
}

@test "the disk is full, or fails, at a call of a rollback: said, and what was current is served" {
	prepare
	start_mount
	cp "$T/new.zip" "$MAIN/x.zip"
	stop_mount
	cp -a "$STORE" "$T/before"
	local n error found status failures=0
	for error in ENOSPC EIO; do
		for ((n = 1; n < 16; n += ${FAULT_STEP:-3})); do
			rm -rf "$STORE" && cp -a "$T/before" "$STORE"
			VOUCHFS_TEST_FAULT="*:$n:$error" start_mount
			status=0
			"$VOUCHFS" rollback main >"$T/out" 2>&1 || status=$?
			found=$(cat "$RUN/task/marker")
			[ "$status/$found" = 0/old ] || [ "$status/$found" = 1/new ] || {
				echo "$error at call $n: rollback exited $status, then found: $found"
				cat "$T/out"
				false
			}
			[ "$status" = 0 ] || failures=$((failures + 1))
			stop_mount
			[ "$(look)" = "$found" ]
		done
	done
	[ "$failures" -gt 2 ]
}
