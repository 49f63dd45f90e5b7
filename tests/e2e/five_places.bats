#!/usr/bin/env bats
# What is decided is said in five places: errno, attributes, .vouchfs/why, the daemon's log, `vouchfs why`; and it has a
# number in the audit log. They agree, for every reason there is.

load lib
load policy

GUEST_ACCOUNT=444455556666

setup() {
	lib_setup
	cp "$BATS_TEST_DIRNAME/five_places.py" "$T/"
	export PYTHONDONTWRITEBYTECODE=1
}

# The daemon's log is in $T/log.
start_mount() {
	"$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
	eventually grep -q "serving $CONF on $MNT" "$T/log"
}

# says FILE SLOT/NAME OUTCOME CODE ERRNO [COMMAND ...]: deploys it, as the command says, and compares
says() {
	local file=$1 target=$2 outcome=$3 code=$4 error=$5 answer
	shift 5
	answer=$("$@" python3 "$T/five_places.py" deploy "$file" "$MNT/$target")
	[ "${answer/ok/-}" = "$error" ] || { echo "$target: $answer instead of $error" && false; }
	SEEN+=" $code"
	python3 "$T/five_places.py" compare "$VOUCHFS" "$MNT" "$T/log" "${target%/*}" "$outcome" "$code" "$error"
}

make_all() {
	local job short
	stop_clock
	mk_account
	mk_account 222233334444
	arn=$(mk_profile release)
	mk_profile nightly >/dev/null
	mk_profile retired >/dev/null
	short=$(signer 222233334444 put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name short \
		--signature-validity-period value=1,type=DAYS | json_value profileVersionArn)
	mk_signed "$T/good.zip" app.py='print(1)'
	mk_zip "$T/unsigned.zip" app.py='print(2)'
	mk_zip "$T/nightly.zip" app.py='print(3)'
	sign_zip nightly "$T/nightly.zip"
	mk_zip "$T/short.zip" app.py='print(4)'
	sign_zip short "$T/short.zip" "" 222233334444
	mk_zip "$T/revoked.zip" app.py='print(5)'
	sign_zip release "$T/revoked.zip"
	job=$("$VOUCHFS" inspect --json "$T/revoked.zip" | sed -n 's/.*signing-jobs\/\([0-9a-f-]*\)".*/\1/p' | head -n 1)
	signer "$ACCOUNT" revoke-signature --job-id "$job" --reason leaked
	echo 'not a ZIP' >"$T/broken.zip"
	python3 - "$T/good.zip" "$T/tampered.zip" <<-'END'
		import sys
		content = bytearray(open(sys.argv[1], "rb").read())
		content[40] ^= 1
		open(sys.argv[2], "wb").write(content)
	END
	head -c 300000 /dev/urandom >"$T/noise"
	(cd "$T" && zip -q large.zip noise)
	head -c 60000 /dev/zero | tr '\0' x >"$T/x"
	mk_zip "$T/wide.zip" app.py="$(cat "$T/x")"
	sign_zip release "$T/wide.zip"
	mk_zip "$T/widelayer.zip" lib.py="$(cat "$T/x")"
	sign_zip release "$T/widelayer.zip"
	VOUCHFS_SECTION="errno_style = ${1:-key}
max_artifact_size = 200000
max_unpacked_size = 100000" mk_config <<-END
		[code-signing-config Enforce]
		allowed_publisher = $arn
		allowed_publisher = $short
		untrusted_artifact_on_deployment = Enforce
		[code-signing-config Warn]
		allowed_publisher = $arn
		[function main]
		code_signing_config = Enforce
		[function relaxed]
		code_signing_config = Warn
		[function guest]
		code_signing_config = Enforce
		owner = 65534
		[layer base]
		[layer plain]
		[layer wide]
		[principal $GUEST_ACCOUNT]
		user = 65534
	END
	start_mount
}

# all_reasons STYLE: 1 or 2 names an errno of each, in this style
all_reasons() {
	local key=$1
	pick() { if [ "$key" = key ]; then echo "$1"; else echo "$2"; fi; }
	SEEN=
	says "$T/good.zip" functions/main/a.zip accepted - -
	says "$T/unsigned.zip" functions/relaxed/a.zip warned VF2001 -
	says "$T/broken.zip" functions/main/a.zip refused VF1001 EINVAL
	says "$T/tampered.zip" functions/main/a.zip refused VF1002 "$(pick EBADMSG EPERM)"
	says "$T/unsigned.zip" functions/main/a.zip refused VF2001 "$(pick ENOKEY EACCES)"
	says "$T/nightly.zip" functions/main/a.zip refused VF2002 "$(pick EKEYREJECTED EACCES)"
	says "$T/revoked.zip" functions/main/a.zip refused VF2004 "$(pick EKEYREVOKED EACCES)"
	says "$T/large.zip" functions/main/a.zip refused VF4002 EFBIG

	# layers
	says "$T/tampered.zip" layers/base/1.zip refused VF1002 "$(pick EBADMSG EPERM)"
	says "$T/good.zip" layers/base/1.zip accepted - -
	says "$T/unsigned.zip" layers/plain/1.zip accepted - -
	says "$T/widelayer.zip" layers/wide/1.zip accepted - -
	echo plain:1 >"$T/plain"
	echo base:1 >"$T/base"
	echo wide:1 >"$T/wide"
	echo nothing >"$T/nothing"
	echo absent:1 >"$T/absent"
	says "$T/plain" functions/main/layers refused VF2005 "$(pick ENOKEY EACCES)"
	says "$T/nothing" functions/main/layers refused VF2005 EINVAL
	says "$T/absent" functions/main/layers refused VF4001 ENOENT
	says "$T/wide.zip" functions/main/a.zip accepted - -
	says "$T/wide" functions/main/layers refused VF4002 E2BIG
	if [ "$(id -u)" = 0 ]; then
		says "$T/good.zip" functions/guest/a.zip accepted - -
		says "$T/base" functions/guest/layers refused VF2005 EACCES as_user env PATH=/usr/bin:/bin
	fi

	# time passes: what was signed for a day is over, and the lists are old
	move_clock $((400 * 86400))
	says "$T/short.zip" functions/main/a.zip refused VF2003 "$(pick EKEYEXPIRED EACCES)"
	says "$T/good.zip" functions/main/a.zip refused VF3001 "$(pick EKEYREJECTED EACCES)"
}

# every_code_was_seen DIGITS: those that begin with one of them
every_code_was_seen() {
	local code
	for code in $(grep -o "\"VF[$1][0-9]*\"" "$BATS_TEST_DIRNAME/../../src/policy/reason.c" | tr -d '"' | sort -u); do
		[[ $SEEN == *"$code"* ]] || { echo "nothing was refused with $code" && false; }
	done
}

@test "errno, attributes, why, log, and vouchfs why say the same for every reason" {
	make_all
	all_reasons key
	every_code_was_seen 1-4
	# and the log is whole, up to the last of them
	head=$("$VOUCHFS" audit head)
	[ "${head%%:*}" = "$(getfattr --only-values -n user.vouchfs.last_event "$MNT/functions/main")" ]
	"$VOUCHFS" audit verify --head "$head"
}

@test "the same with errno_style = permission" {
	make_all permission
	all_reasons permission
	every_code_was_seen 1-4
}

@test "the same of policy bundles" {
	local style
	stop_clock
	make_policy_host
	mk_signed "$T/artifact.zip"
	mk_zip "$T/unsigned.zip"
	pack_policy 1
	pack_policy 2
	POLICY_TERMS='hosts = elsewhere' pack_policy 3
	for style in key permission; do
		VOUCHFS_SECTION="errno_style = $style" write_policy_host
		start_mount
		SEEN=
		says "$T/policy-2.zip" policy/policy.zip accepted - -
		says "$T/unsigned.zip" policy/policy.zip refused VF2001 "$([ $style = key ] && echo ENOKEY || echo EACCES)"
		says "$T/artifact.zip" policy/policy.zip refused VF1002 "$([ $style = key ] && echo EBADMSG || echo EPERM)"
		says "$T/policy-3.zip" policy/policy.zip refused VF5001 EINVAL
		says "$T/policy-1.zip" policy/policy.zip refused VF5002 EPERM
		every_code_was_seen 5
		stop_mount
		rm -r "$STORE"
	done
}

@test "a slot that is not there: ENOENT, and why says which are" {
	make_all
	run -1 cp "$T/good.zip" "$MNT/functions/mian/"
	run -1 "$VOUCHFS" why mian
	[[ $output == *"there is no slot functions/mian, did you mean functions/main?"* ]]
}

@test "what fails for the disk, or for its name, has its event, too" {
	make_all
	# a name that is a number has to be the next one
	[ "$(python3 "$T/five_places.py" deploy "$T/good.zip" "$MNT/layers/base/7.zip")" = EINVAL ]
	local event
	event=$(getfattr --only-values -n user.vouchfs.last_event "$MNT/layers/base")
	[[ $("$VOUCHFS" why layers/base) == "not published"*"event             $event" ]]
	run -0 "$VOUCHFS" why "$event"
	[[ $output == "deployment-failed  slot=layers/base  artifact=7.zip"*"errno             EINVAL"* ]]
	grep -q " event $event: failed (EINVAL): layers/base, 7.zip: " "$T/log"

	stop_mount
	VOUCHFS_TEST_FAULT="linkat:1:EIO" start_mount
	[ "$(python3 "$T/five_places.py" deploy "$T/good.zip" "$MNT/functions/main/a.zip")" = EIO ]
	event=$(getfattr --only-values -n user.vouchfs.last_event "$MNT/functions/main")
	[[ $("$VOUCHFS" why main) == "not deployed"*"event             $event" ]]
	run -0 "$VOUCHFS" why "$event"
	[[ $output == "deployment-failed  slot=functions/main  artifact=a.zip"*"errno             EIO"* ]]
	grep -q " event $event: failed (EIO): functions/main, a.zip: " "$T/log"
}
