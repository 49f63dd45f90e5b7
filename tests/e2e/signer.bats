#!/usr/bin/env bats
# The signing side: a home from nothing, signing, what stock tools make of the result, revocation, and every refusal
# with its exit code.

bats_require_minimum_version 1.5.0

VOUCHFS=${VOUCHFS:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/test/vouchfs}
PLATFORM=AWSLambda-SHA384-ECDSA

setup() {
	T=$(mktemp -d "${TMPDIR:-/tmp}/vouchfs-signer.XXXXXX")
	cd "$T" || return
	export VOUCHFS_SIGNER_HOME=$T/home LC_ALL=C NO_COLOR=1
	unset VOUCHFS_TEST_CLOCK VOUCHFS_TEST_FAULT
}

teardown() {
	cd /
	rm -rf "$T"
}

signer() {
	"$VOUCHFS" signer "$@"
}

# field KEY.KEY...: a value of the JSON on stdin
field() {
	python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if key.isdigit() else value[key]
print(value)' "$1"
}

# keys: the names in the JSON on stdin, in order
keys() {
	python3 -c 'import json, sys; print(" ".join(json.load(sys.stdin)))'
}

make_account() {
	signer create-account --account-id 111122223333 >account.json
}

make_profile() {
	signer put-signing-profile --platform-id $PLATFORM --profile-name "${1:-release}"
}

make_zip() {
	mkdir -p src/data
	echo 'print(1)' >src/app.py
	seq 20000 >src/data/numbers.txt
	(cd src && zip -q -r -X "$T/app.zip" .)
}

# start [ARGUMENTS...]: a job for app.zip into out/; prints the job's id
start() {
	mkdir -p out
	signer start-signing-job --source file=app.zip --destination directory=out,prefix=signed- \
		--profile-name release "$@" | field jobId
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

@test "an account, a profile, a job, and what they answer" {
	make_account
	[ "$(keys <account.json)" = "accountId region home" ]
	[ "$(stat -c %a home)" = 700 ]
	[ -z "$(find home -perm /077)" ]

	make_profile >profile.json
	[ "$(keys <profile.json)" = "arn profileVersion profileVersionArn" ]
	version=$(field profileVersion <profile.json)
	[[ $version =~ ^[A-Za-z0-9]{10}$ ]]
	arn=arn:vouchfs:signer:local:111122223333:/signing-profiles/release
	[ "$(field arn <profile.json)" = "$arn" ]
	[ "$(field profileVersionArn <profile.json)" = "$arn/$version" ]
	grep -q '^    "arn": ' profile.json # pretty, four blanks

	make_zip
	mkdir out
	signer start-signing-job --source file=app.zip --destination directory=out,prefix=signed- \
		--profile-name release >job.json
	[ "$(keys <job.json)" = "jobId jobOwner" ]
	[ "$(field jobOwner <job.json)" = 111122223333 ]
	job=$(field jobId <job.json)
	[ "$(ls out)" = "signed-$job.zip" ]

	signer describe-signing-job --job-id "$job" >described.json
	[ "$(keys <described.json)" = "jobId source platformId platformDisplayName profileName profileVersion createdAt completedAt signatureExpiresAt requestedBy status statusReason signedObject jobOwner jobInvoker" ]
	[ "$(field status <described.json)" = Succeeded ]
	[ "$(field statusReason <described.json)" = "Signing Succeeded" ]
	[ "$(field profileVersion <described.json)" = "$version" ]
	[ "$(field signedObject.file.path <described.json)" = "$T/out/signed-$job.zip" ]
	[ "$(field source.file.path <described.json)" = "$T/app.zip" ]
	[[ $(field createdAt <described.json) =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00$ ]]

	signer get-signing-profile --profile-name release >got.json
	[ "$(field status <got.json)" = Active ]
	[ "$(field signatureValidityPeriod.value <got.json)" = 135 ]
	[ "$(field signatureValidityPeriod.type <got.json)" = MONTHS ]
	[ "$(signer list-signing-profiles | field profiles.0.profileName)" = release ]
}

# stock_tools_check SIGNED UNSIGNED: openssl, unzip and sha384sum alone; then the signature is taken off
stock_tools_check() {
	unzip -z "$1" | sed -n '/BEGIN CMS/,/END CMS/p' >sig.pem
	openssl cms -verify -inform PEM -in sig.pem -CAfile trust/111122223333.pem -purpose any -out statement.txt
	length=$(sed -n 's/^length: //p' statement.txt)
	head -c "$length" "$1" >range
	[ "$(sha384sum <range | cut -d' ' -f1)" = "$(sed -n 's/^sha384: //p' statement.txt)" ]
	[ "$(fsverity digest range | cut -d' ' -f1)" = "sha256:$(sed -n 's/^tree-sha256: //p' statement.txt)" ]
	unzip -tq "$1"
	python3 -m zipfile -t "$1"
	cmp -n "$length" "$2" "$1"

	# an empty comment gives back the unsigned ZIP
	run cmp "$1" "$2"
	[ "$status" = 1 ]
	zip -z "$1" </dev/null >/dev/null
	cmp "$2" "$1"
}

@test "stock tools check a signature, whichever way it was made" {
	make_account
	make_profile >/dev/null
	make_zip
	signer export-trust --directory trust >/dev/null
	stock_tools_check "out/signed-$(start).zip" app.zip
	"$VOUCHFS" sign --profile release app.zip -o copy.zip >/dev/null
	stock_tools_check copy.zip app.zip
	cp app.zip place.zip
	"$VOUCHFS" sign --profile release place.zip >/dev/null
	stock_tools_check place.zip app.zip

	# the revocation list is the same kind of thing
	openssl cms -verify -inform PEM -in trust/111122223333.revocations -CAfile trust/111122223333.pem -purpose any \
		-out list.txt
	[ "$(sed -n 3p list.txt)" = "sequence: 1" ]
}

@test "a foreign CA does not verify it" {
	make_account
	make_profile >/dev/null
	make_zip
	f=out/signed-$(start).zip
	signer create-account --home "$T/other" --account-id 111122223333 >/dev/null
	signer export-trust --home "$T/other" --directory foreign >/dev/null
	unzip -z "$f" | sed -n '/BEGIN CMS/,/END CMS/p' >sig.pem
	run ! openssl cms -verify -inform PEM -in sig.pem -CAfile foreign/111122223333.pem -purpose any -out /dev/null
}

@test "inspect tells what is there, and that bytes were changed" {
	make_account
	make_profile >/dev/null
	make_zip
	run --separate-stderr "$VOUCHFS" inspect app.zip
	[ "$status" = 0 ]
	[[ $output == *"signed         no"* ]]
	[ "$("$VOUCHFS" inspect --json app.zip | field signed)" = False ]

	f=out/signed-$(start).zip
	run --separate-stderr "$VOUCHFS" inspect "$f"
	[ "$status" = 0 ]
	[[ $output == *"integrity      good"* ]]
	[[ $output =~ "expires at     "[0-9TZ:-]+" (in 13"[45]" months, 41"[01][0-9]" days left)" ]] # 135 within the same second
	[[ $output == *"certificate    CN=release"*"speaks for   arn:vouchfs:signer:local:111122223333:/signing-profiles/release/"* ]]
	"$VOUCHFS" inspect --json "$f" >inspected.json
	[ "$(field schema <inspected.json)" = 1 ]
	[ "$(field integrity <inspected.json)" = good ]
	[ "$(field certificates.0.uri <inspected.json)" = "$(field statement.profileVersionArn <inspected.json)" ]

	cp "$f" changed.zip
	printf X | dd of=changed.zip bs=1 seek=100 conv=notrunc status=none
	run --separate-stderr "$VOUCHFS" inspect changed.zip
	[ "$status" = 0 ]
	[[ $output == *"integrity      BROKEN: tree-sha256 differs"* ]]
	[ "$("$VOUCHFS" inspect --json changed.zip | field integrity)" = broken ]

	refuses 1 "ZIP-R02" "$VOUCHFS" inspect account.json
	refuses 1 "No such file" "$VOUCHFS" inspect missing.zip
	refuses 1 "not a regular file" "$VOUCHFS" inspect home
	refuses 2 "1 argument is expected" "$VOUCHFS" inspect
	run "$VOUCHFS" inspect $'\e[2J.zip'
	[[ $output == *'\x1b[2J.zip'* ]]
}

@test "sign works in place and to another file" {
	make_account
	make_profile >/dev/null
	make_zip
	run --separate-stderr "$VOUCHFS" sign --profile release app.zip -o copy.zip
	[ "$status" = 0 ]
	[[ $output == "copy.zip: signed by arn:vouchfs:signer:local:111122223333:/signing-profiles/release/"*", job "*", until "* ]]
	[ "$("$VOUCHFS" inspect --json app.zip | field signed)" = False ]
	[ "$("$VOUCHFS" inspect --json copy.zip | field integrity)" = good ]

	chmod 640 app.zip
	ln -s app.zip link.zip
	[ "$("$VOUCHFS" sign --profile release --json link.zip | field file)" = "$T/app.zip" ]
	[ -L link.zip ]
	[ "$(stat -c %a app.zip)" = 640 ]
	[ "$("$VOUCHFS" inspect --json app.zip | field integrity)" = good ]

	refuses 1 "signed already" "$VOUCHFS" sign --profile release app.zip
	refuses 1 "profile with name nobody does not exist" "$VOUCHFS" sign --profile nobody copy.zip
	refuses 2 "required: --profile" "$VOUCHFS" sign copy.zip
	refuses 1 "No such file" "$VOUCHFS" sign --profile release missing.zip
}

@test "how much a content may be is an option of both ways to sign" {
	make_account
	make_profile >/dev/null
	python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
    for name in range(5):
        z.writestr(str(name), b"x" * 40000 + bytes(range(256)) * 40)' big.zip
	cp big.zip kept.zip
	mkdir out
	run -1 "$VOUCHFS" sign --profile release --max-unpacked-size 200000 big.zip
	[[ $output == *"unpacks to 251200 bytes, allowed are 200000 (max_unpacked_size)"* ]]
	cmp big.zip kept.zip
	run -254 "$VOUCHFS" signer start-signing-job --source file=big.zip --destination directory=out \
		--profile-name release --max-unpacked-size 200000
	[[ $output == *"allowed are 200000"* ]]
	"$VOUCHFS" signer start-signing-job --source file=big.zip --destination directory=out --profile-name release \
		--max-unpacked-size 4294967295
	"$VOUCHFS" sign --profile release --max-unpacked-size 300000 big.zip

	local wrong
	for wrong in 0 -1 4294967296 1G ""; do
		run -2 "$VOUCHFS" sign --profile release "--max-unpacked-size=$wrong" kept.zip
		[[ $output == *"a number of bytes below 4 GiB, like 262144000"* ]]
		run -252 "$VOUCHFS" signer start-signing-job --source file=kept.zip --destination directory=out \
			--profile-name release "--max-unpacked-size=$wrong"
	done
	run -2 "$VOUCHFS" sign --profile release --service "$T" --max-unpacked-size 1 kept.zip
	[[ $output == *"does not go with a signing service"* ]]
}

@test "a comment that was there is dropped with a notice" {
	make_account
	make_profile >/dev/null
	make_zip
	cp app.zip plain.zip
	echo "built on Monday" | zip -z app.zip >/dev/null
	run --separate-stderr start
	[ "$status" = 0 ]
	[[ $stderr == *"notice: the ZIP's comment"*"was dropped"* ]]
	zip -z "out/signed-$output.zip" </dev/null >/dev/null
	cmp plain.zip "out/signed-$output.zip"
}

@test "a second version signs with its own key, and the first still counts" {
	make_account
	first=$(make_profile | field profileVersion)
	make_zip
	a=$(start)
	second=$(make_profile | field profileVersion)
	[ "$first" != "$second" ]
	b=$(start)
	[ "$(signer describe-signing-job --job-id "$a" | field profileVersion)" = "$first" ]
	[ "$(signer describe-signing-job --job-id "$b" | field profileVersion)" = "$second" ]
	[ "$("$VOUCHFS" inspect --json "out/signed-$a.zip" | field certificates.0.sha256)" != \
		"$("$VOUCHFS" inspect --json "out/signed-$b.zip" | field certificates.0.sha256)" ]
}

@test "revoking writes the next list, and there is no way back" {
	make_account
	version=$(make_profile | field profileVersion)
	make_zip
	job=$(start)
	run --separate-stderr signer revoke-signature --job-id "$job" --reason "leaked build host"
	[ "$status" = 0 ] && [ -z "$output" ]
	signer describe-signing-job --job-id "$job" >described.json
	[ "$(field status <described.json)" = Succeeded ]
	[ "$(field revocationRecord.reason <described.json)" = "leaked build host" ]
	[ "$(field revocationRecord.revokedBy <described.json)" = 111122223333 ]

	signer revoke-signing-profile --profile-name release --profile-version "$version" --reason "key compromise" \
		--effective-time 2026-11-01T01:00:00+01:00
	signer get-signing-profile --profile-name release >profile.json
	[ "$(field status <profile.json)" = Revoked ]
	[ "$(field revocationRecord.revocationEffectiveFrom <profile.json)" = 2026-11-01T00:00:00+00:00 ]
	refuses 254 "moves earlier only" signer revoke-signing-profile --profile-name release --profile-version "$version" \
		--reason later --effective-time 2026-11-01T00:00:01Z
	refuses 254 "must not lie in the future" signer revoke-signing-profile --profile-name release \
		--profile-version "$version" --reason later --effective-time 9999-01-01T00:00:00Z
	refuses 254 "(ValidationException) when calling the StartSigningJob operation" signer start-signing-job \
		--source file=app.zip --destination directory=out --profile-name release
	refuses 254 "(ValidationException) when calling the PutSigningProfile operation" make_profile

	[ "$(signer list-signing-profiles | field profiles)" = "[]" ]
	[ "$(signer list-signing-profiles --include-canceled | field profiles.0.status)" = Revoked ]
	[ "$(signer list-signing-profiles --statuses Active Revoked | field profiles.0.profileName)" = release ]

	signer export-trust --directory trust >/dev/null
	openssl cms -verify -inform PEM -in trust/111122223333.revocations -CAfile trust/111122223333.pem -purpose any \
		-out list.txt 2>/dev/null
	grep -qx "sequence: 3" list.txt
	grep -qx "job: arn:vouchfs:signer:local:111122223333:/signing-jobs/$job revoked-at=.* reason=leaked build host" list.txt
	grep -qx "profile-version: arn:vouchfs:signer:local:111122223333:/signing-profiles/release/$version effective=2026-11-01T00:00:00Z revoked-at=.* reason=key compromise" list.txt
	[ "$(signer refresh-revocations --revocation-list-days 7 | field sequence)" = 4 ]
}

@test "a request token that was used gives its job again" {
	make_account
	make_profile >/dev/null
	make_zip
	a=$(start --client-request-token once)
	b=$(start --client-request-token once)
	[ "$a" = "$b" ]
	[ "$(ls out)" = "signed-$a.zip" ]
	[ "$(start --client-request-token twice)" != "$a" ]
}

@test "two at once lose nothing" {
	make_account
	make_profile >/dev/null
	make_zip
	jobs=()
	for i in 1 2 3 4; do jobs+=("$(start)"); done
	pids=()
	for i in 1 2 3 4; do
		make_profile "profile_$i" >/dev/null &
		pids+=($!)
		signer revoke-signature --job-id "${jobs[$((i - 1))]}" --reason "number $i" &
		pids+=($!)
		start --client-request-token same >"token.$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	[ "$(signer list-signing-profiles | grep -c '"profileName": "profile_')" = 4 ]
	for i in 1 2 3 4; do
		[ "$(signer describe-signing-job --job-id "${jobs[$((i - 1))]}" | field revocationRecord.reason)" = "number $i" ]
	done
	[ "$(signer refresh-revocations | field sequence)" = 6 ]
	[ "$(cat token.* | sort -u | wc -l)" = 1 ]
}

@test "hostile ZIPs fail the job, with the rule and a record" {
	make_account
	make_profile >/dev/null
	python3 - <<-END
		import zipfile
		with zipfile.ZipFile("app.zip", "w") as z:
		    z.writestr("../evil.py", "x")
	END
	refuses 254 "ZIP-R10" start_plain
	[[ $stderr == "An error occurred (ValidationException) when calling the StartSigningJob operation: signing job "*" failed: "* ]]
	job=$(sed -n 's/.*signing job \([0-9a-f-]*\) failed.*/\1/p' <<<"$stderr")
	[ "$(signer describe-signing-job --job-id "$job" | field status)" = Failed ]
	[ -z "$(ls -A out)" ]

	(echo junk && cat app.zip) >prepended.zip
	mv prepended.zip app.zip
	refuses 254 "ZIP-R" start_plain
	: >app.zip
	refuses 254 "ZIP-R02" start_plain
}

start_plain() {
	mkdir -p out
	signer start-signing-job --source file=app.zip --destination directory=out --profile-name release
}

@test "a key that cannot be read, is open to others or is gone is named" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	make_account
	make_profile >/dev/null
	make_zip
	local key
	key=$(echo home/profiles/release/versions/*/key.pem)
	chmod 0711 "$T"
	cp "$VOUCHFS" vouchfs
	chown -R nobody home
	chmod 0000 "$key"
	refuses 1 "key.pem in the signer's home cannot be read: Permission denied" \
		setpriv --reuid=nobody --regid=nogroup --clear-groups ./vouchfs sign --profile release app.zip -o /dev/null/x
	chmod 0644 "$key"
	refuses 1 "key.pem in the signer's home is open to others" \
		setpriv --reuid=nobody --regid=nogroup --clear-groups ./vouchfs sign --profile release app.zip -o /dev/null/x
	rm "$key"
	refuses 1 "key.pem is missing in the signer's home" \
		setpriv --reuid=nobody --regid=nogroup --clear-groups ./vouchfs sign --profile release app.zip -o /dev/null/x
}

@test "what the service refuses exits 254 with AWS's error name" {
	refuses 254 "(ResourceNotFoundException) when calling the ListSigningProfiles operation: there is no signing account" \
		signer list-signing-profiles
	make_account
	refuses 254 "(ConflictException) when calling the CreateAccount operation" \
		signer create-account --account-id 111122223333
	refuses 254 "(ValidationException)" signer create-account --home "$T/x" --account-id 123
	make_zip
	refuses 254 "(ResourceNotFoundException) when calling the StartSigningJob operation: profile with name release does not exist" \
		start_plain
	refuses 254 "(ValidationException)" signer put-signing-profile --platform-id $PLATFORM --profile-name with-hyphen
	refuses 254 "(ValidationException)" signer put-signing-profile --platform-id Other --profile-name release
	for bad in value=0,type=DAYS value=136,type=MONTHS value=12,type=YEARS value=4107,type=DAYS; do
		refuses 254 "at least one day and at most 135 months" signer put-signing-profile --platform-id $PLATFORM \
			--profile-name release --signature-validity-period $bad
	done
	make_profile >/dev/null
	start >/dev/null
	cp out/*.zip app.zip
	refuses 254 "signed already" start_plain
	refuses 254 "(ResourceNotFoundException)" signer describe-signing-job --job-id 621a6850-a128-42db-bc30-bd65cc54e187
	refuses 254 "(ValidationException)" signer describe-signing-job --job-id 1
	refuses 254 "(AccessDeniedException)" signer get-signing-profile --profile-name release --profile-owner 444455556666

	chmod 750 home
	refuses 254 "(AccessDeniedException) when calling the ListSigningProfiles operation: the signer's home" \
		signer list-signing-profiles
	[[ $stderr == *"chmod 700 $T/home"* ]]
}

@test "bad parameters exit 252 and say what to write" {
	make_account
	refuses 252 "required: --source, --destination, --profile-name" signer start-signing-job
	refuses 252 "there is no S3 here, write --source file=PATH" signer start-signing-job \
		--source "s3={bucketName=b,key=app.zip,version=1}" --destination "s3={bucketName=b}" --profile-name release
	refuses 252 "there is no S3 here, write --destination directory=DIR" signer start-signing-job \
		--source file=app.zip --destination "s3={bucketName=b,prefix=x}" --profile-name release
	refuses 252 'did you mean "prefix"?' signer start-signing-job \
		--source file=app.zip --destination directory=out,prefx=x --profile-name release
	refuses 252 "did you mean --profile-name?" signer get-signing-profile --profil-name release
	refuses 252 "--endpoint-url is not for vouchfs" signer list-signing-profiles --endpoint-url http://x
	refuses 252 "--signing-material is not for vouchfs" signer put-signing-profile --platform-id $PLATFORM \
		--profile-name release --signing-material certificateArn=x
	refuses 252 "type= is DAYS, MONTHS or YEARS" signer put-signing-profile --platform-id $PLATFORM \
		--profile-name release --signature-validity-period value=1,type=WEEKS
	refuses 252 "--output is json" signer list-signing-profiles --output text
	refuses 252 "is in region local" signer list-signing-profiles --region eu-west-1
	refuses 252 "--effective-time is a time like" signer revoke-signing-profile --profile-name release \
		--profile-version 0123456789 --reason x --effective-time yesterday
	refuses 252 'did you mean "signer put-signing-profile"?' signer put-signing-profil
	refuses 252 "which command" signer
	signer list-signing-profiles --output json --region local --no-cli-pager >/dev/null
}

@test "help is everywhere, and goes to stdout" {
	for words in --help "signer --help" "signer put-signing-profile --help" "signer put-signing-profile help" \
		"help sign" "help signer export-trust" "inspect --help" --version; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr "$VOUCHFS" $words
		[ "$status" = 0 ] && [ -n "$output" ] && [ -z "$stderr" ]
	done
	"$VOUCHFS" signer start-signing-job --help | sed -n 3p | grep -qx "Examples:"
	refuses 2 'did you mean "sign"?' "$VOUCHFS" sing
	refuses 2 "which command" "$VOUCHFS"
	run "$VOUCHFS" --help
	[ "$(printf '%s\n' "$output" | awk 'length > 120' | wc -l)" = 0 ]
}

@test "an answer that cannot be written is a failure" {
	make_account
	run bash -c '"$0" signer list-signing-profiles >/dev/full' "$VOUCHFS"
	[ "$status" = 1 ]
	[[ $output == *"could not be written"* ]]
}
