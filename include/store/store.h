/*
 * store.h - what lies on disk: private staging files, content-addressed objects, release records. Knows bytes and
 * digests, not trust.
 *
 *     format                  "vouchfs-store: 1", and which version of the program made it so
 *     lock                    held while a process has the store; its pid
 *     next-id, generation     counters
 *     staging/                private files of writes in progress, and intents (below)
 *     objects/ab/<digest>/    payload: the bytes [0, L) of an artifact, 0400; tree: 32 bytes for each 4,096;
 *                             sums: 4 bytes for each 4,096, where options say so;
 *                             ref.<slot>: empty, that slot may have a release of it, or with it as a layer
 *     functions/<f>/          slot, note, releases/<n>, current
 *     layers/<l>/             slot, note, releases/<n>, last
 *     policy/                 slot, note, sequence, releases/<n>, current: policy bundles, of hosts that have such
 *     revocations/<account>   what was last seen of a list
 *     bindings                which function had which code-signing config
 *     known/<slot>            empty: that slot is here, so that one whose directory is gone is missed
 *     audit/                  segments of the audit log (module audit)
 *
 * Commit: intent -> object (fsync, link, fsync directory) -> release record (write, fsync, rename, fsync directory) ->
 * current (the same) -> intent removed. A crash at any system call leaves the old release or the new one, whole. What
 * is in flight is named by an empty file staging/intent.<n>.<digest>.<slot>, made first, so recovery looks at those
 * alone and its cost is that of what was in flight, not of the store. It may be interrupted and repeated. A slot is
 * removed by moving its directory into staging/, which says the same. A layer has no current: its version is there when
 * its record is.
 *
 * Who needs an object is answered without reading the other slots: ref.<slot> is made before the first record, and when
 * a change of (slot, digest) ends, that slot's records are read and a reference without a record is
 * removed; the object goes with its last reference. What a crash or a full disk can leave is a reference or an object
 * too many, never one too few.
 *
 * The number in format grows when what lies here changes so that an older program would misread it; such a program
 * refuses the store and changes nothing. A newer one opens an older format under the lock, before anything else reads
 * it: what is missing is made beside what is there, so that the older program still could use it, and only then, as the
 * last step, format is replaced, atomically. A crash in between leaves the older format, and the next open begins
 * again. (So far there is one format; what the first stores did not have, layers/, sums and policy/, is made without a
 * number, policy/ with what first comes into it.)
 *
 * Function and account names are 1 to 64 of [A-Za-z0-9._-], not starting with a dot (-EINVAL). With read_only
 * everything that would write returns -EROFS. A function is changed by one caller at a time (the slot's commit lock).
 * ENOSPC, EDQUOT and EIO come out as they are: the old release stays, and what cannot be cleaned up at once is cleaned
 * up by the next open.
 *
 * The generation counts commits and removals of functions, only while an anchor is given. It finds a store that was set
 * back as a whole; without an anchor that goes unseen, and so does one slot set back by somebody who also keeps the
 * generation file.
 *
 * What is written seldom and decides much lies there twice, as <file> and <file>.again (next-id, sequence, last,
 * bindings, revocations/, permissions, a list that waits): what is wrong with one of the two, or that it was set back,
 * is told and put right from the other (src/store/store_kept.c). current names the newest release, so one that is set
 * back is found, too. What is without any meaning: the bytes of lock, and of format behind its first line.
 *
 * The store is not trusted: every record carries a checksum and its own name, every object is checked against its
 * digest when it is opened and every block when it is read. -EBADMSG always means "these are not the bytes that were
 * put here". All functions are thread-safe unless they say otherwise; locks are internal and last in the order but
 * audit. Every object is given back before store_close.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <sys/statvfs.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"
#include "base/io.h"
#include "base/limits.h"
#include "crypto/merkle.h"

struct store;
struct store_stage;
struct store_object;

struct store_options {
	const char *path;   /* absolute */
	const char *anchor; /* absolute path of the file with the generation floor, made when missing; or NULL */
	bool durable;	    /* false: no fsync anywhere */
	bool create;	    /* make it when it is not there (0700); the directory above must be there */
	/* What a block's sum is, of sum(0, bytes, len); or NULL: none are made. */
	uint32_t (*sum)(uint32_t, const void *, size_t);
	bool read_only; /* for commands that look beside a running daemon: no lock, no recovery, no writes */
};

/*
 * Opens, takes the lock and recovers. -EBUSY: another process has it; -EPERM: owner or mode are not private; -EBADMSG:
 * not a store, or its generation is below the anchor; -EPROTONOSUPPORT: its format is newer than this program. ret_why
 * says what to do.
 */
int store_open(const struct store_options *options, struct store **ret, struct explain *ret_why);
/*
 * Only a place for stages, for whoever keeps what becomes of them elsewhere: a directory (absolute path, made when
 * missing, 0700) with lock and staging/, whose left-overs are removed. Errors as above. Of all functions only those on
 * stages, store_statvfs and store_close may be called; nothing is hashed beside the writer.
 */
int store_open_staging(const char *path, struct store **ret, struct explain *ret_why);
void store_close(struct store *store);
int store_audit_dirfd(const struct store *store);
/*
 * Told once of each file of the store that is not what was put there and is done without: its path in the store, and
 * what follows, as a sentence. Of payloads, trees and release records nothing is told: there -EBADMSG comes out, and
 * the caller says so. Called on any thread, with locks of the store held: must call nothing of the store. To be set
 * before others use the store; what opening it has found is told at once.
 */
typedef void store_tell(void *ctx, const char *place, const char *what);
void store_listen(struct store *store, store_tell *tell, void *ctx);
int store_statvfs(const struct store *store, struct statvfs *ret);

/* What a store takes on the disk, in the blocks of its files. */
struct store_usage {
	uint64_t object_bytes; /* payloads, trees, sums */
	uint64_t record_bytes; /* slots with their releases */
	uint64_t audit_bytes;
};
/* Looks at every file, so it takes a while; what comes or goes meanwhile is counted or not. */
int store_measure(const struct store *store, struct store_usage *ret);

/* ---- staging: one private file a write in progress; one caller at a time for each stage ---- */

int store_stage_new(struct store *store, struct store_stage **ret);
/* A stage that starts as a copy of an artifact: the object's bytes, then a comment length and the comment. */
int store_stage_copy(struct store *store, struct store_object *object, const void *comment, size_t comment_len,
		     struct store_stage **ret);
int store_stage_write(struct store_stage *stage, const void *bytes, size_t len, uint64_t offset);
int store_stage_truncate(struct store_stage *stage, uint64_t size_bytes);
ssize_t store_stage_read(struct store_stage *stage, void *buf, size_t len, uint64_t offset); /* short at the end */
uint64_t store_stage_size(const struct store_stage *stage);
struct io_reader store_stage_reader(const struct store_stage *stage); /* valid until the next write */
int store_stage_fd(const struct store_stage *stage);		      /* the stage's own; only to read from */
/* The tree of [0, length); owned by the stage, valid until its next write or truncation. */
int store_stage_tree(struct store_stage *stage, uint64_t length, const struct merkle_tree **ret);
void store_stage_free(struct store_stage *stage);

/* ---- objects ---- */

/*
 * Makes the stage's [0, length) an object, durable (it has been on its way to the disk since it grew), replacing stored
 * bytes of the same digest, also for who has them open (a deployment heals). function names the slot it is for (the
 * intent). Consumes the stage's file: the stage can only be freed afterwards, on success and on failure.
 */
int store_put_object(struct store *store, struct store_stage *stage, uint64_t length, const char *function,
		     struct store_object **ret);
/* What was put will not be committed: ends the intent, removes the object where nothing else refers to it. */
void store_discard_object(struct store *store, const char *function, const struct store_object *object);
/* -ENOENT; -EBADMSG when the stored tree does not have this digest or the payload has another size. Shared when open
 * already. */
int store_open_object(struct store *store, const uint8_t digest[CRYPTO_SHA256_BYTES], uint64_t length,
		      struct store_object **ret);
struct store_object *store_object_ref(struct store_object *object);
void store_object_unref(struct store_object *object);
/* Verified bytes or -EBADMSG; -EIO when the disk fails. Every block is hashed each time it is read from the disk (I1).
 */
int store_object_pread(struct store_object *object, void *buf, size_t len, uint64_t offset);
struct io_reader store_object_reader(struct store_object *object); /* size_bytes is the length L */
const uint8_t *store_object_digest(const struct store_object *object);
/*
 * The sum of each MERKLE_BLOCK_BYTES, of the last ones as far as they go; NULL: not known. On disk in the machine's
 * byte order. A hint: nothing binds it to the digest, so whoever may write to the store may put anything here.
 */
const uint32_t *store_object_sums(const struct store_object *object);

/* ---- slots and releases ---- */

/*
 * A slot is a function's or, when its name begins with STORE_LAYER_PREFIX, a layer's: layers/<l>/ beside
 * functions/<f>/, whose releases are the layer's published versions, all of them kept, none of them current. What the
 * functions here call function is any slot. The number of a removed version is not given again while the layer is
 * there.
 */
#define STORE_LAYER_PREFIX   "layer:"
#define STORE_POLICY_SLOT    "policy:" /* policy/, the one slot for policy bundles; its releases as a function's */
#define STORE_SLOT_PATH_SIZE (LIMIT_FUNCTION_NAME_BYTES + 16)

bool store_is_layer(const char *slot);
bool store_is_policy(const char *slot);
/* "functions/<f>", "layers/<l>" or "policy": where it is in the store, and what it is called on the mount. Returns ret.
 */
const char *store_slot_path(const char *slot, char ret[STORE_SLOT_PATH_SIZE]);

/* A layer version in a release: what it was when it was attached. Its object stays as long as a release has it. */
struct store_layer {
	char *layer;	  /* without the prefix */
	uint64_t version; /* number of the layer's release */
	uint64_t id;	  /* its id */
	uint8_t digest[CRYPTO_SHA256_BYTES];
	uint64_t length_bytes;
	uint8_t *comment;
	size_t comment_len;
};

struct store_release {
	uint64_t number; /* 1, 2, ... within the slot */
	uint64_t id;	 /* unique in the store, never used again */
	char *artifact_name;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	uint64_t length_bytes;
	uint8_t *comment;
	size_t comment_len;
	int64_t mtime_s; /* as the deploy side shows it */
	uint32_t mtime_ns;
	uint32_t uid;
	int64_t created_at_s;
	char *decision;				 /* text lines of the gate's; opaque here */
	struct store_layer layers[LIMIT_LAYERS]; /* of a function's release, lowest first */
	size_t layer_count;
	char *layers_text; /* of a release that has layers: their list as it was written, with its times and writer */
	int64_t layers_mtime_s;
	uint32_t layers_mtime_ns;
	uint32_t layers_uid;
	bool stands_in; /* as loaded by store_load_current: for what current named, which is damaged */
};
void store_release_free(struct store_release *release); /* also the struct itself */
/* Does it have these bytes, as its artifact or as a layer? */
bool store_release_has(const struct store_release *release, const uint8_t digest[CRYPTO_SHA256_BYTES]);
/* Copies layers and their list from one release to another that has none. -ENOMEM: it still has none. */
int store_release_copy_layers(struct store_release *to, const struct store_release *from);

/* Unique over restarts and crashes, never 0. Ids are reserved on disk in blocks, which can fail. */
int store_next_id(struct store *store, uint64_t *ret);

/*
 * Writes the record and, of a function, makes it current; number and id are set before; -EEXIST: the number was used.
 * Its object must be there, put for this function or by an earlier release (a rollback), and those of its layers: else
 * -ENOENT. Ends the intent of its object, also when it fails: what was put for it is removed then.
 */
int store_commit_release(struct store *store, const char *function, const struct store_release *release);
/* Rewrites a record in place (times of the artifact or of the list); atomic. What it has must be the same (-EINVAL). */
int store_update_release(struct store *store, const char *function, const struct store_release *release);
/* The highest number that is used, or 0; for numbering. */
int store_newest_release(struct store *store, const char *function, uint64_t *ret);
int store_load_release(struct store *store, const char *function, uint64_t number, struct store_release **ret);
/* What current names; when it or its record is torn, or it names another one than the newest, the newest record that is
 * whole, and says so. -ENOENT: none, as of
 * every layer; -EBADMSG: there are, and none is whole. */
int store_load_current(struct store *store, const char *function, struct store_release **ret);
/* Ascending; *ret is freed by the caller. */
int store_list_releases(struct store *store, const char *function, uint64_t **ret, size_t *ret_count);
/* Removes a record and its object where no other record refers to it. An object that is open stays readable. -EBUSY:
 * it is the current one; -ENOENT. After -EIO it may be gone all the same. */
int store_remove_release(struct store *store, const char *function, uint64_t number);

/* Names of functions, and of layers without prefix, that the store knows, unsorted; *ret and each name are freed by the
 * caller. */
int store_list_functions(struct store *store, char ***ret, size_t *ret_count);
int store_list_layers(struct store *store, char ***ret, size_t *ret_count);
/*
 * Small text files of a slot, opaque here: "slot" (durable facts) and "note" (last decision; shown only, so it is not
 * synced). -ENOENT when absent; -EBADMSG when torn.
 */
int store_put_slot_file(struct store *store, const char *function, const char *file, const char *text, size_t len);
int store_get_slot_file(struct store *store, const char *function, const char *file, struct buf *ret);
/* The slot with all its releases. -ENOENT */
int store_remove_function(struct store *store, const char *function);

/*
 * The highest sequence of a policy bundle that was ever in force, in policy/sequence and in the anchor: the higher of
 * the two counts, 0: none. It only grows. -EBADMSG: the file is damaged, and no anchor knows it.
 */
int store_policy_sequence(struct store *store, uint64_t *ret);
int store_raise_policy_sequence(struct store *store, uint64_t sequence);

/* What is remembered of an account's revocation list; opaque text. */
int store_put_revocations(struct store *store, const char *account, const char *text, size_t len);
int store_get_revocations(struct store *store, const char *account, struct buf *ret);

/* Which function has which code-signing config, as it was last in force; opaque text, synced. -ENOENT: never put. */
int store_put_bindings(struct store *store, const char *text, size_t len);
int store_get_bindings(struct store *store, struct buf *ret);

#endif
