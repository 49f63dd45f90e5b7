# shellcheck shell=bash
# The host on which everybody tries everything; rights.py does what is in its table. Load it after lib.
#
# User ids without accounts: what counts is what the configuration says of them.

OWNER=7001 MEMBER=7002 DEVELOPER=7003 RIVAL=7004 GUEST=7005 FETCHER=7006 SIGNER=7007 SERVICE=7008
SLOT_GROUP=7100 TEAM_A=7200 TEAM_B=7300
GUEST_ACCOUNT=555555555555

# as UID GROUP COMMAND ...
as() {
	local uid=$1 group=$2
	shift 2
	setpriv --reuid="$uid" --regid="$uid" --groups="$group" "$@"
}

# What is said of functions and layers; by the host's own files, or by a policy bundle.
rights_sections() {
	sed 's/^[[:space:]]*//' <<-END
		[code-signing-config approved]
		allowed_publisher = ${PROFILE%/*}
		untrusted_artifact_on_deployment = Enforce
		[code-signing-config other]
		allowed_publisher = ${PROFILE%/*}
		untrusted_artifact_on_deployment = Enforce
		[function main]
		code_signing_config = approved
		owner = $OWNER
		group = $SLOT_GROUP
		[function guest]
		code_signing_config = approved
		owner = $GUEST
		[function team-a-*]
		code_signing_config = approved
		group = $TEAM_A
		[function team-b-*]
		code_signing_config = approved
		group = $TEAM_B
		[layer base]
		owner = $OWNER
		group = $SLOT_GROUP
		[layer shared]
		[layer team-a-*]
		group = $TEAM_A
		[layer team-b-*]
		group = $TEAM_B
		[principal $GUEST_ACCOUNT]
		user = $GUEST
	END
}

# A signing service of the home's owner; the guest's account may sign with profile release.
start_signing() {
	SIGNING=$T/signing
	mkdir "$SIGNING"
	signer "$ACCOUNT" add-profile-permission --profile-name release --action signer:StartSigningJob \
		--principal "$GUEST_ACCOUNT" --statement-id guest >/dev/null
	printf '[principal %s]\nuser = %s\n' "$GUEST_ACCOUNT" "$GUEST" >"$(home_of)/principals"
	chown -R "$SIGNER:$SIGNER" "$(home_of)"
	chmod 0711 "$T/homes"
	"$VOUCHFS" signer mount --home "$(home_of)" "$SIGNING"
}

# What there is before anybody tries anything.
fill_slots() {
	local layer
	as $DEVELOPER $TEAM_A mkdir "$MNT/functions/team-a-one" "$MNT/functions/team-a-empty" "$MNT/layers/team-a-lib"
	as $RIVAL $TEAM_B mkdir "$MNT/functions/team-b-one"
	for slot in main guest team-a-one team-b-one; do
		cp "$T/a.zip" "$MNT/functions/$slot/"
		cp "$T/a.zip" "$MNT/functions/$slot/"
	done
	for layer in base shared team-a-lib; do cp "$T/a.zip" "$MNT/layers/$layer/new.zip"; done
	permit() {
		"$VOUCHFS" lambda add-layer-version-permission --layer-name "$1" --version-number 1 \
			--action lambda:GetLayerVersion --statement-id "$2" --principal "$3" >/dev/null
	}
	permit base old 999999999999
	permit shared use "$GUEST_ACCOUNT"
}

rights_begin() {
	need_root
	lib_setup
	chmod 0755 "$T/etc"
	cp "$VOUCHFS" "$T/vouchfs" # where everybody can run it
	VOUCHFS=$T/vouchfs
	mkdir -m 1777 "$T/work"
	mkdir -m 0700 "$STORE"
	chown $SERVICE:$SERVICE "$STORE" # so that is whom the mount is served by
}

make_artifacts() {
	local who
	mk_profile unshared >/dev/null
	mk_zip "$T/unsigned.zip" app.py='print(1)'
	cp "$T/unsigned.zip" "$T/a.zip"
	sign_zip release "$T/a.zip"
	for who in root service owner member developer rival guest signer fetcher nobody; do
		mk_zip "$T/by-$who.zip" "by=$who"
		sign_zip release "$T/by-$who.zip"
	done
	chmod 0644 "$T"/*.zip
}

# By files of the host's own.
rights_setup() {
	rights_begin
	mk_account
	PROFILE=$(mk_profile release)
	make_artifacts
	VOUCHFS_SECTION="durability = none" mk_config < <(rights_sections) # there is much to be recorded
	start_mount
	start_signing
	fill_slots
	"$VOUCHFS" lambda create-code-signing-config --code-signing-config-id made \
		--allowed-publishers "SigningProfileVersionArns=$PROFILE" >/dev/null
	printf '[layer kept]\n' >"$T/etc/conf.d/kept.conf"
	"$VOUCHFS" reload >/dev/null
}

# By a policy bundle, which the user fetcher brings.
rights_policy_setup() {
	rights_begin
	VOUCHFS_SECTION="durability = none" POLICY_SECTION="owner = $FETCHER" make_policy_host </dev/null
	PROFILE=$RELEASE/x
	make_artifacts
	start_mount
	write_policy 1
	rights_sections >"$T/policy-1/conf.d/functions.conf"
	pack_directory "$T/policy-1"
	cp "$T/policy-1.zip" "$MNT/policy/"
	start_signing
	fill_slots
	mkdir -p "$T/etc/conf.d"
	for name in kept code-signing-config-made; do echo '# nothing' >"$T/etc/conf.d/$name.conf"; done
	cp "$T/etc/trust/$POLICY_ACCOUNT.pem" "$T/etc/trust/$ACCOUNT.pem"
}

# An ordinary user has mounted, for himself.
rights_user_setup() {
	need_root
	lib_setup
	need_user_mounts
	mkdir -m 1777 "$T/work"
	mk_account
	PROFILE=$(mk_profile release)
	make_artifacts
	STORE=$T/var/store
	VOUCHFS_SECTION="durability = none" mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = ${PROFILE%/*}
		untrusted_artifact_on_deployment = Enforce
		[function main]
		code_signing_config = approved
	END
	mkdir "$T/var" "$T/etc/conf.d"
	echo '# nothing' | tee "$T/etc/conf.d/kept.conf" >"$T/etc/conf.d/code-signing-config-made.conf"
	chown -R nobody "$T/etc" "$T/xdg" "$MNT" "$T/var"
	as_user "$VOUCHFS" mount -c "$CONF" "$MNT"
	for _ in 1 2; do as_user cp "$T/a.zip" "$MNT/functions/main/"; done
	SIGNING=$T/none MOUNTER=mounter
	USERS="$(user root 0 0 ''), $(user mounter 65534 65534 ''), $(user owner $OWNER $OWNER '')"
}

# user NAME UID GROUPS
user() { printf '"%s": {"uid": %s, "gid": %s, "groups": [%s]}' "$@"; }

ALL_USERS=$(
	user root 0 0 '' && echo ,
	user service $SERVICE $SERVICE '' && echo ,
	user owner $OWNER $OWNER '' && echo ,
	user member $MEMBER $MEMBER $SLOT_GROUP && echo ,
	user developer $DEVELOPER $DEVELOPER $TEAM_A && echo ,
	user rival $RIVAL $RIVAL $TEAM_B && echo ,
	user guest $GUEST $GUEST '' && echo ,
	user signer $SIGNER $SIGNER '' && echo ,
	user fetcher $FETCHER $FETCHER '' && echo ,
	user nobody 65534 65534 ''
)

# write_scene [OPERATION ...]: where everything is, for rights.py
write_scene() {
	local supervisor rows
	rows=$(printf '"%s",' "$@")
	[ $# -gt 0 ] || rows=
	supervisor=$(pgrep -o -f -- "vouchfs mount .*$T/")
	cat >"$T/scene.json" <<-END
		{"vouchfs": "$VOUCHFS", "top": "$T/", "mnt": "$MNT", "etc": "$T/etc", "conf": "$CONF", "store": "$STORE",
		 "home": "$(home_of)", "signing": "$SIGNING", "work": "$T/work", "account": "$ACCOUNT", "arn": "$PROFILE",
		 "zip": "$T/a.zip", "unsigned": "$T/unsigned.zip",
		 "supervisor": $supervisor, "daemon": $(pgrep -P "$supervisor"),
		 "keep": ["$CONF", "$T/etc/trust/$ACCOUNT.pem", "$T/etc/trust/$ACCOUNT.revocations",
		          "$T/etc/conf.d/kept.conf", "$T/etc/conf.d/code-signing-config-made.conf"],
		 "rows": [${rows%,}], "mounter": "${MOUNTER:-root}",
		 "users": {${USERS:-$ALL_USERS}}}
	END
}
