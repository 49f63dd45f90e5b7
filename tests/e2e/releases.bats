#!/usr/bin/env bats
# What is kept of a function: its history, the way back, and what makes one release another.

load lib

# Processes that a test starts in the background and has to end.
background=()
teardown() {
	[ ${#background[@]} = 0 ] || kill "${background[@]}" 2>/dev/null || true
	lib_teardown
}

marker() { cat "$RUN/task/marker"; }

# deploy NAME MARKER: signed, as NAME
deploy() {
	mk_signed "$T/$1" marker="$2"
	cp "$T/$1" "$MAIN/"
}

kernel_forgets() {
	echo 2 >/proc/sys/vm/drop_caches
	[ ! -e "$1" ]
}

has_objects() { [ "$(find "$STORE/objects" -name payload | wc -l)" = "$1" ]; }

# history_of EXPRESSION: of what `history --json` says, d
history_of() {
	"$VOUCHFS" history main --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

@test "history: every release that is kept, the newest first, on a mount and without one" {
	start_ready_mount </dev/null
	[ "$("$VOUCHFS" history main)" = "function main: 0 releases are kept, none is current" ]
	for i in 1 2 3 4; do deploy a.zip "$i"; done
	run -0 "$VOUCHFS" history main
	[ "${lines[0]}" = "function main: 3 releases are kept, release 4 is current" ]
	[[ ${lines[2]} == "*       4 "*" accepted "*" a.zip "*" release/"*" uid $(id -u) (cp)" ]]
	[[ ${lines[3]} == "        3 "* ]]
	[[ ${lines[4]} == "        2 "* ]]
	[ ${#lines[@]} = 5 ]
	[ "$(history_of '[r["release"] for r in d["releases"]], d["current"], d["schema"]')" = "([4, 3, 2], 4, 1)" ]
	[ "$(history_of '{r["jobArn"].split("/")[-1] != "" for r in d["releases"]}')" = "{True}" ]
	local mounted stored
	mounted=$("$VOUCHFS" history main --json)
	stop_mount
	stored=$("$VOUCHFS" history main --json)
	[ "$mounted" = "$stored" ]
	run -0 "$VOUCHFS" history functions/main
	[ "${lines[0]}" = "function main: 3 releases are kept, release 4 is current" ]
	[ "$("$VOUCHFS" history relaxed)" = "function relaxed: 0 releases are kept, none is current" ]
	run -17 "$VOUCHFS" history nobody
	[[ $output == *"no function nobody"* ]]
	start_mount
	run -17 "$VOUCHFS" history mian
	[[ $output == *"did you mean functions/main?"* ]]
	run -2 "$VOUCHFS" history layers/main
}

@test "rollback: the old content under a new number and its old name, recorded" {
	start_ready_mount </dev/null
	deploy one.zip 1
	deploy two.zip 2
	run -0 "$VOUCHFS" rollback main
	[ "$output" = "main: release 3 is current, the content of release 1" ]
	[ "$(marker)" = 1 ]
	[ "$(readlink "$RUN")" = .releases/main/3 ]
	[ "$(names_in "$MAIN")" = one.zip ]
	cmp "$T/one.zip" "$MAIN/one.zip"
	cmp "$T/one.zip" "$RUN/code.zip"
	grep -q '"rollbackTo": 1' "$RUN/release.json"
	grep '"event":"deployment"' "$STORE"/audit/*.jsonl | tail -n 1 >"$T/record"
	grep -q '"command":"vouchfs"' "$T/record"
	grep -q '"release":3,"rollbackTo":1,' "$T/record"
	grep -q '"outcome":"accepted"' "$T/record"
	[[ $("$VOUCHFS" why main) == *"rollback "*"to release 1"* ]]
	[ "$(history_of '[(r["release"], r["rollbackTo"]) for r in d["releases"]]')" = "[(3, 1), (2, None), (1, None)]" ]
	[[ $("$VOUCHFS" history main) == *"rollback to release 1"* ]]
	# back again, by default and by number; as JSON
	run -0 "$VOUCHFS" rollback main --json
	[ "$(echo "$output" | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["release"], d["rollbackTo"])')" = "4 2" ]
	[ "$(marker)" = 2 ]
	[ "$(names_in "$MAIN")" = two.zip ]
	run -0 "$VOUCHFS" rollback main 3
	[ "$(marker)" = 1 ]
	stop_mount
	start_mount
	[ "$(marker)" = 1 ]
	[ "$(names_in "$MAIN")" = one.zip ]
	cmp "$T/one.zip" "$RUN/code.zip"
}

@test "rollback: to the oldest that is kept, which falls out by it" {
	stop_clock
	start_ready_mount </dev/null
	for i in 1 2 3; do deploy a.zip "$i"; done
	"$VOUCHFS" rollback main 1
	[ "$(marker)" = 1 ]
	[ "$(ls "$MNT/run/.releases/main")" = "$(printf '2\n3\n4')" ]
	[ "$(marker)" = 1 ]
	pass_grace
	eventually test ! -e "$STORE/functions/main/releases/1"
	[ "$(marker)" = 1 ]
	stop_mount
	start_mount
	cmp "$T/a.zip" <(cat "$MNT/run/.releases/main/3/code.zip")
	[ "$(marker)" = 1 ]
}

@test "rollback: what is not there to go back to" {
	start_ready_mount </dev/null
	run -1 "$VOUCHFS" rollback main
	[[ $output == *"no release before the current one is kept"* ]]
	deploy a.zip 1
	run -1 "$VOUCHFS" rollback main
	[[ $output == *"no release before the current one is kept"* ]]
	run -1 "$VOUCHFS" rollback main 7
	[[ $output == *"release 7 is not kept"*"vouchfs history main"* ]]
	run -1 "$VOUCHFS" rollback main 1
	[[ $output == *"release 1 is the current one already"* ]]
	run -17 "$VOUCHFS" rollback nobody
	run -2 "$VOUCHFS" rollback main x
	run -2 "$VOUCHFS" rollback
	[ "$(marker)" = 1 ]
	[ "$(ls "$MNT/run/.releases/main")" = 1 ]
	stop_mount
	run -1 "$VOUCHFS" rollback main
	[[ $output == *"is not mounted"* ]]
}

@test "rollback: judged as a deployment of today: revoked is refused under Enforce, and recorded under Warn" {
	start_ready_mount </dev/null
	local job
	deploy a.zip 1
	job=$(history_of 'd["releases"][0]["jobArn"].split("/")[-1]')
	cp "$T/a.zip" "$MNT/functions/relaxed/"
	deploy b.zip 2
	cp "$T/b.zip" "$MNT/functions/relaxed/"
	signer "$ACCOUNT" revoke-signature --job-id "$job" --reason "leaked"
	export_trust
	run -15 "$VOUCHFS" rollback main
	[[ $output == "VF2004 refused  slot=functions/main  artifact=a.zip"* ]]
	[[ $output == *"rollback "*"to release 1"*"kept "*"release 2 is still served"* ]]
	[ "$(marker)" = 2 ]
	[ "$(ls "$MNT/run/.releases/main")" = "$(printf '1\n2')" ]
	run bash -c "echo 1 >$MNT/.vouchfs/rollback/functions/main"
	[ "$status" = 1 ]
	[[ $output == *"Key has been revoked"* ]]
	grep '"event":"deployment"' "$STORE"/audit/*.jsonl | tail -n 1 | grep -q '"rollbackTo":1,.*"outcome":"refused","reason":"VF2004".*"errno":"EKEYREVOKED"'
	[ "$(getfattr --absolute-names --only-values -n user.vouchfs.last_outcome "$MAIN")" = refused ]
	run -0 "$VOUCHFS" rollback relaxed
	[[ $output == *"warning: VF2004 "* ]]
	[ "$(cat "$MNT/run/relaxed/task/marker")" = 1 ]
	[ "$(getfattr --absolute-names --only-values -n user.vouchfs.outcome "$MNT/run/relaxed/")" = warned ]
}

@test "rollback: an expired one is refused" {
	export VOUCHFS_TEST_CLOCK=$T/clock
	echo "2026-11-21T12:00:00Z" >"$T/clock"
	start_ready_mount </dev/null
	signer "$ACCOUNT" put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name short \
		--signature-validity-period value=1,type=DAYS >/dev/null
	arn=$(signer "$ACCOUNT" get-signing-profile --profile-name short | json_value profileVersionArn)
	sed -i "s|^allowed_publisher.*|&\nallowed_publisher = ${arn%/*}|" "$CONF"
	"$VOUCHFS" reload
	mk_zip "$T/a.zip" marker=1
	sign_zip short "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	deploy b.zip 2
	echo "2026-11-23T12:00:00Z" >"$T/clock"
	run -12 "$VOUCHFS" rollback main
	[[ $output == "VF2003 refused"* ]]
	[ "$(marker)" = 2 ]
}

@test "rollback: stored bytes that are damaged do not come back" {
	start_ready_mount </dev/null
	mkdir "$T/w"
	head -c 200000 /dev/urandom >"$T/w/noise"
	echo 1 >"$T/w/marker"
	(cd "$T/w" && zip -q -0 -r ../a.zip .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	mk_signed "$T/b.zip" marker=2 noise=none
	cp "$T/b.zip" "$MAIN/"
	local payload
	payload=$(find "$STORE/objects" -name payload -size +150k)
	chmod 0600 "$payload"
	printf 'XXXX' | dd of="$payload" bs=1 seek=100000 conv=notrunc status=none
	run -13 "$VOUCHFS" rollback main
	[[ $output == *"damaged in the store"* ]]
	[[ $("$VOUCHFS" why main) == *"not rolled back"*"release 2 is still served"* ]]
	[ "$(marker)" = 2 ]
	[[ $("$VOUCHFS" history main) == *"!       1 "*"DAMAGED"* ]]
	run -2 "$VOUCHFS" diff main 1 2
	[[ $output == *"task/noise: its stored bytes are damaged"* ]]
	[ "$(history_of '[r["damaged"] for r in d["releases"]]')" = "[False, True]" ]
}

@test "rollback: for those who may deploy, and nobody else" {
	need_root
	start_ready_mount <<-END
		[function group-writable]
		code_signing_config = Warn
		group = nogroup
		[function private]
		code_signing_config = Warn
		mode = 0755
	END
	cp "$VOUCHFS" "$T/vouchfs"
	chmod 0711 "$T" "$T/etc"
	chmod 0644 "$CONF"
	local f
	for f in group-writable private; do
		for i in 1 2; do
			mk_zip "$T/a.zip" marker=$i
			cp "$T/a.zip" "$MNT/functions/$f/"
		done
		[ "$(stat -c %g:%A "$MNT/.vouchfs/rollback/functions/$f")" = "$(stat -c %g "$MNT/functions/$f"):$(stat -c %A "$MNT/functions/$f" | sed 's/^d/-/; s/x/-/g; s/-w-/rw-/g')" ]
	done
	run -1 as_user "$T/vouchfs" rollback private
	[[ $output == *"only whoever may deploy to it may roll it back"* ]]
	[ "$(cat "$MNT/run/private/task/marker")" = 2 ]
	as_user "$T/vouchfs" rollback group-writable
	[ "$(cat "$MNT/run/group-writable/task/marker")" = 1 ]
	[[ $("$VOUCHFS" history group-writable) == *"*       3 "*"uid $(id -u nobody) (vouchfs)"* ]]
	run as_user bash -c "echo 1 >$MNT/.vouchfs/rollback/functions/private"
	[ "$status" = 1 ]
	[[ $output == *"Permission denied"* ]]
	# the others may look
	as_user "$T/vouchfs" history private
	as_user "$T/vouchfs" diff private 1 1
}

@test "the control file of a rollback takes a number, whole" {
	start_ready_mount </dev/null
	deploy a.zip 1
	deploy b.zip 2
	local control=$MNT/.vouchfs/rollback/functions/main
	[ "$(cat "$control")" = 2 ]
	[ "$(ls "$MNT/.vouchfs/rollback/functions")" = "$(printf 'main\nrelaxed')" ]
	for bad in "" 0 -1 01 "1 2" 1x previous1 99999999999999999999; do
		run bash -c "echo '$bad' >$control"
		[ "$status" = 1 ]
		[[ $output == *"Invalid argument"* ]]
	done
	run truncate -s 0 "$control"
	[ "$status" = 1 ]
	run -1 touch "$MNT/.vouchfs/rollback/functions/new"
	run bash -c "echo 1 >$MNT/.vouchfs/history/functions/main"
	[ "$status" = 1 ]
	[ "$(marker)" = 2 ]
	: >"$control" # opened and closed: nothing
	echo previous >"$control"
	[ "$(marker)" = 1 ]
	[ "$(cat "$control")" = 3 ]
	# several at once: each is whole, the last one stands
	for i in 1 2 3 4; do echo previous >"$control" & done
	wait
	[ "$(cat "$control")" = 7 ]
	[ "$(ls "$MNT/run/.releases/main")" = "$(printf '5\n6\n7')" ]
}

@test "diff: files, modes, signer; exit codes of diff(1)" {
	start_ready_mount </dev/null
	mkdir -p "$T/w/lib"
	echo 1 >"$T/w/same"
	echo old >"$T/w/lib/changed"
	echo gone >"$T/w/removed"
	echo x >"$T/w/tool"
	(cd "$T/w" && zip -q -r ../a.zip .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	rm "$T/w/removed"
	echo new >"$T/w/lib/changed"
	printf 'e\033[2J' >"$T/w/lib/added"
	chmod +x "$T/w/tool"
	rm "$T/a.zip"
	(cd "$T/w" && zip -q -r ../a.zip .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	run -1 "$VOUCHFS" diff main 1 2
	[ "${lines[0]}" = "+ task/lib/added  5 bytes, mode 0444" ]
	[[ ${lines[1]} == "~ task/lib/changed  4 -> 4 bytes, sha256 "*" -> "* ]]
	[ "${lines[2]}" = "- task/removed  5 bytes, mode 0444" ]
	[ "${lines[3]}" = "~ task/tool  mode 0444 -> 0555" ]
	[ "${lines[4]}" = "1 added, 1 removed, 2 changed" ]
	run -1 "$VOUCHFS" diff main 2 1
	[ "${lines[0]}" = "- task/lib/added  5 bytes, mode 0444" ]
	"$VOUCHFS" diff main 1 2 --json >"$T/json" || [ $? = 1 ]
	[ "$(python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d["same"], [x["path"] for x in d["changed"]], d["changed"][1]["to"]["mode"], d["added"][0]["to"]["size"])' "$T/json")" = "False ['task/lib/changed', 'task/tool'] 0555 5" ]
	run -0 "$VOUCHFS" diff main 2 2
	[ -z "$output" ]
	"$VOUCHFS" rollback main 1
	run -0 "$VOUCHFS" diff main 1 3
	run -2 "$VOUCHFS" diff main 1 9
	[[ $output == *"there is no release 9"* ]]
	run -2 "$VOUCHFS" diff main 1
	run -2 "$VOUCHFS" diff main 1 two
	# the same bytes by nobody
	mk_zip "$T/u.zip" marker=1
	cp "$T/u.zip" "$MNT/functions/relaxed/"
	sign_zip release "$T/u.zip"
	cp "$T/u.zip" "$MNT/functions/relaxed/"
	run -1 "$VOUCHFS" diff relaxed 1 2
	[[ $output == "signer  (unsigned) -> "*":/signing-profiles/release/"* ]]
}

@test "a release that is in use outlives keep_releases: mapped, by a folder, by a working directory" {
	stop_clock
	start_ready_mount </dev/null
	mkdir "$T/w"
	head -c 3000000 /dev/urandom >"$T/w/noise"
	echo 1 >"$T/w/marker"
	(cd "$T/w" && zip -q -r ../1.zip .)
	sign_zip release "$T/1.zip"
	cp "$T/1.zip" "$MAIN/a.zip"
	mkfifo "$T/go" "$T/ready"
	python3 - "$RUN" "$T" 3>&- >"$T/out" 2>&1 <<-'END' &
		import mmap, os, sys
		run, t = sys.argv[1:3]
		folder = os.open(run + "/task", os.O_RDONLY | os.O_DIRECTORY)
		os.chdir(run + "/task")
		fd = os.open("noise", os.O_RDONLY)
		mapped = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)
		os.close(fd)
		open(t + "/ready", "w").close()
		open(t + "/go").read()
		expected = open(t + "/w/noise", "rb").read()
		assert mapped[:] == expected
		assert sorted(os.listdir(folder)) == ["marker", "noise"]
		late = os.open("marker", os.O_RDONLY, dir_fd=folder)
		assert os.read(late, 9) == b"1\n"
		assert open("noise", "rb").read() == expected
		print("whole")
	END
	background+=($!)
	cat "$T/ready"
	for i in 2 3 4 5 6; do deploy a.zip "$i"; done # keep_releases and two more
	[ "$(ls "$MNT/run/.releases/main")" = "$(printf '4\n5\n6')" ]
	[ -e "$MNT/run/.releases/main/1" ] # for who has just read the link to it
	pass_grace
	eventually test ! -e "$MNT/run/.releases/main/1"
	[ -e "$STORE/functions/main/releases/1" ]
	eventually test ! -e "$STORE/functions/main/releases/2"
	run -1 "$VOUCHFS" rollback main 1 # it is not kept, only not gone yet
	[[ $output == *"release 1 is not kept"* ]]
	echo >"$T/go"
	wait "${background[0]}"
	[ "$(cat "$T/out")" = whole ]
	[ "$(id -u)" = 0 ] || return 0 # only root can have the kernel forget what nobody uses any more
	eventually kernel_forgets "$STORE/functions/main/releases/1"
	eventually has_objects 3
}
