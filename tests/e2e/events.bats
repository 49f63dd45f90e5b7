#!/usr/bin/env bats
# .vouchfs/recent, .vouchfs/events and `vouchfs events`: what happened, and what happens, for whoever watches.

load lib

setup() {
	lib_setup
	cp "$BATS_TEST_DIRNAME/events.py" "$T/"
	export PYTHONDONTWRITEBYTECODE=1
}

ready() {
	start_ready_mount </dev/null
	mk_zip "$T/unsigned.zip" app.py='print(1)'
	mk_signed "$T/good.zip" app.py='print(2)'
}

# As many events, each a refusal; quickly.
refuse() { python3 "$T/events.py" refuse "$1" "$T/unsigned.zip" "$MAIN/a.zip"; }

last_seq() { tail -n 1 "$MNT/.vouchfs/recent" | sed 's/.*"seq":\([0-9]*\),.*/\1/'; }
# The numbers of JSON lines, on one line.
numbers() { sed 's/.*"seq":\([0-9]*\),.*/\1/' "$@" | xargs; }

@test "recent has the last records, also those from before a restart" {
	ready
	refuse 3
	[ "$(numbers "$MNT/.vouchfs/recent")" = "1 2 3 4" ]
	cmp "$MNT/.vouchfs/recent" "$STORE"/audit/*.jsonl
	[ "$(stat -c '%a %s' "$MNT/.vouchfs/recent" "$MNT/.vouchfs/events" | xargs)" = "444 0 444 0" ]
	stop_mount
	start_mount
	[ "$(numbers "$MNT/.vouchfs/recent")" = "1 2 3 4 5 6" ] # and stop, and start
	run -1 dd of="$MNT/.vouchfs/events" if=/dev/zero count=1
	[[ $output == *"Permission denied"* ]]
}

@test "many readers get each event once, while deployments go on" {
	ready
	local i
	for i in $(seq 24); do
		timeout 20 head -n 40 "$MNT/.vouchfs/events" >"$T/out.$i" 3>&- &
	done
	python3 "$T/events.py" await_readers 24 "$MNT/.vouchfs/events"
	refuse 20
	cp "$T/good.zip" "$MAIN/" # nothing is held up
	[ -d "$MNT/run/main/task" ]
	refuse 19
	wait
	for i in $(seq 24); do cmp "$T/out.1" "$T/out.$i"; done
	[ "$(numbers "$T/out.1")" = "$(seq 2 41 | xargs)" ]
}

@test "poll waits, and tells; O_NONBLOCK says EAGAIN; a small buffer gets parts" {
	ready
	python3 "$T/events.py" poll "$MNT/.vouchfs/events" "$T/unsigned.zip" "$MAIN/a.zip"
}

@test "a reader is interrupted, and killed, while it waits" {
	ready
	python3 "$T/events.py" interrupt "$MNT/.vouchfs/events"
	timeout --foreground -s KILL 0.3 cat "$MNT/.vouchfs/events" || [ $? = 137 ]
	refuse 1
}

@test "a slow reader is told what it missed, and the daemon keeps no more for it" {
	ready
	python3 "$T/events.py" slow "$MNT/.vouchfs/events" "$T/unsigned.zip" "$MAIN/a.zip"
}

@test "unmounting does not wait for readers: they are at their end" {
	ready
	local i readers=()
	for i in 1 2 3; do
		cat "$MNT/.vouchfs/events" >"$T/out.$i" 3>&- &
		readers+=($!)
	done
	"$VOUCHFS" events -f -n 0 >"$T/out" 2>"$T/err" 3>&- &
	readers+=($!)
	python3 "$T/events.py" await_readers 4 "$MNT/.vouchfs/events"
	SECONDS=0
	stop_mount
	[ "$SECONDS" -lt 5 ]
	for i in "${readers[@]}"; do wait "$i"; done
	grep -q "the mount has ended" "$T/err"
	eventually no_processes_left

	start_mount # by a signal, too
	cat "$MNT/.vouchfs/events" 3>&- &
	readers=($!)
	python3 "$T/events.py" await_readers 1 "$MNT/.vouchfs/events"
	kill -TERM "$(supervisor_pid)"
	eventually no_processes_left
	wait "${readers[0]}"
	run ! is_mounted
}

@test "a reader does not keep the daemon after a lazy unmount" {
	ready
	cat "$MNT/.vouchfs/events" 3>&- &
	local reader=$!
	python3 "$T/events.py" await_readers 1 "$MNT/.vouchfs/events"
	"$VOUCHFS" unmount --lazy "$MNT"
	wait $reader
	eventually no_processes_left
}

@test "readers are bounded, and the operators have places of their own" {
	need_root
	ready
	python3 "$T/events.py" bound "$MNT/.vouchfs/events"
}

@test "events: two lines each, within 80 columns of a terminal, coloured there alone" {
	ready
	refuse 1
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	cp "$T/good.zip" "$MAIN/"
	run -0 "$VOUCHFS" events
	[ "${#lines[@]}" = 8 ]
	[[ ${lines[2]} =~ ^"     2  "20[0-9T:-]*Z"  refused VF2001      main"$ ]]
	[[ ${lines[3]} == "        uid $(id -u) (python3): a.zip: the artifact is not signed, allowed: arn:"*"/release" ]]
	[[ ${lines[4]} == *"warned VF2001       relaxed" ]]
	[[ ${lines[6]} == *"accepted            main" ]]
	[[ ${lines[7]} == *": good.zip, release 1: signed by release/"* ]]
	[[ $output != *$'\e'* ]]

	unset NO_COLOR
	TERM=xterm script -qec "stty cols 80; '$VOUCHFS' events" "$T/typescript" >/dev/null
	grep -q $'\e\[1;31mrefused VF2001' "$T/typescript"
	grep -q $'\e\[33mwarned VF2001' "$T/typescript"
	grep -q $'\e\[32maccepted' "$T/typescript"
	[ "$(sed 's/\x1b\[[0-9;]*m//g; s/\r$//; 1d;$d' "$T/typescript" | wc -L)" -le 80 ]
	local variable
	for variable in NO_COLOR=1 TERM=dumb; do
		env TERM=xterm "$variable" script -qec "'$VOUCHFS' events" "$T/typescript" >/dev/null
		run -1 grep $'\e' "$T/typescript"
	done
}

@test "events: -n, --slot and --json" {
	ready
	refuse 5
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	[ "$("$VOUCHFS" events --json -n 3 | numbers)" = "5 6 7" ]
	[ "$("$VOUCHFS" events --json -n 0 | numbers)" = "" ]
	[ "$("$VOUCHFS" events --json --slot main -n 2 | numbers)" = "5 6" ]
	[ "$("$VOUCHFS" events --json --slot functions/relaxed | numbers)" = 7 ]
	[ "$("$VOUCHFS" events --json --slot absent)" = "" ]
	"$VOUCHFS" events --json | cmp - "$MNT/.vouchfs/recent"
	run -2 "$VOUCHFS" events -n many
	[[ $output == *"--lines is a number"* ]]
}

@test "events -f: no gap and no duplicate, and nothing of other slots" {
	ready
	refuse 2
	"$VOUCHFS" events -f -n 2 --json >"$T/all" 3>&- &
	"$VOUCHFS" events -f -n 1 --slot relaxed >"$T/relaxed" 3>&- &
	python3 "$T/events.py" await_readers 2 "$MNT/.vouchfs/events"
	refuse 30
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	eventually grep -q '"slot":"functions/relaxed"' "$T/all"
	eventually grep -q "warned VF2001" "$T/relaxed"
	stop_mount
	wait
	[ "$(numbers "$T/all")" = "$(seq 2 34 | xargs)" ]
	[ "$(wc -l <"$T/relaxed")" = 2 ]
}

@test "events of a store that is not mounted; what there is to say where nothing can be had" {
	ready
	refuse 2
	stop_mount
	[ "$("$VOUCHFS" events --json | numbers)" = "1 2 3 4" ]
	run -0 "$VOUCHFS" events -n 1
	[[ ${lines[0]} == *"  stop" ]]
	run -1 "$VOUCHFS" events -f
	[[ $output == *"is not mounted, so there is nothing to follow"* ]]
	need_root
	chmod -R a+rX "$T/etc"
	cp "$VOUCHFS" "$T/vouchfs"
	run -1 as_user env VOUCHFS_CONF="$CONF" "$T/vouchfs" events
	[[ $output == *"is for root and the owner of the store alone"* ]]
}

@test "why: a slot or an event, of a mount and of a store, for people and as JSON" {
	ready
	refuse 1
	cp "$T/good.zip" "$MAIN/"
	run -0 "$VOUCHFS" why main
	[[ $output == "accepted  slot=functions/main"*"event             3" ]]
	"$VOUCHFS" why 3 | cmp - <(echo "$output")
	run -0 "$VOUCHFS" why 2
	[[ $output == "VF2001 refused  slot=functions/main  artifact=a.zip  config=Enforce"*"check source      FAILED  no signature  (Enforce)"*"expected: arn:"*"remedy            sign it"*"kept              nothing was served before"*"event             2" ]]
	refuse 1
	[[ $("$VOUCHFS" why 4) == *"kept              release 1 is still served"* ]]
	[ "$("$VOUCHFS" why main --json)" = "$(tail -n 1 "$MNT/.vouchfs/recent")" ]
	[ "$("$VOUCHFS" why 2 --json)" = "$(sed -n 2p "$MNT/.vouchfs/recent")" ]
	run -0 "$VOUCHFS" why 1
	[[ ${lines[0]} == start && ${lines[1]} == "  detail            $CONF" ]]
	run -1 "$VOUCHFS" why 99
	[[ $output == *"there is no event 99"* ]]
	run -1 "$VOUCHFS" why relaxed
	[[ $output == *"nothing was deployed there yet"* ]]
	run -2 "$VOUCHFS" why a/b/c
	[[ $output == *"neither the name of a slot"* ]]

	"$VOUCHFS" why main >"$T/why"
	"$VOUCHFS" why main --json >"$T/json"
	stop_mount
	"$VOUCHFS" why main | cmp - "$T/why"
	"$VOUCHFS" why main --json | cmp - "$T/json"
	[[ $("$VOUCHFS" why 2) == "VF2001 refused"* ]]
	run -1 "$VOUCHFS" why relaxed
	[[ $output == *"nothing was decided there yet"* ]]
}

@test "why: an old event is in the log, which is not for everybody" {
	need_root
	ready
	refuse 1
	chmod -R a+rX "$T/etc"
	cp "$VOUCHFS" "$T/vouchfs"
	as_user env VOUCHFS_CONF="$CONF" "$T/vouchfs" why 2 >"$T/why"
	[ "$("$VOUCHFS" why 2)" = "$(cat "$T/why")" ]
	refuse 2100 # more than the mount remembers
	[ "$("$VOUCHFS" why 2)" = "$(cat "$T/why")" ]
	run -1 as_user env VOUCHFS_CONF="$CONF" "$T/vouchfs" why 2
	[[ $output == *"event 2 is not among the recent ones of the mount"* ]]
	# a follower that wants more than the mount remembers gets it from the log
	[ "$("$VOUCHFS" events -n 2101 --json | wc -l)" = 2101 ]
}

@test "why shows the last decision, by the slot or by the function's bare name" {
	mk_plain_config
	start_mount
	mk_zip "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/main-function/"
	run -0 "$VOUCHFS" why main-function
	[[ ${lines[0]} == "accepted "*"functions/main-function"* ]]
	bare=$output
	run -0 "$VOUCHFS" why functions/main-function
	[ "$output" = "$bare" ]
}

@test "why of a slot without a decision, of no slot, of no name" {
	mk_plain_config
	start_mount
	run -1 "$VOUCHFS" why main-function
	[ "$output" = "vouchfs: functions/main-function: nothing was deployed there yet, so nothing was decided" ]
	run -1 "$VOUCHFS" why main-functoin
	[ "$output" = "vouchfs: there is no slot functions/main-functoin, did you mean functions/main-function?" ]
	run -2 "$VOUCHFS" why ../status
}
