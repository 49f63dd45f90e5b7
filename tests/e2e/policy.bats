#!/usr/bin/env bats
# Policy bundles: how they come, what they change, and what is refused.

load lib
load policy

@test "the slot is there where the configuration names a publisher, and goes with it" {
	make_policy_host
	start_mount
	[ -d "$MNT/policy" ]
	[ -z "$(ls -A "$MNT/policy")" ]
	ls "$MNT" | grep -qx policy
	ls "$MNT/.vouchfs" | grep -qx policy
	grep -qx "state: none" "$MNT/.vouchfs/policy/status"
	[[ $(cat "$MNT/.vouchfs/history/policy") == "policy: no bundle has come yet" ]]
	run -1 mkdir "$MNT/policy/x"
	mkdir "$MNT/policy/.staging"
	rmdir "$MNT/policy/.staging"
	run -1 cp "$CONF" "$MNT/policy/layers"
	run -1 rmdir "$MNT/policy"

	cp "$CONF" "$T/governed.conf"
	sed -i '/^\[policy\]/,$d' "$CONF"
	"$VOUCHFS" reload
	[ ! -e "$MNT/policy" ]
	[ ! -e "$MNT/.vouchfs/policy" ]
	[ ! -e "$MNT/.vouchfs/rollback/policy" ]
	run ! grep -x policy <(ls "$MNT" "$MNT/.vouchfs")
	cp "$T/governed.conf" "$CONF"
	"$VOUCHFS" reload
	[ -d "$MNT/policy" ]
	[ -f "$MNT/.vouchfs/policy/source" ]
}
