#!/usr/bin/env bats
# Mounting as an ordinary user, by fusermount3: for himself, and in nobody else's way.

load lib

user_setup() {
	need_user_mounts
	mk_plain_config
	chown -R nobody "$T/etc" "$T/xdg" "$MNT"
	mkdir "$T/var"
	chown nobody "$T/var"
	sed -i "s|^store = .*|store = $T/var/store|" "$CONF"
}

@test "a user mounts by fusermount3; the run side is in his runtime directory, run a link to it" {
	user_setup
	run -0 as_user "$VOUCHFS" mount -c "$CONF" "$MNT"
	run -0 as_user readlink "$MNT/run"
	[[ $output == "$T/xdg/vouchfs-"*/run ]]
	run -0 as_user bash -c "cd '$T' && zip -q var/a.zip etc/vouchfs.conf && cp var/a.zip '$MNT/functions/main-function/' && cat '$MNT/run/main-function/task/etc/vouchfs.conf'"
	[ "$output" = "$(cat "$CONF")" ]
	run -0 as_user "$VOUCHFS" status -c "$CONF"
	[[ $output == *$'\n'"  main-function  "* ]]
	run -0 as_user "$VOUCHFS" reload -c "$CONF"
	run -0 as_user "$VOUCHFS" unmount "$MNT"
	run ! is_mounted "$T"
	no_processes_left
	[ -z "$(ls -A "$T/xdg")" ]
}

@test "a user's daemon that is killed leaves no dead mount behind" {
	export VOUCHFS_TEST_RESEND=no # as before Linux 6.9: no other takes its place
	user_setup
	as_user "$VOUCHFS" mount -c "$CONF" "$MNT"
	kill -KILL "$(daemon_pid)"
	eventually no_processes_left
	run ! is_mounted "$T"
}

@test "a user cannot unmount or reload what root has mounted" {
	user_setup
	as_root_conf=$T/etc/root.conf
	sed "s|^store = .*|store = $T/store|" "$CONF" >"$as_root_conf"
	chown root "$T/etc" "$as_root_conf" "$MNT"
	"$VOUCHFS" mount -c "$as_root_conf" "$MNT"
	run -1 as_user "$VOUCHFS" unmount "$MNT"
	[ "$output" = "vouchfs: $MNT was mounted by another user" ]
	run -1 as_user "$VOUCHFS" reload -c "$as_root_conf"
	[[ $output == *"is not mounted, or by another user" ]]
	run -0 as_user "$VOUCHFS" status -c "$as_root_conf"
	is_mounted
}

@test "a user cannot pass off a mount of his own as root's" {
	user_setup
	as_user "$VOUCHFS" mount -c "$CONF" "$MNT"
	run -78 "$VOUCHFS" status -c "$CONF"
	[[ $output == *"is not mounted"* ]]
	as_user "$VOUCHFS" unmount "$MNT"
}

@test "neither the user nor the service user can look into the processes, and they leave no core" {
	user_setup
	as_user "$VOUCHFS" mount -c "$CONF" "$MNT"
	nobody_looks_into "$(supervisor_pid)"
	nobody_looks_into "$(daemon_pid)"
	as_user "$VOUCHFS" unmount "$MNT"
	chown root "$T/etc" "$CONF" "$MNT"
	"$VOUCHFS" mount -c "$CONF" "$MNT" # as the store's owner
	[ "$(ps -o user= -p "$(daemon_pid)")" = nobody ]
	nobody_looks_into "$(daemon_pid)"
}

@test "a user's -o allow_other wants a line in fuse.conf" {
	user_setup
	grep -qx user_allow_other /etc/fuse.conf && skip "fuse.conf allows it here"
	run -1 as_user "$VOUCHFS" mount -o allow_other -c "$CONF" "$MNT"
	[[ $output == *"vouchfs: -o allow_other is not permitted to users here; \`echo user_allow_other >>/etc/fuse.conf\` as root"* ]]
	run ! is_mounted "$T"
	eventually no_processes_left
}
