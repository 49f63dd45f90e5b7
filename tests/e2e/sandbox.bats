#!/usr/bin/env bats
# The examples that run a function with only its own release in view.

load lib

TOP=$BATS_TEST_DIRNAME/../..

background=()
teardown() {
	[ ${#background[@]} = 0 ] || kill "${background[@]}" 2>/dev/null || true
	lib_teardown
}

need_bwrap() {
	bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev true 2>"$T/why" || skip "no sandbox here: $(cat "$T/why")"
}

sandbox() { "$TOP/conf/sandbox/vouchfs-bwrap" "$MNT" main "$@"; }

@test "bubblewrap: code at /var/task, nothing else of the mount, nothing to write to" {
	need_bwrap
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" app.py='import os, mod; print(os.getcwd(), mod.value)' mod.py='value = 42'
	cp "$T/a.zip" "$MAIN/"
	[ "$(sandbox /usr/bin/python3 app.py)" = "/var/task 42" ]
	[ "$(sandbox ls /var/task)" = "$(printf 'app.py\nmod.py')" ]
	[ "$(sandbox ls /var)" = task ]
	[ -z "$(sandbox ls -A /opt)" ]
	run ! sandbox ls "$MNT"
	[[ $output == *"No such file or directory"* ]]
	run ! sandbox touch /var/task/new
	[[ $output == *"Read-only file system"* ]]
	run -2 "$TOP/conf/sandbox/vouchfs-bwrap" "$MNT" main
	[[ $output == Usage:* ]]
	run ! "$TOP/conf/sandbox/vouchfs-bwrap" "$MNT" relaxed true # nothing is served there
}

@test "bubblewrap: a sandbox stays with its release when another one is deployed, or rolled back to" {
	need_bwrap
	start_ready_mount </dev/null
	for i in 1 2; do
		mk_signed "$T/$i.zip" marker=$i
	done
	cp "$T/1.zip" "$MAIN/a.zip"
	mkfifo "$T/go" "$T/ready"
	sandbox sh -c 'cat marker; read -r _; cat marker' <"$T/go" >"$T/ready" 3>&- &
	background+=($!)
	exec 4>"$T/go" 5<"$T/ready"
	read -r first <&5
	[ "$first" = 1 ]
	cp "$T/2.zip" "$MAIN/a.zip"
	[ "$(sandbox cat marker)" = 2 ]
	echo >&4
	read -r second <&5
	[ "$second" = 1 ]
	exec 4>&- 5<&-
	wait "${background[0]}"
	"$VOUCHFS" rollback main
	[ "$(sandbox cat marker)" = 1 ]
}
