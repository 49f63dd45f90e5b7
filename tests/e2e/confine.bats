#!/usr/bin/env bats
# What somebody could do who has taken over the process that serves: nothing but what it does anyway. A build with test
# hooks has a trap door (src/fs/trap.h), by which a thread that serves tries it from inside. That each of these acts works
# where nothing is confined is seen as well (VOUCHFS_TEST_CONFINE=off).

load lib

setup() {
	case $VOUCHFS in */asan/* | */tsan/*) skip "sanitizers call, open and attach to more" ;; esac
	lib_setup
	mkdir -m 0755 "$T/home"
	echo secret >"$T/home/letter"
	mkdir -m 1777 "$T/open"
	mkdir "$T/var"
	STORE=$T/var/store
	exec 9<>"$T/trap"
}

teardown() {
	[ -z "${LISTENER:-}" ] || kill "$LISTENER" 2>/dev/null || true
	lib_teardown
}

# By root: served by root itself, or by the user named. By an ordinary user.
as_root() { need_root && MOUNT_AS="" USER_LINE=""; }
as_service_user() { need_root && MOUNT_AS="" USER_LINE="user = nobody"; }
as_ordinary_user() {
	need_user_mounts
	chown -R nobody "$T/etc" "$T/xdg" "$MNT" "$T/var" "$T/trap"
	MOUNT_AS=as_user USER_LINE=""
}

# who: one of the above. What it serves has an admissible link that leads out of the store.
prepare() {
	"$1"
	VOUCHFS_SECTION=$USER_LINE mk_plain_config
	[ -z "$MOUNT_AS" ] || chown -R nobody "$T/etc"
	mkdir -m 0700 "$STORE"
	[ "$1" = as_root ] || chown nobody "$STORE"
	cp -rp "$STORE" "$T/var/other" # of the same user, as that of another mount
	echo secret >"$T/var/other/format"
	[ "$1" = as_root ] || chown nobody "$T/var/other/format"
}

mount_it() {
	VOUCHFS_TEST_TRAP=9 $MOUNT_AS "$VOUCHFS" mount -c "$CONF" --log stderr "$MNT" 2>>"$T/log" 3>&-
	[ -L "$STORE/out" ] || ln -s "$T/home/letter" "$STORE/out"
}

take_down() {
	lib_unmount_all
	eventually no_processes_left
}

# try ACT [ARGUMENT]: what came of it; of an act that ended the process "SIGSYS"
try() {
	: >"$T/log"
	printf '%s\n' "$*" >"$T/trap"
	$MOUNT_AS timeout 5 stat -f "$MNT" >/dev/null 2>&1 || true
	came=$(cat "$T/trap")
	if [ "$came" = "?" ]; then
		eventually grep -q "killed by signal 31 " "$T/log"
		came=SIGSYS
		take_down
		mount_it
	fi
	echo "$*: $came"
}

# expect OUTCOME ACT [ARGUMENT]
expect() {
	local wanted=$1
	shift
	try "$@"
	[ "$came" = "$wanted" ]
}

listen() {
	python3 -c '
import socket, sys, time
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); time.sleep(60)' >"$T/port" 9>&- 3>&- &
	LISTENER=$!
	eventually test -s "$T/port"
	PORT=$(cat "$T/port")
}

# What fails, and the process lives on.
nothing_is_reached() {
	expect EACCES read "$1"
	expect EACCES read "$T/home/letter"
	expect EACCES list "$T/home"
	expect EACCES read "$T/var/other/format"
	expect EACCES read "$STORE/out"
	expect ELOOP beneath "$STORE out"
	expect EXDEV beneath "$STORE ../other/format"
	expect EACCES create "$T/open/new"
	expect EACCES mkdir "$T/open/new"
	expect EACCES unlink "$T/home/letter"
	expect EACCES write "$CONF"
	expect EACCES read "$MNT/.vouchfs/status"
	expect EAFNOSUPPORT connect "$PORT"
	expect EAFNOSUPPORT netlink
	expect EPERM run-memory
	expect EPERM dumpable
	expect EPERM own "$(supervisor_pid)"
	expect EPERM own-signal
	expect EPERM limit "$(supervisor_pid)"
	[ -z "$(ls -A "$T/open")" ]
	[ -f "$T/home/letter" ]
}

# What ends it.
nothing_is_done() {
	local act
	expect SIGSYS exec "echo ran >$T/open/ran"
	for act in ptrace peek kill; do expect SIGSYS "$act" "$(supervisor_pid)"; done
	for act in fork setuid "mknod $T/open/null" "symlink $T/open/link" "mount $T/open" unshare \
		userns keyctl io_uring bpf chroot "chmod $T/home/letter"; do
		# shellcheck disable=SC2086 # an act and its argument
		expect SIGSYS $act
	done
	[ -z "$(ls -A "$T/open")" ]
}

# What it still does, read and written through it.
it_serves() {
	mk_zip "$T/a.zip"
	chmod 0644 "$T/a.zip"
	$MOUNT_AS cp "$T/a.zip" "$MNT/functions/main-function/"
	[ "$($MOUNT_AS cat "$MNT/run/main-function/task/app.py")" = "print('hello')" ]
}

for_one() {
	listen
	prepare "$1"
	mount_it
	nothing_is_reached "$2"
	nothing_is_done
	it_serves
}

@test "from inside, served by root: no file, no socket, no process, no privilege" {
	for_one as_root /etc/shadow
}

@test "from inside, served by the service user: the same" {
	for_one as_service_user /etc/shadow
}

@test "from inside, mounted by an ordinary user: the same" {
	for_one as_ordinary_user /etc/shadow
}

# ---- the same where nothing is confined: what is asserted above can fail ----

anybody_reaches() {
	expect 0 read "$T/home/letter"
	expect 0 list "$T/home"
	expect 0 read "$T/var/other/format"
	expect 0 read "$STORE/out"
	expect ELOOP beneath "$STORE out" # by the function itself
	expect 0 create "$T/open/new"
	expect 0 mkdir "$T/open/directory"
	expect 0 symlink "$T/open/link"
	expect 0 connect "$PORT"
	expect 0 netlink
	expect 0 run-memory
	expect 0 fork
	expect 0 keyctl
	expect 0 own "$(supervisor_pid)"
	expect 0 own-signal
}

executes() {
	printf 'exec %s\n' "echo ran >$T/open/ran" >"$T/trap"
	$MOUNT_AS timeout 5 stat -f "$MNT" >/dev/null 2>&1 || true
	eventually test -s "$T/open/ran"
}

# But a user namespace, which a process of several threads gets nowhere.
@test "without confinement root does all of it" {
	export VOUCHFS_TEST_CONFINE=off
	listen
	prepare as_root
	mount_it
	anybody_reaches
	local act
	mkdir "$T/place"
	for act in ptrace peek kill limit; do expect 0 "$act" "$(supervisor_pid)"; done
	for act in "read /etc/shadow" "unlink $T/open/new" "write $CONF" dumpable setuid \
		"mknod $T/open/null" "mount $T/place" unshare bpf io_uring chroot "chmod $T/home/letter"; do
		# shellcheck disable=SC2086 # an act and its argument
		expect 0 $act
	done
	executes
}

@test "without confinement the service user does what any user does" {
	export VOUCHFS_TEST_CONFINE=off
	listen
	prepare as_service_user
	mount_it
	anybody_reaches
	executes
}

@test "without confinement an ordinary user does what any user does" {
	export VOUCHFS_TEST_CONFINE=off
	listen
	prepare as_ordinary_user
	mount_it
	anybody_reaches
	executes
}

# ---- what the configuration names later, and kernels that cannot ----

@test "a list that is moved out of what was named: the error says so, and what to do" {
	start_ready_mount </dev/null
	mkdir "$T/elsewhere"
	cp "$T/etc/trust/$ACCOUNT".* "$T/elsewhere/"
	sed -i "s|^revocations = .*|revocations = $T/elsewhere/$ACCOUNT.revocations|" "$CONF"
	run -0 "$VOUCHFS" reload -c "$CONF"
	run -0 "$VOUCHFS" status -c "$CONF"
	[[ $(tr -s ' \n' ' ' <<<"$output") == *"REVOCATION LIST of account $ACCOUNT is refused:"*"Permission denied: it is outside of the places that the configuration named when this was mounted"*"vouchfs restart"* ]]
	sed -i "s|^certificate = .*|certificate = $T/elsewhere/$ACCOUNT.pem|" "$CONF"
	run -78 "$VOUCHFS" reload -c "$CONF"
	[[ $output == *"certificate = "*"outside of the places"*"vouchfs restart"* ]]
	"$VOUCHFS" restart "$MNT"
	run -0 "$VOUCHFS" status -c "$CONF"
	[[ $output != *"REVOCATION LIST of"* ]]
}

@test "a metrics_textfile that a reload names elsewhere: the log says so, and what to do" {
	mk_plain_config
	"$VOUCHFS" mount -c "$CONF" --log stderr "$MNT" 2>"$T/log" 3>&- 9>&-
	mkdir "$T/prom"
	sed -i "s|^region = .*|&\nmetrics_textfile = $T/prom/a.prom|" "$CONF"
	"$VOUCHFS" reload
	eventually grep -q "a.prom cannot be written: Permission denied: it is outside of the places" "$T/log"
	"$VOUCHFS" restart "$MNT"
	eventually test -e "$T/prom/a.prom"
}

@test "a file that is replaced where it was is read again, and a new user is known" {
	start_ready_mount </dev/null
	cp "$CONF" "$CONF.new"
	printf '[function other]\ncode_signing_config = none\nowner = nobody\n' >>"$CONF.new"
	mv "$CONF.new" "$CONF"
	cp -r "$T/etc/trust" "$T/etc/trust.new"
	mv "$T/etc/trust" "$T/etc/trust.old"
	mv "$T/etc/trust.new" "$T/etc/trust" # below the configuration's directory
	run -0 "$VOUCHFS" reload -c "$CONF"
	[ "$(stat -c %U "$MNT/functions/other")" = nobody ]
	run -0 "$VOUCHFS" status -c "$CONF"
	[[ $output != *"REVOCATION LIST of"* ]]
}

@test "a kernel that cannot: nothing is mounted, or it is said in the log" {
	export VOUCHFS_TEST_CONFINE=absent
	mk_plain_config
	run -1 "$VOUCHFS" mount -c "$CONF" "$MNT"
	[[ $output == *"cannot be confined: this kernel has no Landlock"*"seccomp filter; \`confine = try\`"* ]]
	run ! is_mounted
	VOUCHFS_SECTION="confine = try" mk_plain_config
	"$VOUCHFS" mount -c "$CONF" --log stderr "$MNT" 2>"$T/log" 3>&- 9>&-
	eventually grep -q "is not confined as it should be: this kernel has no Landlock" "$T/log"
	run -0 "$VOUCHFS" status -c "$CONF"
	[[ $output == *"!! NOT CONFINED: this kernel has no Landlock"* ]]
	run -1 "$VOUCHFS" health -c "$CONF"
	[[ $output == *"is not confined: this kernel has no Landlock"* ]]
}

@test "a signing service is confined, less where keys are in tokens" {
	mk_account
	mk_profile release >/dev/null
	listen
	VOUCHFS_TEST_TRAP=9 "$VOUCHFS" signer mount --home "$(home_of)" --log stderr "$MNT" 2>"$T/log" 3>&-
	expect EACCES read "$T/home/letter"
	expect EACCES create "$T/open/new"
	expect 0 connect "$PORT" # as that of a time stamp authority
	expect EPERM run-memory
}
