#!/usr/bin/env bats
# The mount of a signing service: the same processes as behind a deployment, one connection. What happens in the slots
# is in another file.

load lib

setup() {
	lib_setup
	HOME_DIR=$(home_of)
	mk_account
}

teardown() {
	if [ -n "${FUSE_CONF_MOUNTED:-}" ]; then umount /etc/fuse.conf; fi
	lib_teardown
}

serve() { "$VOUCHFS" signer mount --home "$HOME_DIR" "$MNT"; }

serve_in_foreground() {
	"$VOUCHFS" signer mount -f --home "$HOME_DIR" "$MNT" 2>"$T/log" 3>&- &
	foreground_pid=$!
	eventually grep -q "serving $HOME_DIR on $MNT" "$T/log"
}

nothing_is_left() {
	run ! is_mounted "$T"
	no_processes_left
}

# ---- mount, unmount ----

@test "signer mount returns when it is served, unmount when the processes are gone" {
	serve
	is_mounted
	[ "$(own_pids | wc -l)" = 2 ]
	ls "$MNT"
	run -0 "$VOUCHFS" unmount "$MNT"
	[ -z "$output" ]
	nothing_is_left
}

@test "signer mount: type, source and options" {
	need_root
	serve
	[ "$(mount_line "$MNT")" = "rw,nosuid,nodev,noexec,relatime fuse.vouchfs-signer $HOME_DIR rw,user_id=0,group_id=0,default_permissions,allow_other" ]
	[ "$(mounts_below "$T")" = "$MNT" ]
}

@test "signer mount: the home from the environment, relative paths, options of fstab" {
	cd "$T"
	VOUCHFS_SIGNER_HOME=homes/$ACCOUNT "$VOUCHFS" signer mount -o rw,nosuid,nodev,noexec,nofail,x-systemd.automount mnt
	[[ $(mount_line "$MNT") == *" fuse.vouchfs-signer $HOME_DIR "* ]]
	"$VOUCHFS" unmount mnt
	nothing_is_left
}

@test "signer mount -f stays, reads the home again on SIGHUP, ends on SIGTERM" {
	serve_in_foreground
	kill -HUP "$foreground_pid"
	eventually grep -q "$HOME_DIR was read again and is in force" "$T/log"
	echo nonsense >"$HOME_DIR/principals"
	chmod 0600 "$HOME_DIR/principals"
	kill -HUP "$foreground_pid"
	eventually grep -q "$HOME_DIR was not taken, what was before stays in force: .*principals:1" "$T/log"
	ls "$MNT"
	kill -TERM "$foreground_pid"
	wait "$foreground_pid"
	nothing_is_left
}

@test "signer mount: a deployment and a signing service beside each other" {
	mk_plain_config
	start_mount
	mkdir "$T/signing"
	"$VOUCHFS" signer mount --home "$HOME_DIR" "$T/signing"
	"$VOUCHFS" unmount "$T/signing"
	ls "$MNT/functions/main-function"
	"$VOUCHFS" status
}

@test "a killed daemon leaves no dead signing slots behind" {
	export VOUCHFS_TEST_RESEND=no # as before Linux 6.9: no other takes its place
	serve
	kill -KILL "$(daemon_pid)"
	eventually no_processes_left
	nothing_is_left
	serve
}

@test "unmounted from outside, the processes of the signing service end" {
	need_root
	serve_in_foreground
	umount "$MNT"
	wait "$foreground_pid"
	nothing_is_left
}

@test "unmount --lazy ends signing slots that are in use" {
	need_root
	serve
	exec 7<"$MNT"
	"$VOUCHFS" unmount --lazy "$MNT"
	exec 7<&-
	nothing_is_left
}

# ---- what is refused ----

@test "signer mount: a home has one mount" {
	serve
	run -1 serve
	[ "$output" = "vouchfs: $MNT is mounted already, with this signer's home" ]
	mkdir "$T/mnt2"
	run -1 "$VOUCHFS" signer mount --home "$HOME_DIR" "$T/mnt2"
	[ "$output" = "vouchfs: $HOME_DIR is mounted already, on $MNT; a signer's home has one mount: \`vouchfs unmount $MNT\` ends that" ]
	ls "$MNT"
}

@test "signer mount: a home whose process serves it out of sight" {
	need_root
	serve_in_foreground
	exec 7<"$MNT"
	umount -l "$MNT"
	run -1 serve
	[[ $output == "vouchfs: $HOME_DIR: process $foreground_pid serves it already"* ]]
	exec 7<&-
	wait "$foreground_pid"
	serve
}

@test "signer mount: on the directory of another mount" {
	mk_plain_config
	start_mount
	run -1 serve
	[ "$output" = "vouchfs: $MNT is mounted already, with the configuration $CONF; \`vouchfs unmount $MNT\` frees it" ]
	stop_mount
	serve
	run -1 start_mount
	[ "$output" = "vouchfs: $MNT is mounted already, with the signer's home $HOME_DIR; \`vouchfs unmount $MNT\` frees it" ]
}

@test "signer mount: no home, no directory, an open one, an empty one" {
	run -1 "$VOUCHFS" signer mount --home "$T/none" "$MNT"
	[ "$output" = "vouchfs: there is no signer's home $T/none; \`vouchfs signer create-account\` makes one" ]
	run -1 "$VOUCHFS" signer mount --home "$HOME_DIR/ca.pem" "$MNT"
	[ "$output" = "vouchfs: the signer's home $HOME_DIR/ca.pem is not a directory" ]
	chmod 0750 "$HOME_DIR"
	run -1 serve
	[ "$output" = "vouchfs: the signer's home $HOME_DIR is open to others (mode 0750), and it holds keys; close it with: chmod 700 $HOME_DIR" ]
	mkdir -m 0700 "$T/empty"
	run -1 "$VOUCHFS" signer mount --home "$T/empty" "$MNT"
	[ "$output" = "vouchfs: $T/empty holds no signing account; make one with: vouchfs signer create-account" ]
	nothing_is_left
}

@test "signer mount: a home below the mountpoint, a mountpoint in the home" {
	run -1 "$VOUCHFS" signer mount --home "$HOME_DIR" "$T/homes"
	[ "$output" = "vouchfs: the signer's home $HOME_DIR lies below the mountpoint $T/homes, which would hide it; put one of them elsewhere" ]
	mkdir "$HOME_DIR/mnt"
	run -1 "$VOUCHFS" signer mount --home "$HOME_DIR" "$HOME_DIR/mnt"
	[ "$output" = "vouchfs: the mountpoint $HOME_DIR/mnt lies in the signer's home $HOME_DIR; mount outside it" ]
	nothing_is_left
}

@test "signer mount: options that would change what is promised, or that nobody knows" {
	run -252 "$VOUCHFS" signer mount --home "$HOME_DIR" -o ro "$MNT"
	[[ $output == *'mount option "ro" is refused: a signature is asked for by writing'* ]]
	run -252 "$VOUCHFS" signer mount --home "$HOME_DIR" -o nofail,exec "$MNT"
	[[ $output == *'mount option "exec" is refused'* ]]
	run -252 "$VOUCHFS" signer mount --home "$HOME_DIR" -o noexce "$MNT"
	[[ $output == *'unknown mount option "noexce", did you mean "noexec"?'* ]]
	run -252 "$VOUCHFS" signer mount
	nothing_is_left
}

# ---- users ----

# The home is nobody's.
user_setup() {
	need_user_mounts
	chown -R nobody "$T/homes" "$T/xdg" "$MNT"
}

@test "root serves a home as its owner, whom nobody looks into" {
	need_root
	chown -R nobody "$T/homes"
	serve
	[ "$(ps -o user= -p "$(supervisor_pid)")" = root ]
	[ "$(ps -o user= -p "$(daemon_pid)")" = nobody ]
	grep -q '^CapEff:	0*$' "/proc/$(daemon_pid)/status"
	grep -q '^Groups:[[:space:]]*$' "/proc/$(daemon_pid)/status"
	nobody_looks_into "$(daemon_pid)"
	ls "$MNT"
}

@test "a user serves his own home to himself, and is told so" {
	user_setup
	run -0 as_user "$VOUCHFS" signer mount --home "$HOME_DIR" "$MNT"
	[ "$output" = "vouchfs: the signing slots are for this user alone; -o allow_other lets others in, where /etc/fuse.conf says user_allow_other" ]
	as_user ls "$MNT"
	run -2 ls "$MNT"
	[[ $output == *"Permission denied"* ]]
	nobody_looks_into "$(supervisor_pid)"
	nobody_looks_into "$(daemon_pid)"
	run -0 as_user "$VOUCHFS" unmount "$MNT"
	nothing_is_left
	[ -z "$(ls -A "$T/xdg")" ]
}

@test "a user serves others with -o allow_other where fuse.conf permits it" {
	user_setup
	[ -n "${VOUCHFS_E2E_NAMESPACE:-}" ] || skip "needs a mount namespace"
	grep -v '^user_allow_other' /etc/fuse.conf >"$T/fuse.conf"
	mount --bind "$T/fuse.conf" /etc/fuse.conf
	FUSE_CONF_MOUNTED=1
	run -1 as_user "$VOUCHFS" signer mount -o allow_other --home "$HOME_DIR" "$MNT"
	[[ $output == *"vouchfs: -o allow_other is not permitted to users here; \`echo user_allow_other >>/etc/fuse.conf\` as root"* ]]
	eventually no_processes_left
	echo user_allow_other >>"$T/fuse.conf"
	run -0 as_user "$VOUCHFS" signer mount -o allow_other --home "$HOME_DIR" "$MNT"
	[ -z "$output" ]
	ls "$MNT"
}

@test "a user cannot serve or unmount another's home" {
	user_setup
	chown -R root "$HOME_DIR"
	chmod 0711 "$T/homes"
	run -1 as_user "$VOUCHFS" signer mount --home "$HOME_DIR" "$MNT"
	[ "$output" = "vouchfs: the signer's home $HOME_DIR belongs to user id 0; that user or root can serve it" ]
	serve
	run -1 as_user "$VOUCHFS" unmount "$MNT"
	[ "$output" = "vouchfs: $MNT was mounted by another user" ]
	is_mounted
}
