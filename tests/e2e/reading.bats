#!/usr/bin/env bats
# The run side, read in every way: by every system call, by the usual tools, while it is switched. reading.py does what
# a shell cannot.

load lib

READING=$BATS_TEST_DIRNAME/reading.py

# noise SIZE: always the same, so that no signature of a ZIP's record comes up in it by chance
noise() { openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c "$1"; }

# A folder with what is awkward: sizes around a block, empty, executable, deep, names of other scripts.
mk_tree() {
	mkdir -p "$1/bin" "$1/deep/er/and/deeper" "$1/nothing in here"
	: >"$1/empty"
	local size
	for size in 1 4095 4096 4097 65536 200001; do noise "$size" >"$1/noise-$size"; done
	seq 60000 >"$1/deep/er/numbers"
	printf 'x' >"$1/deep/er/and/deeper/x"
	printf '#!/bin/sh\necho "script $1"\n' >"$1/bin/script"
	chmod +x "$1/bin/script"
}

# mk_archive KIND FOLDER OUT
mk_archive() {
	case $1 in
	zip) (cd "$2" && zip -q -r "$3" .) ;;
	zip-stored) (cd "$2" && zip -q -0 -r "$3" .) ;;
	zip-X) (cd "$2" && zip -q -X -r "$3" .) ;;
	zip-without-folders) (cd "$2" && zip -q -9 -X -D -r "$3" .) ;;
	jar) (cd "$2" && jar --create --no-manifest --file "$3" .) ;;
	jar-manifest) (cd "$2" && jar --create --file "$3" .) ;;
	git) (cd "$2" && git init -q . && git add -A && git -c user.name=t -c user.email=t@example.org commit -qm t &&
		git archive --format=zip -o "$3" HEAD && rm -rf .git) ;;
	python-command) (cd "$2" && python3 -m zipfile -c "$3" ./*) ;;
	python-shutil) python3 -c 'import shutil, sys; shutil.make_archive(sys.argv[2][:-4], "zip", sys.argv[1])' "$2" "$3" ;;
	python | python-stored | python-stream)
		python3 - "$@" <<-'END'
			import os, sys, zipfile
			kind, folder, out = sys.argv[1:]
			method = zipfile.ZIP_STORED if kind == "python-stored" else zipfile.ZIP_DEFLATED
			os.chdir(folder)
			if kind == "python-stream":  # it finds out that it cannot seek
			    reading, writing = os.pipe()
			    if os.fork() == 0:
			        os.close(writing)
			        open(out, "wb").write(open(reading, "rb").read())
			        os._exit(0)
			    os.close(reading)
			    out = open(writing, "wb")
			with zipfile.ZipFile(out, "w", method) as archive:
			    for at, folders, names in os.walk("."):
			        for name in sorted(folders + names):
			            archive.write(os.path.join(at, name)[2:])
			if kind == "python-stream":
			    out.close()
			    os.wait()
		END
		;;
	*) python3 "$BATS_TEST_DIRNAME/zips.py" "$1" "$2" "$3" ;;
	esac
}

@test "every file of every kind of ZIP is what Python and Info-ZIP unpack, byte for byte, with its mode" {
	start_ready_mount </dev/null
	mk_tree "$T/w"
	local kind
	for kind in zip zip-stored zip-X zip-without-folders jar jar-manifest git python-command python-shutil python-stream \
		$(python3 "$BATS_TEST_DIRNAME/zips.py" forms) python python-stored; do
		mk_archive "$kind" "$T/w" "$T/$kind.zip"
		sign_zip release "$T/$kind.zip"
		cp "$T/$kind.zip" "$MAIN/a.zip"
		LC_ALL=C.UTF-8 unzip -q "$T/$kind.zip" -d "$T/u-$kind"
		python3 "$READING" unpacked "$T/$kind.zip" "$RUN/task" "$T/u-$kind"
	done
	[ "$(find "$T"/u-zip/bin "$RUN/task/bin" -type f -perm /111 | wc -l)" = 2 ] # the last one kept the bit, too
}

@test "tar, cp -a, rsync, grep -r, find and du get out what was put in" {
	start_ready_mount </dev/null
	mk_tree "$T/w"
	mk_archive zip "$T/w" "$T/a.zip"
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	mkdir "$T/tar"
	tar -C "$RUN/task" -cf - . | tar -C "$T/tar" -xf -
	diff -r "$T/w" "$T/tar"
	cp -a "$RUN/task" "$T/cp"
	diff -r "$T/w" "$T/cp"
	[ "$(stat -c %a "$T/cp/bin/script")" = 555 ]
	(cd "$T/w" && find . -type f -exec sha256sum {} +) >"$T/sums"
	(cd "$RUN/task" && sha256sum --quiet --strict -c "$T/sums")
	cp --sparse=always "$RUN/task/deep/er/numbers" "$T/sparse"
	cmp "$T/w/deep/er/numbers" "$T/sparse"
	dd if="$RUN/task/deep/er/numbers" of="$T/direct" bs=64k iflag=direct status=none
	cmp "$T/w/deep/er/numbers" "$T/direct"
	rsync -a "$RUN/task/" "$T/rsync/"
	diff -r "$T/w" "$T/rsync"
	run -0 rsync -ai --checksum "$RUN/task/" "$T/rsync/" # nothing is left to do
	[ -z "$output" ]
	[ "$(grep -rl 'script \$1' "$RUN/task/")" = "$RUN/task/bin/script" ]
	[ "$(grep -rc '' "$RUN/task/deep/er/numbers")" = 60000 ]
	[ "$(find "$RUN/task/" -name 'noise-*' -size +64k | wc -l)" = 1 ]
	[ "$(du -s --apparent-size -B1 "$RUN/task/deep/er/numbers" | cut -f1)" = "$(stat -c %s "$T/w/deep/er/numbers")" ]
	[ "$(du -sB1 "$RUN/task/" | cut -f1)" -ge 600000 ]
	chmod -R u+w "$T/cp" "$T/rsync" "$T/tar"
}

@test "every system call that reads gives the same bytes, cold and warm, stored and deflated" {
	start_ready_mount </dev/null
	mkdir "$T/w"
	head -c 1500001 /dev/urandom >"$T/w/noise"
	seq 200000 >"$T/w/numbers"
	(cd "$T/w" && zip -q -0 ../a.zip noise && zip -q ../a.zip numbers)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	local file
	for file in noise numbers; do
		python3 "$READING" ways "$RUN/task/$file" "$T/w/$file" "$T/scratch" >"$T/out"
		grep '^not tried' "$T/out" | sort -u | sed 's/^/# /' >&3 || true
		[ "$(wc -l <"$T/out")" = 36 ]
	done
	python3 "$READING" ways "$RUN/code.zip" "$T/a.zip" "$T/scratch" >"$T/out"
	[ "$(wc -l <"$T/out")" = 36 ]
}

@test "what is asked beside the bytes: attributes, locks, handles; and what is refused" {
	start_ready_mount </dev/null
	mk_signed "$T/a.zip" file=content
	cp "$T/a.zip" "$MAIN/"
	run -0 python3 "$READING" questions "$RUN/task/file" "$RUN/task"
	echo "# $output" >&3
}

# need_own_mounts: a mount namespace of the test's own
need_own_mounts() { unshare --mount true 2>/dev/null || skip "no mount namespaces here"; }

@test "a release below an overlay, and bound to another place of a sandbox" {
	need_root
	need_own_mounts
	start_ready_mount </dev/null
	mk_tree "$T/w"
	mk_archive zip "$T/w" "$T/a.zip"
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	mkdir "$T/bound" "$T/over" "$T/layers"
	cat >"$T/sandbox" <<-'END'
		set -eu
		mount --bind "$RUN/task" "$T/bound"
		diff -r "$T/w" "$T/bound"
		"$T/bound/bin/script" x
		if touch "$T/bound/new"; then exit 1; fi
		mount -t tmpfs tmpfs "$T/layers"
		mkdir "$T/layers/upper" "$T/layers/work"
		mount -t overlay overlay -o "lowerdir=$RUN/task,upperdir=$T/layers/upper,workdir=$T/layers/work" "$T/over"
		diff -r "$T/w" "$T/over"
		"$T/over/bin/script" y
		echo more >>"$T/over/deep/er/numbers" # copied up
		[ "$(wc -l <"$T/over/deep/er/numbers")" = 60001 ]
		rm "$T/over/empty"
		mv "$T/over/noise-1" "$T/over/moved"
		[ ! -e "$T/over/empty" ]
		umount "$T/over"
		mount -t overlay overlay -o "lowerdir=$RUN/task:$T/etc" "$T/over"
		cmp "$T/w/noise-65536" "$T/over/noise-65536"
	END
	run -0 env RUN="$RUN" T="$T" unshare --mount --propagation private sh "$T/sandbox"
	diff -r "$T/w" "$RUN/task"
}

@test "what is served runs: a static executable, a script, a shared object that is loaded" {
	start_ready_mount </dev/null
	mkdir "$T/w"
	printf '#include <unistd.h>\nint main(void) { return write(1, "static\\n", 7) != 7; }\n' >"$T/main.c"
	printf 'int answer(int a); int answer(int a) { return 6 * a; }\n' >"$T/answer.c"
	cc -static -o "$T/w/static" "$T/main.c"
	cc -shared -fPIC -o "$T/w/answer.so" "$T/answer.c"
	printf '#!/bin/sh\necho "script $0 $1"\n' >"$T/w/script"
	printf '#!/bin/sh\necho never\n' >"$T/w/data"
	chmod +x "$T/w/script"
	printf 'int answer(int); int main(void) { return answer(7); }\n' >"$T/dynamic.c"
	cc -o "$T/w/dynamic" "$T/dynamic.c" "$T/w/answer.so" -Wl,-rpath,'$ORIGIN'
	printf 'int getppid(void); int getppid(void) { return 4242; }\n' >"$T/preload.c"
	cc -shared -fPIC -o "$T/w/preload.so" "$T/preload.c"
	(cd "$T/w" && zip -q -r ../a.zip .)
	sign_zip release "$T/a.zip"
	cp "$T/a.zip" "$MAIN/"
	run -42 "$RUN/task/dynamic"
	[ "$(LD_PRELOAD=$RUN/task/preload.so python3 -c 'import os; print(os.getppid())')" = 4242 ]
	[ "$("$RUN/task/static")" = static ]
	[ "$("$RUN/task/script" one)" = "script $RUN/task/script one" ]
	run -126 "$RUN/task/data"
	[[ $output == *"Permission denied"* ]]
	[ "$(python3 -c 'import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).answer(7))' "$RUN/task/answer.so")" = 42 ]
	python3 -c 'import os, sys; os.execve(os.open(sys.argv[1], os.O_RDONLY), ["static"], {})' "$RUN/task/static"
	[ "$(cd "$RUN/task" && ./script two)" = "script ./script two" ]
}

# mk_artifacts COUNT: $T/<i>.zip, signed, with one name in common, one of its own, and others
mk_artifacts() {
	local i
	for ((i = 1; i <= $1; i++)); do
		mkdir "$T/w$i"
		echo "common $i" >"$T/w$i/common"
		head -c $((i * 9000)) /dev/urandom >"$T/w$i/noise"
		seq "$i" 3000 >"$T/w$i/numbers"
		echo "$i" >"$T/w$i/only-in-$i"
		(cd "$T/w$i" && zip -q -r "../$i.zip" .)
		sign_zip release "$T/$i.zip"
	done
}

@test "deployments under readers: no release is mixed, missing or stale" {
	VOUCHFS_SECTION="durability = none" start_ready_mount </dev/null
	mk_artifacts 5
	run -0 python3 "$READING" switch "$MNT" "$T/stop" "${READING_DEPLOYMENTS:-200}" "$T"/[1-5].zip
	echo "# $output" >&3
	[ "$(readlink "$RUN")" = ".releases/main/${READING_DEPLOYMENTS:-200}" ]
}

@test "deployments under readers, with one release that is kept" {
	VOUCHFS_SECTION=$'durability = none\nkeep_releases = 1' start_ready_mount </dev/null
	mk_artifacts 3
	run -0 python3 "$READING" switch "$MNT" "$T/stop" "${READING_DEPLOYMENTS:-100}" "$T"/[1-3].zip
	echo "# $output" >&3
	[ "$(ls "$MNT/run/.releases/main")" = "${READING_DEPLOYMENTS:-100}" ]
}

@test "deployments under readers, artifacts and lists of layers in turn: task and opt are of one release" {
	VOUCHFS_SECTION="durability = none" start_ready_mount <<-END
		[layer base]
		[layer tools]
	END
	mk_artifacts 3
	local i
	for i in 1 2; do
		mk_signed "$T/base.zip" shared="base $i" base="$i" "python/only-in-base-$i=$i"
		cp "$T/base.zip" "$MNT/layers/base/"
		mk_signed "$T/tools.zip" shared="tools $i" tools="$(seq "$i" 2000)" "bin/only-in-tools-$i=$i"
		cp "$T/tools.zip" "$MNT/layers/tools/"
	done
	run -0 python3 "$READING" layers "$MNT" "$T/stop" "${READING_DEPLOYMENTS:-100}" "$T"/[1-3].zip -- \
		- base:1 base:1,tools:1 tools:1,base:2 tools:2
	echo "# $output" >&3
	[ "$(readlink "$RUN")" = ".releases/main/${READING_DEPLOYMENTS:-100}" ]
}
