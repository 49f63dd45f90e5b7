#!/usr/bin/env bats
# A reload says what it does to what is served, a dry run what it would do; a faulty one changes nothing.

load lib

# Functions one, two and three, each with an artifact; open has none.
start_with_three() {
	mk_account
	PROFILE=$(mk_profile release)
	PROFILE=${PROFILE%/*}
	write_config "$PROFILE" "$PROFILE" "$PROFILE"
	mk_signed "$T/a.zip" marker=a
	start_mount
	for f in one two three; do cp "$T/a.zip" "$MNT/functions/$f/"; done
}

# write_config PUBLISHER-OF-ONE -OF-TWO -OF-THREE; one and two enforce on load, three warns
write_config() {
	local f mode
	mk_config < <(
		for f in one two three; do
			mode=Enforce
			[ "$f" != three ] || mode=Warn
			printf '[code-signing-config %s]\nallowed_publisher = %s\n' "$f" "$1"
			printf 'untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = %s\n' "$mode"
			printf '[function %s]\ncode_signing_config = %s\n' "$f" "$f"
			shift
		done
		printf '[function open]\ncode_signing_config = none\n'
	)
}

serves() { [ "$(cat "$MNT/run/$1/task/marker")" = a ]; }
json_of() { python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }
ELSE=arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/other

has_hangup() { grep -q '^ShdPnd:.*1$' "/proc/$1/status"; }
has_taken_hangup() { ! has_hangup "$1" && grep -q '^State:.S' "/proc/$1/status"; }
times_slept() { sed -n 's/^voluntary_ctxt_switches:\t*//p' "/proc/$1/status"; }
has_slept_since() { ! kill -0 "$1" 2>/dev/null || [ "$(times_slept "$1")" -gt $(($2 + 3)) ]; }
is_generation() { grep -qx "generation: $1" "$MNT/.vouchfs/reload"; }

@test "a reload says what came of itself, not of one that was under way" {
	mk_plain_config
	start_mount
	supervisor=$(supervisor_pid)
	daemon=$(daemon_pid)
	kill -STOP "$daemon"
	kill -HUP "$supervisor"
	eventually has_taken_hangup "$supervisor"
	kill -STOP "$supervisor" # the outcome of that one is to come when the next one asks
	kill -CONT "$daemon"
	eventually is_generation 2
	echo nonsense >>"$CONF"
	"$VOUCHFS" reload >"$T/out" 2>&1 3>&- &
	command=$!
	eventually has_hangup "$supervisor"
	kill -STOP "$daemon"
	kill -CONT "$supervisor"
	eventually has_taken_hangup "$supervisor"
	slept=$(times_slept "$command")
	eventually has_slept_since "$command" "$slept" # it has looked at the outcome of the one before
	kill -CONT "$daemon"
	code=0
	wait "$command" || code=$?
	[ "$code" -eq 78 ]
	grep -q "$CONF:" "$T/out"
}

@test "a dry run and a reload say the same, and only the reload does it" {
	start_with_three
	write_config "$ELSE" "$PROFILE" "$ELSE"
	printf '[function new]\ncode_signing_config = none\n' >>"$CONF"

	run -0 "$VOUCHFS" reload --dry-run
	[ "${lines[0]}" = "$CONF would be taken as generation 2; nothing was changed" ]
	[ "${lines[1]}" = "  configuration   1 function added, 2 configs changed" ]
	[ "${lines[2]}" = "! now blocked     1" ]
	[ "${lines[3]}" = "    functions/one  release 1  VF2002" ]
	[[ $output == *"~ now warned      1"*"functions/three  release 1  VF2002"*"  unchanged       1" ]]
	run -0 "$VOUCHFS" reload --dry-run # ARNs are not cut
	sed 1d <<<"$output" | grep -v arn: | run ! grep '.\{81\}'
	serves one
	[ ! -e "$MNT/functions/new" ]
	[ "$("$VOUCHFS" reload --dry-run --json | json_of 'd["dryRun"], d["generation"], d["counts"]["blocked"]')" = "True 2 1" ]

	run -0 "$VOUCHFS" reload
	[ "${lines[0]}" = "$CONF is in force, generation 2" ]
	"$VOUCHFS" reload --dry-run | grep -q "  unchanged       3"
	run -1 cat "$MNT/run/one/task/marker"
	serves two
	serves three
	[ -d "$MNT/functions/new" ]
	grep '"event":"config-reloaded"' "$STORE"/audit/*.jsonl | grep -q "generation 2: 1 now blocked, 0 allowed again, 1 now warned about, 1 unchanged"

	write_config "$PROFILE" "$PROFILE" "$PROFILE"
	[ "$("$VOUCHFS" reload --json | json_of '[(e["slot"], e["effect"], e["reason"]) for e in d["effects"]], d["taken"], d["generation"], d["changes"]["functions"]["removed"]')" = \
		"[('functions/one', 'allowed', None), ('functions/three', 'cleared', None)] True 3 1" ]
	serves one
}

@test "a faulty one: every error, exit 78, nothing changed, and status says so until a good one" {
	start_with_three
	cp "$CONF" "$T/good.conf"
	write_config "$ELSE" "$ELSE" "$ELSE"
	for n in $(seq 40); do printf '[function bad%d]\nmod = 0775\n' "$n"; done >>"$CONF"
	run -78 "$VOUCHFS" reload --dry-run
	[ "$(grep -c 'unknown key "mod"' <<<"$output")" = 40 ]
	[[ $output == *"the configuration would be refused; nothing was changed" ]]
	run -78 "$VOUCHFS" reload
	[ "$(grep -c 'unknown key "mod"' <<<"$output")" = 40 ]
	[[ $output == *"the one before stays in force" ]]
	[ "$("$VOUCHFS" reload --json 2>/dev/null | json_of 'd["taken"], len(d["errors"]) >= 40')" = "False True" ]
	serves one
	[ "$("$VOUCHFS" status --json | json_of 'd["configGeneration"], d["configFailures"]')" = "1 2" ]
	[[ $("$VOUCHFS" status --json | json_of 'd["configError"]') == "$CONF:"*"[function bad"* ]]

	cp "$T/good.conf" "$CONF"
	"$VOUCHFS" reload
	[ "$("$VOUCHFS" status --json | json_of 'd["configGeneration"], d["configFailures"], d["configError"]')" = "2 0 None" ]
}

@test "what a revocation list did is a line of the log" {
	start_with_three
	stop_mount
	"$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
	eventually is_mounted "$MNT/run"
	for f in one two three; do serves "$f"; done
	signer "$ACCOUNT" revoke-signing-profile --profile-name release --profile-version \
		"$(getfattr --only-values -n user.vouchfs.profile_version_arn "$MNT/functions/one/a.zip" | sed 's,.*/,,')" \
		--effective-time 2026-01-01T00:00:00Z --reason leaked >/dev/null
	export_trust
	eventually grep -q "revocations: 2 now blocked, 0 allowed again, 1 now warned about, 0 unchanged" "$T/log"
	stop_mount
	wait
}

@test "who may try one: root, and who has mounted" {
	need_user_mounts
	start_with_three
	run -1 as_user "$VOUCHFS" reload --dry-run
	[[ $output == *"only root, and the user who has mounted it, may try a reload" ]]
	run -0 as_user cat "$MNT/.vouchfs/reload"
	stop_mount
	chown -R nobody "$T/etc" "$T/xdg" "$MNT"
	mkdir "$T/var"
	chown nobody "$T/var"
	sed -i "s|^store = .*|store = $T/var/store|" "$CONF"
	as_user "$VOUCHFS" mount -c "$CONF" "$MNT"
	run -0 as_user "$VOUCHFS" reload --dry-run
	run -0 as_user "$VOUCHFS" reload
	[[ $output == *"is in force, generation 2"* ]]
	as_user "$VOUCHFS" unmount "$MNT"
}

@test "dry runs beside deployments and reloads: all of them end" {
	start_with_three
	for n in 1 2 3 4 5; do "$VOUCHFS" reload --dry-run >/dev/null 3>&- & done
	for n in 1 2 3 4 5; do cp "$T/a.zip" "$MNT/functions/one/" 3>&- & done
	for n in 1 2 3; do "$VOUCHFS" reload >/dev/null; done
	wait
	serves one
	[[ $("$VOUCHFS" reload) == *"generation 5"* ]]
}

@test "reload takes a new configuration, and tells when one is refused" {
	mk_plain_config
	start_mount
	printf '[function second]\ncode_signing_config = none\n' >>"$CONF"
	run -0 "$VOUCHFS" reload
	[[ $output == "$CONF is in force, generation 2"*"1 function added"* ]]
	[ -d "$MNT/functions/second" ]
	printf 'mod = 0775\n' >>"$CONF"
	run -78 "$VOUCHFS" reload
	[[ ${lines[0]} == "$CONF:"*'unknown key "mod"'* ]]
	[[ $output == *"the one before stays in force"* ]]
	[ -d "$MNT/functions/second" ]
}

@test "SIGHUP reloads" {
	mk_plain_config
	start_mount
	printf '[function second]\ncode_signing_config = none\n' >>"$CONF"
	kill -HUP "$(supervisor_pid)"
	eventually test -d "$MNT/functions/second"
}

@test "reload of what is not mounted" {
	mk_plain_config
	run -1 "$VOUCHFS" reload
	[[ $output == "vouchfs: $CONF is not mounted"* ]]
}
