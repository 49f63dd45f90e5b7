#!/usr/bin/env bats
# What Prometheus is told: .vouchfs/metrics, `vouchfs metrics`, the file for node_exporter, and the alerts made of it.

load lib

TOP=$BATS_TEST_DIRNAME/../..
PROM=promtool

# promtool comes with the package prometheus; .ci/deps puts it into build/tools, since the package starts a server.
need_promtool() {
	if [ -x "$TOP/build/tools/promtool" ]; then PROM=$TOP/build/tools/promtool; fi
	command -v "$PROM" >/dev/null || skip "promtool is not there (.ci/deps test gets it)"
}

# value_of SERIES [FILE]: its labels as they are printed, without mount
value_of() {
	local series=${1/\{/\{mount=\"vouchfs\",}
	[[ $1 == *\{* ]] || series="$1{mount=\"vouchfs\"}"
	awk -v series="$series" '$1 == series { print $2; found = 1 } END { exit !found }' "${2:-$MNT/.vouchfs/metrics}"
}

shows() { [ "$(value_of "$1" "${3:-}")" = "$2" ]; }

start_with_textfile() {
	PROM_DIR=$T/prom
	mkdir "$PROM_DIR"
	VOUCHFS_SECTION="metrics_textfile = $PROM_DIR/vouchfs.prom" start_ready_mount </dev/null
}

attempt() { echo "vouchfs_deployments_total{outcome=\"$1\",reason=\"${2:-none}\"}"; }
last() { echo "vouchfs_slot_last_attempt_timestamp_seconds{slot=\"functions/$1\",outcome=\"$2\",reason=\"${3:-none}\"}"; }
of_slot() { echo "vouchfs_slot_$1{slot=\"functions/${2:-main}\"}"; }

# ---- what is counted ----

@test "metrics: attempts are counted once each, by outcome and reason, and the last one of a slot is shown" {
	stop_clock
	start_ready_mount < <(printf '[layer base]\n')
	mk_zip "$T/a.zip"
	run ! cp "$T/a.zip" "$MAIN/"
	run ! cp "$T/a.zip" "$MAIN/"
	cp "$T/a.zip" "$MNT/functions/relaxed/"
	cp "$T/a.zip" "$MNT/layers/base/"
	[ "$(value_of "$(last main refused VF2001)")" = "$(date +%s -d "$(cat "$T/clock")")" ]
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	shows "$(attempt refused VF2001)" 2
	shows "$(attempt warned VF2001)" 1
	shows "$(attempt accepted)" 1
	shows "$(attempt failed)" 0
	shows 'vouchfs_layer_publications_total{outcome="accepted",reason="none"}' 1
	shows 'vouchfs_verification_duration_seconds_count' 5
	shows 'vouchfs_verification_duration_seconds_bucket{le="+Inf"}' 5
	[ "$(value_of "$(last main accepted)")" = "$(date +%s -d "$(cat "$T/clock")")" ]
	run ! value_of "$(last main refused VF2001)"
	shows 'vouchfs_slots{kind="function",state="ok"}' 1
	shows 'vouchfs_slots{kind="function",state="warned"}' 1
	shows 'vouchfs_slots_would_be_refused' 1
	shows 'vouchfs_revocation_list_sequence{account="111122223333"}' 1
	[ "$(grep -c '"verifiedUs":[1-9]' <(cat "$STORE"/audit/*.jsonl))" = 5 ]
}

@test "metrics: what the disk refuses is failed, and not accepted as well" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip"
	stop_mount
	VOUCHFS_TEST_FAULT=linkat:1:ENOSPC start_mount
	run ! cp "$T/a.zip" "$MAIN/"
	[[ $output == *"No space left on device"* ]]
	shows "$(attempt failed)" 1
	shows "$(attempt accepted)" 0
	value_of "$(last main failed)"
}

@test "metrics: a release that is blocked, and let in again" {
	stop_clock
	cp "$T/clock" "$T/today"
	start_ready_mount </dev/null
	sed -i 's/^\(untrusted_artifact_on_deployment = Enforce\)/\1\nuntrusted_artifact_on_load = Enforce/' "$CONF"
	"$VOUCHFS" reload
	mk_signed "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	shows "$(of_slot serving)" 1
	local expiry
	expiry=$(value_of "$(of_slot signature_expiry_timestamp_seconds)")
	date -u -d "@$((expiry + 1))" +%Y-%m-%dT%H:%M:%SZ >"$T/clock"
	eventually shows "$(of_slot serving)" 0
	shows "$(of_slot blocked)" 1
	shows "$(of_slot damaged)" 0
	shows vouchfs_releases_blocked_total 1
	shows vouchfs_releases_unblocked_total 0
	shows 'vouchfs_slots{kind="function",state="not_served"}' 1
	shows 'vouchfs_revocation_list_usable{account="111122223333"}' 0
	cp "$T/today" "$T/clock"
	eventually shows vouchfs_releases_unblocked_total 1
	shows "$(of_slot blocked)" 0
}

@test "metrics: damage" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" noise="$(seq 40000)"
	cp "$T/a.zip" "$MAIN/"
	shows "$(of_slot damaged)" 0
	local payload
	payload=$(find "$STORE/objects" -name payload)
	chmod 0600 "$payload"
	printf 'XXXX' | dd of="$payload" bs=1 seek=2000 conv=notrunc status=none
	run ! cat "$RUN/task/noise"
	shows "$(of_slot damaged)" 1
	shows "$(of_slot serving)" 0
	[ "$(value_of vouchfs_page_check_failures_total)" -ge 1 ]
}

@test "metrics: reloads" {
	start_ready_mount </dev/null
	shows vouchfs_config_generation 1
	"$VOUCHFS" reload
	echo 'nonsense' >>"$CONF"
	run -78 "$VOUCHFS" reload
	shows vouchfs_config_generation 2
	shows vouchfs_config_last_reload_successful 0
	shows 'vouchfs_config_reloads_total{result="success"}' 1
	shows 'vouchfs_config_reloads_total{result="failure"}' 1
	sed -i '$d' "$CONF"
	"$VOUCHFS" reload
	shows vouchfs_config_last_reload_successful 1
}

@test "metrics: an audit log that cannot be written" {
	start_ready_mount </dev/null
	stop_mount
	VOUCHFS_TEST_FAULT=fsync:1+:EIO start_mount
	shows vouchfs_audit_log_writable 1
	mk_zip "$T/a.zip"
	run ! cp "$T/a.zip" "$MAIN/"
	shows vouchfs_audit_log_writable 0
}

@test "metrics: bytes of uploads in progress, and of the store" {
	start_ready_mount </dev/null
	head -c 300000 /dev/urandom >"$T/noise"
	shows vouchfs_staging_bytes 0
	cp "$T/noise" "$MAIN/.noise"
	shows vouchfs_staging_bytes 300000
	rm "$MAIN/.noise"
	shows vouchfs_staging_bytes 0
	[ "$(value_of 'vouchfs_store_bytes{kind="audit"}')" -gt 0 ]
}

# ---- its form; what hosts have that are governed by policy bundles is in policy_view.bats ----

@test "promtool accepts the metrics, and the alerts ask for none that is not there" {
	need_promtool
	start_ready_mount < <(printf '[layer base]\n')
	mk_signed "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	cp "$T/a.zip" "$MNT/functions/relaxed/"
	"$VOUCHFS" metrics >"$T/metrics"
	run -0 "$PROM" check metrics <"$T/metrics"
	[ -z "$output" ]
	local name
	while read -r name; do
		grep -q "^# TYPE $name " "$T/metrics" || { echo "the rules want $name"; return 1; }
	done < <(grep -o 'vouchfs_[a-z_]*' "$TOP/conf/prometheus/vouchfs.rules.yml" | grep -v ^vouchfs_policy | sort -u)
}

@test "vouchfs(1) describes every metric, and no others" {
	start_ready_mount </dev/null
	diff <(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$MNT/.vouchfs/metrics" | sort) \
		<(grep '^\.It Va' "$TOP/conf/man/vouchfs.1" | grep -o 'vouchfs_[a-z_]*' | grep -v ^vouchfs_policy | sort)
}

@test "metrics: no label tells a path, a user or a digest" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	"$VOUCHFS" metrics >"$T/metrics"
	[ "$(grep -v '^#' "$T/metrics" | grep -o '[a-z]*="' | sort -u | tr -d '\n')" = \
		'account="cause="kind="le="mount="outcome="reason="result="slot="state="version="' ]
	run ! grep -E "$T|uid|[0-9a-f]{32}|arn:" "$T/metrics"
}

@test "the alerts fire when they should, and not when they should not" {
	need_promtool
	run -0 "$PROM" check rules "$TOP/conf/prometheus/vouchfs.rules.yml"
	run -0 "$PROM" test rules "$TOP/tests/data/prometheus/vouchfs.rules.test.yml"
	local name
	while read -r name; do
		grep -q "alertname=\"$name\"" "$TOP/tests/data/prometheus/vouchfs.rules.test.yml" ||
			{ echo "nothing makes $name fire"; return 1; }
	done < <(sed -n 's/.*- alert: //p' "$TOP/conf/prometheus/vouchfs.rules.yml")
}

# ---- the command ----

@test "vouchfs metrics -o: a file for everybody, replaced whole" {
	start_ready_mount </dev/null
	(umask 077 && "$VOUCHFS" metrics -o "$T/own.prom")
	[ "$(stat -c %a "$T/own.prom")" = 644 ]
	shows vouchfs_config_generation 1 "$T/own.prom"
	ln "$T/own.prom" "$T/before"
	"$VOUCHFS" metrics --output "$T/own.prom"
	[ ! "$T/own.prom" -ef "$T/before" ]
	run -1 --separate-stderr "$VOUCHFS" metrics -o "$T/missing/own.prom"
	[ "$stderr" = "vouchfs: $T/missing/own.prom cannot be written: No such file or directory" ]
	stop_mount
	run -1 --separate-stderr "$VOUCHFS" metrics
	[[ $stderr == *"is not mounted"* ]]
	run -2 "$VOUCHFS" metrics main
}

# ---- the file of the daemon ----

@test "metrics_textfile: is there from the start, follows what happens, and goes with the mount" {
	start_with_textfile
	eventually test -e "$PROM_DIR/vouchfs.prom"
	[ "$(stat -c %a "$PROM_DIR/vouchfs.prom")" = 644 ]
	shows "$(attempt accepted)" 0 "$PROM_DIR/vouchfs.prom"
	mk_signed "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	eventually shows "$(attempt accepted)" 1 "$PROM_DIR/vouchfs.prom"
	value_of "$(last main accepted)" "$PROM_DIR/vouchfs.prom"
	stop_mount
	[ -z "$(ls -A "$PROM_DIR")" ]
}

@test "metrics_textfile: is written once in an interval although nothing happens" {
	mkdir "$T/prom"
	VOUCHFS_SECTION=$'metrics_interval = 1s\nmetrics_textfile = '"$T/prom/vouchfs.prom" start_ready_mount </dev/null
	eventually test -e "$T/prom/vouchfs.prom"
	ln "$T/prom/vouchfs.prom" "$T/before"
	eventually test ! "$T/prom/vouchfs.prom" -ef "$T/before"
	rm "$T/before"
	ln "$T/prom/vouchfs.prom" "$T/before"
	eventually test ! "$T/prom/vouchfs.prom" -ef "$T/before"
}

@test "metrics_textfile: a reload has it elsewhere, and off; without it nobody wakes up" {
	start_ready_mount </dev/null
	local daemon
	daemon=$(daemon_pid)
	run ! grep -qx metrics "/proc/$daemon/task"/*/comm
	mkdir -p "$T/prom"
	sed -i "s|^region = .*|&\nmetrics_textfile = $T/prom/a.prom|" "$CONF"
	stop_mount
	start_mount # the daemon has closed what nothing had named (confine.bats)
	eventually test -e "$T/prom/a.prom"
	sed -i "s|a.prom|b.prom|" "$CONF"
	"$VOUCHFS" reload
	eventually test -e "$T/prom/b.prom"
	[ "$(names_in "$T/prom")" = b.prom ]
	sed -i /metrics_textfile/d "$CONF"
	"$VOUCHFS" reload
	eventually test ! -e "$T/prom/b.prom"
}

@test "metrics_textfile: a directory that may not be written is in nobody's way" {
	need_root
	mkdir -m 0755 "$T/prom"
	VOUCHFS_SECTION=$'user = nobody\nmetrics_interval = 1s\nmetrics_textfile = '"$T/prom/vouchfs.prom" \
		mk_plain_config main
	"$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
	eventually grep -q "metrics: .*cannot be written: Permission denied" "$T/log"
	eventually grep -q "serving $CONF on $MNT" "$T/log"
	grep -q "setfacl -m u:$(id -u nobody):rwx" "$T/log"
	mk_zip "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/main/"
	[ "$(cat "$MNT/run/main/task/app.py")" = "print('hello')" ]
	chown nobody "$T/prom"
	eventually test -e "$T/prom/vouchfs.prom"
	[ "$(stat -c %U "$T/prom/vouchfs.prom")" = nobody ]
	eventually grep -q "metrics: .*is written again" "$T/log"
}

# Each attempt leaves its trace in the directory: the file under its other name comes and goes.
@test "metrics_textfile: what goes wrong is said once" {
	mkdir -p "$T/prom/vouchfs.prom"
	VOUCHFS_SECTION=$'metrics_interval = 1s\nmetrics_textfile = '"$T/prom/vouchfs.prom" mk_plain_config
	"$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
	eventually grep -q "metrics: .*cannot be written: Is a directory" "$T/log"
	has_been_tried() { [ "$(stat -c %y "$T/prom")" != "$1" ]; }
	for _ in 1 2; do eventually has_been_tried "$(stat -c %y "$T/prom")"; done
	[ "$(grep -c "cannot be written" "$T/log")" = 1 ]
	[ "$(names_in "$T/prom")" = vouchfs.prom ]
	rmdir "$T/prom/vouchfs.prom"
	eventually grep -q "metrics: .*is written again" "$T/log"
	[ -f "$T/prom/vouchfs.prom" ]
}

@test "metrics_textfile: check-config refuses a place in the store and a name that node_exporter passes by" {
	local place
	for place in "$T/store/vouchfs.prom" "$T/vouchfs.txt"; do
		VOUCHFS_SECTION="metrics_textfile = $place" mk_plain_config
		run -78 "$VOUCHFS" check-config "$CONF"
		[[ $output == *"metrics_textfile = "*"expected a "* ]]
	done
	VOUCHFS_SECTION="metrics_textfile = $T/vouchfs.prom" mk_plain_config
	"$VOUCHFS" check-config "$CONF"
}
