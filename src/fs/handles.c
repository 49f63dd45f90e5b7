#include "handles.h"

#include <errno.h>
#include <stdlib.h>

#include "base/lock.h"

#define ROOM_FIRST 64U
#define ROOM_MAX   (1U << 31)
#define NONE	   UINT32_MAX

struct handle_place {
	struct tree_handle *file; /* NULL: free */
	uint32_t next_free;
};

void handles_init(struct handles *handles, uint32_t incarnation, void (*release)(struct tree_handle *file))
{
	*handles = (struct handles){.release = release, .incarnation = incarnation, .first_free = NONE};
	lock_init(&handles->lock);
}

void handles_done(struct handles *handles)
{
	for (uint32_t i = 0; i < handles->room; i++)
		if (handles->places[i].file)
			handles->release(handles->places[i].file);
	free(handles->places);
	lock_done(&handles->lock);
}

static int grow_locked(struct handles *handles)
{
	uint32_t room = handles->room == 0 ? ROOM_FIRST : handles->room * 2;
	if (room > ROOM_MAX)
		return -ENFILE;
	struct handle_place *places = reallocarray(handles->places, room, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (uint32_t i = handles->room; i < room; i++)
		places[i] = (struct handle_place){.next_free = i + 1 < room ? i + 1 : NONE};
	handles->first_free = handles->room;
	handles->places = places;
	handles->room = room;
	return 0;
}

int handles_add(struct handles *handles, struct tree_handle *file, struct fuse_file_info *fi)
{
	lock_take(&handles->lock);
	int r = handles->first_free == NONE ? grow_locked(handles) : 0;
	uint32_t index = handles->first_free;
	if (r == 0) {
		handles->first_free = handles->places[index].next_free;
		handles->places[index].file = file;
	}
	lock_drop(&handles->lock);
	if (r < 0) {
		handles->release(file);
		return r;
	}
	fi->fh = (uint64_t)handles->incarnation << 32 | index;
	return 0;
}

/* NULL: no daemon but another can know what it is. */
static struct handle_place *find_locked(const struct handles *handles, const struct fuse_file_info *fi)
{
	uint32_t index = (uint32_t)fi->fh;
	if (fi->fh >> 32 != handles->incarnation || index >= handles->room || !handles->places[index].file)
		return NULL;
	return &handles->places[index];
}

int handles_get(struct handles *handles, const struct fuse_file_info *fi, struct tree_handle **ret)
{
	lock_take(&handles->lock);
	const struct handle_place *place = find_locked(handles, fi);
	struct tree_handle *file = place ? place->file : NULL;
	lock_drop(&handles->lock);
	if (!file)
		return -EIO;
	*ret = file;
	return 0;
}

struct tree_handle *handles_take(struct handles *handles, const struct fuse_file_info *fi)
{
	struct tree_handle *file = NULL;
	lock_take(&handles->lock);
	struct handle_place *place = find_locked(handles, fi);
	if (place) {
		file = place->file;
		*place = (struct handle_place){.next_free = handles->first_free};
		handles->first_free = (uint32_t)fi->fh;
	}
	lock_drop(&handles->lock);
	return file;
}
