/*
 * deploy_break_glass.c - .vouchfs/break-glass/functions/<f>: read, it says what is in force; a line written to it
 * begins one or ends it. It belongs to whoever has mounted, not to the slot's owner and group: who may deploy may not
 * decide that what he deploys need not pass. The kernel asks owner and mode first; who it is is looked at again here.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "deploy.h"

/* ---- names and attributes ---- */

static struct slot *slot_of_locked(struct slots *slots, uint64_t node)
{
	uint64_t index = node & ~DEPLOY_BREAK_GLASS_BIT;
	return slot_listed_at_locked(slots, index);
}

int deploy_break_glass_attr_locked(struct slots *slots, uint64_t node, struct slots_attr *ret)
{
	const struct slot *slot = slot_of_locked(slots, node);
	struct slots_attr directory;
	if (!slot || slot->is_layer || deploy_slot_attr_locked(slot, &directory) < 0)
		return -ENOENT;
	*ret = (struct slots_attr){
		.node = node,
		.mode = S_IFREG | 0644,
		.nlink = 1,
		.uid = slots->administrator,
		.mtime = slots->started,
	};
	return 0;
}

bool deploy_break_glass_is_listed_locked(const struct slot *slot)
{
	struct break_glass glass;
	return slot_break_glass_locked(slot, &glass);
}

/* ---- reading ---- */

/* Nothing when none is in force. */
static int render(struct slot *slot, struct buf *ret)
{
	struct break_glass glass;
	char began[CLOCK_UTC_SIZE], until[CLOCK_UTC_SIZE];
	lock_take(&slot->slots->lock);
	bool is_in_force = slot_break_glass_locked(slot, &glass);
	lock_drop(&slot->slots->lock);
	if (!is_in_force)
		return 0;
	const struct break_glass_now now = break_glass_now();
	clock_format_utc(glass.began_at_s, began);
	clock_format_utc(glass.what.until_s, until);
	return buf_printf(
		ret,
		"event: %" PRIu64 "\nbegan: %s\nuntil: %s\nseconds-left: %" PRId64 "\nuid: %" PRIu32 "\nreason: %s\n",
		glass.what.seq, began, until, break_glass_left_s(&glass, &now), glass.what.uid, glass.what.reason);
}

/* What can be read from here on. */
static int show(struct tree_handle *handle, struct slot *slot)
{
	struct buf text = {0};
	int r = render(slot, &text);
	if (r == 0)
		deploy_text_replace(handle, &text);
	buf_done(&text);
	return r;
}

bool deploy_is_administrator(const struct slots *slots, const struct slots_caller *caller)
{
	return caller->who.uid == 0 || caller->who.uid == slots->administrator;
}

int deploy_break_glass_open(struct slots *slots, uint64_t node, int open_flags, const struct slots_caller *caller,
			    struct tree_handle **ret_handle)
{
	struct slots_attr attr;
	lock_take(&slots->lock);
	struct slot *slot = slot_of_locked(slots, node);
	int r = deploy_break_glass_attr_locked(slots, node, &attr);
	lock_drop(&slots->lock);
	bool writable = (open_flags & O_ACCMODE) != O_RDONLY;
	if (r == 0 && writable && !deploy_is_administrator(slots, caller))
		r = -EACCES;
	if (r < 0)
		return r;

	struct tree_handle *handle = calloc(1, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	*handle = (struct tree_handle){.slots = slots, .node = node, .writable = writable, .who = caller->who};
	r = show(handle, slot);
	if (r < 0)
		deploy_release(handle);
	else
		*ret_handle = handle;
	return r;
}

/* ---- writing ---- */

#define BEGIN	  "begin "
#define END	  "end"
#define LINE_SIZE (sizeof(BEGIN) + 8 + LIMIT_REASON_BYTES)

/* "begin <minutes> <reason>"; the reason is looked at where it is used. */
static int begin(struct slot *slot, char *line, const struct audit_who *who)
{
	char *minutes = line + strlen(BEGIN), *blank = strchr(minutes, ' ');
	uint64_t number;
	if (!blank || !text_parse_u64(minutes, (size_t)(blank - minutes), LIMIT_BREAK_GLASS_MINUTES, &number))
		return -EINVAL;
	const struct break_glass_request request = {.minutes = (unsigned)number, .reason = blank + 1};
	return slot_break_glass(slot, &request, who);
}

int deploy_break_glass_write(struct tree_handle *handle, const void *buf, size_t len)
{
	struct slot *slot = slot_by_index(handle->slots, handle->node & ~DEPLOY_BREAK_GLASS_BIT);
	char line[LINE_SIZE + 1];
	if (!deploy_take_line(buf, len, line, sizeof(line)))
		return -EINVAL;

	int r = -EINVAL;
	if (text_starts_with(line, BEGIN))
		r = begin(slot, line, &handle->who);
	else if (strcmp(line, END) == 0)
		r = slot_end_break_glass(slot, &handle->who);
	if (r == 0 && show(handle, slot) < 0)
		log_error("%s: its break glass cannot be shown for want of memory", slot->path);
	return r;
}
