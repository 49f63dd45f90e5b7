#!/usr/bin/env bats
# Executables of hooks.d/: what they get, who they are, and that the mount does not depend on them.

load lib

setup() {
	lib_setup
	HOOKS=$T/etc/hooks.d
	OUT=$T/out
	mkdir "$HOOKS" "$OUT"
	chmod 0755 "$T/etc" "$HOOKS"
	chmod 1777 "$OUT"
}

# mk_hook NAME: a shell script of what comes on stdin, where OUT is a directory that everybody may write
mk_hook() {
	{
		printf '#!/bin/sh\nOUT=%s\n' "$OUT"
		cat
	} >"$HOOKS/$1"
	chmod 0755 "$HOOKS/$1"
}

# mount_with_hooks [LINE ...]: lines of [vouchfs]; the log is in $T/log
mount_with_hooks() {
	start_mount() { "$VOUCHFS" mount -c "$CONF" --log stderr "$MNT" 2>"$T/log" 3>&-; }
	VOUCHFS_SECTION=$(printf '%s\n' "$@") start_ready_mount </dev/null
	mk_signed "$T/good.zip" app.py='print(1)'
	mk_zip "$T/unsigned.zip" app.py='print(2)'
}

runner_pid() { pgrep -x vouchfs-hooks -P "$(supervisor_pid)"; }
has_ended() { [ ! -e "/proc/$1" ] || grep -q '^State:.*zombie' "/proc/$1/status"; }
has_lines() { [ "$(wc -l <"$OUT/$1")" = "$2" ]; }
logged() { grep -q "$1" "$T/log"; }

@test "a hook gets the record, five variables, no argument, /, and nothing else" {
	mk_hook 10-look <<-'END'
		cat >"$OUT/record"
		tr '\0' '\n' </proc/$$/environ | sort >"$OUT/environ"
		ls -l /proc/$$/fd | sed -n 's/.* \([0-9]*\) -> \(.*\)/\1 \2/p' >"$OUT/fds"
		# by itself: a shell that waits for a child blocks signals meanwhile
		while read -r line; do echo "$line"; done </proc/$$/status >"$OUT/status"
		echo "$# $(readlink -f "$0") $(pwd) $(umask) $(ps -o pgid= -o sid= -p $$ | tr -d ' ' | sed "s/$$/x/g")" >"$OUT/self.new"
		mv "$OUT/self.new" "$OUT/self"
	END
	SECRET=1 mount_with_hooks
	run ! cp "$T/unsigned.zip" "$MAIN/"
	eventually test -e "$OUT/self"
	[ "$(cat "$OUT/self")" = "0 $HOOKS/10-look / 0022 xx" ]
	cmp "$OUT/record" <(grep '"seq":2,' "$STORE"/audit/*.jsonl)
	[ "$(grep -v -e ^PATH= -e ^PWD= -e ^_= "$OUT/environ")" = "$(printf '%s\n' VOUCHFS_EVENT=deployment VOUCHFS_EVENT_ID=2 \
		VOUCHFS_OUTCOME=refused VOUCHFS_REASON=VF2001 VOUCHFS_SLOT=functions/main)" ]
	# the shell has its script open, and the directory in which it found it
	[ "$(grep -v -e ' pipe:' -e "$HOOKS/10-look" "$OUT/fds")" = "3 $HOOKS" ]
	grep -qE '^SigBlk:\s0+$' "$OUT/status"
	# but for glibc's own two (32 and 33), which its posix_spawn leaves ignored in whatever is above
	grep -qE '^SigIgn:\s0+(180000000)?$' "$OUT/status"
	grep -qE '^NoNewPrivs:\s1$' "$OUT/status"
}

@test "hooks run in the order of their names, one at a time, for every decision" {
	mk_hook 20-second <<<'echo "$VOUCHFS_EVENT_ID 2" >>"$OUT/order"'
	mk_hook 10-first <<<'sleep 0.1; echo "$VOUCHFS_EVENT_ID 1 $VOUCHFS_OUTCOME $VOUCHFS_EVENT" >>"$OUT/order"'
	printf 'a hook nobody runs\n' >"$HOOKS/.hidden"
	mount_with_hooks
	cp "$T/good.zip" "$MAIN/"
	run ! cp "$T/unsigned.zip" "$MAIN/"
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	"$VOUCHFS" reload
	eventually grep -q "^5 2" "$OUT/order"
	diff "$OUT/order" - <<-END
		2 1 accepted deployment
		2 2
		3 1 refused deployment
		3 2
		4 1 warned deployment
		4 2
		5 1 reloaded config-reloaded
		5 2
	END
	run ! logged hooks:
}

@test "a hook is the user that serves, or hooks_user" {
	need_root
	mk_hook id <<<'id -u >"$OUT/uid.new"; id -G >"$OUT/groups"; mv "$OUT/uid.new" "$OUT/uid"'
	mount_with_hooks 'user = nobody'
	cp "$T/good.zip" "$MAIN/"
	eventually test -e "$OUT/uid"
	[ "$(cat "$OUT/uid")" = "$(id -u nobody)" ]
	stop_mount
	rm "$OUT"/*
	sed -i 's/^user = nobody/&\nhooks_user = daemon/' "$CONF"
	start_mount
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	eventually test -e "$OUT/uid"
	[ "$(cat "$OUT/uid")" = "$(id -u daemon)" ]
	[ "$(cat "$OUT/groups")" = "$(id -g daemon)" ]
	sed -i 's/^hooks_user = .*/hooks_user = no-such-user/' "$CONF"
	stop_mount
	run -78 start_mount
	grep -q 'hooks_user = "no-such-user": there is no such user' "$T/log"
}

@test "a hook that takes too long is killed with all that it started; cp does not wait" {
	mk_hook 10-hangs <<-'END'
		sleep 3600 &
		echo $! >"$OUT/child.new"
		mv "$OUT/child.new" "$OUT/child"
		wait
	END
	mk_hook 20-next <<<'echo >"$OUT/next"'
	mount_with_hooks 'hooks_timeout = 1s'
	timeout 5 cp "$T/good.zip" "$MAIN/"
	eventually test -e "$OUT/child"
	[ ! -e "$OUT/next" ]
	eventually test -e "$OUT/next"
	logged "hook 10-hangs (event 2) was killed: it took longer than 1 s"
	has_ended "$(cat "$OUT/child")"
	# also what it leaves behind when it ends by itself
	mk_hook 10-hangs <<<'sleep 3600 & echo $! >"$OUT/left"'
	rm "$OUT/next"
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	eventually test -e "$OUT/next"
	has_ended "$(cat "$OUT/left")"
}

@test "what a hook says goes to the log, escaped and not without end; so does how it ended" {
	mk_hook 10-talks <<<'printf "to stdout\n"; printf "one\033[31m\n" >&2; printf "last"; exit 3'
	mk_hook 20-floods <<<'seq 1000'
	mk_hook 30-dies <<<'kill -TERM $$'
	printf '#!/no/such/interpreter\n' >"$HOOKS/40-nothing"
	chmod 0755 "$HOOKS/40-nothing"
	mount_with_hooks
	cp "$T/good.zip" "$MAIN/"
	eventually logged 'hook 40-nothing (event 2) failed: exit status 127'
	logged 'notice: hook 10-talks (event 2): to stdout$'
	logged 'notice: hook 10-talks (event 2): one\\x1b\[31m$'
	logged 'notice: hook 10-talks (event 2): last$'
	logged 'warning: hook 10-talks (event 2) failed: exit status 3$'
	[ "$(grep -c 'hook 20-floods (event 2): [0-9]' "$T/log")" = 20 ]
	logged 'hook 20-floods (event 2): what it wrote beyond that is left out'
	logged 'warning: hook 30-dies (event 2) failed: ended by signal 15 (Terminated)'
	logged 'hook 40-nothing (event 2): it cannot be started: No such file or directory'
}

@test "what others can change is not run, and that is said once" {
	need_root
	for name in 1-others 2-group 3-foreign 4-plain 6-good; do
		mk_hook "$name" <<<'readlink -f "$0" >>"$OUT/ran"'
	done
	chmod o+w "$HOOKS/1-others"
	chmod g+w "$HOOKS/2-group"
	chown nobody "$HOOKS/3-foreign"
	chmod a-x "$HOOKS/4-plain"
	ln -s 6-good "$HOOKS/5-link"
	mkdir "$HOOKS/7-directory"
	mount_with_hooks
	cp "$T/good.zip" "$MAIN/"
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	eventually has_lines ran 2
	[ "$(sort -u "$OUT/ran")" = "$HOOKS/6-good" ]
	for said in '1-others can be written by others' '2-group can be written by others' '3-foreign belongs to somebody' \
		'4-plain is not executable' '5-link is a symbolic link' '7-directory is not a regular file'; do
		[ "$(grep -c "warning: hooks: not run: $HOOKS/$said" "$T/log")" = 1 ]
	done
	chmod g+w "$HOOKS"
	cp "$T/good.zip" "$MAIN/again.zip"
	eventually logged "hooks: not run: $HOOKS can be written by others than its owner"
	has_lines ran 2
}

@test "without a directory there is no process for hooks; one that is named has to be there" {
	rmdir "$HOOKS"
	mount_with_hooks
	run ! runner_pid
	stop_mount
	sed -i 's/^store = .*/&\nhooks = elsewhere/' "$CONF"
	start_mount
	eventually logged "hooks: not run: $T/etc/elsewhere No such file or directory"
	mkdir "$T/etc/elsewhere"
	HOOKS=$T/etc/elsewhere mk_hook x <<<'echo >"$OUT/x"'
	cp "$T/good.zip" "$MAIN/"
	eventually test -e "$OUT/x"
	stop_mount
	sed -i "s|^hooks = .*|hooks = $MNT/run|" "$CONF"
	run -1 start_mount
	grep -q "the directory of hooks $MNT/run lies below the mountpoint" "$T/log"
}

@test "a runner that dies: deployments go on, and the log says that no hooks are run" {
	mk_hook x <<<'echo >>"$OUT/x"'
	mount_with_hooks
	runner=$(runner_pid)
	kill -KILL "$runner"
	eventually has_ended "$runner"
	cp "$T/good.zip" "$MAIN/"
	[ -e "$RUN/task/app.py" ]
	eventually logged "hooks: the process that runs them is gone"
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	[ "$(grep -c "is gone" "$T/log")" = 1 ]
	stop_mount
	no_processes_left
	[ ! -e "$OUT/x" ]
}

@test "a runner that hangs: deployments go on, and the mount ends" {
	mk_hook x <<<'echo >>"$OUT/x"'
	mount_with_hooks
	kill -STOP "$(runner_pid)"
	timeout 5 cp "$T/good.zip" "$MAIN/"
	timeout 20 "$VOUCHFS" unmount "$MNT"
	no_processes_left
	logged "hooks: the process that runs them does not end; killed"
}

@test "unmount: what runs and waits gets a moment, and no more" {
	mk_hook quick <<<'echo "$VOUCHFS_EVENT_ID" >>"$OUT/quick"'
	mount_with_hooks
	cp "$T/good.zip" "$MAIN/"
	cp "$T/unsigned.zip" "$MNT/functions/relaxed/"
	stop_mount
	[ "$(cat "$OUT/quick")" = "$(printf '2\n3')" ]
	mk_hook quick <<<'echo $$ >"$OUT/pid.new"; mv "$OUT/pid.new" "$OUT/pid"; sleep 3600'
	start_mount
	cp "$T/good.zip" "$MAIN/again.zip"
	eventually test -e "$OUT/pid"
	run ! cp "$T/unsigned.zip" "$MAIN/"
	timeout 10 "$VOUCHFS" unmount "$MNT"
	no_processes_left
	has_ended "$(cat "$OUT/pid")"
	logged "hook quick (event 6) was killed: the mount has ended"
	logged "hooks: the mount has ended, and 1 records were left without hooks"
}

@test "hooks of an ordinary user's mount" {
	need_user_mounts
	mk_hook x <<<'id -u >"$OUT/uid.new"; mv "$OUT/uid.new" "$OUT/uid"'
	mk_plain_config
	mkdir "$T/var"
	chown -R nobody "$T/etc" "$MNT" "$T/xdg" "$T/var"
	sed -i "s|^store = .*|store = $T/var/store|" "$CONF"
	as_user "$VOUCHFS" mount -c "$CONF" --log stderr "$MNT" 2>"$T/log" 3>&-
	mk_zip "$T/a.zip"
	as_user cp "$T/a.zip" "$MNT/functions/main-function/"
	eventually test -e "$OUT/uid"
	[ "$(cat "$OUT/uid")" = "$(id -u nobody)" ]
	as_user "$VOUCHFS" unmount "$MNT"
}
