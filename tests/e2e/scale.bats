#!/usr/bin/env bats
# shellcheck disable=SC2012 # the names are plain
# Very many functions, deployments and uploaders. SCALE_FUNCTIONS and SCALE_DEPLOYMENTS make it long.

load lib

SCALE=$BATS_TEST_DIRNAME/scale.py
SLOT_BYTES_MAX=1536 # of memory, for a function that is listed and not used

mk_many_config() {
	VOUCHFS_SECTION=$'durability = none\nkeep_releases = 1' mk_config <<-'END'
		[function many-*]
		code_signing_config = none
	END
}

resident_kib() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(daemon_pid)/status"; }
descriptors() { ls "/proc/$(daemon_pid)/fd" | wc -l; }
stored_files() { find "$STORE" -path "$STORE/audit" -prune -o -type f -print | wc -l; }
is_at_rest() { [ "$(stored_files)" = "$1" ] && [ "$(descriptors)" -le "$2" ]; }

@test "many functions: after a mount all are listed and served, and a listing keeps little of them" {
	local before after count=${SCALE_FUNCTIONS:-400}
	mk_zip "$T/a.zip" app.txt=one
	mk_many_config
	start_mount
	python3 "$SCALE" functions "$MNT" "$count" "$T/a.zip"
	seq -f 'many-%06g' 0 $((count - 1)) >"$T/expected"
	ls "$MNT/functions" | diff "$T/expected" -
	stop_mount

	start_mount
	ls "$MNT" >/dev/null
	before=$(resident_kib)
	ls "$MNT/functions" | diff "$T/expected" -
	after=$(resident_kib)
	[[ $VOUCHFS == */asan/* || $VOUCHFS == */tsan/* ]] ||
		((after - before < 2048 + count * SLOT_BYTES_MAX / 1024)) || {
		echo "$before KiB before, $after after"
		return 1
	}
	ls "$MNT/run" | diff "$T/expected" -
	sed "s|.*|$MNT/run/&/task/app.txt|" "$T/expected" | xargs cat | tr -d '\n' | sed 's/one//g' >"$T/rest"
	[ ! -s "$T/rest" ]
	cp "$T/a.zip" "$MNT/functions/many-000007/"
	[ "$(readlink "$MNT/run/many-000007")" = .releases/many-000007/2 ]
	ls "$MNT/functions" | diff "$T/expected" -
}

@test "a listing does not show a function that was never made, though the store has it, and shows one whose record is lost" {
	mk_zip "$T/a.zip" app.txt=one
	mk_plain_config many-named
	start_mount
	cp "$T/a.zip" "$MNT/functions/many-named/"
	stop_mount
	mk_many_config
	start_mount
	mkdir "$MNT/functions/many-made" "$MNT/functions/many-lost"
	cp "$T/a.zip" "$MNT/functions/many-lost/"
	stop_mount
	rm -f "$STORE/functions/many-lost/slot"
	echo torn >"$STORE/functions/many-lost/slot"

	start_mount
	[ "$(names_in "$MNT/functions")" = "many-lost many-made" ]
	[ "$(ls "$MNT/functions/many-made")" = "" ]
	[ "$(ls "$MNT/functions/many-lost")" = a.zip ]
	[ ! -e "$MNT/functions/many-named" ]
	[ "$(cat "$MNT/run/many-named/task/app.txt")" = one ] # what was served goes on being served
	mkdir "$MNT/functions/many-named"
	[ "$(names_in "$MNT/functions")" = "many-lost many-made many-named" ]
	rmdir "$MNT/functions/many-made"
	[ "$(names_in "$MNT/functions")" = "many-lost many-named" ]
}

@test "deployments in a row leave no file and no descriptor behind" {
	local files open count=20
	stop_clock
	mk_zip "$T/a.zip" app.txt=one
	mk_zip "$T/b.zip" app.txt=two
	mk_many_config
	start_mount
	python3 "$SCALE" functions "$MNT" "$count" "$T/a.zip"
	python3 "$SCALE" turns "$MNT" "$count" $((2 * count)) "$T/a.zip" "$T/b.zip"
	pass_grace
	eventually sweeps_all
	files=$(stored_files) open=$(descriptors)

	python3 "$SCALE" turns "$MNT" "$count" "${SCALE_DEPLOYMENTS:-200}" "$T/a.zip" "$T/b.zip"
	pass_grace
	python3 "$SCALE" turns "$MNT" "$count" $((2 * count)) "$T/a.zip" "$T/b.zip" # tells the sweep
	pass_grace
	eventually is_at_rest "$files" "$open"
	[ "$(readlink "$MNT/run/many-000000")" = ".releases/many-000000/$((1 + 4 + ${SCALE_DEPLOYMENTS:-200} / count))" ]
}

# Of each function one release is left.
sweeps_all() {
	local records
	records=$(find "$STORE/functions" -path '*/releases/*' | wc -l)
	[ "$records" = "$(ls "$STORE/functions" | wc -l)" ]
}

@test "64 uploaders at once: everything they wrote is accepted, once each, and what is served is what came last" {
	local number
	mk_zip "$T/a.zip" app.txt=one
	mk_zip "$T/b.zip" app.txt=two
	mk_many_config
	start_mount
	python3 "$SCALE" uploaders "$MNT" 64 5 "$T/a.zip" "$T/b.zip"
	for number in 0 1 62 63; do
		[ "$(cat "$(printf '%s/run/many-%06d/task/app.txt' "$MNT" "$number")")" = "$( ((number % 2)) && echo two || echo one)" ]
	done
	[ "$(readlink "$MNT"/run/many-* | sed 's|.*/||' | sort | uniq -c | tr -s ' ')" = " 64 5" ]
	stop_mount
	[ "$(cat "$STORE"/audit/* | grep -c '"event":"deployment"')" = 320 ]
	[ "$(cat "$STORE"/audit/* | grep -c '"outcome":"accepted"')" = 320 ]
}
