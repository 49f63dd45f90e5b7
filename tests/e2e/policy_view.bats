#!/usr/bin/env bats
# What operators see of policy bundles: status, health, trust, the page, metrics; and many hosts in one table.

load lib
load policy

PROM=promtool
TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

need_promtool() {
	if [ -x "$TOP/build/tools/promtool" ]; then PROM=$TOP/build/tools/promtool; fi
	command -v "$PROM" >/dev/null || skip "promtool is not there (.ci/deps test gets it)"
}

shows() { grep -qxF "${1/\{/\{mount=\"vouchfs\",} $2" "$MNT/.vouchfs/metrics"; }
shows_bare() { grep -qxF "$1{mount=\"vouchfs\"} $2" "$MNT/.vouchfs/metrics"; }
screen_says() { "$VOUCHFS" status | grep -qF "$1"; }
has_code() { "$VOUCHFS" health --json | grep -qF "\"code\": \"$1\""; }

# A governed host on which bundle 7 is in force.
start_governed() {
	POLICY_SECTION="host = web-1
$1" make_policy_host
	start_mount
	pack_policy 7
	cp "$T/policy-7.zip" "$MNT/policy/"
	[ "$(policy_sequence)" = 7 ]
}

@test "a host that waits for its first bundle says so, and one that has it says which" {
	POLICY_SECTION="host = web-1" make_policy_host
	start_mount
	screen_says "!! NO POLICY BUNDLE has come yet"
	run -1 "$VOUCHFS" health
	[[ $output == *"no policy bundle has come yet"* ]]
	shows 'vouchfs_policy_bundle_state{state="none"}' 1
	shows_bare vouchfs_policy_bundle_sequence 0
	pack_policy 7
	cp "$T/policy-7.zip" "$MNT/policy/"
	screen_says "policy bundle 7 in force since "
	run ! screen_says "NO POLICY BUNDLE"
	shows 'vouchfs_policy_bundle_state{state="none"}' 0
	shows 'vouchfs_policy_bundle_state{state="in_force"}' 1
	shows_bare vouchfs_policy_bundle_sequence 7
	shows_bare vouchfs_policy_bundle_highest_sequence 7
	shows 'vouchfs_policy_bundles_total{outcome="accepted",reason="none"}' 1
	run ! has_code policy-none
	"$VOUCHFS" trust | grep -q "^policy bundle 7 governs this host"
	"$VOUCHFS" status --json | grep -qF '"host": "web-1"'
	run -0 jq -r '.policy | .state, .sequence, .last, (.drift | length)' <("$VOUCHFS" status --json)
}

@test "the list of the publisher comes with the first bundle: that there is none before is nobody's alarm" {
	make_policy_host
	sed -i '/^revocations/d' "$CONF"
	start_mount
	run -1 "$VOUCHFS" health
	[ "$output" = "VOUCHFS WARNING - no policy bundle has come yet: nothing that one governs is in force" ]
	pack_policy 7
	run -20 "$VOUCHFS" verify --policy "$T/policy-7.zip"
	[[ $output == *"the bundle may bring the list itself"* ]]
	run ! cp "$T/policy-7.zip" "$MNT/policy/" # this one does not
}

@test "a replayed bundle is refused in every view, for a day" {
	stop_clock
	start_governed
	pack_policy 6
	run ! cp "$T/policy-6.zip" "$MNT/policy/"
	screen_says "!! BUNDLE REFUSED, VF5002, "
	screen_says "policy bundle 7 in force since "
	has_code policy-refused
	shows 'vouchfs_policy_bundles_total{outcome="refused",reason="VF5002"}' 1
	shows 'vouchfs_deployments_total{outcome="accepted",reason="none"}' 0
	"$VOUCHFS" report --html "$T/page.html"
	grep -qF "BUNDLE REFUSED" "$T/page.html"
	grep -qF '<h2 id="policy-title">Policy</h2>' "$T/page.html"
	move_clock 86400
	run ! has_code policy-refused
}

@test "what the host's own files say beside a bundle is drift in every view" {
	POLICY_TERMS="local = report" start_governed
	printf '[function main]\ncode_signing_config = none\n' >>"$CONF"
	"$VOUCHFS" reload
	eventually screen_says "!! POLICY DRIFT: "
	has_code policy-drift
	"$VOUCHFS" status --json | jq -e '.policy.driftByKind.local >= 1 and (.policy.drift[0] | startswith("local "))'
	run ! shows 'vouchfs_policy_drift{kind="local"}' 0
	shows 'vouchfs_policy_drift{kind="slot"}' 0
}

@test "a bundle that expires stays in force with an alarm in every view" {
	stop_clock
	start_governed
	move_clock $((6000 * 86400))
	eventually screen_says "!! POLICY BUNDLE 7 EXPIRED (VF2003), and kept in force"
	has_code policy-alarm
	shows 'vouchfs_policy_bundle_alarm{reason="VF2003"}' 1
	shows 'vouchfs_policy_bundle_state{state="in_force"}' 1
}

@test "of a store that is not mounted the same bundle is seen, and of one that lost it that it is lost" {
	start_governed
	stop_mount
	screen_says "!! NOT MOUNTED"
	screen_says "policy bundle 7 in force since "
	find "$STORE/objects" -name payload -exec chmod 0600 {} + -exec sh -c 'printf XXXX >"$1"' _ {} \;
	screen_says "!! POLICY BUNDLE LOST"
	start_mount
	screen_says "!! POLICY BUNDLE LOST"
	run -2 "$VOUCHFS" health
	[[ $output == *"the policy bundle is lost"* ]]
	shows 'vouchfs_policy_bundle_state{state="lost"}' 1
	cp "$T/policy-7.zip" "$MNT/policy/"
	run ! screen_says "POLICY BUNDLE LOST"
	shows 'vouchfs_policy_bundle_state{state="lost"}' 0
}

@test "a source that does not answer is seen after three intervals" {
	stop_clock
	cp "$VOUCHFS" "$T/vouchfs" # without vouchfs-fetch beside it: the test says what it would
	VOUCHFS=$T/vouchfs
	start_governed "source = file://$T/nowhere.zip
poll_interval = 5m"
	eventually screen_says "the last try failed" # that it is not there has been said, once
	screen_says "policy source file://"
	echo ok >"$MNT/.vouchfs/policy/source"
	"$VOUCHFS" status | grep -qE " answered [0-9]+ s"
	shows_bare vouchfs_policy_fetch_failing 0
	echo "error there is no such file" >"$MNT/.vouchfs/policy/source"
	shows_bare vouchfs_policy_fetch_failing 1
	run ! has_code policy-source
	move_clock 900
	echo "error there is no such file" >"$MNT/.vouchfs/policy/source"
	screen_says "!! POLICY SOURCE NOT REACHED"
	has_code policy-source
}

# ---- metrics: their form ----

@test "promtool accepts the metrics of a governed host, vouchfs(1) has them all, and the alerts want no others" {
	need_promtool
	start_governed "source = file://$T/nowhere.zip"
	"$VOUCHFS" metrics >"$T/metrics"
	run -0 "$PROM" check metrics <"$T/metrics"
	[ -z "$output" ]
	diff <(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$T/metrics" | sort) \
		<(grep '^\.It Va' "$TOP/conf/man/vouchfs.1" | grep -o 'vouchfs_[a-z_]*' | sort)
	local name
	while read -r name; do
		grep -q "^# TYPE $name " "$T/metrics" || { echo "the rules want $name"; return 1; }
	done < <(grep -o 'vouchfs_policy_[a-z_]*' "$TOP/conf/prometheus/vouchfs.rules.yml" | sort -u)
	run ! grep -E "$T|uid|[0-9a-f]{32}|arn:" "$T/metrics"
}

# ---- many hosts ----

# host_row NAME: its row in the table
host_row() { "$VOUCHFS" policy fleet "$T/all" | grep -E "^[!~ ] $1 "; }

@test "policy fleet: collected files of two hosts, one of which is behind" {
	start_governed
	mkdir -p "$T/all/web-2"
	cp "$MNT/.vouchfs/status.json" "$T/all/web-2/status.json"
	sed -i 's/"host": "web-1"/"host": "web-2"/' "$T/all/web-2/status.json"
	cp "$MNT/.vouchfs/status.json" "$T/all/web-1.json"
	"$VOUCHFS" policy fleet "$T/all" | grep -qx "2 hosts: 2 on bundle 7.*"
	run ! host_row ".*behind"
	pack_policy 8
	cp "$T/policy-8.zip" "$MNT/policy/"
	cp "$MNT/.vouchfs/status.json" "$T/all/web-1.json"
	host_row web-2 | grep -q "^~ web-2 *7 behind in force"
	host_row web-1 | grep -q "web-1 *8 *in force"
	run -1 "$VOUCHFS" policy fleet "$T/all"
	[[ ${lines[-1]} == "2 hosts: 1 on bundle 8, 1 on 7"* ]]
	[ "$("$VOUCHFS" policy fleet --json "$T/all" | jq -r '.hosts[] | select(.behind).host')" = web-2 ]
}

@test "policy fleet: all well and on the newest is exit code 0" {
	start_governed
	mkdir "$T/all"
	cp "$MNT/.vouchfs/status.json" "$T/all/web-1.json"
	run -0 "$VOUCHFS" policy fleet "$T/all"
	[[ ${lines[-1]} == "1 host: 1 on bundle 7" ]]
}

@test "policy fleet: what cannot be read is a row, and hides no other" {
	start_governed
	mkdir -p "$T/all/empty" "$T/all/folder.json"
	cp "$MNT/.vouchfs/status.json" "$T/all/web-1.json"
	head -c 100 "$T/all/web-1.json" >"$T/all/torn.json"
	: >"$T/all/nothing.json"
	ln -s web-1.json "$T/all/link.json"
	mkfifo "$T/all/pipe.json"
	cp "$T/all/web-1.json" "$T/all/.web-3.json.Xy12"
	echo "not a host" >"$T/all/README"
	cp "$T/all/web-1.json" "$T/all/"$'new\nline.json'
	run -1 "$VOUCHFS" policy fleet "$T/all"
	[ "$(grep -c UNREADABLE: <<<"$output")" = 6 ]
	grep -q "symbolic link" <<<"$output"
	grep -q "no status.json in its directory" <<<"$output"
	grep -q "not a regular file" <<<"$output"
	grep -q "its status.json is empty" <<<"$output"
	grep -q "web-1 *7 " <<<"$output"
	grep -qF 'new\x0aline' <<<"$output"
	run ! grep -E "web-3|README" <<<"$output"
	run -2 "$VOUCHFS" policy fleet "$T/all/empty"
	[[ $output == *"has neither <host>.json nor"* ]]
	run -2 "$VOUCHFS" policy fleet "$T/absent"
	run -2 "$VOUCHFS" policy fleet
	run -2 "$VOUCHFS" policy fleet --max-age soon "$T/all"
}

@test "policy fleet: who was not seen for long" {
	stop_clock
	start_governed
	mkdir "$T/all"
	cp "$MNT/.vouchfs/status.json" "$T/all/web-1.json"
	move_clock 3600
	run -0 "$VOUCHFS" policy fleet "$T/all"
	run -1 "$VOUCHFS" policy fleet --max-age 15m "$T/all"
	[[ $output == *"NOT SEEN for 60 min"* ]]
	move_clock 172800
	run -1 "$VOUCHFS" policy fleet "$T/all"
	[[ ${lines[-1]} == *"1 not seen for 2 days"* ]]
}
