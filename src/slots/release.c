/* Releases in memory: references, and the artifact's bytes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/zip_sums.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define DAMAGE_RECORDS_AT_ONCE 16
#define DAMAGE_RECORD_PAUSE_MS 60000

void release_set_damaged(struct release *release, bool is_damaged)
{
	bool was_damaged = atomic_exchange(&release->is_damaged, is_damaged);
	if (is_damaged && !was_damaged)
		atomic_fetch_add(&release->slots->damaged_count, 1);
	else if (!is_damaged && was_damaged)
		atomic_fetch_sub(&release->slots->damaged_count, 1);
}

static void release_free(struct release *release)
{
	release_set_damaged(release, false);
	opt_free(release->opt);
	for (size_t i = 0; i < release->layer_count; i++)
		release_put(release->layers[i]);
	view_free(release->view);
	large_free(release->large);
	free(release->facts);
	enforced_free(release->enforced);
	store_object_unref(release->object);
	store_release_free(release->record);
	lock_done(&release->lock);
	free(release);
}

static int make(struct slot *slot, uint64_t slot_id, const struct store_release *layers_of, struct release **ret)
{
	struct release *release = calloc(1, sizeof(*release));
	if (!release)
		return -ENOMEM;
	*release = (struct release){.slots = slot->slots, .slot = slot, .slot_id = slot_id, .refs = 1};
	lock_init(&release->lock);
	int r = layers_of ? release_find_layers(release, layers_of) : 0;
	if (r < 0)
		release_free(release);
	else
		*ret = release;
	return r;
}

/* made is used up. -EBADMSG: another one has that id. */
static int put_in_table(struct release *made, struct store_release *record, struct release **ret)
{
	struct slot *slot = made->slot;
	struct slots *slots = made->slots;
	struct release *present;
	ASSERT(made->layer_count == record->layer_count);
	made->record = record;
	lock_take(&slots->lock);
	HASH_FIND(hh, slots->releases, &record->id, sizeof(record->id), present);
	if (present)
		release_ref_locked(present);
	else
		TABLE_ADD_KEYPTR(hh, slots->releases, &record->id, sizeof(record->id), made);
	bool is_new = !present && TABLE_HAS(hh, made);
	lock_drop(&slots->lock);
	if (is_new) {
		*ret = made;
		return 0;
	}
	made->record = NULL;
	release_free(made);
	if (!present)
		return -ENOMEM;
	if (present->slot != slot || present->record->number != record->number) {
		log_error("%s: release %llu has the id of release %llu of %s", slot->path,
			  (unsigned long long)record->number, (unsigned long long)present->record->number,
			  present->slot->path);
		release_put(present);
		return -EBADMSG;
	}
	store_release_free(record);
	*ret = present;
	return 0;
}

int release_new(struct slot *slot, uint64_t slot_id, struct store_release *record, struct release **ret)
{
	struct release *made = NULL;
	int r = make(slot, slot_id, record, &made);
	return r < 0 ? r : put_in_table(made, record, ret);
}

int release_prepare(struct slot *slot, const struct store_release *layers_of, struct release **ret)
{
	struct release *made = NULL;
	lock_take(&slot->slots->lock);
	int r = slot_reserve_locked(slot);
	lock_drop(&slot->slots->lock);
	if (r == 0)
		r = make(slot, slot->facts.id, layers_of, &made);
	if (r == 0)
		*ret = made;
	return r;
}

void release_unprepare(struct release *prepared)
{
	if (prepared)
		release_free(prepared);
}

int release_take_up(struct release *prepared, struct store_release *record, struct release **ret)
{
	struct slot *slot = prepared->slot;
	int r = put_in_table(prepared, record, ret);
	if (r == -ENOMEM) { /* not one release is in memory: nothing of this slot, either */
		ASSERT(slot->listed_count == 0 && !slot->current);
		atomic_store(&slot->loaded, false);
	}
	if (r < 0)
		store_release_free(record);
	return r;
}

struct release *release_ref_locked(struct release *release)
{
	ASSERT(release->refs > 0);
	release->refs++;
	return release;
}

struct timespec release_mtime_locked(const struct release *release)
{
	return (struct timespec){.tv_sec = release->record->mtime_s, .tv_nsec = release->record->mtime_ns};
}

struct release *release_ref(struct release *release)
{
	lock_take(&release->slots->lock);
	release_ref_locked(release);
	lock_drop(&release->slots->lock);
	return release;
}

struct release *release_get(struct slots *slots, uint64_t id)
{
	struct release *release;
	lock_take(&slots->lock);
	HASH_FIND(hh, slots->releases, &id, sizeof(id), release);
	if (release)
		release_ref_locked(release);
	lock_drop(&slots->lock);
	return release;
}

/* Its turn has come: nobody uses it any more, and it is none of the releases that are kept. */
static void remove_record(struct release *release)
{
	struct slot *slot = release->slot;
	lock_take(&slot->lock);
	/* Another slot of that name has releases of the same numbers. */
	bool is_ours = slot->facts.id == release->slot_id;
	int r = is_ours ? store_remove_release(release->slots->store, slot->name, release->record->number) : 0;
	lock_drop(&slot->lock);
	if (r < 0)
		log_warning("%s: release %llu could not be removed: %s", slot->path,
			    (unsigned long long)release->record->number, strerror(-r));
}

void release_put(struct release *release)
{
	if (!release)
		return;
	struct slots *slots = release->slots;
	lock_take(&slots->lock);
	ASSERT(release->refs > 0);
	bool last = --release->refs == 0;
	bool removed = release->removed;
	if (last)
		HASH_DEL(slots->releases, release);
	lock_drop(&slots->lock);
	if (!last)
		return;

	if (removed)
		remove_record(release);
	release_free(release);
}

/* Whoever reads on and on does not fill the log: one record a minute after the first few. */
static bool is_to_be_recorded(struct release *release)
{
	uint64_t now_ms = clock_monotonic_ms();
	uint64_t last_ms = atomic_exchange(&release->damage_recorded_ms, now_ms);
	bool is_due = atomic_fetch_add(&release->damage_count, 1) < DAMAGE_RECORDS_AT_ONCE ||
		      now_ms - last_ms >= DAMAGE_RECORD_PAUSE_MS;
	if (!is_due)
		atomic_store(&release->damage_recorded_ms, last_ms);
	return is_due;
}

int release_report_damage(struct release *release, const char *what, int error)
{
	char tree[CRYPTO_SHA256_HEX_SIZE], detail[512];
	const struct store_release *record = release->record;

	if (error == -EMFILE || error == -ENFILE) { /* says nothing about the release */
		log_error("%s cannot be read: %s; " LIMIT_DESCRIPTORS_REMEDY, release->slot->path, strerror(-error));
		return -EIO;
	}
	if (error == -EBADMSG)
		release_set_damaged(release, true);
	if (!is_to_be_recorded(release))
		return -EIO;
	bool is_damaged = atomic_load(&release->is_damaged);
	bool is_layer = release->slot->is_layer;
	text_hex(record->digest, sizeof(record->digest), tree);
	if (is_damaged)
		(void)snprintf(detail, sizeof(detail), "%s: the stored bytes are not what was verified; the %s", what,
			       is_layer ? "layer version is damaged in the store, publish it again"
					: "release is damaged in the store, deploy the artifact again");
	else
		(void)snprintf(detail, sizeof(detail),
			       "%s: %s; look at the disk of the store, it is read again the next time", what,
			       strerror(-error));
	struct audit_record entry = {
		.event = AUDIT_PAGE_CHECK,
		.slot = release->slot->path,
		.artifact = record->artifact_name,
		.release = record->number,
		.tree_sha256 = tree,
		.errno_given = EIO,
		.detail = detail,
	};
	(void)slots_record(release->slots, &entry);
	return -EIO;
}

/* ---- the artifact's bytes ---- */

uint64_t release_file_size(const struct release *release)
{
	return release->record->length_bytes + 2 + release->record->comment_len;
}

/* Copies the part of [at, at + bytes_len) that falls into the wanted range. */
static void copy_overlap(const void *bytes, size_t bytes_len, uint64_t at, void *buf, size_t len, uint64_t offset)
{
	uint64_t from = at > offset ? at : offset;
	uint64_t to = at + bytes_len < offset + len ? at + bytes_len : offset + len;
	if (from < to)
		memcpy((char *)buf + (from - offset), (const char *)bytes + (from - at), to - from);
}

int release_file_pread(struct release *release, void *buf, size_t len, uint64_t offset)
{
	const struct store_release *record = release->record;
	uint64_t payload = record->length_bytes;

	if (offset < payload) {
		size_t part = len < payload - offset ? len : payload - offset;
		int r = store_object_pread(release->object, buf, part, offset);
		if (r < 0)
			return r;
	}
	const uint8_t comment_len[2] = {record->comment_len & 0xff, (record->comment_len >> 8) & 0xff};
	copy_overlap(comment_len, sizeof(comment_len), payload, buf, len, offset);
	copy_overlap(record->comment, record->comment_len, payload + sizeof(comment_len), buf, len, offset);
	return 0;
}

static int pread_callback(void *ctx, void *buf, size_t len, uint64_t offset)
{
	struct release *release = ctx;
	int r = release_file_pread(release, buf, len, offset);
	if (r == -EBADMSG) /* comes out of the archive module as -EIO: its own -EBADMSG is about rules */
		release_set_damaged(release, true);
	return r;
}

struct io_reader release_file_reader(struct release *release)
{
	return (struct io_reader){.ctx = release, .pread = pread_callback, .size_bytes = release_file_size(release)};
}

bool release_entry_was_checked(struct release *release, const struct zip_entry *entry)
{
	const struct zip_sums sums = {
		.of_blocks = store_object_sums(release->object),
		.block_bytes = MERKLE_BLOCK_BYTES,
	};
	struct io_reader file = release_file_reader(release);
	return sums.of_blocks && zip_sums_vouch(&file, entry, &sums) > 0;
}

/* ---- the view ---- */

static int open_archive(struct release *release, struct view **ret)
{
	struct io_reader file = release_file_reader(release);
	struct zip_archive *archive = NULL;
	int r = zip_reopen_archive(&file, &archive);
	if (r < 0)
		return r;
	r = view_new(archive, ret);
	if (r < 0)
		zip_close_archive(archive);
	return r;
}

static int load_view_locked(struct release *release)
{
	const struct store_release *record = release->record;
	struct view *view = NULL;
	int r = 0;

	if (!release->object)
		r = store_open_object(release->slots->store, record->digest, record->length_bytes, &release->object);
	if (r == 0)
		r = open_archive(release, &view);
	if (r < 0) {
		view_free(view);
		return r;
	}
	release->view = view;
	release->view_state = RELEASE_VIEW_READY;
	return 0;
}

static bool is_undeployed(struct release *release)
{
	struct slot *slot = release->slot;
	lock_take(&release->slots->lock);
	bool undeployed = slot->is_removing || slot->facts.id != release->slot_id;
	lock_drop(&release->slots->lock);
	return undeployed;
}

/* What a failure to load means. Damage stays until the artifact is deployed again; a disk that fails may recover. */
static int view_failed_locked(struct release *release, int error)
{
	if (error == -ENOMEM || (error == -ENOENT && is_undeployed(release)))
		return error;
	if (error == -EBADMSG || error == -ENOENT || atomic_load(&release->is_damaged))
		release->view_state = RELEASE_VIEW_BAD;
	if (error == -ENOENT) /* its object is not there at all */
		error = -EBADMSG;
	return release_report_damage(release, "artifact", error);
}

int release_load_view(struct release *release)
{
	lock_take(&release->lock);
	int r = 0;
	if (release->view_state == RELEASE_VIEW_BAD && !atomic_load(&release->is_damaged))
		release->view_state = RELEASE_VIEW_NONE; /* its bytes were put again */
	if (release->view_state == RELEASE_VIEW_NONE)
		r = load_view_locked(release);
	else if (release->view_state == RELEASE_VIEW_BAD)
		r = -EIO;
	if (r < 0 && release->view_state == RELEASE_VIEW_NONE)
		r = view_failed_locked(release, r);
	lock_drop(&release->lock);
	return r;
}

bool release_is_damaged(struct release *release)
{
	lock_take(&release->lock);
	bool is_bad = release->view_state == RELEASE_VIEW_BAD;
	lock_drop(&release->lock);
	return is_bad || atomic_load(&release->is_damaged);
}

void releases_heal(struct slots *slots, const uint8_t digest[CRYPTO_SHA256_BYTES])
{
	struct release *release, *next;
	if (atomic_load(&slots->damaged_count) == 0) /* each deployment asks */
		return;
	lock_take(&slots->lock);
	HASH_ITER(hh, slots->releases, release, next)
	if (memcmp(release->record->digest, digest, CRYPTO_SHA256_BYTES) == 0)
		release_set_damaged(release, false);
	lock_drop(&slots->lock);
}

ssize_t release_read(struct release *release, void *buf, size_t len, uint64_t offset)
{
	uint64_t size = release_file_size(release);
	if (offset >= size)
		return 0;
	if (len > size - offset)
		len = size - offset;
	int r = release_load_view(release); /* opens the object */
	if (r < 0)
		return r;
	r = release_file_pread(release, buf, len, offset);
	return r == 0 ? (ssize_t)len : release_report_damage(release, "artifact", r);
}
