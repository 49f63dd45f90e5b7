#!/usr/bin/env bats
# vouchfs lambda: layers. Publishing, what is said of a version, lists, attaching; the mount decides.

load lib
load lambda

LAYER=$HEAD:layer

start_host() {
	start_ready_mount <<-END
		[function team-*]
		code_signing_config = Enforce
		[layer base]
		[layer tools]
		[layer team-*]
	END
	BASE=$MNT/layers/base
}

publish() {
	local name=$1 zip=$2
	shift 2
	lambda publish-layer-version --layer-name "$name" --zip-file "fileb://$zip" "$@"
}
attach() { lambda update-function-configuration --function-name main --layers "$@"; }
deploy_main() {
	mk_signed "$T/code.zip" app.py=one
	lambda update-function-code --function-name main --zip-file "fileb://$T/code.zip" >/dev/null
}
publish_two() {
	mk_signed "$T/base.zip" base=1
	mk_signed "$T/tools.zip" tools=1
	publish base "$T/base.zip" >/dev/null
	publish tools "$T/tools.zip" >/dev/null
}

@test "publish, get, by ARN: the answers are AWS's, and the version is what cp would have made" {
	start_host
	mk_signed "$T/a.zip" python/a.py=a
	run -0 --separate-stderr publish base "$T/a.zip" --description 'Größe: "a\b", 1' --license-info MIT \
		--compatible-runtimes python3.11 python3.12 --compatible-architectures x86_64
	[ -z "$stderr" ]
	python3 -c '
import json, re, sys
layer = json.load(sys.stdin)
head, size, sha256, path = sys.argv[1:]
assert list(layer) == ["Content", "LayerArn", "LayerVersionArn", "Version", "Description", "CreatedDate",
                       "CompatibleRuntimes", "LicenseInfo", "CompatibleArchitectures"], list(layer)
content = layer["Content"]
assert content["CodeSize"] == int(size) and content["CodeSha256"] == sha256
assert content["Location"] == "file://" + path, content
assert ":/signing-profiles/release/" in content["SigningProfileVersionArn"]
assert ":/signing-jobs/" in content["SigningJobArn"]
assert layer["LayerArn"] == head + ":base" and layer["LayerVersionArn"] == head + ":base:1"
assert layer["Version"] == 1 and layer["Description"] == "Größe: \"a\\b\", 1" and layer["LicenseInfo"] == "MIT"
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000", layer["CreatedDate"])
assert layer["CompatibleRuntimes"] == ["python3.11", "python3.12"]
assert layer["CompatibleArchitectures"] == ["x86_64"]
' "$LAYER" "$(stat -c %s "$T/a.zip")" "$(sha256_of "$T/a.zip")" "$BASE/1.zip" <<<"$output"
	cmp "$T/a.zip" "$BASE/1.zip"
	[ "$(names_in "$BASE")" = 1.zip ]
	grep -q '"artifact":"base\.[0-9]*\.zip"' "$STORE"/audit/*.jsonl
	local published=$output
	run -0 lambda get-layer-version --layer-name base --version-number 1
	[ "$output" = "$published" ]
	run -0 lambda get-layer-version --layer-name "$LAYER:base" --version-number 1
	[ "$output" = "$published" ]
	run -0 lambda get-layer-version-by-arn --arn "$LAYER:base:1"
	[ "$output" = "$published" ]
	stop_mount
	start_mount
	run -0 lambda get-layer-version-by-arn --arn base:1
	[ "$output" = "$published" ]

	mk_zip "$T/b.zip" python/b.py=b # unsigned is published, too
	run -0 publish base "$T/b.zip"
	[ "$(member Version Description)" = "2 " ]
	[[ $output != *Signing* && $output != *Compatible* && $output != *LicenseInfo* ]]
}

@test "content that is published already: says which version, and refuses what cannot be said of it any more" {
	start_host
	mk_zip "$T/a.zip" x=a
	publish base "$T/a.zip" --description first >/dev/null
	run -0 --separate-stderr publish base "$T/a.zip"
	[ "$(member Version Description)" = "1 first" ]
	[[ $stderr == *"nothing new was published: the content is that of version 1 of layer base"* ]]
	run -0 --separate-stderr publish base "$T/a.zip" --description first
	refused ResourceConflictException publish-layer-version --layer-name base --zip-file "fileb://$T/a.zip" \
		--description second
	[[ $output == *"version 1 of layer base already, with Description \"first\""*"leave out --description, or remove"* ]]
	refused ResourceConflictException publish-layer-version --layer-name base --zip-file "fileb://$T/a.zip" \
		--license-info MIT
	[ "$(names_in "$BASE")" = 1.zip ]
	lambda delete-layer-version --layer-name base --version-number 1
	run -0 publish base "$T/a.zip" --description second
	[ "$(member Version Description)" = "2 second" ]
}

@test "two publish at once: each is told its own version, with what it said" {
	start_host
	local side i pids=()
	for side in a b; do
		for i in 1 2 3; do mk_zip "$T/$side$i.zip" "x=$side$i"; done
		for i in 1 2 3; do
			publish base "$T/$side$i.zip" --description "$side$i" >"$T/$side$i.json" || exit
		done 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	[ "$(names_in "$BASE" | wc -w)" = 6 ]
	for i in "$T"/[ab][1-3].json; do
		output=$(cat "$i")
		[ "$(member Description)" = "$(basename "$i" .json)" ]
		[ "$(member Content.CodeSha256)" = "$(sha256_of "${i%.json}.zip")" ]
		cmp "${i%.json}.zip" "$BASE/$(member Version).zip"
	done
}

@test "what is said of a version are attributes: set while it is written or staged, never later" {
	start_host
	mk_zip "$T/a.zip" x=a
	mk_zip "$T/b.zip" x=b
	cp "$T/a.zip" "$BASE/.a.tmp"
	setfattr -n user.vouchfs.description -v "by hand" "$BASE/.a.tmp"
	setfattr -n user.vouchfs.compatible_runtimes -v python3.11 "$BASE/.a.tmp"
	run -1 setfattr -n user.vouchfs.profile_version_arn -v forged "$BASE/.a.tmp"
	[[ $output == *"Operation not supported"* ]]
	run -1 setfattr -n user.other -v x "$BASE/.a.tmp"
	run -1 setfattr -n user.vouchfs.license_info -v "$(printf 'x%.0s' {1..2049})" "$BASE/.a.tmp"
	[[ $output == *"Argument list too long"* ]]
	mv "$BASE/.a.tmp" "$BASE/a.zip"
	[ "$(getfattr --only-values -n user.vouchfs.description "$BASE/1.zip")" = "by hand" ]
	[ "$(getfattr --only-values -n user.vouchfs.version "$BASE/1.zip")" = 1 ]
	[[ $(getfattr -d "$BASE/1.zip") == *compatible_runtimes*user.vouchfs.published_at=* ]]
	setfattr -n user.vouchfs.description -v "by hand" "$BASE/1.zip" # as it is
	run -1 setfattr -n user.vouchfs.description -v other "$BASE/1.zip"
	[[ $output == *"Operation not permitted"* ]]
	run -1 setfattr -n user.vouchfs.description -v other "$BASE/a.zip"
	run -0 lambda get-layer-version --layer-name base --version-number 1
	[ "$(member Description CompatibleRuntimes)" = 'by hand ["python3.11"]' ]
	cp -a "$BASE/1.zip" "$MNT/layers/tools/a.zip"
	[ "$(getfattr --only-values -n user.vouchfs.description "$MNT/layers/tools/1.zip")" = "by hand" ]
	deploy_main
	run -1 setfattr -n user.vouchfs.description -v x "$MAIN/main.zip"
	[[ $output == *"Operation not supported"* ]]
	cp "$T/b.zip" "$MNT/functions/main/.b.tmp"
	run -1 setfattr -n user.vouchfs.description -v x "$MNT/functions/main/.b.tmp"
	[[ $output == *"Operation not supported"* ]]
}

@test "list-layers and list-layer-versions: newest first, filters, pages" {
	start_host
	local i
	for i in 1 2 3; do
		mk_zip "$T/$i.zip" "x=$i"
		publish base "$T/$i.zip" --description "d$i" --compatible-runtimes "python3.1$((i % 2))" nodejs20.x \
			--compatible-architectures arm64 >/dev/null
	done
	publish tools "$T/1.zip" --compatible-runtimes python3.11 >/dev/null
	python3 - "$MNT/layers/tools" <<-'END'
		import sys, zipfile
		for n in range(2, 12):
		    with zipfile.ZipFile("%s/x%d.zip" % (sys.argv[1], n), "w") as z:
		        z.writestr("n", str(n))
	END
	run -0 lambda list-layers
	[ "$(member Layers.0.LayerName Layers.0.LatestMatchingVersion.Description)" = "base d3" ]
	[ "$(member Layers.1.LayerArn Layers.1.LatestMatchingVersion.Version)" = "$LAYER:tools 11" ]
	run -0 lambda list-layers --compatible-runtime python3.10
	[ "$(member Layers.0.LatestMatchingVersion.LayerVersionArn)" = "$LAYER:base:2" ]
	run -1 member Layers.1
	run -0 lambda list-layers --compatible-runtime python3.11 --compatible-architecture arm64
	run -1 member Layers.1
	run -0 lambda list-layers --compatible-runtime python3.1
	[ "$(tr -d ' \n' <<<"$output")" = '{"Layers":[]}' ]
	run -0 lambda list-layers --max-items 1
	[ "$(member Layers.0.LayerName NextToken)" = "base base" ]
	run -0 lambda list-layers --max-items 1 --starting-token base
	[ "$(member Layers.0.LayerName)" = tools ]
	run -1 member NextToken
	run -0 lambda list-layers --max-items 1 --no-paginate
	[ "$(member NextMarker)" = base ]

	run -0 lambda list-layer-versions --layer-name base
	[ "$(python3 -c 'import json, sys
for v in json.load(sys.stdin)["LayerVersions"]: print(v["Version"], v["Description"], v["LayerVersionArn"].rsplit(":")[-1])' <<<"$output")" = \
		"$(printf '3 d3 3\n2 d2 2\n1 d1 1')" ]
	run -0 lambda list-layer-versions --layer-name base --compatible-runtime python3.11
	[ "$(member LayerVersions.0.Version LayerVersions.1.Version)" = "3 1" ]
	run -0 lambda list-layer-versions --layer-name base --compatible-runtime python3.11 --max-items 1
	[ "$(member LayerVersions.0.Version NextToken)" = "3 3" ]
	run -0 lambda list-layer-versions --layer-name base --compatible-runtime python3.11 --max-items 1 --starting-token 3
	[ "$(member LayerVersions.0.Version)" = 1 ]
	run -1 member NextToken
	run -0 lambda list-layer-versions --layer-name tools --max-items 2 --marker 11
	[ "$(member LayerVersions.0.Version LayerVersions.1.Version NextMarker)" = "10 9 9" ]
	run -0 lambda list-layer-versions --layer-name team-never
	[ "$(tr -d ' \n' <<<"$output")" = '{"LayerVersions":[]}' ]
	refused ResourceNotFoundException list-layer-versions --layer-name nowhere
	[[ $output == *"Layer not found: $LAYER:nowhere"* ]]
	run -252 lambda list-layer-versions --layer-name base --starting-token x
}

@test "delete-layer-version: gone, its number is not given again, who has it keeps it" {
	start_host
	publish_two
	deploy_main
	attach base:1 >/dev/null
	run -0 --separate-stderr lambda delete-layer-version --layer-name base --version-number 1
	[ -z "$output$stderr" ]
	refused ResourceNotFoundException get-layer-version --layer-name base --version-number 1
	[[ $output == *"The resource you requested does not exist: $LAYER:base:1"* ]]
	run -0 --separate-stderr lambda delete-layer-version --layer-name base --version-number 1
	[[ $stderr == *"there is no version 1 of layer base; nothing was removed"* ]]
	[ "$(cat "$RUN/opt/base")" = 1 ]
	run -0 lambda get-function-configuration --function-name main
	[ "$(member Layers.0.Arn)" = "$LAYER:base:1" ]
	run -0 publish base "$T/base.zip"
	[ "$(member Version)" = 2 ]
	run -252 lambda delete-layer-version --layer-name base --version-number 0
}

@test "a refused publication: AWS's errors, and nothing is left of a new layer" {
	start_host
	mk_signed "$T/a.zip" x=0123456789
	printf X | dd of="$T/a.zip" bs=1 seek=32 conv=notrunc status=none
	refused InvalidCodeSignatureException publish-layer-version --layer-name team-x --zip-file "fileb://$T/a.zip"
	[[ $output == *"layer team-x was not published, VF1002: "* ]]
	[ "$(names_in "$MNT/layers")" = "base tools" ]
	echo "no ZIP" >"$T/text.zip"
	refused InvalidParameterValueException publish-layer-version --layer-name base --zip-file "fileb://$T/text.zip"
	: >"$T/empty.zip"
	refused InvalidParameterValueException publish-layer-version --layer-name base --zip-file "fileb://$T/empty.zip"
	[[ $output == *"Uploaded file must be a non-empty zip"* ]]
	mk_zip "$T/b.zip" x=b
	refused InvalidParameterValueException publish-layer-version --layer-name nowhere --zip-file "fileb://$T/b.zip"
	[[ $output == *"no [layer] section is for nowhere: declare [layer nowhere]"* ]]
	refused InvalidParameterValueException publish-layer-version --layer-name base:1 --zip-file "fileb://$T/b.zip"
	refused InvalidParameterValueException publish-layer-version --layer-name "${LAYER/local/other}:base" \
		--zip-file "fileb://$T/b.zip"
	[[ $output == *"a layer of account $ACCOUNT in region other"* ]]
	refused InvalidParameterValueException publish-layer-version --layer-name base --zip-file "fileb://$T/b.zip" \
		--description "$(printf 'ä%.0s' {1..257})"
	[[ $output == *"--description has 257 characters, at most 256"* ]]
	refused InvalidParameterValueException publish-layer-version --layer-name base --zip-file "fileb://$T/b.zip" \
		--compatible-architectures mips
	refused InvalidParameterValueException publish-layer-version --layer-name base --zip-file "fileb://$T/b.zip" \
		--compatible-runtimes a,b
	run -252 publish base "$T/b.zip" --content S3Bucket=b
	run -252 publish base "$T/absent.zip"
	[ "$(names_in "$BASE")" = "" ]
	run -0 publish team-x "$T/b.zip" --description "$(printf 'ä%.0s' {1..256})"
	[ "$(names_in "$MNT/layers/team-x")" = 1.zip ]
	[ "$(member Description)" = "$(printf 'ä%.0s' {1..256})" ]
}

@test "update-function-configuration: attaches, replaces, detaches; Layers is in every answer" {
	start_host
	publish_two
	deploy_main
	run -0 attach "$LAYER:base:1" tools:1
	python3 -c '
import json, sys
function = json.load(sys.stdin)
head, base, tools = sys.argv[1:]
assert [layer["Arn"] for layer in function["Layers"]] == [head + ":base:1", head + ":tools:1"], function
assert [layer["CodeSize"] for layer in function["Layers"]] == [int(base), int(tools)]
assert all(":/signing-profiles/release/" in layer["SigningProfileVersionArn"] for layer in function["Layers"])
assert all(":/signing-jobs/" in layer["SigningJobArn"] for layer in function["Layers"])
' "$LAYER" "$(stat -c %s "$T/base.zip")" "$(stat -c %s "$T/tools.zip")" <<<"$output"
	[ "$(cat "$RUN/opt/base" "$RUN/opt/tools" "$RUN/task/app.py" | tr -d '\n')" = 11one ]
	[ "$(cat "$MAIN/layers")" = "$(printf '%s\n' "$LAYER:base:1" "$LAYER:tools:1")" ]
	local answer=$output
	run -0 lambda get-function-configuration --function-name main
	[ "$output" = "$answer" ]
	run -0 lambda update-function-configuration --function-name "$HEAD:function:main" --handler a.b --timeout 3
	[ "$output" = "$answer" ]
	run -0 lambda get-function --function-name main
	[ "$(member Configuration.Layers.1.Arn)" = "$LAYER:tools:1" ]
	run -0 lambda list-functions
	[ "$(member Functions.0.Layers.0.Arn)" = "$LAYER:base:1" ]
	run -0 attach tools:1
	[ "$(names_in "$RUN/opt")" = tools ]
	run -0 lambda update-function-code --function-name main --zip-file "fileb://$T/code.zip"
	[ "$(member Layers.0.Arn)" = "$LAYER:tools:1" ]
	run -0 attach
	run -1 member Layers
	[ "$(names_in "$RUN/opt")" = "" ]
	[ "$(names_in "$MAIN")" = main.zip ]
	attach base:1 >/dev/null
	run -0 attach "[]"
	run -1 member Layers
	run -0 attach # there are none
	[ "$(names_in "$MAIN")" = main.zip ]
}

@test "update-function-configuration: what is refused, by whose fault; nothing changes" {
	start_host
	publish_two
	mk_zip "$T/plain.zip" plain=1
	publish tools "$T/plain.zip" >/dev/null
	refused ResourceNotFoundException update-function-configuration --function-name main --layers base:1
	[[ $output == *"nothing was deployed to it yet"* ]]
	deploy_main
	attach base:1 >/dev/null
	refused CodeVerificationFailedException update-function-configuration --function-name main --layers base:1 tools:2
	[[ $output == *"the layers of function main were not changed, VF2005: a layer in use fails"*"layer tools:2: VF2001 source mismatch: no signature"*"to do:"* ]] ||
		{ echo "$output"; false; }
	refused InvalidParameterValueException update-function-configuration --function-name main --layers base:7
	[[ $output == *"there is no layer version base:7"* ]]
	refused InvalidParameterValueException update-function-configuration --function-name main --layers base:1 base:1
	[[ $output == *"layer base is named already"* ]]
	refused InvalidParameterValueException update-function-configuration --function-name main --layers base
	[[ $output == *"\"base\" is not the ARN of a layer version, or NAME:VERSION"* ]]
	refused InvalidParameterValueException update-function-configuration --function-name main \
		--layers "${LAYER/$ACCOUNT/444455556666}:base:1"
	local i many=()
	for i in 1 2 3 4 5 6; do publish "team-$i" "$T/base.zip" >/dev/null && many+=("team-$i:1"); done
	refused InvalidParameterValueException update-function-configuration --function-name main --layers "${many[@]}"
	[[ $output == *"at most 5 layers"* ]]
	[ "$(cat "$MAIN/layers")" = "$LAYER:base:1" ]
	[ "$(readlink "$RUN")" = .releases/main/2 ]
	local option
	for option in --environment=e --vpc-config=v --revision-id=r --image-config=i --kms-key-arn=k; do
		run -252 lambda update-function-configuration --function-name main "$option"
		[[ $output == *"${option%%=*} is not for vouchfs: "* ]]
	done

	mk_signed "$T/code.zip" app.py=relaxed
	lambda update-function-code --function-name relaxed --zip-file "fileb://$T/code.zip" >/dev/null
	run -0 --separate-stderr lambda update-function-configuration --function-name relaxed --layers tools:2
	[[ $stderr == *"warning: function relaxed: VF2005 a layer in use fails: layer tools:2: VF2001"* ]] ||
		{ echo "$stderr"; false; }
	run -1 member Layers.0.SigningJobArn
}

@test "create-function with layers: all of it, or nothing of a new function" {
	start_host
	publish_two
	mk_signed "$T/code.zip" app.py=one
	mk_zip "$T/plain.zip" plain=1
	publish tools "$T/plain.zip" >/dev/null
	refused CodeVerificationFailedException create-function --function-name team-x --zip-file "fileb://$T/code.zip" \
		--layers base:1 tools:2
	[ "$(names_in "$MNT/functions")" = "main relaxed" ]
	[ ! -e "$MNT/run/team-x" ]
	run -0 lambda create-function --function-name team-x --zip-file "fileb://$T/code.zip" --layers base:1 tools:1
	[ "$(member Layers.1.Arn)" = "$LAYER:tools:1" ]
	[ "$(cat "$MNT/run/team-x/opt/base")" = 1 ]
	refused CodeVerificationFailedException create-function --function-name main --zip-file "fileb://$T/code.zip" \
		--layers tools:2
	refused CodeVerificationFailedException create-function --function-name main --zip-file "fileb://$T/plain.zip" \
		--layers tools:1
	[ "$(names_in "$MNT/functions/main")" = "" ] # nor a list that waits
	[ ! -e "$RUN" ]
	lambda delete-function --function-name team-x
	[ "$(names_in "$MNT/functions")" = "main relaxed" ]
}

@test "an ordinary user publishes and attaches where the mode lets him, and is told where it does not" {
	need_root
	mk_account
	mk_config <<-END
		[function main]
		code_signing_config = none
		owner = nobody
		mode = 0700
		[function other]
		code_signing_config = none
		mode = 0755
		[layer base]
		owner = nobody
		mode = 0755
		[layer tools]
		mode = 0755
		[layer secret]
		mode = 0700
	END
	start_mount
	chmod 0755 "$T" "$T/etc"
	mk_zip "$T/a.zip" x=a
	chmod 0644 "$T/a.zip"
	run -0 as_user "$VOUCHFS" lambda publish-layer-version --layer-name base --zip-file "fileb://$T/a.zip" --description D
	[ "$(member Description)" = D ]
	run -254 as_user "$VOUCHFS" lambda publish-layer-version --layer-name tools --zip-file "fileb://$T/a.zip"
	[[ $output == *"(AccessDeniedException)"*"layer tools was not published: Permission denied; owner, group and mode of its [layer] section"* ]]
	publish secret "$T/a.zip" >/dev/null
	run -254 as_user "$VOUCHFS" lambda get-layer-version --layer-name secret --version-number 1
	[[ $output == *"(AccessDeniedException)"* ]]
	run -254 as_user "$VOUCHFS" lambda delete-layer-version --layer-name secret --version-number 1
	[[ $output == *"(AccessDeniedException)"* ]]
	run -0 --separate-stderr as_user "$VOUCHFS" lambda list-layers
	[ "$(member Layers.0.LayerName)" = base ]
	[[ $stderr == *"layer secret is not listed: Permission denied"* ]]
	as_user "$VOUCHFS" lambda update-function-code --function-name main --zip-file "fileb://$T/a.zip" >/dev/null
	run -0 as_user "$VOUCHFS" lambda update-function-configuration --function-name main --layers base:1
	[ "$(member Layers.0.Arn)" = "$LAYER:base:1" ]
	lambda update-function-code --function-name other --zip-file "fileb://$T/a.zip" >/dev/null
	run -254 as_user "$VOUCHFS" lambda update-function-configuration --function-name other --layers base:1
	[[ $output == *"(AccessDeniedException)"*"the layers of function other were not changed"* ]]
	as_user "$VOUCHFS" lambda delete-layer-version --layer-name base --version-number 1
}

@test "a layer that is revoked, too large together, of another account: AWS's errors" {
	start_ready_mount <<-END
		[layer base]
		[principal 444455556666]
		user = 65534
		[function guest]
		code_signing_config = Enforce
		owner = 65534
	END
	mk_signed "$T/base.zip" base=1
	publish base "$T/base.zip" >/dev/null
	deploy_main
	if [ "$(id -u)" = 0 ]; then
		chmod 0755 "$T" "$T/etc"
		lambda update-function-code --function-name guest --zip-file "fileb://$T/code.zip" >/dev/null
		run -254 as_user "$VOUCHFS" lambda update-function-configuration --function-name guest --layers base:1
		[[ $output == *"(AccessDeniedException)"*"account 444455556666 is not permitted lambda:GetLayerVersion"* ]]
	fi
	local job
	job=$(getfattr --only-values -n user.vouchfs.signing_job_arn "$MNT/layers/base/1.zip")
	signer "$ACCOUNT" revoke-signature --job-id "${job##*/}" --reason leaked >/dev/null
	export_trust
	refused CodeVerificationFailedException update-function-configuration --function-name main --layers base:1
	[[ $output == *"layer base:1: VF2004"* ]]
	stop_mount
	sed -i "s/^region = local/&\nmax_unpacked_size = 20/" "$CONF"
	start_mount
	mk_signed "$T/base.zip" base="$(printf '%018d' 0)"
	publish base "$T/base.zip" >/dev/null
	refused InvalidParameterValueException update-function-configuration --function-name main --layers base:2
	[[ $output == *"VF4002"*"code and layers together have"* ]]
	stop_mount
	refused ServiceException list-layers
}
