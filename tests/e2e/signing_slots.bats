#!/usr/bin/env bats
# Signing slots on a real mount, with real users: whoever a statement allows signs by writing a ZIP.

load lib

SIGNER_UID=65534 # user 65534 acts for account 555555555555, user 65533 for 666666666666, which nothing allows
OTHER_UID=65533
CONSUMER=555555555555

setup() {
	need_root
	lib_setup
	mk_account
	ARN=$(mk_profile app_release)
	mk_profile other >/dev/null
	HOME_DIR=$(home_of)
	printf '[principal %s]\nuser = %s\n[principal 666666666666]\nuser = %s\n' \
		"$CONSUMER" "$SIGNER_UID" "$OTHER_UID" >"$HOME_DIR/principals"
	for action in StartSigningJob GetSigningProfile RevokeSignature; do
		allow "$action"
	done
	chmod 0711 "$T/homes"
	start_service
	SLOT=$MNT/app_release
	mkdir -m 0777 "$T/dir"
	mk_zip "$T/dir/app.zip" app.py='print(1)'
	chmod 0644 "$T/dir/app.zip"
}
teardown() { lib_teardown; }

start_service() { "$VOUCHFS" signer mount --home "$HOME_DIR" "$MNT"; }

# allow ACTION: for the consumer's account
allow() {
	signer "$ACCOUNT" add-profile-permission --profile-name app_release --action "signer:$1" \
		--principal "$CONSUMER" --statement-id "$1" >/dev/null
}

as_uid() {
	local uid=$1
	shift
	setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"
}
as_signer() { as_uid "$SIGNER_UID" "$@"; }
as_other() { as_uid "$OTHER_UID" "$@"; }

why() { as_signer cat "$MNT/.vouchfs/why/app_release"; }

# A host that trusts the account takes the result.
assert_verifies() {
	mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = $ARN
		untrusted_artifact_on_deployment = Enforce
	END
	"$VOUCHFS" verify --code-signing-config approved "$1"
}

@test "a user signs with cp, and a host takes the result" {
	as_signer cp "$T/dir/app.zip" "$SLOT/"
	as_signer cmp "$T/dir/app.zip" "$SLOT/app.zip"
	as_signer cp "$SLOT/signed/app.zip" "$T/dir/signed.zip"
	assert_verifies "$T/dir/signed.zip"
	[ "$(as_signer ls "$SLOT/signed")" = app.zip ]
	[ "$(as_signer getfattr --only-values -n user.vouchfs.last_outcome "$SLOT")" = signed ]
	cp "$SLOT/signed/$CONSUMER/app.zip" "$T/dir/seen-by-the-owner.zip"
	cmp "$T/dir/signed.zip" "$T/dir/seen-by-the-owner.zip"
}

@test "another user sees no slot and signs nothing" {
	[ "$(as_signer ls "$MNT")" = app_release ]
	[ -z "$(as_other ls "$MNT")" ]
	run -1 as_other cp "$T/dir/app.zip" "$SLOT/app.zip"
	[[ $output == *"No such file or directory"* ]]
	run -2 as_other ls "$SLOT/signed"
	as_signer cp "$T/dir/app.zip" "$SLOT/"
	run -1 as_other cat "$SLOT/signed/app.zip"
	[ "$(names_in "$MNT")" = "app_release other" ]
}

@test "a statement that comes or goes acts at once" {
	as_signer cp "$T/dir/app.zip" "$SLOT/"
	for action in StartSigningJob GetSigningProfile RevokeSignature; do
		signer "$ACCOUNT" remove-profile-permission --profile-name app_release --statement-id "$action" \
			--revision-id "$(signer "$ACCOUNT" list-profile-permissions --profile-name app_release | json_value revisionId)" >/dev/null
	done
	[ -z "$(as_signer ls "$MNT")" ]
	run -1 as_signer cp "$T/dir/app.zip" "$SLOT/"
	allow GetSigningProfile
	run -1 as_signer cp "$T/dir/app.zip" "$SLOT/again.zip"
	[[ $output == *"Permission denied"* ]]
	[[ $(why) == *"check permission"*"FAILED"*"remedy"*add-profile-permission* ]]
	allow StartSigningJob
	as_signer cp "$T/dir/app.zip" "$SLOT/again.zip"
}

@test "nobody reads a key" {
	for uid in "$SIGNER_UID" "$OTHER_UID"; do
		run ! as_uid "$uid" ls "$HOME_DIR"
		run ! as_uid "$uid" cat "$HOME_DIR/ca.key"
		run ! as_uid "$uid" find "$HOME_DIR/profiles"
	done
	[ -z "$(as_signer find "$MNT" -name '*.pem' -o -name '*.key')" ]
}

@test "rsync signs once: a second run has nothing to do" {
	as_signer rsync -a "$T/dir/app.zip" "$SLOT/"
	[ "$(as_signer ls "$SLOT/jobs" | wc -l)" = 1 ]
	run -0 as_signer rsync -ai "$T/dir/app.zip" "$SLOT/"
	[[ $output != *">f"* ]] # nothing goes over
	[ "$(as_signer ls "$SLOT/jobs" | wc -l)" = 1 ]
	[ "$(as_signer stat -c '%s %Y' "$SLOT/app.zip")" = "$(stat -c '%s %Y' "$T/dir/app.zip")" ]
	mkdir "$T/dir/build"
	cp -p "$T/dir/app.zip" "$T/dir/build/"
	as_signer rsync -a "$T/dir/build/" "$SLOT/" # the directory's own mode and time, too
	[ "$(as_signer ls "$SLOT/jobs" | wc -l)" = 1 ]
	as_signer rsync -a "$SLOT/signed/" "$T/dir/signed/"
	assert_verifies "$T/dir/signed/app.zip"
}

@test "every tool: install, mv, dd, redirection, curl, rsync with its ways" {
	cd "$T/dir"
	cp app.zip moved.zip
	chown "$SIGNER_UID" moved.zip
	as_signer install -m 0644 app.zip "$SLOT/install.zip"
	as_signer install -m 0644 app.zip "$SLOT/install.zip"
	as_signer mv moved.zip "$SLOT/mv.zip"
	as_signer dd status=none bs=100 if=app.zip of="$SLOT/dd.zip"
	as_signer dd status=none bs=100 conv=notrunc if=app.zip of="$SLOT/dd.zip"
	as_signer sh -c "cat app.zip > '$SLOT/cat.zip'"
	as_signer cp -a app.zip "$SLOT/cp-a.zip"
	as_signer curl -s -o "$SLOT/curl.zip" "file://$T/dir/app.zip"
	as_signer rsync -a --inplace app.zip "$SLOT/inplace.zip"
	as_signer rsync -a --delay-updates app.zip "$SLOT/delayed.zip"
	as_signer rsync -a --partial app.zip "$SLOT/partial.zip"
	[ ! -e moved.zip ]
	for name in install mv dd cat cp-a curl inplace delayed partial; do
		as_signer cmp app.zip "$SLOT/$name.zip"
		[ "$(as_signer head -c 4 "$SLOT/signed/$name.zip")" = "$(head -c 4 app.zip)" ]
	done
	[ "$(as_signer ls -A "$SLOT" | grep -c -v '\.zip$')" = 4 ] # no staging: jobs profile.json revoke signed
}

@test "what is refused, with its errno and why" {
	cd "$T/dir"
	head -c 100 app.zip >cut.zip
	run -1 as_signer cp cut.zip "$SLOT/"
	[[ $output == *"Invalid argument"* ]]
	[[ $(why) == *"ZIP-R02 refused"*"check zip"* ]]
	as_signer cp app.zip "$SLOT/"
	as_signer cp "$SLOT/signed/app.zip" signed.zip
	run -1 as_signer cp signed.zip "$SLOT/"
	[[ $output == *"File exists"* ]]
	[[ $(why) == *"signed already"* ]]
	run -1 as_signer cp app.zip "$SLOT/app.jar"
	[[ $output == *"Invalid argument"* ]]
	run -1 as_signer cp app.zip "$SLOT/jobs/app.zip"
	[[ $output == *"Permission denied"* ]]
	run -1 as_signer cp app.zip "$SLOT/signed/b.zip"
	[[ $output == *"Read-only file system"* ]]
	run -23 as_signer rsync cut.zip "$SLOT/"
	[ "$(as_signer ls "$SLOT/signed")" = app.zip ]
}

@test "a profile that is cancelled signs no more" {
	as_signer cp "$T/dir/app.zip" "$SLOT/"
	signer "$ACCOUNT" cancel-signing-profile --profile-name app_release
	run -1 as_signer cp "$T/dir/app.zip" "$SLOT/b.zip"
	[[ $output == *"Operation not permitted"* ]]
	[[ $(why) == *"check profile"*Canceled* ]]
	as_signer cat "$SLOT/signed/app.zip" >/dev/null
}

@test "records are what the commands print" {
	as_signer cp "$T/dir/app.zip" "$SLOT/"
	job=$(as_signer ls "$SLOT/jobs")
	signer "$ACCOUNT" describe-signing-job --job-id "${job%.json}" >"$T/described"
	as_signer cat "$SLOT/jobs/$job" | cmp - "$T/described"
	signer "$ACCOUNT" get-signing-profile --profile-name app_release >"$T/profile"
	as_signer cat "$SLOT/profile.json" | cmp - "$T/profile"
	grep -q "\"requestedBy\": \"$CONSUMER\"" "$T/described"
	[ "$(as_signer getfattr --only-values -n user.vouchfs.job_id "$SLOT/signed/app.zip")" = "${job%.json}" ]
}

@test "writing a reason revokes, and a host hears of it" {
	as_signer cp "$T/dir/app.zip" "$SLOT/"
	as_signer cp "$SLOT/signed/app.zip" "$T/dir/signed.zip"
	job=$(as_signer ls "$SLOT/jobs")
	run ! as_signer sh -c "echo 'no such job' >'$SLOT/revoke/621a6850-a128-42db-bc30-bd65cc54e187'"
	[[ $output == *"No such file"* ]] || [[ $output == *"nonexistent"* ]]
	run ! as_signer sh -c "echo >'$SLOT/revoke/${job%.json}'"
	as_signer sh -c "echo 'key was lost' >'$SLOT/revoke/${job%.json}'"
	[ "$(as_signer cat "$SLOT/revoke/${job%.json}")" = "key was lost" ]
	as_signer grep -q '"reason": "key was lost"' "$SLOT/jobs/$job"
	run -15 assert_verifies "$T/dir/signed.zip"
}

@test "ten writers at once" {
	pids=()
	for n in 0 1 2 3 4 5 6 7 8 9; do
		mk_zip "$T/dir/$n.zip" "app.py=print($n)"
		chmod 0644 "$T/dir/$n.zip"
	done
	for n in 0 1 2 3 4 5 6 7 8 9; do
		as_signer cp "$T/dir/$n.zip" "$SLOT/" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	[ "$(as_signer ls "$SLOT/signed" | wc -l)" = 10 ]
	for n in 0 1 2 3 4 5 6 7 8 9; do
		as_signer cmp "$T/dir/$n.zip" "$SLOT/$n.zip"
	done
}

@test "either side can be unlinked, and all else is there after a restart" {
	as_signer cp "$T/dir/app.zip" "$SLOT/"
	as_signer cp "$T/dir/app.zip" "$SLOT/b.zip"
	as_signer rm "$SLOT/signed/app.zip"
	as_signer rm "$SLOT/b.zip"
	run ! as_signer rm "$SLOT/jobs/"*.json
	"$VOUCHFS" unmount "$MNT"
	start_service
	[ "$(as_signer ls "$SLOT/signed")" = b.zip ]
	as_signer cmp "$T/dir/app.zip" "$SLOT/app.zip"
	run ! as_signer test -e "$SLOT/b.zip"
	[ "$(as_signer ls "$SLOT/jobs" | wc -l)" = 2 ]
	as_signer rm "$SLOT/app.zip" "$SLOT/signed/b.zip"
	[ -z "$(find "$HOME_DIR/service/results" -type f)" ]
}
