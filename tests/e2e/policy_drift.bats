#!/usr/bin/env bats
# Where a host differs from its policy bundle: found, told, recorded, and put right.

load lib
load policy

# shellcheck disable=SC2120 # what is passed is passed by run
drift() { "$VOUCHFS" policy drift -c "$CONF" "$@"; }

# start_governed [TERMS]: a mount under bundle 1 with these lines of policy.conf
start_governed() {
	POLICY_TERMS=${1:-} make_policy_host
	start_mount
	POLICY_TERMS=${1:-} pack_policy 1
	cp "$T/policy-1.zip" "$MNT/policy/"
	[[ $(policy_sequence) == 1 ]]
	mkdir -p "$T/etc/conf.d"
}

has_record() { "$VOUCHFS" audit search -c "$CONF" --event "$1" | grep -q -- "$2"; }
count_records() { cat "$STORE"/audit/*.jsonl | grep -c "\"event\":\"$1\""; }
has_count() { [ "$(count_records "$1")" = "$2" ]; }
# shellcheck disable=SC2119
is_in_order() { drift >/dev/null; }

@test "a host that differs in nothing, and one that is not mounted" {
	start_governed
	run -0 drift
	[[ ${lines[0]} == *"nothing differs from policy bundle 1" ]]
	run -0 --separate-stderr drift --json
	[[ $(jq -r '.count, .sequence, .remediates' <<<"$output" | xargs) == "0 1 false" ]]
	stop_mount
	run -2 drift
	[[ $output == *"is not mounted"* ]]
}

@test "a host without publisher, and one whose first bundle has not come" {
	make_policy_host
	start_mount
	run -2 drift
	[[ $output == *"no policy bundle has come yet, so there is nothing to compare this host with; "*apply* ]]
	run -2 --separate-stderr drift --json
	[[ $(jq -r '.count, .sequence' <<<"$output" | xargs) == "0 0" ]]
	[ "$(count_records policy-drift)" = 0 ]
	sed -i '/^\[policy\]/,$d' "$CONF"
	"$VOUCHFS" reload -c "$CONF"
	run -2 drift
	[[ $output == *"has no [policy] publisher in force"* ]]
}

@test "a file of conf.d that says what the bundle says: told at once, recorded once" {
	start_governed "local = report"
	printf '[function mine]\ncode_signing_config = none\n' >"$T/etc/conf.d/local.conf"
	run -1 drift
	[[ $output == *"local  conf.d/local.conf:1"*"found: [function mine] is not in force"* ]]
	(($(awk '{ print length }' <<<"$output" | sort -n | tail -1) <= 80)) || [[ $output == *"$CONF"* ]]
	run -1 drift
	[ "$(count_records policy-drift)" = 1 ]
	rm "$T/etc/conf.d/local.conf"
	run -0 drift
	[ "$(count_records policy-drift-ended)" = 1 ]
}

@test "the daemon notices by itself what changes on the disk" {
	start_governed "local = report"
	printf '[function mine]\ncode_signing_config = none\n' >"$T/etc/conf.d/local.conf"
	eventually has_count policy-drift 1
	rm "$T/etc/conf.d/local.conf"
	eventually has_count policy-drift-ended 1
}

@test "set aside, kept and reloaded where the bundle says remediate, under report and under refuse" {
	local rule
	for rule in report refuse; do
		if [ $rule = report ]; then
			start_governed $'local = report\nremediate = yes'
		else
			POLICY_TERMS=$'local = refuse\nremediate = yes' pack_policy 2
			cp "$T/policy-2.zip" "$MNT/policy/"
		fi
		printf '[function mine]\ncode_signing_config = none\n# %s\n' $rule >"$T/etc/conf.d/$rule.conf"
		eventually is_set_aside $rule
		eventually is_in_order
		grep -q "# $rule" "$T/etc/conf.d/$rule.conf".replaced-*
		cat "$STORE"/audit/*.jsonl | grep policy-remedied | grep -q "conf.d/$rule.conf said"
	done
	eventually has_record policy-remedied "was read again"
	run ! has_record policy-remedied "could not be read again"
	[ ! -d "$MNT/functions/mine" ]
	run -1 grep -h "could not be read again" "$STORE"/audit/*.jsonl
}

is_set_aside() { [ ! -e "$T/etc/conf.d/$1.conf" ] && ls "$T/etc/conf.d/$1.conf".replaced-* >/dev/null; }

@test "what cannot be set aside is recorded once, and stays" {
	start_governed $'local = report\nremediate = yes'
	printf '[function mine]\ncode_signing_config = none\n' >"$T/etc/elsewhere.conf"
	ln -s "$T/etc/elsewhere.conf" "$T/etc/conf.d/link.conf"
	eventually has_count policy-remedied 1
	"$VOUCHFS" reload -c "$CONF"
	run -1 drift
	run -1 drift
	[[ $output == *"local  conf.d/link.conf:1"* ]]
	[ -L "$T/etc/conf.d/link.conf" ]
	[ "$(count_records policy-remedied)" = 1 ]
	cat "$STORE"/audit/*.jsonl | grep policy-remedied | grep -q "could not be set aside: it is a symbolic link"
}

@test "vouchfs.conf is only told of, with its line; nothing that is not governed is touched" {
	start_governed $'local = report\nremediate = yes'
	printf '[function mine]\ncode_signing_config = none\n' >>"$CONF"
	printf '[vouchfs]\nlog = stderr\n' >"$T/etc/conf.d/log.conf"
	eventually has_record policy-remedied "was read again"
	run -1 drift
	[[ $output == *"local  vouchfs.conf:"*"[function mine]"* ]]
	[[ $output != *"conf.d/log.conf"* ]]
	[ -e "$T/etc/conf.d/log.conf" ]
	grep -q 'function mine' "$CONF"
}

@test "changed on the disk, and not in force" {
	start_governed
	printf '[vouchfs]\nmetrics_interval = 77s\n' >"$T/etc/conf.d/metrics.conf"
	run -1 drift
	[[ $output == *"config  $CONF"*"metrics-interval: 77"*"vouchfs reload"* ]]
	"$VOUCHFS" reload -c "$CONF"
	run -0 drift
	printf 'nonsense\n' >"$T/etc/conf.d/metrics.conf"
	run -1 drift
	[[ $output == *"config  $CONF"*"metrics.conf:1:"* ]]
}

@test "a certificate of the host's own that is another one" {
	start_governed
	mk_account 444455556666
	cp "$T/etc/trust/$POLICY_ACCOUNT.pem" "$T/kept.pem"
	export_trust
	cat "$T/etc/trust/444455556666.pem" >"$T/etc/trust/$POLICY_ACCOUNT.pem"
	run -1 drift
	[[ $output == *"trust  [account $POLICY_ACCOUNT]"*"its file has changed"* ]]
	cp "$T/kept.pem" "$T/etc/trust/$POLICY_ACCOUNT.pem"
	run -0 drift
}

@test "a list that the bundle names is missing, and comes" {
	make_policy_host
	start_mount
	write_policy 1
	sed -i "s|^revocations.*|revocations = $T/etc/list|" "$T/policy-1/conf.d/account.conf"
	rm "$T/policy-1/trust/$ACCOUNT.revocations"
	pack_directory "$T/policy-1"
	cp "$T/policy-1.zip" "$MNT/policy/"
	run -1 drift
	[[ $output == *"revocations  [account $ACCOUNT]"*"there is no revocation list at"* ]]
	cp "$T/etc/trust/$ACCOUNT.revocations" "$T/etc/list"
	run -0 drift
}

@test "a list that a bundle has just named is followed" {
	make_policy_host
	mk_signed "$T/a.zip"
	start_mount
	write_policy 1
	sed -i "s|^revocations.*|revocations = $T/etc/list|" "$T/policy-1/conf.d/account.conf"
	mv "$T/policy-1/trust/$ACCOUNT.revocations" "$T/etc/list"
	pack_directory "$T/policy-1"
	cp "$T/policy-1.zip" "$MNT/policy/"
	run -0 drift
	eventually is_quiet
	signer "$ACCOUNT" revoke-signature --job-id "$(job_of "$T/a.zip")" --reason leaked >/dev/null
	signer "$ACCOUNT" export-trust --directory "$T/newer" >/dev/null
	local before
	before=$(count_records revocation-list || true)
	mv "$T/newer/$ACCOUNT.revocations" "$T/etc/list"
	eventually has_count revocation-list $((before + 1))
}

job_of() { "$VOUCHFS" inspect --json "$1" | sed -n 's/.*signing-jobs\/\([0-9a-f-]*\)".*/\1/p' | head -n 1; }
# What was to be done after the bundle is done: the main thread sleeps.
is_quiet() { grep -q 'State:.*sleeping' "/proc/$(daemon_pid)/status"; }

@test "the bundle in force is put into the store again, which has lost or damaged it" {
	start_governed 'remediate = yes'
	rm -rf "$STORE/policy"
	run -1 drift
	[[ $output == *"bundle  store"*"found: none"* ]]
	eventually has_record policy-remedied "policy bundle 1 was put into the store again"
	eventually is_in_order
	damage_bundle
	run -1 drift
	eventually has_count policy-remedied 2
	eventually is_in_order
	stop_mount
	start_mount
	[ "$(policy_sequence)" = 1 ]
	[ "$(count_records policy-remedied)" = 2 ]
}

@test "without a remedy the bundle is brought again, and the store has it again" {
	start_governed
	rm -rf "$STORE/policy"
	run -78 "$VOUCHFS" reload -c "$CONF"
	[[ $output == *"policy bundle 1 would be lost: the store has none"* ]]
	run -1 drift
	cp "$T/policy-1.zip" "$MNT/policy/again.zip"
	run -0 drift
	damage_bundle
	run -1 drift
	cp "$T/policy-1.zip" "$MNT/policy/once-more.zip"
	run -0 drift
	run ! has_record policy-remedied put
}

# A byte of its object, wherever that is.
damage_bundle() {
	local object
	object=$(grep -l -r -a -F 'conf.d/functions.conf' "$STORE/objects" | head -n 1)
	chmod u+w "$object"
	printf 'X' | dd of="$object" bs=1 seek=60 conv=notrunc status=none
}

@test "options of the unit" {
	make_policy_host
	start_mount
	write_policy 1
	printf '[unit]\nLimitNOFILE = 1024\nUMask = 0077\nNoNewPrivileges = yes\nLimitCORE = 0\nUser = nobody-here\n' \
		>>"$T/policy-1/policy.conf"
	pack_directory "$T/policy-1"
	cp "$T/policy-1.zip" "$MNT/policy/"
	run -1 --separate-stderr drift --json
	[[ $(jq -r '.differences[] | .kind + " " + .subject' <<<"$output") == "unit User" ]]
	[[ $output == *"there is no user of that name here"* ]]
}

@test "something is mounted over a slot" {
	need_root
	start_governed
	mount -t tmpfs over "$MNT/functions/main"
	run -1 drift
	umount "$MNT/functions/main"
	[[ $output == *"slot  $MNT/functions/main"*"tmpfs (over) is mounted over it"* ]]
	run -0 drift
}

@test "an ordinary user's mount, and others who ask" {
	start_governed
	if [ "$(id -u)" = 0 ]; then
		run -2 as_user "$VOUCHFS" policy drift -c "$CONF"
		[[ $output == *"only root, and the user who has mounted it"* || $output == *"Permission denied"* ]]
	fi
}
