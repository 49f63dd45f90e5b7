/*
 * R7 and R14 on every entry's content: zlib unpacks it all, on as many threads as there are cores.
 *
 * Entries are taken in the directory's order, and nothing is given up before the first bad one is known: what is
 * refused, and why, is the same whatever the number of threads.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/lock.h"
#include "zip_refuse.h"
#include "zip_unpack.h"

#define THREADS_MAX	 4
#define BYTES_PER_THREAD (1024ULL * 1024ULL) /* unpacked; less is done before a thread has started */

struct check {
	const struct io_reader *file;
	const struct zip_archive *archive;
	size_t end; /* entries before this one are looked at */

	pthread_mutex_t lock; /* of what follows */
	size_t next;
	size_t bad; /* the first entry that failed, or end */
	int result; /* of that one */
	const char *problem;
};

/* The first entry that is over the limit, by the sizes that entries state and must have, or the number of entries. */
static size_t find_over_limit(const struct zip_archive *archive, const struct zip_limits *limits)
{
	uint64_t total = 0;
	for (size_t i = 0; i < archive->entry_count; i++) {
		total += archive->entries[i].size_bytes;
		if (total > limits->max_unpacked_bytes)
			return i;
	}
	return archive->entry_count;
}

/* Nothing behind the first bad one matters. */
static bool take_entry(struct check *check, size_t *ret_index)
{
	lock_take(&check->lock);
	bool taken = check->next < check->bad;
	if (taken)
		*ret_index = check->next++;
	lock_drop(&check->lock);
	return taken;
}

static void note_failure(struct check *check, size_t index, int result, const char *problem)
{
	lock_take(&check->lock);
	if (index < check->bad) {
		check->bad = index;
		check->result = result;
		check->problem = problem;
	}
	lock_drop(&check->lock);
}

static int check_entries(struct check *check)
{
	struct zip_unpacker *unpacker = NULL;
	int r = zip_unpacker_new(check->file, &unpacker);
	if (r < 0)
		return r;
	for (size_t i = 0; take_entry(check, &i);) {
		const char *problem = NULL;
		r = zip_unpack(unpacker, &check->archive->entries[i], NULL, &problem);
		if (r < 0)
			note_failure(check, i, r, problem);
	}
	zip_unpacker_free(unpacker);
	return 0;
}

/* One that cannot begin takes nothing, and the others do its work. */
static void *thread_main(void *ctx)
{
	sigset_t all;
	(void)sigfillset(&all);
	ASSERT(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
	(void)check_entries(ctx);
	return NULL;
}

/* Beside the caller's. */
static size_t threads_wanted(const struct zip_archive *archive)
{
	uint64_t work = archive->unpacked_bytes / BYTES_PER_THREAD;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;
	return work < most ? (size_t)work : most - 1;
}

static int check_on_threads(struct check *check)
{
	pthread_t threads[THREADS_MAX];
	size_t wanted = threads_wanted(check->archive), count = 0;
	while (count < wanted && pthread_create(&threads[count], NULL, thread_main, check) == 0)
		count++;
	int r = check_entries(check);
	for (size_t i = 0; i < count; i++)
		ASSERT(pthread_join(threads[i], NULL) == 0);
	return r;
}

static int explain(const struct check *check, const struct zip_limits *limits, struct zip_refusal *ret_refusal)
{
	if (check->bad < check->end) {
		const struct zip_entry *entry = &check->archive->entries[check->bad];
		return check->result != -EBADMSG ? check->result
						 : zip_refuse_entry(ret_refusal, ZIP_R07_CONTENT, REMEDY_RECREATE,
								    entry->name, entry->name_len, "%s", check->problem);
	}
	if (find_over_limit(check->archive, limits) < check->archive->entry_count)
		return zip_refuse(ret_refusal, ZIP_R14_LIMITS, REMEDY_SMALLER,
				  "unpacks to more than %llu bytes (max_unpacked_size)",
				  (unsigned long long)limits->max_unpacked_bytes);
	return 0;
}

int zip_check_contents(const struct io_reader *file, const struct zip_archive *archive, const struct zip_limits *limits,
		       struct zip_refusal *ret_refusal)
{
	struct check check = {.file = file, .archive = archive};
	size_t over = find_over_limit(archive, limits);
	check.end = over < archive->entry_count ? over + 1 : over;
	check.bad = check.end;
	lock_init(&check.lock);
	int r = check_on_threads(&check);
	lock_done(&check.lock);
	ASSERT(r < 0 || check.next >= check.bad); /* none was left out */
	return r < 0 ? r : explain(&check, limits, ret_refusal);
}
