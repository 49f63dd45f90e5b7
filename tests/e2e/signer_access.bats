#!/usr/bin/env bats
# Who may use a signing profile: the verbs for permissions, cancelling a profile, owners, with every error and its exit
# code.

load lib

OTHER=555555555555
STALE=621a6850-a128-42db-bc30-bd65cc54e187

setup() {
	lib_setup
	mk_account
	arn=$(mk_profile release)
	version=${arn##*/}
}

own() { signer "$ACCOUNT" "$@"; }

# add ID [ARGUMENTS...]: a statement for the other account; prints the revision
add() {
	local id=$1
	shift
	own add-profile-permission --profile-name release --action signer:StartSigningJob --principal $OTHER \
		--statement-id "$id" "$@" | json_value revisionId
}

# refuses EXIT TEXT COMMAND...: exits so, says so on stderr, and has nothing on stdout
refuses() {
	local code=$1 text=$2
	shift 2
	run --separate-stderr "$@"
	[ "$status" = "$code" ] || { echo "exit $status: $stderr"; return 1; }
	[[ $stderr == *"$text"* ]] || { echo "not in: $stderr"; return 1; }
	[ -z "$output" ]
}

# error NAME OPERATION: how a refusal of the service begins
error() { echo "An error occurred ($1) when calling the $2 operation: "; }

@test "permissions are added, listed in AWS's shape, and removed" {
	first=$(add allow-dev)
	second=$(add narrowed --profile-version "$version" --revision-id "$first")
	[ "$first" != "$second" ]
	own list-profile-permissions --profile-name release >"$T/list.json"
	python3 - "$T/list.json" "$second" "$version" "$(home_of)/profiles/release/permissions" <<-'END'
		import json, os, sys
		answer = json.load(open(sys.argv[1]))
		assert list(answer) == ["revisionId", "policySizeBytes", "permissions"], answer
		assert answer["revisionId"] == sys.argv[2]
		assert answer["policySizeBytes"] == os.path.getsize(sys.argv[4])
		common = {"action": "signer:StartSigningJob", "principal": "555555555555"}
		assert answer["permissions"] == [
		    {**common, "statementId": "allow-dev"},
		    {**common, "statementId": "narrowed", "profileVersion": sys.argv[3]},
		], answer
	END
	third=$(own remove-profile-permission --profile-name release --statement-id allow-dev --revision-id "$second" |
		json_value revisionId)
	[ "$third" != "$second" ]
	[ "$(own list-profile-permissions --profile-name release | grep -c statementId)" = 1 ]
}

@test "all four actions are taken, and no other" {
	for action in StartSigningJob SignPayload GetSigningProfile RevokeSignature; do
		own add-profile-permission --profile-name release --action "signer:$action" --principal $OTHER \
			--statement-id "$action" >/dev/null
	done
	refuses 254 "$(error ValidationException AddProfilePermission)the action \"signer:*\" is none of" \
		own add-profile-permission --profile-name release --action 'signer:*' --principal $OTHER --statement-id a
	[ "$(own list-profile-permissions --profile-name release | grep -c '"action": "signer:')" = 4 ]
}

@test "what is no statement is refused, each with what is expected" {
	validation=$(error ValidationException AddProfilePermission)
	grant=(own add-profile-permission --profile-name release --action signer:StartSigningJob)
	refuses 254 "${validation}the principal arn:aws:iam::$OTHER:role/dev is an ARN, and there are no IAM roles" \
		"${grant[@]}" --principal arn:aws:iam::$OTHER:role/dev --statement-id a
	refuses 254 "${validation}the principal \"5555\" is no account id" "${grant[@]}" --principal 5555 --statement-id a
	refuses 254 "${validation}\"a b\" is no statement id; one has 1 to 64" "${grant[@]}" --principal $OTHER --statement-id 'a b'
	refuses 254 "${validation}\"1\" is no profile version" "${grant[@]}" --principal $OTHER --statement-id a --profile-version 1
	refuses 254 "2 to 64 of A-Z" own add-profile-permission --profile-name ../x \
		--action signer:StartSigningJob --principal $OTHER --statement-id a
	refuses 254 "$(error ResourceNotFoundException AddProfilePermission)profile with name missing" \
		own add-profile-permission --profile-name missing --action signer:StartSigningJob --principal $OTHER \
		--statement-id a
	refuses 254 "$(error ResourceNotFoundException AddProfilePermission)profile release has no version" \
		"${grant[@]}" --principal $OTHER --statement-id a --profile-version 0000000000
	[ ! -e "$(home_of)/profiles/release/permissions" ]
}

@test "a change that missed another one is refused, and so is a statement id that is taken" {
	conflict=$(error ConflictException AddProfilePermission)
	grant=(own add-profile-permission --profile-name release --action signer:StartSigningJob --principal "$OTHER")
	refuses 254 "${conflict}profile release never had a permission" "${grant[@]}" --statement-id a --revision-id $STALE
	revision=$(add a)
	refuses 254 "${conflict}the permissions of profile release were changed meanwhile: they have revision $revision" \
		"${grant[@]}" --statement-id b --revision-id $STALE
	refuses 254 "${conflict}profile release has a statement a already" "${grant[@]}" --statement-id a
	refuses 254 "$(error ConflictException RemoveProfilePermission)the permissions" \
		own remove-profile-permission --profile-name release --statement-id a --revision-id $STALE
	refuses 254 "$(error ResourceNotFoundException RemoveProfilePermission)profile release has no statement b" \
		own remove-profile-permission --profile-name release --statement-id b --revision-id "$revision"
	[ "$(own list-profile-permissions --profile-name release | json_value revisionId)" = "$revision" ]
}

@test "a profile has at most 100 statements" {
	{
		printf 'vouchfs-profile-permissions: 1\nrevision-id: %s\n' $STALE
		for i in $(seq 100); do echo "statement: s$i signer:StartSigningJob $OTHER *"; done
	} >"$(home_of)/profiles/release/permissions"
	refuses 254 "$(error ServiceLimitExceededException AddProfilePermission)profile release has 100 statements" \
		own add-profile-permission --profile-name release --action signer:StartSigningJob --principal $OTHER \
		--statement-id a
}

@test "damaged permissions are an error that names the file, and stay as they are" {
	add a
	echo scribble >>"$(home_of)/profiles/release/permissions"
	refuses 254 "$(error InternalServiceErrorException ListProfilePermissions)profiles/release/permissions" \
		own list-profile-permissions --profile-name release
	refuses 254 "is damaged" own add-profile-permission --profile-name release --action signer:StartSigningJob \
		--principal $OTHER --statement-id b
	tail -n 1 "$(home_of)/profiles/release/permissions" | grep -qx scribble
}

@test "no permissions: not found, before the first and after the last" {
	missing=$(error ResourceNotFoundException ListProfilePermissions)
	refuses 254 "${missing}profile release has no permissions" own list-profile-permissions --profile-name release
	revision=$(add a)
	own remove-profile-permission --profile-name release --statement-id a --revision-id "$revision" >/dev/null
	refuses 254 "${missing}profile release has no permissions" own list-profile-permissions --profile-name release
	refuses 254 "${missing}profile with name missing" own list-profile-permissions --profile-name missing
	refuses 254 "$(error ValidationException ListProfilePermissions)no answer had this next token" \
		own list-profile-permissions --profile-name release --next-token x
}

@test "wrong usage exits 252" {
	refuses 252 "--principal" own add-profile-permission --profile-name release --action signer:StartSigningJob \
		--statement-id a
	refuses 252 "--revision-id" own remove-profile-permission --profile-name release --statement-id a
	refuses 252 "--max-results" own list-profile-permissions --profile-name release --max-results 5
	refuses 252 "--profile-name" own cancel-signing-profile
	refuses 252 "--profile-nam" own cancel-signing-profile --profile-nam release
	own add-profile-permission --help | grep -q '^Examples:'
}

@test "a cancelled profile signs no more, and what it signed stays valid" {
	mk_zip "$T/a.zip"
	sign_zip release "$T/a.zip" "$T/signed.zip"
	add a
	own cancel-signing-profile --profile-name release >"$T/out"
	[ ! -s "$T/out" ]
	own cancel-signing-profile --profile-name release
	[ "$(own get-signing-profile --profile-name release | json_value status)" = Canceled ]
	refuses 254 "$(error ValidationException StartSigningJob)profile with name release is Canceled" \
		own start-signing-job --source file="$T/a.zip" --destination directory="$T" --profile-name release
	refuses 254 "$(error ValidationException AddProfilePermission)profile with name release is Canceled" \
		own add-profile-permission --profile-name release --action signer:RevokeSignature --principal $OTHER \
		--statement-id b
	refuses 254 "$(error ResourceNotFoundException CancelSigningProfile)profile with name missing" \
		own cancel-signing-profile --profile-name missing
	mk_config </dev/null
	"$VOUCHFS" verify "$T/signed.zip"
}

@test "a revoked profile can neither sign nor be cancelled" {
	own revoke-signing-profile --profile-name release --profile-version "$version" --reason lost \
		--effective-time 2020-01-01T00:00:00Z
	mk_zip "$T/a.zip"
	refuses 254 "$(error ValidationException CancelSigningProfile)signing profile release cannot be canceled" \
		own cancel-signing-profile --profile-name release
	refuses 254 "$(error ValidationException StartSigningJob)profile with name release is Revoked" \
		own start-signing-job --source file="$T/a.zip" --destination directory="$T" --profile-name release
	[ "$(own get-signing-profile --profile-name release | json_value status)" = Revoked ]
}

@test "what another account owns is reached through its signing service" {
	mk_zip "$T/a.zip"
	job=$(own start-signing-job --source file="$T/a.zip" --destination directory="$T" --profile-name release \
		--profile-owner "$ACCOUNT" | json_value jobId)
	own get-signing-profile --profile-name release --profile-owner "$ACCOUNT" >/dev/null
	refuses 254 "$(error AccessDeniedException GetSigningProfile)this home holds account $ACCOUNT" \
		own get-signing-profile --profile-name release --profile-owner $OTHER
	[[ $stderr == *"--service DIR"* ]]
	refuses 254 "$(error AccessDeniedException StartSigningJob)this home holds account $ACCOUNT" \
		own start-signing-job --source file="$T/a.zip" --destination directory="$T" --profile-name release \
		--profile-owner $OTHER
	refuses 254 "$(error AccessDeniedException RevokeSignature)this home holds account $ACCOUNT" \
		own revoke-signature --job-id "$job" --reason x --job-owner $OTHER
	refuses 254 "$(error ValidationException RevokeSignature)\"me\" is no account id" \
		own revoke-signature --job-id "$job" --reason x --job-owner me
	own revoke-signature --job-id "$job" --reason x --job-owner "$ACCOUNT"
	[ "$(own describe-signing-job --job-id "$job" | json_value revokedBy)" = "$ACCOUNT" ]
}

@test "two at once: both statements are there" {
	for i in 1 2 3 4 5 6; do
		add "s$i" >/dev/null &
	done
	wait
	[ "$(own list-profile-permissions --profile-name release | grep -c statementId)" = 6 ]
}
