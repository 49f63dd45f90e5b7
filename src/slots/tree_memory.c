#include "slots/tree_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"

#define MAGIC		  "vouchfs1"
#define INCARNATION_SHIFT 40 /* of node ids: below it there is room for a million a second for twelve days */
#define INDEX_BLOCKS	  4094U
#define NAME_BYTES	  (TREE_NAME_SIZE - 1)

/* Both are as they lie in memory: only programs of this machine read them. */
struct head {
	char magic[8];
	uint32_t incarnation;
	uint32_t is_handed_over; /* the one that wrote it ended by itself */
	uint64_t first_index;
	uint64_t takeovers;
	uint64_t deaths;
	int64_t last_death_at_s;
	uint64_t reserved[2];
};

#define TOUCHED	 1U
#define RENAMING 2U /* of one that is touched */

struct entry {
	uint8_t marks;
	uint8_t name_len;
	char name[NAME_BYTES];
};

struct tree_names {
	struct tree_memory memory;
	bool is_kept; /* there is somewhere to write to */
	bool is_lost;
	struct head head;
	struct entry *left; /* NULL: dropped */
	size_t left_count;
	size_t count; /* of those that were added; the first left_count of them are in the memory already */
};

static uint64_t entry_at(size_t n)
{
	return sizeof(struct head) + n * sizeof(struct entry);
}

/* ---- reading back ---- */

static bool is_good_entry(const struct entry *entry, bool (*is_name)(const char *name))
{
	char name[NAME_BYTES + 1] = {0};
	bool is_known = entry->marks == 0 || entry->marks == TOUCHED || entry->marks == (TOUCHED | RENAMING);
	if (!is_known || entry->name_len == 0 || entry->name_len > NAME_BYTES)
		return false;
	memcpy(name, entry->name, entry->name_len);
	return strlen(name) == entry->name_len && is_name(name);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r = memcmp(x->name, y->name, x->name_len < y->name_len ? x->name_len : y->name_len);
	return r != 0 ? r : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

static int check_unique(const struct entry *all, size_t count)
{
	struct entry *sorted = calloc(count + 1, sizeof(*sorted));
	int r = sorted ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < count; i++)
		sorted[i] = all[i];
	if (r == 0)
		qsort(sorted, count, sizeof(*sorted), compare_entries);
	for (size_t i = 1; r == 0 && i < count; i++)
		if (compare_entries(&sorted[i - 1], &sorted[i]) == 0)
			r = -EBADMSG;
	free(sorted);
	return r;
}

static int check_head(const struct tree_names *names)
{
	const struct head *head = &names->head;
	bool is_good = memcmp(head->magic, MAGIC, sizeof(head->magic)) == 0 && head->incarnation > 0 &&
		       head->incarnation < names->memory.incarnation && head->is_handed_over <= 1 &&
		       head->first_index <= (uint64_t)INDEX_BLOCKS * LIMIT_TREE_NAMES &&
		       head->takeovers < names->memory.incarnation && head->deaths <= head->takeovers;
	return is_good ? 0 : -EBADMSG;
}

/* A last entry that is cut off was never used: who adds one comes back before its index is given to anybody. */
static int read_entries(struct tree_names *names, uint64_t size_bytes, bool (*is_name)(const char *name))
{
	size_t count = (size_bytes - sizeof(struct head)) / sizeof(struct entry);
	if (count > LIMIT_TREE_NAMES)
		return -EBADMSG;
	names->left = calloc(count + 1, sizeof(struct entry));
	if (!names->left)
		return -ENOMEM;
	int r = count > 0 ? io_pread_full(names->memory.fd, names->left, count * sizeof(struct entry), entry_at(0)) : 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		if (!is_good_entry(&names->left[i], is_name))
			r = -EBADMSG;
	if (r == 0)
		r = check_unique(names->left, count);
	if (r == 0)
		names->left_count = count;
	return r;
}

static int read_back(struct tree_names *names, bool (*is_name)(const char *name))
{
	struct stat st;
	if (names->memory.fd < 0 || fstat(names->memory.fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EBADF;
	if ((uint64_t)st.st_size < sizeof(struct head))
		return -EBADMSG;
	int r = io_pread_full(names->memory.fd, &names->head, sizeof(names->head), 0);
	if (r == 0)
		r = check_head(names);
	return r == 0 ? read_entries(names, (uint64_t)st.st_size, is_name) : r;
}

/* Indexes from a block that no daemon has used, so that what the kernel has of slots is nobody's. */
static void start_anew(struct tree_names *names, int error)
{
	uint32_t incarnation = names->memory.incarnation;
	log_error("what daemon %u of this mount is to know of those before it cannot be used: %s; files that are open "
		  "below slots have to be opened again",
		  (unsigned)incarnation, error == -EBADMSG ? "it is not as it was written" : strerror(-error));
	names->is_lost = true;
	free(names->left);
	names->left = NULL;
	names->head = (struct head){
		.first_index = (uint64_t)(incarnation % INDEX_BLOCKS + 1) * LIMIT_TREE_NAMES,
		.takeovers = incarnation - 2, /* as many as there can have been */
		.deaths = incarnation - 2,
	};
}

/* ---- writing ---- */

static int write_at(struct tree_names *names, const void *bytes, size_t len, uint64_t offset)
{
	return names->is_kept ? io_pwrite_full(names->memory.fd, bytes, len, offset) : 0;
}

static int write_head(struct tree_names *names)
{
	return write_at(names, &names->head, sizeof(names->head), 0);
}

/* What is known now, in the place of whatever is there. */
static int write_all_anew(struct tree_names *names)
{
	int r = names->is_kept ? io_ftruncate(names->memory.fd, 0) : 0;
	return r == 0 ? write_head(names) : r;
}

/* ---- open ---- */

int tree_names_open(const struct tree_memory *memory, bool (*is_name)(const char *name), struct tree_names **ret)
{
	if (memory->incarnation > TREE_INCARNATION_MAX)
		return -EOVERFLOW;
	struct tree_names *names = calloc(1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	names->memory = *memory;
	names->is_kept = memory->incarnation > 0 && memory->fd >= 0;
	int r = 0;
	if (tree_names_is_heir(names))
		r = read_back(names, is_name);
	if (r == -ENOMEM) {
		tree_names_free(names);
		return r;
	}
	if (r < 0)
		start_anew(names, r);
	if (names->is_lost || !tree_names_is_heir(names)) {
		memcpy(names->head.magic, MAGIC, sizeof(names->head.magic));
		r = write_all_anew(names);
	}
	if (r < 0) {
		log_warning("nothing can be left to a daemon that takes over this mount: %s", strerror(-r));
		names->is_kept = false;
	}
	*ret = names;
	return 0;
}

void tree_names_free(struct tree_names *names)
{
	if (!names)
		return;
	free(names->left);
	free(names);
}

bool tree_names_is_heir(const struct tree_names *names)
{
	return names->memory.incarnation > 1;
}

uint32_t tree_names_incarnation(const struct tree_names *names)
{
	return names->memory.incarnation;
}

bool tree_names_was_handed_over(const struct tree_names *names)
{
	return names->head.is_handed_over != 0;
}

uint64_t tree_names_first_node(const struct tree_names *names)
{
	uint64_t incarnation = names->memory.incarnation > 0 ? names->memory.incarnation : 1;
	return incarnation << INCARNATION_SHIFT;
}

uint64_t tree_names_first_index(const struct tree_names *names)
{
	return names->head.first_index;
}

size_t tree_names_left_count(const struct tree_names *names)
{
	return names->left_count;
}

const char *tree_names_left(const struct tree_names *names, size_t n, char ret[TREE_NAME_SIZE], bool *ret_touched)
{
	ASSERT(names->left && n < names->left_count);
	const struct entry *entry = &names->left[n];
	memcpy(ret, entry->name, entry->name_len);
	ret[entry->name_len] = '\0';
	*ret_touched = entry->marks != 0;
	return ret;
}

bool tree_names_left_renaming(const struct tree_names *names, size_t n)
{
	ASSERT(names->left && n < names->left_count);
	return names->left[n].marks & RENAMING;
}

bool tree_names_is_lost(const struct tree_names *names)
{
	return names->is_lost;
}

void tree_names_drop_left(struct tree_names *names)
{
	free(names->left);
	names->left = NULL;
}

/* ---- while it serves ---- */

int tree_names_add(struct tree_names *names, const char *name)
{
	size_t len = strlen(name);
	ASSERT(len > 0 && len <= NAME_BYTES);
	int r = 0;
	if (names->count >= LIMIT_TREE_NAMES)
		return -ENOSPC;
	if (names->count >= names->left_count) {
		struct entry entry = {.name_len = (uint8_t)len};
		memcpy(entry.name, name, len);
		r = write_at(names, &entry, sizeof(entry), entry_at(names->count));
	}
	names->count += r == 0;
	return r;
}

static void mark(struct tree_names *names, size_t n, unsigned what)
{
	const uint8_t marks = (uint8_t)what;
	int r = write_at(names, &marks, sizeof(marks), entry_at(n) + offsetof(struct entry, marks));
	if (r < 0) /* it is a write to memory that is there already */
		log_error("a daemon that takes over this mount will not know what the kernel has: %s", strerror(-r));
}

void tree_names_touch(struct tree_names *names, size_t n)
{
	mark(names, n, TOUCHED);
}

void tree_names_note_rename(struct tree_names *names, size_t n, bool is_under_way)
{
	mark(names, n, TOUCHED | (is_under_way ? RENAMING : 0));
}

/* A daemon that did not come so far has served nobody, and nobody has died. */
void tree_names_begin(struct tree_names *names)
{
	struct head *head = &names->head;
	if (tree_names_is_heir(names)) {
		head->takeovers++;
		if (!head->is_handed_over) {
			head->deaths++;
			head->last_death_at_s = clock_now_s();
		}
	}
	head->incarnation = names->memory.incarnation;
	head->is_handed_over = 0;
	if (write_head(names) < 0)
		names->is_kept = false;
}

void tree_names_hand_over(struct tree_names *names)
{
	names->head.is_handed_over = 1;
	(void)write_head(names);
}

struct tree_past tree_names_past(const struct tree_names *names)
{
	return (struct tree_past){.takeovers = names->head.takeovers,
				  .deaths = names->head.deaths,
				  .last_death_at_s = names->head.last_death_at_s};
}
