#!/usr/bin/env bats
# Slots where it gets rough: many clients at once, policy on load, names and limits at the edge.

load lib

records_with() { cat "$STORE"/audit/*.jsonl | grep -c "$1"; }

# write_rules PUBLISHER ON_LOAD: main under other rules than it was deployed with
write_rules() {
	mk_config <<-END
		[code-signing-config Enforce]
		allowed_publisher = $1
		untrusted_artifact_on_deployment = Enforce
		untrusted_artifact_on_load = $2
		[function main]
		code_signing_config = Enforce
	END
}

publisher_of() { "$VOUCHFS" inspect "$1" | grep -o "arn:[^ ]*:/signing-profiles/release" | head -n 1; }

has_no_staging() { [ -z "$(ls "$STORE/staging")" ]; }

@test "writers, renamers, readers, unlinkers, makers of slots and reloads at once: everything stays whole" {
	local i
	start_ready_mount <<-END
		[function team-*]
		code_signing_config = Enforce
	END
	mkdir "$T/zips"
	for i in 0 1 2 3; do
		mkdir "$T/w"
		seq "$i" 20000 >"$T/w/numbers"
		echo "$i" >"$T/w/marker"
		cp "$T/w/marker" "$T/w/twin"
		(cd "$T/w" && zip -q -X -r "$T/zips/$i.zip" .)
		rm -r "$T/w"
		sign_zip release "$T/zips/$i.zip"
	done
	mk_zip "$T/zips/bad.zip" marker=bad
	python3 "$BATS_TEST_DIRNAME/stress.py" "$MNT" "$T/zips" "$VOUCHFS" "$CONF"

	eventually has_no_staging
	cp "$T/zips/0.zip" "$MAIN/last.zip"
	[ "$(names_in "$MAIN")" = last.zip ]
	for i in 1 2; do # as it is, and after a restart
		cmp "$T/zips/0.zip" "$RUN/code.zip"
		cmp "$T/zips/0.zip" "$MAIN/last.zip"
		[ "$(cat "$RUN/task/marker")" = 0 ]
		[ "$(names_in "$MNT/functions")" = "main relaxed" ]
		[ "$(names_in "$MNT/run/.releases")" = main ]
		stop_mount
		start_mount
	done
	run records_with '"event":"page-check-failed"'
	[ "$output" = 0 ]
	run records_with '"event":"deployment-failed"'
	[ "$output" = 0 ]
}

@test "on load: a publisher that is not allowed any more is blocked by the reload, cached or not, and comes back" {
	start_ready_mount </dev/null
	local publisher
	mk_signed "$T/a.zip" marker=a
	publisher=$(publisher_of "$T/a.zip")
	cp "$T/a.zip" "$MAIN/"
	[ "$(cat "$RUN/task/marker")" = a ] # now the kernel knows the way
	cp "$CONF" "$T/before.conf"

	write_rules "${publisher%release}other" Enforce
	(cd "$RUN/task" && "$VOUCHFS" reload -c "$CONF" && run -1 cat marker && [[ $output == *"Permission denied"* ]])
	run -1 cat "$RUN/task/marker"
	[[ $output == *"Permission denied"* ]]
	run -2 ls "$RUN/task/"
	[[ $output == *"Permission denied"* ]]
	[ "$(readlink "$RUN")" = .releases/main/1 ]
	[ "$(records_with '"event":"release-blocked"')" = 1 ]
	cmp "$T/a.zip" "$MAIN/a.zip" # deployers still see what they deployed

	cp "$T/before.conf" "$CONF"
	"$VOUCHFS" reload -c "$CONF"
	[ "$(cat "$RUN/task/marker")" = a ]
	[ "$(records_with '"event":"release-unblocked"')" = 1 ]
}

@test "on load: Warn records and serves, Ignore serves" {
	start_ready_mount </dev/null
	local publisher
	mk_signed "$T/a.zip" marker=a
	publisher=$(publisher_of "$T/a.zip")
	cp "$T/a.zip" "$MAIN/"
	write_rules "${publisher%release}other" Ignore
	"$VOUCHFS" reload -c "$CONF"
	[ "$(cat "$RUN/task/marker")" = a ]
	run records_with '"event":"release-'
	[ "$output" = 0 ]
	write_rules "${publisher%release}other" Warn
	"$VOUCHFS" reload -c "$CONF"
	[ "$(cat "$RUN/task/marker")" = a ]
	[ "$(records_with '"event":"release-warned"')" = 1 ]
}

@test "on load: a signature that has expired is blocked after a restart, also where Warn let it in" {
	echo 2026-11-21T12:00:00Z >"$T/clock"
	export VOUCHFS_TEST_CLOCK=$T/clock
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	write_rules "$(publisher_of "$T/a.zip")" Enforce
	"$VOUCHFS" reload -c "$CONF"
	[ "$(cat "$RUN/task/marker")" = a ]
	stop_mount
	echo 2060-01-01T00:00:00Z >"$T/clock"
	start_mount
	run -1 cat "$RUN/task/marker"
	[[ $output == *"Permission denied"* ]]
	stop_mount
	echo 2026-11-21T12:00:00Z >"$T/clock"
	start_mount
	[ "$(cat "$RUN/task/marker")" = a ]
}

@test "a reload that brings a pattern lets users make slots at once, and lists what it declares" {
	need_root
	start_ready_mount </dev/null
	[ "$(stat -c %a "$MNT/functions")" = 755 ]
	run -1 as_user mkdir "$MNT/functions/team-x"
	{
		cat "$CONF"
		printf '[function team-*]\ncode_signing_config = Enforce\ngroup = nogroup\n'
		printf '[function newcomer]\ncode_signing_config = Enforce\n'
	} >"$T/new.conf"
	cat "$T/new.conf" >"$CONF"
	"$VOUCHFS" reload -c "$CONF"
	as_user mkdir "$MNT/functions/team-x"
	[ "$(names_in "$MNT/functions")" = "main newcomer relaxed team-x" ]
	stop_mount
	start_mount
	[ "$(names_in "$MNT/functions")" = "main newcomer relaxed team-x" ]
	as_user rmdir "$MNT/functions/team-x"
	[ "$(names_in "$MNT/functions")" = "main newcomer relaxed" ]
}

@test "an artifact whose name would be trouble on a terminal or in a log" {
	start_ready_mount </dev/null
	local name=$'a\n\e[31m"\\\xff: .zip'
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/$name"
	cmp "$T/a.zip" "$MAIN/$name"
	python3 -m json.tool "$RUN/release.json" >/dev/null
	python3 -m json.tool "$MNT/.vouchfs/status.json" >/dev/null
	python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' < <(cat "$STORE"/audit/*.jsonl)
	mk_zip "$T/b.zip"
	run -1 cp "$T/b.zip" "$MAIN/$name"
	[ -z "$("$VOUCHFS" why main | LC_ALL=C tr -d '\n\40-\176')" ]
	getfattr --absolute-names -d "$MAIN" | LC_ALL=C grep -q '[^ -~]' && false
	stop_mount
	start_mount
	cmp "$T/a.zip" "$MAIN/$name"
	rm "$MAIN/$name"
	[ -z "$(names_in "$MAIN")" ]
}

@test "append: what is added to the artifact is judged with it, and the artifact stays" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	run bash -c "cat '$T/a.zip' >>'$MAIN/a.zip'"
	[ "$status" -ne 0 ]
	cmp "$T/a.zip" "$MAIN/a.zip"
	[ "$(cat "$RUN/task/marker")" = a ]
	head -c 100 "$T/a.zip" >"$MAIN/.b"
	tail -c +101 "$T/a.zip" >>"$MAIN/.b"
	mv "$MAIN/.b" "$MAIN/b.zip"
	cmp "$T/a.zip" "$MAIN/b.zip"
}

@test "a name that is removed before its file is closed is not deployed" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	python3 - "$T/a.zip" "$MAIN/a.zip" <<-'END'
		import os, sys
		out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
		os.write(out, open(sys.argv[1], "rb").read())
		os.unlink(sys.argv[2])
		os.close(out)
	END
	[ -z "$(names_in "$MAIN")" ]
	[ ! -e "$RUN" ]
}

# fill SLOT COUNT: staging files; prints how many there was room for
fill() {
	python3 - "$MNT/functions/$1" "$2" <<-'END'
		import errno, sys
		for i in range(int(sys.argv[2])):
		    try:
		        open("%s/.%d" % (sys.argv[1], i), "w").write("x")
		    except OSError as e:
		        assert e.errno == errno.ENOSPC, e
		        break
		else:
		    i += 1
		print(i)
	END
}

@test "staging files by the hundred take no descriptors from those who deploy and read" {
	start_ready_mount < <(printf '[function many-%d]\ncode_signing_config = Enforce\n' 1 2 3)
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	stop_mount
	(ulimit -Sn 256 && start_mount) # the soft limit is raised
	[ "$(fill many-1 600)" = 600 ]
	stop_mount
	(ulimit -n 256 && start_mount) # the hard one is heeded
	[ "$(fill many-1 100)" = 100 ]
	[ "$(fill many-2 100)" = 28 ]
	[ "$(fill many-3 100)" = 0 ]
	[ "$(cat "$RUN/task/marker")" = a ]
	cp "$T/a.zip" "$MAIN/b.zip"
	cmp "$T/a.zip" "$RUN/code.zip"
	(cd "$MNT/functions/many-1" && printf '.%d\n' {0..99} | xargs rm)
	[ "$(fill many-3 100)" = 100 ]
}
