#!/usr/bin/env bats
# Is all well? What a pager is woken by, what can wait, and a mount that does not answer.

load lib

# health_is STATUS PART [OPTION ...]
health_is() {
	local expected=$1 part=$2
	shift 2
	run "$VOUCHFS" health "$@"
	if [ "$status" != "$expected" ] || [[ $output != "VOUCHFS "*$part* ]] || [ "${#lines[@]}" != 1 ]; then
		echo "expected $expected with \"$part\", found $status: $output"
		return 1
	fi
}

@test "ok, not mounted, and the file says the same" {
	start_ready_mount </dev/null
	health_is 0 "OK - 2 slots"
	[ "$(cat "$MNT/.vouchfs/health")" = ok ]
	stop_mount
	health_is 2 "CRITICAL - not mounted: nothing is served"
}

@test "a refusal is a warning for a day; what Enforce would refuse is one as long as it is served" {
	stop_clock
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	mk_zip "$T/u.zip" marker=u
	cp "$T/a.zip" "$MAIN/"
	run ! cp "$T/u.zip" "$MAIN/"
	health_is 1 "WARNING - functions/main (VF2001) refused what came last, within a day"
	move_clock 86400
	health_is 0 OK
	cp "$T/u.zip" "$MNT/functions/relaxed/"
	health_is 1 "WARNING - functions/relaxed (VF2001) serves what Enforce would refuse"
	[ "$(cat "$MNT/.vouchfs/health")" = "warning: functions/relaxed (VF2001) serves what Enforce would refuse" ]
	cp "$T/a.zip" "$MNT/functions/relaxed/"
	health_is 0 OK
}

@test "what will expire: a warning in time, of as many days as are asked for" {
	stop_clock
	mk_account
	mk_profile release >/dev/null
	signer "$ACCOUNT" put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name short \
		--signature-validity-period value=20,type=DAYS >/dev/null
	mk_config <<-END
		[code-signing-config c]
		allowed_publisher = arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/short
		untrusted_artifact_on_deployment = Enforce
		[function main]
		code_signing_config = c
	END
	start_mount
	mk_zip "$T/a.zip"
	sign_zip short "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/main/"
	health_is 1 "WARNING - functions/main has a signature that expires soon"
	health_is 0 OK --expiry-days 20
	health_is 1 WARNING --expiry-days 21
}

@test "a revocation list: a warning when it is due, critical when it cannot be relied on" {
	stop_clock
	start_ready_mount </dev/null
	move_clock $((22 * 86400))
	health_is 0 OK
	move_clock 86400 # a quarter of its thirty days is left
	health_is 1 "WARNING - the next revocation list of account $ACCOUNT is due in 7 days"
	move_clock $((7 * 86400 + 1))
	health_is 2 "CRITICAL - the revocation list of account $ACCOUNT is stale"
	export_trust
	signer "$ACCOUNT" refresh-revocations >/dev/null
	export_trust
	eventually health_is 0 OK
	rm "$T/etc/trust/$ACCOUNT.revocations"
	eventually health_is 2 "CRITICAL - the revocation list of account $ACCOUNT is missing: there is no revocation list at"
}

@test "a failed reload, and a slot that is damaged or blocked: the worst first, on one line" {
	start_ready_mount <<-END
		[function open]
		code_signing_config = none
	END
	cp "$CONF" "$T/good.conf"
	mk_signed "$T/a.zip" marker=a
	mk_zip "$T/u.zip" marker=u
	cp "$T/a.zip" "$MAIN/"
	cp "$T/u.zip" "$MNT/functions/open/"
	echo "[functio x]" >>"$CONF"
	run -78 "$VOUCHFS" reload
	health_is 1 "WARNING - the last reload failed: $CONF:"
	sed -i 's/^untrusted_artifact_on_deployment = Enforce/&\nuntrusted_artifact_on_load = Enforce/; s|^allowed_publisher = .*|&x|' "$T/good.conf"
	cp "$T/good.conf" "$CONF"
	"$VOUCHFS" reload
	health_is 2 "CRITICAL - functions/main (VF2002) is blocked by policy"
	rm "$(grep -rl u "$STORE/objects" --include=payload | xargs ls -S | tail -n 1)"
	stop_mount
	start_mount
	run ! cat "$MNT/run/open/task/marker"
	health_is 2 "CRITICAL - functions/open is damaged in the store; functions/main (VF2002) is blocked by policy"
	[ "$(head -n 1 "$MNT/.vouchfs/health")" = "critical: functions/open is damaged in the store" ]
}

@test "an audit log that cannot be written is critical" {
	need_root
	mkdir "$T/tiny"
	mount -t tmpfs -o size=2m,mode=0700 tmpfs "$T/tiny"
	STORE=$T/tiny/store
	start_ready_mount </dev/null
	mk_zip "$T/u.zip" marker=u
	dd if=/dev/zero of="$T/tiny/full" bs=4096 2>/dev/null || true
	eventually audit_fails
	health_is 2 "CRITICAL - the audit log cannot be written: nothing can be deployed"
	[[ $("$VOUCHFS" status) == *"!! AUDIT LOG CANNOT BE WRITTEN: nothing can be deployed until it can"* ]]
	rm "$T/tiny/full"
	run ! cp "$T/u.zip" "$MAIN/"
	health_is 1 "WARNING - functions/main"
	stop_mount
	umount "$T/tiny"
}

# A reload is recorded; the page that the log ends in takes some more records.
audit_fails() {
	"$VOUCHFS" reload
	"$VOUCHFS" status --json | grep -q '"auditWritable": false'
}

@test "a mount that lost its process, and one that hangs" {
	need_root
	start_ready_mount </dev/null
	local daemon
	daemon=$(daemon_pid)
	kill -STOP "$daemon"
	health_is 2 "CRITICAL - $MNT does not answer within 1 s" --timeout 1
	kill -CONT "$daemon"
	eventually health_is 0 OK
	run ! pgrep -f "vouchfs health"
	kill -KILL "$(supervisor_pid)"
	kill -KILL "$daemon"
	eventually no_processes_left
	health_is 2 "CRITICAL - $MNT has lost its process: nothing is served"
}

@test "as JSON; and wrong usage" {
	start_ready_mount </dev/null
	mk_zip "$T/u.zip" marker=u
	run ! cp "$T/u.zip" "$MAIN/"
	run -1 "$VOUCHFS" health --json
	python3 -c '
import json, sys
health = json.load(sys.stdin)
assert health["schema"] == 1 and health["health"] == "warning", health
[problem] = health["problems"]
assert problem["level"] == "warning" and problem["code"] == "refused" and "functions/main" in problem["text"], health
' <<<"$output"
	run -2 "$VOUCHFS" health --expiry-days soon
	run -2 "$VOUCHFS" health --timeout 0
	run -2 "$VOUCHFS" health main
	stop_mount
	run -2 "$VOUCHFS" health --json
	[[ $output == *'"code": "not-mounted"'* ]]
}
