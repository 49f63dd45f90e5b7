#!/usr/bin/env bats
# Bytes of the store that change at random, while it is served and while it is not. DAMAGE_SEED: others;
# DAMAGE_SECONDS: as many as there is time for (`make long`).

load lib

# Stored and deflated, sizes around a block, the same names in each.
mk_archives() {
	python3 - "$T" <<-'END'
		import random, sys, zipfile
		choice = random.Random(7)
		def write(name, entries):
		    with zipfile.ZipFile(f"{sys.argv[1]}/{name}.zip", "w") as archive:
		        for path, content in entries.items():
		            method = zipfile.ZIP_STORED if "stored" in path else zipfile.ZIP_DEFLATED
		            archive.writestr(path, content, method)
		for name in "12":
		    numbers = "\n".join(map(str, range(int(name), 20000)))
		    write(name, {"stored": choice.randbytes(40000 + int(name)), "deep/deflated": numbers, "small": name})
		write("layer", {"lib/stored": choice.randbytes(28672), "lib/deflated": choice.randbytes(9000).hex()})
	END
	for name in 1 2 layer; do sign_zip release "$T/$name.zip"; done
}

@test "random changes of the store: right bytes or EIO, recorded and shown, whole when deployed again" {
	start_ready_mount <<-END
		[function app]
		code_signing_config = Enforce
		[function other]
		code_signing_config = Enforce
		[layer base]
	END
	mk_archives
	local warm=50 cold=12
	[ -z "${DAMAGE_SECONDS:-}" ] || warm=1000000 cold=1000000
	VOUCHFS=$VOUCHFS python3 "$BATS_TEST_DIRNAME/damage.py" "$MNT" "$STORE" "${DAMAGE_SEED:-20261121}" \
		"$warm" "$cold" "${DAMAGE_SECONDS:-60}" "$T/1.zip" "$T/2.zip" "$T/layer.zip" >"$T/out"
	sed 's/^/# /' "$T/out" >&3
	# there is nothing that came out whole whatever was done
	grep -q '^warm payload: .* changes, [1-9]' "$T/out"
	grep -q '^cold payload: \([0-9]*\) changes, \1 refused' "$T/out"
	grep -q '^cold tree: \([0-9]*\) changes, \1 refused' "$T/out"
}

@test "a damaged artifact takes no other layers, and says why; deployed again, it does" {
	start_ready_mount <<-END
		[layer base]
	END
	mk_signed "$T/code.zip" marker=1
	mk_signed "$T/layer.zip" lib/x=1
	cp "$T/layer.zip" "$MNT/layers/base/new.zip"
	cp "$T/code.zip" "$MAIN/"
	stop_mount
	local tree
	tree=$(dirname "$(find "$STORE/objects" -name ref.main)")/tree
	chmod 0600 "$tree"
	printf 'XXXX' | dd of="$tree" bs=1 seek=10 conv=notrunc status=none
	start_mount
	run bash -c "echo base:1 >$MAIN/layers"
	[ "$status" = 1 ]
	[[ $output == *"Bad message"* ]]
	run -0 "$VOUCHFS" why main
	[[ $output == *"what the store has of the function's artifact is damaged"*"deploy the artifact again, then write layers again"* ]]
	cp "$T/code.zip" "$MAIN/"
	echo base:1 >"$MAIN/layers"
	[ "$(cat "$RUN/opt/lib/x" "$RUN/task/marker")" = "$(printf '1\n1')" ]
}
