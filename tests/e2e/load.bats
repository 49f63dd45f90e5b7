#!/usr/bin/env bats
# The short form of `make load`; and what it finds where something is wrong.

load lib

LOAD=$BATS_TEST_DIRNAME/../load

@test "uploaders, readers, reloads, revocations, rollbacks and layers at once: no hang, no leak, no wrong byte" {
	need_root
	TMPDIR=$T run -0 "$LOAD/run" "$VOUCHFS" "${LOAD_SECONDS:-6}"
	[[ ${lines[-1]} == *"wrong bytes 0, unexpected errors 0, leaks and hangs 0"* ]]
	[ -z "$(ls -d "$T"/vouchfs-load.* 2>/dev/null)" ]
}

@test "the load finds a wrong byte, an errno that should not come, an operation that takes too long" {
	run -0 python3 - "$LOAD" <<-'END'
		import errno, sys, tempfile, time
		sys.dont_write_bytecode = True
		sys.path.insert(0, sys.argv[1])
		import reads
		from scene import digest
		from tally import Board, Sum, Tally
		board = Board(2)
		tally = Tally(board, 1, "tests")
		reads.compare(tally, "right", b"abc", [3, digest(b"abc")])
		assert tally.wrong_count == 0
		reads.compare(tally, "wrong", b"abd", [3, digest(b"abc")])
		with tally.op("expected", errno.ENOENT) as op:
		    open("/nonexistent/file")
		assert op.errno == errno.ENOENT and tally.surprise_count == 0
		with tally.op("unexpected"):
		    open("/nonexistent/file")
		board.sit(0, "stuck")
		time.sleep(0.01)
		assert [kind for _, kind, _ in board.late(0.005)] == ["stuck"]
		assert not board.late(60)
		with tempfile.NamedTemporaryFile() as file:
		    tally.save(file.name)
		    found = Sum([file.name, file.name + ".gone"])
		assert (found.wrong_count, found.surprise_count) == (1, 2), found.__dict__
		assert found.kinds["unexpected"][3] == {"ENOENT": 1}
	END
}
