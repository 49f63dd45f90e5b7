#include "proved_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"

void proved_list_init(struct proved_list *proved)
{
	*proved = (struct proved_list){0};
	lock_init(&proved->lock);
}

void proved_list_done(struct proved_list *proved)
{
	buf_done(&proved->pem);
	revocation_list_free(proved->list);
	lock_done(&proved->lock);
}

static struct revocation_list *copy_of(const struct revocation_list *list)
{
	struct revocation_list *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *list;
	copy->entries = calloc(list->entry_count + 1, sizeof(*copy->entries));
	if (!copy->entries) {
		free(copy);
		return NULL;
	}
	if (list->entry_count > 0)
		memcpy(copy->entries, list->entries, list->entry_count * sizeof(*copy->entries));
	return copy;
}

int proved_list_get(struct proved_list *proved, const struct buf *pem, struct revocation_list **ret)
{
	struct revocation_list *copy = NULL;
	lock_take(&proved->lock);
	bool is_same = proved->list && pem->len > 0 && proved->pem.len == pem->len &&
		       memcmp(proved->pem.data, pem->data, pem->len) == 0;
	if (is_same)
		copy = copy_of(proved->list);
	lock_drop(&proved->lock);
	if (!is_same)
		return -ENOENT;
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

void proved_list_put(struct proved_list *proved, const struct buf *pem, const struct revocation_list *list)
{
	struct revocation_list *copy = copy_of(list);
	struct buf bytes = {0};
	if (!copy || buf_append(&bytes, pem->data, pem->len) < 0) {
		revocation_list_free(copy);
		buf_done(&bytes);
		return;
	}
	lock_take(&proved->lock);
	struct buf old_bytes = proved->pem;
	struct revocation_list *old = proved->list;
	proved->pem = bytes;
	proved->list = copy;
	lock_drop(&proved->lock);
	buf_done(&old_bytes);
	revocation_list_free(old);
}
