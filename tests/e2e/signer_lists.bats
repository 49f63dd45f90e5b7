#!/usr/bin/env bats
# Lists of jobs, profiles and platforms: filters, pages, damaged records; and that no option of AWS is unknown.

load lib

setup() {
	lib_setup
	export VOUCHFS_SIGNER_HOME VOUCHFS_TEST_CLOCK=$T/clock
	VOUCHFS_SIGNER_HOME=$(home_of)
	at 2026-11-21T12:00:00Z
	mk_account
}

at() { printf %s "$1" >"$T/clock"; }

# The ids of jobs, or the names of profiles, in an answer on stdin, on one line
ids() { sed -n 's/.*"\(jobId\|profileName\)": "\([^"]*\)".*/\2/p' | grep -v "${1:-^$}" | paste -sd' '; }
jobs_of() { "$VOUCHFS" signer list-signing-jobs "$@" | ids '^release$\|^short$'; }
profiles_of() { "$VOUCHFS" signer list-signing-profiles "$@" | ids; }

# job PROFILE [FILE]: starts one and prints its id
job() {
	"$VOUCHFS" signer start-signing-job --source "file=${2:-$T/app.zip}" --destination "directory=$T" \
		--profile-name "$1" | json_value jobId
}

# Three jobs: A for 135 months and revoked, B for a day, and F, which failed; in this order.
mk_jobs() {
	mk_zip "$T/app.zip"
	mk_profile release >/dev/null
	"$VOUCHFS" signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name short \
		--signature-validity-period value=1,type=DAYS >/dev/null
	A=$(job release)
	at 2026-11-21T13:00:00Z
	B=$(job short)
	at 2026-11-21T14:00:00Z
	F=$(job release "$T/clock" 2>&1 || true)
	F=$("$VOUCHFS" signer list-signing-jobs --status Failed | json_value jobId)
	"$VOUCHFS" signer revoke-signature --job-id "$A" --reason leaked
}

@test "jobs: the newest first, and each filter" {
	mk_jobs
	[ "$(jobs_of)" = "$F $B $A" ]
	[ "$(jobs_of --status Succeeded)" = "$B $A" ]
	[ "$(jobs_of --status Failed)" = "$F" ]
	[ "$(jobs_of --status InProgress)" = "" ]
	[ "$(jobs_of --is-revoked)" = "$A" ]
	[ "$(jobs_of --no-is-revoked)" = "$F $B" ]
	[ "$(jobs_of --platform-id AWSLambda-SHA384-ECDSA)" = "$F $B $A" ]
	[ "$(jobs_of --platform-id Notation-OCI-SHA384-ECDSA)" = "" ]
	[ "$(jobs_of --requested-by "$ACCOUNT" --job-invoker "$ACCOUNT")" = "$F $B $A" ]
	[ "$(jobs_of --requested-by 555555555555)" = "" ]
	[ "$(jobs_of --job-invoker 555555555555)" = "" ]
	# B expires at 2026-11-22T13:00:00Z: before and after are without that second itself
	[ "$(jobs_of --signature-expires-before 2026-11-22T13:00:01Z)" = "$B" ]
	[ "$(jobs_of --signature-expires-before 2026-11-22T13:00:00Z)" = "" ]
	[ "$(jobs_of --signature-expires-after 2026-11-22T12:59:59Z)" = "$B $A" ]
	[ "$(jobs_of --signature-expires-after 2026-11-22T14:00:00+01:00)" = "$A" ]
	[ "$(jobs_of --status Succeeded --no-is-revoked --signature-expires-after 1795282032)" = "$B" ]
}

@test "jobs in pages: none twice, none left out, also when more are made between two pages" {
	mk_jobs
	local token later
	"$VOUCHFS" signer list-signing-jobs --max-results 2 >"$T/page"
	[ "$(ids '^release$\|^short$' <"$T/page")" = "$F $B" ]
	token=$(json_value nextToken <"$T/page")
	at 2026-11-21T15:00:00Z
	later=$(job release)
	"$VOUCHFS" signer list-signing-jobs --max-results 2 --next-token "$token" >"$T/page"
	[ "$(ids '^release$\|^short$' <"$T/page")" = "$A" ]
	run ! grep -i token "$T/page"

	# in the AWS CLI's words; a page that ends with the last one leads nowhere
	"$VOUCHFS" signer list-signing-jobs --max-items 1 --page-size 5 >"$T/page"
	[ "$(ids '^release$\|^short$' <"$T/page")" = "$later" ]
	token=$(json_value NextToken <"$T/page")
	[ "$(jobs_of --starting-token "$token")" = "$F $B $A" ]
	[ "$(jobs_of --starting-token "$token" --status Succeeded)" = "$B $A" ]
	run -0 "$VOUCHFS" signer list-signing-jobs --max-results 4
	[[ $output != *oken* ]]
}

@test "a job's record that cannot be read is told, and hides no other" {
	mk_jobs
	local record=$VOUCHFS_SIGNER_HOME/jobs/$B
	sed -i 's/^status:.*/status: Perhaps/' "$record"
	run --separate-stderr "$VOUCHFS" signer list-signing-jobs
	[ "$status" = 254 ]
	[ "$(ids '^release$\|^short$' <<<"$output")" = "$F $A" ]
	[[ $stderr == "An error occurred (InternalServiceErrorException) when calling the ListSigningJobs operation: one job is not listed: jobs/$B in the signer's home is damaged at \"status\"; restore it from a backup"* ]]
	: >"$VOUCHFS_SIGNER_HOME/jobs/$A"
	run --separate-stderr "$VOUCHFS" signer list-signing-jobs
	[ "$status" = 254 ]
	[ "$(ids '^release$\|^short$' <<<"$output")" = "$F" ]
	[[ $stderr == *"2 jobs are not listed: "*"(and 1 more)"* ]]
}

@test "profiles: statuses and pages" {
	local name token
	for name in bb aa cc; do mk_profile $name >/dev/null; done
	mk_profile gone >/dev/null
	"$VOUCHFS" signer revoke-signing-profile --profile-name gone --reason leaked --effective-time 2026-01-01T00:00:00Z \
		--profile-version "$("$VOUCHFS" signer get-signing-profile --profile-name gone | json_value profileVersion)"
	[ "$(profiles_of)" = "aa bb cc" ]
	[ "$(profiles_of --no-include-canceled)" = "aa bb cc" ]
	[ "$(profiles_of --include-canceled)" = "aa bb cc gone" ]
	[ "$(profiles_of --statuses Revoked)" = "gone" ]
	[ "$(profiles_of --statuses Revoked Active --max-results 4)" = "aa bb cc gone" ]
	[ "$(profiles_of --platform-id Other)" = "" ]
	"$VOUCHFS" signer list-signing-profiles --include-canceled --max-results 2 >"$T/page"
	[ "$(ids <"$T/page")" = "aa bb" ]
	token=$(json_value nextToken <"$T/page")
	[ "$(profiles_of --include-canceled --next-token "$token")" = "cc gone" ]
	[ "$(profiles_of --starting-token "$token" --max-items 1)" = "cc" ]
}

@test "platforms: the one there is, its filters, and those of AWS that are not here by name" {
	local id
	[ "$("$VOUCHFS" signer list-signing-platforms | json_value platformId)" = AWSLambda-SHA384-ECDSA ]
	for filter in "--category AWS" "--partner AWSLambda" "--target SHA384-ECDSA" "--max-results 1"; do
		# shellcheck disable=SC2086 # words
		[ "$("$VOUCHFS" signer list-signing-platforms $filter | json_value displayName)" = "AWS Lambda" ]
	done
	for filter in "--category AWSIoT" "--partner AWSIoT" "--target SHA1-RSA" "--next-token AWSLambda-SHA384-ECDSA"; do
		# shellcheck disable=SC2086 # words
		[ "$("$VOUCHFS" signer list-signing-platforms $filter | json_value displayName)" = "" ]
	done
	[ "$("$VOUCHFS" signer get-signing-platform --platform-id AWSLambda-SHA384-ECDSA --home "$T/none" | json_value target)" = SHA384-ECDSA ]
	for id in Notation-OCI-SHA384-ECDSA AWSIoTDeviceManagement-SHA256-ECDSA AmazonFreeRTOS-Default AmazonFreeRTOS-TI-CC3220SF; do
		run -254 "$VOUCHFS" signer get-signing-platform --platform-id $id
		[[ $output == *"(ResourceNotFoundException) when calling the GetSigningPlatform operation: platform $id signs "*" and is not offered here; AWSLambda-SHA384-ECDSA signs ZIPs" ]]
		run -254 "$VOUCHFS" signer put-signing-profile --platform-id $id --profile-name release
		[[ $output == *"(ValidationException) when calling the PutSigningProfile operation: platform $id"*"AWSLambda-SHA384-ECDSA" ]]
	done
}

@test "wait succeeds for a job that succeeded, and for no other" {
	mk_jobs
	run -0 "$VOUCHFS" signer wait successful-signing-job --job-id "$A"
	[ -z "$output" ]
	run -255 "$VOUCHFS" signer wait successful-signing-job --job-id "$F"
	[[ $output == "vouchfs: signing job $F has failed: ZIP-R02: "* ]]
	run -254 "$VOUCHFS" signer wait successful-signing-job --job-id 621a6850-a128-42db-bc30-bd65cc54e187
	[[ $output == *"(ResourceNotFoundException) when calling the DescribeSigningJob operation"* ]]
	run -252 "$VOUCHFS" signer wait
	[[ $output == *"There is: wait successful-signing-job --job-id ID"* ]]
	run -252 "$VOUCHFS" signer wait job-done --job-id "$A"
	run -0 "$VOUCHFS" signer wait --help
}

# The options that the AWS CLI has for each verb, and for all of them.
AWS_OPTIONS='
put-signing-profile profile-name signing-material signature-validity-period platform-id overrides signing-parameters tags
get-signing-profile profile-name profile-owner
cancel-signing-profile profile-name
add-profile-permission profile-name profile-version action principal revision-id statement-id
remove-profile-permission profile-name revision-id statement-id
list-profile-permissions profile-name next-token max-items starting-token page-size
list-signing-profiles include-canceled no-include-canceled platform-id statuses max-results next-token max-items starting-token page-size
start-signing-job source destination profile-name client-request-token profile-owner
describe-signing-job job-id
list-signing-jobs status platform-id requested-by is-revoked no-is-revoked signature-expires-before signature-expires-after job-invoker max-results next-token max-items starting-token page-size
list-signing-platforms category partner target max-results next-token max-items starting-token page-size
get-signing-platform platform-id
revoke-signature job-id job-owner reason
revoke-signing-profile profile-name profile-version reason effective-time
'
AWS_EVERYWHERE='debug endpoint-url no-verify-ssl no-paginate output query profile region version color no-sign-request ca-bundle
	cli-read-timeout cli-connect-timeout cli-binary-format no-cli-pager cli-auto-prompt no-cli-auto-prompt
	cli-input-json cli-input-yaml generate-cli-skeleton'

@test "every option that the AWS CLI has is taken, or refused with what to use instead" {
	local verb options option
	while read -r verb options; do
		# shellcheck disable=SC2086 # words
		for option in $options; do
			run -252 "$VOUCHFS" signer "$verb" "--$option" 1 --no-such-option
			[[ $output != *"unknown option --$option"* ]] || { echo "$verb --$option is unknown"; return 1; }
			[[ $output != *"is not for vouchfs: "* ]] || [[ $output == *"--$option is not for vouchfs: "?* ]]
		done
	done <<<"${AWS_OPTIONS#?}describe-signing-job ${AWS_EVERYWHERE//$'\n'/ }"
	for verb in sign-payload get-revocation-status tag-resource untag-resource list-tags-for-resource; do
		run -252 "$VOUCHFS" signer $verb --any thing
		[[ $output == "vouchfs: signer $verb is not for vouchfs: "?* ]]
	done
}
