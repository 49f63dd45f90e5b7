#!/usr/bin/env bats
# Trees that are read from end to end: the daemon inflates ahead of the reader, and nothing of that may ever show but
# the time.

load lib

# mk_library FOLDER: 20 folders of files that deflate well, hardly and, in the ZIP, not at all.
mk_library() {
	python3 - "$1" <<-'END'
		import os, random, sys
		noise = random.Random(1)
		for number in range(400):
		    folder = f"{sys.argv[1]}/part-{number % 20:02d}/{'sub' if number % 3 == 0 else ''}"
		    os.makedirs(folder, exist_ok=True)
		    with open(f"{folder}/file-{number:03d}", "wb") as file:
		        file.write(b"%d\n" % number * noise.randrange(10000))
		        file.write(noise.randbytes(noise.choice((0, 1, 4096, 30000))))
	END
}

# deploy_library: signed, in main, and in $T/w
deploy_library() {
	mk_library "$T/w"
	(cd "$T/w" && zip -q -X -r -n 7:9 "$T/a.zip" .) # names that end in 7 and 9 are stored
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
}

# What the kernel and the daemon remember goes with the mount.
make_cold() {
	stop_mount
	start_mount
}

threads_named() { cat "/proc/$(daemon_pid)"/task/*/comm | grep -c "^$1\$" || true; }
resident_kib() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(daemon_pid)/status"; }
records_of() { cat "$STORE"/audit/*.jsonl | grep '"event":"page-check-failed"' | grep -c "$1" || true; }

# walk ROOT OUT: content of all files, found folder by folder
walk() { (cd "$1" && find . -type f -exec sha256sum {} + | sort -k 2) >"$2"; }

@test "in every order, by one reader and by many, everything is what was deployed" {
	start_ready_mount </dev/null
	deploy_library
	walk "$T/w" "$T/right"
	[ "$(wc -l <"$T/right")" = 400 ]

	walk "$RUN/task" "$T/found"
	diff "$T/right" "$T/found"
	[ "$(threads_named read-ahead)" -ge 1 ]

	make_cold
	(cd "$RUN/task" && cut -c 67- "$T/right" | xargs sha256sum) | diff "$T/right" -
	make_cold
	(cd "$RUN/task" && cut -c 67- "$T/right" | tac | xargs sha256sum | sort -k 2) | diff "$T/right" -
	make_cold
	(cd "$RUN/task" && cut -c 67- "$T/right" | shuf --random-source="$T/a.zip" | xargs sha256sum | sort -k 2) |
		diff "$T/right" -
	make_cold
	(cd "$RUN/task" && cut -c 67- "$T/right" | xargs -n 10 -P 8 sha256sum | sort -k 2) | diff "$T/right" -
	make_cold
	diff -r "$T/w" "$RUN/task"
}

@test "a layer's files are read ahead as the function's are" {
	start_ready_mount <<-END
		[layer tools]
	END
	mk_library "$T/w"
	(cd "$T/w" && zip -q -X -r "$T/layer.zip" .)
	sign_zip release "$T/layer.zip"
	cp "$T/layer.zip" "$MNT/layers/tools/1.zip"
	mk_signed "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	echo tools:1 >"$MAIN/layers"
	make_cold
	diff -r "$T/w" "$RUN/opt"
	[ "$(threads_named read-ahead)" -ge 1 ]
}

@test "a file alone, and names that are only looked at, start nothing" {
	start_ready_mount </dev/null
	deploy_library
	[ "$(stat -c %n "$RUN"/task/*/* | wc -l)" -gt 200 ]
	cmp "$T/w/part-07/file-007" "$RUN/task/part-07/file-007"
	[ "$(threads_named read-ahead)" = 0 ]
}

@test "the budget holds, however far ahead there is to go" {
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1 # memory that was freed would count as used
	VOUCHFS_SECTION="inflate_cache = 1048576" start_ready_mount </dev/null
	python3 - "$T/w" <<-'END'
		import os, random, sys
		os.mkdir(sys.argv[1])
		noise = random.Random(1)
		for number in range(100):
		    with open(f"{sys.argv[1]}/file-{number:03d}", "wb") as file:
		        file.write(noise.randbytes(40000).hex().encode() * 10)
	END
	(cd "$T/w" && zip -q -X -r "$T/a.zip" .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	make_cold
	cmp "$T/w/file-000" "$RUN/task/file-000"
	local before after
	before=$(resident_kib)
	diff -r "$T/w" "$RUN/task"
	after=$(resident_kib)
	echo "# $before KiB, then $after KiB" >&3
	[ $((after - before)) -lt 20000 ] # of 80,000
}

@test "an entry that is damaged among those that are read ahead is EIO by itself, and recorded as if read alone" {
	start_ready_mount </dev/null
	deploy_library
	make_cold
	local payload bad=part-07/file-007 at
	payload=$(find "$STORE" -name payload)
	at=$(python3 - "$T/a.zip" "$bad" <<-'END'
		import sys, zipfile
		entry = zipfile.ZipFile(sys.argv[1]).getinfo(sys.argv[2])
		print(entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2)
	END
	)
	# the entries that share the block
	python3 - "$T/a.zip" "$at" <<-'END' >"$T/hit"
		import sys, zipfile
		block = int(sys.argv[2]) // 4096
		for entry in zipfile.ZipFile(sys.argv[1]).infolist():
		    begin = entry.header_offset + 30 + len(entry.filename)
		    if not entry.is_dir() and begin // 4096 <= block <= (begin + entry.compress_size - 1) // 4096:
		        print("./" + entry.filename)
	END
	grep -qx "./$bad" "$T/hit"
	chmod u+w "$payload"
	printf '\125\252\125\252' | dd of="$payload" bs=1 seek="$at" conv=notrunc status=none

	walk "$T/w" "$T/right"
	(cd "$RUN/task" && cut -c 67- "$T/right" | xargs sha256sum 2>"$T/errors" | sort -k 2) >"$T/found" || true
	diff <(grep -vF -f "$T/hit" "$T/right") "$T/found"
	[ "$(wc -l <"$T/errors")" = "$(wc -l <"$T/hit")" ]
	[ "$(grep -c "Input/output error" "$T/errors")" = "$(wc -l <"$T/hit")" ]
	[ "$(threads_named read-ahead)" -ge 1 ]
	local in_a_walk
	in_a_walk=$(records_of "${bad##*/}")

	# alone
	make_cold
	! cat "$RUN/task/$bad" >/dev/null 2>&1 || false
	[ "$(threads_named read-ahead)" = 0 ]
	[ "$(records_of "${bad##*/}")" = $((2 * in_a_walk)) ]
	[ "$in_a_walk" -ge 1 ]
}

@test "files too large for the cache: every part of them, in any order, and no byte that is damaged" {
	VOUCHFS_SECTION="inflate_cache = 1048576" start_ready_mount </dev/null
	python3 - "$T/w" <<-'END'
		import os, random, sys
		os.mkdir(sys.argv[1])
		noise = random.Random(1)
		for name in "deflated", "deflated-too", "stored.9", "stored-too.9":
		    with open(f"{sys.argv[1]}/{name}", "wb") as file:
		        for part in range(60):
		            file.write(noise.randbytes(40000).hex().encode())
	END
	(cd "$T/w" && zip -q -X -r -n 9 "$T/a.zip" .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	make_cold
	python3 - "$T/w" "$RUN/task" <<-'END'
		import os, random, sys
		order = random.Random(2)
		for name in sorted(os.listdir(sys.argv[1])):
		    with open(f"{sys.argv[1]}/{name}", "rb") as right, open(f"{sys.argv[2]}/{name}", "rb", buffering=0) as found:
		        for _ in range(40):
		            at = order.randrange(4800000)
		            right.seek(at), found.seek(at)
		            length = order.choice((1, 4096, 300000))
		            assert found.read(length) == right.read(length), (name, at, length)
	END
	make_cold
	diff -r "$T/w" "$RUN/task"
	make_cold
	(cd "$RUN/task" && find . -type f -print0 | xargs -0 -P 4 -I{} cmp "$T/w/{}" {})

	local payload name at
	payload=$(find "$STORE" -name payload)
	chmod u+w "$payload"
	for name in deflated stored.9; do
		at=$(python3 -c 'import sys, zipfile; e = zipfile.ZipFile(sys.argv[1]).getinfo(sys.argv[2])
print(e.header_offset + e.compress_size * 3 // 4)' "$T/a.zip" "$name")
		printf '\125\252\125\252' | dd of="$payload" bs=1 seek="$at" conv=notrunc status=none
	done
	make_cold
	run -1 head -c 1 "$RUN/task/deflated"
	[[ $output == *"Input/output error"* ]]
	# of a stored one whose CRC is known to be right, what is whole is read: up to where the damage is, and behind it
	for at in 0 4096 $((4800000 - 4096)); do
		cmp -i "$at" -n 4096 "$T/w/stored.9" "$RUN/task/stored.9"
	done
	run -1 cat "$RUN/task/stored.9"
	[ "$(records_of stored.9)" -ge 1 ]
	for name in deflated-too stored-too.9; do cmp "$T/w/$name" "$RUN/task/$name"; done

	# nothing is known in a store that was written before there were sums: it is read through before the first byte
	stop_mount
	find "$STORE/objects" -name sums | grep -q .
	find "$STORE/objects" -name sums -delete
	start_mount
	run -1 head -c 1 "$RUN/task/stored.9"
	[[ $output == *"Input/output error"* ]]
	for name in deflated-too stored-too.9; do cmp "$T/w/$name" "$RUN/task/$name"; done
}

@test "large files that are in memory until they are marked: the same bytes before and after, one at a time or many" {
	VOUCHFS_SECTION="inflate_cache = 2097152" start_ready_mount </dev/null
	mkdir "$T/w"
	python3 - "$T/w" <<-'END'
		import random, sys
		noise = random.Random(1)
		for name in "one", "two", "bad":
		    with open(f"{sys.argv[1]}/{name}", "wb") as file:
		        for part in range(60):
		            file.write(noise.randbytes(40000).hex().encode())
	END
	(cd "$T/w" && zip -q -X -r "$T/a.zip" .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	make_cold
	(cd "$RUN/task" && find . -type f -print0 | xargs -0 -P 3 -I{} cmp "$T/w/{}" {})
	[ "$(threads_named read-ahead)" -ge 1 ]
	local name payload
	for _ in 1 2 3; do
		for name in one two; do
			dd if="$RUN/task/$name" of="$T/found" bs=128k iflag=nocache status=none
			cmp "$T/w/$name" "$T/found"
		done
		make_cold
	done
	payload=$(find "$STORE" -name payload)
	chmod u+w "$payload"
	printf '\125\252\125\252' | dd of="$payload" bs=1 conv=notrunc status=none seek="$(python3 -c 'import sys, zipfile
e = zipfile.ZipFile(sys.argv[1]).getinfo("bad")
print(e.header_offset + e.compress_size * 3 // 4)' "$T/a.zip")"
	make_cold
	run -1 head -c 1 "$RUN/task/bad"
	[[ $output == *"Input/output error"* ]]
	[ "$(records_of bad)" -ge 1 ]
	for name in one two; do cmp "$T/w/$name" "$RUN/task/$name"; done
}

@test "a release that is blocked while it is read ahead: from then on not a byte, known or not" {
	start_ready_mount <<-END
		[code-signing-config guarded]
		allowed_publisher = arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release
		untrusted_artifact_on_deployment = Enforce
		untrusted_artifact_on_load = Enforce
		[function guarded]
		code_signing_config = guarded
	END
	mk_library "$T/w"
	(cd "$T/w" && zip -q -X -r "$T/a.zip" .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MNT/functions/guarded/"
	make_cold
	local task reader version
	version=$(signer "$ACCOUNT" get-signing-profile --profile-name release | json_value profileVersion)
	task=$(realpath "$MNT/run/guarded/task")
	# names and descriptors of half of the files, read up to one of them; then all that is there, again and again
	python3 - "$task" "$T/started" <<-'END' &
		import os, sys
		root, started = sys.argv[1:]
		paths = sorted(os.path.join(at, name) for at, _, names in os.walk(root) for name in names)
		held = [os.open(path, os.O_RDONLY) for path in paths if os.path.getsize(path)]
		for fd in held[:20]:
		    os.pread(fd, 1, 0)
		open(started, "w").close()

		def is_refused(read):
		    try:
		        read()
		    except PermissionError:
		        return True
		    return False

		while not is_refused(lambda: [os.pread(fd, 1 << 20, 0) for fd in held]):
		    pass
		while not all([is_refused(lambda: os.pread(fd, 1, 0)) for fd in held]):
		    pass  # pages of those behind are still being taken away
		for _ in range(20):
		    assert all([is_refused(lambda: os.pread(fd, 1, 0)) for fd in held])
		    assert all([is_refused(lambda: os.open(path, os.O_RDONLY)) for path in paths])
	END
	reader=$!
	eventually test -e "$T/started"
	signer "$ACCOUNT" revoke-signing-profile --profile-name release --profile-version "$version" \
		--effective-time 2026-01-01T00:00:00Z --reason leaked >/dev/null
	signer "$ACCOUNT" refresh-revocations >/dev/null
	rm -rf "$T/next"
	signer "$ACCOUNT" export-trust --directory "$T/next" >/dev/null
	cp "$T/next/$ACCOUNT.revocations" "$T/etc/trust/"
	wait "$reader"
}
