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

@test "a daemon that dies is replaced, by whatever it died; status counts it, and all commands find the mount" {
	start_ready_mount </dev/null
	supervisor=$(supervisor_pid)
	mk_signed "$T/a.zip" marker=one
	cp "$T/a.zip" "$MAIN/x.zip"
	for signal in KILL SEGV ABRT; do
		kill_daemon "$signal"
		[ "$(cat "$RUN/task/marker")" = one ]
	done
	[ "$(supervisor_pid)" = "$supervisor" ]
	"$VOUCHFS" status >/dev/null
	"$VOUCHFS" reload
	run -0 "$VOUCHFS" unmount --stale "$MNT"
	is_mounted
	cp "$T/a.zip" "$MAIN/x.zip"
	stop_mount
	no_processes_left
}

# Threads of a daemon that read from the run side's connection.
run_threads() {
	local task fd
	fd=$(find "/proc/$1/fd" -lname /dev/fuse -printf '%f\n' | sort -n | tail -n 1)
	for task in "/proc/$1/task/"*; do
		if grep -q "^0 $(printf '0x%x' "$fd") " "$task/syscall"; then basename "$task"; fi
	done
}
is_held() { cat "/proc/$1/task/"*/wchan | grep -q fuse_reverse_inval; }

@test "the kernel holds a thread of the daemon that dies: another one serves, and who waited has an answer" {
	need_root
	command -v strace >/dev/null || skip "needs strace"
	local before thread tracers=()
	start_loaded_mount
	[ "$(cat "$MNT/run/main/task/marker")" = one ]
	before=$(daemon_pid)
	for thread in $(run_threads "$before"); do
		strace -p "$thread" -e trace=writev -e inject=writev:delay_enter=60000000 >/dev/null 2>"$T/traced.$thread" 3>&- &
		tracers+=($!)
		eventually grep -q attached "$T/traced.$thread"
	done
	stat "$MNT/run/nobody" >/dev/null 2>"$T/stat" 3>&- & # has the directory until it is answered
	eventually grep -q wait_answer "/proc/$!/wchan"
	cp "$T/artifacts/three.zip" "$MAIN/y.zip" 2>/dev/null 3>&- &
	eventually is_held "$before"
	kill -KILL "$before"
	kill -KILL "${tracers[@]}"
	wait "${tracers[@]}" 2>/dev/null || true
	eventually is_another_than "$before"
	eventually grep -q "No such file" "$T/stat"
	grep -qE "^(one|three)$" "$MNT/run/main/task/marker"
	eventually is_gone "$before"
}

@test "an upload that was under way gets EIO, and nothing of it is left; the next one is taken" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=one
	python3 - "$T/a.zip" "$MAIN/x.zip" "$(daemon_pid)" <<-'END'
		import errno, os, signal, sys
		data = open(sys.argv[1], "rb").read()
		fd = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
		os.write(fd, data[:100])
		os.kill(int(sys.argv[3]), signal.SIGKILL)
		for call in lambda: os.write(fd, data[100:]), lambda: os.fsync(fd), lambda: os.ftruncate(fd, 0), lambda: os.close(fd):
		    try:
		        call()
		        sys.exit("it was taken")
		    except OSError as error:
		        assert error.errno == errno.EIO, error
	END
	# shellcheck disable=SC2153 # STORE is lib.bash's
	[ -z "$(ls "$STORE/staging")" ]
	cp "$T/a.zip" "$MAIN/x.zip"
	[ "$(cat "$RUN/task/marker")" = one ]
}

@test "no daemon can be started: callers wait, a reload and an end that come meanwhile are not lost" {
	mk_plain_config
	start_logged_mount
	echo nonsense >>"$CONF"
	kill -KILL "$(daemon_pid)"
	eventually is_logged 'another daemon is started in [0-9]+ ms'
	kill -HUP "$foreground_pid"
	sed -i /nonsense/d "$CONF"
	eventually is_logged 'was read again and is in force'
	echo nonsense >>"$CONF"
	: >"$T/log"
	kill -KILL "$(daemon_pid)"
	eventually is_logged 'ended with exit status 78'
	eventually is_gone_when_told
	wait "$foreground_pid"
	run ! is_mounted
	no_processes_left
}

@test "the configuration names another store meanwhile: no daemon serves that one, and the next one serves what was" {
	mk_plain_config
	start_logged_mount
	cp "$CONF" "$T/kept.conf"
	sed -i "s|^store = .*|store = $T/another|" "$CONF"
	mkdir "$T/another"
	kill -KILL "$(daemon_pid)"
	eventually is_logged 'store: cannot change while mounted'
	cp "$T/kept.conf" "$CONF"
	ls "$MNT/functions/main-function"
	[ -z "$(ls "$T/another")" ]
	stop_mount
	no_processes_left
}

is_gone_when_told() {
	kill -TERM "$foreground_pid" 2>/dev/null
	is_gone "$foreground_pid"
}

@test "who cannot be replaced is given up: nobody hangs, nothing stays mounted" {
	mk_plain_config
	export VOUCHFS_TEST_TRIES=3
	start_logged_mount
	exec 7>"$MNT/functions/main-function/a.zip"
	echo nonsense >>"$CONF"
	kill -KILL "$(daemon_pid)"
	run -1 timeout 20 bash -c 'echo data >&7'
	exec 7>&- || true
	code=0
	wait "$foreground_pid" || code=$?
	[ "$code" -eq 78 ]
	is_logged '4 daemons have died one after the other'
	run ! is_mounted
	no_processes_left
}

@test "where the kernel cannot send again what it asked, a daemon that dies is not replaced, and a restart is refused" {
	mk_plain_config
	export VOUCHFS_TEST_RESEND=no
	start_logged_mount
	run -1 "$VOUCHFS" restart "$MNT"
	[[ $output == *"from Linux 6.9 on"* ]]
	ls "$MNT/functions"
	kill -KILL "$(daemon_pid)"
	code=0
	wait "$foreground_pid" || code=$?
	[ "$code" -eq 1 ]
	run ! is_mounted
}

@test "hooks and the next record reach the runner that was there before" {
	mkdir "$T/etc/hooks.d"
	printf '#!/bin/sh\ncat >>%s/heard\n' "$T" >"$T/etc/hooks.d/10-hear"
	chmod 0755 "$T/etc/hooks.d/10-hear"
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=one
	runner=$(pgrep -x vouchfs-hooks -P "$(supervisor_pid)")
	pid=$(pgrep -x vouchfs -P "$(supervisor_pid)")
	kill -KILL "$pid"
	cp "$T/a.zip" "$MAIN/x.zip"
	eventually grep -q accepted "$T/heard"
	[ "$(pgrep -x vouchfs-hooks -P "$(supervisor_pid)")" = "$runner" ]
	stop_mount
	no_processes_left
}

@test "signing slots outlive their daemon, and another version serves them" {
	use_own_program
	mk_account
	mk_profile release
	"$VOUCHFS" signer mount --home "$(home_of)" "$MNT"
	names=$(ls "$MNT")
	kill_daemon
	[ "$(ls "$MNT")" = "$names" ]
	install_version 0.1.7
	"$VOUCHFS" restart "$MNT"
	[ "$(ls "$MNT")" = "$names" ]
	stop_mount
	no_processes_left
}

@test "a user's mount outlives its daemon, and another version serves it" {
	need_user_mounts
	mk_plain_config
	mkdir "$T/var"
	sed -i "s|^store = .*|store = $T/var/store|" "$CONF"
	chown -R nobody "$T/etc" "$T/xdg" "$T/var" "$MNT"
	as_user "$VOUCHFS" mount -c "$CONF" "$MNT"
	kill_daemon
	as_user ls "$MNT/functions/main-function" "$MNT/run/"
	as_user "$VOUCHFS" restart "$MNT"
	as_user ls "$MNT/functions/main-function" "$MNT/run/"
	as_user "$VOUCHFS" unmount "$MNT"
	no_processes_left
}

# ---- another program ----

@test "restart: what is installed serves, in the same process; what is open goes on" {
	use_own_program
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=one
	cp "$T/a.zip" "$MAIN/x.zip"
	supervisor=$(supervisor_pid)
	exec 7<"$RUN/task/marker"
	serves_version 0.1.0
	install_version 0.1.7
	serves_version 0.1.0
	run -0 "$VOUCHFS" restart "$MNT"
	[ -z "$output" ]
	serves_version 0.1.7
	[ "$(supervisor_pid)" = "$supervisor" ]
	[ "$(cat <&7)" = one ]
	exec 7<&-
	"$VOUCHFS" reload
	kill_daemon
	serves_version 0.1.7
	"$VOUCHFS" restart "$MNT"
	stop_mount
	no_processes_left
}

@test "restart: an upload that is under way ends first, one that begins meanwhile waits" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=one
	before=$(daemon_pid)
	python3 - "$VOUCHFS" "$MNT" "$T/a.zip" <<-'END'
		import os, subprocess, sys
		program, mnt, source = sys.argv[1:]
		data = open(source, "rb").read()
		fd = os.open(f"{mnt}/functions/main/x.zip", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
		os.write(fd, data[:100])
		restart = subprocess.Popen([program, "restart", mnt])
		other = subprocess.Popen(["cp", source, f"{mnt}/functions/relaxed/x.zip"])
		os.write(fd, data[100:])
		os.close(fd)
		assert restart.wait() == 0 and other.wait() == 0
	END
	[ "$(daemon_pid)" != "$before" ]
	[ "$(cat "$MNT/run/relaxed/task/marker")" = one ]
	[ "$(cat "$RUN/task/marker")" = one ]
}

@test "restart: a program that is none, a faulty configuration, no mount: refused, and what serves goes on" {
	use_own_program
	mk_plain_config
	start_mount
	cp "$VOUCHFS" "$T/good"
	printf '#!/bin/sh\necho vouchfs 9\n' >"$T/bin/none"
	chmod 0755 "$T/bin/none"
	mv "$T/bin/none" "$VOUCHFS"
	run -1 "$T/good" restart "$MNT"
	[[ $output == *"cannot take over a mount"* ]]
	rm "$VOUCHFS"
	run -1 "$T/good" restart "$MNT"
	[[ $output == *"cannot be executed: No such file or directory"* ]]
	cp "$T/good" "$VOUCHFS"
	echo nonsense >>"$CONF"
	run -1 "$VOUCHFS" restart "$MNT"
	[[ $output == *"the configuration would not be taken: $CONF:"* ]]
	sed -e /nonsense/d -e "s|^store = .*|store = $T/another|" "$CONF" >"$T/other.conf"
	cp "$CONF" "$T/kept.conf"
	cp "$T/other.conf" "$CONF"
	run -1 "$VOUCHFS" restart "$MNT"
	[[ $output == *"the configuration would not be taken: store: cannot change while mounted"* ]]
	[ ! -e "$T/another" ]
	cp "$T/kept.conf" "$CONF"
	run -1 "$VOUCHFS" restart "$T"
	[[ $output == *"is not where"* ]]
	run -2 "$VOUCHFS" restart
	sed -i /nonsense/d "$CONF"
	ls "$MNT/functions/main-function"
	"$VOUCHFS" restart "$MNT"
}

@test "restart: a version whose daemon cannot serve gives the mount back to the one before" {
	use_own_program
	mk_plain_config
	export VOUCHFS_TEST_UNABLE=0.1.7
	start_mount
	install_version 0.1.7
	run -1 "$VOUCHFS" restart "$MNT"
	[[ $output == *"the one before does again"* ]]
	serves_version 0.1.0
	stop_mount
	no_processes_left
}
