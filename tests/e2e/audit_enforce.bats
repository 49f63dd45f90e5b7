#!/usr/bin/env bats
# `vouchfs audit --as enforce`: what would be refused, and what ends soon.

load lib

has() { [[ $output == *"$1"* ]] || { echo "not there: $1"; echo "$output"; return 1; }; }
has_not() { [[ $output != *"$1"* ]] || { echo "there: $1"; echo "$output"; return 1; }; }

setup() {
	lib_setup
	stop_clock
	start_ready_mount <<-END
		[function open]
		code_signing_config = none
	END
	mk_signed "$T/signed.zip"
	mk_zip "$T/plain.zip"
}

# The same through a mount and of its store.
both() {
	local status=$1
	shift
	run "-$status" --separate-stderr "$VOUCHFS" audit --as enforce "$@"
	[ "$stderr" = "" ]
	local of_mount=$output
	stop_mount
	run "-$status" --separate-stderr "$VOUCHFS" audit --as enforce "$@"
	[[ $stderr == *"not mounted; this is of the store as it lies"* ]]
	[ "$output" = "$of_mount" ]
}

@test "0 where nothing is there, and where all would pass" {
	run -0 "$VOUCHFS" audit --as enforce
	has "Nothing is deployed, so nothing would be refused."
	cp "$T/signed.zip" "$MAIN/"
	both 0
	has "If everything were set to Enforce today, all 1 slot would pass."
}

@test "1 where a Warn slot serves what is unsigned: code, reason, what to do" {
	cp "$T/signed.zip" "$MAIN/"
	cp "$T/plain.zip" "$MNT/functions/relaxed/"
	both 1
	has "If everything were set to Enforce today, 1 of 2 slots would be refused:"
	has "! functions/relaxed  VF2001  (now Warn)"
	has "source mismatch: no signature"
	has "to do: sign it with a profile that its config allows"
	has_not "! functions/main"
}

@test "today: what was good when it was deployed, and is revoked now" {
	cp "$T/signed.zip" "$MAIN/"
	run -0 "$VOUCHFS" audit --as enforce
	job=$(signer "$ACCOUNT" list-signing-jobs | json_value jobId)
	signer "$ACCOUNT" revoke-signature --job-id "$job" --reason leaked >/dev/null
	export_trust
	audit_has() { "$VOUCHFS" audit --as enforce | grep -qF "! functions/main  VF2004  (now Enforce)"; }
	eventually audit_has
	run -1 "$VOUCHFS" audit --as enforce
}

@test "what ends within some days, and what has" {
	cp "$T/signed.zip" "$MAIN/"
	run -0 "$VOUCHFS" audit --as enforce --days 10
	has "Nothing expires within 10 days."
	run -0 "$VOUCHFS" audit --as enforce
	has "revocation list of account $ACCOUNT"
	run -0 "$VOUCHFS" audit --as enforce --days 4200
	has "signature of functions/main"
	has "it is served on, but refused when it is deployed again"
	has_not "certificate of account"
	run -0 "$VOUCHFS" audit --as enforce --days 11000
	has "certificate of account $ACCOUNT"
}

@test "functions that nobody checks are named" {
	cp "$T/plain.zip" "$MNT/functions/open/"
	both 0
	has "No config checks these, so Enforce would not refuse them either:"
	has "~ functions/open"
}

@test "--json" {
	cp "$T/plain.zip" "$MNT/functions/relaxed/"
	run -1 "$VOUCHFS" audit --as enforce --json
	python3 -c 'import json, sys
answer = json.loads(sys.argv[1])
assert answer["schema"] == 1 and answer["mounted"] and answer["slots"] == 1 and answer["refused"] == 1, answer
[row] = answer["wouldFail"]
assert row["slot"] == "functions/relaxed" and row["reason"] == "VF2001" and row["mode"] == "Warn" and row["remedy"]
assert answer["days"] == 30 and [e["kind"] for e in answer["expires"]] == ["revocation list"]' "$output"
}

@test "2 where it cannot be told, and for what is not understood" {
	run -2 "$VOUCHFS" audit
	has "--as"
	run -2 "$VOUCHFS" audit --as warn
	has "--as takes enforce"
	run -2 "$VOUCHFS" audit --as enforce --days soon
	has "--days takes a number of days"
	stop_mount
	chmod 0 "$STORE/version" 2>/dev/null || true
	mv "$STORE" "$STORE.gone"
	run -2 "$VOUCHFS" audit --as enforce
	printf '[nonsense\n' >>"$CONF"
	run -78 "$VOUCHFS" audit --as enforce
}
