#!/usr/bin/env bats
# Who may use a layer version, and who says so: the lambda verbs, and the files that they write. root and `games` act
# for the host's own account, whose the layers are, `nobody` for another one.

load lib

GUEST=444455556666
ORGANIZATION=o-a1b2c3d4e5
ARN=arn:vouchfs:lambda:local:$ACCOUNT:layer:base:1
BASE=(--layer-name base --version-number 1)
ALLOW=("${BASE[@]}" --action lambda:GetLayerVersion)

setup() {
	lib_setup
	need_root
	start_ready_mount <<-END
		[layer base]
		group = games
		[layer tools]
		[function guest]
		code_signing_config = Enforce
		owner = nobody
		[principal $GUEST]
		user = nobody
		organization = $ORGANIZATION
	END
	mk_signed "$T/base.zip" "base=base 1"
	cp "$T/base.zip" "$MNT/layers/base/new.zip"
	mk_signed "$T/code.zip" marker=1
	cp "$T/code.zip" "$MNT/functions/guest/"
	POLICY=$MNT/.vouchfs/permissions/layers/base:1
}

# as USER VERB ...: with the user's own group and no other
as() {
	local user=$1
	shift
	setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$VOUCHFS" lambda "$@"
}

# refused USER ERROR TEXT VERB ...: changes nothing
refused() {
	local user=$1 error=$2 text=$3 before after
	shift 3
	before=$(cat "$POLICY")
	run -254 --separate-stderr as "$user" "$@"
	[ -z "$output" ]
	[[ $stderr == *"An error occurred ($error) when calling the "*" operation: "*"$text"* ]] || { echo "$stderr"; return 1; }
	after=$(cat "$POLICY")
	[ "$before" = "$after" ]
}

add() { as root add-layer-version-permission "${ALLOW[@]}" "$@"; }
records() { cat "$STORE"/audit/*.jsonl | grep -c "$1" || true; }
attach() { run as_user bash -c "echo base:1 >'$MNT/functions/guest/layers'"; }
may_attach() { attach; [ "$status" = 0 ] || { echo "$output"; return 1; }; rm -f "$MNT/functions/guest/layers"; }
may_not_attach() { attach; [ "$status" = 1 ] && [[ $output == *"Permission denied"* ]]; }

@test "an account is permitted to attach a version, and is not any more" {
	may_not_attach
	run -0 --separate-stderr add --statement-id use --principal "$GUEST"
	python3 -c '
import json, re, sys
answer = json.load(sys.stdin)
assert list(answer) == ["Statement", "RevisionId"], answer
statement = json.loads(answer["Statement"])
assert statement == {"Sid": "use", "Effect": "Allow", "Principal": {"AWS": f"arn:vouchfs:iam::{sys.argv[1]}:root"},
                     "Action": "lambda:GetLayerVersion", "Resource": sys.argv[2]}, statement
assert " " not in answer["Statement"]' "$GUEST" "$ARN" <<<"$output"
	may_attach
	[ "$(cat "$MNT/run/guest/task/marker")" = 1 ]
	as_user bash -c "echo base:1 >'$MNT/functions/guest/layers'"
	run -0 as root remove-layer-version-permission "${BASE[@]}" --statement-id use
	[ -z "$output" ]
	[ "$(cat "$MNT/run/guest/opt/base")" = "base 1" ] # who has it keeps it
	may_not_attach
	[ "$(records '"event":"layer-permission-added","who":{"uid":0,.*"slot":"layers/base","release":1,"detail":"statement use: lambda:GetLayerVersion for account 444455556666"')" = 1 ]
	[ "$(records '"event":"layer-permission-removed",.*"detail":"statement use: ')" = 1 ]
}

@test "everyone, and everyone in an organization" {
	add --statement-id others --principal '*' --organization-id o-0000000000 >/dev/null
	may_not_attach
	run -0 --separate-stderr add --statement-id ours --principal '*' --organization-id $ORGANIZATION
	python3 -c '
import json, sys
statement = json.loads(json.load(sys.stdin)["Statement"])
assert statement["Principal"] == "*", statement
assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": sys.argv[1]}}' $ORGANIZATION <<<"$output"
	may_attach
	sed -i '/^organization = /d' "$CONF"
	"$VOUCHFS" reload
	may_not_attach
	add --statement-id all --principal '*' >/dev/null
	may_attach
}

@test "get-layer-version-policy shows what is so, under a revision that the others can ask for" {
	refused root ResourceNotFoundException "version 1 of layer base has no policy" get-layer-version-policy "${BASE[@]}"
	run -0 --separate-stderr add --statement-id a --principal "arn:aws:iam::$GUEST:root"
	local first second
	first=$(json_value RevisionId <<<"$output")
	add --statement-id b --principal '*' --organization-id $ORGANIZATION --revision-id "$first" >/dev/null
	run -0 --separate-stderr as nobody get-layer-version-policy --layer-name "${ARN%:1}" --version-number 1
	second=$(json_value RevisionId <<<"$output")
	python3 -c '
import json, sys
answer = json.load(sys.stdin)
assert list(answer) == ["Policy", "RevisionId"]
policy = json.loads(answer["Policy"])
assert list(policy) == ["Version", "Id", "Statement"] and policy["Version"] == "2012-10-17", policy
assert [s["Sid"] for s in policy["Statement"]] == ["a", "b"]
assert policy["Statement"][0]["Principal"]["AWS"].endswith(":444455556666:root")' <<<"$output"
	[ "$first" != "$second" ]
	[ "$second" = "$(sed -n 's/^revision: //p' "$POLICY")" ]
	local other
	for other in "$first" 00000000-0000-8000-8000-000000000000 x; do
		refused root PreconditionFailedException "has another revision" remove-layer-version-permission "${BASE[@]}" \
			--statement-id a --revision-id "$other"
		refused root PreconditionFailedException "has another revision" add-layer-version-permission "${ALLOW[@]}" \
			--statement-id c --principal "$GUEST" --revision-id "$other"
	done
	stop_mount
	start_mount
	as root remove-layer-version-permission "${BASE[@]}" --statement-id b --revision-id "$second"
	[ "$first" = "$(sed -n 's/^revision: //p' "$POLICY")" ] # the same content again
}

@test "errors have AWS's names and say what to do" {
	local add=add-layer-version-permission remove=remove-layer-version-permission i
	local bad=InvalidParameterValueException
	add --statement-id use --principal "$GUEST" >/dev/null
	refused root ResourceConflictException "has a statement use already" $add "${ALLOW[@]}" --statement-id use \
		--principal '*'
	refused root ResourceNotFoundException "has no statement nosuch" $remove "${BASE[@]}" --statement-id nosuch
	refused root ResourceNotFoundException "no version 2 of layer base" $add --layer-name base --version-number 2 \
		--action lambda:GetLayerVersion --statement-id use --principal '*'
	refused root ResourceNotFoundException "no version 1 of layer nosuch" get-layer-version-policy \
		--layer-name nosuch --version-number 1
	refused root $bad '"lambda:*" is not an action' $add "${BASE[@]}" --action 'lambda:*' --statement-id x --principal '*'
	refused root $bad '"a b" is not a statement id' $add "${ALLOW[@]}" --statement-id 'a b' --principal '*'
	refused root $bad '"a\x0aadd" is not a statement id' $remove "${BASE[@]}" --statement-id $'a\nadd'
	for i in 4444 everyone "" "arn:aws:iam::$GUEST:user/dev" "arn:aws:iam::4444:root"; do
		refused root $bad "\"$i\" is not a principal" $add "${ALLOW[@]}" --statement-id x --principal "$i"
	done
	refused root $bad '"o-1" is not the id of an organization' $add "${ALLOW[@]}" --statement-id x --principal '*' \
		--organization-id o-1
	refused root $bad '--organization-id goes with --principal "*"' $add "${ALLOW[@]}" --statement-id x \
		--principal "$GUEST" --organization-id $ORGANIZATION
	refused root $bad "a layer of account 999999999999" $add --layer-name "arn:vouchfs:lambda:local:999999999999:layer:base" \
		--version-number 1 --action lambda:GetLayerVersion --statement-id x --principal '*'
	run -252 as root $add --layer-name base --version-number 0 --action lambda:GetLayerVersion --statement-id x --principal '*'
	run -252 as root $add "${BASE[@]}" --statement-id x --principal '*'
	for ((i = 1; i < 64; i++)); do echo "add n$i $GUEST" >"$POLICY"; done
	refused root PolicyLengthExceededException "has 64 statements" $add "${ALLOW[@]}" --statement-id x --principal '*'
	[ "$(records '"event":"layer-permission-')" = 64 ]
	stop_mount
	run -254 as root get-layer-version-policy "${BASE[@]}"
	[[ $output == *"is not mounted"* ]]
}

@test "whoever may publish the layer gives permissions, unless another account's" {
	local add=(add-layer-version-permission "${ALLOW[@]}" --statement-id use --principal "$GUEST")
	refused nobody AccessDeniedException "owner, group and mode of layers/base say who may" "${add[@]}"
	as games "${add[@]}" >/dev/null
	[ "$(records '"event":"layer-permission-added","who":{"uid":5,')" = 1 ]
	may_attach
	refused nobody AccessDeniedException "owner, group and mode" remove-layer-version-permission "${BASE[@]}" \
		--statement-id use
	[ "$(stat -c '%A %G' "$POLICY")" = "-rw-rw-r-- games" ]

	# the slot is nobody's, the layer still is not
	sed -i 's/^group = games/owner = nobody/' "$CONF"
	"$VOUCHFS" reload
	[ "$(stat -c %U "$POLICY")" = nobody ]
	refused nobody AccessDeniedException "layer base belongs to account $ACCOUNT" remove-layer-version-permission \
		"${BASE[@]}" --statement-id use
	run -1 as_user bash -c "echo 'add all *' >'$POLICY'"
	[[ $output == *"Operation not permitted"* ]]
	sed -i '/^\[principal/,$d' "$CONF"
	"$VOUCHFS" reload
	as nobody remove-layer-version-permission "${BASE[@]}" --statement-id use
}

@test "the file takes one whole line a write" {
	local bad
	[ "$(ls "$MNT/.vouchfs/permissions/layers")" = base:1 ]
	for bad in "" add "add use" "add use 4444" "add use * x" "remove" "add a $GUEST"$'\n'"add b *"; do
		echo "$bad" >"$T/line"
		run -1 dd if="$T/line" of="$POLICY" conv=notrunc status=none
		[[ $output == *"Invalid argument"* ]]
	done
	run -1 bash -c "printf 'add use *' >'$POLICY'" # perhaps the beginning of more
	run -1 truncate -s 0 "$POLICY"
	run -1 touch "$MNT/.vouchfs/permissions/layers/base:2"
	run -1 rm "$POLICY"
	: >"$POLICY" # opened and closed: nothing
	[ "$(tail -n +2 "$POLICY")" = "vouchfs-layer-policy: 1" ]
	printf 'add a %s\nadd b *\n' $GUEST | while read -r line; do echo "$line"; done >"$POLICY"
	echo "remove b" >>"$POLICY"
	[ "$(tail -n +3 "$POLICY")" = "statement: a
principal: $GUEST
organization: -" ]
	for i in 1 2 3 4; do echo "add same $GUEST" >"$POLICY" & done 2>/dev/null
	wait
	[ "$(grep -c same "$POLICY")" = 1 ]
	rm "$MNT/layers/base/1.zip"
	run -1 cat "$POLICY"
	[[ $output == *"No such file or directory"* ]]
}

@test "a change that could not be stored is said to have failed, and after a crash there is the old policy or the new one" {
	add --statement-id old --principal "$GUEST" >/dev/null
	stop_mount
	local n error found failures=0
	for error in ENOSPC kill; do
		for ((n = 1; n < 10; n += ${FAULT_STEP:-2})); do
			VOUCHFS_TEST_FAULT="*:$n:$error" start_mount
			run bash -c "echo 'add $error$n $GUEST' >'$POLICY'"
			[ $error = ENOSPC ] || { [ "$status" = 0 ] && stop_mount; } || eventually no_processes_left
			[ $error = kill ] || stop_mount
			lib_unmount_all
			start_mount
			grep -q "^statement: old$" "$POLICY"
			found=$(grep -c "^statement: $error$n$" "$POLICY") || true
			echo "$error at call $n: $status, then $found"
			[ "$status" != 0 ] || [ "$found" = 1 ]
			[ "$found" = 0 ] || [ "$(records "\"layer-permission-added\".*statement $error$n: ")" -ge 1 ]
			[ "$status" = 0 ] || failures=$((failures + 1))
			stop_mount
		done
	done
	[ "$failures" -gt 4 ]
	[ "$(records '"layer-permission-added".*statement ENOSPC[0-9]*: .*"errno":"ENOSPC"\|"errno":"ENOSPC".*statement ENOSPC')" -ge 1 ]
}
