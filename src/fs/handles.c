#include "handles.h"

#include <errno.h>
#include <stdlib.h>

#include "base/lock.h"

struct handle {
	struct tree_handle *file;
	struct handle *next;
	struct handle **link; /* what points here */
};

void handles_init(struct handles *handles, void (*release)(struct tree_handle *file))
{
	handles->release = release;
	lock_init(&handles->lock);
	handles->first = NULL;
}

void handles_done(struct handles *handles)
{
	for (struct handle *h; (h = handles->first);) {
		handles->first = h->next;
		handles->release(h->file);
		free(h);
	}
	lock_done(&handles->lock);
}

int handles_add(struct handles *handles, struct tree_handle *file, struct fuse_file_info *fi)
{
	struct handle *h = calloc(1, sizeof(*h));
	if (!h) {
		handles->release(file);
		return -ENOMEM;
	}
	h->file = file;
	h->link = &handles->first;

	lock_take(&handles->lock);
	h->next = handles->first;
	if (h->next)
		h->next->link = &h->next;
	handles->first = h;
	lock_drop(&handles->lock);

	fi->fh = (uint64_t)(uintptr_t)h;
	return 0;
}

void handles_release(struct handles *handles, const struct fuse_file_info *fi)
{
	struct handle *h = (struct handle *)(uintptr_t)fi->fh;

	lock_take(&handles->lock);
	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	lock_drop(&handles->lock);

	handles->release(h->file);
	free(h);
}

struct tree_handle *handles_get(const struct fuse_file_info *fi)
{
	return fi ? ((const struct handle *)(uintptr_t)fi->fh)->file : NULL;
}
