#!/usr/bin/env bats
# `vouchfs trust`: from a slot to those who may sign, of a mount, of a store, with a home, through a signing service.

load lib

# One profile with two versions, another that nobody uses; hello serves what the second version signed.
setup() {
	lib_setup
	stop_clock
	mk_account
	OLD=$(mk_profile release)
	NEW=$(mk_profile release)
	NIGHTLY=$(mk_profile nightly)
	mk_config <<-END
		[code-signing-config strict]
		description = Program ABC
		allowed_publisher = $OLD
		allowed_publisher = $NEW
		allowed_publisher = ${NIGHTLY%/*}
		untrusted_artifact_on_deployment = Enforce
		[function hello]
		code_signing_config = strict
		[function open]
		code_signing_config = none
	END
	start_mount
	mk_zip "$T/a.zip"
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/hello/"
}

short() { echo "${1##*:/signing-profiles/}"; }

# What is said, without the drawing and the ends of lines.
words() { printf '%s\n' "${lines[@]}" | sed 's/^[ |`+-]*//' | tr '\n' ' '; }
has() { [[ $output == *"$1"* || $(words) == *"$1"* ]] || { echo "not there: $1"; echo "$output"; return 1; }; }
has_not() { [[ $output != *"$1"* ]] || { echo "there: $1"; echo "$output"; return 1; }; }

permit() {
	signer "$ACCOUNT" add-profile-permission --profile-name release --action "signer:$1" --principal "$2" \
		--statement-id "$3" >/dev/null
}

@test "from the slot to the account, and where to ask who may sign" {
	run -0 --separate-stderr "$VOUCHFS" trust hello
	has "functions/hello  Enforce"
	has "code-signing config strict  $CONF:$(grep -n 'code-signing-config strict' "$CONF" | cut -d: -f1)"
	has "* $(short "$NEW")  SIGNED WHAT IS SERVED"
	has "$(short "$OLD")  allowed, unused"
	has "nightly (any version)  allowed, unused"
	has "account $ACCOUNT, this host's own"
	has "revocations: list 1 of"
	has "who may sign: ask on the signing host of account $ACCOUNT:"
	has_not "BLOCKED"
	[ "$stderr" = "" ]
	run -0 "$VOUCHFS" trust functions/hello
	has "SIGNED WHAT IS SERVED"
}

@test "80 columns, lines in UTF-8, ASCII else" {
	run -0 "$VOUCHFS" trust hello
	has '`- code-signing config'
	LC_ALL=C.UTF-8 "$VOUCHFS" trust hello >"$T/tree"
	grep -q '^└─ code-signing config' "$T/tree"
	LC_ALL=C.UTF-8 python3 - "$T/tree" <<-'END'
		import sys
		assert all(len(line.rstrip("\n")) <= 80 for line in open(sys.argv[1], encoding="utf-8"))
	END
}

@test "with a home: statements, another account's marked, the profile's status" {
	permit StartSigningJob "$ACCOUNT" developers
	permit StartSigningJob 555555555555 contractors
	run -0 "$VOUCHFS" trust hello --home "$(home_of)"
	has "who may sign, as home $(home_of) says"
	has "the profile is Active; its current version is ${NEW##*/}"
	has "account $ACCOUNT: StartSigningJob, by statement"
	has "account 555555555555 (ANOTHER ACCOUNT): StartSigningJob"
	signer "$ACCOUNT" cancel-signing-profile --profile-name nightly >/dev/null
	VOUCHFS_SIGNER_HOME=$(home_of) run -0 "$VOUCHFS" trust hello
	has "the profile is Canceled: nobody signs with it any more"
}

@test "with --json: the same, and stable names" {
	permit StartSigningJob 555555555555 contractors
	"$VOUCHFS" trust hello --json --home "$(home_of)" >"$T/trust.json"
	python3 - "$T/trust.json" "$OLD" "$NEW" "$NIGHTLY" <<-'END'
		import json, sys
		trust = json.load(open(sys.argv[1]))
		old, new, nightly = sys.argv[2:]
		assert trust["schema"] == 1 and trust["mounted"]
		assert trust["slot"]["slot"] == "functions/hello" and trust["slot"]["profileVersionArn"] == new
		[config] = trust["codeSigningConfigs"]
		assert config["name"] == "strict" and config["origin"]["line"] > 1 and config["functionCount"] == 1
		publishers = {p["arn"]: p for p in config["publishers"]}
		assert publishers[new]["signedWhatIsServedBy"] == ["functions/hello"]
		assert publishers[old]["signedWhatIsServedBy"] == [] and publishers[old]["accountTrusted"]
		assert publishers[nightly.rsplit("/", 1)[0]]["anyVersion"]
		[statement] = publishers[new]["profile"]["permissions"]
		assert statement["crossAccount"] and statement["statementId"] == "contractors"
		[account] = trust["accounts"]
		assert account["own"] and account["listState"] == "good" and account["listSequence"] == 1
	END
}

@test "without a slot: every config, and what nobody checks" {
	run -0 "$VOUCHFS" trust
	[[ ${lines[0]} == "code-signing config strict  $CONF:"* ]]
	has "1 function"
	has "SIGNED WHAT IS SERVED by functions/hello"
	has "functions without a code-signing config"
	has "functions/open  UNCHECKED"
}

@test "a version that is revoked is marked, and says why" {
	signer "$ACCOUNT" revoke-signing-profile --profile-name release --profile-version "${OLD##*/}" \
		--reason "its key was stolen" --effective-time "$(cat "$T/clock")" >/dev/null
	export_trust
	run -0 "$VOUCHFS" trust hello
	has "! $(short "$OLD")  REVOKED, allowed, unused"
	has "is REVOKED: its key was"
	has "* $(short "$NEW")  SIGNED WHAT IS SERVED"
}

@test "of a store that is not mounted, which is said" {
	stop_mount
	run -0 --separate-stderr "$VOUCHFS" trust hello
	has "* $(short "$NEW")  SIGNED WHAT IS SERVED"
	[[ $stderr == *"not mounted; this is of the store as it lies"* ]]
	run -0 --separate-stderr "$VOUCHFS" trust hello --json
	has '"mounted": false'
}

@test "through a signing service: as far as it shows it" {
	need_root
	mkdir "$T/sign"
	VOUCHFS_SIGNER_HOME=$(home_of) "$VOUCHFS" signer mount "$T/sign"
	run -0 "$VOUCHFS" trust hello --service "$T/sign"
	has "who may sign, as service $T/sign says"
	has "the profile is Active; its current version is ${NEW##*/}"
	has "vouchfs signer"
	VOUCHFS_SIGNER_SERVICE=$T/sign run -0 "$VOUCHFS" trust hello
	has "as service $T/sign says"
	"$VOUCHFS" unmount "$T/sign"
}

@test "what does not work is said: no such slot, no such home, two sources" {
	run -17 "$VOUCHFS" trust helo
	has "there is no slot helo, did you mean functions/hello?"
	run -1 "$VOUCHFS" trust hello --home "$T/nowhere"
	has "who may sign cannot be told"
	run -2 "$VOUCHFS" trust hello --home "$(home_of)" --service "$T"
	has "it is one or the other"
	# what only the environment names is left out
	VOUCHFS_SIGNER_HOME=$T/nowhere run -0 --separate-stderr "$VOUCHFS" trust hello
	has "who may sign: ask on the signing host"
	[[ $stderr == *"notice: who may sign cannot be told"* ]]
	printf '[nonsense\n' >>"$CONF"
	stop_mount
	run -78 "$VOUCHFS" trust hello
}
