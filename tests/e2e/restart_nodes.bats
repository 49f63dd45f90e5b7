#!/usr/bin/env bats
# What the kernel knows of a mount stays right when another daemon takes over.

load lib

setup() {
	lib_setup
	mk_account
	ARN=$(mk_profile release)
	config approved
	mk_zip "$T/one.zip" app.py='print(1)' big.bin="$(head -c 300000 /dev/zero | tr '\0' a)"
	sign_zip release "$T/one.zip"
	mk_zip "$T/two.zip" app.py='print(2)'
	sign_zip release "$T/two.zip"
}

# config NAME: both functions have that code-signing config
config() {
	mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = $ARN
		untrusted_artifact_on_deployment = Enforce
		untrusted_artifact_on_load = Enforce
		[function main-function]
		code_signing_config = $1
		[function other]
		code_signing_config = $1
		[function team-*]
		code_signing_config = $1
	END
}

# kill_daemon: and waits until another one serves
kill_daemon() {
	local before
	before=$(daemon_pid)
	kill -KILL "$before"
	eventually has_another_daemon "$before"
	eventually stat "$MNT/.vouchfs/status"
}

has_another_daemon() {
	local now
	now=$(daemon_pid)
	[ -n "$now" ] && [ "$now" != "$1" ]
}

link_is() { [ "$(readlink "$MNT/run/main-function")" = ".releases/main-function/$1" ]; }
app_is() { [ "$(cat "$MNT/run/main-function/task/app.py")" = "print($1)" ]; }
metric_is() { grep -qxF "$1" "$MNT/.vouchfs/metrics"; }

@test "links, listings and files are there after a kill" {
	start_mount
	cp "$T/one.zip" "$MNT/functions/main-function/"
	mkdir "$MNT/functions/team-x"
	cp "$T/two.zip" "$MNT/functions/team-x/"
	before=$(cd "$MNT" && stat -L -c '%n %i' functions/* run/* run/*/task/* && ls -R run/)
	kill_daemon
	[ "$(cd "$MNT" && stat -L -c '%n %i' functions/* run/* run/*/task/* && ls -R run/)" = "$before" ]
	cmp "$T/one.zip" "$MNT/functions/main-function/one.zip"
	cmp "$T/two.zip" "$MNT/functions/team-x/two.zip"
	metric_is 'vouchfs_daemon_restarts_total{mount="vouchfs",cause="died"} 1'
	grep -q "warning: the daemon died within a day, 1 time since the mount" "$MNT/.vouchfs/health"
	grep -q "DAEMON DIED" "$MNT/.vouchfs/status"
	grep -q "taken over .* ago, restart 1, pid $(daemon_pid)" "$MNT/.vouchfs/status"
	"$VOUCHFS" audit search -c "$CONF" --event start | grep -q "daemon 2 of this mount, which it takes over from one that died"
}

# At every rename of a deployment: the last are those of what is durable, and has not been told to the kernel.
@test "whatever a daemon died over, the link leads to what is in the store" {
	start_mount
	cp "$T/one.zip" "$MNT/functions/main-function/"
	app_is 1
	stop_mount
	untold=0
	for n in 1 2 3 4 5; do
		VOUCHFS_TEST_RESEND=yes VOUCHFS_TEST_FAULT=renameat:$n:kill "$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
		eventually is_mounted "$MNT/run"
		ls "$MNT/run/" >/dev/null
		before=$(readlink "$MNT/run/main-function")
		before=${before##*/}
		before_pid=$(daemon_pid)
		cp "$T/two.zip" "$MNT/functions/main-function/" 2>/dev/null || true
		died=no
		[ "$(daemon_pid)" = "$before_pid" ] || died=yes
		eventually stat "$MNT/.vouchfs/status" || { cat "$T/log"; false; }
		current=$("$VOUCHFS" status -c "$CONF" --json | python3 -c '
import json, sys
print([f["release"] for f in json.load(sys.stdin)["slots"] if f["slot"] == "main-function"][0])')
		eventually link_is "$current"
		if [ "$current" = 1 ]; then app_is 1; else app_is 2; fi
		[ "$current" -ge "$before" ]
		[ "$died" = no ] || [ "$current" = "$before" ] || untold=$((untold + 1))
		stop_mount
	done
	[ "$untold" -ge 1 ]
}

@test "a working directory stays where it is" {
	start_mount
	cp "$T/one.zip" "$MNT/functions/main-function/"
	mkdir "$MNT/functions/team-x"
	cd "$MNT/functions/team-x"
	kill_daemon
	cp "$T/two.zip" .
	[ "$(ls)" = two.zip ]
	[ "$(cat "$MNT/run/team-x/task/app.py")" = "print(2)" ]
	cd "$MNT/run/main-function/task"
	kill_daemon
	[ "$(cat app.py)" = "print(1)" ]
	[ "$(ls)" = "$(printf 'app.py\nbig.bin')" ]
	[ "$(find .. -name app.py)" = ../task/app.py ]
}

@test "whoever has a release open reads on, also one that is not kept any more" {
	VOUCHFS_SECTION="keep_releases = 1" config approved
	start_mount
	cp "$T/one.zip" "$MNT/functions/main-function/"
	exec 5<"$MNT/run/main-function/task/big.bin"
	cd "$MNT/run/main-function/task"
	[ "$(head -c 10 <&5)" = aaaaaaaaaa ]
	cp "$T/two.zip" "$MNT/functions/main-function/"
	cp "$T/one.zip" "$MNT/functions/main-function/"
	cp "$T/two.zip" "$MNT/functions/main-function/"
	kill_daemon
	[ "$(wc -c <&5)" -gt 100000 ]
	exec 5<&-
	[ "$(cat app.py)" = "print(1)" ]
	app_is 2
	eventually test ! -e "$MNT/run/.releases/main-function/1"
}

@test "a revocation that came while there was no daemon takes what the kernel has" {
	start_mount
	cp "$T/one.zip" "$MNT/functions/main-function/"
	cd "$MNT/run/main-function/task"
	app_is 1
	supervisor=$(supervisor_pid) daemon=$(daemon_pid)
	kill -STOP "$supervisor"
	kill -KILL "$daemon"
	[ "$(cat app.py)" = "print(1)" ] # of the kernel's pages, as nobody else is there
	signer "$ACCOUNT" revoke-signing-profile --profile-name release --profile-version "${ARN##*/}" \
		--reason leaked --effective-time 2020-01-01T00:00:00Z
	export_trust
	kill -CONT "$supervisor"
	eventually has_another_daemon "$daemon"
	eventually is_blocked app.py
	is_blocked big.bin
	run ! cat "$MNT/run/main-function/task/app.py"
	[[ $output == *"Permission denied"* ]]
}

is_blocked() { ! cat "$1" 2>"$T/error" >/dev/null && grep -q "Permission denied" "$T/error"; }

# Python, since a shell closes a copy of the descriptor after each write, which is a verdict.
hold_open() {
	python3 -c '
import errno, os, sys
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(file, b"PK\x03\x04")
print("open", flush=True)
sys.stdin.readline()
for what in (lambda: os.write(file, b"more"), lambda: os.fsync(file), lambda: os.close(file)):
    try:
        what()
        print("done", flush=True)
    except OSError as e:
        print(errno.errorcode[e.errno], flush=True)
' "$1"
}

@test "uploads of a daemon that died have failed, and leave nothing" {
	start_mount
	mkfifo "$T/go"
	hold_open "$MNT/functions/main-function/half.zip" <"$T/go" >"$T/said" 3>&- &
	exec 7>"$T/go"
	eventually grep -q open "$T/said"
	cp "$T/one.zip" "$MNT/functions/main-function/.staged"
	[ -e "$MNT/functions/main-function/.staged" ]
	kill_daemon
	[ ! -e "$MNT/functions/main-function/.staged" ]
	[ -z "$(ls -A "$STORE/staging")" ]
	metric_is 'vouchfs_staging_bytes{mount="vouchfs"} 0'
	echo >&7
	exec 7>&-
	wait
	[ "$(cat "$T/said")" = "$(printf 'open\nEIO\nEIO\nEIO')" ]
	[ -z "$(ls -A "$MNT/functions/main-function")" ]
	cp "$T/one.zip" "$MNT/functions/main-function/"
	app_is 1
}
