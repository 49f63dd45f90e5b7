#!/usr/bin/env bats
# A code-signing config that is detached from a function is seen everywhere, by whatever way it is detached.

load lib
load lambda

records_with() { cat "$STORE"/audit/*.jsonl | grep '"event":"binding-changed"' | grep -c "$1" || true; }

start_bound_mount() {
	start_ready_mount <<-END
		[function team-*]
		code_signing_config = Enforce
	END
	mkdir "$MNT/functions/team-one"
	mk_signed "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/team-one/"
	cp "$T/a.zip" "$MAIN/"
}

@test "the verbs of lambda: detached and bound again, in the log, the audit log and the events" {
	start_bound_mount
	stop_mount
	"$VOUCHFS" mount -f -c "$CONF" "$MNT" 2>"$T/log" 3>&- &
	eventually is_mounted "$MNT/run"
	[ "$(records_with .)" = 0 ] # a start with nothing changed
	lambda delete-function-code-signing-config --function-name team-one
	[ "$(records_with '"slot":"functions/team-one","config":"none","detail":"Enforce -> none, by \[function team-one\] at .*conf.d/function-team-one.conf:[0-9]*, a file of uid '"$(id -u)")" = 1 ]
	lambda put-function-code-signing-config --function-name team-one --code-signing-config-arn Enforce >/dev/null
	[ "$(records_with '"config":"Enforce".*"detail":"none -> Enforce')" = 1 ]
	[ "$("$VOUCHFS" audit search --event binding-changed --slot team-one --json | grep -c '"slot":"functions/team-one"')" = 2 ]
	grep -q "code-signing config changed: functions/team-one: Enforce -> none, by \[function team-one\] at " "$T/log"
	[ "$(grep -c binding-changed "$MNT/.vouchfs/recent")" = 2 ]
	stop_mount
	wait
}

@test "by hand: at a reload, and at the next start what was done while nothing was mounted" {
	start_bound_mount
	sed -i '/^\[function main\]/,/^\[/s/^code_signing_config = .*/code_signing_config = none/' "$CONF"
	[ "$(records_with .)" = 0 ]
	"$VOUCHFS" reload --dry-run >/dev/null
	[ "$(records_with .)" = 0 ]
	"$VOUCHFS" reload >/dev/null
	[ "$(records_with '"slot":"functions/main","config":"none","detail":"Enforce -> none')" = 1 ]
	stop_mount
	sed -i '/^\[function main\]/,/^\[/s/^code_signing_config = .*/code_signing_config = Enforce/' "$CONF"
	sed -i '/^\[function team-\*\]/,/^\[/s/^code_signing_config = .*/code_signing_config = none/' "$CONF"
	start_mount
	[ "$(records_with '"slot":"functions/main".*none -> Enforce.*, while nothing was mounted"')" = 1 ]
	[ "$(records_with '"config":"none","detail":"Enforce -> none, by \[function team-\*\] at .*, while nothing was mounted"')" = 1 ]
	stop_mount
	start_mount
	[ "$(records_with .)" = 3 ]
}

@test "who may not write the configuration hears who may, and nothing is recorded" {
	need_user_mounts
	start_bound_mount
	chmod 0755 "$T/etc"
	before=$(cat "$STORE"/audit/*.jsonl | wc -l)
	run -254 --separate-stderr as_user "$VOUCHFS" lambda delete-function-code-signing-config --function-name team-one
	[[ $stderr == "An error occurred (AccessDeniedException) when calling the DeleteFunctionCodeSigningConfig operation: "*"are changed by whoever may write conf.d beside $CONF: ask its administrator"* ]]
	run -254 --separate-stderr as_user "$VOUCHFS" lambda put-function-code-signing-config --function-name team-one \
		--code-signing-config-arn Warn
	[[ $stderr == *"AccessDeniedException"* ]]
	[ "$(cat "$STORE"/audit/*.jsonl | wc -l)" = "$before" ]
	[ ! -e "$T/etc/conf.d/function-team-one.conf" ]
}
