#include "fuse_mount.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define FLAGS                                                                                                          \
	(FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_PARALLEL_DIROPS |  \
	 FUSE_CACHE_SYMLINKS)

static void open_slots(struct mount *m)
{
	const struct slots_options options = {.config_path = m->host->config_path, .memory = m->memory};
	struct buf errors = {0};
	ASSERT(slots_open(&options, &m->host->f->slots, &errors) == 0);
	buf_done(&errors);
}

/* As daemon.c does. */
static void start_daemon(struct mount *m)
{
	open_slots(m);
	struct slots *slots = m->host->f->slots;
	m->end_fd = eventfd(0, EFD_CLOEXEC);
	ASSERT(m->end_fd >= 0 && sweep_init(&m->sweep) == 0);
	m->tree_side = (struct tree_side){.ops = &deploy_tree_ops, .tree = slots, .sweep = &m->sweep};
	m->run_side = (struct run_side){.slots = slots};
	handles_init(&m->tree_side.handles, m->memory.incarnation, deploy_tree_ops.release);
	ASSERT(session_new(&tree_side_ops, &m->tree_side, m->end_fd, &m->tree) == 0);
	ASSERT(waiting_new(&deploy_tree_ops, slots, &m->tree_side.waiting) == 0);
	ASSERT(session_new(&run_side_ops, &m->run_side, m->end_fd, &m->run) == 0);
	ASSERT(notify_new(session_fuse(m->run), &m->notify) == 0);
	kernel_connect(&m->kernels[0], session_fuse(m->tree), m->flags);
	kernel_connect(&m->kernels[1], session_fuse(m->run), m->flags);
	const struct slots_notify notify = notify_for_slots(m->notify);
	slots_set_notify(slots, &notify);
}

/* What waits has its answer then. */
static void end_streams(struct mount *m)
{
	waiting_free(m->tree_side.waiting, false);
	m->tree_side.waiting = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(m->kernels); i++)
		kernel_check_answers(&m->kernels[i]);
}

static void end_daemon(struct mount *m, bool is_handed_over)
{
	slots_set_notify(m->host->f->slots, NULL);
	notify_free(m->notify);
	handles_done(&m->tree_side.handles);
	if (is_handed_over)
		slots_hand_over(m->host->f->slots);
	slots_fixture_stop(m->host->f);
	for (size_t i = 0; i < ARRAY_SIZE(m->kernels); i++)
		kernel_disconnect(&m->kernels[i]);
	session_free(m->tree);
	session_free(m->run);
	sweep_done(&m->sweep);
	(void)close(m->end_fd);
}

void mount_bring_up(struct mount *m, uint8_t how)
{
	fuzz_host_restore(m->host);
	m->flags = FLAGS | (how & 1 ? FUSE_NO_OPEN_SUPPORT : 0) | (how & 2 ? FUSE_NO_OPENDIR_SUPPORT : 0);
	m->memory = (struct tree_memory){.fd = memfd_create("memory", MFD_CLOEXEC), .incarnation = 1};
	ASSERT(m->memory.fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(m->kernels); i++)
		kernel_init(&m->kernels[i]);
	m->kernels[1].may_do_without_open = true;
	m->kernel = &m->kernels[0];
	start_daemon(m);
}

void mount_restart(struct mount *m, bool is_handed_over)
{
	slots_drain(m->host->f->slots);
	end_streams(m);
	end_daemon(m, is_handed_over);
	m->memory.incarnation++;
	start_daemon(m);
	slots_take_over(m->host->f->slots);
}

void mount_take_down(struct mount *m)
{
	slots_drain(m->host->f->slots);
	end_streams(m);
	for (size_t i = 0; i < ARRAY_SIZE(m->kernels); i++) {
		kernel_forget_all(&m->kernels[i]);
		kernel_check_answers(&m->kernels[i]);
	}
	end_daemon(m, false);
	for (size_t i = 0; i < ARRAY_SIZE(m->kernels); i++)
		kernel_done(&m->kernels[i]);
	(void)close(m->memory.fd);
}
