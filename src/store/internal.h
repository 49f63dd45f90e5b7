/*
 * internal.h - what the sources of the store share.
 *
 * Everything that gets a name below the store is written under a private name in staging/ (or under none) and moved to
 * its place when it is whole, so a crash leaves nothing torn outside staging/ and staging/ is swept at open.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/limits.h"
#include "base/lock.h"
#include "store/store.h"
#include "store_helpers.h"
#include "store_payloads.h"
#include "store_writeback.h"

#define STORE_OBJECT_BUCKETS   1024
#define STORE_ID_BLOCK	       1024
#define STORE_NAME_SIZE	       (LIMIT_NAME_BYTES + 1)
#define STORE_OBJECT_PATH_SIZE (3 + CRYPTO_SHA256_HEX_SIZE)
#define STORE_PLACE_SIZE       (LIMIT_FUNCTION_NAME_BYTES + 64)
#define STORE_DAMAGE_MAX       1024 /* places that are remembered as told */
#define STORE_COPY_BYTES       ((size_t)128 * 1024)
#define STORE_SUMS_FROM_BYTES  ((uint64_t)1024 * 1024) /* objects that are smaller have none */

struct store_intent;
struct store_damage_note;

struct store_damage {
	pthread_mutex_t lock; /* nothing is taken under it */
	store_tell *tell;
	void *ctx;
	struct store_damage_note *first;
	size_t count;
};

struct store {
	bool durable;
	bool read_only;
	bool is_staging_only;
	uint32_t (*sum)(uint32_t, const void *, size_t);
	int root_fd, lock_fd, staging_fd, objects_fd, functions_fd, layers_fd, revocations_fd, audit_fd, known_fd;

	pthread_mutex_t lock; /* the table of open objects, the list of intents, removal of objects */
	struct store_object *objects[STORE_OBJECT_BUCKETS];
	struct store_intent *intents;
	uint64_t last_intent;
	bool has_unfinished; /* recovery has left entries of staging/ */

	struct store_damage damage;
	struct store_helpers helpers;	/* have a lock of their own, under which no other is taken */
	struct store_payloads payloads; /* the same */

	/* Held across the writes of a counter: two numbers must reach the disk in their order. Never taken with lock.
	 */
	pthread_mutex_t counters_lock;
	uint64_t next_id;
	uint64_t reserved_ids; /* next_id may go up to here without a write */
	uint64_t generation;
	uint64_t anchored_sequence; /* what the anchor says of policy bundles; 0: nothing */
	int anchor_dirfd;	    /* -1: no anchor */
	char *anchor_name;
};

/* ---- store_file.c: private files, names, directories ---- */

/* A file of staging/ that nobody else knows. name is "" while it has none (O_TMPFILE). */
struct store_file {
	int fd;
	char name[STORE_NAME_SIZE];
};

int store_file_new(struct store *store, struct store_file *ret);
/*
 * Gives it its final name, in place of what has it. The descriptor stays. A file that was there is exchanged and then
 * removed, since ext4 writes the whole new file to the disk when a rename replaces one, also where nobody asked for it
 * (auto_da_alloc).
 */
int store_file_place(struct store *store, struct store_file *file, int dirfd, const char *name);
void store_file_drop(struct store *store, struct store_file *file);

int store_sync(const struct store *store, int fd);
/* Old or new, whole. store_write_file also syncs the directory. */
int store_place_bytes(struct store *store, int dirfd, const char *name, const void *bytes, size_t len);
int store_write_file(struct store *store, int dirfd, const char *name, const void *bytes, size_t len);
/* For what is shown and decides nothing: not synced, so a crash of the machine may leave the old one, or a torn one. */
int store_show_bytes(struct store *store, int dirfd, const char *name, const void *bytes, size_t len);
/* Opens a directory, made where it is missing; a made one is synced into its parent. */
int store_ensure_dir(struct store *store, int dirfd, const char *name);
/* 1 to LIMIT_FUNCTION_NAME_BYTES of [A-Za-z0-9._-], not starting with a dot. */
bool store_is_name(const char *name);

/* ---- store_format.c ---- */

int store_format_write(struct store *store);
/*
 * shown: the store's path, escaped. -ENOENT: there is no such file, and nothing is explained; -EPROTONOSUPPORT: a newer
 * program made it; -EBADMSG: it says nothing.
 */
int store_format_check(int root_fd, const char *shown, struct explain *ret_why);

/* ---- store_slot.c: a slot's directory ---- */

/* A name, or a layer's: STORE_LAYER_PREFIX and a name; or STORE_POLICY_SLOT. */
bool store_is_slot(const char *slot);
#define STORE_SLOT_SIZE (sizeof(STORE_LAYER_PREFIX) + LIMIT_FUNCTION_NAME_BYTES)
/* Of its directory: the name without prefix, or "policy". */
const char *store_slot_name(const char *slot);
/* functions/, layers/ or the store itself. */
int store_slot_parent(const struct store *store, const char *slot);
int store_open_slot(const struct store *store, const char *slot);
int store_ensure_slot(struct store *store, const char *slot);

/*
 * layers/<l>/last: the highest number that was given, once a version that had it is removed, so that it is not given
 * again. 0: there is none, or it is damaged.
 */
uint64_t store_read_last(struct store *store, int slot_fd, const char *slot);
/* Before such a record is removed. */
int store_keep_last(struct store *store, int slot_fd, const char *slot, uint64_t number);

/* ---- store_text.c: texts with a checksum that know their place ---- */

/* Appends the last line, "sha256: <hex of all before>". */
int store_seal(struct buf *text);
/* -EBADMSG, or the length of what is before the last line. */
int store_unseal(const char *text, size_t len, size_t *ret_len);
/* place ("functions/f/current", "layers/l/note") is written into the file and must be there when it is read. */
int store_write_text(struct store *store, int dirfd, const char *file, const char *place, const char *text, size_t len);
/* The same by store_show_bytes; a torn one is -EBADMSG. */
int store_show_text(struct store *store, int dirfd, const char *file, const char *place, const char *text, size_t len);
int store_read_text(int dirfd, const char *file, const char *place, size_t max, struct buf *ret);
/* What a failure to open or read means: something else than a regular file of sane size is not what was put there. */
int store_as_damage(int r);
int store_write_number(struct store *store, int dirfd, const char *file, const char *place, uint64_t number);
int store_read_number(int dirfd, const char *file, const char *place, uint64_t *ret);

/* ---- store_kept.c: texts that lie there twice ---- */

/* As store_write_text, and a second time. */
int store_keep_text(struct store *store, int dirfd, const char *file, const char *place, const char *text, size_t len);
/* What is wrong with one of the two is told (store_report_damage) and repaired from the other. */
int store_read_kept(struct store *store, int dirfd, const char *file, const char *place, size_t max, struct buf *ret);
int store_keep_number(struct store *store, int dirfd, const char *file, const char *place, uint64_t number);
int store_read_kept_number(struct store *store, int dirfd, const char *file, const char *place, uint64_t *ret);

/* ---- store_record.c: the text of a release ---- */

int store_record_encode(const char *function, const struct store_release *release, struct buf *ret);
/* -EBADMSG unless it is whole and that of this function and number. */
int store_record_decode(const char *function, uint64_t number, const char *text, size_t len,
			struct store_release **ret);

/* ---- store_release.c ---- */

/* Reads a record below an open functions/<f>/. */
int store_read_release(int function_fd, const char *function, uint64_t number, struct store_release **ret);
/* Ascending; *ret is freed by the caller. No directory: none. */
int store_read_numbers(int function_fd, uint64_t **ret, size_t *ret_count);
void store_current_place(const char *function, char ret[STORE_PLACE_SIZE]);
/* -ENOENT, -EBADMSG */
int store_read_current(int function_fd, const char *function, uint64_t *ret);

/* ---- store_known.c ---- */

void store_know_slot(const struct store *store, const char *slot);
void store_forget_slot(const struct store *store, const char *slot);
/* A layer's version is known as a slot is. */
void store_know_version(const struct store *store, const char *slot, uint64_t number);
void store_forget_version(const struct store *store, const char *slot, uint64_t number);
/* Slots that are gone are told (store_report_damage). After recovery; not where nothing may be written. */
int store_check_known(struct store *store);

/* ---- store_damage.c ---- */

void store_damage_init(struct store_damage *damage);
void store_damage_done(struct store_damage *damage);
/* what: a sentence without a full stop. */
void store_report_damage(struct store *store, const char *place, const char *what);

/* ---- store_counter.c ---- */

int store_load_counters(struct store *store, const char *anchor, struct explain *ret_why);
/* Counts a change of what is served, in the store and then in the anchor. Nothing without an anchor. */
int store_bump_generation(struct store *store);

/* ---- store_object.c ---- */

void store_object_path(const uint8_t digest[CRYPTO_SHA256_BYTES], char ret[STORE_OBJECT_PATH_SIZE]); /* "ab/<digest>" */
/* Takes over fd and tree. */
int store_object_new(struct store *store, int fd, struct merkle_tree *tree, struct store_object **ret);
/* What a stage becomes an object of; nothing is left in it, on failure either: something of the file did not get to the
 * disk. */
int store_stage_take(struct store_stage *stage, struct store_file *ret_file, struct merkle_tree **ret_tree);
/* From now on this is what store_open_object gives out. Where the object is open already, that one reads the new file
 * from now on and is returned in place of this one. */
struct store_object *store_object_publish(struct store_object *object);
/*
 * Before its files are removed, under store->lock: whoever has the object goes on reading. A negative errno: it could
 * not be opened, so they have to stay for now.
 */
int store_object_keep_locked(struct store *store, const uint8_t digest[CRYPTO_SHA256_BYTES]);

/* ---- store_intent.c: references, and what is in flight ---- */

/*
 * An object directory holds a file "ref.<function>" for each function that may have a release of it. A reference is
 * made before the first record that needs it and looked at again (do the function's records still name the digest?)
 * when a change about this pair of function and digest ends or is recovered. So a reference too many is harmless, and
 * one too few cannot be.
 *
 * An intent says that such a change is under way: in memory, where it keeps other changes from removing the object, and
 * as an empty file staging/intent.<n>.<digest>.<function>, which recovery looks at.
 */
int store_intent_begin(struct store *store, const char *function, const uint8_t digest[CRYPTO_SHA256_BYTES],
		       struct store_intent **ret);
/* Goes on with one that was parked, else begins. */
int store_intent_resume(struct store *store, const char *function, const uint8_t digest[CRYPTO_SHA256_BYTES],
			struct store_intent **ret);
/* The change goes on later (store_intent_resume), or at the next open. */
void store_intent_park(struct store *store, struct store_intent *intent);
/* The change was carried through or undone. Removes the reference and the object when nothing needs them. */
void store_intent_end(struct store *store, struct store_intent *intent);
/* The change was carried through, and there is a record now that needs the object: ends it without looking. */
void store_intent_fulfil(struct store *store, struct store_intent *intent);
/* Is a change of it under way, parked, or left over since recovery could not finish? */
bool store_has_intent(struct store *store, const char *function);
void store_intent_free_all(struct store *store);

/*
 * Not synced; *ret_made says whether there is something to sync. intent: one that has begun and is about the two, or
 * NULL; its file gets the reference's name beside its own, which is a twentieth of the work of making a file.
 */
int store_ensure_reference(struct store *store, int object_fd, const char *function, const struct store_intent *intent,
			   bool *ret_made);
/* Looks at the pair again; *ret_removed is set when the object is gone now. */
int store_sweep_object(struct store *store, const char *function, const uint8_t digest[CRYPTO_SHA256_BYTES],
		       bool *ret_removed);

/* The parts of an intent's file name. */
struct store_intent_name {
	uint64_t number;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	const char *function; /* inside the name */
};
bool store_intent_parse(const char *name, struct store_intent_name *ret);

/* ---- store_function.c ---- */

/* The function of a staging/removed.<random>.<function>, inside the name; NULL: not such a name. */
const char *store_removed_function(const char *staged);
/* Removes what such a directory needed, and itself. */
int store_finish_removal(struct store *store, const char *staged);

/* ---- store_recover.c ---- */

int store_recover(struct store *store);

#endif
