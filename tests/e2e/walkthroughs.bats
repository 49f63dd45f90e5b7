#!/usr/bin/env bats
# The published procedures for code signing, step by step, with `vouchfs` in the place of `aws`: A, centralized signing in
# one account; B, a signed layer across two accounts; C, signing with a profile of another account. Root is the security
# team, the Unix users `games` and `nobody` are developers.

load lib

OTHER=555555555555

setup() {
	lib_setup
	need_root
	PATH=$(dirname "$VOUCHFS"):$PATH
	export VOUCHFS_SIGNER_HOME=$T/homes/$ACCOUNT
	SIGN=$T/sign
	mkdir "$SIGN" "$T/etc/conf.d" "$T/dir"
	chmod 0777 "$T/dir"
	cd "$T/dir" || return
}

# as USER COMMAND ...: with the user's own group and no other
as() {
	local user=$1
	shift
	HOME=$T/dir setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env -u VOUCHFS_SIGNER_HOME "$@"
}

# job_of OUTPUT: the file that start-signing-job has made
signed_file() { echo "signed-$(json_value jobId <<<"$1").zip"; }

# ---- A ----

# What the security team does: an account, a profile, who may sign with it, a code-signing config, and which functions
# developers may make, under that config alone.
security_team() {
	vouchfs signer create-account --account-id "$ACCOUNT"
	run -0 --separate-stderr vouchfs signer put-signing-profile --platform-id "AWSLambda-SHA384-ECDSA" \
		--profile-name profile_for_application_ABC
	PROFILE_ARN=$(json_value profileVersionArn <<<"$output")
	run -0 --separate-stderr vouchfs signer add-profile-permission --profile-name profile_for_application_ABC \
		--action signer:StartSigningJob --principal "$ACCOUNT" --statement-id developers-may-sign
	mk_config </dev/null
	run -0 --separate-stderr vouchfs lambda create-code-signing-config --description "Program ABC CSC" \
		--allowed-publishers SigningProfileVersionArns="$PROFILE_ARN" \
		--code-signing-policies "UntrustedArtifactOnDeployment"="Enforce"
	CSC_ARN=$(json_value CodeSigningConfigArn <<<"$output")
	printf '[function signed-*]\ncode_signing_config = %s\ngroup = games\n' "${CSC_ARN##*:}" >"$T/etc/conf.d/developers.conf"
	start_mount
	vouchfs signer mount "$SIGN"
	export VOUCHFS_SIGNER_SERVICE=$SIGN
}

main_function() {
	mk_zip "$T/dir/main-function.zip" "lambda_function.py=def lambda_handler(event, context): return 'hello ' + event['who']"
}

create_function() {
	as games vouchfs lambda create-function --function-name signed-main-function --runtime python3.11 \
		--handler lambda_function.lambda_handler --zip-file "fileb://$1"
}

invoke() {
	PYTHONPATH=$MNT/run/signed-main-function/task python3 -B -c \
		"from lambda_function import lambda_handler; print(lambda_handler({'who': 'ABC'}, None))"
}

@test "A: a developer signs with the profile of the security team and creates a function that runs" {
	security_team
	main_function
	run -0 --separate-stderr as games vouchfs signer start-signing-job --source "file=main-function.zip" \
		--destination "directory=.,prefix=signed-" --profile-name profile_for_application_ABC
	cp "$(signed_file "$output")" signed-main-function.zip
	run -0 --separate-stderr create_function signed-main-function.zip
	[ "$(json_value FunctionName <<<"$output")" = signed-main-function ]
	[ "$(json_value SigningProfileVersionArn <<<"$output")" = "$PROFILE_ARN" ]
	run -0 invoke
	[ "$output" = "hello ABC" ]
	run -0 as games cp signed-main-function.zip "$MNT/functions/signed-main-function/again.zip"
	run -0 --separate-stderr vouchfs lambda get-function-code-signing-config --function-name signed-main-function
	[ "$(json_value CodeSigningConfigArn <<<"$output")" = "$CSC_ARN" ]
	run -0 --separate-stderr vouchfs lambda list-functions-by-code-signing-config --code-signing-config-arn "$CSC_ARN"
	[[ $output == *:function:signed-main-function* ]]
}

# refused_everywhere ZIP ERROR CODE: by the published verb, and by cp
refused_everywhere() {
	run -254 --separate-stderr as games vouchfs lambda update-function-code --function-name signed-main-function \
		--zip-file "fileb://$1"
	[[ $stderr == *"An error occurred ($2) when calling the UpdateFunctionCode operation:"*"$3"* ]]
	run -1 as games cp "$1" "$MNT/functions/signed-main-function/attempt.zip"
	run -0 vouchfs why signed-main-function
	[[ $output == "$3 refused"* ]]
}

@test "A: unsigned, tampered, foreign, expired and revoked artifacts are refused, each for its own reason" {
	export VOUCHFS_TEST_CLOCK=$T/clock
	echo 2026-11-21T12:00:00Z >"$VOUCHFS_TEST_CLOCK"
	security_team
	main_function
	run -0 --separate-stderr as games vouchfs signer start-signing-job --source "file=main-function.zip" \
		--destination "directory=.,prefix=signed-" --profile-name profile_for_application_ABC
	job=$(json_value jobId <<<"$output")
	cp "signed-$job.zip" signed-main-function.zip
	create_function signed-main-function.zip

	refused_everywhere main-function.zip CodeVerificationFailedException VF2001
	cp signed-main-function.zip tampered.zip
	printf X | dd of=tampered.zip bs=1 seek=60 conv=notrunc status=none
	refused_everywhere tampered.zip InvalidCodeSignatureException VF1002
	mk_profile foreign_profile >/dev/null
	sign_zip foreign_profile main-function.zip foreign.zip
	refused_everywhere foreign.zip CodeVerificationFailedException VF2002

	vouchfs signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name profile_for_application_ABC \
		--signature-validity-period value=1,type=DAYS >/dev/null
	run -0 --separate-stderr vouchfs signer get-signing-profile --profile-name profile_for_application_ABC
	vouchfs lambda update-code-signing-config --code-signing-config-arn "$CSC_ARN" \
		--allowed-publishers SigningProfileVersionArns="$PROFILE_ARN,$(json_value profileVersionArn <<<"$output")"
	vouchfs sign --profile profile_for_application_ABC main-function.zip -o expired.zip
	echo 2026-11-23T12:00:00Z >"$VOUCHFS_TEST_CLOCK"
	refused_everywhere expired.zip CodeVerificationFailedException VF2003

	vouchfs signer revoke-signature --job-id "$job" --reason "leaked build host"
	export_trust
	refused_everywhere signed-main-function.zip CodeVerificationFailedException VF2004
	run -0 invoke # what was accepted goes on being served: untrusted_artifact_on_load is Warn
	[ "$output" = "hello ABC" ]
}

@test "A: developers make functions under the approved config only, and neither profiles nor configs" {
	security_team
	main_function
	sign_zip profile_for_application_ABC main-function.zip signed.zip
	run -254 --separate-stderr as games vouchfs lambda create-code-signing-config --description mine \
		--allowed-publishers SigningProfileVersionArns="$PROFILE_ARN"
	[[ $stderr == *"An error occurred (AccessDeniedException) when calling the CreateCodeSigningConfig operation"* ]]
	run -254 --separate-stderr as games vouchfs signer put-signing-profile --home "$T/homes/$ACCOUNT" \
		--platform-id AWSLambda-SHA384-ECDSA --profile-name mine
	[[ $stderr == *"An error occurred (AccessDeniedException) when calling the PutSigningProfile operation"* ]]
	run -254 --separate-stderr as games vouchfs lambda create-function --function-name elsewhere --runtime python3.11 \
		--handler app.handler --zip-file fileb://signed.zip
	[ ! -e "$MNT/functions/elsewhere" ]
	run -254 --separate-stderr as nobody vouchfs lambda create-function --function-name signed-other \
		--runtime python3.11 --handler app.handler --zip-file fileb://signed.zip
	[[ $stderr == *"An error occurred (AccessDeniedException)"* ]]
	run -1 as games cat "$VOUCHFS_SIGNER_HOME/ca.key"
	run -254 --separate-stderr vouchfs lambda delete-code-signing-config --code-signing-config-arn "$CSC_ARN"
	[[ $stderr == *"(ResourceConflictException)"*"signed-*"* ]]
}

# ---- B ----

CONSUMER=444455556666

# publisher COMMAND ...: `games`, of the account that the host and the layer belong to
publisher() { as games env VOUCHFS_SIGNER_HOME="$T/dir/$ACCOUNT" "$@"; }
# consumer COMMAND ...: `nobody`, of the account that the function belongs to
consumer() { as nobody env VOUCHFS_SIGNER_HOME="$T/dir/$CONSUMER" "$@"; }

# signed PARTY PROFILE IN OUT
signed() {
	run -0 --separate-stderr "$1" vouchfs signer start-signing-job --source "file=$3" \
		--destination "directory=.,prefix=signed-" --profile-name "$2"
	"$1" mv "$(signed_file "$output")" "$4"
}

# Two accounts, each with its profile; the host, and a config that allows both profile versions.
two_accounts() {
	local trusted
	publisher vouchfs signer create-account --account-id "$ACCOUNT" >/dev/null
	run -0 --separate-stderr publisher vouchfs signer put-signing-profile \
		--platform-id "AWSLambda-SHA384-ECDSA" --profile-name publisher_approved_profile1
	PUBLISHER_ARN=$(json_value profileVersionArn <<<"$output")
	consumer vouchfs signer create-account --account-id "$CONSUMER" >/dev/null
	run -0 --separate-stderr consumer vouchfs signer put-signing-profile \
		--platform-id "AWSLambda-SHA384-ECDSA" --profile-name consumer_approved_profile1
	CONSUMER_ARN=$(json_value profileVersionArn <<<"$output")
	publisher vouchfs signer export-trust --directory trust-of-publisher >/dev/null
	consumer vouchfs signer export-trust --directory trust-of-consumer >/dev/null
	install -m 0644 trust-of-*/* "$T/etc/trust/"
	mk_config <<-END
		$(for trusted in "$ACCOUNT" "$CONSUMER"; do
			printf '[account %s]\ncertificate = trust/%s.pem\nrevocations = trust/%s.revocations\n' \
				"$trusted" "$trusted" "$trusted"
		done)
		[layer lambda_signing]
		group = games
		[layer tools]
		group = games
		[principal $CONSUMER]
		user = nobody
		organization = o-a1b2c3d4e5
	END
	CSC_ARN=$(make_config Enforce)
	printf '[function signed-*]\ncode_signing_config = %s\ngroup = nogroup\n' "${CSC_ARN##*:}" >"$T/etc/conf.d/consumer.conf"
	start_mount
}

# make_config MODE: its ARN
make_config() {
	vouchfs lambda create-code-signing-config --description "Layers of the publisher" \
		--allowed-publishers "SigningProfileVersionArns=$PUBLISHER_ARN,$CONSUMER_ARN" \
		--code-signing-policies "UntrustedArtifactOnDeployment"="$1" | json_value CodeSigningConfigArn
}

# The publisher signs and publishes the layer, the consumer signs and creates the function.
publish_and_create() {
	mk_zip "$T/dir/blank-python.zip" "python/greeting.py=TEXT = 'hello from the layer'"
	signed publisher publisher_approved_profile1 blank-python.zip signed-layer.zip
	run -0 --separate-stderr publisher vouchfs lambda publish-layer-version --layer-name lambda_signing \
		--zip-file fileb://signed-layer.zip --compatible-runtimes python3.11 python3.7
	LAYER_ARN=$(json_value LayerVersionArn <<<"$output")
	[ "$(json_value SigningProfileVersionArn <<<"$output")" = "$PUBLISHER_ARN" ]

	mk_zip "$T/dir/function.zip" "lambda_function.py=import greeting
def lambda_handler(event, context): return greeting.TEXT"
	signed consumer consumer_approved_profile1 function.zip signed-function.zip
	run -0 --separate-stderr consumer vouchfs lambda create-function --function-name signed-consumer \
		--runtime python3.11 --handler lambda_function.lambda_handler --zip-file fileb://signed-function.zip
	[ "$(json_value SigningProfileVersionArn <<<"$output")" = "$CONSUMER_ARN" ]
}

permit() {
	publisher vouchfs lambda add-layer-version-permission --layer-name "${2:-lambda_signing}" --version-number 1 \
		--statement-id for-consuming-account --action lambda:GetLayerVersion --principal "$1" "${@:3}"
}

attach() {
	run --separate-stderr consumer vouchfs lambda update-function-configuration --function-name signed-consumer --layers "$@"
}

# not_attached ERROR CODE TEXT LAYER ...: refused, and what is served is what was
not_attached() {
	local error=$1 code=$2 text=$3 before
	shift 3
	before=$(readlink "$MNT/run/signed-consumer")
	attach "$@"
	[ "$status" = 254 ] || { echo "$status $output $stderr"; return 1; }
	[[ $stderr == *"An error occurred ($error) when calling the UpdateFunctionConfiguration operation:"*"$code"*"$text"* ]] || {
		echo "$stderr"
		return 1
	}
	[ "$(readlink "$MNT/run/signed-consumer")" = "$before" ]
}

answer_of_function() {
	vouchfs run signed-consumer -- python3 -B -c "from lambda_function import lambda_handler; print(lambda_handler({}, None))"
}

@test "B: the publisher signs, publishes and permits a layer, the consumer attaches it to a function that runs" {
	two_accounts
	publish_and_create
	not_attached AccessDeniedException VF2005 "account $CONSUMER is not permitted lambda:GetLayerVersion" "$LAYER_ARN"
	run -254 --separate-stderr consumer vouchfs lambda add-layer-version-permission --layer-name lambda_signing \
		--version-number 1 --statement-id mine --action lambda:GetLayerVersion --principal "$CONSUMER"
	[[ $stderr == *"(AccessDeniedException)"* ]]

	run -0 --separate-stderr permit "$CONSUMER"
	[[ $output == *'\"Sid\":\"for-consuming-account\"'* ]]
	attach "$LAYER_ARN"
	[ "$status" = 0 ]
	[[ $output == *"\"Arn\": \"$LAYER_ARN\""*"\"SigningProfileVersionArn\": \"$PUBLISHER_ARN\""* ]]
	run -0 --separate-stderr answer_of_function
	[ "$output" = "hello from the layer" ]
	run -0 --separate-stderr publisher vouchfs lambda get-layer-version-policy --layer-name lambda_signing --version-number 1
	[[ $output == *"arn:vouchfs:iam::$CONSUMER:root"* ]]

	publisher vouchfs lambda remove-layer-version-permission --layer-name lambda_signing --version-number 1 \
		--statement-id for-consuming-account
	run -0 --separate-stderr answer_of_function # who has it keeps it
	not_attached AccessDeniedException VF2005 "is not permitted" "$LAYER_ARN"
	permit '*' lambda_signing --organization-id o-b1b2c3d4e5 >/dev/null
	not_attached AccessDeniedException VF2005 "is not permitted" "$LAYER_ARN"
	publisher vouchfs lambda remove-layer-version-permission --layer-name lambda_signing --version-number 1 \
		--statement-id for-consuming-account
	permit '*' lambda_signing --organization-id o-a1b2c3d4e5 >/dev/null
	attach "$LAYER_ARN"
	[ "$status" = 0 ]
}

@test "B: a layer is judged by the function's config, all have to pass, and a corrupt one passes neither Enforce nor Warn" {
	two_accounts
	publish_and_create
	permit "$CONSUMER" >/dev/null
	# a profile that the config does not allow; alone, and beside one that passes
	publisher vouchfs signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name other >/dev/null
	mk_zip "$T/dir/tools.zip" "python/tool.py=pass"
	signed publisher other tools.zip signed-tools.zip
	publisher vouchfs lambda publish-layer-version --layer-name tools --zip-file fileb://signed-tools.zip >/dev/null
	permit "$CONSUMER" tools >/dev/null
	not_attached CodeVerificationFailedException VF2005 "tools:1" tools:1
	not_attached CodeVerificationFailedException VF2005 "tools:1" "$LAYER_ARN" tools:1
	[ "$(consumer ls "$MNT/functions/signed-consumer")" = signed-consumer.zip ]

	# changed after it was signed: it is not even published
	cp signed-layer.zip corrupt-layer.zip
	printf X | dd of=corrupt-layer.zip bs=1 seek=60 conv=notrunc status=none
	run -254 --separate-stderr publisher vouchfs lambda publish-layer-version --layer-name lambda_signing \
		--zip-file fileb://corrupt-layer.zip
	[[ $stderr == *"An error occurred (InvalidCodeSignatureException) when calling the PublishLayerVersion operation"*VF1002* ]]

	# changed after it was published
	local payload
	payload=$(grep -lF "python/greeting.py" "$STORE"/objects/*/*/payload)
	printf X | dd of="$payload" bs=1 seek=60 conv=notrunc status=none
	not_attached CodeVerificationFailedException VF2005 "lambda_signing:1" "$LAYER_ARN"
	vouchfs lambda put-function-code-signing-config --function-name signed-consumer \
		--code-signing-config-arn "$(make_config Warn)" >/dev/null
	not_attached CodeVerificationFailedException VF2005 "lambda_signing:1" "$LAYER_ARN"
	attach tools:1 # what is only untrusted is warned about
	[ "$status" = 0 ]
	run -0 --separate-stderr publisher vouchfs lambda publish-layer-version --layer-name lambda_signing \
		--zip-file fileb://signed-layer.zip # again: the remedy
	[ "$(json_value LayerVersionArn <<<"$output")" = "${LAYER_ARN%1}2" ]
	not_attached AccessDeniedException VF2005 "is not permitted" "${LAYER_ARN%1}2" # each version has its own
	publisher vouchfs lambda add-layer-version-permission --layer-name lambda_signing --version-number 2 \
		--statement-id for-consuming-account --action lambda:GetLayerVersion --principal "$CONSUMER" >/dev/null
	attach "${LAYER_ARN%1}2"
	[ "$status" = 0 ]
	run -0 --separate-stderr answer_of_function
	[ "$output" = "hello from the layer" ]
}

# ---- C ----

@test "C: a member of another account signs with --profile-owner, and may revoke what was signed" {
	vouchfs signer create-account --account-id "$ACCOUNT"
	run -0 --separate-stderr vouchfs signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA \
		--profile-name shared_profile
	arn=$(json_value profileVersionArn <<<"$output")
	printf '[principal %s]\nuser = nobody\n' "$OTHER" >"$VOUCHFS_SIGNER_HOME/principals"
	vouchfs signer mount "$SIGN"
	export VOUCHFS_SIGNER_SERVICE=$SIGN
	main_function
	job=(as nobody vouchfs signer start-signing-job --source file=main-function.zip
		--destination "directory=.,prefix=signed-" --profile-name shared_profile --profile-owner "$ACCOUNT")

	run -254 --separate-stderr "${job[@]}" # not granted yet
	[[ $stderr == *"An error occurred (AccessDeniedException) when calling the StartSigningJob operation"* ]]
	for action in StartSigningJob GetSigningProfile; do
		vouchfs signer add-profile-permission --profile-name shared_profile --action "signer:$action" \
			--principal "$OTHER" --statement-id "$action-for-$OTHER" >/dev/null
	done
	run -0 --separate-stderr "${job[@]}"
	[ "$(json_value jobOwner <<<"$output")" = "$ACCOUNT" ]
	id=$(json_value jobId <<<"$output")
	run -0 --separate-stderr as nobody vouchfs signer get-signing-profile --profile-name shared_profile \
		--profile-owner "$ACCOUNT"
	[ "$(json_value profileVersionArn <<<"$output")" = "$arn" ]
	run -0 --separate-stderr as nobody vouchfs signer describe-signing-job --job-id "$id"
	[ "$(json_value requestedBy <<<"$output")" = "$OTHER" ]

	# the ZIP carries the owner's ARN; a config that allows it accepts it
	run -0 vouchfs inspect "signed-$id.zip"
	[[ $output == *"$arn"* ]]
	mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = $arn
		untrusted_artifact_on_deployment = Enforce
		[function main]
		code_signing_config = approved
	END
	start_mount
	cp "signed-$id.zip" "$MNT/functions/main/"

	revoke=(as nobody vouchfs signer revoke-signature --job-id "$id" --job-owner "$ACCOUNT" --reason "built from a wrong branch")
	run -254 --separate-stderr "${revoke[@]}"
	[[ $stderr == *"An error occurred (AccessDeniedException) when calling the RevokeSignature operation"* ]]
	vouchfs signer add-profile-permission --profile-name shared_profile --action signer:RevokeSignature \
		--principal "$OTHER" --statement-id "RevokeSignature-for-$OTHER" >/dev/null
	run -0 --separate-stderr "${revoke[@]}"
	export_trust
	run -1 cp "signed-$id.zip" "$MNT/functions/main/"
	[[ $output == *"Key has been revoked"* ]]
}
