#!/usr/bin/env bats
# One policy for many hosts: a central team rolls out code-signing configs, trust and bindings as signed bundles, over ssh
# with rsync and from a web server, to machines that can be away, be changed by hand, and be lied to.

load lib
load hosts

SECURITY=999988887777

setup() {
	lib_setup
	need_hosts
	mkdir "$T/hosts" "$T/bundle" "$T/bundle/conf.d" "$T/bundle/trust" "$T/fleet"
	: >"$T/hosts/lines"
	PATH=$(dirname "$VOUCHFS"):$PATH
}
teardown() {
	hosts_teardown
	lib_teardown
}

# ---- the central team ----

# The security team's account signs bundles, the developers' account artifacts.
make_accounts() {
	mk_account
	mk_account "$SECURITY"
	RELEASE=$(mk_profile release)
	POLICY=$(mk_profile fleet_policy "$SECURITY")
}

# pack SEQUENCE: $T/policy-SEQUENCE.zip, with today's revocation lists
# shellcheck disable=SC2153 # ACCOUNT is lib.bash's
pack() {
	local account
	for account in "$ACCOUNT" "$SECURITY"; do signer "$account" export-trust --directory "$T/bundle/trust" >/dev/null; done
	printf '[policy]\nsequence = %s\nhosts = web-* db-*\nlocal = report\nremediate = yes\n' "$1" >"$T/bundle/policy.conf"
	{
		for account in "$ACCOUNT" "$SECURITY"; do
			printf '[account %s]\ncertificate = trust/%s.pem\nrevocations = trust/%s.revocations\n' \
				"$account" "$account" "$account"
		done
		printf '[code-signing-config approved]\nallowed_publisher = %s\n' "${RELEASE%/*}"
		printf 'untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = Enforce\n'
		printf '[function app]\ncode_signing_config = approved\n[function team-*]\ncode_signing_config = approved\n'
	} >"$T/bundle/conf.d/rules.conf"
	VOUCHFS_SIGNER_HOME=$(home_of "$SECURITY") vouchfs policy pack "$T/bundle" --profile fleet_policy \
		-o "$T/policy-$1.zip" >/dev/null
}

# offer SEQUENCE: from now on the web server has this one
offer() {
	cp "$T/policy-$1.zip" "$T/hosts/central/www/new"
	mv "$T/hosts/central/www/new" "$T/hosts/central/www/policy.zip"
}

push() { # SEQUENCE HOST
	on_host central rsync -I -e "$(hosts_ssh)" "$T/policy-$1.zip" "root@$2:$(host_mount "$2")/policy/policy.zip"
}

# Those who can be reached; what was collected before stays.
collect() {
	local name
	for name in web-1 web-2 db-1; do
		# shellcheck disable=SC2046 # words
		on_host central $(hosts_ssh) "root@$name" cat "$(host_mount "$name")/.vouchfs/status.json" >"$T/fleet/new" ||
			continue
		mv "$T/fleet/new" "$T/fleet/$name.json"
	done
}

# ---- a host ----

host_mount() { echo "$(host_dir "$1")/mnt"; }
host_conf() { echo "$(host_dir "$1")/etc/vouchfs.conf"; }
at_host() { # HOST vouchfs's arguments
	local name=$1
	shift
	on_host "$name" env VOUCHFS_CONF="$(host_conf "$name")" vouchfs "$@"
}

# All that is configured by hand; those with a source fetch their bundles.
install_host() { # HOST [SOURCE]
	local dir
	dir=$(host_dir "$1")
	mkdir -p "$dir/etc/trust" "$dir/etc/conf.d" "$dir/mnt"
	signer "$SECURITY" export-trust --directory "$dir/etc/trust" >/dev/null
	cat >"$dir/etc/vouchfs.conf" <<-END
		[vouchfs]
		account = $ACCOUNT
		store = $dir/store
		anchor = $dir/anchor
		[account $SECURITY]
		certificate = trust/$SECURITY.pem
		[policy]
		publisher = ${POLICY%/*}
		${2:+source = $2
		source_ca = $T/hosts/ca.pem
		source_user = nobody
		poll_interval = 1s}
	END
	sed -i 's/^[[:space:]]*//' "$dir/etc/vouchfs.conf"
}

boot() { # HOST
	switch_on "$1"
	at_host "$1" mount "$(host_mount "$1")"
}

has_bundle() { # HOST SEQUENCE
	at_host "$1" policy show --json | grep -q "\"sequence\": $2\b"
}
runs() { [ "$(on_host "$1" python3 "$(host_mount "$1")/run/app/task/app.py")" = "hello from $1" ]; }
is_blocked() { run ! runs "$1" && [[ $output == *"Permission denied"* ]]; }

deploy() { # HOST
	mk_zip "$T/app.zip" app.py="import socket; print('hello from', socket.gethostname())"
	sign_zip release "$T/app.zip"
	on_host "$1" cp "$T/app.zip" "$(host_mount "$1")/functions/app/app.zip"
}

# web-1 is brought its bundles, web-2 and db-1 fetch them.
fleet_up() {
	local name
	make_accounts
	pack 1
	switch_on central
	start_web_server
	offer 1
	install_host web-1
	install_host web-2 https://policies.example/policy.zip
	install_host db-1 https://policies.example/policy.zip
	for name in web-1 web-2 db-1; do boot "$name"; done
	push 1 web-1
	for name in web-1 web-2 db-1; do
		eventually has_bundle "$name" 1
		deploy "$name"
	done
}

@test "three hosts take one policy, by rsync over ssh and from a web server, and run what it allows" {
	local name
	fleet_up
	for name in web-1 web-2 db-1; do runs "$name"; done
	collect
	run -0 vouchfs policy fleet "$T/fleet"
	[[ $output == *"3 hosts: 3 on bundle 1"* ]]
	for name in web-1 web-2 db-1; do
		mk_zip "$T/unsigned.zip"
		run ! on_host "$name" cp "$T/unsigned.zip" "$(host_mount "$name")/functions/app/app.zip"
		[[ $output == *"Required key not available"* ]]
		runs "$name"
		at_host "$name" policy drift
	done
	eventually grep -q ' 304 ' "$T/hosts/central/nginx/access.log"
	collect
	run -1 vouchfs policy fleet "$T/fleet"
}

@test "a host that is away catches up, and one that was changed by hand puts itself right" {
	fleet_up
	collect
	unplug web-2
	pack 2
	offer 2
	push 2 web-1
	has_bundle web-1 2
	eventually has_bundle db-1 2
	has_bundle web-2 1
	runs web-2 # as before
	collect
	run -1 vouchfs policy fleet "$T/fleet"
	[[ $output == *web-2*behind* ]]
	plug_in web-2
	eventually has_bundle web-2 2

	switch_off db-1 # by the power button
	pack 3
	offer 3
	push 3 web-1
	eventually has_bundle web-2 3
	boot db-1
	eventually has_bundle db-1 3
	runs db-1

	printf '[function app]\ncode_signing_config = none\n' >"$(host_dir db-1)/etc/conf.d/quick-fix.conf"
	eventually test ! -e "$(host_dir db-1)/etc/conf.d/quick-fix.conf"
	grep -q 'code_signing_config = none' "$(host_dir db-1)"/etc/conf.d/quick-fix.conf.replaced-*
	eventually at_host db-1 policy drift
	run ! on_host db-1 cp "$T/unsigned.zip" "$(host_mount db-1)/functions/app/app.zip"
	at_host db-1 audit search --event policy-remedied | grep -q quick-fix.conf
}

# The clock of everything that is started from here on is one file.
refused_replay() { at_host "$1" why policy | grep -q 'VF5002 refused'; }
has_alarm() { run at_host "$1" health && [ "$status" = 2 ] && [[ $output == *expired* ]]; }

@test "a revocation reaches all, what is replayed is refused, what has expired stays in force with an alarm" {
	local name
	stop_clock
	fleet_up
	move_clock 60
	signer "$ACCOUNT" revoke-signing-profile --profile-name release --profile-version "${RELEASE##*/}" \
		--effective-time "$(date -u -d "$(cat "$T/clock") - 1 hour" +%Y-%m-%dT%H:%M:%SZ)" --reason leaked >/dev/null
	pack 2
	offer 2
	push 2 web-1
	for name in web-1 web-2 db-1; do eventually is_blocked "$name"; done

	offer 1 # whoever has the web server has no key
	for name in web-2 db-1; do
		eventually refused_replay "$name"
		has_bundle "$name" 2
	done
	run ! push 1 web-1
	refused_replay web-1
	has_bundle web-1 2

	move_clock $((15 * 365 * 24 * 3600))
	for name in web-1 web-2 db-1; do
		eventually has_alarm "$name"
		has_bundle "$name" 2
		run ! deploy "$name"
	done
}
