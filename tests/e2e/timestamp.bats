#!/usr/bin/env bats
# Time stamps end to end: `openssl ts` is the authority, through a directory of queries and replies and behind HTTP.

load lib

setup() {
	lib_setup
	cd "$T" || return
	export VOUCHFS_SIGNER_HOME
	VOUCHFS_SIGNER_HOME=$(home_of)
	unset http_proxy HTTP_PROXY
	no_proxy=127.0.0.1
	export no_proxy
	mk_account
	ARN=$(mk_profile release)
	mk_zip "$T/a.zip"
	mkdir stamps
}

teardown() {
	[ -z "${SERVER:-}" ] || kill "$SERVER" 2>/dev/null || true
	lib_teardown
}

# make_authority DIR [EXTENDED KEY USAGE]: ca.pem, and tsa.cnf for openssl ts
make_authority() {
	mkdir "$1"
	echo 01 >"$1/serial"
	sed 's/^\t*//' >"$1/tsa.cnf" <<-END
		[tsa]
		default_tsa = authority
		[authority]
		serial = $T/$1/serial
		signer_cert = $T/$1/tsa.pem
		signer_key = $T/$1/tsa.key
		signer_digest = sha256
		default_policy = 1.2.3.4
		digests = sha1, sha256, sha384, sha512
		ess_cert_id_alg = sha256
		[req]
		distinguished_name = none
		[none]
		[ca]
		basicConstraints = critical,CA:TRUE
		keyUsage = critical,keyCertSign
		subjectKeyIdentifier = hash
		[tsa_cert]
		keyUsage = critical,digitalSignature
		extendedKeyUsage = ${2:-critical,timeStamping}
	END
	new_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	# shellcheck disable=SC2086 # a list of options
	openssl req -x509 $new_key -keyout "$1/ca.key" -out "$1/ca.pem" -subj "/CN=TSA root" -days 30 \
		-config "$1/tsa.cnf" -extensions ca 2>/dev/null
	# shellcheck disable=SC2086
	openssl req $new_key -keyout "$1/tsa.key" -out "$1/tsa.csr" -subj /CN=TSA -config "$1/tsa.cnf" 2>/dev/null
	openssl x509 -req -in "$1/tsa.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -out "$1/tsa.pem" \
		-days 20 -extfile "$1/tsa.cnf" -extensions tsa_cert 2>/dev/null
}

# answer AUTHORITY QUERY REPLY
answer() {
	openssl ts -reply -config "$1/tsa.cnf" -queryfile "$2" -out "$3" 2>/dev/null
}

# configure [AUTHORITY]: stamps of it are demanded; without it they are not looked at
configure() {
	[ -z "${1:-}" ] || export VOUCHFS_SECTION="timestamp_authority = $T/$1/ca.pem"
	mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = $ARN
		untrusted_artifact_on_deployment = Enforce
		${1:+timestamp = required}
		[function main]
		code_signing_config = approved
	END
}

sign() { "$VOUCHFS" sign --profile release "$@"; }
stamp() { "$VOUCHFS" timestamp "$@"; }
verify() { "$VOUCHFS" verify -c "$CONF" --function main "$@"; }

# stamp_through_directory AUTHORITY FILE: for a file that is signed
stamp_through_directory() {
	stamp --timestamp-url file:stamps "$2"
	job=$("$VOUCHFS" inspect --json "$2" | json_value jobArn)
	job=${job##*/}
	answer "$1" "stamps/$job.tsq" "stamps/$job.tsr"
	stamp --timestamp-url file:stamps "$2"
}

# serve AUTHORITY [KIND]: $URL of it; kinds: good, stale (always the first reply), html, hangup
serve() {
	python3 - "$1" "${2:-good}" >server.url <<-'END' &
		import http.server, os, subprocess, sys
		authority, kind = sys.argv[1:]
		class Tsa(http.server.BaseHTTPRequestHandler):
		    def do_POST(self):
		        query = self.rfile.read(int(self.headers["Content-Length"]))
		        assert self.headers["Content-Type"] == "application/timestamp-query"
		        if kind == "hangup":
		            return
		        if kind != "stale" or not os.path.exists("http.tsr"):
		            open("http.tsq", "wb").write(query)
		            subprocess.run(["openssl", "ts", "-reply", "-config", authority + "/tsa.cnf", "-queryfile",
		                            "http.tsq", "-out", "http.tsr"], check=True, stderr=subprocess.DEVNULL)
		        self.send_response(200)
		        self.send_header("Content-Type", "text/html" if kind == "html" else "application/timestamp-reply")
		        self.end_headers()
		        self.wfile.write(b"<html>" if kind == "html" else open("http.tsr", "rb").read())
		    def log_message(self, *args):
		        pass
		server = http.server.HTTPServer(("127.0.0.1", 0), Tsa)
		print("http://127.0.0.1:%d/tsa" % server.server_port, flush=True)
		server.serve_forever()
	END
	SERVER=$!
	eventually test -s server.url
	URL=$(cat server.url)
}

@test "sign, have the query answered, stamp, deploy" {
	make_authority tsa
	configure tsa
	run --separate-stderr sign --timestamp-url file:stamps a.zip
	[ "$status" -eq 0 ]
	[[ $stderr == *"no time stamp yet"* && $stderr == *"openssl ts -reply"* ]]
	queries=(stamps/*.tsq)
	[ ${#queries[@]} -eq 1 ]
	run verify a.zip
	[ "$status" -eq 20 ]
	[[ $output == *"demands a time stamp"*"vouchfs timestamp"* ]]

	cp a.zip unstamped.zip
	stamp_through_directory tsa a.zip
	verify a.zip | grep -E 'time stamp +20'
	verify --json a.zip | grep '"timestampedAt": "20'
	"$VOUCHFS" inspect a.zip | grep -E 'time stamp +20'

	start_mount
	run ! cp unstamped.zip "$MNT/functions/main/"
	cp a.zip "$MNT/functions/main/"
	grep '"timestampedAt": "20' "$MNT/run/main/.vouchfs/release.json" || "$VOUCHFS" why main | grep 'time stamp'
	stop_mount
}

@test "the signed bytes and the signature stay as they were" {
	make_authority tsa
	sign a.zip
	cp a.zip before.zip
	length=$("$VOUCHFS" inspect --json a.zip | sed -n 's/.*"length": \([0-9]*\).*/\1/p')
	stamp_through_directory tsa a.zip
	cmp -n "$length" a.zip before.zip
	run ! cmp a.zip before.zip
	"$VOUCHFS" signer export-trust --directory trust
	unzip -z a.zip | sed -n '/BEGIN CMS/,/END CMS/p' >sig.pem
	openssl cms -verify -inform PEM -in sig.pem -CAfile "trust/$ACCOUNT.pem" -purpose any -out statement.txt
	grep -F "profile-version-arn: $ARN" statement.txt
	configure tsa
	verify --full a.zip
}

@test "openssl ts takes the token for what it is" {
	make_authority tsa
	sign a.zip
	stamp_through_directory tsa a.zip
	openssl ts -verify -in stamps/*.tsr -queryfile stamps/*.tsq -CAfile tsa/ca.pem
}

@test "an authority behind HTTP, for sign, start-signing-job and timestamp" {
	make_authority tsa
	configure tsa
	serve tsa
	mk_zip "$T/b.zip"
	mk_zip "$T/c.zip"
	sign --timestamp-url "$URL" a.zip
	verify a.zip
	mkdir out
	job=$("$VOUCHFS" signer start-signing-job --source file=b.zip --destination directory=out \
		--profile-name release --timestamp-url "$URL" | json_value jobId)
	verify "out/$job.zip"
	sign c.zip
	[ "$(stamp --timestamp-url "$URL" c.zip)" = "c.zip: stamped" ]
	verify c.zip
}

@test "an authority that does not answer fails the job, and the file stays as it was" {
	make_authority tsa
	cp a.zip before.zip
	declare -A reasons=([hangup]="an answer of type" [html]="content type" [stale]="something else")
	for kind in hangup html stale; do
		rm -f http.tsr
		serve tsa $kind
		[ $kind != stale ] || sign --timestamp-url "$URL" a.zip -o first.zip
		run sign --timestamp-url "$URL" a.zip
		echo "$kind: $output"
		[ "$status" -eq 1 ]
		[[ $output == *"time stamp authority"*"${reasons[$kind]}"* ]]
		cmp a.zip before.zip
		kill "$SERVER"
		rm server.url
	done
	run sign --timestamp-url http://127.0.0.1:1/ a.zip
	[ "$status" -eq 1 ]
	[[ $output == *"http://127.0.0.1:1/: Connection refused"* ]]
	cmp a.zip before.zip
}

@test "a reply that stamps something else is not taken" {
	make_authority tsa
	mk_zip "$T/b.zip"
	sign --timestamp-url file:stamps a.zip
	query=(stamps/*.tsq)
	answer tsa "${query[0]}" other.tsr
	sign b.zip
	cp b.zip before.zip
	run stamp --timestamp-url file:other.tsr b.zip
	[ "$status" -eq 1 ]
	[[ $output == *"stamps something else"* ]]
	cmp b.zip before.zip
	stamp --timestamp-url file:other.tsr a.zip # it is a's
	run stamp --timestamp-url file:other.tsr a.zip
	[ "$status" -eq 1 ]
	[[ $output == *"has a time stamp already"* ]]
}

@test "a stamp of another authority breaks integrity where one is configured" {
	make_authority tsa
	make_authority other
	sign a.zip
	stamp_through_directory other a.zip
	configure
	verify a.zip | grep 'not looked at'
	configure tsa
	run verify a.zip
	[ "$status" -eq 13 ]
	[[ $output == *"the time stamp: its certificates make no chain"* ]]
	configure other
	verify a.zip
}

@test "what is revoked counts by the stamp, not by what the signer says" {
	make_authority tsa
	ago() { date -u -d "-$1 seconds" +%Y-%m-%dT%H:%M:%SZ; }
	ago 240 >clock # the thief has the key and sets the clock back
	VOUCHFS_TEST_CLOCK=$T/clock sign a.zip
	cp a.zip unstamped.zip
	stamp_through_directory tsa a.zip
	"$VOUCHFS" signer revoke-signing-profile --profile-name release --profile-version "${ARN##*/}" --reason stolen \
		--effective-time "$(ago 120)"
	configure
	verify unstamped.zip
	verify a.zip
	configure tsa
	run verify a.zip
	[ "$status" -eq 15 ]
}

@test "what cannot be stamped, and URLs that are none" {
	run stamp --timestamp-url file:stamps a.zip
	[ "$status" -eq 1 ]
	[[ $output == *"not signed"* ]]
	for url in https://tsa.example.org/ tsa file:nowhere; do
		run sign --timestamp-url "$url" a.zip
		[ "$status" -eq 1 ]
		[[ $output == *"--timestamp-url $url"* ]]
	done
	echo x >reply.tsr
	run sign --timestamp-url file:reply.tsr a.zip
	[ "$status" -eq 1 ]
	[[ $output == *"is not a directory"* ]]
	run stamp a.zip
	[ "$status" -eq 2 ]
}

@test "configuration: stamps cannot be demanded without an authority, and its file must be there" {
	sign a.zip
	VOUCHFS_SECTION="timestamp_authority = $T/none.pem" configure
	run verify a.zip
	[ "$status" -eq 78 ]
	[[ $output == *"timestamp_authority = $T/none.pem: No such file"* ]]
	configure
	sed -i 's/^untrusted.*/&\ntimestamp = required/' "$CONF"
	run "$VOUCHFS" check-config -c "$CONF"
	[ "$status" -eq 78 ]
	[[ $output == *"names no timestamp_authority"* ]]
}

@test "a policy bundle is stamped as an artifact is" {
	make_authority tsa
	configure tsa
	mkdir policy
	printf '[policy]\nsequence = 1\n' >policy/policy.conf
	"$VOUCHFS" policy pack policy --profile release -o p.zip 2>/dev/null >/dev/null
	stamp_through_directory tsa p.zip
	run "$VOUCHFS" verify --policy p.zip
	[ "$status" -eq 0 ]
	[[ $output == *"time stamp  "* ]]
	[ "$("$VOUCHFS" inspect --json p.zip | jq -r .content)" = "policy bundle" ]

	serve tsa
	"$VOUCHFS" policy pack policy --profile release -o q.zip --timestamp-url "$URL" 2>/dev/null >/dev/null
	run "$VOUCHFS" verify --policy q.zip
	[ "$status" -eq 0 ]
	[[ $output == *"time stamp  "* ]]
	run -1 "$VOUCHFS" policy pack policy --profile release -o r.zip --timestamp-url https://x
	[ ! -e r.zip ]
}
