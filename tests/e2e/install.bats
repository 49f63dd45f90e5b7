#!/usr/bin/env bats
# What `make install` puts there: which files, and that units, users, directories and manual pages are what systemd and
# man take. tests/e2e/installed.list is the list of files; `vouchfs.conf` below is installed once, below $PREFIX.

load lib

TOP=$BATS_TEST_DIRNAME/../..

# Not the flags of the make that runs this.
make_quietly() { env -u MAKEFLAGS -u MAKELEVEL make -s -C "$TOP" "$@" >/dev/null; }

setup_file() {
	# shellcheck disable=SC2155
	export PREFIX=$(mktemp -d "${TMPDIR:-/tmp}/vouchfs-prefix.XXXXXX")
	make_quietly install PREFIX="$PREFIX"
	export UNITS=$PREFIX/lib/systemd/system
}

teardown_file() { rm -rf "$PREFIX"; }

# Type, mode and name of what is below a directory, and where links lead.
listing() { find "$1" ! -type d -printf '%y %m %P %l\n' | sed 's/ $//' | LC_ALL=C sort -k 3; }

needs() { command -v "$1" >/dev/null || skip "no $1"; }

@test "make install puts the files of the list below DESTDIR, and uninstall takes all of them away" {
	make_quietly install DESTDIR="$T/root" PREFIX=/usr
	diff "$TOP/tests/e2e/installed.list" <(listing "$T/root")
	run -0 "$T/root/usr/bin/vouchfs" --version
	[[ $output == "vouchfs "* ]]
	make_quietly uninstall DESTDIR="$T/root" PREFIX=/usr
	run find "$T/root" ! -type d
	[ -z "$output" ]
}

@test "helpers of mount belong into /sbin for the usual prefixes, else they stay below the prefix" {
	local prefix
	for prefix in /usr /usr/local; do
		env -u MAKEFLAGS make -n -C "$TOP" install-only DESTDIR="$T/root" PREFIX="$prefix" >"$T/commands"
		grep -qx "install -d $T/root/sbin" "$T/commands"
	done
	[ "$(readlink "$PREFIX/sbin/mount.vouchfs")" = "$PREFIX/bin/vouchfs" ]
}

@test "the installed program mounts, as command and as helper of mount" {
	need_root
	export VOUCHFS=$PREFIX/bin/vouchfs
	mk_plain_config
	start_mount
	[ -d "$MNT/functions/main-function" ]
	stop_mount
	"$PREFIX/sbin/mount.vouchfs" "$CONF" "$MNT" -o rw
	[ -d "$MNT/functions/main-function" ]
	stop_mount
}

# ---- units ----

# verify UNIT: systemd's opinion
verify() {
	SYSTEMD_UNIT_PATH=$T/units:$UNITS: systemd-analyze verify --man=no --recursive-errors=no "$1"
}

@test "units: systemd finds no fault with them" {
	local unit
	needs systemd-analyze
	mkdir "$T/units"
	for unit in vouchfs@srv-functions vouchfs-confined@srv-functions vouchfs-signer@srv-signing vouchfs-function@main-function; do
		cp "$UNITS/${unit%@*}@.service" "$T/units/$unit.service"
	done
	cp "$UNITS"/vouchfs-export-trust.* "$T/units"
	for unit in "$T"/units/*; do
		run -0 verify "$unit"
		[ -z "$output" ]
	done
	echo 'Nonsense=yes' >>"$T/units/vouchfs@srv-functions.service"
	run verify "$T/units/vouchfs@srv-functions.service"
	[[ $output == *"Nonsense"* ]]
}

@test "units: paths are those of the prefix, and the documentation is there" {
	local page
	run ! grep -r "@bindir@" "$PREFIX/lib"
	grep -qx "ExecStart=$PREFIX/bin/vouchfs mount -f %f" "$UNITS/vouchfs@.service"
	cat "$UNITS"/* | sed -n 's/^Documentation=//p' | tr ' ' '\n' >"$T/pages"
	while read -r page; do
		[[ $page =~ ^man:(.*)\((.)\)$ ]]
		[ -f "$PREFIX/share/man/man${BASH_REMATCH[2]}/${BASH_REMATCH[1]}.${BASH_REMATCH[2]}" ]
	done <"$T/pages"
	[ "$(wc -l <"$T/pages")" -ge 6 ]
}

# Whatever gives a service a mount namespace of its own: systemd.exec(5).
HIDES='^(Protect(System|Home|Proc|Hostname|Clock|Kernel[A-Za-z]*|ControlGroups)|Private[A-Za-z]+|(ReadOnly|ReadWrite|Inaccessible|Exec|NoExec)Paths|Bind(ReadOnly)?Paths|TemporaryFileSystem|Root[A-Za-z]+|MountFlags|MountAPIVFS|(State|Cache|Logs|Runtime|Configuration)Directory|ProcSubset|DynamicUser|User|(Load|Set)Credential[A-Za-z]*)='

@test "units: nothing hides the mounts from the rest of the host" {
	local unit
	for unit in vouchfs@ vouchfs-signer@; do
		run -1 grep -E "$HIDES" "$UNITS/$unit.service"
	done
	run -0 grep -cE "$HIDES" "$UNITS/vouchfs-export-trust.service"
	[ "$output" -gt 5 ]
	# it takes openat2(2) away
	for unit in vouchfs@ vouchfs-confined@ vouchfs-signer@ vouchfs-export-trust; do
		run -1 grep RestrictSUIDSGID=yes "$UNITS/$unit.service"
	done
}

@test "units: what they may do stays small" {
	local unit
	needs systemd-analyze
	# in tenths of its figures: who mounts needs CAP_SYS_ADMIN, and may hide no file
	for unit in vouchfs@.service=52 vouchfs-confined@.service=20 vouchfs-signer@.service=52 vouchfs-function@.service=40 vouchfs-export-trust.service=25; do
		cp "$UNITS/${unit%=*}" "$T/${unit%=*}"
		run -0 systemd-analyze security --no-pager --offline=yes --threshold="${unit#*=}" "$T/${unit%=*}"
	done
}

# A process that cannot confine itself does not serve, and these are in none of systemd's groups.
@test "units: who serves may confine itself" {
	local unit call
	for unit in vouchfs@ vouchfs-confined@ vouchfs-signer@; do
		for call in seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self; do
			grep -qE "^SystemCallFilter=@system-service.* $call( |$)" "$UNITS/$unit.service"
		done
	done
}

@test "units: what makes the confined one serve is in it, and what would not let it is not" {
	local unit="$UNITS/vouchfs-confined@.service" line
	for line in "ExecStartPre=+/usr/bin/nsenter --target 1 --mount $PREFIX/bin/vouchfs mount --keep %f" "ExecStart=$PREFIX/bin/vouchfs mount --kept %f" \
		"ExecStopPost=+-/usr/bin/nsenter --target 1 --mount $PREFIX/bin/vouchfs unmount --stale %f" NotifyAccess=exec FileDescriptorStoreMax=8 CapabilityBoundingSet=; do
		grep -qxF "$line" "$unit"
	done
	run ! grep -qE '^(ProtectProc|ProcSubset|PrivateUsers|RestrictSUIDSGID|InaccessiblePaths)=' "$unit" # callers' names; openat2
}

@test "kept: without systemd neither half does anything, and both say so" {
	need_root
	mk_plain_config
	cp "$CONF" "$T/own.conf"
	sed -i "s|^\[vouchfs\]|&\nuser = root|; s|^store = .*|store = $T/kept-store|" "$CONF"
	run -1 env -u NOTIFY_SOCKET "$VOUCHFS" mount --keep -c "$CONF" "$MNT"
	[[ $output == *"a confined service is not root"*"vouchfs@.service"* ]]
	sed -i 's|^user = root|user = nobody|' "$CONF"
	run -1 env -u NOTIFY_SOCKET "$VOUCHFS" mount --keep -c "$CONF" "$MNT"
	[[ $output == *"no systemd is there to keep the mount"* ]]
	run ! is_mounted
	run -1 "$VOUCHFS" mount --kept "$MNT"
	[[ $output == *"systemd has kept no mount for this process"* ]]
	# and the first one has left nothing in the way
	cp "$T/own.conf" "$CONF"
	start_mount
	run -1 "$VOUCHFS" mount --keep -c "$CONF" "$MNT"
	[[ $output == *"mounted already"* ]]
	is_mounted
}

@test "units: a mount that is there but dead is cleared before the start, with the unit's own command" {
	local clear
	need_root
	export VOUCHFS=$PREFIX/bin/vouchfs
	clear=$(sed -n "s|^ExecStartPre=-\(.*\) %f$|\1 $MNT|p" "$UNITS/vouchfs@.service")
	mk_plain_config
	start_mount
	daemon=$(daemon_pid)
	$clear
	is_mounted
	kill -KILL "$(supervisor_pid)"
	kill -KILL "$daemon"
	eventually no_processes_left
	$clear
	run ! is_mounted
	start_mount
}

@test "sysusers.d makes the user, tmpfiles.d the directories" {
	need_root
	needs systemd-sysusers
	needs systemd-tmpfiles
	mkdir -p "$T/root/etc"
	make_quietly install-only DESTDIR="$T/root" PREFIX=/usr
	systemd-sysusers --root="$T/root" vouchfs.conf
	grep -qE '^vouchfs:[^:]*:[0-9]+:[0-9]+:[^:]*:/var/lib/vouchfs:/usr/sbin/nologin$' "$T/root/etc/passwd"
	grep -qE '^vouchfs-fetch:[^:]*:[0-9]+:[0-9]+:[^:]*:/:/usr/sbin/nologin$' "$T/root/etc/passwd"
	systemd-tmpfiles --root="$T/root" --create vouchfs.conf
	run -0 stat -c '%a %U %n' "$T/root/etc/vouchfs" "$T/root/etc/vouchfs/conf.d"
	[ "$output" = "755 root $T/root/etc/vouchfs
755 root $T/root/etc/vouchfs/conf.d" ]
	user=$(awk -F: '/^vouchfs:/ { print $3 }' "$T/root/etc/passwd")
	run -0 stat -c '%a %u' "$T/root/var/lib/vouchfs" "$T/root/var/lib/vouchfs-anchor"
	[ "$output" = "700 $user
700 $user" ]
}

# ---- manual pages ----

@test "manual pages: mandoc finds no fault, man shows them within 80 columns" {
	local page
	needs mandoc
	for page in "$PREFIX"/share/man/man*/*; do
		run -0 mandoc -T lint -W warning "$page"
		MANWIDTH=80 man --warnings -P cat -l "$page" >"$T/shown" 2>"$T/said"
		[ ! -s "$T/said" ]
		[ "$(wc -l <"$T/shown")" -gt 20 ]
		! grep -v arn: "$T/shown" | grep -nE '^.{81}' || return 1
	done
	printf '.Dd x\n.Sh NAME\n.Nonsense\n' >"$T/bad.1"
	run ! mandoc -T lint -W warning "$T/bad.1"
}

@test "manual pages: each names only pages of ours that are there" {
	local page reference
	for page in "$PREFIX"/share/man/man*/*; do
		while read -r reference; do
			[ -f "$PREFIX/share/man/man${reference##*.}/$reference" ] || { echo "$page: $reference"; return 1; }
		done < <(sed -nE 's/^\.Xr ((mount\.)?vouchfs[a-z.-]*) ([1-8]).*/\1.\3/p' "$page")
	done
}
