#!/usr/bin/env bats
# Signer verbs of people who cannot read the home: through the signing service, as real users of three accounts.

load lib

CONSUMER=555555555555 # games
STRANGER=666666666666 # nobody
COLLEAGUE_UID=4242    # of no principal, so of the home's own account
NOBODY=621a6850-a128-42db-bc30-bd65cc54e187

setup() {
	need_root
	lib_setup
	cp "$VOUCHFS" "$T/vouchfs" # where everybody can run it
	VOUCHFS=$T/vouchfs
	mk_account
	ARN=$(mk_profile release)
	mk_profile other >/dev/null
	HOME_DIR=$(home_of)
	printf '[principal %s]\nuser = games\n[principal %s]\nuser = nobody\n' "$CONSUMER" "$STRANGER" \
		>"$HOME_DIR/principals"
	chmod 0711 "$T/homes"
	"$VOUCHFS" signer mount --home "$HOME_DIR" "$MNT"
	mkdir -m 1777 "$T/dir" "$T/dir/out"
	cd "$T/dir" || return
	mk_zip "$T/dir/app.zip" app.py='print(1)'
	chmod 0644 app.zip
	export VOUCHFS_SIGNER_SERVICE=$MNT
}
teardown() { lib_teardown; }

# allow ACTION [ACCOUNT] [PROFILE]
allow() {
	signer "$ACCOUNT" add-profile-permission --profile-name "${3:-release}" --action "signer:$1" \
		--principal "${2:-$CONSUMER}" --statement-id "$1-${2:-$CONSUMER}" >/dev/null
}

as_uid() {
	local uid=$1
	shift
	setpriv --reuid="$uid" --regid=65534 --clear-groups "$@"
}
# these run `vouchfs signer` as a user of the account
consumer() { as_uid games "$VOUCHFS" signer "$@"; }
stranger() { as_uid nobody "$VOUCHFS" signer "$@"; }
colleague() { as_uid "$COLLEAGUE_UID" "$VOUCHFS" signer "$@"; }

# start WHO [ARGUMENT ...]: app.zip with profile release
start() {
	local who=$1
	shift
	"$who" start-signing-job --source file=app.zip --destination directory=out,prefix=signed- --profile-name release "$@"
}
start_as_consumer() { start consumer --profile-owner "$ACCOUNT" "$@"; }

# refused NAME OPERATION SENTENCE COMMAND ...: exit 254, nothing on stdout; the sentence is a pattern
refused() {
	local name=$1 operation=$2 sentence=$3
	shift 3
	run --separate-stderr "$@"
	# shellcheck disable=SC2053 # a pattern
	if [ "$status" = 254 ] && [ -z "$output" ] &&
		[[ $stderr == "An error occurred ($name) when calling the $operation operation: "$sentence ]]; then
		return 0
	fi
	echo "$*: exit $status: $output $stderr"
	return 1
}
VALIDATION=ValidationException
NOT_FOUND=ResourceNotFoundException
DENIED=AccessDeniedException
lacks() { echo "account $1 has no permission for signer:$2 with profile ${3:-release}* of account $ACCOUNT; its owner allows it with: vouchfs signer add-profile-permission --profile-name ${3:-release} --action signer:$2 --principal $1 --statement-id $2-$1"; }

# Nothing but what every slot has is left in it.
assert_slot_is_clean() {
	[ "$(as_uid games ls -A "$MNT/release")" = $'jobs\nrevoke\nsigned' ]
	[ -z "$(as_uid games ls -A "$MNT/release/signed")" ]
	[ -z "$(find "$HOME_DIR/service/results" -type f)" ]
}

@test "another account signs with --profile-owner, and a host takes the result" {
	allow StartSigningJob
	start_as_consumer >answer
	python3 "$BATS_TEST_DIRNAME/shapes.py" check "signer start-signing-job" "$T/seen" <answer
	job=$(json_value jobId <answer)
	[ "$(json_value jobOwner <answer)" = "$ACCOUNT" ]
	[ "$(ls out)" = "signed-$job.zip" ]
	[ "$(stat -c %U "out/signed-$job.zip")" = games ]
	assert_slot_is_clean
	mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = $ARN
		untrusted_artifact_on_deployment = Enforce
	END
	"$VOUCHFS" verify --code-signing-config approved "out/signed-$job.zip"
}

@test "the own account needs no --profile-owner, and a statement" {
	refused $DENIED StartSigningJob "$(lacks "$ACCOUNT" StartSigningJob)" start colleague
	allow StartSigningJob "$ACCOUNT"
	start colleague
	start colleague --profile-owner "$ACCOUNT"
	[ "$(find out -type f | wc -l)" = 2 ]
}

@test "without a grant, and with the wrong owner" {
	allow StartSigningJob "$STRANGER" other
	refused $DENIED StartSigningJob "$(lacks "$CONSUMER" StartSigningJob)" start_as_consumer
	refused $DENIED StartSigningJob "$(lacks "$STRANGER" StartSigningJob)" start stranger --profile-owner "$ACCOUNT"
	refused $DENIED StartSigningJob "$(lacks "$STRANGER" StartSigningJob nothing)" stranger start-signing-job \
		--source file=app.zip --destination directory=out --profile-name nothing --profile-owner "$ACCOUNT"
	allow GetSigningProfile # it is seen, and that is all
	refused $DENIED StartSigningJob "$(lacks "$CONSUMER" StartSigningJob)" start_as_consumer
	refused $NOT_FOUND StartSigningJob "profile release of account $CONSUMER, for which you act, does not exist in this signing service, which is account $ACCOUNT's; what is that account's is named with --profile-owner $ACCOUNT" \
		start consumer
	refused $DENIED StartSigningJob "this signing service is account $ACCOUNT's; what account 777777777777 owns is reached through its own: *" \
		start consumer --profile-owner 777777777777
	refused $VALIDATION StartSigningJob '"me" is no account id; *' start consumer --profile-owner me
	unset VOUCHFS_SIGNER_HOME
	refused $NOT_FOUND StartSigningJob "profile with name nothing does not exist in account $ACCOUNT; *" "$VOUCHFS" signer \
		start-signing-job --source file=app.zip --destination directory=out --profile-name nothing
	[ -z "$(ls out)" ]
}

@test "what is refused has the names and the words that it has with a home" {
	allow StartSigningJob
	head -c 100 app.zip >cut.zip
	: >empty.zip
	printf 'no zip at all' >text.txt
	sign_zip release app.zip signed.zip
	chmod 0644 ./*.zip text.txt
	try() {
		consumer start-signing-job --profile-owner "$ACCOUNT" --destination "${2:-directory=out}" \
			--profile-name "${3:-release}" --source "file=$1"
	}
	refused $VALIDATION StartSigningJob "ZIP-R02: *; check that *" try cut.zip
	refused $VALIDATION StartSigningJob "ZIP-R02: *; check that *" try empty.zip
	refused $VALIDATION StartSigningJob "ZIP-R02: *; check that *" try text.txt
	refused $VALIDATION StartSigningJob "the artifact is signed already; sign the ZIP that the build made *" try signed.zip
	refused $NOT_FOUND StartSigningJob "the source none.zip cannot be opened: No such file or directory" try none.zip
	refused $VALIDATION StartSigningJob "the source out is not a regular file" try out
	refused $NOT_FOUND StartSigningJob "the destination directory */none/: No such file or directory" try app.zip directory=none
	refused $VALIDATION StartSigningJob "the destination's prefix ../x leads out *" try app.zip directory=out,prefix=../x
	refused $VALIDATION StartSigningJob '"../other" is no profile name; *' try app.zip directory=out ../other
	refused $VALIDATION StartSigningJob "a client request token has 1 to 256 bytes, this one has 257" \
		start_as_consumer --client-request-token "$(printf 'x%.0s' {1..257})"
	signer "$ACCOUNT" cancel-signing-profile --profile-name release
	refused $VALIDATION StartSigningJob "profile release is Canceled and signs no more; *" try app.zip
	[ -z "$(ls out)" ]
	signer "$ACCOUNT" list-signing-jobs --status Succeeded | json_value jobId | wc -l | grep -qx 1 # of sign_zip
}

@test "a source of any name, folders in the prefix, large files" {
	allow StartSigningJob
	head -c 3000000 /dev/urandom >"$T/dir/noise"
	zip -q big.zip noise
	cp app.zip "$(printf '%0250d.zip' 1)"
	cp app.zip $'.a\nb\e.jar'
	chmod 0644 ./*.zip .a*
	for source in big.zip "$(printf '%0250d.zip' 1)" $'.a\nb\e.jar'; do
		job=$(consumer start-signing-job --profile-owner "$ACCOUNT" --source "file=\"$source\"" \
			--destination directory=out,prefix=a/b/v1- --profile-name release | json_value jobId)
		[ -s "out/a/b/v1-$job.zip" ]
	done
	assert_slot_is_clean
}

@test "what the service has to say of a signature is said" {
	allow StartSigningJob
	printf 'built today' | zip -q -z app.zip
	run -0 --separate-stderr start_as_consumer
	[[ $stderr == "vouchfs: notice: "*comment* ]]
	run -0 --separate-stderr start_as_consumer --client-request-token x
	run -0 --separate-stderr start_as_consumer --client-request-token x # signs nothing
	[ -z "$stderr" ]
}

@test "a token gives the same job again" {
	allow StartSigningJob
	first=$(start_as_consumer --client-request-token 'build 7 / x')
	[ "$(start_as_consumer --client-request-token 'build 7 / x')" = "$first" ]
	second=$(start_as_consumer --client-request-token other)
	[ "$second" != "$first" ]
	[ "$(find out -type f | wc -l)" = 2 ]
	[ "$(as_uid games ls "$MNT/release/jobs" | wc -l)" = 2 ]
	head -c 100 app.zip >cut.zip # a token whose job was refused is free
	chmod 0644 cut.zip
	refused $VALIDATION StartSigningJob "ZIP-R02*" consumer start-signing-job --profile-owner "$ACCOUNT" \
		--source file=cut.zip --destination directory=out --profile-name release --client-request-token again
	start_as_consumer --client-request-token again
	as_uid games sh -c "rm '$MNT/release/signed/'*"
	refused ConflictException StartSigningJob "*client request token is done*" start_as_consumer --client-request-token other
}

@test "calls with one token at once make one job" {
	allow StartSigningJob
	pids=()
	for n in 1 2 3 4; do
		start_as_consumer --client-request-token t >"answer$n" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	for n in 2 3 4; do cmp answer1 "answer$n"; done
	[ "$(find out -type f | wc -l)" = 1 ]
	[ "$(as_uid games ls "$MNT/release/jobs" | wc -l)" = 1 ]
}

@test "ten calls at once, of files with one name" {
	allow StartSigningJob
	pids=()
	for n in {0..9}; do
		mkdir "d$n"
		mk_zip "$T/dir/d$n/app.zip" "app.py=print($n)"
		chmod -R a+rX "d$n"
	done
	for n in {0..9}; do
		consumer start-signing-job --profile-owner "$ACCOUNT" --source "file=d$n/app.zip" \
			--destination directory=out --profile-name release >"answer$n" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	for n in {0..9}; do
		[ "$(unzip -p "out/$(json_value jobId <"answer$n").zip" app.py 2>/dev/null)" = "print($n)" ]
	done
	assert_slot_is_clean
}

@test "jobs are described and listed as with a home, and only one's own" {
	allow StartSigningJob
	allow StartSigningJob "$STRANGER"
	allow StartSigningJob "$CONSUMER" other
	a=$(start_as_consumer | json_value jobId)
	b=$(start_as_consumer | json_value jobId)
	c=$(start stranger --profile-owner "$ACCOUNT" | json_value jobId)
	consumer start-signing-job --profile-owner "$ACCOUNT" --source file=app.zip --destination directory=out --profile-name other
	signer "$ACCOUNT" revoke-signature --job-id "$b" --reason 'a "reason"'

	for job in "$a" "$b"; do
		consumer describe-signing-job --job-id "$job" >described
		signer "$ACCOUNT" describe-signing-job --job-id "$job" | cmp - described
	done
	consumer wait successful-signing-job --job-id "$a"
	refused $NOT_FOUND DescribeSigningJob "signing job $c does not exist in account $ACCOUNT, or it is not for account $CONSUMER to see; *" \
		consumer describe-signing-job --job-id "$c"
	refused $NOT_FOUND DescribeSigningJob "signing job $NOBODY does not *" consumer describe-signing-job --job-id $NOBODY
	refused $VALIDATION DescribeSigningJob '"../x" is no job id; *' consumer describe-signing-job --job-id ../x

	# what the home lists of the account, whatever is asked
	for filter in "" --is-revoked --no-is-revoked "--status Failed" "--max-results 2" "--max-items 1" \
		"--requested-by $CONSUMER" "--requested-by $STRANGER" "--signature-expires-before 2026-01-01T00:00:00Z"; do
		# shellcheck disable=SC2086 # words
		consumer list-signing-jobs $filter >listed
		[[ $filter == *requested-by* ]] || filter+=" --requested-by $CONSUMER"
		[ "$filter" != "--requested-by $STRANGER" ] || filter="--requested-by 999999999999"
		# shellcheck disable=SC2086 # words
		signer "$ACCOUNT" list-signing-jobs $filter | cmp - listed
	done
	[ "$(consumer list-signing-jobs | grep -c jobId)" = 3 ]
	token=$(consumer list-signing-jobs --max-results 2 | json_value nextToken)
	[ "$(consumer list-signing-jobs --next-token "$token" | grep -c jobId)" = 1 ]
	[ "$(as_uid 0 "$VOUCHFS" signer list-signing-jobs | grep -c jobId)" = 4 ] # the owner sees all
	python3 "$BATS_TEST_DIRNAME/shapes.py" check "signer list-signing-jobs" "$T/seen" < <(consumer list-signing-jobs)
	[ "$(colleague list-signing-jobs | tr -d ' \n')" = '{"jobs":[]}' ]
	refused $VALIDATION ListSigningJobs '--next-token "x" is none of this verb*' consumer list-signing-jobs --next-token x
}

@test "a profile is shown to those who may see it" {
	refused $DENIED GetSigningProfile "$(lacks "$CONSUMER" GetSigningProfile)" \
		consumer get-signing-profile --profile-name release --profile-owner "$ACCOUNT"
	allow StartSigningJob
	refused $DENIED GetSigningProfile "$(lacks "$CONSUMER" GetSigningProfile)" \
		consumer get-signing-profile --profile-name release --profile-owner "$ACCOUNT"
	allow GetSigningProfile
	consumer get-signing-profile --profile-name release --profile-owner "$ACCOUNT" >profile
	signer "$ACCOUNT" get-signing-profile --profile-name release | cmp - profile
	refused $NOT_FOUND GetSigningProfile "profile release of account $CONSUMER, for which you act, *" \
		consumer get-signing-profile --profile-name release
}

@test "an account revokes what it has had signed, when it may" {
	allow StartSigningJob
	allow StartSigningJob "$STRANGER"
	allow RevokeSignature "$STRANGER"
	job=$(start_as_consumer | json_value jobId)
	revoke() { "$1" revoke-signature --job-id "$job" --job-owner "$ACCOUNT" --reason "$2"; }
	refused $DENIED RevokeSignature "$(lacks "$CONSUMER" RevokeSignature)" revoke consumer leaked
	refused $NOT_FOUND RevokeSignature "signing job $job does not exist in account $ACCOUNT, or it is not for account $STRANGER to see; *" \
		revoke stranger leaked
	allow RevokeSignature
	for reason in "" $'two\nlines' "caf"$'\xc3\xa9' "$(printf 'x%.0s' {1..501})" "$(printf 'x%.0s' {1..600})" $'ends\n'; do
		refused $VALIDATION RevokeSignature "*1 to 500 characters of printable ASCII*" revoke consumer "$reason"
	done
	refused $NOT_FOUND RevokeSignature "signing job $job of account $CONSUMER, *; what is that account's is named with --job-owner $ACCOUNT" \
		consumer revoke-signature --job-id "$job" --reason leaked
	run -0 signer "$ACCOUNT" describe-signing-job --job-id "$job"
	[[ $output != *revocationRecord* ]]
	run -0 --separate-stderr revoke consumer 'key was lost'
	[ -z "$output$stderr" ]
	run -0 revoke consumer 'once more'
	signer "$ACCOUNT" describe-signing-job --job-id "$job" >described
	grep -q '"reason": "key was lost"' described
	grep -q "\"revokedBy\": \"$CONSUMER\"" described
}

@test "a result that cannot be put in its place stays in the service" {
	allow StartSigningJob
	# a directory under the name of the result: that name is known only when it is signed
	run ! as_uid games env VOUCHFS_TEST_FAULT=linkat:1:ENOSPC "$VOUCHFS" signer start-signing-job --source file=app.zip \
		--destination directory=out --profile-name release --profile-owner "$ACCOUNT"
	[[ $output == *"signing job "*" is done, and its result stays in the service, $MNT/release/signed/app-"*".zip: "*"No space left"* ]]
	as_uid games sh -c "cp '$MNT/release/signed/'app-*.zip out/"
	[ "$(consumer list-signing-jobs --status Succeeded | grep -c jobId)" = 1 ]
}

@test "sign goes through it, too" {
	allow StartSigningJob
	chown games app.zip
	chmod 0600 app.zip
	run -0 as_uid games "$VOUCHFS" sign --profile release app.zip
	[[ $output == "$T/dir/app.zip: signed by $ARN, job "* ]]
	[ "$(stat -c '%U %a' app.zip)" = "games 600" ]
	mk_zip "$T/dir/b.zip" b.py=2
	chmod 0644 b.zip
	run -0 as_uid games "$VOUCHFS" sign --service "$MNT" --profile release b.zip -o out/b.zip --json
	[[ $output == *"\"file\": \"$T/dir/out/b.zip\""*"\"profileVersionArn\": \"$ARN\""* ]]
	"$VOUCHFS" inspect out/b.zip | grep -q "$ARN"
	run -1 as_uid games "$VOUCHFS" sign --profile release app.zip
	[[ $output == *"signed already"* ]]
	assert_slot_is_clean
}

@test "a home or a service" {
	allow StartSigningJob
	VOUCHFS_SIGNER_HOME=$HOME_DIR run -0 --separate-stderr "$VOUCHFS" signer list-signing-jobs # a home goes first
	for verb in "signer list-signing-jobs" "sign --profile release app.zip"; do
		# shellcheck disable=SC2086 # words
		run "$VOUCHFS" $verb --home "$HOME_DIR" --service "$MNT"
		[[ $status == @(2|252) && $output == *"--service does not go with --home"* ]]
	done
	run -252 "$VOUCHFS" signer start-signing-job --source file=app.zip --destination directory=out --profile-name release \
		--timestamp-url http://localhost/
	[[ $output == *"--timestamp-url does not go with a signing service"* ]]
	for verb in "PutSigningProfile put-signing-profile --platform-id AWSLambda-SHA384-ECDSA" \
		"AddProfilePermission add-profile-permission --action signer:StartSigningJob --principal $CONSUMER --statement-id x"; do
		operation=${verb%% *} verb=${verb#* }
		# shellcheck disable=SC2086 # words
		run -252 "$VOUCHFS" signer $verb --profile-name x --service "$MNT"
		[[ $output == *"does not go through a signing service"*"--home DIR"* ]]
		# shellcheck disable=SC2086 # words
		refused $NOT_FOUND "$operation" "${verb%% *} does not go through a signing service (\$VOUCHFS_SIGNER_SERVICE); it works on the account's home, which --home DIR names: *" \
			as_uid games env HOME=/nonexistent "$VOUCHFS" signer $verb --profile-name x
	done
	run -252 consumer list-signing-jobs --region mars
	[[ $output == *"the account of this signing service is in region local"* ]]
	consumer list-signing-jobs --region local
}

@test "what is no service" {
	refused $VALIDATION ListSigningJobs "$T/dir is no signing service: *" consumer list-signing-jobs --service "$T/dir"
	refused $VALIDATION ListSigningJobs "$MNT/release is no signing service: *" "$VOUCHFS" signer list-signing-jobs --service "$MNT/release"
	refused $NOT_FOUND ListSigningJobs "the signing service /none cannot be reached: No such file or directory; *" \
		consumer list-signing-jobs --service /none
	refused $VALIDATION ListSigningJobs "app.zip is no signing service: *" consumer list-signing-jobs --service app.zip
	run -1 as_uid games "$VOUCHFS" sign --profile release app.zip --service "$T/dir"
	[[ $output == *"is no signing service"* ]]
	echo nonsense >"$HOME_DIR/principals"
	refused $DENIED ListSigningJobs "the signing service $MNT cannot tell for which account user 5 acts *; account $ACCOUNT has to mend the file principals in its home" \
		consumer list-signing-jobs
	"$VOUCHFS" unmount "$MNT"
	refused $VALIDATION ListSigningJobs "$MNT is no signing service: *" consumer list-signing-jobs
}
