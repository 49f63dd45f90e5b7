#!/usr/bin/env bats
# The environment of a function: `vouchfs env` and `vouchfs run`.

load lib

deploy() {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" "$@"
	cp "$T/a.zip" "$MAIN/"
}

@test "env prints export lines of the current release, and a shell takes them" {
	deploy app.py='import mod; print(mod.value)' mod.py='value = 42' lib/x=1
	run -0 "$VOUCHFS" env main
	[[ $output == *"export LAMBDA_TASK_ROOT='$MNT/run/.releases/main/1/task'"* ]]
	[[ $output == *"export LD_LIBRARY_PATH='$MNT/run/.releases/main/1/task:$MNT/run/.releases/main/1/task/lib'"* ]]
	[[ $output == *"export AWS_LAMBDA_FUNCTION_VERSION='1'"* ]]
	[[ $output != *GEM_PATH* && $output != *opt/lib* ]]
	eval "$output"
	[ "$(cd / && python3 -c 'import mod; print(mod.value, mod.__file__)')" = "42 $MNT/run/.releases/main/1/task/mod.py" ]
}

@test "a later deployment changes nothing of it; PATH never holds two releases" {
	deploy marker=one
	eval "$("$VOUCHFS" env main)"
	PATH=$MNT/run/.releases/main/1/opt/bin:$PATH:$MNT/run/.releases/main/1/opt/bin
	mk_signed "$T/b.zip" marker=two
	cp "$T/b.zip" "$MAIN/"
	[ "$(cat "$LAMBDA_TASK_ROOT/marker")" = one ]
	eval "$("$VOUCHFS" env main)"
	[ "$(cat "$LAMBDA_TASK_ROOT/marker")" = two ]
	[[ $PATH != *releases* ]]
	command -v python3
}

@test "quotes: a mountpoint with blanks and every kind of quote" {
	MNT="$T/a b'c\"d\$e\`f\\g"
	mkdir "$MNT"
	deploy mod.py='value = 42'
	(
		eval "$("$VOUCHFS" env main)"
		[ "$LAMBDA_TASK_ROOT" = "$MNT/run/.releases/main/1/task" ]
	)
	run -0 "$VOUCHFS" env main --systemd
	[[ $output == *"LAMBDA_TASK_ROOT=\"$T/a b'c\\\"d\\\$e\\\`f\\\\g/run/.releases/main/1/task\""* ]]
	[[ $output != *export* ]]
	"$VOUCHFS" env main --json | MNT=$MNT python3 -c '
import json, os, sys
d = json.load(sys.stdin)
assert d["function"] == "main" and d["release"] == 1
assert d["path"] == os.environ["MNT"] + "/run/.releases/main/1"
assert d["environment"]["LAMBDA_TASK_ROOT"] == d["path"] + "/task"'
	stop_mount
}

@test "a mountpoint with a colon is refused: PATH cannot hold it" {
	MNT=$T/a:b
	mkdir "$MNT"
	deploy x=1
	run -1 "$VOUCHFS" env main
	[[ $output == *"colon"*"mount elsewhere"* ]]
	stop_mount
}

@test "run: working directory, environment, arguments and exit code are the command's" {
	deploy app.py='import os, sys; print(os.getcwd(), sys.argv[1:], os.environ["MARK"]); sys.exit(7)'
	MARK=kept run -7 "$VOUCHFS" run main -- python3 app.py -c --json -- x
	[ "$output" = "$MNT/run/.releases/main/1/task ['-c', '--json', '--', 'x'] kept" ]
	PYTHONPATH=/nowhere run -0 "$VOUCHFS" run main -c "$CONF" -- sh -c 'echo $PYTHONPATH'
	[ "$output" = "$MNT/run/.releases/main/1/task" ]
	run -143 "$VOUCHFS" run main -- sh -c 'kill -TERM $$'
	run -127 "$VOUCHFS" run main -- no-such-command
	run -126 "$VOUCHFS" run main -- ./app.py
	[[ $output == *"Permission denied"* ]]
}

@test "wrong usage, and nothing to run" {
	deploy x=1
	run -2 "$VOUCHFS" run main
	[[ $output == *"behind --"* ]]
	run -2 "$VOUCHFS" run main python3 app.py
	run -2 "$VOUCHFS" run main other -- true
	run -2 "$VOUCHFS" run -- true
	run -2 "$VOUCHFS" run main --
	run -2 "$VOUCHFS" env main --json --systemd
	run -2 "$VOUCHFS" env 'a/b'
	[[ $output == *'"a/b" is not the name of a function'* ]]
	run -1 "$VOUCHFS" env relaxed
	[[ $output == *"nothing is deployed there"* ]]
	run -1 "$VOUCHFS" env mian
	[[ $output == *"did you mean functions/main?"* ]]
	run -1 "$VOUCHFS" run relaxed -- true
	run -0 "$VOUCHFS" run --help
	stop_mount
	run -1 "$VOUCHFS" env main
	[[ $output == *"is not mounted"* ]]
}

@test "a release that is blocked runs nothing" {
	local arn
	mk_account
	arn=$(mk_profile release)
	rules() {
		mk_config <<-END
			[code-signing-config c]
			allowed_publisher = $1
			untrusted_artifact_on_load = Enforce
			[function main]
			code_signing_config = c
		END
	}
	rules "${arn%/*}"
	start_mount
	mk_signed "$T/a.zip" x=1
	cp "$T/a.zip" "$MNT/functions/main/"
	run -0 "$VOUCHFS" run main -- true
	rules "${arn%/*/*}/other"
	"$VOUCHFS" reload
	run -1 "$VOUCHFS" run main -- true
	[[ $output == *"functions/main: its release is blocked"* ]]
	run -1 "$VOUCHFS" env main
	[[ $output != *export* ]]
}
