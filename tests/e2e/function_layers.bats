#!/usr/bin/env bats
# The file layers of a function: how tools write it, what refuses it, who may use what, and what revocation does.

load lib

# Functions "main" (Enforce, on load too), "relaxed" (Warn), "team-*"; every layer; uid 65534 acts for another account.
GUEST_ACCOUNT=444455556666
mount_functions() {
	start_ready_mount <<-END
		[code-signing-config strict]
		allowed_publisher = arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release
		untrusted_artifact_on_deployment = Enforce
		untrusted_artifact_on_load = Enforce
		[function strict]
		code_signing_config = strict
		[function team-*]
		code_signing_config = strict
		[function guest]
		code_signing_config = strict
		owner = 65534
		[layer base]
		[layer tools]
		[layer plain]
		[principal $GUEST_ACCOUNT]
		user = 65534
	END
	STRICT=$MNT/functions/strict
	SERVED=$MNT/run/strict
}

# publish LAYER CONTENT: a layer with one file, called as the layer is
publish() {
	mk_signed "$T/$1.zip" "$1=$2"
	cp "$T/$1.zip" "$MNT/layers/$1/new.zip"
}

deploy() {
	mk_signed "$T/code.zip" "app.py=$2"
	cp "$T/code.zip" "$1/code.zip"
}

why() { "$VOUCHFS" why -c "$CONF" "functions/$1"; }
release_of() { readlink "$MNT/run/$1"; }

ready() {
	mount_functions
	publish base 'base 1'
	publish tools 'tools 1'
	deploy "$STRICT" one
}

@test "each tool attaches layers, and reads back what it wrote" {
	ready
	local arn=arn:vouchfs:lambda:local:$ACCOUNT:layer:tools:1
	printf 'base:1\n%s\n' "$arn" >"$T/layers"
	cp "$T/layers" "$STRICT/"
	[ "$(release_of strict)" = .releases/strict/2 ]
	cmp "$T/layers" "$STRICT/layers"
	[ "$(cat "$SERVED/opt/base") $(cat "$SERVED/opt/tools") $(cat "$SERVED/task/app.py")" = "base 1 tools 1 one" ]
	[ "$(names_in "$STRICT")" = "code.zip layers" ]
	[ "$(stat -c '%a %s' "$STRICT/layers")" = "664 $(stat -c %s "$T/layers")" ]

	echo tools:1 >"$STRICT/layers"
	[ "$(names_in "$SERVED/opt")" = tools ]
	echo base:1 >>"$STRICT/layers"
	[ "$(names_in "$SERVED/opt")" = "base tools" ]
	echo base:1 | tee "$STRICT/layers"
	[ "$(names_in "$SERVED/opt")" = base ]
	sed -i s/base/tools/ "$STRICT/layers"
	[ "$(names_in "$SERVED/opt")" = tools ]
	printf base:1 | dd of="$STRICT/layers" status=none
	[ "$(names_in "$SERVED/opt")" = base ]
	install -m 0644 "$T/layers" "$STRICT/layers"
	[ "$(names_in "$SERVED/opt")" = "base tools" ]
	echo base:1 >"$T/new"
	mv "$T/new" "$STRICT/layers"
	[ "$(cat "$STRICT/layers")" = base:1 ]
	[ "$(names_in "$STRICT")" = "code.zip layers" ]
}

@test "rsync -a is idempotent; without the list it removes the layers, with --delete" {
	ready
	mkdir "$T/build"
	cp "$T/code.zip" "$T/build/"
	echo base:1 >"$T/build/layers"
	touch -d @1700000000 "$T/build/"*
	rsync -a "$T/build/" "$STRICT/"
	[ "$(names_in "$SERVED/opt")" = base ]
	local before
	before=$(release_of strict)
	rsync -a --delete "$T/build/" "$STRICT/"
	[ "$(release_of strict)" = "$before" ]
	rm "$T/build/layers"
	rsync -a --delete "$T/build/" "$STRICT/"
	[ "$(names_in "$STRICT")" = code.zip ]
	[ "$(names_in "$SERVED/opt")" = "" ]
	[ "$(cat "$SERVED/task/app.py")" = one ]
	stop_mount
	start_mount
	[ "$(names_in "$SERVED/opt")" = "" ]
}

@test "the same list again is no new release: cp, a shell, rsync" {
	ready
	printf 'base:1\ntools:1\n' >"$T/layers"
	cp "$T/layers" "$STRICT/"
	cp "$T/layers" "$STRICT/"
	printf 'base:1\ntools:1\n' >"$STRICT/layers"
	touch -d @1700000000 "$T/layers"
	rsync -a --checksum "$T/layers" "$STRICT/"
	rsync -a --ignore-times "$T/layers" "$STRICT/"
	[ "$(release_of strict)" = .releases/strict/2 ]
	[ "$(stat -c %Y "$STRICT/layers")" = 1700000000 ]
	run -0 rsync -ai --no-perms --no-group "$T/layers" "$STRICT/"
	[ -z "$output" ]
	[[ $(why strict) == *"nothing new, release "*" has these layers"* ]]
	stop_mount
	start_mount
	[ "$(stat -c %Y "$STRICT/layers")" = 1700000000 ]
	[ "$(names_in "$SERVED/opt")" = "base tools" ]
}

@test "artifact and list in one rsync, in either order: one command, exit 0, and nothing to do after it" {
	mount_functions
	publish base 'base 1'
	local name function
	for name in code.zip my.zip; do # before and after layers
		function=team-${name%.zip}
		mkdir -p "$T/build/$function"
		mk_signed "$T/build/$function/$name" app.py=one
		echo base:1 >"$T/build/$function/layers"
	done
	rsync -a "$T/build/" "$MNT/functions/"
	for name in code.zip my.zip; do
		function=team-${name%.zip}
		[ "$(cat "$MNT/run/$function/task/app.py") $(cat "$MNT/run/$function/opt/base")" = "one base 1" ]
		[ "$(names_in "$MNT/functions/$function")" = "$(names_in "$T/build/$function")" ]
	done
	[ "$(release_of team-code) $(release_of team-my)" = ".releases/team-code/2 .releases/team-my/1" ]
	run -0 rsync -ai --omit-dir-times --no-perms --no-group "$T/build/" "$MNT/functions/"
	[ -z "$output" ]
	stop_mount
	start_mount
	[ "$(cat "$MNT/run/team-my/opt/base")" = "base 1" ]
}

@test "a list without an artifact waits for it, over a restart; cp -r, mv and rm treat it as a file" {
	mount_functions
	publish base 'base 1'
	run -1 bash -c "echo base:7 >'$STRICT/layers'"
	[[ $output == *"No such file or directory"* ]]
	[ "$(names_in "$STRICT")" = "" ]
	echo base:1 >"$STRICT/layers"
	[[ $(why strict) == "waiting  slot=functions/strict  artifact=layers"*"judged with the function's first artifact"* ]]
	[ "$(names_in "$STRICT") $(cat "$STRICT/layers")" = "layers base:1" ]
	[ ! -e "$SERVED" ]
	stop_mount
	start_mount
	[ "$(names_in "$STRICT") $(cat "$STRICT/layers")" = "layers base:1" ]
	rm "$STRICT/layers"
	[ "$(names_in "$STRICT")" = "" ]
	echo base:1 >"$STRICT/layers"
	mkdir "$T/w" && mk_signed "$T/w/a.zip" app.py=one
	cp -r "$T/w/." "$STRICT/"
	[ "$(cat "$SERVED/task/app.py") $(cat "$SERVED/opt/base") $(release_of strict)" = "one base 1 .releases/strict/1" ]
	[ "$(names_in "$STRICT")" = "a.zip layers" ]
	mkdir "$MNT/functions/team-x"
	echo base:1 >"$MNT/functions/team-x/layers"
	run -1 rmdir "$MNT/functions/team-x"
	rm -r "$MNT/functions/team-x"
	[ ! -e "$MNT/functions/team-x" ]
}

@test "a new artifact goes with the layers that are there, over a restart too" {
	ready
	echo base:1 >"$STRICT/layers"
	stop_mount
	start_mount
	[ "$(cat "$STRICT/layers") $(cat "$SERVED/opt/base")" = "base:1 base 1" ]
	deploy "$STRICT" two
	[ "$(cat "$SERVED/task/app.py") $(cat "$SERVED/opt/base")" = "two base 1" ]
	rm "$MNT/layers/base/1.zip" # who has it keeps it
	stop_mount
	start_mount
	[ "$(cat "$SERVED/opt/base")" = "base 1" ]
}

@test "all layers have to pass: the tool is told, and nothing changes" {
	ready
	mk_zip "$T/plain.zip" plain=plain
	cp "$T/plain.zip" "$MNT/layers/plain/"
	echo base:1 >"$STRICT/layers"
	run -1 bash -c "echo -e 'base:1\nplain:1' >'$STRICT/layers'"
	[[ $output == *"Required key not available"* ]]
	printf 'tools:1\nplain:1\n' >"$T/layers"
	run -1 cp "$T/layers" "$STRICT/"
	run -23 rsync "$T/layers" "$STRICT/"
	[[ $output == *"Required key not available"* ]]
	[ "$(cat "$STRICT/layers") $(release_of strict)" = "base:1 .releases/strict/2" ]
	[ "$(names_in "$STRICT")" = "code.zip layers" ]
	run -0 why strict
	[[ $output == *"VF2005 refused"*"layer tools:1     ok"*"layer plain:1     FAILED"*"VF2001"* ]]
	[ "$(getfattr --only-values -n user.vouchfs.last_reason "$STRICT")" = VF2005 ]
	grep -q 'tools:1 accepted, plain:1 refused VF2001' "$STORE"/audit/*.jsonl

	deploy "$MNT/functions/relaxed" one # Warn
	echo plain:1 >"$MNT/functions/relaxed/layers"
	[ "$(cat "$MNT/run/relaxed/opt/plain")" = plain ]
	grep -q '"layer": "plain"' "$MNT/run/relaxed/release.json"
	run -0 why relaxed
	[[ $output == *"VF2005 warned"* ]]
}

@test "a layer that was changed after it was signed cannot even be published" {
	mount_functions
	mk_signed "$T/base.zip" base='base 1'
	python3 - "$T/base.zip" <<-'END'
		import sys
		data = bytearray(open(sys.argv[1], "rb").read())
		data[data.index(b"base 1") if b"base 1" in data else 40] ^= 1
		open(sys.argv[1], "wb").write(data)
	END
	run -1 cp "$T/base.zip" "$MNT/layers/base/"
	[[ $output == *"Bad message"* ]]
	deploy "$MNT/functions/relaxed" one
	run -1 bash -c "echo base:1 >'$MNT/functions/relaxed/layers'"
	[[ $output == *"No such file or directory"* ]]
}

@test "limits and lists that say nothing are refused with a reason" {
	ready
	local text
	for text in base base:0 "base:1 tools:1" "base:1\n\ntools:1" "base:1\nbase:1" "base:1\r" "# comment"; do
		run -1 bash -c "printf '$text\n' >'$STRICT/layers'"
		[[ $output == *"Invalid argument"* ]]
		run -0 why strict
		[[ $output == *"of layers: "* ]] || { echo "$text: $output"; false; }
	done
	run -1 bash -c "printf 'a:1\nb:1\n' >'$STRICT/layers'"
	[[ $output == *"No such file or directory"* ]]
	[ "$(names_in "$STRICT")" = code.zip ]

	stop_mount
	sed -i "s/^region = local/&\nmax_unpacked_size = 20/" "$CONF"
	start_mount
	mk_signed "$T/base.zip" base="$(printf '%017d' 0)"
	cp "$T/base.zip" "$MNT/layers/base/"
	run -1 bash -c "echo base:2 >'$STRICT/layers'"
	[[ $output == *"Argument list too long"* ]]
	run -0 why strict
	[[ $output == *"VF4002 refused"*"code and layers together have 22 bytes unpacked, at most 20"* ]]
	echo base:1 >"$STRICT/layers"
}

@test "a revoked layer version blocks the releases that have it, and only those" {
	ready
	echo base:1 >"$STRICT/layers"
	local job
	job=$(getfattr --only-values -n user.vouchfs.signing_job_arn "$MNT/layers/base/1.zip")
	[ "$(cat "$SERVED/opt/base")" = "base 1" ]
	cp -a "$T/etc/trust" "$T/before"
	signer "$ACCOUNT" revoke-signature --job-id "${job##*/}" --reason leaked
	export_trust
	is_blocked() { ! cat "$SERVED/task/app.py" >"$T/out" 2>&1; }
	eventually is_blocked
	grep -q "Permission denied" "$T/out"
	run -1 cat "$SERVED/opt/base"
	[ "$(cat "$MNT/run/.releases/strict/1/task/app.py")" = one ]
	grep '"event":"release-blocked"' "$STORE"/audit/*.jsonl | grep -q 'base:1 refused VF2004'
	run -1 bash -c "echo base:1 >'$STRICT/layers'"
	[[ $output == *"Key has been revoked"* ]]
	run -1 cp "$T/code.zip" "$STRICT/code.zip" # judged together
	echo tools:1 >"$STRICT/layers"            # the way out
	[ "$(cat "$SERVED/task/app.py") $(names_in "$SERVED/opt")" = "one tools" ]
	rm "$STRICT/layers"
	[ "$(cat "$SERVED/task/app.py")" = one ]
}

# permit LAYER VERSION ACCOUNT
permit() { echo "add for-$3 $3" >"$MNT/.vouchfs/permissions/layers/$1:$2"; }

@test "a caller of another account needs a statement on the layer version" {
	need_root
	mount_functions
	publish base 'base 1'
	deploy "$MNT/functions/guest" one
	run -1 as_user bash -c "echo base:1 >'$MNT/functions/guest/layers'"
	[[ $output == *"Permission denied"* ]]
	run -0 why guest
	[[ $output == *"VF2005 refused"*"account $GUEST_ACCOUNT is not permitted lambda:GetLayerVersion on layer version base:1"* ]]
	[[ $output == *"vouchfs lambda add-layer-version-permission --layer-name base --version-number 1"* ]]
	permit base 1 777788889999
	run -1 as_user bash -c "echo base:1 >'$MNT/functions/guest/layers'"
	permit base 1 "$GUEST_ACCOUNT"
	as_user bash -c "echo base:1 >'$MNT/functions/guest/layers'"
	[ "$(cat "$MNT/run/guest/opt/base")" = "base 1" ]
	deploy "$MNT/functions/guest" two # the account that owns the layer
	[ "$(cat "$MNT/run/guest/opt/base") $(cat "$MNT/run/guest/task/app.py")" = "base 1 two" ]
}

@test "rm -r undeploys a function with layers" {
	ready
	mkdir "$MNT/functions/team-a"
	cp "$T/code.zip" "$MNT/functions/team-a/"
	echo base:1 >"$MNT/functions/team-a/layers"
	[ "$(cat "$MNT/run/team-a/opt/base")" = "base 1" ]
	rm -r "$MNT/functions/team-a"
	[ ! -e "$MNT/functions/team-a" ]
	[ ! -e "$MNT/run/team-a" ]
}

@test "a disk that fails while a layer is attached: EIO, no word of damage, and the next try is taken" {
	mount_functions
	mk_signed "$T/base.zip" base=1 "noise=$(head -c 30000 /dev/urandom | base64 -w 0)"
	cp "$T/base.zip" "$MNT/layers/base/new.zip"
	deploy "$STRICT" 1
	stop_mount
	start_mount
	payload=$(find "$STORE/objects" -name payload -size +20k)
	strace -f -o "$T/calls" -P "$payload" -e trace=pread64 -e inject=pread64:error=EIO:syscall=getpid -p "$(daemon_pid)" 2>"$T/strace" 3>&- &
	tracer=$!
	eventually grep -q attached "$T/strace"
	run -1 bash -c 'echo base:1 >"$1"' - "$STRICT/layers"
	kill -INT "$tracer"
	wait "$tracer" || true
	[[ $output == *"Input/output error"* ]]
	grep -q INJECTED "$T/calls"
	run "$VOUCHFS" why strict
	[[ $output != *damaged* ]]
	echo base:1 >"$STRICT/layers"
	[ -e "$SERVED/opt/base" ]
}

@test "rollback brings the layers of the release back, and is refused when a layer's profile version was revoked" {
	mount_functions
	local profile arn
	profile=$(mk_profile tooling)
	arn=${profile%/*}
	sed -i "/^\[code-signing-config strict\]/a allowed_publisher = $arn" "$CONF"
	export_trust
	"$VOUCHFS" reload
	mk_zip "$T/base.zip" 'base=base 1'
	sign_zip tooling "$T/base.zip"
	cp "$T/base.zip" "$MNT/layers/base/"
	publish tools 'tools 1'
	deploy "$STRICT" one
	printf 'base:1\ntools:1\n' >"$T/layers"
	cp "$T/layers" "$STRICT/"
	deploy "$STRICT" two
	rm "$STRICT/layers"
	[ "$(release_of strict) $(names_in "$SERVED/opt")" = ".releases/strict/4 " ]

	run -0 "$VOUCHFS" rollback strict 2
	[ "$output" = "strict: release 5 is current, the content of release 2" ]
	[ "$(cat "$SERVED/task/app.py") $(names_in "$SERVED/opt")" = "one base tools" ]
	[ "$(names_in "$STRICT")" = "code.zip layers" ]
	cmp "$T/layers" "$STRICT/layers"
	[[ $("$VOUCHFS" history strict) == *"rollback to release 2"*"layers base:1 tools:1"* ]]
	[ "$("$VOUCHFS" history strict --json | python3 -c '
import json, sys
print(*(",".join(r["layers"]) or "-" for r in json.load(sys.stdin)["releases"]))')" = "base:1,tools:1 - base:1,tools:1" ]
	"$VOUCHFS" rollback strict 4
	[ "$(cat "$SERVED/task/app.py") $(names_in "$SERVED/opt") $(names_in "$STRICT")" = "two  code.zip" ]

	signer "$ACCOUNT" revoke-signing-profile --profile-name tooling --profile-version "${profile##*/}" \
		--effective-time 2020-01-01T00:00:00Z --reason leaked >/dev/null
	export_trust
	local before
	before=$(release_of strict)
	run -16 "$VOUCHFS" rollback strict 5
	[[ $output == *"VF2005"*"base:1"* ]]
	[ "$(release_of strict) $(names_in "$STRICT")" = "$before code.zip" ]
	run -1 bash -c "echo 5 >'$MNT/.vouchfs/rollback/functions/strict'"
	[[ $output == *"Key has been revoked"* ]]
	run -0 why strict
	[[ $output == *"VF2005 refused"*"layer base:1      FAILED"*"VF2004"* ]]
}

@test "diff names layers: attached, detached, another version, another order, each with its signer" {
	mount_functions
	local other
	other=$(mk_profile other)
	publish base 'base 1'
	publish tools 'tools 1'
	mk_zip "$T/base.zip" 'base=base 2'
	sign_zip other "$T/base.zip"
	cp "$T/base.zip" "$MNT/layers/base/"
	mk_zip "$T/plain.zip" plain=plain
	cp "$T/plain.zip" "$MNT/layers/plain/"
	local slot=$MNT/functions/relaxed
	deploy "$slot" one
	echo base:1 >"$slot/layers"
	printf 'base:2\nplain:1\n' >"$slot/layers"
	"$VOUCHFS" rollback relaxed 2
	run -1 "$VOUCHFS" diff relaxed 4 3
	[[ ${lines[0]} == "+ layer plain:1  (unsigned)" ]]
	[[ ${lines[1]} == "~ layer base:1 -> base:2  arn:"*"/release/"*" -> $other" ]]
	[[ ${lines[2]} == "~ opt/base  "* ]]
	[ "${lines[3]}" = "+ opt/plain  6 bytes, mode 0444" ]
	[ "${lines[4]}" = "1 added, 0 removed, 1 changed" ]
	run -1 "$VOUCHFS" diff relaxed 3 4
	[ "${lines[1]}" = "- layer plain:1  (unsigned)" ]
	run -0 "$VOUCHFS" diff relaxed 4 4
	[ -z "$output" ]
	# another order, and the same files
	printf 'plain:1\nbase:2\n' >"$slot/layers"
	printf 'base:2\nplain:1\n' >"$slot/layers"
	run -1 "$VOUCHFS" diff relaxed 5 6
	[ "$output" = "~ layers, in another order  plain:1 base:2 -> base:2 plain:1" ]
	"$VOUCHFS" diff relaxed 5 6 --json >"$T/json" || [ $? = 1 ]
	[ "$(python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); l = d["layers"]; print(d["same"], l["reordered"], [x["layer"] for x in l["from"]], l["to"][0]["profileVersionArn"], l["attached"])' "$T/json")" = "False True ['plain', 'base'] $other []" ]
	"$VOUCHFS" diff relaxed 4 6 --json >"$T/json" || [ $? = 1 ]
	[ "$(python3 -c 'import json, sys; l = json.load(open(sys.argv[1]))["layers"]; print(l["attached"][0]["layer"], l["attached"][0]["jobArn"], [(x["from"]["version"], x["to"]["version"]) for x in l["changed"]], l["detached"])' "$T/json")" = "plain None [(1, 2)] []" ]
	# of a version that was removed the release still knows who signed it
	rm "$MNT/layers/base/2.zip"
	run -1 "$VOUCHFS" diff relaxed 4 6
	[[ ${lines[1]} == "~ layer base:1 -> base:2  "*" -> $other" ]]
}
