#!/usr/bin/env bats
# A signer command is killed, or its disk fails, at every changing system call: the home stays whole, the same command
# works when it is given again, and there is no signature without a job. FAULT_STEP=1 (make crash) leaves out no call.

load lib

PLATFORM=AWSLambda-SHA384-ECDSA
CALLS=80 # more than any command makes

setup() {
	lib_setup
	H=$T/home
	OUT=$T/out
	export VOUCHFS_SIGNER_HOME=$H
	"$VOUCHFS" signer create-account --account-id "$ACCOUNT" >/dev/null
	VERSION_OLD=$(mk_version old)
	mk_version release >/dev/null
	mk_zip "$T/app.zip"
	mkdir "$OUT"
	JOB=$(mk_job)
	cp -a "$H" "$T/before"
}

mk_version() {
	"$VOUCHFS" signer put-signing-profile --platform-id $PLATFORM --profile-name "$1" | json_value profileVersion
}

# mk_job [PROFILE]: signs into out/, prints the job's id
mk_job() {
	"$VOUCHFS" signer start-signing-job --source "file=$T/app.zip" --destination "directory=$OUT" \
		--profile-name "${1:-release}" | json_value jobId
}

begin_again() {
	rm -rf "$H" "$OUT" "$T/trust" "$T/new"
	cp -a "$T/before" "$H"
	mkdir "$OUT"
	cp "$T/app.zip" "$T/in-place.zip"
}

# with_fault FAULT COMMAND ...: its exit status in $status, what it said in $T/err
with_fault() {
	status=0
	VOUCHFS_TEST_FAULT=$1 "$VOUCHFS" "${@:2}" >/dev/null 2>"$T/err" || status=$?
} 2>/dev/null # not bash's "Killed"

# The commands; each must work again after it was cut off.
each_command() {
	"$@" signer create-account --account-id "$ACCOUNT" --home "$T/new"
	"$@" signer put-signing-profile --platform-id $PLATFORM --profile-name fresh
	"$@" signer put-signing-profile --platform-id $PLATFORM --profile-name release
	"$@" signer cancel-signing-profile --profile-name old
	"$@" signer add-profile-permission --profile-name release --action signer:StartSigningJob --principal 555555555555 \
		--statement-id next
	"$@" signer start-signing-job --source "file=$T/app.zip" --destination "directory=$OUT" --profile-name release \
		--client-request-token once
	"$@" sign --profile release "$T/in-place.zip"
	"$@" signer revoke-signature --job-id "$JOB" --reason leaked
	"$@" signer revoke-signing-profile --profile-name old --profile-version "$VERSION_OLD" --reason leaked \
		--effective-time 2026-01-01T00:00:00Z
	"$@" signer refresh-revocations --revocation-list-days 7
	"$@" signer export-trust --directory "$T/trust"
}

# The signed files, and the ids of their jobs.
signed_files() {
	local file
	for file in "$OUT"/*.zip "$T/in-place.zip"; do
		[ ! -f "$file" ] || "$VOUCHFS" inspect --json "$file" | sed -n 's/.*:\/signing-jobs\/\([0-9a-f-]*\)".*/\1/p'
	done
}

# Whatever happened: everything can be read, every signature has a job and can be revoked, every profile signs.
is_whole() {
	local jobs id name files
	jobs=$("$VOUCHFS" signer list-signing-jobs) || return
	files=$(signed_files) || return
	for id in $files; do
		grep -q "\"jobId\": \"$id\"" <<<"$jobs" || { echo "there is no job $id"; return 1; }
		"$VOUCHFS" signer revoke-signature --job-id "$id" --reason leaked || return
	done
	[ -z "$(find "$OUT" -name '.*')" ] || { echo "left in out/: $(ls -A "$OUT")"; return 1; }
	"$VOUCHFS" signer list-profile-permissions --profile-name release >"$T/permissions" 2>&1 ||
		grep -q ResourceNotFoundException "$T/permissions" || return
	if [ -d "$T/trust" ]; then
		for name in "$T/trust/$ACCOUNT".*; do
			[ ! -f "$name" ] || openssl asn1parse -in "$name" -noout || return
		done
	fi
	for name in $("$VOUCHFS" signer list-signing-profiles | sed -n 's/.*"profileName": "\(.*\)".*/\1/p'); do
		[ -n "$(mk_job "$name")" ] || { echo "profile $name does not sign"; return 1; }
	done
}

works_again() {
	local output exit_code=0
	output=$("$VOUCHFS" "$@" 2>&1) || exit_code=$?
	# what was done before it was killed
	[ "$exit_code" = 0 ] || [[ $output == *"holds a signing account already"* ]] || [[ $output == *"is signed already"* ]] ||
		[[ $output == *"has a statement next already"* ]] || {
		echo "again: $output"
		return 1
	}
	[ "$2" != create-account ] || "$VOUCHFS" signer put-signing-profile --platform-id $PLATFORM --profile-name first --home "$T/new" >/dev/null
}

# count_calls COMMAND ...: how many changing calls it makes, in $calls: it is killed at that one, and not at the next
count_calls() {
	local at above=$CALLS
	calls=0
	while [ $((above - calls)) -gt 1 ]; do
		at=$(((calls + above) / 2))
		begin_again
		with_fault "*:$at:kill" "$@"
		case $status in
		137) calls=$at ;;
		0) above=$at ;;
		*) return 1 ;;
		esac
	done
	[ "$calls" -ge 4 ] && [ "$above" -lt "$CALLS" ]
}

# sweep STEP FAULT COMMAND ...
sweep() {
	local n calls step=$1 fault=$2 what
	shift 2
	count_calls "$@"
	for ((n = 1 + calls % step; n <= calls; n += step)); do
		begin_again
		with_fault "*:$n:$fault" "$@"
		what="$fault at call $n of $calls of: ${*:1:2}"
		said_why "$fault" || { echo "$what: exit $status, $(<"$T/err")"; return 1; }
		is_whole || { echo "$what: not whole"; return 1; }
		works_again "$@" || { echo "$what: does not work again"; return 1; }
	done
}

# A command that goes on without what failed has succeeded; one that fails says why, in one line.
said_why() {
	case $1/$status in
	kill/137) return 0 ;;
	EIO/0 | ENOSPC/0) return 0 ;;
	EIO/254 | EIO/1) grep -q 'Input/output error$' "$T/err" && [ "$(wc -l <"$T/err")" = 1 ] ;;
	ENOSPC/254 | ENOSPC/1) grep -q 'No space left on device$' "$T/err" && [ "$(wc -l <"$T/err")" = 1 ] ;;
	*) return 1 ;;
	esac
}

@test "kill -9 at the changing calls of every command" {
	each_command sweep "${FAULT_STEP:-5}" kill
}

@test "EIO at the changing calls of every command" {
	each_command sweep "${FAULT_STEP:-9}" EIO
}

@test "a full disk at the changing calls of every command" {
	each_command sweep "${FAULT_STEP:-11}" ENOSPC
}
