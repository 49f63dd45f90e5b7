/*
 * Readers are followed in tracks: a range of the nodes of one release. A thread takes the next node of a track, one at
 * a time and without the lock, so that two threads may be ahead on the same track. Tracks hold no references: a release
 * that is gone, or blocked, ends its track.
 */
#include "read_ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"
#include "run_node.h"

#define TRACKS	       8
#define THREADS_MAX    4
#define READS_TO_START 2
#define NODES_NEAR     64   /* so far beyond what was fetched a read still belongs to a track */
#define FETCH_FIRST    8    /* files, and... */
#define FETCH_EACH     4    /* ...for each that was read, but... */
#define NODES_AHEAD    256  /* ...not so far that they are out of the processor's cache when they are asked for */
#define READS_CROWDED  16   /* while there is no room: then what was passed over gives way */
#define READS_IDLE     1024 /* of others: what a track has fetched gives way */

struct track {
	uint64_t id; /* 0: unused */
	uint64_t release_id;
	uint64_t used;	     /* the number of the last read */
	uint32_t first;	     /* nodes: where it began, */
	uint32_t last;	     /* what was read last, */
	uint32_t next;	     /* what is fetched next */
	uint64_t read_count; /* files */
	uint64_t fetched_count;
	unsigned crowded_count; /* reads since there is no room; 0: there is */
	bool ended;		/* nothing is left to be fetched */
};

enum mark_state { MARK_NONE, MARK_CLAIMED, MARK_WANTED, MARK_IN_HAND };

struct read_ahead {
	struct slots *slots;
	pthread_mutex_t lock; /* all below; after every other but the cache's, which is taken under it */
	pthread_cond_t wanted;
	uint64_t reads;
	uint64_t last_id;
	struct track tracks[TRACKS];
	enum mark_state mark_state;
	uint64_t mark_release_id;
	uint32_t mark_node;
	unsigned idle_count;
	unsigned thread_count;
	bool ending;
	pthread_t threads[THREADS_MAX];
};

/* ---- tracks ---- */

static bool is_on_track(const struct track *track, uint64_t release_id, uint32_t node)
{
	return track->id != 0 && track->release_id == release_id && node >= track->first &&
	       node <= track->next + NODES_NEAR;
}

static struct track *find_track(struct read_ahead *ahead, uint64_t release_id, uint32_t node)
{
	for (size_t i = 0; i < TRACKS; i++)
		if (is_on_track(&ahead->tracks[i], release_id, node))
			return &ahead->tracks[i];
	return NULL;
}

static struct track *track_by_id(struct read_ahead *ahead, uint64_t id)
{
	for (size_t i = 0; i < TRACKS; i++)
		if (ahead->tracks[i].id == id)
			return &ahead->tracks[i];
	return NULL;
}

/* In the place of the one that was not used for the longest time. */
static struct track *start_track(struct read_ahead *ahead, uint64_t release_id, uint32_t node)
{
	struct track *track = &ahead->tracks[0];
	for (size_t i = 1; i < TRACKS; i++)
		if (ahead->tracks[i].used < track->used)
			track = &ahead->tracks[i];
	if (track->id != 0)
		inflate_cache_release_unread(ahead->slots->cache, track->id, UINT64_MAX);
	*track = (struct track){
		.id = ++ahead->last_id,
		.release_id = release_id,
		.used = ahead->reads,
		.first = node,
		.last = node,
		.next = node + 1,
	};
	return track;
}

static bool is_wanted(const struct track *track)
{
	return track->id != 0 && !track->ended && track->crowded_count == 0 && track->read_count >= READS_TO_START &&
	       track->fetched_count < FETCH_FIRST + FETCH_EACH * track->read_count &&
	       track->next <= track->last + NODES_AHEAD;
}

/* The one that was read from last. */
static struct track *wanted_track(struct read_ahead *ahead)
{
	struct track *found = NULL;
	for (size_t i = 0; i < TRACKS; i++)
		if (is_wanted(&ahead->tracks[i]) && (!found || ahead->tracks[i].used > found->used))
			found = &ahead->tracks[i];
	return found;
}

/* The cache was full of what nobody has read. Is there room again, or can it be made? */
static void make_room(struct read_ahead *ahead, struct track *track)
{
	struct inflate_cache *cache = ahead->slots->cache;
	if (track->crowded_count++ >= READS_CROWDED) {
		track->crowded_count = 1;
		inflate_cache_release_unread(cache, track->id,
					     run_node(track->release_id, RUN_INDEX_TASK + track->last));
		for (size_t i = 0; i < TRACKS; i++)
			if (ahead->reads - ahead->tracks[i].used > READS_IDLE)
				inflate_cache_release_unread(cache, ahead->tracks[i].id, UINT64_MAX);
	}
	if (inflate_cache_has_room(cache))
		track->crowded_count = 0;
}

/* ---- the threads ---- */

struct fetch {
	uint64_t track_id, release_id;
	uint32_t node;
};

enum fetched { FETCHED, FETCHED_NOTHING, FETCHED_NO_ROOM, FETCHED_END };

static int pread_quietly(void *ctx, void *buf, size_t len, uint64_t offset)
{
	return release_file_pread(ctx, buf, len, offset);
}

/* Blocked, or dropped from memory and found again since: then somebody has to ask for it first. */
static bool is_served(struct release *release)
{
	lock_take(&release->lock);
	bool is_ready = release->view_state == RELEASE_VIEW_READY;
	lock_drop(&release->lock);
	return is_ready && atomic_load(&release->blocked) == 0;
}

static enum fetched fetch_entry(struct read_ahead *ahead, const struct fetch *fetch, struct release *release)
{
	if (!is_served(release) || fetch->node >= release->view->node_count)
		return FETCHED_END;
	const struct zip_entry *entry = release->view->nodes[fetch->node].entry;
	if (!run_reads_whole(ahead->slots, entry) || entry->size_bytes == 0)
		return FETCHED_NOTHING;
	struct io_reader file = release_file_reader(release);
	file.pread = pread_quietly;
	int r = inflate_cache_ahead(ahead->slots->cache, run_node(fetch->release_id, RUN_INDEX_TASK + fetch->node),
				    fetch->track_id, &file, entry);
	return r == -ENOSPC ? FETCHED_NO_ROOM : FETCHED;
}

static enum fetched fetch_one(struct read_ahead *ahead, const struct fetch *fetch)
{
	struct release *release = release_get(ahead->slots, fetch->release_id);
	enum fetched fetched = release ? fetch_entry(ahead, fetch, release) : FETCHED_END;
	release_put(release);
	return fetched;
}

static void take_result(struct track *track, const struct fetch *fetch, enum fetched fetched)
{
	if (fetched == FETCHED_END)
		track->ended = true;
	if (fetched == FETCHED_NOTHING)
		track->fetched_count--;
	if (fetched == FETCHED_NO_ROOM) { /* again, when there is */
		track->fetched_count--;
		track->crowded_count = 1;
		if (track->next > fetch->node && fetch->node > track->last)
			track->next = fetch->node;
	}
}

static void fetch_for(struct read_ahead *ahead, struct track *track)
{
	const struct fetch fetch = {.track_id = track->id, .release_id = track->release_id, .node = track->next};
	track->next++;
	track->fetched_count++;
	lock_drop(&ahead->lock);
	enum fetched fetched = fetch_one(ahead, &fetch);
	lock_take(&ahead->lock);
	track = track_by_id(ahead, fetch.track_id);
	if (track)
		take_result(track, &fetch, fetched);
}

static void mark_for(struct read_ahead *ahead)
{
	uint64_t release_id = ahead->mark_release_id;
	uint32_t node = ahead->mark_node;
	ahead->mark_state = MARK_IN_HAND;
	lock_drop(&ahead->lock);
	struct release *release = release_get(ahead->slots, release_id);
	if (release)
		large_mark(release, node);
	release_put(release);
	lock_take(&ahead->lock);
	ahead->mark_state = MARK_NONE;
}

static void *thread_main(void *ctx)
{
	struct read_ahead *ahead = ctx;
	(void)pthread_setname_np(pthread_self(), "read-ahead");
	lock_take(&ahead->lock);
	while (!ahead->ending) {
		if (ahead->mark_state == MARK_WANTED) {
			mark_for(ahead);
			continue;
		}
		struct track *track = wanted_track(ahead);
		if (track) {
			fetch_for(ahead, track);
			continue;
		}
		ahead->idle_count++;
		ASSERT(pthread_cond_wait(&ahead->wanted, &ahead->lock) == 0);
		ahead->idle_count--;
	}
	lock_drop(&ahead->lock);
	return NULL;
}

static unsigned thread_count_wanted(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores < 1 ? 1 : cores < THREADS_MAX ? (unsigned)cores : THREADS_MAX;
}

/* Only when they are needed: the daemon has given up its privileges by then, which is done thread by thread. */
static void start_threads(struct read_ahead *ahead)
{
	const unsigned wanted = thread_count_wanted();
	while (ahead->thread_count < wanted &&
	       pthread_create(&ahead->threads[ahead->thread_count], NULL, thread_main, ahead) == 0)
		ahead->thread_count++;
}

static void wake_threads(struct read_ahead *ahead, const struct track *track)
{
	if (!is_wanted(track))
		return;
	if (ahead->thread_count == 0)
		start_threads(ahead);
	if (ahead->idle_count > 0)
		ASSERT(pthread_cond_broadcast(&ahead->wanted) == 0);
}

/* ---- what the requests say ---- */

void read_ahead_note_read(struct read_ahead *ahead, uint64_t release_id, uint32_t node)
{
	lock_take(&ahead->lock);
	ahead->reads++;
	struct track *track = find_track(ahead, release_id, node);
	if (!track)
		track = start_track(ahead, release_id, node);
	else if (track->last == node)
		goto out; /* again */
	track->used = ahead->reads;
	track->last = node;
	track->read_count++;
	if (node >= track->next)
		track->next = node + 1;
	if (track->crowded_count > 0)
		make_room(ahead, track);
	wake_threads(ahead, track);
out:
	lock_drop(&ahead->lock);
}

void read_ahead_note_list(struct read_ahead *ahead, uint64_t release_id, uint32_t node)
{
	lock_take(&ahead->lock);
	if (!find_track(ahead, release_id, node))
		start_track(ahead, release_id, node)->read_count = READS_TO_START - 1;
	lock_drop(&ahead->lock);
}

bool read_ahead_claim_mark(struct read_ahead *ahead)
{
	lock_take(&ahead->lock);
	if (ahead->thread_count == 0)
		start_threads(ahead);
	bool is_mine = ahead->mark_state == MARK_NONE && ahead->thread_count > 0;
	if (is_mine)
		ahead->mark_state = MARK_CLAIMED;
	lock_drop(&ahead->lock);
	return is_mine;
}

void read_ahead_mark(struct read_ahead *ahead, uint64_t release_id, uint32_t node)
{
	lock_take(&ahead->lock);
	ASSERT(ahead->mark_state == MARK_CLAIMED);
	ahead->mark_state = MARK_WANTED;
	ahead->mark_release_id = release_id;
	ahead->mark_node = node;
	ASSERT(pthread_cond_broadcast(&ahead->wanted) == 0);
	lock_drop(&ahead->lock);
}

void read_ahead_unclaim_mark(struct read_ahead *ahead)
{
	lock_take(&ahead->lock);
	ASSERT(ahead->mark_state == MARK_CLAIMED);
	ahead->mark_state = MARK_NONE;
	lock_drop(&ahead->lock);
}

int read_ahead_new(struct slots *slots, struct read_ahead **ret)
{
	struct read_ahead *ahead = calloc(1, sizeof(*ahead));
	if (!ahead)
		return -ENOMEM;
	ahead->slots = slots;
	lock_init(&ahead->lock);
	ASSERT(pthread_cond_init(&ahead->wanted, NULL) == 0);
	*ret = ahead;
	return 0;
}

void read_ahead_free(struct read_ahead *ahead)
{
	if (!ahead)
		return;
	lock_take(&ahead->lock);
	ahead->ending = true;
	ASSERT(pthread_cond_broadcast(&ahead->wanted) == 0);
	lock_drop(&ahead->lock);
	for (unsigned i = 0; i < ahead->thread_count; i++)
		ASSERT(pthread_join(ahead->threads[i], NULL) == 0);
	ASSERT(pthread_cond_destroy(&ahead->wanted) == 0);
	lock_done(&ahead->lock);
	free(ahead);
}
