#!/usr/bin/env bats
# mount(8), umount(8), fstab(5) and findmnt(8) with mount.vouchfs and umount.vouchfs where they are looked for. Each test
# has a mount namespace of its own, in which /sbin holds them.

load lib

setup() {
	lib_setup
	mk_plain_config
	FSTAB=$T/fstab
	export T MNT CONF FSTAB VOUCHFS
}

# What comes on stdin, as a script in such a namespace. Exits as its last command does.
in_namespace() {
	need_root
	mkdir -p "$T/sbin" "$T/real-sbin"
	for name in mount.vouchfs mount.fuse.vouchfs umount.vouchfs umount.fuse.vouchfs; do
		ln -sf "$VOUCHFS" "$T/sbin/$name"
	done
	{
		cat <<-'END'
			set -e
			mount --bind /usr/sbin "$T/real-sbin"
			ln -sf "$T"/real-sbin/* "$T/sbin/"
			mount --bind "$T/sbin" /usr/sbin
			mkdir -p /run/mount
			mount -t tmpfs none /run/mount # where mount(8) notes uhelper=
			mounts() { awk -v dir="$MNT" '$5 == dir || index($5, dir "/") == 1 { print $5 }' /proc/self/mountinfo | wc -l; }
		END
		cat
	} | unshare --mount --propagation private bash 3>&-
}

# umount(8) looks for a helper by the type that statfs gives, "fuse", unless something makes it look into the table.
@test "mount -t vouchfs -o uhelper=vouchfs CONF DIR, then umount DIR: both sides, and the processes" {
	run -0 in_namespace <<-'END'
		mount -t vouchfs -o uhelper=vouchfs "$CONF" "$MNT"
		[ "$(mounts)" = 2 ]
		ls "$MNT/functions"
		umount "$MNT"
		[ "$(mounts)" = 0 ]
	END
	[ "$output" = main-function ]
	no_processes_left
}

@test "mount -t fuse.vouchfs, as the type is called in the table of mounts" {
	run -0 in_namespace <<-'END'
		mount -t fuse.vouchfs "$CONF" "$MNT"
		[ "$(mounts)" = 2 ]
		umount -c "$MNT" # as systemd calls it
		[ "$(mounts)" = 0 ]
	END
	[ -z "$output" ]
	no_processes_left
}

@test "findmnt shows configuration, type and options" {
	run -0 in_namespace <<-'END'
		mount -t vouchfs "$CONF" "$MNT"
		findmnt -n -o SOURCE,FSTYPE,OPTIONS "$MNT"
		findmnt -n -t fuse.vouchfs -o TARGET -l | grep "^$MNT"
		umount -R "$MNT"
	END
	[[ ${lines[0]} == "$CONF fuse.vouchfs rw,nosuid,nodev,relatime,"* ]]
	[ "${lines[1]}" = "$MNT" ]
	[ "${lines[2]}" = "$MNT/run" ]
}

@test "fstab: by the directory, by the configuration, with all that belongs to others" {
	cat >"$FSTAB" <<-END
		$CONF $MNT vouchfs rw,nofail,_netdev,noauto,x-systemd.requires=network-online.target,x-systemd.device-timeout=5,comment=x 0 0
	END
	run -0 in_namespace <<-'END'
		mount -T "$FSTAB" "$MNT"
		[ "$(mounts)" = 2 ]
		umount "$MNT"
		mount -T "$FSTAB" "$CONF"
		[ "$(mounts)" = 2 ]
		umount "$MNT"
	END
	[ -z "$output" ]
	no_processes_left
}

@test "fstab: mount -a mounts it once, and passes noauto over" {
	printf '%s %s vouchfs defaults,nofail,uhelper=vouchfs 0 0\n' "$CONF" "$MNT" >"$FSTAB"
	printf '%s %s vouchfs noauto 0 0\n' "$CONF" "$T/other" >>"$FSTAB"
	run -0 in_namespace <<-'END'
		mount -a -T "$FSTAB"
		[ "$(mounts)" = 2 ]
		mount -a -T "$FSTAB"
		[ "$(mounts)" = 2 ]
		umount "$MNT"
	END
	[ -z "$output" ]
}

@test "fstab: both types, exec, user and owner, a source that is called vouchfs" {
	printf 'vouchfs %s fuse.vouchfs user,exec,nosuid,nodev,relatime 0 0\n' "$MNT" >"$FSTAB"
	run -0 in_namespace <<-'END'
		export VOUCHFS_CONF=$CONF
		mount -T "$FSTAB" "$MNT"
		[ "$(mounts)" = 2 ]
		umount "$MNT"
	END
	[ -z "$output" ]
}

@test "fstab: what cannot be had is refused with what to write" {
	printf '%s %s vouchfs user 0 0\n' "$CONF" "$MNT" >"$FSTAB"
	run -2 in_namespace <<-'END'
		mount -T "$FSTAB" "$MNT"
	END
	[[ $output == *'mount option "noexec" is refused'*"write user,exec"* ]]
	printf '%s %s vouchfs ro,nofail 0 0\n' "$CONF" "$MNT" >"$FSTAB"
	run -2 in_namespace <<-'END'
		mount -T "$FSTAB" "$MNT"
	END
	[[ $output == *'mount option "ro" is refused: deploying is writing; run/ is read-only already'* ]]
	printf '%s %s vouchfs relatme 0 0\n' "$CONF" "$MNT" >"$FSTAB"
	run -2 in_namespace <<-'END'
		mount -T "$FSTAB" "$MNT"
	END
	[[ $output == *'unknown mount option "relatme", did you mean "relatime"?'* ]]
}

@test "mount -s passes unknown options over, mount -f mounts nothing, mount -o remount says what to do" {
	run -0 in_namespace <<-'END'
		mount -s -t vouchfs -o frobnicate "$CONF" "$MNT"
		[ "$(mounts)" = 2 ]
		mount -o remount,rw "$MNT" && exit 1
		[ "$(mounts)" = 2 ]
		umount -R "$MNT"
		mount -f -t vouchfs "$CONF" "$MNT"
		[ "$(mounts)" = 0 ]
	END
	[[ $output == *'mount option "remount" is refused'*"vouchfs reload"* ]]
}

@test "umount -R, and umount of the run side alone" {
	run -0 in_namespace <<-'END'
		mount -t vouchfs "$CONF" "$MNT"
		umount -R "$MNT"
		[ "$(mounts)" = 0 ]
		mount -t vouchfs "$CONF" "$MNT"
		umount -c "$MNT/run"
		[ "$(mounts)" = 1 ]
		ls "$MNT/functions"
		umount "$MNT"
		[ "$(mounts)" = 0 ]
	END
	[ "$output" = main-function ]
	no_processes_left
}

@test "umount of what is in use unmounts nothing and says what to do; umount -l does it" {
	run -0 in_namespace <<-'END'
		mount -t vouchfs -o uhelper=vouchfs "$CONF" "$MNT"
		exec 7<"$MNT/run"
		umount "$MNT" && exit 1
		[ "$(mounts)" = 2 ]
		umount -l "$MNT"
		[ "$(mounts)" = 0 ]
	END
	[[ $output == "vouchfs: $MNT/run is in use, nothing was unmounted; \`fuser -vm $MNT/run\` shows by whom, --lazy "* ]]
	eventually no_processes_left
}

@test "a failure is told as the command tells it, with its exit code" {
	run -78 in_namespace <<-'END'
		mount -t vouchfs "$T/none.conf" "$MNT"
	END
	[[ $output == *"$T/none.conf: cannot be opened: No such file or directory"* ]]
	run -1 in_namespace <<-'END'
		mount -t vouchfs "$CONF" "$T/none"
	END
	[[ $output == *"$T/none"*"does not exist"* ]]
}

@test "without a helper for umount, umount -R unmounts both sides" {
	run -0 in_namespace <<-'END'
		mount -t vouchfs -o uhelper=vouchfs "$CONF" "$MNT"
		rm "$T"/sbin/umount.*
		umount "$MNT" 2>/dev/null && exit 1
		umount -R "$MNT"
		[ "$(mounts)" = 0 ]
	END
	eventually no_processes_left
}

@test "mount.vouchfs by hand, with wrong arguments" {
	ln -s "$VOUCHFS" "$T/mount.vouchfs"
	ln -s "$VOUCHFS" "$T/umount.vouchfs"
	run -2 "$T/mount.vouchfs" "$CONF"
	[ "${lines[0]}" = "usage: mount -t vouchfs [-o OPTIONS] CONF DIR" ]
	run -2 "$T/mount.vouchfs" "$CONF" "$MNT" "$T"
	[ "${lines[0]}" = "mount.vouchfs: one argument too many: \"$T\"" ]
	run -2 "$T/mount.vouchfs" "$CONF" "$MNT" --help
	[ "${lines[0]}" = 'mount.vouchfs: there is no option "--help"' ]
	run -1 "$T/umount.vouchfs" "$MNT"
	[ "$output" = "vouchfs: nothing is mounted on $MNT" ]
	run -1 "$T/umount.vouchfs" /proc
	[ "$output" = "vouchfs: /proc is no vouchfs mount, its type is proc" ]
	run ! is_mounted
}
