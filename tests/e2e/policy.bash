# shellcheck shell=bash
# What the tests of policy bundles share; `load lib` comes first.
#
#     load lib
#     load policy
#     @test "a bundle governs a function" {
#         make_policy_host
#         start_mount
#         pack_policy 1
#         cp "$T/policy-1.zip" "$MNT/policy/"
#         mk_signed "$T/a.zip"
#         cp "$T/a.zip" "$MNT/functions/main/"
#     }

POLICY_ACCOUNT=999988887777

# The account $POLICY_ACCOUNT with the profile "governor", whose bundles count here, and the account $ACCOUNT with the
# profile "release", of which the host knows nothing; a configuration with the lines of $VOUCHFS_SECTION in [vouchfs],
# those of $POLICY_SECTION in [policy], and behind that those of $HOST_SECTIONS.
make_policy_host() {
	mk_account
	mk_account "$POLICY_ACCOUNT"
	RELEASE=$(mk_profile release)
	RELEASE=${RELEASE%/*}
	GOVERNOR=$(mk_profile governor "$POLICY_ACCOUNT")
	GOVERNOR=${GOVERNOR%/*}
	write_policy_host
}

# Its files, anew.
write_policy_host() {
	export_trust
	{
		printf '[vouchfs]\naccount = %s\nregion = local\nstore = %s\n' "$ACCOUNT" "$STORE"
		printf '%s\n' "${VOUCHFS_SECTION:-}"
		printf '[account %s]\ncertificate = trust/%s.pem\n' "$POLICY_ACCOUNT" "$POLICY_ACCOUNT"
		printf 'revocations = trust/%s.revocations\n' "$POLICY_ACCOUNT"
		printf '[policy]\npublisher = %s\n%s\n' "$GOVERNOR" "${POLICY_SECTION:-}"
		printf '%s\n' "${HOST_SECTIONS:-}"
	} >"$CONF"
	MAIN=$MNT/functions/main
	RUN=$MNT/run/main
}

# write_policy SEQUENCE [DIRECTORY]: a bundle's files: policy.conf with the lines of $POLICY_TERMS, the account $ACCOUNT,
# and $POLICY_SECTIONS, else the function "main", Enforce at both moments, by the profile "release".
write_policy() {
	local dir=${2:-$T/policy-$1}
	rm -rf "$dir"
	mkdir -p "$dir/conf.d" "$dir/trust"
	export_trust
	printf '[policy]\nsequence = %s\n%s\n' "$1" "${POLICY_TERMS:-}" >"$dir/policy.conf"
	cp "$T/etc/trust/$ACCOUNT".* "$dir/trust/"
	printf '[account %s]\ncertificate = trust/%s.pem\nrevocations = trust/%s.revocations\n' "$ACCOUNT" "$ACCOUNT" \
		"$ACCOUNT" >"$dir/conf.d/account.conf"
	printf '%s\n' "${POLICY_SECTIONS:-$(policy_sections "$RELEASE")}" >"$dir/conf.d/functions.conf"
}

# policy_sections PROFILE [MODE]: the sections of write_policy
policy_sections() {
	printf '[code-signing-config prod]\nallowed_publisher = %s\n' "$1"
	printf 'untrusted_artifact_on_deployment = %s\nuntrusted_artifact_on_load = %s\n' "${2:-Enforce}" "${2:-Enforce}"
	printf '[function main]\ncode_signing_config = prod\n'
}

# pack_policy SEQUENCE [OPTION ...]: the same as write_policy, packed as $T/policy-SEQUENCE.zip
pack_policy() {
	local sequence=$1
	shift
	write_policy "$sequence" "$T/policy-$sequence"
	pack_directory "$T/policy-$sequence" "$@"
}

# pack_directory DIRECTORY [OPTION ...]: DIRECTORY.zip
pack_directory() {
	local dir=$1
	shift
	VOUCHFS_SIGNER_HOME=$(home_of "$POLICY_ACCOUNT") "$VOUCHFS" policy pack "$dir" --profile governor \
		-o "$dir.zip" "$@" >/dev/null
}

# The sequence that is in force; "" without one.
policy_sequence() { sed -n 's/^sequence: //p' "$MNT/.vouchfs/policy/status"; }
