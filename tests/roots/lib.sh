# shellcheck shell=bash
# Debian roots below build/roots, made by debootstrap once and entered in namespaces of their own, so that no mount and
# no process is left behind however it ends: each process ends with the one that started it, also when that is killed.
# One run at a time has a root. Everything comes from MIRROR; without it from where apt of this machine
# gets Debian, in the way its configuration says.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ROOTS=$TOP/build/roots

die() {
	echo "$*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "a Debian root is made and entered by root alone: run this with sudo"

# Who starts this may be killed at a time limit, and knows nothing of what is below.
[ -n "${ENDS_WITH_CALLER:-}" ] || ENDS_WITH_CALLER=yes exec setpriv --pdeathsig TERM "$0" "$@"

default_mirror() {
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian //p' | head -n 1
}

MIRROR=${MIRROR:-$(default_mirror)}
MIRROR=${MIRROR:-http://deb.debian.org/debian}

# How apt of this machine reaches its mirrors (proxies, certificates), names included.
lend_network() {
	apt-config dump | grep -E '^Acquire::(https?|Retries|Check-)' >"$1/etc/apt/apt.conf.d/90host" || true
	cp /etc/resolv.conf /etc/hosts "$1/etc/"
}

# contained COMMAND ...: in namespaces of its own, which end with this script
contained() { setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private "$@"; }

# make_root SUITE: is $ROOTS/SUITE then, and ours until the end
make_root() {
	local root=$ROOTS/$1 lock
	mkdir -p "$ROOTS"
	exec {lock}>"$root.lock"
	flock -n "$lock" || die "$root is in use by another run (fuser -v $root.lock shows it): wait for its end, or end it"
	if [ ! -d "$root" ]; then
		rm -rf --one-file-system "$root.new"
		contained --mount-proc debootstrap --variant=minbase "$1" "$root.new" "$MIRROR" >"$ROOTS/$1.log" 2>&1 ||
			die "debootstrap $1 from $MIRROR failed, its end was: $(tail -n 3 "$ROOTS/$1.log")"
		mv "$root.new" "$root"
	fi
	echo "deb $MIRROR $1 main" >"$root/etc/apt/sources.list"
	lend_network "$root"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no services in a root without an init
	chmod 0755 "$root/usr/sbin/policy-rc.d"
}

# in_root ROOT COMMAND ...: with $TOP at /src, read-only but for what is below build/roots. The first process of the
# namespace stays a shell: a signal that a command ends itself by, as make does, is nothing to a first process.
in_root() {
	local root=$1
	shift
	mkdir -p "$root/src"
	contained bash -euc '
		root=$1 top=$2
		shift 2
		mount --bind "$root" "$root" # so that / is a mount there, of which tests make namespaces
		mount -t proc proc "$root/proc"
		mount -t sysfs sys "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs -o mode=1777 tmp "$root/tmp"
		mount -t tmpfs -o mode=0755 run "$root/run"
		mount --bind "$top" "$root/src"
		mount -o remount,bind,ro "$root/src"
		status=0
		env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			chroot "$root" "$@" || status=$?
		exit "$status"
	' in_root "$root" "$TOP" "$@"
}

# boot_root ROOT STEPS: starts systemd as its init, which runs /packages/STEPS and stops; what they say comes out at the
# end, and "all of it holds" has to be the last of it.
boot_root() {
	local root=$1
	in_root "$root" bash -euc 'apt-get install -y -qq --no-install-recommends systemd-sysv dbus >/dev/null 2>&1'
	rm -f "$root/usr/sbin/policy-rc.d" "$root/said"
	mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
	ln -sf ../steps.service "$root/etc/systemd/system/multi-user.target.wants/steps.service"
	cat >"$root/etc/systemd/system/steps.service" <<-END
		[Unit]
		After=multi-user.target
		[Service]
		Type=oneshot
		TimeoutStartSec=200
		ExecStart=/bin/bash /packages/$2
		ExecStopPost=/bin/systemctl --no-block poweroff
		StandardOutput=file:/said
		StandardError=inherit
	END
	setpriv --pdeathsig TERM timeout --kill-after=10 280 unshare --mount --propagation private \
		systemd-nspawn --register=no --keep-unit --quiet --boot --directory="$root" \
		--system-call-filter='seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self' \
		--bind=/dev/fuse --capability=all --property='DeviceAllow=/dev/fuse rw' \
		>"$ROOTS/boot.log" 2>&1 </dev/null || true
	[ -f "$root/said" ] || die "the root did not boot; the end of $ROOTS/boot.log: $(tail -n 5 "$ROOTS/boot.log")"
	cat "$root/said"
	[ "$(tail -n 1 "$root/said")" = "all of it holds" ]
}
