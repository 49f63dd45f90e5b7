#!/usr/bin/env bats
# vouchfs check-config: exit codes, and what goes to which stream. The errors themselves: tests/unit/test_config_*.c.

bats_require_minimum_version 1.5.0

VOUCHFS=${VOUCHFS:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/test/vouchfs}

setup() {
	T=$(mktemp -d "${TMPDIR:-/tmp}/vouchfs-e2e.XXXXXX")
	CONF=$T/vouchfs.conf
	unset VOUCHFS_CONF
	umask 022
	printf '[vouchfs]\naccount = 111122223333\n[function open-*]\ncode_signing_config = none\n' >"$CONF"
}

teardown() {
	rm -rf "$T"
}

@test "check-config: a good configuration exits 0 and is summed up on stdout" {
	run --separate-stderr "$VOUCHFS" check-config -c "$CONF"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$CONF: ok: accounts 0, code-signing configs 0, functions 1, layers 0, principals 0" ]
	[ -z "$stderr" ]
}

@test "check-config: functions that nobody checks are named" {
	run -0 "$VOUCHFS" check-config "$CONF"
	[ "${lines[1]}" = "unchecked: function open-* has code_signing_config = none" ]
}

@test "check-config: all errors go to stderr, with file and line, and exit 78" {
	printf 'mod = 0775\n[layr x]\n' >>"$CONF"
	run --separate-stderr "$VOUCHFS" check-config -c "$CONF"
	[ "$status" -eq 78 ]
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "$CONF:5: unknown key \"mod\" in [function open-*]; did you mean \"mode\"?" ]
	[ "${stderr_lines[1]}" = "$CONF:6: unknown section [layr x]; did you mean \"layer\"?" ]
	[ "${#stderr_lines[@]}" -eq 2 ]
}

@test "check-config: a file that is not there exits 78" {
	run -78 "$VOUCHFS" check-config -c "$T/absent.conf"
	[ "$output" = "$T/absent.conf: cannot be opened: No such file or directory; \`vouchfs init\` writes a first one, -c or VOUCHFS_CONF name another" ]
}

@test "check-config: VOUCHFS_CONF names the file where no option does" {
	VOUCHFS_CONF=$CONF run -0 "$VOUCHFS" check-config
	VOUCHFS_CONF=$T/absent.conf run -0 "$VOUCHFS" check-config -c "$CONF"
}

@test "check-config: --json says the same to programs" {
	"$VOUCHFS" check-config --json -c "$CONF" | python3 -c '
import json, sys
answer = json.load(sys.stdin)
assert answer["schema"] == 1 and answer["ok"] is True and answer["errors"] == []'
	printf 'mod = "0775"\n' >>"$CONF"
	run -78 --separate-stderr "$VOUCHFS" check-config --json -c "$CONF"
	printf '%s' "$output" | python3 -c '
import json, sys
answer = json.load(sys.stdin)
assert answer["ok"] is False and len(answer["errors"]) == 1 and ":5: unknown key" in answer["errors"][0]'
}

@test "check-config: --canonical prints all values in effect" {
	run -0 "$VOUCHFS" check-config --canonical -c "$CONF"
	[[ $output == *"keep-releases: 3"* ]]
	[[ $output == *"function: open-*"*"code-signing-config: none"* ]]
}

@test "check-config: two files are a usage error" {
	run -2 "$VOUCHFS" check-config -c "$CONF" "$CONF"
	run -2 "$VOUCHFS" check-config "$CONF" "$CONF"
}

@test "check-config: --help exits 0 and begins with examples" {
	run -0 "$VOUCHFS" check-config --help
	[[ $output == *"vouchfs check-config -c ./vouchfs.conf"*"--json"* ]]
}
