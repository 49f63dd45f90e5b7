#!/usr/bin/env bats
# vouchfs lambda: functions, deployed through the mount. The mount decides; what it says becomes AWS's errors.

load lib
load lambda

PATTERN='[function team-*]
code_signing_config = Enforce
[function open-*]
code_signing_config = Warn'

start_host() { start_ready_mount <<<"$PATTERN"; }

@test "create, update, get, list, delete: the answers are AWS's" {
	start_host
	mk_signed "$T/a.zip" marker=a
	run -0 lambda create-function --function-name team-x --runtime python3.11 --handler app.handler --role arn:r \
		--architectures x86_64 --timeout 3 --zip-file "fileb://$T/a.zip"
	python3 -c '
import json, re, sys
function = json.load(sys.stdin)
head, size, sha256, profile = sys.argv[1:5]
assert list(function) == ["FunctionName", "FunctionArn", "CodeSize", "CodeSha256", "LastModified", "Version", "State",
                          "LastUpdateStatus", "PackageType", "SigningProfileVersionArn", "SigningJobArn"], list(function)
assert function["FunctionName"] == "team-x" and function["FunctionArn"] == head + ":function:team-x"
assert function["CodeSize"] == int(size) and function["CodeSha256"] == sha256
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000", function["LastModified"])
assert (function["Version"], function["State"], function["LastUpdateStatus"]) == (sys.argv[5], "Active", "Successful")
assert re.fullmatch(profile + "/[0-9A-Za-z]{10}", function["SigningProfileVersionArn"])
assert ":/signing-jobs/" in function["SigningJobArn"]
' "$HEAD" "$(stat -c %s "$T/a.zip")" "$(sha256_of "$T/a.zip")" \
		"arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release" "\$LATEST" <<<"$output"
	[ "$(cat "$MNT/run/team-x/task/marker")" = a ]
	local created=$output
	run -0 lambda get-function-configuration --function-name "$HEAD:function:team-x"
	[ "$output" = "$created" ]

	mk_signed "$T/b.zip" marker=b
	run -0 lambda update-function-code --function-name team-x --publish --zip-file "fileb://$T/b.zip"
	[ "$(member Version)" = 2 ]
	[ "$(cat "$MNT/run/team-x/task/marker")" = b ]
	run -0 lambda get-function --function-name team-x
	[ "$(member Configuration.CodeSha256)" = "$(sha256_of "$T/b.zip")" ]
	curl -s -o "$T/got.zip" "$(member Code.Location)"
	cmp "$T/b.zip" "$T/got.zip"

	cp "$T/a.zip" "$MAIN/"
	run -0 lambda list-functions
	[ "$(member Functions.0.FunctionName)" = main ]
	[ "$(member Functions.1.FunctionName)" = team-x ]
	run -0 lambda list-functions --max-items 1
	[ "$(member NextToken)" = main ]
	run -0 lambda list-functions --starting-token main
	[ "$(member Functions.0.FunctionName)" = team-x ]

	run -0 lambda delete-function --function-name team-x
	[ -z "$output" ]
	[ ! -e "$MNT/functions/team-x" ]
	[ ! -e "$MNT/run/team-x" ]
	refused ResourceNotFoundException get-function --function-name team-x
	[[ $output == *"Function not found: $HEAD:function:team-x"* ]]
	refused ResourceNotFoundException delete-function --function-name team-x
}

@test "unsigned under Enforce: CodeVerificationFailedException, and what to do; nothing is left of a new function" {
	start_host
	mk_zip "$T/a.zip"
	refused CodeVerificationFailedException create-function --function-name team-x --zip-file "fileb://$T/a.zip"
	[[ $output == *"function team-x was not deployed, VF2001: source mismatch: no signature"*"check:    source (Enforce)"*"found:    no signature"*"expected: arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release"*"to do:    sign it with a profile that code-signing config Enforce allows"* ]]
	[ ! -e "$MNT/functions/team-x" ]

	mk_signed "$T/b.zip" marker=b
	cp "$T/b.zip" "$MAIN/"
	refused CodeVerificationFailedException update-function-code --function-name main --zip-file "fileb://$T/a.zip"
	[[ $output == *"kept:     release 1 is still served"* ]]
	[ "$(cat "$RUN/task/marker")" = b ]
}

@test "unsigned under Warn is deployed, with a warning and without signing ARNs" {
	start_host
	mk_zip "$T/a.zip"
	run -0 --separate-stderr lambda create-function --function-name open-x --zip-file "fileb://$T/a.zip"
	[[ $output != *Signing* ]]
	[[ $stderr == *"warning: function open-x: VF2001 source mismatch: no signature"* ]]
}

@test "changed after signing: InvalidCodeSignatureException, under Warn too; no ZIP: InvalidParameterValueException" {
	start_host
	mk_signed "$T/a.zip" marker=a
	python3 - "$T/a.zip" <<-'END'
		import sys
		data = bytearray(open(sys.argv[1], "rb").read())
		data[data.index(b"marker") + 10] ^= 1
		open(sys.argv[1], "wb").write(data)
	END
	local name
	for name in main relaxed; do
		refused InvalidCodeSignatureException update-function-code --function-name "$name" --zip-file "fileb://$T/a.zip"
		[[ $output == *"VF1002"*"check:    integrity"* ]]
		refused InvalidCodeSignatureException update-function-code --function-name "$name" --dry-run --zip-file "fileb://$T/a.zip"
	done
	echo "no ZIP at all" >"$T/b.zip"
	refused InvalidParameterValueException update-function-code --function-name main --zip-file "fileb://$T/b.zip"
	[[ $output == *"VF1001: not an admissible ZIP"* ]]
}

@test "revoked, and too large" {
	VOUCHFS_SECTION='max_artifact_size = 4096' start_host
	mk_zip "$T/a.zip" marker=a
	local job
	job=$(VOUCHFS_SIGNER_HOME=$(home_of) "$VOUCHFS" sign --json --profile release "$T/a.zip" | json_value jobId)
	signer "$ACCOUNT" revoke-signature --job-id "$job" --reason lost >/dev/null
	export_trust
	"$VOUCHFS" reload
	refused CodeVerificationFailedException update-function-code --function-name main --zip-file "fileb://$T/a.zip"
	[[ $output == *"VF2004: signature revoked"*"check:    revocation"* ]]
	head -c 8192 /dev/urandom >"$T/b.zip"
	refused RequestEntityTooLargeException update-function-code --function-name main --zip-file "fileb://$T/b.zip"
	refused RequestEntityTooLargeException update-function-code --function-name main --dry-run --zip-file "fileb://$T/b.zip"
}

@test "--dry-run judges as the mount does and deploys nothing" {
	start_host
	mk_zip "$T/a.zip"
	refused CodeVerificationFailedException update-function-code --function-name main --dry-run --zip-file "fileb://$T/a.zip"
	local said=$output
	refused CodeVerificationFailedException update-function-code --function-name main --zip-file "fileb://$T/a.zip"
	[[ $output == "$said"* ]]
	sign_zip release "$T/a.zip"
	run -0 lambda update-function-code --function-name main --dry-run --zip-file "fileb://$T/a.zip"
	[ "$(member CodeSha256)" = "$(sha256_of "$T/a.zip")" ]
	[[ $(member SigningJobArn) == *":/signing-jobs/"* ]]
	[ ! -e "$RUN" ]
	run -0 lambda update-function-code --function-name main --no-dry-run --zip-file "fileb://$T/a.zip"
	[ -e "$RUN" ]
	run -252 lambda update-function-code --function-name main --dry-run --no-dry-run --zip-file "fileb://$T/a.zip"
}

@test "create-function: once, and only where a section says which config" {
	start_host
	mk_signed "$T/a.zip"
	refused InvalidParameterValueException create-function --function-name nobody --zip-file "fileb://$T/a.zip"
	[[ $output == *"no [function] section is for nobody"* ]]
	run -0 lambda create-function --function-name main --zip-file "fileb://$T/a.zip"
	refused ResourceConflictException create-function --function-name main --zip-file "fileb://$T/a.zip"
	refused ResourceNotFoundException update-function-code --function-name nobody --zip-file "fileb://$T/a.zip"
	refused ResourceNotFoundException update-function-code --function-name team-x --zip-file "fileb://$T/a.zip"
	refused ResourceNotFoundException get-function --function-name relaxed
	[[ $output == *"nothing was deployed to it yet"* ]]
}

@test "create-function with a config: the section's, or another for those who may write conf.d; a refusal takes it back" {
	start_host
	mk_zip "$T/a.zip"
	refused CodeVerificationFailedException create-function --function-name open-x --code-signing-config-arn Enforce \
		--zip-file "fileb://$T/a.zip"
	[ "$(ls -A "$T/etc/conf.d")" = .lock ]
	[ ! -e "$MNT/functions/open-x" ]
	sign_zip release "$T/a.zip"
	run -0 lambda create-function --function-name open-x --code-signing-config-arn "$HEAD:code-signing-config:Enforce" \
		--zip-file "fileb://$T/a.zip"
	"$VOUCHFS" status | grep "^  open-x .*Enforce"
	run -0 lambda create-function --function-name team-x --code-signing-config-arn Enforce --zip-file "fileb://$T/a.zip"
	refused CodeSigningConfigNotFoundException create-function --function-name team-y --code-signing-config-arn absent \
		--zip-file "fileb://$T/a.zip"
	[ ! -e "$MNT/functions/team-y" ]
	run -0 lambda delete-function --function-name open-x
	[ "$(ls -A "$T/etc/conf.d")" = .lock ]
	[ ! -e "$MNT/run/open-x" ]
}

@test "an ordinary user deploys where the mode lets him, under the section's config alone" {
	need_root
	PATTERN+=$'\n[function free-*]\ncode_signing_config = Enforce\ngroup = nogroup'
	start_host
	chmod 0755 "$T/etc" "$T/etc/trust"
	mk_signed "$T/a.zip"
	chmod a+r "$T/a.zip"
	run -254 as_user "$VOUCHFS" lambda update-function-code --function-name main --zip-file "fileb://$T/a.zip"
	[[ $output == *"(AccessDeniedException)"*"owner, group and mode"* ]]
	run -254 as_user "$VOUCHFS" lambda create-function --function-name team-x --zip-file "fileb://$T/a.zip"
	[[ $output == *"(AccessDeniedException)"*"[function team-*]"* ]]
	run -254 as_user "$VOUCHFS" lambda create-function --function-name free-x --code-signing-config-arn Warn --zip-file "fileb://$T/a.zip"
	[[ $output == *"(AccessDeniedException)"*"gives free-x the code-signing config Enforce"* ]]
	run -0 as_user "$VOUCHFS" lambda create-function --function-name free-x --zip-file "fileb://$T/a.zip"
	[ "$(stat -c %U "$MNT/functions/free-x/free-x.zip")" = nobody ]

	# bound by root to another config, the function stays its maker's
	run -0 lambda put-function-code-signing-config --function-name free-x --code-signing-config-arn Warn
	[ "$(stat -c %U "$MNT/functions/free-x")" = nobody ]
	run -0 as_user "$VOUCHFS" lambda update-function-code --function-name free-x --zip-file "fileb://$T/a.zip"
	run -254 as_user "$VOUCHFS" lambda delete-function --function-name free-x
	[[ $output == *"(AccessDeniedException)"* ]]
	[ -e "$MNT/run/free-x" ]
	run -0 lambda delete-function --function-name free-x
}

@test "delete-function: what is declared by hand stays, what is being staged stops it" {
	start_host
	mk_signed "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	refused ResourceConflictException delete-function --function-name main
	[[ $output == *"declared by name"*"$CONF:"* ]]
	[ -e "$MAIN/a.zip" ]
	mkdir "$MNT/functions/team-x"
	echo half >"$MNT/functions/team-x/.b.zip.tmp"
	refused ResourceConflictException delete-function --function-name team-x
	[[ $output == *"staging"* ]]
	rm "$MNT/functions/team-x/.b.zip.tmp"
	run -0 lambda delete-function --function-name team-x
}

@test "a function that was bound before anybody made it can be deleted" {
	start_host
	stop_mount
	run -0 lambda put-function-code-signing-config --function-name team-x --code-signing-config-arn Warn
	start_mount
	mk_zip "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/team-x/"
	[ -e "$MNT/run/team-x" ]
	run -0 lambda delete-function --function-name team-x
	[ ! -e "$MNT/run/team-x" ]
	[ ! -e "$MNT/functions/team-x" ]
	[ "$(ls -A "$T/etc/conf.d")" = .lock ]
}

@test "parameters that are wrong, or AWS's alone: 252, with what to use instead" {
	start_host
	mk_signed "$T/a.zip"
	local zip=fileb://$T/a.zip
	run -252 lambda update-function-code --function-name main --zip-file "$T/a.zip"
	[[ $output == *"fileb://PATH"* ]]
	run -252 lambda update-function-code --function-name main --zip-file "fileb://$T/absent.zip"
	[[ $output == *"No such file or directory"* ]]
	run -252 lambda update-function-code --function-name main --zip-file "fileb://$T"
	[[ $output == *"Is a directory"* ]]
	run -252 lambda update-function-code --function-name main
	[[ $output == *"required: --zip-file"* ]]
	local option
	for option in --s3-bucket=b --s3-key=k --image-uri=u --qualifier=1 --revision-id=r --cli-input-json={}; do
		run -252 lambda update-function-code --function-name main --zip-file "$zip" "$option"
		[[ $output == *"${option%%=*} is not for vouchfs: "* ]]
	done
	for option in --environment=e --vpc-config=v --tags=t --code=S3Bucket=b --image-config=i; do
		run -252 lambda create-function --function-name team-x --zip-file "$zip" "$option"
		[[ $output == *"${option%%=*} is not for vouchfs: "* ]]
	done
	run -252 lambda create-function --function-name team-x --zip-file "$zip" --package-type Image
	run -252 lambda get-function --function-name main --qualifier 1
	run -252 lambda publish-layer-version
	refused InvalidParameterValueException update-function-code --function-name main:1 --zip-file "$zip"
	refused InvalidParameterValueException update-function-code --function-name ../main --zip-file "$zip"
	stop_mount
	refused ServiceException update-function-code --function-name main --zip-file "$zip"
	[[ $output == *"is not mounted; \`vouchfs mount\` does that"* ]]
	refused ServiceException list-functions
}

@test "errno_style = permission: the verdict comes from the mount's words, not from the errno" {
	VOUCHFS_SECTION='errno_style = permission' start_host
	mk_zip "$T/a.zip"
	refused CodeVerificationFailedException update-function-code --function-name main --zip-file "fileb://$T/a.zip"
	[[ $output == *"VF2001"* ]]
}
