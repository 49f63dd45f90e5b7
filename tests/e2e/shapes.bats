#!/usr/bin/env bats
# The JSON answers of the verbs that AWS has, too, against shapes.table.

load lib

# answer GROUP VERB ...: runs it and compares its answer, which stays in $T/answer, with the table
answer() {
	VOUCHFS_SIGNER_HOME=$(home_of) "$VOUCHFS" "$@" >"$T/answer" || return
	python3 "$BATS_TEST_DIRNAME/shapes.py" check "$1 $2" "$T/seen" <"$T/answer"
}

# every_member GROUP: each verb of the group's --help is in the table, and each member of the table was in an answer
every_member() {
	local in_help
	in_help=$("$VOUCHFS" "$1" --help | awk -v group="$1" '/^  [a-z]/ && $1 != "vouchfs" { print group, $1 }')
	diff <(sort <<<"$in_help") <(python3 "$BATS_TEST_DIRNAME/shapes.py" verbs "$1" | sort)
	run -0 python3 "$BATS_TEST_DIRNAME/shapes.py" unseen "$1" "$T/seen"
	[ -z "$output" ] || { printf 'in no answer: %s\n' "${lines[@]}"; return 1; }
}

@test "signer" {
	local version job failed
	answer signer create-account --account-id "$ACCOUNT" --home "$(home_of)"
	answer signer export-trust --directory "$T/trust"
	answer signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name release
	version=$(json_value profileVersion <"$T/answer")
	mk_profile other >/dev/null
	answer signer add-profile-permission --profile-name release --action signer:StartSigningJob \
		--principal 555555555555 --statement-id a
	answer signer add-profile-permission --profile-name release --action signer:RevokeSignature \
		--principal 555555555555 --statement-id b --profile-version "$version"
	answer signer list-profile-permissions --profile-name release
	answer signer remove-profile-permission --profile-name release --statement-id a \
		--revision-id "$(json_value revisionId <"$T/answer")"
	answer signer cancel-signing-profile --profile-name other
	answer signer get-signing-profile --profile-name release

	mk_zip "$T/app.zip"
	answer signer start-signing-job --source "file=$T/app.zip" --destination "directory=$T" --profile-name release
	job=$(json_value jobId <"$T/answer")
	answer signer describe-signing-job --job-id "$job"
	run -254 answer signer start-signing-job --source "file=$T/$job.zip" --destination "directory=$T" \
		--profile-name release
	failed=$(sed -n 's/.*signing job \([0-9a-f-]*\) failed.*/\1/p' <<<"$output")
	answer signer describe-signing-job --job-id "$failed"
	answer signer wait successful-signing-job --job-id "$job"

	answer signer revoke-signature --job-id "$job" --reason leaked
	answer signer revoke-signing-profile --profile-name release --profile-version "$version" --reason leaked \
		--effective-time 2026-01-01T00:00:00Z
	answer signer refresh-revocations
	answer signer get-signing-profile --profile-name release
	answer signer describe-signing-job --job-id "$job"

	answer signer list-signing-jobs
	answer signer list-signing-jobs --max-results 1
	answer signer list-signing-jobs --max-items 1
	answer signer list-signing-profiles --include-canceled
	answer signer list-signing-profiles --include-canceled --max-results 1
	answer signer list-signing-profiles --include-canceled --max-items 1
	answer signer list-signing-platforms
	answer signer get-signing-platform --platform-id AWSLambda-SHA384-ECDSA
	answer signer mount "$MNT" # for people: it prints nothing
	stop_mount
	every_member signer
}

# a.zip is signed; it is base:1 afterwards, and plain:1 has no signature
answer_layers() {
	local about=(--description D --license-info MIT --compatible-runtimes python3.11
		--compatible-architectures x86_64)
	mk_zip "$T/plain.zip" x=plain
	mk_zip "$T/plain2.zip" x=plain2
	answer lambda publish-layer-version --layer-name base --zip-file "fileb://$T/a.zip" "${about[@]}"
	answer lambda publish-layer-version --layer-name plain --zip-file "fileb://$T/plain.zip"
	answer lambda publish-layer-version --layer-name plain --zip-file "fileb://$T/plain2.zip"
	local layer
	for layer in base plain; do
		answer lambda get-layer-version --layer-name $layer --version-number 1
		answer lambda get-layer-version-by-arn --arn $layer:1
		answer lambda list-layer-versions --layer-name $layer
	done
	answer lambda list-layer-versions --layer-name plain --max-items 1
	answer lambda list-layer-versions --layer-name plain --max-items 1 --no-paginate
	answer lambda list-layers
	answer lambda list-layers --max-items 1
	answer lambda list-layers --max-items 1 --no-paginate
	answer lambda add-layer-version-permission --layer-name base --version-number 1 --statement-id use \
		--action lambda:GetLayerVersion --principal 444455556666
	answer lambda get-layer-version-policy --layer-name base --version-number 1
	answer lambda remove-layer-version-permission --layer-name base --version-number 1 --statement-id use
	answer lambda delete-layer-version --layer-name plain --version-number 2
}

@test "lambda" {
	local publishers zip=fileb://$T/a.zip job
	mk_account
	publishers=SigningProfileVersionArns=$(mk_profile release)
	mk_config <<-END
		[code-signing-config guarded]
		allowed_publisher = ${publishers#*=}
		untrusted_artifact_on_load = Enforce
		[function open-*]
		code_signing_config = none
		[function guarded-*]
		code_signing_config = guarded
		[layer base]
		[layer plain]
	END
	start_mount
	answer lambda create-code-signing-config --code-signing-config-id a --allowed-publishers "$publishers"
	answer lambda create-code-signing-config --code-signing-config-id b --allowed-publishers "$publishers" --description D
	answer lambda update-code-signing-config --code-signing-config-arn b --description E
	answer lambda update-code-signing-config --code-signing-config-arn a \
		--code-signing-policies UntrustedArtifactOnDeployment=Enforce
	answer lambda get-code-signing-config --code-signing-config-arn a
	answer lambda get-code-signing-config --code-signing-config-arn b
	answer lambda list-code-signing-configs
	answer lambda list-code-signing-configs --max-items 1
	answer lambda list-code-signing-configs --max-items 1 --no-paginate

	mk_zip "$T/a.zip"
	answer lambda create-function --function-name open-x --zip-file "$zip"
	answer lambda update-function-code --function-name open-x --zip-file "$zip"
	job=$(VOUCHFS_SIGNER_HOME=$(home_of) "$VOUCHFS" sign --json --profile release "$T/a.zip" | json_value jobId)
	answer lambda create-function --function-name guarded-x --zip-file "$zip"
	answer_layers
	answer lambda create-function --function-name open-y --zip-file "$zip" --layers plain:1 base:1
	answer lambda update-function-configuration --function-name open-x --layers plain:1 base:1
	answer lambda update-function-configuration --function-name open-y --layers plain:1 base:1
	answer lambda update-function-code --function-name open-x --zip-file "$zip" --dry-run
	answer lambda update-function-code --function-name open-x --zip-file "$zip" --publish
	answer lambda get-function --function-name open-x
	answer lambda get-function-configuration --function-name open-x
	answer lambda list-functions --max-items 1
	answer lambda list-functions --max-items 1 --no-paginate

	answer lambda get-function-code-signing-config --function-name open-x
	answer lambda put-function-code-signing-config --function-name open-x --code-signing-config-arn b
	answer lambda put-function-code-signing-config --function-name open-y --code-signing-config-arn b
	answer lambda get-function-code-signing-config --function-name open-x
	answer lambda list-functions-by-code-signing-config --code-signing-config-arn b --max-items 1
	answer lambda list-functions-by-code-signing-config --code-signing-config-arn b --max-items 1 --no-paginate
	answer lambda delete-function-code-signing-config --function-name open-x
	answer lambda delete-code-signing-config --code-signing-config-arn a
	answer lambda delete-function --function-name open-x

	signer "$ACCOUNT" revoke-signature --job-id "$job" --reason leaked >/dev/null
	export_trust
	"$VOUCHFS" reload
	answer lambda get-function --function-name guarded-x
	answer lambda get-function-configuration --function-name guarded-x
	answer lambda update-function-configuration --function-name guarded-x --timeout 3
	answer lambda list-functions
	every_member lambda
}

# finds TEXT VERB ANSWER: the comparison fails and says so
finds() {
	run python3 "$BATS_TEST_DIRNAME/shapes.py" check "$2" "$T/seen" <<<"$3"
	[ "$status" = 1 ]
	[[ $output == *"$1"* ]] || { echo "not in: $output"; return 1; }
}

@test "the comparison finds what is too much, missing, of another type or another form" {
	local good='"jobId": "621a6850-a128-42db-bc30-bd65cc54e187", "jobOwner": "111122223333"'
	run -0 python3 "$BATS_TEST_DIRNAME/shapes.py" check "signer start-signing-job" "$T/seen" <<<"{$good}"
	finds "the answer: extra is not in the table" "signer start-signing-job" "{$good, \"extra\": 1}"
	finds "jobOwner is missing" "signer start-signing-job" "{${good%,*}}"
	finds "jobOwner: 111122223333 is not account" "signer start-signing-job" "{${good%,*}, \"jobOwner\": 111122223333}"
	finds "a member twice" "signer start-signing-job" "{$good, $good}"
	finds "the answer is no object" "signer start-signing-job" "[]"
	finds "there should be no answer" "signer revoke-signature" "{}"

	local list='"sequence": 1, "issuedAt": "2026-11-21T17:27:12+00:00", "nextUpdate":'
	run -0 python3 "$BATS_TEST_DIRNAME/shapes.py" check "signer refresh-revocations" "$T/seen" <<<"{$list \"2026-11-21T17:27:12+00:00\"}"
	for wrong in 1795282032 '"2026-11-21T17:27:12Z"' '"2026-11-21T17:27:12.000+0000"'; do
		finds "nextUpdate: " "signer refresh-revocations" "{$list $wrong}"
	done
	finds "month" "signer refresh-revocations" "{$list \"2026-13-21T17:27:12+00:00\"}"
	finds "sequence: True is not number" "signer refresh-revocations" "{${list/1,/true,} \"2026-11-21T17:27:12+00:00\"}"

	finds "profiles[]: 1 is not object" "signer list-signing-profiles" '{"profiles": [1]}'
	finds "profiles[].arn is missing" "signer list-signing-profiles" '{"profiles": [{}]}'
	finds "profiles: {} is not list" "signer list-signing-profiles" '{"profiles": {}}'
}

@test "a verb that is not in the table, and a member that no answer had, are told" {
	: >"$T/seen"
	run ! every_member signer
	[[ $output == *"in no answer: signer start-signing-job: jobId"* ]]
	sed '/^signer wait/d' "$BATS_TEST_DIRNAME/shapes.table" >"$T/shapes.table"
	cp "$BATS_TEST_DIRNAME/shapes.py" "$T"
	BATS_TEST_DIRNAME=$T run ! every_member signer
	[[ $output == *"< signer wait"* ]]
}
