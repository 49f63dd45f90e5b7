#!/usr/bin/env bats
# What is served follows revocation lists, the time and the clock: nobody reloads anything here unless a test says so.

load lib

# The clock stands where the tests put it; main enforces on load, relaxed warns, open ignores.
start_following_mount() {
	at 2026-11-21T12:00:00Z
	export VOUCHFS_TEST_CLOCK=$T/clock
	mk_account
	PROFILE=$(mk_profile release)
	VERSION=${PROFILE##*/}
	write_config "${PROFILE%/*}"
	start_mount
	mk_zip "$T/a.zip" small=a other=o big="$(seq 40000)"
	sign_zip release "$T/a.zip"
	for slot in main relaxed open; do cp "$T/a.zip" "$MNT/functions/$slot/"; done
	TASK=$MNT/run/main/task
	opens
}

# write_config PUBLISHER
write_config() {
	local mode
	mk_config < <(
		for mode in Enforce Warn Ignore; do
			printf '[code-signing-config %s]\nallowed_publisher = %s\n' "$mode" "$1"
			printf 'untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = %s\n' "$mode"
		done
		printf '[function main]\ncode_signing_config = Enforce\n[function relaxed]\ncode_signing_config = Warn\n'
		printf '[function open]\ncode_signing_config = Ignore\n'
	)
}

# rsync -I: two lists of one second can have the same size and time.

# In one step: the daemon looks whenever it changes.
at() {
	echo "$1" >"$T/clock.new"
	mv "$T/clock.new" "$T/clock"
}

opens() { [ "$(cat "$MNT/run/${1:-main}/task/small")" = a ]; }
is_refused() {
	local text
	! text=$(cat "$TASK/small" 2>&1) && [[ $text == *"Permission denied"* ]]
}
records_with() { cat "$STORE"/audit/*.jsonl | grep -c "$1" || true; }
has_records() { [ "$(records_with "$1")" = "$2" ]; }

revoke() {
	signer "$ACCOUNT" revoke-signing-profile --profile-name release --profile-version "$VERSION" \
		--effective-time 2026-11-01T00:00:00Z --reason leaked >/dev/null
}

# The account's next list, in a directory of its own: $T/next
next_trust() {
	rm -rf "$T/next"
	signer "$ACCOUNT" refresh-revocations >/dev/null
	signer "$ACCOUNT" export-trust --directory "$T/next" >/dev/null
}

LIST=$ACCOUNT.revocations

@test "a revocation that arrives blocks within a second, paths, open files and mapped ones" {
	local begin
	start_following_mount
	mkfifo "$T/commands"
	python3 "$BATS_TEST_DIRNAME/holder.py" "$TASK" <"$T/commands" >"$T/said" 3>&- &
	exec 7>"$T/commands"
	echo before >&7
	eventually grep -q "^before: end" "$T/said"
	[ "$(grep -c "^before: .* ok$" "$T/said")" = 9 ]

	revoke
	export_trust_to "$T/next"
	begin=$(date +%s%N)
	cp "$T/next/$LIST" "$T/etc/trust/.new"
	mv "$T/etc/trust/.new" "$T/etc/trust/$LIST"
	eventually is_refused
	(($(date +%s%N) - begin < 1000000000))
	eventually has_records '"event":"release-blocked"' 1

	echo after >&7
	eventually grep -q "^after: end" "$T/said"
	for what in fstat pread "open relative" "stat relative" listdir openat "/proc/self/fd"; do
		grep -q "^after: $what EACCES$" "$T/said"
	done
	grep -q "^after: mapped SIGBUS$" "$T/said"
	grep -q "^after: private copy ok$" "$T/said" # what was written to is the process's own

	# Warn records once, Ignore nothing, both serve
	opens relaxed
	opens open
	has_records '"event":"release-warned"' 1
	grep -A 1 "^! main " "$MNT/.vouchfs/status" | grep -q "BLOCKED: .*VF2004"

	# a revocation never goes; the rules may
	sed -i 's/on_load = Enforce/on_load = Warn/' "$CONF"
	"$VOUCHFS" reload -c "$CONF"
	opens
	echo again >&7
	eventually grep -q "^again: end" "$T/said"
	[ "$(grep -c "^again: .* ok$" "$T/said")" = 9 ]
	exec 7>&-
	wait
}

export_trust_to() { signer "$ACCOUNT" export-trust --directory "$1" >/dev/null; }

@test "a list is written in place, by cp and by rsync --inplace: it is in force when it is whole" {
	start_following_mount
	next_trust
	cp "$T/next/$LIST" "$T/etc/trust/$LIST"
	eventually has_records 'list 2 is in force' 1
	next_trust
	rsync -I --inplace "$T/next/$LIST" "$T/etc/trust/"
	eventually has_records 'list 3 is in force' 1
	next_trust
	rsync -aI "$T/next/" "$T/etc/trust/"
	eventually has_records 'list 4 is in force' 1
	opens
	has_records '"event":"release-blocked"' 0
	has_records 'refused: ' 0
	revoke
	export_trust_to "$T/next"
	cp "$T/next/$LIST" "$T/etc/trust/$LIST"
	eventually is_refused
}

@test "a writer that stops in the middle: the list before holds for a moment, then it cannot be checked" {
	start_following_mount
	next_trust
	head -c 300 "$T/next/$LIST" >"$T/etc/trust/$LIST"
	opens
	eventually is_refused
	has_records 'refused: ' 1
	has_records VF3001 2 # main is blocked, relaxed warned about
	cp "$T/next/$LIST" "$T/etc/trust/$LIST"
	eventually opens
	has_records '"event":"release-unblocked"' 1
}

@test "an older list, and one of another account, are refused; what was seen stays remembered" {
	start_following_mount
	cp -a "$T/etc/trust" "$T/first"
	next_trust
	rsync -aI "$T/next/" "$T/etc/trust/"
	eventually has_records 'list 2 is in force' 1
	rsync -aI "$T/first/" "$T/etc/trust/"
	eventually is_refused
	has_records '"event":"revocation-list".*older than list 2' 1
	rsync -aI "$T/next/" "$T/etc/trust/"
	eventually opens

	mk_account 222233334444
	signer 222233334444 export-trust --directory "$T/foreign" >/dev/null
	cp "$T/foreign/222233334444.revocations" "$T/etc/trust/.new"
	mv "$T/etc/trust/.new" "$T/etc/trust/$LIST"
	eventually is_refused
	next_trust
	rsync -aI "$T/next/" "$T/etc/trust/"
	eventually opens
}

@test "symlinks as configuration management makes them: the swap is what counts" {
	start_following_mount
	stop_mount
	mkdir "$T/etc/trust/..1"
	mv "$T/etc/trust/$ACCOUNT".* "$T/etc/trust/..1/"
	ln -s ..1 "$T/etc/trust/..data"
	ln -s "..data/$LIST" "..data/$ACCOUNT.pem" "$T/etc/trust/"
	start_mount
	opens
	revoke
	export_trust_to "$T/etc/trust/..2"
	opens
	ln -s ..2 "$T/etc/trust/..data_tmp"
	mv -T "$T/etc/trust/..data_tmp" "$T/etc/trust/..data"
	eventually is_refused
}

@test "the directory is removed and made again, and moved away" {
	start_following_mount
	cp -a "$T/etc/trust" "$T/first"
	rm -r "$T/etc/trust"
	eventually is_refused
	mv "$T/first" "$T/etc/trust"
	eventually opens
	mv "$T/etc/trust" "$T/elsewhere"
	eventually is_refused
	mkdir "$T/etc/trust"
	cp -a "$T/elsewhere/." "$T/etc/trust/"
	eventually opens
}

@test "time: expiry, a list's next update, a clock that is set back" {
	start_following_mount
	at 2026-12-21T12:00:00Z # the list's last second
	opens
	at 2026-12-21T12:00:01Z
	eventually has_records '"event":"release-blocked"' 1 # before anybody asks
	is_refused
	next_trust
	rsync -aI "$T/next/" "$T/etc/trust/"
	eventually opens
	at 2050-01-01T00:00:00Z
	eventually has_records VF2003 2 # main is blocked, relaxed was warned about before: once more it is not
	at 2026-12-22T12:00:00Z
	eventually opens
}

@test "the real clock: a signature expires while nobody asks, and nothing wakes the daemon before" {
	local daemon before
	mk_account_at "$(date -u -d '-2 days' +%FT%TZ)"
	date -u -d '-1 day +3 seconds' +%FT%TZ >"$T/signing-clock"
	mk_zip "$T/a.zip" small=a
	VOUCHFS_TEST_CLOCK=$T/signing-clock sign_zip release "$T/a.zip"
	write_config "${PROFILE%/*}"
	start_mount
	cp "$T/a.zip" "$MNT/functions/main/"
	TASK=$MNT/run/main/task
	opens
	daemon=$(own_pids | tail -n 1)
	before=$(switches_of "$daemon")
	eventually has_records '"event":"release-blocked"' 1
	(($(switches_of "$daemon") - before < 20))
	is_refused
}

# The main thread's voluntary context switches: how often it slept and was woken.
switches_of() { awk '/^voluntary/ { print $2 }' "/proc/$1/task/$1/status"; }

# An account with a profile whose signatures hold for a day, both made at a time.
mk_account_at() {
	echo "$1" >"$T/signing-clock"
	export VOUCHFS_TEST_CLOCK=$T/signing-clock
	mk_account
	PROFILE=$(signer "$ACCOUNT" put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name release \
		--signature-validity-period value=1,type=DAYS | json_value profileVersionArn)
	unset VOUCHFS_TEST_CLOCK
}

@test "SIGHUP takes the configuration, and the lists at their new place are followed" {
	start_following_mount
	mv "$T/etc/trust" "$T/etc/lists"
	sed -i 's,trust/,lists/,' "$CONF"
	own_pids | head -n 1 | xargs kill -HUP
	eventually has_records '"event":"config-reloaded"' 1
	opens
	revoke
	export_trust_to "$T/etc/lists"
	eventually is_refused
}
