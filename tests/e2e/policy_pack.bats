#!/usr/bin/env bats
# Policy bundles as files: packed, signed, looked at, compared; and that none passes for an artifact, nor the reverse.

load lib
load policy

setup() {
	lib_setup
	cd "$T" || return
	make_policy_host
}

# pack DIRECTORY [OPTION ...]
pack() {
	VOUCHFS_SIGNER_HOME=$(home_of "$POLICY_ACCOUNT") "$VOUCHFS" policy pack --profile governor "$@"
}

# shellcheck disable=SC2153 # ACCOUNT is lib.bash's
# mk_policy SEQUENCE DIRECTORY: without any revocation list
mk_policy() {
	write_policy "$1" "$2"
	rm "$2/trust/"*
	cp "$T/etc/trust/$ACCOUNT.pem" "$2/trust/"
	printf '[account %s]\ncertificate = trust/%s.pem\nrevocations_required = no\n' "$ACCOUNT" "$ACCOUNT" \
		>"$2/conf.d/account.conf"
}

# A bundle that nothing is to be warned of but its lists' end: with the publisher's own list.
write_whole_policy() {
	write_policy "$1" "$2"
	cp "$T/etc/trust/"* "$2/trust/"
	for account in "$ACCOUNT" "$POLICY_ACCOUNT"; do
		printf '[account %s]\ncertificate = trust/%s.pem\nrevocations = trust/%s.revocations\n' \
			"$account" "$account" "$account"
	done >"$2/conf.d/account.conf"
}

# refused TEXT: packing p fails, says this, and writes nothing
refused() {
	rm -f p.zip
	run -78 --separate-stderr pack p -o p.zip
	[ -z "$output" ]
	[[ $stderr == *"$1"* ]] || { echo "$stderr"; return 1; }
	[[ $stderr == *"nothing was packed"* ]]
	[ ! -e p.zip ]
}

@test "pack, show, inspect, verify" {
	export POLICY_TERMS=$'description = spring\nhosts = web-* db-1\nlabels = eu\nremediate = yes\n[unit]\nUMask = 0077'
	write_whole_policy 7 p
	run --separate-stderr pack p -o p.zip
	[ "$status" -eq 0 ]
	[[ $output == "p.zip: policy bundle 7"* ]]
	[[ $output == *"$GOVERNOR"* && $output == *"valid until"* ]]
	[[ $output == *"for hosts "*"db-1 web-*"*"or labels"*"eu"* ]]
	[[ $output == *"configs        1: prod"*"functions      1: main"* ]]
	[[ $output == *"account        $ACCOUNT"*"next update"* ]]
	[[ $output == *"next "*"vouchfs policy apply p.zip"* ]]

	run "$VOUCHFS" policy show p.zip
	[ "$status" -eq 0 ]
	[[ $output == *"integrity      good"*"description    spring"* ]]
	[[ $output == *"[code-signing-config prod]"*"allowed_publisher = $RELEASE"*"[function main]"* ]]
	"$VOUCHFS" policy show --json p.zip >show.json
	[ "$(jq -c '[.sequence, .hosts, .local, .remediate, .unit.UMask, .functions]' show.json)" = \
		'[7,["db-1","web-*"],"refuse",true,"0077",["main"]]' ]
	[ "$(jq -r '.accounts[].listSequence' show.json)" = $'1\n1' ]
	[ "$(jq -r '.files[0].name' show.json)" = policy.conf ]

	run "$VOUCHFS" inspect p.zip
	[[ $output == *"signed         yes, as a policy bundle"*"integrity      good"* ]]
	[ "$("$VOUCHFS" inspect --json p.zip | jq -r .content)" = "policy bundle" ]
	run "$VOUCHFS" verify --policy p.zip
	[ "$status" -eq 0 ]
	[[ $output == *accepted* ]]
	run "$VOUCHFS" verify --policy --function main p.zip
	[ "$status" -eq 2 ]
}

@test "every tool reads what is packed, and the same files make the same bytes" {
	mk_policy 1 p
	pack p -o a.zip 2>/dev/null >/dev/null
	touch -d 2001-01-01 p/policy.conf
	chmod 0600 p/conf.d/functions.conf
	pack p -o b.zip 2>/dev/null >/dev/null
	length=$("$VOUCHFS" inspect --json a.zip | jq .statement.length)
	cmp <(head -c "$length" a.zip) <(head -c "$length" b.zip)

	names=$'conf.d/account.conf\nconf.d/functions.conf\npolicy.conf\ntrust/'$ACCOUNT.pem
	unzip -tq a.zip
	[ "$(unzip -Z1 a.zip | sort)" = "$names" ]
	[ "$(bsdtar tf a.zip | sort)" = "$names" ]
	python3 -m zipfile -t a.zip
	mkdir out
	unzip -q a.zip -d out
	diff -r p out
	[ -z "$(find out -type f -perm /111)" ]
}

@test "what is not a policy is not packed: each file with what is wrong" {
	mk_policy 1 p
	touch p/README.md p/conf.d/functions.conf~ p/trust/.cache
	refused "p/README.md: does not belong here"
	[[ $stderr == *"p/conf.d/functions.conf~: looks like a backup"* && $stderr == *"p/trust/.cache: no name"* ]]

	mk_policy 1 p
	ln -s /etc/hostname p/conf.d/host.conf
	refused "p/conf.d/host.conf: is a symbolic link"
	mk_policy 1 p
	chmod g+w p/policy.conf
	refused "p/policy.conf: has mode 0664"
	mk_policy 1 p
	rm p/policy.conf
	refused "p/policy.conf: is missing"
	mk_policy 1 p
	sed -i s/sequence/sequenze/ p/policy.conf
	refused 'p/policy.conf:2: unknown key "sequenze"'
	mk_policy 1 p
	printf '[function web]\ncode_signing_config = nothing\n' >p/conf.d/z.conf
	refused "p/conf.d/z.conf:2: "
	mk_policy 1 p
	printf '[vouchfs]\nstore = /x\n[polizy]\n' >p/conf.d/z.conf
	refused "p/conf.d/z.conf:2: "
	[[ $stderr == *"p/conf.d/z.conf:3: "* ]]
	mk_policy 1 p
	rm "p/trust/$ACCOUNT.pem"
	refused "p/conf.d/account.conf:2: "
	mk_policy 1 p
	echo "no certificate" >"p/trust/$ACCOUNT.pem"
	refused "p/trust/$ACCOUNT.pem: "
	mk_policy 1 p
	sed -i 's|^revocations_required.*|revocations = trust/other|' p/conf.d/account.conf
	cp "$T/etc/trust/$POLICY_ACCOUNT.revocations" p/trust/other
	refused "p/trust/other: "
	rm -r p
	refused "p: No such file or directory"
}

@test "what is in the way of the output stays" {
	mk_policy 1 p
	run -1 pack p -o p/policy.zip
	[[ $output == *"lies in the directory that is packed"* ]]
	[ ! -e p/policy.zip ]
	echo notes >notes.txt
	run -1 pack p -o notes.txt
	[[ $output == *"is no policy bundle, and is not replaced"* ]]
	[ "$(cat notes.txt)" = notes ]
	run -1 pack p -o nowhere/p.zip
	[[ $output == *"No such file or directory"* ]]
	run -1 env VOUCHFS_SIGNER_HOME="$(home_of "$POLICY_ACCOUNT")" "$VOUCHFS" policy pack p --profile nobody -o p.zip
	[[ $output == *nobody* ]]
	run -2 pack p
	[[ $output == *"--output"* ]]
	run -2 pack p -o p.zip --service x
	[[ $output == *"packed where the home is"* ]]
	[ ! -e p.zip ]
}

@test "another bundle with the sequence of the one that is replaced is warned about" {
	write_whole_policy 3 p
	pack p -o p.zip 2>/dev/null >/dev/null
	run --separate-stderr pack p -o p.zip
	[ "$status" -eq 0 ]
	[[ $stderr != *"said something else"* ]]
	echo "remediate = yes" >>p/policy.conf
	run --separate-stderr pack p -o p.zip
	[ "$status" -eq 0 ]
	[[ $stderr == *"p.zip had sequence 3, and said something else"*"raise the sequence"* ]]
	sed -i 's/sequence = 3/sequence = 4/' p/policy.conf
	run --separate-stderr pack p -o p.zip
	[[ $stderr != *"said something else"* ]]
}

@test "what will be wrong with it later is said, with its date" {
	stop_clock
	write_whole_policy 1 p
	run --separate-stderr pack p -o p.zip --json
	[ "$status" -eq 0 ]
	next=$(jq -r ".accounts[] | select(.accountId == \"$ACCOUNT\") | .listNextUpdate" <<<"$output")
	[[ $stderr == *"note: hosts need a newer bundle before $next, when the revocation list of account $ACCOUNT ends" ]]
	[[ $stderr != *"publisher's own"* && $stderr != *stale* && $(grep -c . <<<"$stderr") == 1 ]]
	[ "$(jq -r .sequence <<<"$output")" = 1 ]
	[ "$(jq -r .profileVersionArn <<<"$output")" != null ]

	move_clock $((31 * 86400))
	run --separate-stderr pack p -o p.zip
	[ "$status" -eq 0 ]
	[[ $stderr == *"trust/$ACCOUNT.revocations (list 1) is stale since $next"* && $stderr != *note:* ]]

	rm -rf p/conf.d/* p/trust/*
	run --separate-stderr pack p -o empty.zip
	[[ $status == 0 && $stderr == *"the bundle has no code-signing config, function, "* ]]

	mk_policy 2 p
	run --separate-stderr pack p -o p.zip
	[ "$status" -eq 0 ]
	[[ $stderr == *"does not carry the publisher's own revocation list"*"export-trust --directory p/trust"* ]]
	[[ $stderr == *"[account $POLICY_ACCOUNT]"* ]]
}

@test "a bundle is no artifact, wherever it is tried" {
	mk_config <<-END
		[code-signing-config open]
		allowed_publisher = $GOVERNOR
		untrusted_artifact_on_deployment = Warn
		[function main]
		code_signing_config = open
		[function unchecked]
		code_signing_config = none
	END
	mk_policy 1 p
	pack p -o p.zip 2>/dev/null >/dev/null
	start_mount
	for function in main unchecked; do
		run -1 cp p.zip "$MNT/functions/$function/"
		run cat "$MNT/.vouchfs/why/functions/$function"
		[[ $output == *VF1002* && $output == *"it is signed as a policy bundle, not as an artifact"* ]]
		[[ $output == *"vouchfs policy apply"* ]]
		[ -z "$(names_in "$MNT/functions/$function")" ]
	done
	run -13 "$VOUCHFS" verify p.zip
	[[ $output == *"it is signed as a policy bundle, not as an artifact"* ]]
	run -13 "$VOUCHFS" verify --function unchecked p.zip
}

@test "an artifact is no bundle, wherever it is tried" {
	mk_zip "$T/a.zip"
	sign_zip governor a.zip "" "$POLICY_ACCOUNT"
	run -13 "$VOUCHFS" verify --policy a.zip
	[[ $output == *"it is signed as an artifact, not as a policy bundle"* ]]
	run -0 "$VOUCHFS" verify a.zip
	run -1 "$VOUCHFS" policy show a.zip
	[[ $output == *"it is signed as an artifact, not as a policy bundle"* ]]
	start_mount
	run -1 cp a.zip "$MNT/policy/"
	run cat "$MNT/.vouchfs/why/policy"
	[[ $output == *VF1002* && $output == *"it is signed as an artifact, not as a policy bundle"* ]]
	[ -z "$(names_in "$MNT/policy")" ]
}

@test "nothing but pack signs a bundle" {
	mk_policy 1 p
	(cd p && zip -q -X -r ../plain.zip .)
	run -10 "$VOUCHFS" verify --policy plain.zip
	run "$VOUCHFS" policy show plain.zip
	[ "$status" -eq 0 ]
	[[ $output == *"signed         no: no host takes it"* ]]
	cp plain.zip signed.zip
	sign_zip governor signed.zip "" "$POLICY_ACCOUNT"
	[ "$("$VOUCHFS" inspect --json signed.zip | jq -r .content)" = artifact ]
	run -13 "$VOUCHFS" verify --policy signed.zip

	signer "$POLICY_ACCOUNT" start-signing-job --source file=plain.zip --destination directory=.,prefix=job- \
		--profile-name governor >/dev/null
	[ "$("$VOUCHFS" inspect --json job-*.zip | jq -r .content)" = artifact ]
	run -1 "$VOUCHFS" sign --profile governor --home "$(home_of "$POLICY_ACCOUNT")" job-*.zip
	[[ $output == *"signed already"* ]]
}

@test "changed, revoked, expired, of an account that nobody knows: verify --policy tells" {
	stop_clock
	mk_policy 1 p
	pack p -o p.zip 2>/dev/null >/dev/null
	sed 's/sequence = 1/sequence = 9/' p.zip >changed.zip
	run -0 "$VOUCHFS" verify --policy p.zip
	[[ $output == "accepted "*"config=[policy]"* ]]
	run -13 "$VOUCHFS" verify --policy changed.zip
	[[ $output == *"the bytes changed after they were signed"* ]]
	run "$VOUCHFS" policy show changed.zip
	[[ $output == *BROKEN* || $status -eq 1 ]]

	job=$("$VOUCHFS" inspect --json p.zip | jq -r .statement.jobArn)
	[[ $(signer "$POLICY_ACCOUNT" describe-signing-job --job-id "${job##*/}") == *"$T/p"* ]]
	signer "$POLICY_ACCOUNT" revoke-signature --job-id "${job##*/}" --reason "wrong hosts" >/dev/null
	export_trust
	run -15 "$VOUCHFS" verify --policy p.zip
	[[ $output == *"wrong hosts"* ]]

	sed -i "/^publisher/s/governor/gouverneur/" "$CONF"
	run -11 "$VOUCHFS" verify --policy p.zip
	[[ $output == *"signing-profiles/gouverneur"* ]]
	sed -i "/^publisher/s/gouverneur/governor/" "$CONF"

	pack p -o q.zip 2>/dev/null >/dev/null
	move_clock $((136 * 31 * 86400))
	export_trust
	run -12 "$VOUCHFS" verify --policy q.zip
	sed -i "/^\[account $POLICY_ACCOUNT\]/,/^\[policy\]/d; /^publisher/d" "$CONF"
	run -11 "$VOUCHFS" verify --policy q.zip
}

@test "diff says what another bundle changes" {
	write_whole_policy 1 a
	pack a -o a.zip 2>/dev/null >/dev/null
	write_whole_policy 2 b
	cat >b/conf.d/functions.conf <<-END
		# the same, in other words
		[function main]
		code_signing_config = none
		[function web-*]
		code_signing_config = prod
		[code-signing-config prod]
		untrusted_artifact_on_deployment = Enforce
		allowed_publisher = $RELEASE
		allowed_publisher = $GOVERNOR
	END
	signer "$ACCOUNT" refresh-revocations >/dev/null
	export_trust
	cp "$T/etc/trust/$ACCOUNT.revocations" b/trust/
	pack b -o b.zip 2>/dev/null >/dev/null

	run "$VOUCHFS" policy diff a.zip b.zip
	[ "$status" -eq 1 ]
	[[ $output == "policy bundle 1 (a.zip) -> 2 (b.zip)"* ]]
	[[ $output == *"~ policy.conf"*"sequence: 1 -> 2"* ]]
	[[ $output == *"~ [code-signing-config prod]"*"allowed_publisher: + $GOVERNOR"* ]]
	[[ $output == *"untrusted_artifact_on_load: - Enforce"* ]]
	[[ $output == *"~ [function main]"*"code_signing_config: prod -> none"* ]]
	[[ $output == *"+ [function web-*]"*"code_signing_config = prod"* ]]
	[[ $output == *"~ trust/$ACCOUNT.revocations: list 1 -> 2"* ]]
	[[ $output != *"refuses another bundle"* ]]

	run -1 --separate-stderr "$VOUCHFS" policy diff --json b.zip a.zip
	[ "$(jq -c '[.from.sequence, .to.sequence, .same]' <<<"$output")" = '[2,1,false]' ]
	[ "$(jq -r '.sections[] | select(.change == "removed") | .section' <<<"$output")" = 'function web-*' ]
	[ "$(jq -c '.trust' <<<"$output")" = \
		"[{\"file\":\"trust/$ACCOUNT.revocations\",\"change\":\"changed\",\"fromListSequence\":2,\"toListSequence\":1}]" ]
	run -1 "$VOUCHFS" policy diff b.zip a.zip
	[[ $output == *"list 2 -> 1"*"OLDER"*"sequence 2 refuses another bundle with 1"* ]]

	echo "# a comment" >>a/policy.conf
	pack a -o c.zip 2>/dev/null >/dev/null
	run -0 "$VOUCHFS" policy diff a.zip c.zip
	[[ $output == *"they say the same"* ]]
	[ "$("$VOUCHFS" policy diff --json a.zip c.zip | jq .same)" = true ]
	run -2 "$VOUCHFS" policy diff a.zip nowhere.zip
	run -2 "$VOUCHFS" policy diff a.zip "$CONF"
	run -2 "$VOUCHFS" policy diff a.zip b.zip -c "$CONF"
}

@test "diff with one file compares with what is in force" {
	mk_policy 1 a
	pack a -o a.zip 2>/dev/null >/dev/null
	run -2 "$VOUCHFS" policy diff a.zip
	[[ $output == *"not mounted"* ]]
	start_mount
	run -2 "$VOUCHFS" policy diff a.zip
	[[ $output == *"no policy bundle is in force here"* ]]
	"$VOUCHFS" policy apply a.zip
	run -0 "$VOUCHFS" policy diff a.zip
	mk_policy 2 b
	pack b -o b.zip 2>/dev/null >/dev/null
	run -1 "$VOUCHFS" policy diff b.zip
	[[ $output == *"policy bundle 1 ($MNT/policy/a.zip) -> 2 (b.zip)"*"sequence: 1 -> 2"* ]]
}
