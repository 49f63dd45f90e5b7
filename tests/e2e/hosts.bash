# shellcheck shell=bash
# Machines of a test's own: each has namespaces for processes, mounts, network and name, a directory that outlives it
# ($T/hosts/<name>), and a line to the machine `central`, which knows nothing but those lines. Nothing of it is seen from
# outside, and a machine that is switched off is gone with all its processes and mounts, as by a power cut.
#
#     load lib
#     load hosts
#     setup() { lib_setup; need_hosts; }
#     teardown() { hosts_teardown; lib_teardown; }
#
#     switch_on central; switch_on web-1      # ssh from central: on_host central ssh root@web-1 COMMAND
#     on_host web-1 COMMAND ...               # as if typed there
#     unplug web-1; plug_in web-1; switch_off web-1

declare -gA host_holder host_init

need_hosts() {
	need_root
	local tool
	for tool in ip nsenter ssh ssh-keygen rsync openssl; do
		command -v "$tool" >/dev/null || skip "$tool is not there"
	done
	SSHD=$(server_program sshd)
	NGINX=$(server_program nginx)
	for tool in "$SSHD" "$NGINX"; do
		[ -x "$tool" ] || skip "$tool is not there (.ci/deps test gets it)"
		[[ $(ldd "$tool") != *"not found"* ]] || skip "$tool misses a library"
	done
	unshare --net --mount --pid --fork --uts ip link add probe type veth peer name other 2>/dev/null ||
		skip "no network namespaces here"
}

# The packages of these would start servers here, so .ci/deps has taken them into build/tools.
server_program() {
	local path=/usr/sbin/$1
	[ ! -x "$BATS_TEST_DIRNAME/../../build/tools/$1" ] || path=$BATS_TEST_DIRNAME/../../build/tools/$1
	echo "$path"
}

host_dir() { echo "$T/hosts/$1"; }

# The number of a line: central is 10.77.N.1 there, the host 10.77.N.2.
host_line() { grep -nxF "$1" "$T/hosts/lines" | cut -d: -f1; }

on_host() {
	local name=$1
	shift
	nsenter --target "${host_init[$name]}" --net --uts --mount --pid -- "$@"
}

# Nothing of the machine's own /run and /etc/hosts, and a life that ends with the process that holds it.
switch_on() {
	local name=$1 dir
	dir=$(host_dir "$name")
	mkdir -p "$dir"
	[ "$name" = central ] || grep -qsxF "$name" "$T/hosts/lines" || echo "$name" >>"$T/hosts/lines"
	# shellcheck disable=SC2016 # for the shell inside
	unshare --net --uts --mount --propagation private --pid --fork --kill-child --mount-proc bash -c '
		hostname "$1"
		mount -t tmpfs -o mode=0755 tmpfs /run
		mkdir -p /run/sshd /run/user
		if ! getent passwd sshd >/dev/null; then # whom sshd wants, and its package makes
			{ cat /etc/passwd && echo "sshd:x:61235:65534::/run/sshd:/usr/sbin/nologin"; } >"$2/passwd"
			mount --bind "$2/passwd" /etc/passwd
		fi
		ip link set lo up
		touch "$2/on"
		exec sleep infinity' vouchfs-host "$name" "$dir" </dev/null >"$dir/said" 2>&1 3>&- &
	host_holder[$name]=$!
	eventually test -e "$dir/on"
	host_init[$name]=$(pgrep -P "${host_holder[$name]}")
	rm "$dir/on"
	[ "$name" = central ] || plug_in "$name"
	[ "$name" = central ] || start_sshd "$name"
	share_names
}

switch_off() {
	kill -KILL "${host_holder[$1]}" 2>/dev/null || true
	wait "${host_holder[$1]}" 2>/dev/null || true
	unset "host_holder[$1]" "host_init[$1]"
}

hosts_teardown() {
	local name
	for name in "${!host_holder[@]}"; do switch_off "$name"; done
}

plug_in() {
	local n
	n=$(host_line "$1")
	# by its number out here
	nsenter --target "${host_init[central]}" --net ip link add "line$n" type veth peer name line netns "${host_init[$1]}"
	on_host central ip address add "10.77.$n.1/30" dev "line$n"
	on_host central ip link set "line$n" up
	on_host "$1" ip address add "10.77.$n.2/30" dev line
	on_host "$1" ip link set line up
}

unplug() { on_host central ip link delete "line$(host_line "$1")"; }

# Everybody knows everybody by name; central is called policies.example, too.
share_names() {
	local name n=0
	while read -r name; do
		n=$((n + 1))
		[ -n "${host_init[$name]:-}" ] || continue
		printf '127.0.0.1 localhost %s\n10.77.%s.1 central policies.example\n' "$name" "$n" >"$(host_dir "$name")/hosts"
		on_host "$name" sh -c "umount /etc/hosts 2>/dev/null; mount --bind '$(host_dir "$name")/hosts' /etc/hosts"
	done <"$T/hosts/lines"
	[ -n "${host_init[central]:-}" ] || return 0
	{
		echo '127.0.0.1 localhost central policies.example'
		awk '{ printf "10.77.%d.2 %s\n", NR, $1 }' "$T/hosts/lines"
	} >"$(host_dir central)/hosts"
	on_host central sh -c "umount /etc/hosts 2>/dev/null; mount --bind '$(host_dir central)/hosts' /etc/hosts"
}

# Where an sshd that lies elsewhere finds the programs that it consists of since 9.8.
name_sshd_parts() {
	local part keyword
	for part in session:SshdSessionPath auth:SshdAuthPath; do
		keyword=${part#*:} part=${SSHD%/*}/sshd-${part%:*}
		[ "${SSHD%/*}" = /usr/sbin ] || [ ! -x "$part" ] || echo "$keyword $part"
	done
}

# root may come in with the key that central has.
start_sshd() {
	local dir
	dir=$(host_dir "$1")
	[ -e "$T/hosts/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$T/hosts/key"
	if [ ! -e "$dir/host_key" ]; then
		ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
		cat >"$dir/sshd_config" <<-END
			HostKey $dir/host_key
			AuthorizedKeysFile $T/hosts/key.pub
			StrictModes no
			UsePAM no
			PasswordAuthentication no
			PermitRootLogin prohibit-password
			PidFile none
		END
		name_sshd_parts >>"$dir/sshd_config"
	fi
	on_host "$1" "$SSHD" -f "$dir/sshd_config" -E "$dir/sshd.log"
}

# What ssh is told wherever it is called, rsync's too.
hosts_ssh() {
	echo "ssh -q -i $T/hosts/key -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=2 -F none"
}

# https://policies.example/ serves $T/hosts/central/www, with a certificate of a CA in $T/hosts/ca.pem.
start_web_server() {
	local dir
	dir=$(host_dir central)
	mkdir -p "$dir/www" "$dir/nginx"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=test CA" \
		-keyout "$T/hosts/ca.key" -out "$T/hosts/ca.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=policies.example" \
		-keyout "$dir/tls.key" -out "$dir/tls.csr" 2>/dev/null
	openssl x509 -req -in "$dir/tls.csr" -CA "$T/hosts/ca.pem" -CAkey "$T/hosts/ca.key" -CAcreateserial -days 2 \
		-extfile <(echo subjectAltName=DNS:policies.example) -out "$dir/tls.pem" 2>/dev/null
	cat >"$dir/nginx.conf" <<-END
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/nginx/error.log;
		events { }
		http {
			access_log $dir/nginx/access.log;
			client_body_temp_path $dir/nginx/body;
			proxy_temp_path $dir/nginx/proxy;
			fastcgi_temp_path $dir/nginx/fastcgi;
			uwsgi_temp_path $dir/nginx/uwsgi;
			scgi_temp_path $dir/nginx/scgi;
			server {
				listen 443 ssl;
				ssl_certificate $dir/tls.pem;
				ssl_certificate_key $dir/tls.key;
				root $dir/www;
			}
		}
	END
	on_host central "$NGINX" -e "$dir/nginx/error.log" -c "$dir/nginx.conf"
}
