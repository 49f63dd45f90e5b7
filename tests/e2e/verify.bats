#!/usr/bin/env bats
# `vouchfs verify` from outside: every exit code, on artifacts of the real signer.

load lib

setup() {
	lib_setup
	VOUCHFS_TEST_CLOCK=$T/clock
	export VOUCHFS_TEST_CLOCK
	at 2026-11-21T17:00:00Z
	mk_account
	ARN=$(mk_profile release)
	config
	mk_zip "$T/plain.zip"
	at 2026-11-21T17:01:00Z
	sign_zip release "$T/plain.zip" "$T/signed.zip"
}

at() { printf '%s\n' "$1" >"$T/clock"; }

config() {
	mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = $ARN
		untrusted_artifact_on_deployment = Enforce
		[code-signing-config watched]
		allowed_publisher = $ARN
		untrusted_artifact_on_deployment = Warn
		[function main-function]
		code_signing_config = approved
		[function team-*]
		code_signing_config = watched
		[function open]
		code_signing_config = none
	END
}

# verify STATUS [OPTION ...]
verify() {
	local expected=$1
	shift
	run "$VOUCHFS" verify "$@"
	echo "$output"
	[ "$status" -eq "$expected" ]
}

enforce() { verify "$1" --function main-function "$2"; }

says() { [[ $output == *"$1"* ]]; }

# flip FILE OFFSET: changes one byte
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059
	printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "0: a signed artifact is accepted under function, config and neither" {
	verify 0 --function main-function "$T/signed.zip"
	says "accepted  file=$T/signed.zip  config=approved"
	says "signed by $ARN"
	verify 0 --code-signing-config approved "$T/signed.zip"
	verify 0 "$T/signed.zip"
	says "config=any trusted account"
	verify 0 --full "$T/signed.zip"
}

@test "0: a warning is accepted and says what it warns of" {
	verify 0 --function team-a "$T/plain.zip"
	says "VF2001 warned"
	says "source         FAILED  no signature  (Warn)"
}

@test "0: a function without config is shown as unchecked" {
	verify 0 --function open "$T/plain.zip"
	says "signatures are not checked here"
}

@test "1: a file that cannot be read" {
	verify 1 --function main-function "$T/absent.zip"
	says "No such file or directory"
	verify 1 --function main-function "$T"
	says "not a regular file"
}

@test "2: usage" {
	verify 2
	verify 2 --all --function main-function "$T/signed.zip"
	verify 2 --functoin main-function "$T/signed.zip"
	says "--function"
	verify 2 --function main-function --code-signing-config approved "$T/signed.zip"
}

@test "10: no signature" {
	enforce 10 "$T/plain.zip"
	says "VF2001 refused"
	says "vouchfs sign --profile NAME FILE"
	verify 10 "$T/plain.zip"
}

@test "11: another profile, and an account that is not trusted" {
	mk_profile build_dev >/dev/null
	sign_zip build_dev "$T/plain.zip" "$T/foreign.zip"
	enforce 11 "$T/foreign.zip"
	says "VF2002 refused"
	says "allowed: $ARN"
	verify 0 "$T/foreign.zip" # any profile of a trusted account

	mk_account 999988887777
	mk_profile release 999988887777 >/dev/null
	sign_zip release "$T/plain.zip" "$T/stranger.zip" 999988887777
	verify 11 "$T/stranger.zip"
	says "account 999988887777 is not trusted"
}

@test "12: expired, from the second on that the signature names" {
	signer "$ACCOUNT" put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name brief \
		--signature-validity-period value=1,type=DAYS >"$T/out"
	ARN=$(json_value profileVersionArn <"$T/out")
	config
	sign_zip brief "$T/plain.zip" "$T/brief.zip"
	at 2026-11-22T17:00:59Z
	enforce 0 "$T/brief.zip"
	at 2026-11-22T17:01:00Z
	enforce 12 "$T/brief.zip"
	says "expired at 2026-11-22T17:01:00Z"
}

@test "13: one changed byte, in the content or in the signature, also under Warn" {
	cp "$T/signed.zip" "$T/content.zip"
	flip "$T/content.zip" 45
	enforce 13 "$T/content.zip"
	verify 13 --function team-a "$T/content.zip"
	verify 13 --function open "$T/content.zip"
	verify 13 "$T/content.zip"
	says "zip-rules      not reached"

	cp "$T/signed.zip" "$T/signature.zip"
	flip "$T/signature.zip" $(($(stat -c %s "$T/signature.zip") - 200))
	enforce 13 "$T/signature.zip"
}

@test "14: not an admissible ZIP, also under Warn" {
	echo "not an archive" >"$T/text.zip"
	enforce 14 "$T/text.zip"
	verify 14 --function team-a "$T/text.zip"
	cat "$T/plain.zip" - >"$T/trailing.zip" <<<"trailing"
	verify 14 --function team-a "$T/trailing.zip"
	says "ZIP-R02"
}

@test "15: revoked, once the list has arrived" {
	job=$(sed -n 's/^job-arn: .*signing-jobs.//p' < <("$VOUCHFS" verify --json "$T/signed.zip" |
		sed -n 's/.*"jobArn": "\(.*\)",/job-arn: \1/p'))
	at 2026-11-21T17:02:00Z
	signer "$ACCOUNT" revoke-signature --job-id "$job" --reason "leaked build host"
	enforce 0 "$T/signed.zip"
	export_trust
	enforce 15 "$T/signed.zip"
	says "VF2004 refused"
	says "leaked build host"
	verify 15 "$T/signed.zip"
}

@test "17: no such function, no such config" {
	verify 17 --function absent "$T/signed.zip"
	verify 17 --code-signing-config absent "$T/signed.zip"
	says "there is no [code-signing-config absent]"
}

@test "18: larger than max_artifact_size" {
	VOUCHFS_SECTION="max_artifact_size = 100" config
	enforce 18 "$T/signed.zip"
	says "at most 100 are allowed"
	verify 18 --function open "$T/signed.zip"
}

@test "20: a revocation list that is missing, stale, or not one; a clock that is behind" {
	list=$T/etc/trust/$ACCOUNT.revocations
	at 2026-12-22T17:00:00Z
	enforce 20 "$T/signed.zip"
	says "past its next-update"
	verify 0 --function team-a "$T/signed.zip"
	says "VF3001 warned"

	at 2026-11-21T16:55:59Z
	enforce 20 "$T/signed.zip"
	at 2026-11-21T17:01:00Z
	echo hello >"$list"
	enforce 20 "$T/signed.zip"
	rm "$list"
	enforce 20 "$T/signed.zip"
	says "there is no revocation list"
}

@test "78: a configuration that is not there, is wrong, or names what is not there" {
	verify 78 -c "$T/absent.conf" "$T/signed.zip"
	says "-c CONF or \$VOUCHFS_CONF"
	rm "$T/etc/trust/$ACCOUNT.pem"
	verify 78 "$T/signed.zip"
	says "[account $ACCOUNT] certificate = "
	echo "[vouchfz]" >>"$CONF"
	verify 78 "$T/signed.zip"
}

@test "verify leaves the store as it is, and does not make one" {
	verify 0 "$T/signed.zip"
	[ ! -e "$STORE" ]
}

@test "only regular files are read; symlinks are followed" {
	mkfifo "$T/pipe"
	verify 1 "$T/pipe"
	ln -s "$T/signed.zip" "$T/link.zip"
	verify 0 "$T/link.zip"
}

@test "--json carries the schema, the reason and the exit code" {
	verify 10 --json --function main-function "$T/plain.zip"
	python3 - "$output" <<-'END'
		import json, sys
		d = json.loads(sys.argv[1])
		assert d["schema"] == 1 and d["outcome"] == "refused" and d["reason"] == "VF2001" and d["exitCode"] == 10
		assert [c["check"] for c in d["checks"]] == ["integrity", "zip-rules", "source", "expiry", "revocation"]
		assert d["signature"] is None and d["contentsChecked"]
	END
}

@test "the stock tools print the digest that verify prints" {
	verify 0 --json "$T/signed.zip"
	digest=$(json_value sha384 <<<"$output")
	length=$(sed -n 's/.*"length": \([0-9]*\),/\1/p' <<<"$output")
	[ "$(head -c "$length" "$T/signed.zip" | sha384sum | cut -d ' ' -f 1)" = "$digest" ]
}

@test "the report shows checks, signer, times, list and chain; problem and remedy come last" {
	at 2026-11-28T17:01:00Z
	verify 0 --function main-function "$T/signed.zip"
	says "  check          state  found"
	says "  zip-rules      ok     the archive has one meaning; its signer has unpacked every entry"
	says "  signer         $ARN"
	says "  signed at      2026-11-21T17:01:00Z (7 days ago)"
	says "  expires at     2038-02-21T17:01:00Z (in 134 months, 4103 days left)"
	says "  revocations    list 1 of account $ACCOUNT"
	says "    next update  2026-12-21T17:00:00Z (in 22 days)"
	says "  certificate    CN=release"
	says "    speaks for   $ARN"
	says "    serial       $(serial_of_signer "$T/signed.zip")"
	says "  trusted CA     CN=vouchfs signing CA of account $ACCOUNT"
	says "    sha256       $(openssl x509 -in "$T/etc/trust/$ACCOUNT.pem" -outform DER | sha256sum | cut -d ' ' -f 1)"
	[[ $output != *problem* && $output != *remedy* ]]

	verify 10 --function main-function "$T/plain.zip"
	[[ ${lines[-2]} == "  problem        the artifact is not signed, allowed: $ARN" ]]
	[[ ${lines[-1]} == "  remedy         sign it with a profile that code-signing config approved allows: "* ]]
	[[ $output != *certificate* ]]

	# columns stay aligned when a state is long
	rm "$T/etc/trust/$ACCOUNT.revocations"
	verify 20 --function main-function "$T/signed.zip"
	says "  integrity      ok                    123 bytes as signed"
	says "  revocation     could not be checked  there is no revocation list at"
	says "  revocations    no list that counts: there is no revocation list at"
}

# As stock tools tell it.
serial_of_signer() {
	unzip -z "$1" | sed 1d | openssl cms -verify -inform PEM -CAfile "$T/etc/trust/$ACCOUNT.pem" -purpose any \
		-no_check_time -signer "$T/signer.pem" -out "$T/statement" 2>/dev/null
	openssl x509 -in "$T/signer.pem" -noout -serial | sed 's/^serial=//' | tr A-F a-f | grep -E '^[0-9a-f]{16,}$'
}

@test "a chain that leads nowhere is shown without a trusted CA" {
	mk_account 999988887777
	mk_profile release 999988887777 >/dev/null
	sign_zip release "$T/plain.zip" "$T/stranger.zip" 999988887777
	verify 11 "$T/stranger.zip"
	says "issued by    CN=vouchfs signing CA of account 999988887777"
	[[ $output != *"trusted CA"* ]]
}

@test "several files: a report each, the first code that is not 0, and no stop at an unreadable one" {
	run "$VOUCHFS" verify "$T/signed.zip" "$T/plain.zip" "$T/absent.zip"
	[ "$status" -eq 10 ]
	says "accepted  file=$T/signed.zip"
	says "VF2001 refused  file=$T/plain.zip"
	says "$T/absent.zip: No such file or directory"
	run --separate-stderr "$VOUCHFS" verify --json "$T/absent.zip" "$T/signed.zip" "$T/plain.zip"
	[ "$status" -eq 1 ]
	python3 - "$output" <<-'END'
		import json, sys
		decoder, text, outcomes = json.JSONDecoder(), sys.argv[1].strip(), []
		while text:
		    document, end = decoder.raw_decode(text)
		    outcomes.append(document["outcome"])
		    text = text[end:].lstrip()
		assert outcomes == ["accepted", "refused"], outcomes
	END
	verify 0 "$T/signed.zip" "$T/signed.zip"
}

@test "--all: a line for each config with outcome, reason and functions" {
	verify 0 --all "$T/signed.zip"
	says "2 of 2 code-signing configs of $CONF would take it"
	says "  approved  accepted   -       main-function"
	says "  watched   accepted   -       team-*"
	says "  none      not asked  -       open"
	[[ $output != *problem* ]]

	verify 0 --all "$T/plain.zip" # one warns
	says "1 of 2 code-signing configs"
	says "  approved  refused    VF2001  main-function"
	says "  watched   warned     VF2001  team-*"
	says "  approved: VF2001 source mismatch: no signature"
	says "  remedy         sign it with a profile that code-signing config approved allows"

	verify 0 --all --json "$T/plain.zip"
	python3 - "$output" "$T/plain.zip" <<-'END'
		import json, sys
		d = json.loads(sys.argv[1])
		assert d["schema"] == 1 and d["file"] == sys.argv[2] and d["exitCode"] == 0
		assert [(c["config"], c["outcome"], c["reason"], c["functions"]) for c in d["configs"]] == [
		    ("approved", "refused", "VF2001", ["main-function"]), ("watched", "warned", "VF2001", ["team-*"])]
		assert d["unchecked"]["functions"] == ["open"]
	END
}

@test "--all: when all refuse, the code is that of the refusal that came nearest; none is no acceptance" {
	flip "$T/signed.zip" 45
	verify 13 --all "$T/signed.zip"
	says "0 of 2 code-signing configs"

	# one config refuses the profile, the other one only that it has expired
	signer "$ACCOUNT" put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name brief \
		--signature-validity-period value=1,type=DAYS >"$T/out"
	mk_config <<-END
		[code-signing-config brief]
		allowed_publisher = $(json_value profileVersionArn <"$T/out")
		untrusted_artifact_on_deployment = Enforce
		[code-signing-config unused]
		allowed_publisher = $ARN
		untrusted_artifact_on_deployment = Enforce
		[function open]
		code_signing_config = none
	END
	sign_zip brief "$T/plain.zip" "$T/brief.zip"
	verify 0 --all "$T/brief.zip"
	at 2026-11-23T17:00:00Z
	verify 12 --all "$T/brief.zip"
	says "  brief   refused    VF2003  -"
	says "  unused  refused    VF2002  -"
}

@test "--all without a code-signing config" {
	mk_plain_config
	verify 17 --all "$T/signed.zip"
	says "0 of 0 code-signing configs"
	says "  none    not asked  -       main-function"
}

# on_terminal COMMAND ...: its output on a terminal of its own
on_terminal() { python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$@" </dev/null; }

@test "colour on a terminal alone, and never with NO_COLOR" {
	unset NO_COLOR
	export TERM=xterm
	run on_terminal "$VOUCHFS" verify "$T/signed.zip"
	[ "$status" -eq 0 ]
	says $'\e[32maccepted\e[0m'
	run on_terminal "$VOUCHFS" verify "$T/plain.zip"
	[ "$status" -eq 10 ]
	says $'\e[1;31mrefused\e[0m'
	run on_terminal "$VOUCHFS" verify --function team-a "$T/plain.zip"
	says $'\e[33mwarned\e[0m'
	run on_terminal "$VOUCHFS" verify --json "$T/signed.zip"
	[[ $output != *$'\e'* ]]
	run "$VOUCHFS" verify "$T/signed.zip"
	[[ $output != *$'\e'* ]]
	NO_COLOR=1 run on_terminal "$VOUCHFS" verify "$T/signed.zip"
	says accepted
	[[ $output != *$'\e'* ]]
	TERM=dumb run on_terminal "$VOUCHFS" inspect "$T/signed.zip"
	says good
	[[ $output != *$'\e'* ]]
}

@test "no escape bytes come out of names, contents and comments" {
	local evil=$T/$'\e[2Jevil.zip' name=$'\e]0;owned\a.py'
	python3 - "$evil" "$name" <<-'END'
		import sys, zipfile
		with zipfile.ZipFile(sys.argv[1], "w") as z:
		    z.writestr(sys.argv[2], "x")
		    z.comment = b"\x1b[31mhello"
	END
	for options in "" --all --json --full; do
		# shellcheck disable=SC2086
		run "$VOUCHFS" verify $options "$evil"
		[ "$status" -eq 14 ]
		[[ $output != *$'\e'* && $output != *$'\a'* ]]
	done
	run "$VOUCHFS" inspect "$evil"
	[ "$status" -eq 0 ]
	[[ $output != *$'\e'* ]]
}
