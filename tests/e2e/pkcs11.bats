#!/usr/bin/env bats
# Keys in a token: SoftHSM holds the CA's and a profile's key pair, OpenSSL reaches them by its pkcs11 provider or engine.

load lib

# Else it is the engine, whose libp11 tells less and can do less.
has_provider() {
	openssl list -providers -provider pkcs11 >/dev/null 2>&1
}

setup() {
	if has_provider && grep -q __asan_init "$VOUCHFS"; then
		skip "the provider loads tokens' modules in a way that the address sanitizer refuses (RTLD_DEEPBIND)"
	fi
	lib_setup
	cd "$T" || return
	unset PKCS11_MODULE_PATH PKCS11_PROVIDER_MODULE
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # libp11 0.4.12 leaks its methods at exit
	MODULE=$(find /usr/lib -name libsofthsm2.so -print -quit)
	PLATFORM=AWSLambda-SHA384-ECDSA
	export SOFTHSM2_CONF=$T/softhsm2.conf VOUCHFS_SIGNER_HOME
	VOUCHFS_SIGNER_HOME=$(home_of)
	mkdir tokens
	printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$T" >"$SOFTHSM2_CONF"
	(umask 077 && echo 4321 >pin)
	softhsm2-util --init-token --free --label box --so-pin 87654321 --pin 4321 >/dev/null
	REST="pin-source=file:$T/pin&module-path=$MODULE"
}

# make_key LABEL ID [CURVE]
make_key() {
	pkcs11-tool --module "$MODULE" --token-label box --login --pin 4321 --keypairgen \
		--key-type "EC:${3:-secp384r1}" --label "$1" --id "$2" >"$1.made" 2>/dev/null
}

make_account() {
	make_key ca 01
	"$VOUCHFS" signer create-account --account-id "$ACCOUNT" --ca-key "pkcs11:token=box;object=ca?$REST" >/dev/null
}

# in_token ARGUMENT...: pkcs11-tool, quiet
in_token() {
	pkcs11-tool --module "$MODULE" --token-label box --login --pin 4321 "$@" >/dev/null 2>&1
}

# put_profile REFERENCE
put_profile() {
	"$VOUCHFS" signer put-signing-profile --platform-id "$PLATFORM" --profile-name release --signing-key "$1"
}

# refuses REFERENCE WORDS: nothing is made of it, the reason has the words and no PIN
refuses() {
	run put_profile "$1"
	echo "$1: $output"
	[ "$status" -eq 254 ]
	[[ $output == *"$2"* ]]
	[[ $output != *4321* && $output != *9999* ]]
	run ! "$VOUCHFS" signer get-signing-profile --profile-name release
}

@test "CA and profile in the token: signed, verified, and no private key in the home" {
	make_account
	make_key release 02
	arn=$(put_profile "pkcs11:token=box;object=release?$REST" | json_value profileVersionArn)
	mk_zip "$T/a.zip"
	"$VOUCHFS" sign --profile release a.zip
	run ! grep -r 'PRIVATE KEY' "$VOUCHFS_SIGNER_HOME"
	[ "$(cat "$VOUCHFS_SIGNER_HOME/ca.key")" = "pkcs11:token=box;object=ca?$REST" ]
	[ "$(stat -c %a "$VOUCHFS_SIGNER_HOME/ca.key")" = 600 ]

	mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = $arn
		untrusted_artifact_on_deployment = Enforce
		[function main]
		code_signing_config = approved
	END
	"$VOUCHFS" verify -c "$CONF" --function main a.zip

	unzip -z a.zip | sed -n '/BEGIN CMS/,/END CMS/p' >sig.pem
	openssl cms -verify -inform PEM -in sig.pem -CAfile "etc/trust/$ACCOUNT.pem" -purpose any -out statement.txt
	grep -F "profile-version-arn: $arn" statement.txt
}

@test "the certificate is for the token's key pair" {
	make_account
	make_key release 02
	put_profile "pkcs11:token=box;id=%02?$REST"
	point=$(sed -n 's/.*EC_POINT: *0461//p' release.made)
	[ ${#point} -eq 194 ]
	openssl x509 -in "$VOUCHFS_SIGNER_HOME"/profiles/release/versions/*/cert.pem -noout -pubkey |
		openssl pkey -pubin -outform DER | od -An -v -tx1 | tr -d ' \n' | grep -F "$point"
}

@test "a CA in the token signs for profiles with keys in the home, and revokes" {
	make_account
	mk_profile release
	mk_zip "$T/a.zip"
	job=$("$VOUCHFS" sign --json --profile release a.zip | json_value jobId)
	"$VOUCHFS" signer revoke-signature --job-id "$job" --reason test
	mk_config </dev/null
	run "$VOUCHFS" verify -c "$CONF" a.zip
	[ "$status" -eq 15 ]
}

@test "a key that cannot be had is refused, and why" {
	make_account
	make_key release 02
	make_key weak 03 prime256v1
	refuses "pkcs11:token=box;object=nope?$REST" "no private key pkcs11:token=box;object=nope"
	refuses "pkcs11:token=gone;object=release?$REST" "is the token plugged in"
	refuses "pkcs11:token=box;object=weak?$REST" "not an ECDSA key on P-384"
	refuses "pkcs11:token=box;object=release?module-path=$MODULE" "without the token's PIN"
	refuses "pkcs11:token=box;object=release?pin-value=9999&module-path=$MODULE" "refuses the PIN"
	refuses "pkcs11:token=box;object=release?pin-source=file:$T/none&module-path=$MODULE" "No such file"
	refuses "pkcs11:token=box;object=release?pin-source=file:pin&module-path=$MODULE" "absolute path"
	refuses "pkcs11:token=box;object=release?pin-value=4321&module-path=/none.so" "/none.so cannot be read"
	refuses "pkcs11:token=box;object=release?pin-value=4321&colour=red" "takes pin-source"
	refuses "pkcs11:token=box;object=release;pin-value=4321" "belong behind"
	refuses "pkcs11:token=box;pin-value=4321;object=release?$REST" "belong behind"
	refuses "pkcs11:object=release?$REST" "does not name one key"
	refuses "pkcs11:token=box?$REST" "does not name one key"
	refuses "release.pem" "expected a reference"
	refuses "pkcs11:token=box;object=release?pin-value=4321&module-path=$(find /usr/lib -name libz.so.1 -print -quit)" \
		"cannot be reached"
	OPENSSL_MODULES=/none OPENSSL_ENGINES=/none refuses "pkcs11:token=box;object=release?$REST" \
		"install the package libengine-pkcs11-openssl or pkcs11-provider"
	chmod 644 pin
	refuses "pkcs11:token=box;object=release?$REST" "open to others"
}

@test "a key pair whose halves do not belong together is refused, and one without its public half" {
	make_account
	make_key alone 02
	in_token --delete-object --type pubkey --id 02
	refuses "pkcs11:token=box;object=alone?$REST" "comes without its public key"
	openssl x509 -in "$VOUCHFS_SIGNER_HOME/ca.pem" -noout -pubkey | openssl pkey -pubin -outform DER -out public.der
	in_token --write-object public.der --type pubkey --id 02 --label alone
	refuses "pkcs11:token=box;object=alone?$REST" "public key" # to libp11 it is none
}

@test "a label of two keys is refused where OpenSSL can tell, and their ids are not" {
	has_provider || skip "libp11 takes one of them"
	make_account
	make_key twin 02
	make_key twin 03
	refuses "pkcs11:token=box;object=twin?$REST" "more than one private key"
	put_profile "pkcs11:token=box;object=twin;id=%03?$REST"
}

@test "a key that wants the PIN before every signature gets it from the provider; nobody is asked" {
	make_account
	in_token --keypairgen --key-type EC:secp384r1 --label always --id 02 --always-auth
	if ! has_provider; then
		refuses "pkcs11:token=box;object=always?$REST" "does not sign"
		return
	fi
	put_profile "pkcs11:token=box;object=always?$REST"
	mk_zip "$T/a.zip"
	"$VOUCHFS" sign --profile release a.zip
}

@test "without module-path it is p11-kit's choice" {
	make_key ca 01
	"$VOUCHFS" signer create-account --account-id "$ACCOUNT" --ca-key "pkcs11:token=box;object=ca?pin-source=file:$T/pin"
}

@test "what openssl.cnf says about the provider holds for tokens, and goes behind the reference" {
	has_provider || skip "the engine is told everything by the reference"
	make_key ca 01
	cat >openssl.cnf <<-END
		openssl_conf = init
		[init]
		providers = providers
		[providers]
		default = own
		pkcs11 = token
		[own]
		activate = 1
		[token]
		activate = 1
		pkcs11-module-path = $MODULE
	END
	export OPENSSL_CONF=$T/openssl.cnf
	"$VOUCHFS" signer create-account --account-id "$ACCOUNT" --ca-key "pkcs11:token=box;object=ca?pin-source=file:$T/pin"
	sed -i 's,^pkcs11-module-path.*,pkcs11-module-path = /none.so,' openssl.cnf
	VOUCHFS_SIGNER_HOME=$(home_of second)
	"$VOUCHFS" signer create-account --account-id "$ACCOUNT" --ca-key "pkcs11:token=box;object=ca?$REST"
}

@test "signing slots sign with keys in a token, several at once" {
	make_account
	make_key release 02
	put_profile "pkcs11:token=box;object=release?$REST"
	"$VOUCHFS" signer mount --home "$VOUCHFS_SIGNER_HOME" "$MNT"
	mk_zip "$T/a.zip"
	for i in 1 2 3 4 5 6; do
		cp a.zip "$MNT/release/$i.zip" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	for i in 1 2 3 4 5 6; do unzip -z "$MNT/release/signed/$i.zip" | grep -F "BEGIN CMS"; done
	stop_mount
}

@test "a PIN on the command line is taken, with a notice" {
	make_account
	make_key release 02
	run --separate-stderr put_profile "pkcs11:token=box;object=release?pin-value=4321&module-path=$MODULE"
	[ "$status" -eq 0 ]
	[[ $stderr == *"everybody on this machine can see"* ]]
	[[ $stderr != *4321* ]]
}

@test "a token that is gone fails the job, and the artifact stays as it was" {
	make_account
	make_key release 02
	put_profile "pkcs11:token=box;object=release?$REST"
	mk_zip "$T/a.zip"
	cp a.zip before.zip
	mv tokens elsewhere
	mkdir tokens
	run "$VOUCHFS" sign --profile release a.zip
	[ "$status" -eq 1 ]
	[[ $output == *"no private key pkcs11:token=box;object=release"* ]]
	cmp a.zip before.zip
}

@test "a CA key that cannot be had makes no account" {
	make_key ca 01 prime256v1
	run "$VOUCHFS" signer create-account --account-id "$ACCOUNT" --ca-key "pkcs11:token=box;object=ca?$REST"
	[ "$status" -eq 254 ]
	[[ $output == *"not an ECDSA key on P-384"* ]]
	[ ! -e "$VOUCHFS_SIGNER_HOME/account" ]
}
