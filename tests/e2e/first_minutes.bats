#!/usr/bin/env bats
# What goes wrong on the first day: each error names what is wrong and what puts it right, nothing stays mounted, and
# where a test can do what the error says, the mount works then. What is missing is taken away in a mount namespace.

load lib

setup() {
	lib_setup
	mk_plain_config
	export T MNT CONF STORE VOUCHFS
}

# What comes on stdin, as a script in a mount namespace of its own.
in_namespace() {
	need_root
	unshare --mount --propagation private bash -e 3>&-
}

# says WORDS ...: of the output, all of them, in that order
says() {
	local rest=$output word
	for word; do
		[[ $rest == *"$word"* ]] || { printf 'not said: %s\nin: %s\n' "$word" "$output" >&2; return 1; }
		rest=${rest#*"$word"}
	done
	run ! is_mounted "$T"
	eventually no_processes_left
}

it_works_now() {
	start_mount
	[ -d "$MNT/functions/main-function" ]
	stop_mount
}

# ---- FUSE ----

# A /dev without it.
hide_device='
	mkdir "$T/dev"
	mount -t tmpfs none "$T/dev"
	for name in null zero random urandom; do
		touch "$T/dev/$name"
		mount --bind "/dev/$name" "$T/dev/$name"
	done
	mount --rbind "$T/dev" /dev'
no_device="there is no /dev/fuse, so FUSE cannot be used; \`modprobe fuse\` loads it, a container has to be started with --device /dev/fuse"

@test "root: no /dev/fuse" {
	run -1 in_namespace <<-END
		$hide_device
		"\$VOUCHFS" mount -c "\$CONF" "\$MNT"
	END
	says "vouchfs: $no_device"
}

@test "root: /dev/fuse may not be opened" {
	run -1 in_namespace <<-'END'
		mkdir "$T/dev"
		mount -t tmpfs -o nodev none "$T/dev"
		mknod "$T/dev/fuse" c 10 229
		mount --bind "$T/dev/fuse" /dev/fuse
		"$VOUCHFS" mount -c "$CONF" "$MNT"
	END
	says "/dev/fuse may not be opened (Permission denied)" "--device /dev/fuse" "DeviceAllow=/dev/fuse rw"
}

@test "root: a container without CAP_SYS_ADMIN" {
	need_root
	run -1 setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$VOUCHFS" mount -c "$CONF" "$MNT"
	says "not permitted to mount on $MNT: the capability CAP_SYS_ADMIN is missing" "--cap-add SYS_ADMIN" CapabilityBoundingSet=
	it_works_now
}

@test "root: /proc is hidden" {
	run -1 in_namespace <<-'END'
		mount -t tmpfs none /proc
		"$VOUCHFS" mount -c "$CONF" "$MNT"
	END
	says "/proc/self/mountinfo cannot be read (No such file or directory)" '`mount -t proc proc /proc`'
}

# ---- the mountpoint ----

@test "the mountpoint is missing, or a file" {
	rmdir "$MNT"
	run -1 start_mount
	says "the mountpoint $MNT does not exist; \`mkdir -p $MNT\` makes it"
	mkdir -p "$MNT"
	it_works_now
	touch "$T/file"
	run -1 "$VOUCHFS" mount "$T/file"
	says "the mountpoint $T/file is not a directory; \`mkdir -p\` makes one under another name"
}

@test "the mountpoint is not empty: refused, unless -o nonempty says that it is meant so" {
	touch "$MNT/app.py"
	run -1 start_mount
	says "the mountpoint $MNT is not empty: \"app.py\" would be hidden while it is mounted" "empty directory" "-o nonempty"
	touch "$MNT/second"
	run -1 start_mount
	says '" and others would be hidden'
	run -0 start_mount -o nonempty
	[ ! -e "$MNT/app.py" ]
	stop_mount
	[ -e "$MNT/app.py" ]
	[ ! -e "$STORE/missing" ]
}

@test "the mountpoint lies around the store or the configuration" {
	STORE=$MNT/store mk_plain_config
	run -1 start_mount
	says "the store $MNT/store lies below the mountpoint $MNT, which would hide it; put one of them elsewhere"
	mk_plain_config
	run -1 "$VOUCHFS" mount "$T/etc"
	says "the configuration $CONF lies below the mountpoint $T/etc, which would hide it"
}

@test "mounted already: with this configuration, with another, elsewhere, and another one's store" {
	start_mount
	mkdir "$T/mnt2"
	run -1 start_mount
	[[ $output == "vouchfs: $MNT is mounted already, with this configuration" ]]
	run -1 "$VOUCHFS" mount "$T/mnt2"
	[[ $output == *"a configuration has one mount: \`vouchfs unmount $MNT\` ends that" ]]
	sed 's/^region/region/' "$CONF" >"$T/etc/other.conf"
	run -1 "$VOUCHFS" mount -c "$T/etc/other.conf" "$MNT"
	[[ $output == *"mounted already, with the configuration $CONF; \`vouchfs unmount $MNT\` frees it" ]]
	run -1 "$VOUCHFS" mount -c "$T/etc/other.conf" "$T/mnt2"
	[[ $output == "vouchfs: store $STORE is in use by process $(daemon_pid), which serves it for another mount; a store has one: unmount that (\`ps -fp $(daemon_pid)\` shows it), or give this configuration a store of its own" ]]
	stop_mount
	run -0 "$VOUCHFS" mount -c "$T/etc/other.conf" "$T/mnt2"
	"$VOUCHFS" unmount "$T/mnt2"
}

# ---- mounts that have lost their process ----

is_dead() { [[ $(stat -f "$1" 2>&1; as_user stat -f "$1" 2>&1) == *"Transport endpoint is not connected"* ]]; }
kill_both() {
	local daemon
	daemon=$(daemon_pid)
	kill -KILL "$(supervisor_pid)"
	kill -KILL "$daemon"
	eventually is_dead "$MNT"
}

@test "a dead mount of this configuration elsewhere, or of another one here, is taken away and that is said" {
	need_root
	start_mount
	kill_both
	mkdir "$T/mnt2"
	run -0 "$VOUCHFS" mount "$T/mnt2"
	[ "$output" = "vouchfs: the mount on $MNT had lost its process, and was taken away" ]
	run ! is_mounted "$MNT"
	"$VOUCHFS" unmount "$T/mnt2"
	start_mount
	kill_both
	sed "s|$STORE|$T/store2|" "$CONF" >"$T/etc/other.conf"
	run -0 "$VOUCHFS" mount -c "$T/etc/other.conf" "$MNT"
	[ "$output" = "vouchfs: the mount on $MNT had lost its process, and was taken away" ]
}

# Mounts something of FUSE on $MNT that nobody serves, as root.
mount_dead() {
	python3 - "$MNT" "$1" <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		fd = os.open("/dev/fuse", os.O_RDWR)
		options = f"fd={fd},rootmode=40000,user_id=0,group_id=0"
		assert libc.mount(b"source", sys.argv[1].encode(), sys.argv[2].encode(), 0, options.encode()) == 0
	END
}

@test "a dead mount of something else is left alone and named" {
	need_root
	mount_dead fuse.sshfs
	run -1 start_mount
	[ "$output" = "vouchfs: a mount of type fuse.sshfs on $MNT has lost its process; it is not of vouchfs, so it is left alone: \`umount -l $MNT\` takes it away" ]
	[ "$(mounts_below "$MNT" | wc -l)" -eq 1 ]
	umount -l "$MNT"
	it_works_now
}

@test "two dead mounts, one on the other" {
	need_root
	mount_dead fuse.vouchfs
	mount_dead fuse.vouchfs
	[ "$(mounts_below "$MNT" | wc -l)" -eq 2 ]
	run -0 start_mount
	[ "$(grep -c 'was taken away' <<<"$output")" -eq 2 ]
	[ "$(mounts_below "$MNT" | wc -l)" -eq 2 ]
	stop_mount
	run ! is_mounted
}

# ---- the configuration ----

@test "no configuration: init is named, where there is a file and where there is no directory" {
	rm "$CONF"
	run -78 start_mount
	says "$CONF: cannot be opened: No such file or directory; \`vouchfs init\` writes a first one, -c or VOUCHFS_CONF name another"
	for command in "mount $MNT" status "why x" reload; do
		# shellcheck disable=SC2086 # words
		run -1 "$VOUCHFS" $command -c "$T/none/vouchfs.conf"
		says "$T/none/vouchfs.conf: No such file or directory: there is no $T/none; \`vouchfs init\` writes a first one"
	done
}

@test "a configuration that others may write" {
	chmod 0664 "$CONF"
	run -78 start_mount
	says "$CONF: the file has mode 0664: others than its owner may write it, and so change what is trusted; \`chmod go-w $CONF\`"
	chmod go-w "$CONF"
	it_works_now
}

@test "root with a user's configuration" {
	need_root
	chown nobody "$CONF"
	run -78 start_mount
	says "$CONF: the file belongs to user nobody (uid $(id -u nobody)), who could change what is trusted; expected root or the caller, user root (uid 0): \`chown 0 $CONF\`, or run as its owner"
	chown 0 "$CONF"
	it_works_now
}

@test "the service user may not read the configuration, or not get to it" {
	need_root
	VOUCHFS_SECTION='user = nobody' mk_plain_config
	chmod 0600 "$CONF"
	run -1 start_mount
	says "$CONF: cannot be opened: Permission denied: user nobody (uid $(id -u nobody)) may not read it; \`chmod o+r $CONF\` lets others read it"
	chmod o+r "$CONF"
	chmod 0700 "$T/etc"
	run -1 start_mount
	says "user nobody (uid $(id -u nobody)) may not enter $T/etc; \`chmod o+x $T/etc\` lets others through"
	chmod o+x "$T/etc"
	it_works_now
}

@test "the service user does not exist: who serves instead, and how to change that" {
	need_root
	VOUCHFS_SECTION='user = no-such-user' mk_plain_config
	run -0 start_mount
	[ "$output" = "vouchfs: warning: there is no user no-such-user, so user root (uid 0) serves, whose the store is; \`adduser --system --group --no-create-home no-such-user\` makes it, \`chown -R no-such-user $STORE\` gives it the store, then mount again" ]
}

# ---- the store ----

@test "the store is open to others, or another user's" {
	start_mount
	stop_mount
	chmod 0755 "$STORE"
	run -1 start_mount
	says "vouchfs: store $STORE is open to others (mode 0755), who could read or change what is served; \`chmod 0700 $STORE\` closes it"
	chmod 0700 "$STORE"
	it_works_now
	need_root
	chown nobody "$STORE"
	VOUCHFS_SECTION='user = daemon' mk_plain_config
	run -1 start_mount
	says "vouchfs: store $STORE belongs to user nobody (uid $(id -u nobody)), and this process runs as user daemon (uid $(id -u daemon)); \`chown -R $(id -u daemon) $STORE\` as root gives it over"
	chown -R daemon "$STORE"
	it_works_now
}

@test "the store's filesystem is read-only, or full; the directory above it is missing" {
	run -1 in_namespace <<-'END'
		"$VOUCHFS" mount -c "$CONF" "$MNT"
		"$VOUCHFS" unmount "$MNT"
		mount --bind "$STORE" "$STORE"
		mount -o remount,ro,bind "$STORE"
		"$VOUCHFS" mount -c "$CONF" "$MNT"
	END
	says "store $STORE cannot be locked for writing: Read-only file system: make it writable (mount -o remount,rw), or use a place on another filesystem"
	mkdir "$T/small"
	STORE=$T/small/store mk_plain_config
	run -1 in_namespace <<-'END'
		mount -t tmpfs -o size=64k none "$T/small"
		dd if=/dev/zero of="$T/small/rest" bs=4096 status=none || true
		"$VOUCHFS" mount -c "$CONF" "$MNT"
	END
	says "store $T/small/store cannot be " ": No space left on device: make room there; \`df -h\` shows how full it is"
	STORE=$T/none/deep/store mk_plain_config
	run -1 start_mount
	says "store $T/none/deep/store cannot be made: No such file or directory: there is no $T/none; \`mkdir -p\` makes the directory above it"
	mkdir -p "$T/none/deep"
	it_works_now
}

@test "a store of a newer version, one whose format is empty, and what is no store" {
	start_mount
	stop_mount
	chmod u+w "$STORE/format"
	printf 'vouchfs-store: 2\nmade-by: vouchfs 9.1.0\n' >"$STORE/format"
	run -1 start_mount
	says "vouchfs: store $STORE has format 2, as vouchfs 9.1.0 made it; this is $("$VOUCHFS" --version | head -n 1), which knows format 1: install that version or a later one here, or name another store in [vouchfs]; nothing was changed"
	: >"$STORE/format"
	run -1 start_mount
	says "store $STORE: its file \"format\" is empty" "restore that file from a backup, or name another store"
	printf 'vouchfs-store: 1\n' >"$STORE/format"
	it_works_now
	mkdir -m 0700 "$T/documents"
	touch "$T/documents/letter.txt"
	STORE=$T/documents mk_plain_config
	run -1 start_mount
	says "$T/documents is not a store: it has no file \"format\"; name an empty directory"
	[ "$(names_in "$T/documents")" = letter.txt ]
}

# ---- trust ----

trust_setup() {
	mk_account
	mk_plain_config
	PEM=$T/etc/trust/$ACCOUNT.pem
	WHERE="$CONF: [account $ACCOUNT] certificate = $PEM: "
}

@test "a certificate is missing, or is none" {
	trust_setup
	mv "$PEM" "$T/kept.pem"
	run -78 start_mount
	says "${WHERE}No such file or directory; expected the PEM file of the account's CA, which \`vouchfs signer export-trust\` writes and \`vouchfs init --trust\` puts here"
	echo nonsense >"$PEM"
	run -78 start_mount
	says "${WHERE}expected nothing but certificates in PEM form" "\`vouchfs signer export-trust\` writes"
	rm -r "$T/etc/trust"
	run -78 start_mount
	says "${WHERE}No such file or directory: there is no $T/etc/trust; expected"
	mkdir "$T/etc/trust"
	export_trust
	it_works_now
}

@test "a certificate is somebody else's, or others may write it" {
	need_root
	trust_setup
	chown daemon "$PEM"
	run -78 start_mount
	says "${WHERE}it belongs to user daemon (uid $(id -u daemon)), who could change whose signatures count; \`chown 0 $PEM\`"
	VOUCHFS_SECTION='user = daemon' mk_plain_config
	chown daemon "$PEM" "$STORE"
	it_works_now # it is the service user's own
	mk_plain_config
	chown 0 "$PEM"
	chmod 0664 "$PEM"
	run -78 start_mount
	says "${WHERE}it has mode 0664: others than its owner could change whose signatures count; \`chmod go-w $PEM\`"
	chmod go-w "$PEM"
	it_works_now
}

@test "the service user may not read a certificate, or not get to it" {
	need_root
	trust_setup
	VOUCHFS_SECTION='user = nobody' mk_plain_config
	chmod 0600 "$PEM"
	run -78 start_mount
	says "${WHERE}Permission denied: user nobody (uid $(id -u nobody)) may not read it; \`chmod o+r $PEM\` lets others read it"
	chmod o+r "$PEM"
	chmod 0700 "$T/etc/trust"
	run -78 start_mount
	says "${WHERE}Permission denied: user nobody (uid $(id -u nobody)) may not enter $T/etc/trust; \`chmod o+x $T/etc/trust\` lets others through"
	chmod o+x "$T/etc/trust"
	it_works_now
}

@test "a certificate that has ended: the mount works, and says what does not count any more" {
	trust_setup
	stop_clock
	run -0 start_mount
	[[ $output != *"its CA certificate ended"* ]]
	stop_mount
	echo 9000-01-01T00:00:00Z >"$T/clock"
	run -0 start_mount
	[[ $output == *"warning: account $ACCOUNT: its CA certificate ended at "*"; what was signed before counts, what is signed since is refused; a new one comes from its signing host (vouchfs signer export-trust)"* ]]
}

# ---- as a user ----

user_setup() {
	need_user_mounts
	mkdir "$T/var"
	STORE=$T/var/store mk_plain_config
	chown -R nobody "$T/etc" "$T/xdg" "$MNT" "$T/var"
	export VOUCHFS
}
user_mount() { as_user "$VOUCHFS" mount -c "$CONF" "$MNT"; }
user_mount_script='setpriv --reuid=nobody --regid=nogroup --clear-groups "$VOUCHFS" mount -c "$CONF" "$MNT"'

@test "user: no /dev/fuse, and one that only root may open" {
	user_setup
	run -1 in_namespace <<-END
		$hide_device
		$user_mount_script
	END
	says "vouchfs: $no_device"
	run -1 in_namespace <<-END
		mkdir "\$T/dev2"
		mount -t tmpfs none "\$T/dev2"
		mknod -m 0600 "\$T/dev2/fuse" c 10 229
		mount --bind "\$T/dev2/fuse" /dev/fuse
		$user_mount_script
	END
	says "vouchfs: user nobody (uid $(id -u nobody)) may not open /dev/fuse; \`chmod 0666 /dev/fuse\` as root lets every user mount"
}

@test "user: fusermount3 is not installed, or has lost its set-user-ID bit" {
	user_setup
	run -1 in_namespace <<-END
		: >"\$T/nothing"
		mount --bind "\$T/nothing" /usr/bin/fusermount3
		$user_mount_script
	END
	says "vouchfs: a user mounts with fusermount3, which is not installed; \`apt-get install fuse3\` as root brings it, or mount as root"
	run -1 in_namespace <<-END
		cp /usr/bin/fusermount3 "\$T/plain"
		chmod 0755 "\$T/plain"
		mount --bind "\$T/plain" /usr/bin/fusermount3
		$user_mount_script
	END
	says "vouchfs: /usr/bin/fusermount3 has lost its set-user-ID bit" "\`apt-get install --reinstall fuse3\` as root brings it back"
}

@test "user: a sandbox that gives no privileges, a container without CAP_SYS_ADMIN" {
	user_setup
	run -1 as_user setpriv --no-new-privs "$VOUCHFS" mount -c "$CONF" "$MNT"
	says "vouchfs: this process may not gain privileges (no_new_privs)" "start it outside the sandbox" NoNewPrivileges=yes
	run -1 setpriv --bounding-set=-sys_admin --reuid=nobody --regid=nogroup --clear-groups "$VOUCHFS" mount -c "$CONF" "$MNT"
	says "the capability CAP_SYS_ADMIN is missing" "--cap-add SYS_ADMIN"
	user_mount
	as_user "$VOUCHFS" unmount "$MNT"
}

@test "user: a mountpoint of somebody else, or one that only looks writable" {
	user_setup
	chown root "$MNT"
	run -1 user_mount
	says "the mountpoint $MNT belongs to user root (uid 0), and user nobody (uid $(id -u nobody)) may not write it; a user mounts on a directory of his own: \`mkdir -p ~/functions\`"
	chmod 1777 "$MNT"
	run -1 user_mount
	says "the mountpoint $MNT belongs to user root (uid 0)"
}

@test "user: -o allow_other without the line in fuse.conf" {
	user_setup
	grep -qx user_allow_other /etc/fuse.conf && skip "fuse.conf allows it here"
	run -1 as_user "$VOUCHFS" mount -o allow_other -c "$CONF" "$MNT"
	says "vouchfs: -o allow_other is not permitted to users here; \`echo user_allow_other >>/etc/fuse.conf\` as root permits it, without it the mount is for you alone"
	run -0 in_namespace <<-END
		cp /etc/fuse.conf "\$T/fuse.conf"
		echo ' user_allow_other ' >>"\$T/fuse.conf"
		mount --bind "\$T/fuse.conf" /etc/fuse.conf
		setpriv --reuid=nobody --regid=nogroup --clear-groups "\$VOUCHFS" mount -o allow_other -c "\$CONF" "\$MNT"
		ls "\$MNT"
		setpriv --reuid=nobody --regid=nogroup --clear-groups "\$VOUCHFS" unmount "\$MNT"
	END
	[ "$output" = $'functions\nlayers\nrun' ]
}

@test "user: a configuration or a store of root's" {
	user_setup
	chown root "$CONF"
	chmod 0600 "$CONF"
	run -78 user_mount
	says "$CONF: cannot be opened: Permission denied: user nobody (uid $(id -u nobody)) may not read it; \`chmod o+r $CONF\`"
	chmod o+r "$CONF"
	install -d -m 0700 "$T/var/store"
	run -1 user_mount
	says "store $T/var/store belongs to user root (uid 0), and this process runs as user nobody" "\`chown -R $(id -u nobody) $T/var/store\` as root"
	rmdir "$T/var/store"
	chown root "$T/var"
	run -1 user_mount
	says "store $T/var/store cannot be made: Permission denied: user nobody (uid $(id -u nobody)) may not"
}

@test "user: his dead mount is taken away, also where only its run side is left" {
	user_setup
	user_mount
	kill_both
	run -0 user_mount
	[ "$output" = "vouchfs: the mount on $MNT had lost its process, and was taken away" ]
	[ "$(as_user ls "$MNT/run/")" = "" ]
	kill_both
	as_user fusermount3 -u -z "$MNT"
	run -0 user_mount
	[[ $output == "vouchfs: the mount on $T/xdg/vouchfs-"*"/run had lost its process, and was taken away" ]]
	as_user "$VOUCHFS" unmount "$MNT"
	run ! is_mounted "$T"
}

@test "user: a dead mount of root's is left alone" {
	user_setup
	chown root "$CONF" "$T/etc"
	start_mount
	kill_both
	chown nobody "$CONF"
	run -1 user_mount
	[ "$output" = "vouchfs: a mount on $MNT has lost its process; it is another user's: root, or he, takes it away with \`vouchfs unmount -l $MNT\`" ]
	is_mounted
}

@test "user: the configuration that init wrote is not found by itself, and that is said" {
	user_setup
	install -d -o nobody "$T/home"
	unset VOUCHFS_CONF
	[ ! -e /etc/vouchfs/vouchfs.conf ] || skip "this host has a configuration"
	as_user env -u XDG_CONFIG_HOME HOME="$T/home" "$VOUCHFS" init >/dev/null
	run -1 as_user env -u XDG_CONFIG_HOME HOME="$T/home" "$VOUCHFS" status
	[ "$output" = "vouchfs: /etc/vouchfs/vouchfs.conf is not there; for yours say: export VOUCHFS_CONF=$T/home/.config/vouchfs/vouchfs.conf" ]
}
