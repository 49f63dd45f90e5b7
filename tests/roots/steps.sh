# shellcheck shell=bash
# What the steps in a root share: step TITLE, expect WHAT WANTED FOUND, a host that is set up, a deployment.

step() { printf '\n== %s\n' "$*"; }

expect() {
	[ "$2" = "$3" ] || { printf '%s: expected "%s", found "%s"\n' "$1" "$2" "$3"; exit 1; }
	echo "ok: $1"
}

eventually() {
	for _ in $(seq 100); do
		if "$@"; then return 0; fi
		sleep 0.1
	done
	return 1
}

apt() { apt-get -y -qq -o Dpkg::Use-Pty=0 "$@" >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; return 1; }; }

mounts() { awk '$3 == "fuse.vouchfs" && $4 !~ /^ro/ { print $2 }' /proc/mounts; }
served() { cat /srv/functions/run/app/task/text; }

# An account in root's own signing home, and a configuration in /etc that trusts it.
set_up_host() {
	export VOUCHFS_SIGNER_HOME=/var/lib/vouchfs-signer
	vouchfs signer create-account --account-id 111122223333 >/dev/null
	vouchfs signer put-signing-profile --platform-id AWSLambda-SHA384-ECDSA --profile-name release >/dev/null
	vouchfs signer export-trust --directory /etc/vouchfs/trust >/dev/null
	cat >/etc/vouchfs/vouchfs.conf <<-END
		[vouchfs]
		account = 111122223333
		anchor = /var/lib/vouchfs-anchor/generation
		[account 111122223333]
		certificate = trust/111122223333.pem
		revocations = trust/111122223333.revocations
		[code-signing-config strict]
		allowed_publisher = arn:vouchfs:signer:local:111122223333:/signing-profiles/release
		untrusted_artifact_on_deployment = Enforce
		[function app]
		code_signing_config = strict
	END
	mkdir -p /srv/functions
}

# deploy TEXT
deploy() {
	echo "$1" >text
	rm -f app.zip
	zip -q -X app.zip text
	vouchfs sign --profile release app.zip >/dev/null 2>&1
	cp app.zip /srv/functions/functions/app/app.zip
}

# The names in a directory, on one line.
names_in() { (cd "$1" && echo *); }
