#!/usr/bin/env bats
# The host's own files beside a policy bundle: what check-config says of them, and what lambda verbs do not write.

load lib
load policy
load lambda

ARN=arn:vouchfs:lambda:local:$ACCOUNT

conf_d() { (cd "$T/etc/conf.d" 2>/dev/null && echo *.conf); }

@test "before a first bundle: what would be governed is told of, nothing of it is in force" {
	HOST_SECTIONS=$'[function main]\ncode_signing_config = of-a-bundle' make_policy_host
	run -0 --separate-stderr "$VOUCHFS" check-config "$CONF"
	[[ $output == *"no policy bundle is in force"* ]]
	[[ $output == *"functions 0"* ]]
	[[ $stderr == "$CONF:"*": warning: [function main] is not in force: no policy bundle has come yet" ]]
	run -0 "$VOUCHFS" check-config --json "$CONF"
	[ "$(member warnings.0 errors)" = "$CONF:$(grep -n '^\[function main' "$CONF" | cut -d: -f1): [function main] is not in force: no policy bundle has come yet []" ]

	start_mount
	refused AccessDeniedException create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$RELEASE"
	[[ $output == *"this host's code-signing configs come from policy bundles, and none has come yet"* ]]
	[ "$(conf_d)" = "*.conf" ] || [ -z "$(conf_d)" ]
}

@test "under a bundle: commands do not write what it governs, and say who does" {
	POLICY_TERMS='local = report' make_policy_host
	start_mount
	POLICY_TERMS='local = report' pack_policy 7
	cp "$T/policy-7.zip" "$MNT/policy/"
	[ "$(policy_sequence)" = 7 ]
	local says="come from policy bundle 7; change it there"

	refused AccessDeniedException create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$RELEASE"
	[[ $output == *"this host's code-signing configs $says"* ]]
	refused AccessDeniedException update-code-signing-config --code-signing-config-arn "$ARN:code-signing-config:prod" \
		--description mine
	[[ $output == *"this host's code-signing configs $says"* ]]
	refused AccessDeniedException delete-function-code-signing-config --function-name main
	[[ $output == *"this host's functions $says"* ]]
	refused AccessDeniedException delete-function --function-name main
	[[ $output == *"this host's functions $says"* ]]
	[ "$(conf_d)" = "*.conf" ] || [ -z "$(conf_d)" ]
	run -0 lambda get-function-code-signing-config --function-name main
	[ "$(member CodeSigningConfigArn)" = "$ARN:code-signing-config:prod" ]

	run -0 "$VOUCHFS" check-config "$CONF"
	[[ $output == *"governed by policy bundle 7"* ]]
	mkdir -p "$T/etc/conf.d"
	printf '[function own]\ncode_signing_config = prod\n' >"$T/etc/conf.d/own.conf"
	run -0 --separate-stderr "$VOUCHFS" check-config "$CONF"
	[[ $stderr == *"/conf.d/own.conf:1: warning: [function own] is not in force: this host's functions come from policy bundle 7" ]]
}

@test "local = refuse: a configuration that says what is governed is refused, by check-config and by a reload" {
	make_policy_host
	start_mount
	pack_policy 7
	cp "$T/policy-7.zip" "$MNT/policy/"
	mkdir -p "$T/etc/conf.d"
	printf '[layer own]\n' >"$T/etc/conf.d/own.conf"
	run -0 "$VOUCHFS" check-config "$CONF"
	printf '[function own]\ncode_signing_config = none\n' >"$T/etc/conf.d/own.conf"
	run -78 "$VOUCHFS" check-config "$CONF"
	[[ $output == *"/conf.d/own.conf:1: [function own] is governed by policy bundle 7 (local = refuse)"* ]]
	run -78 "$VOUCHFS" reload
	[[ $output == *"[function own] is governed by policy bundle 7"* ]]
	rm "$T/etc/conf.d/own.conf"
	run -0 "$VOUCHFS" reload
}
