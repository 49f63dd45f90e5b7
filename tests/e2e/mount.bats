#!/usr/bin/env bats
# Mounting and unmounting, the processes behind it, and what people are told when it does not work.

load lib

DEAD='Transport endpoint is not connected'

# Mounts in the foreground behind the test's back; the log is in $T/log.
start_foreground() {
	"$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
	foreground_pid=$!
	eventually grep -q "serving $CONF on $MNT" "$T/log"
}

# Kills supervisor and daemon; the mount is dead when the last of them has closed its files, a moment later.
kill_both() {
	daemon=$(daemon_pid)
	kill -KILL "$(supervisor_pid)"
	kill -KILL "$daemon"
	eventually no_processes_left
	eventually is_dead "$MNT"
}
is_dead() { [[ $(stat -f "$1" 2>&1) == *"$DEAD"* ]]; }

run_side_is_gone() { [ -z "$(mount_line "$MNT/run")" ]; }

# ---- mount ----

@test "mount returns when both sides are served, and unmount when the processes are gone" {
	mk_plain_config
	run -0 start_mount
	[ -z "$output" ]
	[ "$(cd "$MNT" && echo *)" = "functions layers run" ]
	[ -d "$MNT/run/.releases" ]
	[ -d "$MNT/functions/main-function" ]
	run -0 stop_mount
	[ -z "$output" ]
	run ! is_mounted
	no_processes_left
	[ -z "$(ls -A "$MNT")" ]
}

@test "mount: type, source and options of both sides" {
	need_root
	mk_plain_config
	start_mount
	[ "$(mount_line "$MNT")" = "rw,nosuid,nodev,relatime fuse.vouchfs $CONF rw,user_id=0,group_id=0,default_permissions,allow_other" ]
	[ "$(mount_line "$MNT/run")" = "ro,nosuid,nodev,relatime fuse.vouchfs $CONF ro,user_id=0,group_id=0,default_permissions,allow_other" ]
}

# calls_of_daemon COMMAND ...: how many system calls the daemon ends meanwhile
calls_of_daemon() {
	strace -f -c -o "$T/calls" -p "$(daemon_pid)" 2>"$T/strace" &
	local tracer=$!
	eventually grep -q attached "$T/strace"
	"$@" >/dev/null
	kill -INT "$tracer"
	wait "$tracer" || true
	awk '$NF == "total" { calls = $4 } END { print calls + 0 }' "$T/calls"
}

is_idle() { [ "$(calls_of_daemon sleep 0.3)" = 0 ]; }

# Sides that were busy a moment ago: a thread of each looks for the next request for LIMIT_LOOK_US, and no longer.
@test "a mount that nobody uses: the daemon makes no system call" {
	need_root
	mk_plain_config
	start_mount
	mk_zip "$T/a.zip" app.py='print(1)'
	cp "$T/a.zip" "$MNT/functions/main-function/"
	[ "$(calls_of_daemon find "$MNT/functions" "$MNT/run/main-function/task")" -gt 20 ]
	eventually is_idle
	cmp "$T/a.zip" "$MNT/functions/main-function/a.zip" # and answers the next request
	[ "$(python3 "$MNT/run/main-function/task/app.py")" = 1 ]
}

# Requests follow each other without a pause, so that a thread of each side looks for them when the end comes.
@test "unmounted in the middle of requests: whoever asked gets an error, everything ends" {
	mk_plain_config
	local client
	for _ in 1 2 3; do
		start_mount
		rm -f "$T/asking"
		python3 - "$T/asking" "$MNT/functions" "$MNT/run" <<-'END' &
			import itertools, os, sys
			sides = [os.open(path, os.O_RDONLY) for path in sys.argv[2:]]
			for number in itertools.count():
			    try:
			        os.stat(f"missing-{number}", dir_fd=sides[number % 2])
			    except FileNotFoundError:
			        pass
			    except OSError as error:
			        sys.exit(0 if number > 100 else error)
			    if number == 100:
			        open(sys.argv[1], "w").close()
		END
		client=$!
		eventually test -e "$T/asking"
		"$VOUCHFS" unmount --lazy "$MNT"
		wait "$client"
		eventually no_processes_left
	done
}

@test "mount: the run side reads ahead by 1 MiB" {
	need_root
	mk_plain_config
	start_mount
	[ "$(cat "/sys/class/bdi/$(mountpoint -d "$MNT/run")/read_ahead_kb")" = 1024 ]
}

@test "mount: a deployed artifact runs, and is still there after unmount and mount" {
	mk_plain_config
	start_mount
	mk_zip "$T/a.zip" app.py='print("it runs")'
	cp "$T/a.zip" "$MNT/functions/main-function/"
	[ "$(python3 "$MNT/run/main-function/task/app.py")" = "it runs" ]
	stop_mount
	start_mount
	[ "$(python3 "$MNT/run/main-function/task/app.py")" = "it runs" ]
	cmp "$T/a.zip" "$MNT/functions/main-function/a.zip"
}

@test "run: what the kernel remembers gives way to a deployment at once" {
	mk_plain_config
	start_mount
	cd "$MNT/run"
	[ ! -e main-function ] # and the kernel keeps that it is missing
	for text in one two three; do
		mk_zip "$T/a.zip" app.py="print('$text')"
		cp "$T/a.zip" "$MNT/functions/main-function/"
		[ "$(python3 main-function/task/app.py)" = "$text" ]
	done
	[ "$(readlink main-function)" = .releases/main-function/3 ]
	[ "$(cd .releases/main-function && echo *)" = "1 2 3" ]
}

@test "run: nobody can write, also not root" {
	need_root
	mk_plain_config
	start_mount
	mk_zip "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/main-function/"
	run -1 touch "$MNT/run/main-function/task/new"
	[[ $output == *"Read-only file system"* ]]
	run -1 rm -f "$MNT/run/main-function/code.zip"
	[[ $output == *"Read-only file system"* ]]
}

@test "mount: the configuration comes from the environment, and paths may be relative" {
	mk_plain_config
	cd "$T"
	VOUCHFS_CONF=etc/vouchfs.conf run -0 "$VOUCHFS" mount mnt/
	is_mounted
	cd etc
	run -0 "$VOUCHFS" unmount ../mnt
	run ! is_mounted
}

@test "mount -f stays, logs to stderr, and exits 0 when it is unmounted" {
	mk_plain_config
	start_foreground
	kill -0 "$foreground_pid"
	stop_mount
	wait "$foreground_pid"
}

@test "mount -f: SIGINT unmounts and exits 0" {
	mk_plain_config
	start_foreground
	kill -INT "$foreground_pid"
	wait "$foreground_pid"
	run ! is_mounted
	no_processes_left
}

@test "SIGTERM to the supervisor unmounts and ends both processes" {
	mk_plain_config
	start_mount
	kill -TERM "$(supervisor_pid)"
	eventually no_processes_left
	run ! is_mounted
}

@test "SIGTERM to the daemon does the same" {
	need_root
	mk_plain_config
	start_mount
	kill -TERM "$(daemon_pid)"
	eventually no_processes_left
	run ! is_mounted
}

@test "SIGTERM while files are open detaches both sides" {
	mk_plain_config
	start_foreground
	mk_zip "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/main-function/"
	exec 7<"$MNT/run/main-function/task/app.py"
	kill -TERM "$foreground_pid"
	wait "$foreground_pid"
	exec 7<&-
	run ! is_mounted
	no_processes_left
	grep -q "/run is in use; detached" "$T/log"
}

@test "mount: the daemon serves as the configured user, without groups and capabilities" {
	need_root
	VOUCHFS_SECTION='user = nobody' mk_plain_config
	start_mount
	proc=/proc/$(daemon_pid)/status
	grep -E "^Uid:.$(id -u nobody).$(id -u nobody).$(id -u nobody).$(id -u nobody)$" "$proc"
	grep -E '^Groups:[[:space:]]*$' "$proc"
	run -0 awk '/^Cap(Inh|Prm|Eff|Bnd|Amb):/ { print $2 }' "$proc"
	[ "${#lines[@]}" -eq 5 ]
	[ "$(printf '%s\n' "${lines[@]}" | sort -u)" = 0000000000000000 ]
	grep -E '^NoNewPrivs:.1$' "$proc"
	[ "$(stat -c '%U %a' "$STORE")" = "nobody 700" ]
	mk_zip "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/main-function/"
	stop_mount
}

@test "mount: where there is no such user, the store's owner serves" {
	need_root
	VOUCHFS_SECTION='user = no-such-user-here' mk_plain_config
	install -d -m 0700 -o nobody "$STORE"
	start_mount
	grep -E "^Uid:.$(id -u nobody)" "/proc/$(daemon_pid)/status"
}

# ---- mount: refusals ----

@test "mount: a mountpoint that is missing, or is a file" {
	mk_plain_config
	rmdir "$MNT"
	run -1 start_mount
	[ "$output" = "vouchfs: the mountpoint $MNT does not exist; \`mkdir -p $MNT\` makes it" ]
	touch "$MNT"
	run -1 start_mount
	[[ $output == "vouchfs: the mountpoint $MNT is not a directory; "* ]]
}

@test "mount: all errors of the configuration are shown, exit 78, nothing is mounted" {
	mk_plain_config
	printf 'group = no-such-group-here\nmod = 0775\n' >>"$CONF"
	run -78 start_mount
	[[ $output == *no-such-group-here* ]]
	[[ $output == *'did you mean "mode"'* ]]
	run ! is_mounted
	[ ! -e "$STORE" ]
	no_processes_left
}

@test "mount: a configuration that is missing" {
	run -78 start_mount
	[[ $output == *"$CONF"* ]]
	run ! is_mounted
}

@test "mount: a second one of the same configuration names the first" {
	mk_plain_config
	start_mount
	run -1 start_mount
	[ "$output" = "vouchfs: $MNT is mounted already, with this configuration" ]
	mkdir "$T/mnt2"
	run -1 "$VOUCHFS" mount -c "$CONF" "$T/mnt2"
	[ "$output" = "vouchfs: $CONF is mounted already, on $MNT; a configuration has one mount: \`vouchfs unmount $MNT\` ends that" ]
	ls "$MNT/functions/main-function"
}

@test "mount: another configuration on the same directory" {
	mk_plain_config
	start_mount
	sed "s|$STORE|$T/store2|" "$CONF" >"$T/etc/other.conf"
	run -1 "$VOUCHFS" mount -c "$T/etc/other.conf" "$MNT"
	[ "$output" = "vouchfs: $MNT is mounted already, with the configuration $CONF; \`vouchfs unmount $MNT\` frees it" ]
}

@test "mount: a store that is in use names the process" {
	mk_plain_config
	start_mount
	sed 's/^region/region/' "$CONF" >"$T/etc/other.conf"
	mkdir "$T/mnt2"
	run -1 "$VOUCHFS" mount -c "$T/etc/other.conf" "$T/mnt2"
	[[ $output == *"$(daemon_pid)"* ]]
	run ! is_mounted "$T/mnt2"
}

@test "mount: a store below the mountpoint" {
	STORE=$MNT/store mk_plain_config
	run -1 start_mount
	[ "$output" = "vouchfs: the store $MNT/store lies below the mountpoint $MNT, which would hide it; put one of them elsewhere" ]
	run ! is_mounted
}

@test "mount: the kernel's refusal is told" {
	need_root
	mk_plain_config
	run -1 setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$VOUCHFS" mount -c "$CONF" "$MNT"
	[[ $output == *"not permitted to mount on $MNT"* ]]
	no_processes_left
}

@test "mount: options that would change what is promised, or that nobody knows, are refused by name" {
	mk_plain_config
	run -2 start_mount -o noexec
	[[ $output == *'mount option "noexec" is refused'* ]]
	run -2 start_mount -o rw,alow_other
	[[ $output == *'unknown mount option "alow_other", did you mean "allow_other"?'* ]]
	run ! is_mounted
}

@test "mount.vouchfs takes what mount(8) hands over from fstab" {
	mk_plain_config
	ln -s "$VOUCHFS" "$T/mount.vouchfs"
	run -0 "$T/mount.vouchfs" "$CONF" "$MNT" -n -v -o rw,nosuid,nodev,nofail,_netdev,x-systemd.automount
	is_mounted
	run -2 "$T/mount.vouchfs" "$CONF" "$MNT" -o rw,suid
	[[ $output == *'"suid" is refused'* ]]
}

# ---- ends that nobody asked us for ----

@test "a killed daemon leaves no dead mount behind" {
	need_root
	export VOUCHFS_TEST_RESEND=no # as before Linux 6.9: no other takes its place
	mk_plain_config
	start_foreground
	kill -KILL "$(daemon_pid)"
	code=0
	wait "$foreground_pid" || code=$?
	[ "$code" -eq 1 ]
	run ! is_mounted
	ls -A "$MNT"
	grep -q 'the daemon was killed by signal 9' "$T/log"
	start_mount
}

@test "a killed daemon: whoever has files open gets errors, nobody hangs" {
	need_root
	export VOUCHFS_TEST_RESEND=no # as before Linux 6.9: no other takes its place
	mk_plain_config
	start_foreground
	exec 7>"$MNT/functions/main-function/a.zip"
	kill -KILL "$(daemon_pid)"
	wait "$foreground_pid" || true
	run timeout 5 bash -c 'echo data >&7'
	[ "$status" -ne 0 ]
	[ "$status" -ne 124 ]
	exec 7>&- || true
}

@test "unmounted from outside, the processes end by themselves, exit 0" {
	need_root
	mk_plain_config
	start_foreground
	umount "$MNT/run"
	umount "$MNT"
	wait "$foreground_pid"
	no_processes_left
}

@test "umount -l from outside: what is open is served until it is closed, then the processes end" {
	need_root
	mk_plain_config
	start_foreground
	mk_zip "$T/a.zip" app.py='still here'
	cp "$T/a.zip" "$MNT/functions/main-function/"
	exec 7<"$MNT/run/main-function/task/app.py"
	umount -l "$MNT"
	run ! is_mounted
	[ "$(cat <&7)" = "still here" ]
	run -1 start_mount
	[[ $output == *"process $foreground_pid serves it already"* ]]
	exec 7<&-
	wait "$foreground_pid"
	no_processes_left
}

@test "a daemon without its supervisor goes on serving, and ends when it is unmounted" {
	need_root
	mk_plain_config
	start_mount
	kill -KILL "$(supervisor_pid)"
	ls "$MNT/functions/main-function"
	stop_mount
	run ! is_mounted
	eventually no_processes_left
}

@test "a stale mount: mount takes it away, so does unmount --lazy" {
	need_root
	mk_plain_config
	start_mount
	kill_both
	run ls "$MNT"
	[[ $output == *"$DEAD"* ]]
	run -1 "$VOUCHFS" status
	[[ $output == *"has lost its process"* ]]
	run -0 start_mount
	[ "$output" = "vouchfs: the mount on $MNT had lost its process, and was taken away" ]
	ls "$MNT/functions/main-function" "$MNT/run"
	[ "$(mounts_below "$MNT" | wc -l)" -eq 2 ]
	kill_both
	run -0 "$VOUCHFS" unmount -l "$MNT"
	run ! is_mounted
	start_mount
}

@test "unmount --stale takes away what lost its process, and nothing else" {
	need_root
	mk_plain_config
	run -0 "$VOUCHFS" unmount --stale "$MNT"
	start_mount
	run -0 "$VOUCHFS" unmount --stale "$MNT"
	is_mounted
	ls "$MNT/run" >/dev/null
	kill_both
	run -0 "$VOUCHFS" unmount --stale "$MNT"
	[ -z "$output" ]
	run ! is_mounted
	start_mount
}

# ---- unmount ----

@test "unmount: a run side in use unmounts nothing; --lazy unmounts all and ends the daemon" {
	mk_plain_config
	start_mount
	mk_zip "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/main-function/"
	exec 7<"$MNT/run/main-function/task/app.py"
	run -1 stop_mount
	[[ $output == *"/run is in use, nothing was unmounted"*"fuser -vm"*"--lazy"* ]]
	ls "$MNT/functions/main-function" "$MNT/run/main-function/task"
	run -0 "$VOUCHFS" unmount --lazy "$MNT"
	run ! is_mounted
	exec 7<&-
	no_processes_left
}

@test "unmount waits for an upload that is under way" {
	mk_plain_config
	start_mount
	mk_zip "$T/a.zip"
	exec 7>"$MNT/functions/main-function/a.zip"
	cat "$T/a.zip" >&7
	stop_mount 7>&- &
	eventually run_side_is_gone # the run side is gone, the deploy side is in use
	exec 7>&-
	wait $!
	start_mount
	cmp "$T/a.zip" "$MNT/functions/main-function/a.zip"
}

@test "unmount: what is not mounted, what is no vouchfs, what is the run side" {
	mk_plain_config
	run -1 stop_mount
	[ "$output" = "vouchfs: nothing is mounted on $MNT" ]
	run -1 "$VOUCHFS" unmount /proc
	[ "$output" = "vouchfs: /proc is no vouchfs mount, its type is proc" ]
	need_root
	start_mount
	run -1 "$VOUCHFS" unmount "$MNT/run"
	[[ $output == *"$MNT/run is the run side"* ]]
	is_mounted
}

# ---- status ----

@test "status shows each slot, as text and as JSON" {
	mk_plain_config
	start_mount
	run -0 "$VOUCHFS" status
	[[ $output == *$'\n'"  main-function  "* ]]
	"$VOUCHFS" status --json | python3 -c '
import json, sys
status = json.load(sys.stdin)
assert status["schema"] == 1
assert [s["slot"] for s in status["slots"]] == ["main-function"]'
}
