#!/usr/bin/env bats
# An administrator lets a function take for a while what its config refuses: bounded, recorded, and over by itself.

load lib

REASON="INC-42: the signing host is down"

# main enforces at both moments; the clock stands. other.zip is signed by nobody.
start_strict_mount() {
	stop_clock
	mk_account
	local arn
	arn=$(mk_profile release)
	mk_config <<-END
		[code-signing-config strict]
		allowed_publisher = ${arn%/*}
		untrusted_artifact_on_deployment = Enforce
		untrusted_artifact_on_load = Enforce
		[function main]
		code_signing_config = strict
		[function open]
		code_signing_config = none
		[layer tools]
	END
	mk_zip "$T/unsigned.zip" marker=unsigned
	mk_signed "$T/signed.zip" marker=signed
	start_mount
	MAIN=$MNT/functions/main
	RUN=$MNT/run/main
}

break_glass() { "$VOUCHFS" break-glass "$@"; }
records_with() { cat "$STORE"/audit/*.jsonl | grep -c "$1" || true; }
has_records() { [ "$(records_with "$1")" = "$2" ]; }
serves() { [ "$(cat "$RUN/task/marker")" = "$1" ]; }
is_blocked() {
	local text
	! text=$(cat "$RUN/task/marker" 2>&1) && [[ $text == *"Permission denied"* ]]
}
json_of() { python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }

@test "what was refused is taken, warned about, shown everywhere, and blocked when the time is over" {
	start_strict_mount
	run -1 cp "$T/unsigned.zip" "$MAIN/a.zip"
	run -0 break_glass main --minutes 30 --reason "$REASON"
	[[ ${lines[0]} == "BREAK GLASS on functions/main until "*", event "* ]]
	run ! grep '.\{81\}' <<<"$output"
	cp "$T/unsigned.zip" "$MAIN/a.zip"
	serves unsigned

	[[ $("$VOUCHFS" why main) == "VF2001 warned"*"BREAK GLASS       without it this is refused; by uid "*"$REASON"* ]]
	grep -q "\"reason\": \"$REASON\"" "$RUN/release.json"
	[ "$(getfattr --only-values -n user.vouchfs.outcome "$MAIN/a.zip")" = warned ]
	has_records '"event":"break-glass-begun".*"detail":"until .*Z: '"$REASON" 1
	has_records '"event":"deployment".*"outcome":"warned","reason":"VF2001".*"breakGlass":' 1
	[ "$("$VOUCHFS" status --json | json_of '[s["breakGlassReason"] for s in d["slots"] if s["breakGlassUntil"]]')" = "['$REASON']" ]
	run -0 break_glass
	[[ $output == "functions/main"*"30 min left; by uid "*"$REASON" ]]
	[ "$(break_glass --json | json_of '[(b["function"], b["secondsLeft"], b["reason"]) for b in d["breakGlass"]]')" = "[('main', 1800, '$REASON')]" ]

	move_clock 1799
	serves unsigned
	[[ $(break_glass main) == *"1 s left"* ]]
	move_clock 1
	eventually has_records '"event":"break-glass-expired"' 1 # before anybody asks
	eventually has_records '"event":"release-blocked"' 1
	is_blocked
	run -1 cp "$T/unsigned.zip" "$MAIN/a.zip"
	[ "$(break_glass)" = "no break glass is in force" ]
	[ "$(break_glass --json | json_of 'd["breakGlass"]')" = "[]" ]
	cp "$T/signed.zip" "$MAIN/a.zip"
	serves signed
}

@test "what is blocked is served meanwhile, and mapped and open files are cut off at its end" {
	start_strict_mount
	cp "$T/signed.zip" "$MAIN/a.zip"
	move_clock $((20 * 366 * 86400))
	eventually is_blocked
	break_glass main --minutes 5 --reason x
	serves signed
	exec 8<"$RUN/task/marker"
	run -0 break_glass main --end
	[ "$output" = "functions/main: what its config says is enforced again" ]
	is_blocked # at once, the kernel's cache too
	run -1 head -c 1 <&8
	exec 8<&-
	has_records '"event":"break-glass-ended".*"detail":"by uid [0-9]*, before its time"' 1
	has_records '"event":"release-unblocked"' 1
	run -1 break_glass main --end
	[ "$output" = "vouchfs: main: no break glass is in force there" ]
}

@test "what is wrong for everybody stays refused: changed bytes, broken archives, limits" {
	VOUCHFS_SECTION="max_artifact_size = 4096" start_strict_mount
	break_glass main --minutes 30 --reason x
	python3 - "$T/signed.zip" "$T/changed.zip" <<-'END'
		import sys
		content = bytearray(open(sys.argv[1], "rb").read())
		content[content.index(b"signed\n")] ^= 1
		open(sys.argv[2], "wb").write(content)
	END
	run -1 cp "$T/changed.zip" "$MAIN/a.zip"
	[[ $("$VOUCHFS" why main) == "VF1002 refused"* ]]
	head -c 100 "$T/unsigned.zip" >"$T/torn.zip"
	run -1 cp "$T/torn.zip" "$MAIN/a.zip"
	[[ $("$VOUCHFS" why main) == "VF1001 refused"* ]]
	head -c 8000 /dev/urandom >"$T/large"
	(cd "$T" && zip -q large.zip large)
	run -1 cp "$T/large.zip" "$MAIN/a.zip"
	[[ $("$VOUCHFS" why main) == "VF4002 refused"* ]]
	run -1 cat "$RUN/task/marker"
}

@test "a restart keeps it, a second one replaces it, and what was forged while it was down does not count" {
	start_strict_mount
	break_glass main --minutes 1440 --reason long
	cp "$STORE/functions/main/break-glass" "$T/long"
	break_glass main --minutes 10 --reason short
	stop_mount
	move_clock 60
	start_mount
	[[ $(break_glass main) == *"9 min left"*short ]]
	cp "$T/unsigned.zip" "$MAIN/a.zip"
	serves unsigned
	stop_mount

	cp "$T/long" "$STORE/functions/main/break-glass"
	start_mount
	is_blocked
	[ "$(break_glass main)" = "no break glass is in force on functions/main" ]
	has_records '"event":"break-glass-ended".*"detail":"the audit log says that it is over, or was replaced"' 1
	has_records '"event":"break-glass-begun"' 2
}

@test "what it is asked wrongly says what is wrong" {
	start_strict_mount
	run -2 break_glass main --minutes 30
	[[ $output == *"both --minutes and --reason are needed"* ]]
	run -2 break_glass main --reason x
	for minutes in 0 1441 -1 1h ''; do
		run -2 break_glass main --minutes "$minutes" --reason x
		[[ $output == *"--minutes is a number from 1 to 1440"* ]]
	done
	run -2 break_glass main --minutes 1 --reason ''
	[[ $output == *"1 to 500 characters, this one has 0"* ]]
	run -2 break_glass main --minutes 1 --reason "$(printf '%0501d' 0)"
	[[ $output == *"this one has 501"* ]]
	run -2 break_glass main --minutes 1 --reason $'two\nlines'
	[[ $output == *"printable ASCII alone; byte 4 is none"* ]]
	run -2 break_glass main --end --minutes 1 --reason x
	[[ $output == *"--end goes without"* ]]
	run -2 break_glass --end
	[[ $output == *"which function?"* ]]
	run -2 break_glass layers/tools --minutes 1 --reason x
	[[ $output == *"a layer is judged with each function that has it"* ]]
	run -17 break_glass mian --minutes 1 --reason x
	[[ $output == *"did you mean functions/main?" ]]
	run -17 break_glass mian
	[[ $output == *"did you mean functions/main?" ]]
	run -1 break_glass open --minutes 1 --reason x
	[[ $output == *"open has code_signing_config = none: nothing is enforced there"* ]]
	has_records '"event":"break-glass-' 0
	run -1 bash -c "echo 'begin 1441 x' >'$MNT/.vouchfs/break-glass/functions/main'"
	run -1 bash -c "echo nonsense >'$MNT/.vouchfs/break-glass/functions/main'"
	has_records '"event":"break-glass-' 0
}

@test "who may deploy to the function may not, whoever has mounted may" {
	need_user_mounts
	start_strict_mount
	sed -i 's/^\[function main\]/&\nowner = nobody\nmode = 0775/' "$CONF"
	"$VOUCHFS" reload
	as_user cp "$T/signed.zip" "$MAIN/a.zip"
	run -1 as_user "$VOUCHFS" break-glass main --minutes 1 --reason x
	[[ $output == *"only root, and the user who has mounted it, may break glass"* ]]
	break_glass main --minutes 1 --reason x
	run -1 as_user "$VOUCHFS" break-glass main --end
	run -0 as_user "$VOUCHFS" break-glass
	[[ $output == "functions/main"* ]]
	stop_mount

	chown -R nobody "$T/etc" "$T/xdg" "$MNT" "$T/homes"
	mkdir "$T/var"
	chown nobody "$T/var"
	sed -i "s|^store = .*|store = $T/var/store|" "$CONF"
	as_user "$VOUCHFS" mount -c "$CONF" "$MNT"
	run -0 as_user "$VOUCHFS" break-glass main --minutes 1 --reason x
	run -0 as_user "$VOUCHFS" break-glass main --end
	as_user "$VOUCHFS" unmount "$MNT"
}

# In force or not, as a restart finds it, and that what it says is so: "taken", "refused", or nothing.
state() {
	start_mount || return
	local text found=refused
	text=$(break_glass main)
	if cp "$T/unsigned.zip" "$MAIN/a.zip" 2>/dev/null; then found=taken; fi
	[[ $found/$text != taken/"functions/main"* && $found/$text != refused/"no break glass"* ]] || echo "$found"
	stop_mount
}

# sweep_kills WANT_BEFORE WANT_AFTER ARGUMENT...: the daemon dies at every changing call of the command
sweep_kills() {
	local before=$1 after=$2 n status=1 found
	shift 2
	rm -rf "$T/before" && cp -a "$STORE" "$T/before"
	for ((n = 1; status != 0; n += ${FAULT_STEP:-2})); do
		rm -rf "$STORE" && cp -a "$T/before" "$STORE"
		VOUCHFS_TEST_FAULT="*:$n:kill" start_mount
		status=0
		break_glass main "$@" >"$T/out" 2>&1 || status=$?
		if [ "$status" = 0 ]; then stop_mount; else eventually no_processes_left; fi
		found=$(state)
		[ "$found" = "$after" ] || { [ "$found" = "$before" ] && [ "$status" != 0 ]; } || {
			echo "killed at call $n: exited $status, then $found"
			return 1
		}
		[ "$found" = refused ] || [ "$(records_with '"event":"break-glass-begun"')" -ge 1 ]
	done
	[ "$n" -gt 4 ]
}

@test "kill -9 of the daemon at every changing call of a beginning and of an end" {
	start_strict_mount
	stop_mount
	sweep_kills refused taken --minutes 30 --reason x
	start_mount
	break_glass main --minutes 30 --reason x >/dev/null
	stop_mount
	sweep_kills taken refused --end
}

@test "a disk that is full or fails while it begins: said, and nothing is in force" {
	start_strict_mount
	stop_mount
	rm -rf "$T/before" && cp -a "$STORE" "$T/before"
	local n error status failures=0
	for error in ENOSPC EIO; do
		for ((n = 1; n < 8; n += ${FAULT_STEP:-2})); do
			rm -rf "$STORE" && cp -a "$T/before" "$STORE"
			VOUCHFS_TEST_FAULT="*:$n:$error" start_mount
			status=0
			break_glass main --minutes 30 --reason x >"$T/out" 2>&1 || status=$?
			if [ "$status" != 0 ]; then
				failures=$((failures + 1))
				grep -q "nothing is in force" "$T/out"
				run -1 cp "$T/unsigned.zip" "$MAIN/a.zip"
			fi
			stop_mount
			[ "$status" = 0 ] || [ "$(state)" = refused ]
		done
	done
	[ "$failures" -gt 2 ]
}
