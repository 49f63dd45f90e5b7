#!/usr/bin/env bats
# Every error of the signer verbs once: exit code, AWS's name, operation, and the whole sentence - what was expected,
# what was found, what to do.

load lib

PLATFORM=AWSLambda-SHA384-ECDSA
NOBODY=621a6850-a128-42db-bc30-bd65cc54e187

setup() {
	lib_setup
	cd "$T" || return
	H=$(home_of)
	export VOUCHFS_SIGNER_HOME=$H
}

# refused NAME OPERATION SENTENCE VERB ...: exit 254, nothing on stdout, exactly this on stderr. A sentence is a pattern.
refused() {
	local name=$1 operation=$2 sentence=$3
	shift 3
	run --separate-stderr "$VOUCHFS" signer "$@"
	# shellcheck disable=SC2053 # a pattern
	if [ "$status" = 254 ] && [ -z "$output" ] &&
		[[ $stderr == "An error occurred ($name) when calling the $operation operation: "$sentence ]]; then
		return 0
	fi
	echo "signer $*: exit $status: $stderr"
	return 1
}

# misused SENTENCE VERB ...: exit 252, this on stderr, and where help is
misused() {
	local sentence=$1
	shift
	run --separate-stderr "$VOUCHFS" signer "$@"
	# shellcheck disable=SC2053 # a pattern
	if [ "$status" = 252 ] && [ -z "$output" ] &&
		[[ $stderr == "vouchfs signer $1: "$sentence$'\n'"Try \`vouchfs signer $1 --help\`." ]]; then
		return 0
	fi
	echo "signer $*: exit $status: $stderr"
	return 1
}

VALIDATION=ValidationException
NOT_FOUND=ResourceNotFoundException
DENIED=AccessDeniedException
INTERNAL=InternalServiceErrorException

# job ARGUMENTS: start-signing-job into $T with these
job() { echo start-signing-job --destination "directory=$T" --profile-name release "$@"; }

@test "accounts and homes" {
	refused $NOT_FOUND ListSigningProfiles "there is no signing account in $H; make one with: vouchfs signer create-account --account-id ID" \
		list-signing-profiles
	refused $VALIDATION CreateAccount '"123" is no account id; one has exactly 12 digits, like 111122223333' \
		create-account --account-id 123
	refused $VALIDATION CreateAccount '"Here!" is no region; one has 1 to 32 of a-z, 0-9 and "-", like local' \
		create-account --account-id "$ACCOUNT" --region Here!
	for days in 0 3651; do
		refused $VALIDATION CreateAccount "a revocation list lives 1 to 3650 days, not $days" \
			create-account --account-id "$ACCOUNT" --revocation-list-days $days
	done
	mkdir -m 0700 empty
	refused $NOT_FOUND ListSigningJobs "empty holds no signing account; make one with: vouchfs signer create-account" \
		list-signing-jobs --home empty
	mk_account
	refused ConflictException CreateAccount "the home holds a signing account already; name another one with --home DIR" \
		create-account --account-id "$ACCOUNT"
	: >file
	refused $INTERNAL ExportTrust "the directory file: Not a directory" export-trust --directory file
	refused $VALIDATION RefreshRevocations "a revocation list lives 1 to 3650 days, not 3651" \
		refresh-revocations --revocation-list-days 3651
	misused "the account in this home is in region local" list-signing-profiles --region eu-west-1
	misused "--revocation-list-days is a number of days" refresh-revocations --revocation-list-days 0
	misused "--revocation-list-days is a number of days" create-account --account-id "$ACCOUNT" --revocation-list-days x
	misused "the following arguments are required: --account-id" create-account
	misused "the following arguments are required: --directory" export-trust
	sed -i 's/^id: .*/id: 1/' "$H/account"
	refused $INTERNAL ListSigningJobs 'account in the signer'\''s home is damaged at "id"; restore it from a backup' list-signing-jobs
}

@test "a home, a key or a profile of another mode or owner, with the remedy" {
	need_root
	local key
	mk_account
	mk_profile release >/dev/null
	mk_zip "$T/app.zip"
	key=$(cd "$H" && echo profiles/release/versions/*/key.pem)
	chmod 0755 "$H"
	refused $DENIED ListSigningProfiles "the signer's home $H is open to others (mode 0755), and it holds keys; close it with: chmod 700 $H" \
		list-signing-profiles
	chmod 0700 "$H"

	chmod 0640 "$H/$key"
	# shellcheck disable=SC2046 # words
	refused $DENIED StartSigningJob "signing job * failed: $key in the signer's home is open to others (mode 0640); close it with: chmod 600 $H/$key" \
		$(job --source file=app.zip)
	eval "${stderr##*close it with: }"
	chown nobody "$H/$key"
	# shellcheck disable=SC2046 # words
	refused $DENIED StartSigningJob "signing job * failed: $key in the signer's home belongs to user id 65534, and the home to 0; give it back with: chown 0 $H/$key" \
		$(job --source file=app.zip)
	eval "${stderr##*give it back with: }"

	chmod 0755 "$H/profiles/release"
	refused $DENIED GetSigningProfile "profiles/release in the signer's home is open to others (mode 0755); close it with: chmod 700 $H/profiles/release" \
		get-signing-profile --profile-name release
	eval "${stderr##*close it with: }"
	chown nobody "$H/profiles/release"
	refused $DENIED PutSigningProfile "profiles/release in the signer's home belongs to user id 65534, and the home to 0; give it back with: chown 0 $H/profiles/release" \
		put-signing-profile --platform-id $PLATFORM --profile-name release
	eval "${stderr##*give it back with: }"
	# shellcheck disable=SC2046 # words
	run -0 "$VOUCHFS" signer $(job --source file=app.zip) # all is mended

	chmod 0640 "$H/ca.key"
	refused $DENIED PutSigningProfile "ca.key in the signer's home is open to others (mode 0640); close it with: chmod 600 $H/ca.key" \
		put-signing-profile --platform-id $PLATFORM --profile-name release
	rm "$H/ca.key"
	refused $INTERNAL PutSigningProfile "ca.key is missing in the signer's home; restore it from a backup" \
		put-signing-profile --platform-id $PLATFORM --profile-name release
	rm "$H/revocations"
	refused $INTERNAL ListSigningJobs "the revocation list is missing in the signer's home; restore it from a backup or a host" \
		list-signing-jobs
	chown nobody "$H"
	refused $DENIED ListSigningProfiles "the signer's home $H belongs to user id 65534; run this as that user" list-signing-profiles
}

@test "profiles" {
	local version validity
	mk_account
	refused $NOT_FOUND GetSigningProfile "profile with name release does not exist in account $ACCOUNT" \
		get-signing-profile --profile-name release
	version=$(mk_profile release)
	version=${version##*/}
	for name in x with-hyphen "$(printf 'x%.0s' {1..65})" ../../etc; do
		refused $VALIDATION PutSigningProfile "\"$name\" is no profile name; one has 2 to 64 of A-Z, a-z, 0-9 and \"_\"" \
			put-signing-profile --platform-id $PLATFORM --profile-name "$name"
	done
	mk_profile "$(printf 'x%.0s' {1..64})" >/dev/null
	refused $VALIDATION PutSigningProfile "platform Other is not offered here; there is $PLATFORM" \
		put-signing-profile --platform-id Other --profile-name release
	for validity in 0,DAYS 4107,DAYS 136,MONTHS 12,YEARS; do
		refused $VALIDATION PutSigningProfile "signatures are good for at least one day and at most 135 months (11 years, 4106 days), not ${validity/,/ }" \
			put-signing-profile --platform-id $PLATFORM --profile-name release --signature-validity-period "value=${validity/,/,type=}"
	done
	for validity in 1,DAYS 4106,DAYS 135,MONTHS 11,YEARS; do
		run -0 "$VOUCHFS" signer put-signing-profile --platform-id $PLATFORM --profile-name bounds --signature-validity-period "value=${validity/,/,type=}"
	done
	refused $DENIED GetSigningProfile "this home holds account $ACCOUNT; *" \
		get-signing-profile --profile-name release --profile-owner 444455556666
	refused $NOT_FOUND GetSigningPlatform "there is no platform Other; there is $PLATFORM" get-signing-platform --platform-id Other

	misused '--signature-validity-period: value= is a number' put-signing-profile --platform-id $PLATFORM --profile-name release \
		--signature-validity-period value=x,type=DAYS
	misused '--signature-validity-period: type= is DAYS, MONTHS or YEARS' put-signing-profile --platform-id $PLATFORM \
		--profile-name release --signature-validity-period value=1,type=WEEKS
	misused "--signing-material is not for vouchfs: a version gets a key and a certificate of its own; --signing-key takes a key in a token" \
		put-signing-profile --signing-material certificateArn=x
	misused "--overrides is not for vouchfs: the platform has one algorithm and one format; leave it out" \
		put-signing-profile --overrides signingImageFormat=JSON
	misused "--signing-parameters is not for vouchfs: the platform takes none; leave it out" put-signing-profile --signing-parameters a=b
	misused "--tags is not for vouchfs: profiles have no tags; say it with the profile's name" put-signing-profile --tags a=b
	misused "the following arguments are required: --platform-id, --profile-name" put-signing-profile
	misused "--statuses are Active, Canceled, Revoked" list-signing-profiles --statuses Gone
	misused "--include-canceled does not go with --no-include-canceled" list-signing-profiles --include-canceled --no-include-canceled

	sed -i 's/^validity-value: .*/validity-value: 1000000/' "$H/profiles/release/profile"
	refused $INTERNAL GetSigningProfile 'profiles/release/profile in the signer'\''s home is damaged at "validity-value"; restore it from a backup' \
		get-signing-profile --profile-name release
}

@test "jobs" {
	local token
	mk_account
	mk_zip "$T/app.zip"
	# shellcheck disable=SC2046 # words
	refused $NOT_FOUND StartSigningJob "profile with name release does not exist in account $ACCOUNT" $(job --source file=app.zip)
	mk_profile release >/dev/null
	# shellcheck disable=SC2046 # words
	refused $NOT_FOUND StartSigningJob "signing job * failed: the source $T/none.zip cannot be opened: No such file or directory" \
		$(job --source file=none.zip)
	# shellcheck disable=SC2046 # words
	refused $VALIDATION StartSigningJob "signing job * failed: the source $T is not a regular file" $(job --source "file=$T")
	sign_zip release app.zip signed.zip
	# shellcheck disable=SC2046 # words
	refused $VALIDATION StartSigningJob "signing job * failed: the artifact is signed already; sign the ZIP that the build made (zip -z with an empty comment takes the signature off)" \
		$(job --source file=signed.zip)
	: >empty.zip
	# shellcheck disable=SC2046 # words
	refused $VALIDATION StartSigningJob "signing job * failed: ZIP-R02: *; check that *" $(job --source file=empty.zip)
	refused $VALIDATION StartSigningJob "*the destination's prefix ../x leads out of its directory; leave out \"..\" and the leading \"/\"" \
		start-signing-job --source file=app.zip --destination "directory=$T,prefix=../x" --profile-name release
	refused $NOT_FOUND StartSigningJob "*the destination directory $T/none/: No such file or directory" \
		start-signing-job --source file=app.zip --destination "directory=$T/none" --profile-name release
	token=$(printf 'x%.0s' {1..257})
	# shellcheck disable=SC2046 # words
	refused $VALIDATION StartSigningJob "a client request token has 1 to 256 bytes, this one has 257" \
		$(job --source file=app.zip --client-request-token "$token")
	refused $DENIED StartSigningJob "this home holds account $ACCOUNT; *" \
		start-signing-job --source file=app.zip --destination "directory=$T" --profile-name release --profile-owner 444455556666

	refused $VALIDATION DescribeSigningJob "\"1\" is no job id; one looks like $NOBODY" describe-signing-job --job-id 1
	refused $NOT_FOUND DescribeSigningJob "signing job $NOBODY does not exist in account $ACCOUNT; list-signing-jobs shows those that do" \
		describe-signing-job --job-id $NOBODY
	refused $VALIDATION ListSigningJobs '--next-token "\\x1b[[]2J" is none of this verb'\''s; take "nextToken" of the answer before, as it is' \
		list-signing-jobs --next-token $'\e[2J'
	refused $VALIDATION ListSigningProfiles '--starting-token "?" is none of this verb'\''s; take "NextToken" of the answer before, as it is' \
		list-signing-profiles --starting-token '?'
	misused "--status is InProgress, Failed or Succeeded" list-signing-jobs --status Revoked
	misused "--is-revoked does not go with --no-is-revoked" list-signing-jobs --is-revoked --no-is-revoked
	misused "--requested-by is an account id: 12 digits" list-signing-jobs --requested-by me
	misused "--job-invoker is an account id: 12 digits" list-signing-jobs --job-invoker 12
	misused "--signature-expires-before is a time like 2026-11-01T00:00:00Z" list-signing-jobs --signature-expires-before soon
	misused "--signature-expires-after is a time like 2026-11-01T00:00:00Z" list-signing-jobs --signature-expires-after soon
	misused "--max-results is a number from 1 to 25" list-signing-jobs --max-results 26
	misused "the following arguments are required: --source, --destination, --profile-name" start-signing-job
}

@test "revocation" {
	local version job long
	mk_account
	version=$(mk_profile release)
	version=${version##*/}
	mk_zip "$T/app.zip"
	# shellcheck disable=SC2046 # words
	job=$("$VOUCHFS" signer $(job --source file=app.zip) | json_value jobId)
	long=$(printf 'x%.0s' {1..501})
	refused $VALIDATION RevokeSignature "a reason has 1 to 500 characters of printable ASCII; this one has 501" \
		revoke-signature --job-id "$job" --reason "$long"
	refused $VALIDATION RevokeSignature "a reason has 1 to 500 characters of printable ASCII; this one has 0" \
		revoke-signature --job-id "$job" --reason ""
	refused $VALIDATION RevokeSignature "a reason has 1 to 500 characters of printable ASCII; byte 3 of this one is none" \
		revoke-signature --job-id "$job" --reason $'ab\nc'
	refused $NOT_FOUND RevokeSignature "signing job $NOBODY does not exist in account $ACCOUNT; *" \
		revoke-signature --job-id $NOBODY --reason leaked
	refused $DENIED RevokeSignature "this home holds account $ACCOUNT; *" \
		revoke-signature --job-id "$job" --reason leaked --job-owner 444455556666
	run -0 "$VOUCHFS" signer revoke-signature --job-id "$job" --reason "${long#x}"

	local revoke=(revoke-signing-profile --profile-name release --reason leaked --profile-version)
	refused $VALIDATION RevokeSigningProfile '"12345" is no profile version; one has 10 letters and digits' \
		"${revoke[@]}" 12345 --effective-time 2026-01-01T00:00:00Z
	refused $NOT_FOUND RevokeSigningProfile "profile release has no version 0123456789" \
		"${revoke[@]}" 0123456789 --effective-time 2026-01-01T00:00:00Z
	refused $VALIDATION RevokeSigningProfile "the effective time must not lie in the future; now it is 20*Z" \
		"${revoke[@]}" "$version" --effective-time 9999-01-01T00:00:00Z
	misused "--effective-time is a time like 2026-11-01T00:00:00Z" "${revoke[@]}" "$version" --effective-time yesterday
	run -0 "$VOUCHFS" signer "${revoke[@]}" "$version" --effective-time 2026-01-01T00:00:00Z
	refused $VALIDATION RevokeSigningProfile "profile version $version is revoked from 2026-01-01T00:00:00Z on already; an effective time moves earlier only" \
		"${revoke[@]}" "$version" --effective-time 2026-01-01T00:00:01Z

	# shellcheck disable=SC2046 # words
	refused $VALIDATION StartSigningJob "profile with name release is Revoked and signs no more; name another one" \
		$(job --source file=app.zip)
	refused $VALIDATION PutSigningProfile "profile with name release already exists and is Revoked; only an Active profile gets a new version, so choose another name" \
		put-signing-profile --platform-id $PLATFORM --profile-name release
	printf x >"$H/revocations"
	refused $INTERNAL ListSigningJobs "*" list-signing-jobs
}
