#!/usr/bin/env bats
# Policy bundles: how they come, what they change, and what is refused.

load lib
load policy

@test "the slot is there where the configuration names a publisher, and goes with it" {
	make_policy_host
	start_mount
	[ -d "$MNT/policy" ]
	[ -z "$(ls -A "$MNT/policy")" ]
	grep -qx policy <(ls "$MNT")
	grep -qx policy <(ls "$MNT/.vouchfs")
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

records_with() { cat "$STORE"/audit/*.jsonl | grep -c "$1" || true; }
json_of() { python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }
generation() { sed -n 's/^generation: //p' "$MNT/.vouchfs/reload"; }
is_blocked() {
	local text
	! text=$(cat "$RUN/task/marker" 2>&1) && [[ $text == *"Permission denied"* ]]
}

@test "a bundle comes by cp, rsync, mv and apply, and governs at once" {
	make_policy_host
	start_mount
	mk_zip "$T/unsigned.zip" marker=unsigned
	mk_signed "$T/a.zip" marker=signed
	[ ! -e "$MAIN" ]
	pack_policy 1
	cp "$T/policy-1.zip" "$MNT/policy/policy.zip"
	[ "$(policy_sequence)" = 1 ]
	[ "$(generation)" = 2 ]
	[ "$(names_in "$MNT/policy")" = policy.zip ]
	cmp "$T/policy-1.zip" "$MNT/policy/policy.zip"
	[[ $(getfattr --only-values -n user.vouchfs.profile_version_arn "$MNT/policy/policy.zip") == "$GOVERNOR"/* ]]
	[ "$(getfattr --only-values -n user.vouchfs.last_outcome "$MNT/policy")" = accepted ]
	cp "$T/a.zip" "$MAIN/"
	run -1 cp "$T/unsigned.zip" "$MAIN/a.zip"
	[ "$(cat "$RUN/task/marker")" = signed ]
	[ "$(records_with '"event":"config-reloaded".*policy bundle 1: generation 2: ')" = 1 ]

	pack_policy 2
	rsync -a -I "$T/policy-2.zip" "$MNT/policy/policy.zip" # they may have one size and second
	[ "$(policy_sequence)" = 2 ]
	cmp "$T/policy-2.zip" "$MNT/policy/policy.zip"
	touch -d 2026-01-01T00:00:00Z "$MNT/policy/policy.zip"
	[ "$(stat -c %Y "$MNT/policy/policy.zip")" = "$(date -d 2026-01-01T00:00:00Z +%s)" ]
	pack_policy 3
	cp "$T/policy-3.zip" "$T/moved.zip"
	mv "$T/moved.zip" "$MNT/policy/"
	[ "$(names_in "$MNT/policy")" = moved.zip ]
	pack_policy 4
	cp "$T/policy-4.zip" "$MNT/policy/.new.tmp"
	[ "$(policy_sequence)" = 3 ]
	mv "$MNT/policy/.new.tmp" "$MNT/policy/policy.zip"
	[ "$(policy_sequence)" = 4 ]
	[ "$(names_in "$MNT/policy")" = policy.zip ]

	pack_policy 5
	run -0 "$VOUCHFS" policy apply "$T/policy-5.zip"
	[ "${lines[0]}" = "policy bundle 5 is in force, generation 6" ]
	[[ $output == *"unchanged       1"* ]]
	run -0 "$VOUCHFS" policy apply "$T/policy-5.zip"
	[ "$output" = "policy bundle 5 was in force already; nothing was changed" ]
	[ "$(generation)" = 6 ]
	cp -a "$T/policy-5.zip" "$MNT/policy/again.zip"
	cp "$T/policy-5.zip" "$T/moved.zip"
	mv "$T/moved.zip" "$MNT/policy/"
	rsync -a -I "$T/policy-5.zip" "$MNT/policy/"
	[ "$(names_in "$MNT/policy")" = policy-5.zip ]
	[ "$(generation)" = 6 ]
	[ "$("$VOUCHFS" policy history --json | json_of '[b["sequence"] for b in d["bundles"]], d["current"]')" = "[5, 4, 3, 2, 1] 5" ]

	stop_mount
	start_mount
	[ "$(policy_sequence)" = 5 ]
	[ "$(cat "$RUN/task/marker")" = signed ]
	run -1 cp "$T/unsigned.zip" "$MAIN/a.zip"
}

@test "what governs a host is not taken away" {
	make_policy_host
	start_mount
	pack_policy 1
	cp "$T/policy-1.zip" "$MNT/policy/"
	run -1 rm "$MNT/policy/policy-1.zip"
	[[ $output == *"Operation not permitted"* ]]
	run -1 mv "$MNT/policy/policy-1.zip" "$MNT/policy/policy-1.zip~"
	run -1 mv "$MNT/policy/policy-1.zip" "$T/taken.zip"
	: >"$MNT/policy/policy-1.zip"
	[ "$(names_in "$MNT/policy")" = policy-1.zip ]
	cmp "$T/policy-1.zip" "$MNT/policy/policy-1.zip"
	[ "$(policy_sequence)" = 1 ]
}

# refused CODE ERRNO EXIT FILE [PART-OF-WHY]: by cp and by apply, in the five places, and nothing has changed
refused() {
	local code=$1 message=$2 exits=$3 file=$4 part=${5:-}
	local generation sequence
	generation=$(generation) sequence=$(policy_sequence)
	run -1 cp "$file" "$MNT/policy/x.zip"
	[[ $output == *"$message"* ]]
	[[ $(cat "$MNT/.vouchfs/why/policy") == "$code refused  slot=policy  artifact=x.zip"*"$part"* ]]
	[[ $("$VOUCHFS" why policy) == "$code refused  slot=policy"* ]]
	[ "$(getfattr --only-values -n user.vouchfs.last_reason "$MNT/policy")" = "$code" ]
	grep -h '"event":"deployment".*"slot":"policy"' "$STORE"/audit/*.jsonl | tail -n 1 | grep -q '"outcome":"refused","reason":"'"$code"'"'
	run "-$exits" "$VOUCHFS" policy apply "$file"
	[[ $output == "$code refused  slot=policy"* ]]
	[ "$(generation)" = "$generation" ]
	[ "$(policy_sequence)" = "$sequence" ]
	[ "$(names_in "$MNT/policy")" = policy-5.zip ]
}

# Bundle 5 is in force, for every host.
start_with_bundle() {
	stop_clock
	make_policy_host
	start_mount
	pack_policy 5
	cp "$T/policy-5.zip" "$MNT/policy/"
}

@test "refused for its signature: unsigned, tampered, another profile, an artifact" {
	start_with_bundle
	pack_policy 6
	mk_zip "$T/unsigned.zip" policy.conf=x
	refused VF2001 "Required key not available" 10 "$T/unsigned.zip"
	mk_signed "$T/artifact.zip" policy.conf=x
	refused VF1002 "Bad message" 13 "$T/artifact.zip"
	sed 's/sequence = 6/sequence = 9/' "$T/policy-6.zip" >"$T/tampered.zip"
	cmp -s "$T/policy-6.zip" "$T/tampered.zip" || refused VF1002 "Bad message" 13 "$T/tampered.zip"
	mk_profile stranger "$POLICY_ACCOUNT" >/dev/null
	VOUCHFS_SIGNER_HOME=$(home_of "$POLICY_ACCOUNT") "$VOUCHFS" policy pack "$T/policy-6" --profile stranger -o "$T/stranger.zip" >/dev/null
	refused VF2002 "Key was rejected by service" 11 "$T/stranger.zip" "$GOVERNOR"
	cp "$T/policy-6.zip" "$MNT/policy/"
	[ "$(policy_sequence)" = 6 ]
}

@test "refused for what it is: sequence, host, configuration, and an expired or revoked signature" {
	start_with_bundle
	cp "$T/policy-5.zip" "$T/first-5.zip"
	pack_policy 4
	refused VF5002 "Operation not permitted" 22 "$T/policy-4.zip" "sequence 5"
	POLICY_TERMS="description = another one" pack_policy 5
	refused VF5002 "Operation not permitted" 22 "$T/policy-5.zip" "another one"
	POLICY_TERMS="hosts = web-* db-1" pack_policy 6
	refused VF5001 "Invalid argument" 21 "$T/policy-6.zip" "not for this host"
	VOUCHFS_SECTION="keep_releases = 0" write_policy_host # which is the host's own mistake
	pack_policy 6
	refused VF5001 "Invalid argument" 21 "$T/policy-6.zip" "keep_releases"
	write_policy_host

	job=$(VOUCHFS_SIGNER_HOME=$(home_of "$POLICY_ACCOUNT") "$VOUCHFS" inspect --json "$T/policy-6.zip" | sed -n 's/.*"jobArn": "\([^"]*\)".*/\1/p')
	signer "$POLICY_ACCOUNT" revoke-signature --job-id "${job##*/}" --reason test >/dev/null
	export_trust
	refused VF2004 "Key has been revoked" 15 "$T/policy-6.zip"
	pack_policy 7
	move_clock $((12 * 366 * 86400))
	refused VF2003 "Key has expired" 12 "$T/policy-7.zip"
}

@test "what is served follows a bundle at once, and bindings and effects are told" {
	make_policy_host
	start_mount
	other=$(mk_profile other)
	pack_policy 1
	cp "$T/policy-1.zip" "$MNT/policy/"
	mk_signed "$T/a.zip" marker=signed
	cp "$T/a.zip" "$MAIN/"
	exec 7<"$RUN/task/marker"
	POLICY_SECTIONS=$(policy_sections "${other%/*}") pack_policy 2
	run -0 "$VOUCHFS" policy apply --json "$T/policy-2.zip"
	[ "$(json_of 'd["sequence"], d["counts"]["blocked"], d["effects"][0]["slot"], d["effects"][0]["reason"]' <<<"$output")" = "2 1 functions/main VF2002" ]
	is_blocked
	run -1 cat <&7
	exec 7<&-
	POLICY_SECTIONS=$(policy_sections "$RELEASE" Warn) pack_policy 3
	run -0 "$VOUCHFS" policy apply "$T/policy-3.zip"
	[[ $output == *"allowed again   1"*"functions/main"* ]]
	[ "$(cat "$RUN/task/marker")" = signed ]
	[ "$(records_with '"event":"binding-changed"')" -ge 1 ]

	# an upload that was judged by the bundle before is judged again when it is closed
	mk_zip "$T/unsigned.zip" marker=unsigned
	coproc writer { python3 -c '
import sys
out = open(sys.argv[2], "wb", 0)
out.write(open(sys.argv[1], "rb").read())
print("written", flush=True)
sys.stdin.readline()
try:
    out.close()
    print("taken")
except OSError as error:
    print(error.strerror)' "$T/unsigned.zip" "$MAIN/b.zip"; }
	read -r line <&"${writer[0]}"
	[ "$line" = written ]
	pack_policy 4
	cp "$T/policy-4.zip" "$MNT/policy/"
	echo >&"${writer[1]}"
	read -r line <&"${writer[0]}"
	[ "$line" = "Required key not available" ]
	[ "$(cat "$RUN/task/marker")" = signed ]
	grep -q "^VF2001 refused  slot=functions/main" "$MNT/.vouchfs/why/functions/main"
}

@test "what the host's own files say of what is governed is refused with the bundle, or left out" {
	make_policy_host
	start_mount
	pack_policy 1
	cp "$T/policy-1.zip" "$MNT/policy/"
	mkdir "$T/etc/conf.d"
	printf '[code-signing-config prod]\nallowed_publisher = %s\nuntrusted_artifact_on_deployment = Warn\n' "$GOVERNOR" >"$T/etc/conf.d/weaker.conf"
	run -78 "$VOUCHFS" reload
	[[ $output == *weaker.conf* ]]
	mk_zip "$T/unsigned.zip"
	run -1 cp "$T/unsigned.zip" "$MAIN/a.zip"
	POLICY_TERMS="local = report" pack_policy 2
	run -0 "$VOUCHFS" policy apply "$T/policy-2.zip"
	[ "$("$VOUCHFS" policy show --json | json_of 'd["overrides"], d["local"]')" = "1 report" ]
	run -1 cp "$T/unsigned.zip" "$MAIN/a.zip"
}

@test "an administrator goes back to an earlier bundle, with a record; nobody else does" {
	need_root
	make_policy_host
	start_mount
	for n in 1 2 3; do
		pack_policy $n
		cp "$T/policy-$n.zip" "$MNT/policy/"
	done
	run -0 "$VOUCHFS" policy rollback previous --reason "INC-42: 3 blocks billing"
	[ "${lines[0]}" = "policy bundle 2 is in force, generation 5" ]
	[ "$(policy_sequence)" = 2 ]
	grep -qx "highest-sequence: 3" "$MNT/.vouchfs/policy/status"
	grep -qx "rollback-reason: INC-42: 3 blocks billing" "$MNT/.vouchfs/policy/status"
	cmp "$T/policy-2.zip" "$MNT/policy/policy-2.zip"
	[ "$(records_with '"event":"policy-rolled-back"')" = 1 ]
	[ "$(records_with '"event":"policy-rolled-back".*"slot":"policy".*from sequence 3 to 2: INC-42: 3 blocks billing')" = 1 ]
	[ "$("$VOUCHFS" policy history --json | json_of '[(b["sequence"], b["current"], b["rolledBack"]) for b in d["bundles"]][0]')" = "(2, True, True)" ]
	[[ $("$VOUCHFS" policy show) == *"ROLLED BACK       INC-42: 3 blocks billing"* ]]

	run -1 "$VOUCHFS" policy rollback 2 --reason x
	[[ $output == *"is the one in force already" ]]
	run -1 "$VOUCHFS" policy rollback 9 --reason x
	[[ $output == *"policy bundle 9 is not kept"* ]]
	run -2 "$VOUCHFS" policy rollback 1
	run -2 "$VOUCHFS" policy rollback 1 --reason ""
	run -2 "$VOUCHFS" policy rollback nine --reason x
	run ! sh -c "echo 1 >$MNT/.vouchfs/rollback/policy"
	chmod 0755 "$T" "$T/etc"
	run ! as_user sh -c "echo '1 because' >$MNT/.vouchfs/rollback/policy"
	[ "$(policy_sequence)" = 2 ]

	stop_mount
	start_mount
	[ "$(policy_sequence)" = 2 ]
	run -1 cp "$T/policy-3.zip" "$MNT/policy/"
	grep -q "an administrator went back from 3 to 2: INC-42: 3 blocks billing" "$MNT/.vouchfs/why/policy"
	cp "$T/policy-2.zip" "$MNT/policy/" # the one in force may come again, and ends nothing
	"$VOUCHFS" reload
	[ "$(policy_sequence)" = 2 ]
	grep -qx "rollback-reason: INC-42: 3 blocks billing" "$MNT/.vouchfs/policy/status"
	run -0 "$VOUCHFS" policy rollback 3 --reason "INC-42: billing is mended"
	[ "$(policy_sequence)" = 3 ]
	run ! grep -q rollback-reason "$MNT/.vouchfs/policy/status"
	run -1 cp "$T/policy-2.zip" "$MNT/policy/"
}

@test "another signature of the bundle in force pushes no other one out of the history" {
	make_policy_host
	start_mount
	pack_policy 1
	pack_policy 2
	cp "$T/policy-1.zip" "$MNT/policy/"
	cp "$T/policy-2.zip" "$MNT/policy/"
	python3 "$BATS_TEST_DIRNAME/other_signature.py" "$T/policy-2.zip" "$T/other.zip"
	run ! cmp -s "$T/policy-2.zip" "$T/other.zip"
	cp "$T/other.zip" "$MNT/policy/" # it holds, and is nothing new
	cp "$T/policy-2.zip" "$MNT/policy/"
	[ "$(json_of 'len(d["bundles"])' <"$MNT/.vouchfs/history/policy.json")" = 2 ]
	[ "$(generation)" = 3 ]
	cmp "$T/policy-2.zip" "$MNT/policy/policy-2.zip"

	eventually is_past "$(date +%s)"
	pack_policy 2 # signed anew, for longer: it takes its place, and the older one not again
	cp "$T/policy-2.zip" "$MNT/policy/"
	cp "$T/other.zip" "$MNT/policy/"
	[ "$(json_of 'len(d["bundles"])' <"$MNT/.vouchfs/history/policy.json")" = 3 ]
	cmp "$T/policy-2.zip" "$MNT/policy/policy-2.zip"
}

is_past() { [ "$(date +%s)" -gt "$1" ]; }

@test "kill -9 while a bundle comes into force leaves the one before or the new one" {
	make_policy_host
	start_mount
	pack_policy 1
	cp "$T/policy-1.zip" "$MNT/policy/"
	stop_mount
	pack_policy 2
	cp -a "$STORE" "$T/before"
	local n status=1 found
	for ((n = 1; status != 0; n += 3)); do
		rm -rf "$STORE" && cp -a "$T/before" "$STORE"
		VOUCHFS_TEST_FAULT="*:$n:kill" start_mount
		status=0
		cp "$T/policy-2.zip" "$MNT/policy/policy-2.zip" 2>/dev/null || status=$?
		if [ "$status" = 0 ]; then stop_mount; else eventually no_processes_left; fi
		start_mount
		found=$(policy_sequence)
		cmp "$T/policy-$found.zip" "$MNT/policy/policy-$found.zip"
		[ "$found" = 2 ] || [ "$found/$status" != 1/0 ]
		stop_mount
	done
	[ "$found" = 2 ]
	[ "$n" -gt 10 ]
	[ "$n" -lt 100 ]
}

@test "the bundle in force expires, or is revoked: it stays, with one alarm" {
	start_with_bundle
	mk_signed "$T/a.zip" marker=signed
	cp "$T/a.zip" "$MAIN/"
	job=$(sed -n 's/^job-arn: //p' "$MNT/.vouchfs/policy/status")
	signer "$POLICY_ACCOUNT" revoke-signature --job-id "${job##*/}" --reason test >/dev/null
	export_trust
	has_alarms() { [ "$(records_with '"event":"policy-alarm"')" = "$1" ]; }
	eventually has_alarms 1
	[ "$(records_with '"event":"policy-alarm".*VF2004: policy bundle 5 stays in force')" = 1 ]
	grep -qx "alarm: VF2004" "$MNT/.vouchfs/policy/status"
	"$VOUCHFS" reload
	has_alarms 1
	[ "$(policy_sequence)" = 5 ]
	[ "$(cat "$RUN/task/marker")" = signed ]
	stop_mount
	start_mount
	has_alarms 2
	[ "$(policy_sequence)" = 5 ]
	pack_policy 6
	"$VOUCHFS" policy apply "$T/policy-6.zip"
	run ! grep -q alarm "$MNT/.vouchfs/policy/status"
	has_alarms 2
}

@test "who may bring a bundle, and what the verbs say where they cannot" {
	need_root
	make_policy_host
	run -1 "$VOUCHFS" policy apply "$T/none.zip"
	[[ $output == *"none.zip: No such file or directory" ]]
	pack_policy 1
	run -1 "$VOUCHFS" policy apply "$T/policy-1.zip"
	[[ $output == *"is not mounted; \`vouchfs mount\` does that"* ]]
	start_mount
	chmod 0755 "$T" "$T/etc"
	chmod 0644 "$CONF" "$T/policy-1.zip"
	run -1 as_user cp "$T/policy-1.zip" "$MNT/policy/"
	[ -z "$(names_in "$MNT/policy")" ]
	grep -q "^state: none" "$MNT/.vouchfs/policy/status"
	run ! as_user sh -c "echo ok >$MNT/.vouchfs/policy/source"
	echo "error HTTP 404" >"$MNT/.vouchfs/policy/source"
	grep -qx "fetch-error: HTTP 404" "$MNT/.vouchfs/policy/status"
	echo ok >"$MNT/.vouchfs/policy/source"
	run ! sh -c "echo perhaps >$MNT/.vouchfs/policy/source"
	[[ $(cat "$MNT/.vouchfs/policy/source") == "fetched-at: 2"* ]]
	run -1 as_user cat "$MNT/.vouchfs/policy/drift"
	cat "$MNT/.vouchfs/policy/drift" >/dev/null

	sed -i '/^\[policy\]/,$d' "$CONF"
	"$VOUCHFS" reload
	run -1 "$VOUCHFS" policy apply "$T/policy-1.zip"
	[[ $output == *"this host takes no policy bundles; write \`publisher = <profile ARN>\` into [policy]"* ]]
	run -1 "$VOUCHFS" policy show
	run -1 "$VOUCHFS" policy history
}

@test "bundles that come at once, beside reloads, end with the highest one" {
	make_policy_host
	start_mount
	local n pids=()
	for n in 1 2 3 4 5 6; do pack_policy $n; done
	for n in 3 6 1 5 2 4; do
		{ cp "$T/policy-$n.zip" "$MNT/policy/policy-$n.zip" 2>/dev/null || true; } &
		pids+=($!)
		{ "$VOUCHFS" reload >/dev/null || true; } &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(policy_sequence)" = 6 ]
	cmp "$T/policy-6.zip" "$MNT/policy/policy-6.zip"
	# what is in force never went down
	"$VOUCHFS" policy history --json | json_of '(lambda all: all == sorted(all, reverse=True) and all[0] == 6)([b["sequence"] for b in d["bundles"]])' | grep -qx True
	stop_mount
	start_mount
	[ "$(policy_sequence)" = 6 ]
}

@test "an unmount meanwhile leaves the bundle before or the new one" {
	make_policy_host
	start_mount
	pack_policy 1
	pack_policy 2
	cp "$T/policy-1.zip" "$MNT/policy/policy.zip"
	{ cp "$T/policy-2.zip" "$MNT/policy/policy.zip" 2>/dev/null || true; } &
	"$VOUCHFS" unmount -l "$MNT" || true
	wait $!
	eventually no_processes_left
	start_mount
	found=$(policy_sequence)
	cmp "$T/policy-$found.zip" "$MNT/policy/policy.zip"
}
