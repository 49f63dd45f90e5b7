#!/usr/bin/env bats
# vouchfs lambda: code-signing configs, and which function has which. Files of conf.d, checked before they are there, in
# force when the verb answers.

load lib
load lambda

# A config by hand, a function by hand that has it, a pattern that has it.
start_host() {
	mk_account
	PROFILE=$(mk_profile release)
	mk_config <<-END
		[code-signing-config byhand]
		allowed_publisher = $PROFILE
		[function main]
		code_signing_config = byhand
		[function team-*]
		code_signing_config = byhand
		mode = 0755
	END
	start_mount
}

create() { run -0 lambda create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$PROFILE" "$@"; }

drop_ins() { (cd "$T/etc/conf.d" && shopt -s dotglob nullglob && echo *); }
status_of() { "$VOUCHFS" status | grep "^. $1 "; }

@test "create: the answer is AWS's, the file is public and says by which command, the mount has read it" {
	start_host
	umask 077
	create --description "Program ABC CSC" --code-signing-policies "UntrustedArtifactOnDeployment"="Enforce"
	python3 -c '
import json, re, sys
config = json.load(sys.stdin)["CodeSigningConfig"]
assert list(config) == ["CodeSigningConfigId", "CodeSigningConfigArn", "Description", "AllowedPublishers",
                        "CodeSigningPolicies", "LastModified"], list(config)
assert re.fullmatch("csc-[0-9a-f]{17}", config["CodeSigningConfigId"])
assert config["CodeSigningConfigArn"] == sys.argv[1] + ":code-signing-config:" + config["CodeSigningConfigId"]
assert config["Description"] == "Program ABC CSC"
assert config["AllowedPublishers"] == {"SigningProfileVersionArns": [sys.argv[2]]}
assert config["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Enforce"}
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", config["LastModified"])' "$HEAD" "$PROFILE" <<<"$output"
	local made=$output id
	id=$(member CodeSigningConfig.CodeSigningConfigId)
	[ "$(stat -c %a "$T/etc/conf.d")" = 755 ]
	[ "$(stat -c %a "$T/etc/conf.d/code-signing-config-$id.conf")" = 644 ]
	[ "$(head -n 1 "$T/etc/conf.d/code-signing-config-$id.conf")" = "# made by: vouchfs lambda create-code-signing-config" ]
	"$VOUCHFS" status | grep -q "generation 2,"
	run -0 lambda get-code-signing-config --code-signing-config-arn "$HEAD:code-signing-config:$id"
	[ "$output" = "$made" ]
}

@test "create: Warn unless told otherwise, under a name of one's own, also without a mount" {
	start_host
	stop_mount
	create --code-signing-config-id approved
	[ "$(member CodeSigningConfig.CodeSigningPolicies.UntrustedArtifactOnDeployment)" = Warn ]
	[ "$(drop_ins)" = ".lock code-signing-config-approved.conf" ]
	run -0 lambda get-code-signing-config --code-signing-config-arn approved
	refused ResourceConflictException create-code-signing-config --code-signing-config-id approved \
		--allowed-publishers "SigningProfileVersionArns=$PROFILE"
	[[ $output == *"code-signing-config-approved.conf:2"* ]]
}

@test "create: what the configuration would refuse is refused, and nothing is written" {
	start_host
	local foreign=${PROFILE/$ACCOUNT/222233334444} value
	refused InvalidParameterValueException create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$foreign"
	[[ $output == *"does not trust account 222233334444"*"export-trust"*"[account 222233334444]"* ]]
	refused InvalidParameterValueException create-code-signing-config --allowed-publishers SigningProfileVersionArns=arn:x
	[[ $output == *'"arn:x" is not the ARN of a signing profile'* ]]
	refused InvalidParameterValueException create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$PROFILE,$PROFILE"
	[[ $output == *"is listed twice"* ]]
	refused InvalidParameterValueException create-code-signing-config --code-signing-config-id none \
		--allowed-publishers "SigningProfileVersionArns=$PROFILE"
	for value in $'a\nallowed_publisher = x' "a ;b" " a" "$(printf 'x%.0s' {1..185})"; do
		refused InvalidParameterValueException create-code-signing-config --description "$value" \
			--allowed-publishers "SigningProfileVersionArns=$PROFILE"
		[[ $output == *"nothing was changed: description:"* ]]
	done
	refused InvalidParameterValueException create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$PROFILE" \
		--code-signing-policies UntrustedArtifactOnDeployment=Ignore
	run -252 lambda create-code-signing-config --allowed-publishers Arns=x
	run -252 lambda create-code-signing-config
	run -252 lambda create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$PROFILE" --tags a=b
	[[ $output == *"--tags is not for vouchfs"* ]]
	run -252 lambda get-code-signing-config --cli-input-json '{}'
	[ "$(drop_ins)" = .lock ]
	"$VOUCHFS" status | grep -q "generation 1,"
}

@test "update: what is not given stays, publishers are replaced whole, nothing given changes nothing" {
	start_host
	create --code-signing-config-id approved --description before
	printf 'untrusted_artifact_on_load = Enforce\n; a note of the administrator\n' >>"$T/etc/conf.d/code-signing-config-approved.conf"
	run -0 lambda update-code-signing-config --code-signing-config-arn approved \
		--code-signing-policies UntrustedArtifactOnDeployment=Enforce
	[ "$(member CodeSigningConfig.Description)" = before ]
	[ "$(member CodeSigningConfig.CodeSigningPolicies.UntrustedArtifactOnDeployment)" = Enforce ]
	[ "$(member CodeSigningConfig.AllowedPublishers.SigningProfileVersionArns.0)" = "$PROFILE" ]
	run -0 lambda update-code-signing-config --code-signing-config-arn approved --description '' \
		--allowed-publishers "SigningProfileVersionArns=${PROFILE%/*}"
	[[ $output != *Description* ]]
	[ "$(member CodeSigningConfig.AllowedPublishers.SigningProfileVersionArns)" = "[\"${PROFILE%/*}\"]" ]
	grep -q "^untrusted_artifact_on_load = Enforce" "$T/etc/conf.d/code-signing-config-approved.conf"
	grep -q "^; a note of the administrator" "$T/etc/conf.d/code-signing-config-approved.conf"
	local before=$output
	run -0 lambda update-code-signing-config --code-signing-config-arn approved
	[ "$output" = "$before" ]
}

@test "what was written by hand is not changed: file and line are named" {
	start_host
	create --code-signing-config-id approved
	refused ResourceConflictException update-code-signing-config --code-signing-config-arn byhand --description x
	[[ $output == *"$CONF:$(grep -n 'config byhand]' "$CONF" | cut -d: -f1)"* ]]
	refused ResourceConflictException delete-code-signing-config --code-signing-config-arn byhand
	refused ResourceConflictException put-function-code-signing-config --function-name main --code-signing-config-arn approved
	[[ $output == *'say "code_signing_config = approved" at'*"$CONF:$(grep -n 'function main]' "$CONF" | cut -d: -f1)"* ]]
	refused ResourceConflictException delete-function-code-signing-config --function-name main
	run -0 lambda put-function-code-signing-config --function-name main --code-signing-config-arn byhand # it has it
	# a file that lost its mark, and one in the way
	sed -i 1d "$T/etc/conf.d/code-signing-config-approved.conf"
	refused ResourceConflictException update-code-signing-config --code-signing-config-arn approved --description x
	printf '; mine\n' >"$T/etc/conf.d/code-signing-config-other.conf"
	refused ResourceConflictException create-code-signing-config --code-signing-config-id other \
		--allowed-publishers "SigningProfileVersionArns=$PROFILE"
	[[ $output == *"no command wrote it"* ]]
	[ "$(cat "$T/etc/conf.d/code-signing-config-other.conf")" = "; mine" ]
}

@test "a config that is not there, of another account or region, no name at all" {
	start_host
	local verb
	for verb in get delete update; do
		refused ResourceNotFoundException "$verb-code-signing-config" --code-signing-config-arn "$HEAD:code-signing-config:csc-0"
		[[ $output == *"$HEAD:code-signing-config:csc-0 cannot be found"* ]]
	done
	refused ResourceNotFoundException list-functions-by-code-signing-config --code-signing-config-arn absent
	refused CodeSigningConfigNotFoundException put-function-code-signing-config --function-name absent --code-signing-config-arn absent
	refused ResourceNotFoundException put-function-code-signing-config --function-name absent --code-signing-config-arn byhand
	[[ $output == *"Function not found: $HEAD:function:absent"* ]]
	for arn in "${HEAD/$ACCOUNT/222233334444}:code-signing-config:byhand" "${HEAD/local/eu-1}:code-signing-config:byhand" \
		"${HEAD/vouchfs/aws}:code-signing-config:byhand" 'a b' ''; do
		refused InvalidParameterValueException get-code-signing-config --code-signing-config-arn="$arn"
	done
	refused InvalidParameterValueException get-code-signing-config --code-signing-config-arn byhand --region eu-1
	for name in main:1 "$HEAD:function:main:live" "main:\$LATEST" "${HEAD/local/eu-1}:function:main"; do
		refused InvalidParameterValueException get-function-code-signing-config --function-name "$name"
	done
	for name in main "$HEAD:function:main" "$ACCOUNT:function:main"; do
		run -0 lambda get-function-code-signing-config --function-name "$name"
		[ "$(member FunctionName)" = main ]
		[ "$(member CodeSigningConfigArn)" = "$HEAD:code-signing-config:byhand" ]
	done
	run -252 lambda get-function-code-signing-config --function-name main --qualifier 1
}

@test "put, get, delete of a function's config: a pattern's function gets a section with the pattern's mode" {
	start_host
	create --code-signing-config-id strict --code-signing-policies UntrustedArtifactOnDeployment=Enforce
	refused ResourceNotFoundException put-function-code-signing-config --function-name team-x --code-signing-config-arn strict
	mkdir "$MNT/functions/team-x"
	[[ $(status_of team-x) == *Warn* ]]
	run -0 lambda put-function-code-signing-config --function-name team-x --code-signing-config-arn strict
	[ "$(member CodeSigningConfigArn)" = "$HEAD:code-signing-config:strict" ]
	[[ $(status_of team-x) == *Enforce* ]]
	[ "$(stat -c %a "$MNT/functions/team-x")" = 755 ]
	mk_zip "$T/a.zip"
	run -1 cp "$T/a.zip" "$MNT/functions/team-x/"
	run -0 lambda list-functions-by-code-signing-config --code-signing-config-arn strict
	[ "$(member FunctionArns)" = "[\"$HEAD:function:team-x\"]" ]

	refused ResourceConflictException delete-code-signing-config --code-signing-config-arn strict
	[[ $output == *"in use by function team-x;"* ]]
	run -0 lambda delete-function-code-signing-config --function-name team-x
	[ -z "$output" ]
	[[ $(status_of team-x) == *UNCHECKED* ]]
	run -0 lambda get-function-code-signing-config --function-name team-x
	[[ $output != *CodeSigningConfigArn* ]]
	run -0 lambda delete-function-code-signing-config --function-name team-x
	run -0 lambda delete-code-signing-config --code-signing-config-arn strict
	[ -z "$output" ]
	[ "$(drop_ins)" = ".lock function-team-x.conf" ]
}

@test "delete names the patterns that use a config, too" {
	start_host
	create --code-signing-config-id used
	sed -i 's/^code_signing_config = byhand/code_signing_config = used/' "$CONF"
	refused ResourceConflictException delete-code-signing-config --code-signing-config-arn used
	[[ $output == *"function main; pattern team-*;"* ]]
	run -0 lambda list-functions-by-code-signing-config --code-signing-config-arn used
	[ "$(member FunctionArns)" = "[\"$HEAD:function:main\"]" ]
}

@test "lists come sorted, in pages" {
	start_host
	create --code-signing-config-id zulu
	create --code-signing-config-id alpha
	run -0 lambda list-code-signing-configs --max-items 2
	[ "$(member CodeSigningConfigs.0.CodeSigningConfigId)" = alpha ]
	[ "$(member CodeSigningConfigs.1.CodeSigningConfigId)" = byhand ]
	run -0 lambda list-code-signing-configs --max-items 2 --starting-token "$(member NextToken)"
	[ "$(member CodeSigningConfigs.0.CodeSigningConfigId)" = zulu ]
	[[ $output != *Next* ]]
	run -0 lambda list-code-signing-configs --max-items 1 --marker alpha
	[ "$(member NextMarker)" = byhand ]
	run -252 lambda list-code-signing-configs --max-items 0
	run -252 lambda list-code-signing-configs --max-items 10001
	run -252 lambda list-code-signing-configs --marker a --starting-token a
}

@test "who may not write conf.d is told who may; reading is for everybody" {
	need_root
	start_host
	create --code-signing-config-id approved
	chmod 0755 "$T/etc"
	run -254 as_user "$VOUCHFS" lambda create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$PROFILE"
	[[ $output == *"(AccessDeniedException)"*"whoever may write conf.d"* ]]
	run -254 as_user "$VOUCHFS" lambda delete-code-signing-config --code-signing-config-arn approved
	[[ $output == *"(AccessDeniedException)"* ]]
	run -0 as_user "$VOUCHFS" lambda get-code-signing-config --code-signing-config-arn approved
}

@test "two commands at once lose nothing" {
	start_host
	local i
	for i in 1 2 3 4 5 6; do
		lambda create-code-signing-config --code-signing-config-id "config-$i" \
			--allowed-publishers "SigningProfileVersionArns=$PROFILE" >/dev/null 3>&- &
	done
	wait
	run -0 lambda list-code-signing-configs
	[ "$(grep -c '"CodeSigningConfigId"' <<<"$output")" = 7 ]
	"$VOUCHFS" status | grep -q "generation 7,"
}

@test "when the mount refuses the configuration the file goes back" {
	start_host
	create --code-signing-config-id approved --description before
	cp "$T/etc/conf.d/code-signing-config-approved.conf" "$T/before"
	mv "$T/etc/trust/$ACCOUNT.pem" "$T/away.pem" # the configuration names it; the mount cannot load it any more
	refused ServiceException update-code-signing-config --code-signing-config-arn approved --description after
	[[ $output == *"it was taken back"* ]]
	cmp "$T/before" "$T/etc/conf.d/code-signing-config-approved.conf"
	refused ServiceException create-code-signing-config --code-signing-config-id second \
		--allowed-publishers "SigningProfileVersionArns=$PROFILE"
	refused ServiceException delete-code-signing-config --code-signing-config-arn approved
	[ "$(drop_ins)" = ".lock code-signing-config-approved.conf" ]
	mv "$T/away.pem" "$T/etc/trust/$ACCOUNT.pem"
	run -0 lambda update-code-signing-config --code-signing-config-arn approved --description after
}

@test "a configuration that is faulty, or not there, is said before anything else" {
	start_host
	printf 'mod = 1\n' >>"$CONF"
	refused ServiceException list-code-signing-configs
	[[ $output == *"unknown key"*"vouchfs check-config"* ]]
	refused ServiceException list-code-signing-configs -c "$T/absent.conf"
	[[ $output == *"there is no configuration at $T/absent.conf"* ]]
}
