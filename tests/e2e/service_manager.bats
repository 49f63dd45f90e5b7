#!/usr/bin/env bats
# What systemd is told (sd_notify(3)) by `vouchfs mount -f` as a service of Type=notify, on a socket of the test's own.

load lib

setup() {
	lib_setup
	mk_plain_config
	# every message is a line, what ends its lines is shown as ";"
	python3 - "$T/notify" >"$T/messages" 3>&- <<-'END' &
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		while True:
		    print(s.recv(4096).decode().rstrip("\n").replace("\n", "; "), flush=True)
	END
	listener=$!
	eventually test -S "$T/notify"
}

teardown() {
	kill "$listener" 2>/dev/null || true
	lib_teardown
}

# As systemd starts it, with a watchdog where $watchdog_us says so.
start_service() {
	NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=${watchdog_us:-} sh -c '
		[ -n "$WATCHDOG_USEC" ] || unset WATCHDOG_USEC
		export WATCHDOG_PID=$$
		exec "$@"' sh "$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
	service=$!
}

ended_with() {
	local code=0
	wait "$service" || code=$?
	[ "$code" -eq "$1" ]
}

heard() { grep -qE -- "$1" "$T/messages"; }
count_heard() { grep -cE -- "$1" "$T/messages" || true; }

@test "ready when both sides are served, with the main process; then what is served; stopping at the end" {
	start_service
	eventually heard "^READY=1; MAINPID=$service; STATUS=$CONF on $MNT$"
	[ -d "$MNT/run/.releases" ]
	eventually heard "^STATUS=$CONF on $MNT: 1 function, 0 layers, configuration generation 1$"
	run ! heard "WATCHDOG=1"
	kill -TERM "$service"
	wait "$service"
	heard '^STOPPING=1$'
	run ! heard ERRNO
	[ "$(tail -n 1 "$T/messages")" = STOPPING=1 ]
}

@test "a reload begins and ends; one that is refused says so, and the next one that it is over" {
	start_service
	eventually heard 'generation 1$'
	printf '[function second]\ncode_signing_config = none\n' >>"$CONF"
	kill -HUP "$service"
	eventually heard "^READY=1; MAINPID=$service; STATUS=$CONF on $MNT: 2 functions, 0 layers, configuration generation 2$"
	grep -E '^RELOADING=1; MONOTONIC_USEC=[0-9]+$' "$T/messages"
	printf 'nonsense\n' >>"$CONF"
	run -78 "$VOUCHFS" reload
	eventually heard "^READY=1; MAINPID=$service; STATUS=the last reload was REFUSED, what was before stays in force: $CONF:[0-9]+: "
	[ "$(count_heard RELOADING=1)" -eq 2 ]
	sed -i '/nonsense/d' "$CONF"
	run -0 "$VOUCHFS" reload
	eventually heard "^READY=1; .*configuration generation 3$"
}

@test "what fails before anything is served is told with its errno, and no READY" {
	rmdir "$MNT"
	start_service
	ended_with 1
	eventually heard "^STATUS=the mountpoint $MNT does not exist; "
	eventually heard '^ERRNO=2$'
	run ! heard READY
}

@test "a configuration that is refused is told, too" {
	printf 'nonsense\n' >>"$CONF"
	start_service
	ended_with 78
	eventually heard "^STATUS=$CONF:[0-9]+: "
	run ! heard READY
}

@test "the mount that is killed is told as stopping" {
	need_root
	export VOUCHFS_TEST_RESEND=no # as before Linux 6.9: no other takes its place
	start_service
	eventually heard '^READY=1'
	kill -KILL "$(pgrep -P "$service")"
	ended_with 1
	eventually heard '^STOPPING=1$'
}

# A round is begun when the one before was answered, so while this one is not, nothing can be told.
@test "the watchdog is told as long as daemon and mount answer, and not any more when they do not" {
	need_root
	watchdog_us=100000
	start_service
	eventually heard '^READY=1'
	daemon=$(pgrep -P "$service" -o)
	eventually eval '[ "$(count_heard "^WATCHDOG=1$")" -ge 3 ]'

	stop_in_a_round
	local before probe
	before=$(count_heard '^WATCHDOG=1$')
	probe=$(probe_pid)
	for _ in {1..20}; do
		[ "$(probe_pid)" = "$probe" ]
	done
	[ "$(count_heard '^WATCHDOG=1$')" -eq "$before" ]

	kill -CONT "$daemon"
	eventually eval '[ "$(count_heard "^WATCHDOG=1$")" -gt "$before" ]'
	kill -TERM "$service"
	wait "$service"
	no_processes_left
}

probe_pid() { pgrep -P "$service" -n; }
# The same process asks the mount at two looks, so it waits for the daemon.
asks_for_long() {
	local probe
	probe=$(probe_pid)
	[ "$probe" != "$daemon" ] && ps -o pid= -p "$probe" >/dev/null && [ "$(probe_pid)" = "$probe" ] &&
		[ "$(ps -o state= -p "$daemon")" = T ]
}
# Stops the daemon when it has not answered the mount; had it done so, and only owed the other answer, no process would
# tell that a round is open.
stop_in_a_round() {
	local tries looks
	for ((tries = 0; tries < 20; tries++)); do
		kill -STOP "$daemon"
		for ((looks = 0; looks < 20; looks++)); do
			if asks_for_long; then return 0; fi
		done
		kill -CONT "$daemon"
		eventually eval '[ "$(count_heard "^WATCHDOG=1$")" -gt '"$(count_heard '^WATCHDOG=1$')"' ]'
	done
	return 1
}

@test "the watchdog: a service that stops while the mount does not answer" {
	need_root
	export VOUCHFS_TEST_RESEND=no # as before Linux 6.9: no other takes its place
	watchdog_us=100000
	start_service
	eventually heard '^WATCHDOG=1'
	daemon=$(pgrep -P "$service" -o)
	stop_in_a_round
	kill -KILL "$daemon"
	ended_with 1
	eventually no_processes_left
	run ! is_mounted
}
