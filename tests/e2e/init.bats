#!/usr/bin/env bats
# `vouchfs init`: what it makes for a host, for a user, beside a file; that it changes nothing; that what it says to do
# next can be done.

load lib

setup() {
	lib_setup
	unset VOUCHFS_CONF
	export T VOUCHFS
}

# What comes on stdin, as a script of root in a mount namespace of its own with an /etc, /srv and /var/lib of its own. A
# user vouchfs is there unless no_user is set.
on_host() {
	need_root
	mkdir -p "$T/etc.host" "$T/etc.real" "$T/srv" "$T/lib"
	{
		cat <<-'END'
			set -e
			mount --bind /etc "$T/etc.real"
			ln -s "$T"/etc.real/* "$T/etc.host/" 2>/dev/null || true
			for file in passwd group; do
				rm "$T/etc.host/$file"
				grep -v '^vouchfs:' "$T/etc.real/$file" >"$T/etc.host/$file"
			done
			add_user() {
				echo 'vouchfs:x:61234:61234::/var/lib/vouchfs:/usr/sbin/nologin' >>/etc/passwd
				echo 'vouchfs:x:61234:' >>/etc/group
			}
			rm -rf "$T/etc.host/vouchfs"
			mount --bind "$T/etc.host" /etc
			mount --bind "$T/srv" /srv
			mount --bind "$T/lib" /var/lib
			[ -n "${no_user:-}" ] || add_user
		END
		cat
	} | unshare --mount --propagation private bash 3>&-
}

# Every name below a directory with mode, owner and content.
state_of() { (cd "$1" && find . ! -name lock -printf '%p %m %u ' -exec sh -c '[ -f "$1" ] && cksum <"$1" || echo' sh {} \;) | sort; }

@test "init: a name that would write lines of its own into the configuration is refused" {
	mkdir "$T/a"$'\n'"user = root"
	cd "$T/a"$'\n'"user = root"
	run -1 "$VOUCHFS" init -c vouchfs.conf
	[[ $output == *"has control characters"* ]]
	[ "$(ls -A)" = "" ]
}

@test "init on a host: configuration, directories and store with their owners and modes, and the next steps" {
	run -0 on_host <<-'END'
		umask 077
		"$VOUCHFS" init
		echo
		stat -c '%a %U %n' /etc/vouchfs /etc/vouchfs/* /var/lib/vouchfs /srv/functions
		stat -c '%a %U %n' /var/lib/vouchfs/format /var/lib/vouchfs/objects
		"$VOUCHFS" check-config
	END
	diff <(printf '%s\n' "$output") - <<-'END'
		  made   /etc/vouchfs
		  made   /etc/vouchfs/vouchfs.conf
		  made   /etc/vouchfs/conf.d
		  made   /etc/vouchfs/trust
		  made   /var/lib/vouchfs
		  made   /srv/functions

		Next:

		  1. Whose certificates are trusted. On the signing host:
		       vouchfs signer export-trust --directory trust
		     carry that directory here, then:
		       vouchfs init --trust trust

		  2. Who may sign what: take the ; away and write your profile's ARN, in
		       /etc/vouchfs/vouchfs.conf
		     at [code-signing-config approved] and [function hello]. The ARN is
		       arn:vouchfs:signer:local:111122223333:/signing-profiles/NAME
		     (on the signing host: vouchfs signer list-signing-profiles)

		  3. Check it:
		       vouchfs check-config

		  4. Mount it:
		       vouchfs mount /srv/functions

		  5. Deploy a signed artifact, and look:
		       cp app.zip /srv/functions/functions/hello/
		       vouchfs status

		  6. Or mount it with the machine, by a line in /etc/fstab:
		     /etc/vouchfs/vouchfs.conf /srv/functions vouchfs nofail,uhelper=vouchfs 0 0

		755 root /etc/vouchfs
		755 root /etc/vouchfs/conf.d
		755 root /etc/vouchfs/trust
		644 root /etc/vouchfs/vouchfs.conf
		700 vouchfs /var/lib/vouchfs
		755 root /srv/functions
		400 vouchfs /var/lib/vouchfs/format
		700 vouchfs /var/lib/vouchfs/objects
		/etc/vouchfs/vouchfs.conf: ok: accounts 0, code-signing configs 0, functions 0, layers 0, principals 0
	END
}

@test "init on a host without the service user: how to make it, then the store" {
	no_user=1 run -0 on_host <<-'END'
		"$VOUCHFS" init
		[ ! -e /var/lib/vouchfs ]
		add_user
		"$VOUCHFS" init
		stat -c '%a %U' /var/lib/vouchfs
	END
	[[ $output == *"  1. Make the user who serves, then run this again:"$'\n'"       "@(systemd-sysusers|adduser --system --group --no-create-home --home /var/lib/vouchfs vouchfs)$'\n'"       vouchfs init"$'\n'* ]]
	[ "$(grep -c 'Make the user' <<<"$output")" -eq 1 ]
	[[ $output == *"  there  /etc/vouchfs/vouchfs.conf"*"  made   /var/lib/vouchfs"*"700 vouchfs" ]]
}

# The whole way of a newcomer, by what was said.
@test "init on a host, then its steps: trust, who may sign, check, mount, deploy" {
	mk_account
	mk_profile release >/dev/null
	signer "$ACCOUNT" export-trust --directory "$T/exported" >/dev/null
	mk_signed "$T/app.zip" app.py='print("first minutes")'
	run -0 on_host <<-'END'
		cd "$T"
		"$VOUCHFS" init >/dev/null
		"$VOUCHFS" init --trust exported >steps
		sed -i '/code-signing-config approved/,$ s/^;//' /etc/vouchfs/vouchfs.conf
		"$VOUCHFS" check-config
		"$VOUCHFS" mount /srv/functions
		cp app.zip /srv/functions/functions/hello/
		python3 /srv/functions/run/hello/task/app.py
		ps -o user= -p "$(pgrep -P "$(pgrep -f -- "mount /srv/functions" | head -n 1)")"
		"$VOUCHFS" init | grep -A1 'take it in'
		"$VOUCHFS" unmount /srv/functions
		! grep "On the signing host:" steps
	END
	[ "${lines[0]}" = "/etc/vouchfs/vouchfs.conf: ok: accounts 1, code-signing configs 1, functions 1, layers 0, principals 0" ]
	[ "${lines[1]}" = "first minutes" ]
	[ "${lines[2]}" = vouchfs ]
	[[ ${lines[3]} == *"Have the mount take it in:" ]]
	[ "${lines[4]}" = "       vouchfs reload" ]
}

@test "init for a user: in his own directories; the first step says how commands find it, and it mounts" {
	need_user_mounts
	install -d -o nobody "$T/home"
	run -0 as_user env -u XDG_CONFIG_HOME -u XDG_STATE_HOME HOME="$T/home" "$VOUCHFS" init
	[[ $output == *"  1. Tell the commands where the configuration is (in ~/.profile, for good):"$'\n'"       export VOUCHFS_CONF=$T/home/.config/vouchfs/vouchfs.conf"$'\n'* ]]
	[[ $output == *"       vouchfs mount $T/home/functions"* ]]
	[ "$(stat -c '%a %U' "$T/home/.local/state/vouchfs")" = "700 nobody" ]
	run ! grep -q '^user' "$T/home/.config/vouchfs/vouchfs.conf"
	export VOUCHFS_CONF=$T/home/.config/vouchfs/vouchfs.conf
	chown nobody "$T/xdg"
	run -0 as_user env HOME="$T/home" "$VOUCHFS" mount "$T/home/functions"
	[ "$(as_user ls "$T/home/functions" | tr '\n' ' ')" = "functions layers run " ]
	run -0 as_user "$VOUCHFS" unmount "$T/home/functions"
	XDG_CONFIG_HOME=$T/c XDG_STATE_HOME=$T/s
	export XDG_CONFIG_HOME XDG_STATE_HOME
	unset VOUCHFS_CONF
	install -d -o nobody "$T/c" "$T/s"
	run -0 as_user env HOME="$T/home" "$VOUCHFS" init --mountpoint "$T/home/other"
	[ -e "$T/c/vouchfs/vouchfs.conf" ] && [ -e "$T/s/vouchfs/format" ] && [ -d "$T/home/other" ]
}

@test "init -c: all beside that file, which may be named relatively; VOUCHFS_CONF names it as well" {
	cd "$T"
	run -0 "$VOUCHFS" init -c new/host.conf --account 999988887777 --mode Warn
	[[ $output == *"export VOUCHFS_CONF=$T/new/host.conf"* ]]
	[ "$(names_in new)" = "conf.d host.conf mnt store trust" ]
	grep -qx 'account = 999988887777' new/host.conf
	grep -qx ';untrusted_artifact_on_deployment = Warn' new/host.conf
	export VOUCHFS_CONF=$T/second/vouchfs.conf
	run -0 "$VOUCHFS" init
	[[ $output != *"export VOUCHFS_CONF"* ]]
	[ -e second/store/format ]
	run -0 "$VOUCHFS" mount second/mnt
	run -0 "$VOUCHFS" unmount second/mnt
}

@test "init again changes nothing and says what is there" {
	run -0 "$VOUCHFS" init -c "$T/new/vouchfs.conf"
	echo '# mine' >>"$T/new/vouchfs.conf"
	before=$(state_of "$T/new")
	run -0 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --mode Warn
	[ "$(grep -c '^  there ' <<<"$output")" -eq 6 ]
	[[ $output != *"  made "* ]]
	[ "$(state_of "$T/new")" = "$before" ]
}

@test "every example of the configuration is good when its ; is taken away" {
	run -0 "$VOUCHFS" init -c "$T/new/vouchfs.conf"
	[ "$(grep -c '^;' "$T/new/vouchfs.conf")" -ge 10 ]
	sed -i 's/^;//' "$T/new/vouchfs.conf"
	run -0 "$VOUCHFS" check-config -c "$T/new/vouchfs.conf"
	[ "$output" = "$T/new/vouchfs.conf: ok: accounts 1, code-signing configs 1, functions 1, layers 0, principals 0" ]
}

@test "init: what it says of policy bundles is good as it stands, and the next steps are those of a governed host" {
	mk_account
	signer "$ACCOUNT" export-trust --directory "$T/exported" >/dev/null
	"$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/exported" >/dev/null
	sed -i '/^#   \[policy\]/,$ s/^#   //; /^source/d' "$T/new/vouchfs.conf"
	run -78 "$VOUCHFS" check-config -c "$T/new/vouchfs.conf"
	[[ $output == *"account-$ACCOUNT.conf:"*"move it there"* ]]
	sed "s,\.\./,," "$T/new/conf.d/account-$ACCOUNT.conf" >>"$T/new/vouchfs.conf"
	rm "$T/new/conf.d/account-$ACCOUNT.conf"
	run -0 "$VOUCHFS" check-config -c "$T/new/vouchfs.conf"
	run -0 "$VOUCHFS" init -c "$T/new/vouchfs.conf"
	[[ $output == *"Bring the policy bundle, and look:"*"vouchfs policy apply policy.zip"* ]]
	[[ $output != *"Who may sign what"* && $output != *"Deploy a signed artifact"* ]]
}

@test "init --trust: certificates and lists are copied, their accounts trusted, the examples speak of them" {
	mk_account
	mk_account 222233334444
	for id in "$ACCOUNT" 222233334444; do signer "$id" export-trust --directory "$T/in" >/dev/null; done
	touch "$T/in/notes.txt" "$T/in/1.pem"
	cd "$T"
	umask 077
	run -0 "$VOUCHFS" init -c new/vouchfs.conf --trust in
	[ "$(names_in new/trust)" = "111122223333.pem 111122223333.revocations 222233334444.pem 222233334444.revocations" ]
	[ "$(stat -c %a new/trust/* new/conf.d/* | sort -u)" = 644 ]
	cmp in/222233334444.revocations new/trust/222233334444.revocations
	grep -q "allowed_publisher = arn:vouchfs:signer:local:111122223333:" new/vouchfs.conf
	run -0 "$VOUCHFS" check-config -c new/vouchfs.conf
	[[ $output == *"ok: accounts 2,"* ]]
	run -0 "$VOUCHFS" mount -c new/vouchfs.conf new/mnt
	run -0 "$VOUCHFS" unmount new/mnt
}

@test "init --trust of one account makes it the host's; later ones are added, known ones get no second section" {
	mk_account 222233334444
	mk_account 333344445555
	signer 222233334444 export-trust --directory "$T/one" >/dev/null
	signer 333344445555 export-trust --directory "$T/two" >/dev/null
	run -0 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/one"
	grep -qx 'account = 222233334444' "$T/new/vouchfs.conf"
	sed -n '/^\[account/,$p' "$T/new/conf.d/account-222233334444.conf" | sed 's|\.\./||' >>"$T/new/vouchfs.conf"
	rm "$T/new/conf.d/account-222233334444.conf"
	cp "$T"/one/* "$T/two/"
	run -0 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/two"
	[ "$(names_in "$T/new/conf.d")" = account-333344445555.conf ]
	[[ $output == *"  there  $T/new/trust/222233334444.pem"*"  made   $T/new/trust/333344445555.pem"* ]]
}

@test "init --trust: what is there with another content stays, and is named" {
	mk_account
	signer "$ACCOUNT" export-trust --directory "$T/in" >/dev/null
	run -0 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/in"
	rm -r "$T/homes/$ACCOUNT"
	mk_account
	signer "$ACCOUNT" export-trust --directory "$T/other" >/dev/null
	before=$(state_of "$T/new")
	run -1 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/other"
	[[ $output == *"vouchfs: $T/new/trust/$ACCOUNT.pem is there with another content, and was left as it is; move it away to have it written"* ]]
	[ "$(state_of "$T/new")" = "$before" ]
}

@test "init --trust: what is no trust is refused before anything is made" {
	run -1 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/missing"
	[ "$output" = "vouchfs: --trust $T/missing: No such file or directory" ]
	mkdir "$T/empty"
	run -1 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/empty"
	[[ $output == "vouchfs: $T/empty/*.pem: there is no certificate; give the directory that \`vouchfs signer export-trust "* ]]
	mk_account
	mk_account 222233334444
	signer "$ACCOUNT" export-trust --directory "$T/in" >/dev/null
	signer 222233334444 export-trust --directory "$T/foreign" >/dev/null
	cp "$T/foreign/222233334444.revocations" "$T/in/$ACCOUNT.revocations"
	run -1 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/in"
	[[ $output == "vouchfs: $T/in/$ACCOUNT.revocations: "* ]]
	echo nonsense >"$T/in/$ACCOUNT.pem"
	run -1 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --trust "$T/in"
	[[ $output == "vouchfs: $T/in/$ACCOUNT.pem: expected nothing but certificates in PEM form "* ]]
	[ ! -e "$T/new" ]
}

@test "init does not touch a configuration that is faulty, or of another account" {
	mkdir "$T/new"
	printf '[vouchfs]\naccount = 111122223333\nstor = x\n' >"$T/new/vouchfs.conf"
	run -78 "$VOUCHFS" init -c "$T/new/vouchfs.conf"
	[[ $output == "$T/new/vouchfs.conf:3: unknown key \"stor\""* ]]
	sed -i 's/^stor /store /' "$T/new/vouchfs.conf"
	run -1 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --account 222233334444
	[[ $output == *"$T/new/vouchfs.conf is there already, with account = 111122223333; --account 222233334444 would change it, so nothing was done" ]]
	[ "$(names_in "$T/new")" = vouchfs.conf ]
}

@test "init: what cannot be made is named" {
	touch "$T/file"
	run -1 "$VOUCHFS" init -c "$T/file/vouchfs.conf"
	[[ $output == "vouchfs: $T/file cannot be made: Not a directory" ]]
	run -1 "$VOUCHFS" init -c "$T/new/vouchfs.conf" --mountpoint "$T/file"
	[[ $output == *"vouchfs: $T/file cannot be made: Not a directory"* ]]
	need_root
	install -d -m 0755 "$T/roots"
	cp "$VOUCHFS" "$T/vouchfs"
	run -1 as_user "$T/vouchfs" init -c "$T/roots/vouchfs.conf"
	[[ $output == *"vouchfs: $T/roots/vouchfs.conf cannot be made: Permission denied"* ]]
}

@test "init: wrong words are usage errors" {
	run -2 "$VOUCHFS" init --account 12
	[[ ${lines[0]} == 'vouchfs init: --account "12": expected 12 digits, like 111122223333' ]]
	run -2 "$VOUCHFS" init --mode enforce
	[[ ${lines[0]} == 'vouchfs init: --mode "enforce": expected Enforce or Warn' ]]
	run -2 "$VOUCHFS" init /etc/vouchfs
}

@test "init: what is said fits 80 columns" {
	run -0 on_host <<-'END'
		"$VOUCHFS" init
	END
	[ "$(awk '{ if (length > most) most = length } END { print most }' <<<"$output")" -le 80 ]
}
