# shellcheck shell=bash
# What the end-to-end tests share: `load lib` gives every test a directory of its own ($T) with a signing home for each
# account, a configuration, a store and a mountpoint, and takes all of it away again, also when the test fails.
#
#     load lib
#     @test "a signed artifact is accepted" {
#         mk_account
#         arn=$(mk_profile release)
#         mk_config <<-END
#             [code-signing-config approved]
#             allowed_publisher = $arn
#             untrusted_artifact_on_deployment = Enforce
#             [function main-function]
#             code_signing_config = approved
#         END
#         start_mount
#         mk_zip "$T/a.zip" app.py='print(1)'
#         sign_zip release "$T/a.zip"
#         cp "$T/a.zip" "$MNT/functions/main-function/"
#     }

bats_require_minimum_version 1.5.0

VOUCHFS=${VOUCHFS:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/test/vouchfs}
ACCOUNT=111122223333

lib_setup() {
	T=$(mktemp -d "${TMPDIR:-/tmp}/vouchfs-e2e.XXXXXX")
	chmod 0711 "$T"
	MNT=$T/mnt
	STORE=$T/store
	CONF=$T/etc/vouchfs.conf
	mkdir "$MNT" "$T/etc" "$T/etc/trust" "$T/homes" "$T/xdg"
	chmod 0700 "$T/xdg"
	export VOUCHFS_CONF=$CONF XDG_RUNTIME_DIR=$T/xdg
	# nothing of the caller's gets in
	unset VOUCHFS_SIGNER_HOME VOUCHFS_SIGNER_SERVICE VOUCHFS_TEST_CLOCK VOUCHFS_TEST_FAULT VOUCHFS_TEST_RESEND
	export LC_ALL=C NO_COLOR=1
}

lib_teardown() {
	[ -n "${T:-}" ] || return 0
	cd /
	lib_unmount_all
	lib_kill_own
	lib_unmount_all # what a daemon that was starting has mounted meanwhile
	rm -rf --one-file-system "$T"
}

# Tests that need more call lib_setup and lib_teardown from functions of their own.
setup() { lib_setup; }
teardown() { lib_teardown; }

# Every mountpoint below a directory, deepest first.
mounts_below() {
	awk -v dir="$1/" 'index($5 "/", dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

lib_unmount_all() {
	local dir
	for dir in $(mounts_below "$T"); do
		umount -l "$dir" 2>/dev/null || fusermount3 -u -z "$dir" 2>/dev/null || true
	done
}

# The processes of this test: $T is in their arguments, and in nobody else's.
own_pids() {
	pgrep -f -- "vouchfs .*$T/" || true
}

lib_kill_own() {
	local tries
	for ((tries = 0; tries < 50; tries++)); do # a daemon whose mount is gone ends by itself
		[ -n "$(own_pids)" ] || return 0
		sleep 0.02
	done
	own_pids | xargs -r kill -KILL 2>/dev/null || true
}

# Waits up to 5 s for a command to succeed.
eventually() {
	local tries
	for ((tries = 0; tries < 250; tries++)); do
		if "$@" >/dev/null 2>&1; then return 0; fi
		sleep 0.02
	done
	echo "never succeeded: $*" >&2
	return 1
}

# The clock of everything that is started from here on stands still.
stop_clock() {
	export VOUCHFS_TEST_CLOCK=$T/clock
	date -u +%Y-%m-%dT%H:%M:%SZ >"$T/clock"
}

# move_clock SECONDS
move_clock() {
	date -u -d "$(cat "$T/clock") + $1 seconds" +%Y-%m-%dT%H:%M:%SZ >"$T/clock.new"
	cp "$T/clock.new" "$T/clock"
}

# Releases that fell out of keep_releases are not found by their names any more.
pass_grace() { move_clock 6; }

# ---- signing ----

home_of() { echo "$T/homes/${1:-$ACCOUNT}"; }

# signer ACCOUNT VERB ...
signer() {
	local account=$1
	shift
	VOUCHFS_SIGNER_HOME=$(home_of "$account") "$VOUCHFS" signer "$@"
}

# mk_account [ACCOUNT]; mk_config trusts every account that was made
mk_account() {
	signer "${1:-$ACCOUNT}" create-account --account-id "${1:-$ACCOUNT}" >/dev/null
}

json_value() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" | head -n 1; }

# mk_profile NAME [ACCOUNT]: prints the ARN of the profile version
mk_profile() {
	signer "${2:-$ACCOUNT}" put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name "$1" |
		json_value profileVersionArn
}

# sign_zip PROFILE IN [OUT] [ACCOUNT]
sign_zip() {
	VOUCHFS_SIGNER_HOME=$(home_of "${4:-}") "$VOUCHFS" sign --profile "$1" "$2" ${3:+-o "$3"} >/dev/null
}

# mk_zip OUT [NAME=CONTENT ...]
mk_zip() {
	local out=$1 dir name
	shift
	[ $# -gt 0 ] || set -- "app.py=print('hello')"
	dir=$(mktemp -d "$T/zip.XXXXXX")
	for entry in "$@"; do
		name=${entry%%=*}
		mkdir -p "$dir/$(dirname "$name")"
		printf '%s\n' "${entry#*=}" >"$dir/$name"
	done
	rm -f "$out"
	(cd "$dir" && zip -q -X -r "$out" .)
	rm -rf "$dir"
}

# ---- configuration and mount ----

export_trust() {
	local home
	for home in "$T"/homes/*; do
		[ ! -d "$home" ] || VOUCHFS_SIGNER_HOME=$home "$VOUCHFS" signer export-trust --directory "$T/etc/trust" >/dev/null
	done
}

# Writes the configuration: [vouchfs] (with the lines of $VOUCHFS_SECTION), the accounts, then what comes on stdin.
mk_config() {
	local home account
	export_trust
	{
		printf '[vouchfs]\naccount = %s\nregion = local\nstore = %s\n' "$ACCOUNT" "$STORE"
		printf '%s\n' "${VOUCHFS_SECTION:-}"
		for home in "$T"/homes/*; do
			[ -d "$home" ] || continue
			account=${home##*/}
			printf '[account %s]\ncertificate = trust/%s.pem\n' "$account" "$account"
			printf 'revocations = trust/%s.revocations\n' "$account"
		done
		sed 's/^[[:space:]]*//'
	} >"$CONF"
}

# One function, nothing checked but the ZIP rules: for tests that are not about signatures.
mk_plain_config() {
	mk_config <<-END
		[function ${1:-main-function}]
		code_signing_config = none
	END
}

start_mount() { "$VOUCHFS" mount -c "$CONF" "$@" "$MNT"; }
stop_mount() { "$VOUCHFS" unmount "$MNT"; }

# Options, type, source and filesystem options, without what lies between.
mount_line() {
	awk -v dir="$1" '$5 == dir { sub(/.* - /, $6 " "); print }' /proc/self/mountinfo
}

supervisor_pid() { own_pids | head -n 1; }
daemon_pid() { pgrep -P "$(supervisor_pid)"; }

is_mounted() { [ -n "$(mounts_below "${1:-$MNT}")" ]; }
no_processes_left() { [ -z "$(own_pids)" ]; }

# as_user COMMAND ...: as nobody, without groups
as_user() {
	setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
}

need_root() { [ "$(id -u)" = 0 ] || skip "needs root"; }

# Ordinary users can mount, and run the program.
need_user_mounts() {
	need_root
	[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not set-user-ID"
	as_user test -w /dev/fuse || skip "/dev/fuse is for root only here"
	cp "$VOUCHFS" "$T/vouchfs"
	VOUCHFS=$T/vouchfs
}

# nobody_looks_into PID: a process of nobody, to which other processes of nobody cannot attach, whose memory they cannot
# open, and which leaves no core. What is tried works with an ordinary process.
nobody_looks_into() {
	grep -qE '^Max core file size +0 +0 ' "/proc/$1/limits"
	as_user env PATH=/usr/bin:/bin python3 - "$1" <<-'END'
		import ctypes, os, signal, sys
		ATTACH, DETACH = 16, 17
		libc = ctypes.CDLL(None, use_errno=True)
		libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
		def tries(pid):
		    def attach():
		        if libc.ptrace(ATTACH, pid, None, None) < 0:
		            raise PermissionError(ctypes.get_errno(), "ptrace")
		        os.waitpid(pid, 0)
		        libc.ptrace(DETACH, pid, None, None)
		    for what, do in (
		        ("attach", attach),
		        ("mem", lambda: open(f"/proc/{pid}/mem", "rb").close()),
		        ("environ", lambda: open(f"/proc/{pid}/environ", "rb").close()),
		        ("descriptors", lambda: os.listdir(f"/proc/{pid}/fd")),
		    ):
		        try:
		            do()
		            yield what
		        except PermissionError:
		            pass
		child = os.fork()
		if child == 0:
		    signal.pause()
		try:
		    ordinary, served = list(tries(child)), list(tries(int(sys.argv[1])))
		finally:
		    os.kill(child, signal.SIGKILL)
		assert len(ordinary) == 4, f"only {ordinary} work with an ordinary process"
		assert not served, f"{served} work"
	END
}

# ---- a mount that is ready to be deployed to ----

# An account with the profile "release"; functions "main" (Enforce) and "relaxed" (Warn), and what comes on stdin.
start_ready_mount() {
	local arn
	mk_account
	arn=$(mk_profile release)
	mk_config < <(
		for mode in Enforce Warn; do
			printf '[code-signing-config %s]\nallowed_publisher = %s\n' "$mode" "${arn%/*}"
			printf 'untrusted_artifact_on_deployment = %s\n' "$mode"
		done
		printf '[function main]\ncode_signing_config = Enforce\n[function relaxed]\ncode_signing_config = Warn\n'
		[ -t 0 ] || cat
	)
	start_mount
	MAIN=$MNT/functions/main
	RUN=$MNT/run/main
}

# mk_signed OUT [NAME=CONTENT ...]: a ZIP that main takes
mk_signed() {
	mk_zip "$@"
	sign_zip release "$1"
}

# The names in a directory, on one line.
names_in() { (cd "$1" && echo .[!.]* * | sed 's/\.\[!\.\]\* *//; s/^\*$//'); }
