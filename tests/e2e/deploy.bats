#!/usr/bin/env bats
# What can be done on the deploy side, and what it answers.

load lib

outcome_of() { getfattr --absolute-names --only-values -n "user.vouchfs.$2" "$1"; }

@test "the tree: what is listed, what is reached by name only" {
	start_ready_mount </dev/null
	[ "$(names_in "$MNT")" = "functions layers run" ]
	[ "$(names_in "$MNT/functions")" = "main relaxed" ]
	[ "$(names_in "$MNT/.vouchfs")" = "break-glass events health history metrics permissions recent reload rollback status status.json why" ]
	[ "$(cat "$MNT/.vouchfs/health")" = ok ]
	[ "$(stat -c %a "$MNT/functions/main")" = 775 ]
}

@test "a tree with one bad function among five: the other four arrive, rsync exits 23, the next rsync sends nothing" {
	start_ready_mount <<-END
		[function one]
		code_signing_config = Enforce
		[function two]
		code_signing_config = Enforce
		[function three]
		code_signing_config = Enforce
		[function four]
		code_signing_config = Enforce
	END
	local name
	for name in one two three four main; do
		mkdir -p "$T/build/functions/$name"
		mk_signed "$T/build/functions/$name/$name.zip" marker="$name"
	done
	mk_zip "$T/build/functions/three/three.zip" marker=unsigned
	run -23 rsync -a "$T/build/" "$MNT/"
	[[ $output == *'three.zip": Required key not available (126)'* ]]
	for name in one two four main; do
		[ "$(cat "$MNT/run/$name/task/marker")" = "$name" ]
	done
	[ ! -e "$MNT/run/three" ]
	[ -z "$(names_in "$MNT/functions/three")" ]

	mk_signed "$T/build/functions/three/three.zip" marker=three
	run -0 rsync -a --itemize-changes "$T/build/" "$MNT/"
	[ "$(grep -c '^>f' <<<"$output")" = 1 ]
	run -0 rsync -a --itemize-changes "$T/build/" "$MNT/"
	[[ $output != *'>f'* ]]
	run -0 rsync -a --checksum --itemize-changes "$T/build/" "$MNT/"
	[[ $output != *'>f'* ]]
}

@test "an artifact reads back as it was written, times and all" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip"
	touch -d '2020-02-02T02:02:02Z' "$T/a.zip"
	cp -a "$T/a.zip" "$MAIN/"
	cmp "$T/a.zip" "$MAIN/a.zip"
	[ "$(stat -c %Y "$MAIN/a.zip")" = "$(stat -c %Y "$T/a.zip")" ]
	[ "$(stat -c %a "$MAIN/a.zip")" = 664 ]
	touch -d '2021-01-01T00:00:00Z' "$MAIN/a.zip"
	stop_mount
	start_mount
	[ "$(stat -c %Y "$MAIN/a.zip")" = "$(date -d '2021-01-01T00:00:00Z' +%s)" ]
	cmp "$T/a.zip" "$MAIN/a.zip"
}

@test "one artifact a slot: another name takes the place of the first" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	mk_signed "$T/b.zip" marker=b
	cp "$T/a.zip" "$MAIN/"
	cp "$T/b.zip" "$MAIN/"
	[ "$(names_in "$MAIN")" = b.zip ]
	[ "$(cat "$RUN/task/marker")" = b ]
	mv "$MAIN/b.zip" "$MAIN/c.zip"
	[ "$(names_in "$MAIN")" = c.zip ]
	cmp "$T/b.zip" "$MAIN/c.zip"
}

@test "names: what is no artifact and no staging is refused at create" {
	start_ready_mount </dev/null
	local name
	for name in a.jar zip A.ZIP layers.txt; do
		run touch "$MAIN/$name"
		[[ $output == *"Invalid argument"* ]]
	done
	touch "$MAIN/layers" # an empty list changes nothing
	[ "$(names_in "$MAIN")" = "" ]
	run touch "$MNT/functions/a.zip"
	[[ $output == *"Operation not permitted"* ]]
	run mkdir "$MAIN/dir"
	[[ $output == *"Invalid argument"* ]]
	run mkdir "$MNT/functions/nobody-declared-me"
	[[ $output == *"Permission denied"* ]]
}

@test "staging files are written, read back, not listed, not served, and go when they are unlinked" {
	start_ready_mount </dev/null
	echo half >"$MAIN/.a.zip.tmp"
	[ "$(cat "$MAIN/.a.zip.tmp")" = half ]
	echo more >>"$MAIN/.a.zip.tmp"
	[ "$(stat -c '%a %s' "$MAIN/.a.zip.tmp")" = "600 10" ]
	mkdir "$MAIN/.dir"
	echo x >"$MAIN/.dir/b.zip"
	[ -z "$(names_in "$MAIN")" ]
	run rmdir "$MAIN/.dir"
	[[ $output == *"Directory not empty"* ]]
	rm "$MAIN/.dir/b.zip" "$MAIN/.a.zip.tmp"
	rmdir "$MAIN/.dir"
	[ ! -e "$MAIN/.a.zip.tmp" ]
	[ ! -e "$MNT/run/main" ]
}

@test "staging files are dropped when staging_ttl is over" {
	VOUCHFS_SECTION='staging_ttl = 1' start_ready_mount </dev/null
	echo half >"$MAIN/.a.zip.tmp"
	eventually test ! -e "$MAIN/.a.zip.tmp"
}

@test "unlink hides the artifact and leaves the release served, also over a restart" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	rm "$MAIN/a.zip"
	[ -z "$(names_in "$MAIN")" ]
	[ "$(cat "$RUN/task/marker")" = a ]
	stop_mount
	start_mount
	[ -z "$(names_in "$MAIN")" ]
	[ "$(cat "$RUN/task/marker")" = a ]
	cp "$T/a.zip" "$MAIN/"
	[ "$(names_in "$MAIN")" = a.zip ]
}

@test "rename: between slots EXDEV, so that mv copies and the copy is checked there" {
	start_ready_mount </dev/null
	mk_zip "$T/a.zip" marker=a
	cp "$T/a.zip" "$MNT/functions/relaxed/"
	run python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$MNT/functions/relaxed/a.zip" "$MAIN/a.zip"
	[[ $output == *"Invalid cross-device link"* ]]
	run -1 mv "$MNT/functions/relaxed/a.zip" "$MAIN/a.zip"
	[[ $output == *"Required key not available"* ]]
	[ "$(names_in "$MNT/functions/relaxed")" = a.zip ]
}

@test "links, nodes, truncate by path and attributes are refused; chmod and chown change nothing and succeed" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	run ln "$MAIN/a.zip" "$MAIN/b.zip"
	[[ $output == *"Operation not permitted"* ]]
	run ln -s a.zip "$MAIN/b.zip"
	[[ $output == *"Operation not permitted"* ]]
	run mkfifo "$MAIN/b.zip"
	[[ $output == *"Operation not permitted"* ]]
	run python3 -c 'import os, sys; os.truncate(sys.argv[1], 5)' "$MAIN/a.zip"
	[[ $output == *"Operation not permitted"* ]]
	run setfattr -n user.x -v y "$MAIN/a.zip"
	[[ $output == *"Operation not supported"* ]]
	run setfacl -m u:nobody:r "$MAIN/a.zip"
	[[ $output == *"Operation not supported"* ]]
	chmod 0600 "$MAIN/a.zip"
	[ "$(stat -c %a "$MAIN/a.zip")" = 664 ]
	cmp "$T/a.zip" "$MAIN/a.zip"
}

@test "mkdir makes a slot where a pattern allows it to the caller, rmdir undeploys it" {
	need_root
	start_ready_mount <<-END
		[function team-*]
		code_signing_config = Enforce
		group = nogroup
	END
	local slot=$MNT/functions/team-x
	as_user mkdir "$slot"
	[ "$(stat -c '%U %G %a' "$slot")" = "nobody nogroup 775" ]
	run -1 as_user mkdir "$MNT/functions/other"
	[[ $output == *"Permission denied"* ]]
	run -1 setpriv --reuid=12345 --regid=12345 --clear-groups mkdir "$MNT/functions/team-y"
	[[ $output == *"Permission denied"* ]]
	run -1 mkdir "$MNT/functions/main"
	[[ $output == *"File exists"* ]]
	mk_signed "$T/a.zip" marker=a
	chmod 0644 "$T/a.zip"
	as_user cp "$T/a.zip" "$slot/"
	[ "$(cat "$MNT/run/team-x/task/marker")" = a ]
	stop_mount
	start_mount
	[ "$(stat -c %U "$slot")" = nobody ]
	[ "$(stat -c %U "$slot/a.zip")" = nobody ]
	run as_user rmdir "$slot"
	[[ $output == *"Directory not empty"* ]]
	run setpriv --reuid=12345 --regid=12345 --clear-groups rm -r "$slot"
	[[ $output == *"Permission denied"* ]]
	as_user rm -r "$slot"
	[ ! -e "$slot" ]
	[ ! -e "$MNT/run/team-x" ]
	[ ! -e "$MNT/run/.releases/team-x" ]
	run -1 rmdir "$MNT/functions/relaxed"
	[[ $output == *"Operation not permitted"* ]]
}

@test "owner, group and mode of a slot are those of its section" {
	need_root
	start_ready_mount <<-END
		[function owned]
		code_signing_config = Enforce
		owner = nobody
		group = nogroup
		mode = 0750
	END
	[ "$(stat -c '%U %G %a' "$MNT/functions/owned")" = "nobody nogroup 750" ]
	mk_signed "$T/a.zip" marker=a
	chmod 0644 "$T/a.zip"
	as_user cp "$T/a.zip" "$MNT/functions/owned/"
	[ "$(stat -c '%U %G %a' "$MNT/functions/owned/a.zip")" = "nobody nogroup 640" ]
	run -2 setpriv --reuid=12345 --regid=12345 --clear-groups ls "$MNT/functions/owned"
	[[ $output == *"Permission denied"* ]]
}

@test "a user outside the slot's group may look and may not write" {
	need_root
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	chmod 0644 "$T/a.zip"
	run -1 as_user cp "$T/a.zip" "$MAIN/"
	[[ $output == *"Permission denied"* ]]
	cp "$T/a.zip" "$MAIN/"
	run -1 as_user cp "$T/a.zip" "$MAIN/a.zip"
	[[ $output == *"Permission denied"* ]]
	run -1 as_user rm -f "$MAIN/a.zip"
	[[ $output == *"Permission denied"* ]]
	[ "$(as_user cat "$RUN/task/marker")" = a ]
}

@test "members of the slot's group replace one another's artifacts, with cp -a too" {
	need_root
	start_ready_mount <<-END
		[function shared]
		code_signing_config = Enforce
		group = nogroup
	END
	mk_signed "$T/a.zip" marker=a
	chmod 0644 "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/shared/"
	as_user cp -a "$T/a.zip" "$MNT/functions/shared/a.zip"
	[ "$(stat -c '%U %Y' "$MNT/functions/shared/a.zip")" = "nobody $(stat -c %Y "$T/a.zip")" ]
}

@test "too large: EFBIG at the write, recorded, nothing left" {
	VOUCHFS_SECTION='max_artifact_size = 100000' start_ready_mount </dev/null
	head -c 200000 /dev/urandom >"$T/noise"
	(cd "$T" && zip -q big.zip noise)
	run -1 cp "$T/big.zip" "$MAIN/"
	[[ $output == *"File too large"* ]]
	[ -z "$(names_in "$MAIN")" ]
	[[ $("$VOUCHFS" why main) == *VF4002* ]]
	mk_signed "$T/small.zip"
	cp "$T/small.zip" "$MAIN/"
}

@test "errno_style = permission: the same refusals as EACCES and EPERM" {
	VOUCHFS_SECTION='errno_style = permission' start_ready_mount </dev/null
	mk_zip "$T/a.zip"
	run -1 cp "$T/a.zip" "$MAIN/"
	[[ $output == *"Permission denied"* ]]
	mk_signed "$T/b.zip"
	printf x | dd of="$T/b.zip" bs=1 seek=40 conv=notrunc status=none
	run -1 cp "$T/b.zip" "$MAIN/"
	[[ $output == *"Operation not permitted"* ]]
}

@test "the record of a decision: attributes of artifact, release and slot, why, release.json, audit log" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	local arn file
	arn=$(outcome_of "$MAIN/a.zip" profile_version_arn)
	[[ $arn == arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release/* ]]
	for file in "$MAIN/a.zip" "$RUN/" "$RUN/code.zip"; do
		[ "$(outcome_of "$file" outcome)" = accepted ]
		[ "$(outcome_of "$file" sha384)" = "$(head -c "$("$VOUCHFS" inspect --json "$T/a.zip" | sed -n 's/.*"length": \([0-9]*\).*/\1/p' | head -n 1)" "$T/a.zip" | sha384sum | cut -d' ' -f1)" ]
		[[ $(outcome_of "$file" signing_job_arn) == *:/signing-jobs/* ]]
		[[ $(outcome_of "$file" expires_at) == 20* ]]
	done
	python3 -m json.tool "$RUN/release.json" >/dev/null
	grep -q "$arn" "$RUN/release.json"

	mk_zip "$T/a.zip" marker=b
	run -1 cp "$T/a.zip" "$MAIN/"
	[ "$(outcome_of "$MAIN" last_outcome)" = refused ]
	[ "$(outcome_of "$MAIN" last_reason)" = VF2001 ]
	[[ $(outcome_of "$MAIN" last_by) == *"uid $(id -u)"*cp* ]]
	[[ $(cat "$MNT/.vouchfs/why/functions/main") == *"VF2001 refused"*"release 1 is still served"* ]]
	[ "$(cat "$MNT/.vouchfs/why/functions/main")" = "$("$VOUCHFS" why main)" ]
	[[ $(cat "$MNT/.vouchfs/status") == *"! main "*VF2001* ]]
	python3 -m json.tool "$MNT/.vouchfs/status.json" >/dev/null
	[ "$(cat "$STORE"/audit/*.jsonl | grep -c '"event":"deployment"')" = 2 ]
	grep '"outcome":"refused"' "$STORE"/audit/*.jsonl | grep -q '"reason":"VF2001"'
	stop_mount
	start_mount
	[ "$(outcome_of "$MAIN" last_reason)" = VF2001 ]
}

@test "the completing write refuses; a later good write on the same open file is accepted" {
	start_ready_mount </dev/null
	mk_zip "$T/bad.zip" marker=bad
	mk_signed "$T/good.zip" marker=good
	python3 - "$T/bad.zip" "$T/good.zip" "$MAIN/a.zip" <<-'END'
		import errno, os, sys
		bad, good = (open(name, "rb").read() for name in sys.argv[1:3])
		out = os.open(sys.argv[3], os.O_RDWR | os.O_CREAT)
		try:
		    os.write(out, bad)
		    sys.exit("the write was not refused")
		except OSError as e:
		    assert e.errno == errno.ENOKEY, e
		os.ftruncate(out, 0)
		assert os.pwrite(out, good, 0) == len(good)
		assert os.pread(out, len(good), 0) == good
		os.close(out)
	END
	[ "$(cat "$RUN/task/marker")" = good ]
}

@test "descriptors that are duplicated, a child that exits in between: the verdict is about the whole" {
	start_ready_mount </dev/null
	mk_signed "$T/good.zip" marker=good
	python3 - "$T/good.zip" "$MAIN/a.zip" <<-'END'
		import os, sys
		good = open(sys.argv[1], "rb").read()
		out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
		os.close(os.dup(out))                 # a flush before any byte
		os.write(out, good[:100])
		if os.fork() == 0:
		    os._exit(0)                       # a flush in the middle
		os.wait()
		os.write(out, good[100:])
		os.close(out)
	END
	[ "$(cat "$RUN/task/marker")" = good ]
}

@test "written out of order and in place: rsync --inplace changes a block of what is there" {
	start_ready_mount </dev/null
	head -c 300000 /dev/urandom >"$T/noise"
	mkdir "$T/w" && cp "$T/noise" "$T/w/" && echo 1 >"$T/w/marker" && (cd "$T/w" && zip -q -0 -r ../a.zip .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	echo 2 >"$T/w/marker" && rm "$T/a.zip" && (cd "$T/w" && zip -q -0 -r ../a.zip .)
	sign_zip release "$T/a.zip"
	rsync --inplace --no-whole-file --ignore-times "$T/a.zip" "$MAIN/"
	[ "$(cat "$RUN/task/marker")" = 2 ]
	cmp "$T/noise" "$RUN/task/noise"
	python3 - "$T/a.zip" "$MAIN/b.zip" <<-'END'
		import os, sys
		content = open(sys.argv[1], "rb").read()
		out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
		for at in reversed(range(0, len(content), 10000)):
		    os.pwrite(out, content[at : at + 10000], at)
		os.close(out)
	END
	cmp "$T/a.zip" "$RUN/code.zip"
}

@test "two writers at once: each commit is whole, the last one stands" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	mk_signed "$T/b.zip" marker=b
	python3 - "$T/a.zip" "$T/b.zip" "$MAIN/x.zip" <<-'END'
		import os, sys
		a, b = (open(name, "rb").read() for name in sys.argv[1:3])
		one = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
		two = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
		os.write(one, a[:500])
		os.write(two, b[:700])
		os.write(one, a[500:])
		os.write(two, b[700:])
		os.close(two)
		os.close(one)
	END
	[ "$(cat "$RUN/task/marker")" = a ]
	[ "$(cat "$MNT/run/.releases/main/1/task/marker")" = b ]
	for _ in 1 2 3 4 5; do
		cp "$T/a.zip" "$MAIN/x.zip" &
		cp "$T/b.zip" "$MAIN/x.zip" &
		wait
	done
	cmp "$RUN/code.zip" "$T/$(cat "$RUN/task/marker").zip"
}

@test "a writer that is killed half-way leaves nothing, and the old release" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	python3 - "$T/a.zip" "$MAIN/a.zip" <<-'END' || true
		import os, signal, sys
		content = open(sys.argv[1], "rb").read()
		out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
		os.write(out, content[: len(content) // 2])
		os.kill(os.getpid(), signal.SIGKILL)
	END
	[ "$(names_in "$MAIN")" = a.zip ]
	cmp "$T/a.zip" "$MAIN/a.zip"
	[ "$(cat "$RUN/task/marker")" = a ]
	eventually test -z "$(ls "$STORE/staging")"
}

@test "a revocation list that arrives is heeded by the next deployment, without a reload" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	local job
	job=$(outcome_of "$MAIN/a.zip" signing_job_arn)
	signer "$ACCOUNT" revoke-signature --job-id "${job##*/}" --reason 'leaked'
	export_trust
	run -1 cp "$T/a.zip" "$MAIN/"
	[[ $output == *"Key has been revoked"* ]]
	[ "$(cat "$RUN/task/marker")" = a ]
}

@test "ENOSPC: the tool is told, the old release stays, and there is room again afterwards" {
	need_root
	mkdir "$T/tiny"
	mount -t tmpfs -o size=2m,mode=0700 tmpfs "$T/tiny"
	STORE=$T/tiny/store
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" marker=a
	cp "$T/a.zip" "$MAIN/"
	head -c 4000000 /dev/urandom >"$T/noise"
	(cd "$T" && zip -q -0 big.zip noise)
	sign_zip release "$T/big.zip"
	run -1 cp "$T/big.zip" "$MAIN/a.zip"
	[[ $output == *"No space left on device"* ]]
	[ "$(names_in "$MAIN")" = a.zip ]
	[ "$(cat "$RUN/task/marker")" = a ]
	[[ $("$VOUCHFS" why main) == *"not deployed"*"No space left on device"*"release 1 is still served"* ]]
	[ "$(outcome_of "$MAIN" last_outcome)" = failed ]
	mk_signed "$T/b.zip" marker=b
	cp "$T/b.zip" "$MAIN/a.zip"
	[ "$(cat "$RUN/task/marker")" = b ]
	stop_mount
	umount "$T/tiny"
}
