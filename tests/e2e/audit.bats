#!/usr/bin/env bats
# `vouchfs audit`: the head that is kept elsewhere, the log verified, each damage named, and searched.

load lib

# A log of 12 records in files of about 3 KiB, and its head; nothing is mounted.
ready() {
	export VOUCHFS_TEST_AUDIT_SEGMENT=3000
	start_ready_mount </dev/null
	mk_zip "$T/unsigned.zip" app.py='print(1)'
	mk_signed "$T/good.zip" app.py='print(2)'
	local i
	for i in 1 2 3; do
		run ! cp "$T/unsigned.zip" "$MAIN/a.zip"
		cp "$T/unsigned.zip" "$MNT/functions/relaxed/b.zip"
	done
	cp "$T/good.zip" "$MAIN/c.zip"
	"$VOUCHFS" reload
	HEAD=$("$VOUCHFS" audit head)
	stop_mount
	LOG=$STORE/audit
	cp -a "$LOG" "$T/before"
}

# Lays the log out anew in one file: the records with these numbers, in this order, edited by a sed script where given.
lay_out() {
	local order=$1 script=${2:-}
	rm -f "$LOG"/*
	cat "$T"/before/*.jsonl >"$T/lines"
	for i in $order; do sed -n "${i}p" "$T/lines"; done | sed -e "$script" >"$LOG/audit-00000000000000000001.jsonl"
}

verify() { run "$VOUCHFS" audit verify "$@"; }
# finds STATUS NAME RECORD
finds() {
	if [ "$status" != "$1" ] || [[ ${lines[0]} != "$2: record $3" ]]; then
		echo "$output"
		return 1
	fi
}

@test "the log goes on in a new file when one is full, and is verified over all of them" {
	ready
	[ "$(find "$LOG" -name 'audit-*.jsonl' | wc -l)" -ge 3 ]
	[ -z "$(find "$LOG" -type f -size +3000c)" ]
	local last
	last=$(cat "$LOG"/*.jsonl | wc -l)
	verify
	[ "$status" = 0 ]
	[[ ${lines[0]} == "whole: $last records, 1 to $last" ]]
	[[ $output == *"Records cut off the end go unseen without --head"* ]]
	verify --head "$HEAD"
	[ "$status" = 0 ]
	[[ $output == *"record ${HEAD%%:*} is the one that was exported"* ]]
	# beside a daemon that has the log open; and in a copy
	start_mount
	verify --head "$HEAD"
	[ "$status" = 0 ]
	verify --head "$HEAD" "$T/before"
	[ "$status" = 0 ]
	run -0 "$VOUCHFS" audit verify --json "$T/before"
	python3 - "$output" "$last" <<-'END'
		import json, sys
		found, last = json.loads(sys.argv[1]), int(sys.argv[2])
		assert found["schema"] == 1 and found["result"] == "whole" and found["exitCode"] == 0, found
		assert (found["records"], found["firstSeq"], found["lastSeq"], found["seq"]) == (last, 1, last, None), found
		assert found["head"].startswith(f"{last}:") and not found["headGiven"] and found["tornBytes"] == 0, found
	END
}

@test "head: of a mount for everybody, of a store, of a copy; as text and JSON" {
	ready
	local seq=${HEAD%%:*}
	[ "$HEAD" = "$seq:$(cat "$LOG"/*.jsonl | sed -n "${seq}p" | tr -d '\n' | sha256sum | cut -d ' ' -f 1)" ]
	[ "$("$VOUCHFS" audit head)" = "$("$VOUCHFS" audit head "$STORE")" ] # and stop
	[ "$("$VOUCHFS" audit head "$T/before")" = "$("$VOUCHFS" audit head)" ]
	[ "$("$VOUCHFS" audit head --json | json_value sha256)" = "$("$VOUCHFS" audit head | cut -d : -f 2)" ]
	mkdir "$T/empty"
	run -1 "$VOUCHFS" audit head "$T/empty"
	[[ $output == *"no record of an audit log"* ]]
	need_root
	start_mount
	chmod -R a+rX "$T/etc"
	cp "$VOUCHFS" "$T/vouchfs"
	[ "$(as_user env VOUCHFS_CONF="$CONF" "$T/vouchfs" audit head)" = "$("$VOUCHFS" audit head "$STORE")" ]
	run -1 as_user env VOUCHFS_CONF="$CONF" "$T/vouchfs" audit verify
	[[ $output == *"is for root and the owner of the store alone"* ]]
}

@test "each damage is named with the first record, and has its exit code" {
	ready
	local all
	all=$(seq -s ' ' "$(cat "$LOG"/*.jsonl | wc -l)")
	lay_out "$all"
	verify --head "$HEAD"
	[ "$status" = 0 ]
	lay_out "$all" '3s/"uid":[0-9]*/"uid":4711/'
	verify
	finds 30 edited 3
	[[ $output == *"record 3 is not what it was when record 4 was written behind it"* ]]
	[[ $output == *"seen in  audit-00000000000000000001.jsonl"*"whole    records 1 to 2"* ]]
	lay_out "${all/ 5 / }"
	verify
	finds 31 removed 5
	lay_out "${all/ 5 6 / 6 5 }"
	verify
	finds 32 reordered 5
	lay_out "${all/ 5 / 5 5 }"
	verify
	finds 33 duplicated 5
	lay_out "1 2 3 4 5 6"
	verify
	[ "$status" = 0 ] # nobody can see that
	verify --head "$HEAD"
	finds 34 truncated 7
	run -34 "$VOUCHFS" audit verify --json --head "$HEAD"
	[[ $output == *'"result": "truncated"'*'"seq": 7'*'"headGiven": true'* ]]
	# the daemon goes on behind what it finds; the head tells all the same
	start_mount
	stop_mount
	verify
	[ "$status" = 0 ]
	for i in 1 2; do
		start_mount
		stop_mount
	done
	verify --head "$HEAD"
	finds 30 edited "${HEAD%%:*}"
	[[ $output == *"with all hashes made anew"* ]]
}

@test "what a crash leaves is no damage" {
	ready
	local file
	file=$(find "$LOG" -name '*.jsonl' | sort | tail -n 1)
	truncate -s -5 "$file"
	verify
	[ "$status" = 0 ]
	[[ $output == *"bytes of a record are behind it: a crash"* ]]
	start_mount
	stop_mount
	verify --head "$HEAD"
	[ "$status" = 0 ]
	[[ $(cat "$LOG"/*.jsonl) == *'"event":"recovery"'* ]]
}

@test "files that are missing have to be archived, and that has to be said" {
	ready
	local files second
	mapfile -t files < <(find "$LOG" -name '*.jsonl' | sort)
	second=$(basename "${files[1]}" .jsonl)
	second=$((10#${second#audit-}))
	before=$(head -n -0 "${files[0]}" | tail -n 1 | tr -d '\n' | sha256sum | cut -d ' ' -f 1)
	mv "${files[0]}" "$T/archived.jsonl"
	verify
	finds 31 removed 1
	[[ $output == *"if what is before was archived, say so with --first or --from"* ]]
	verify --first "$second" --head "$HEAD"
	[ "$status" = 0 ]
	[[ ${lines[0]} == "whole: "*" records, $second to "* ]]
	verify --from "$((second - 1)):$before" --head "$HEAD"
	[ "$status" = 0 ]
	verify --from "$((second - 1)):${HEAD#*:}"
	finds 30 edited "$second"
	verify --first "$second" --head "1:$before"
	[ "$status" = 1 ]
	[[ $output == *"nothing was compared with it"* ]]
	mv "${files[1]}" "$T/"
	verify --first "$second"
	[ "$status" = 31 ]
}

@test "what is not said right, or cannot be read" {
	ready
	verify --head 12
	[ "$status" = 2 ]
	[[ $output == *"is not what \`vouchfs audit head\` prints"* ]]
	verify --from "$HEAD" --first 3
	[ "$status" = 2 ]
	verify --first 0
	[ "$status" = 2 ]
	verify "$T/absent"
	[ "$status" = 1 ]
	[[ $output == *"cannot be read: No such file or directory"* ]]
	mkdir "$T/empty"
	verify "$T/empty"
	[ "$status" = 1 ]
	[[ $output == *"there are no files of an audit log here"* ]]
	run -2 "$VOUCHFS" audit vrify
	[[ $output == *'unexpected argument "vrify"'*"vouchfs audit --help"* ]] # audit is a command, too
	run -2 "$VOUCHFS" audit
	run -0 "$VOUCHFS" audit --help
	[[ $output == *"verify"*"search"* ]]
}

@test "search: by everything there is, over all files" {
	ready
	numbers() { sed 's/.*"seq":\([0-9]*\),.*/\1/' | xargs; }
	search() { "$VOUCHFS" audit search --json "$@" | numbers; }
	[ "$(search --outcome refused)" = "2 4 6" ]
	[ "$(search --outcome warned)" = "3 5 7" ]
	[ "$(search --slot main)" = "2 4 6 8" ]
	[ "$(search --slot functions/relaxed --reason VF2001)" = "3 5 7" ]
	[ "$(search --event config-reloaded)" = 9 ]
	[ "$(search --event start)" = 1 ]
	[ "$(search --signer :/signing-profiles/release/)" = 8 ]
	[ "$(search --uid "$(id -u)" --outcome accepted)" = 8 ]
	[ "$(search --uid 4711 2>/dev/null)" = "" ]
	[ "$(search --since 1h | wc -w)" = 10 ]
	[ "$(search --since "$(date -u +%F)" --until "$(date -u -d '+1 day' +%F)" --event start)" = 1 ]
	[ "$(search --until 1h 2>/dev/null)" = "" ]
	[ "$(search --until 2020-01-01 2>/dev/null)" = "" ]
	[ "$("$VOUCHFS" audit search --json --event stop "$STORE" | numbers)" = 10 ]
	run -0 "$VOUCHFS" audit search --outcome accepted
	[[ ${lines[0]} == "     8  "*"  accepted            main" ]]
	run -0 "$VOUCHFS" audit search --outcome blocked
	[[ $output == "vouchfs: no record is like that" ]]
	run -2 "$VOUCHFS" audit search --since yesterday
	[[ $output == *'--since "yesterday" is no time'* ]]
	run -2 "$VOUCHFS" audit search --uid root
	[[ $output == *"--uid is a number"* ]]
}
