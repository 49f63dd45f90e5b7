#include "session.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "agreement.h"
#include "base/io.h"
#include "base/log.h"
#include "receive.h"

#define THREADS_MAX 10
#define KICK_NS	    2000000

/* Interrupts the wait of the loop's thread: libfuse before 3.18 does not wake it. */
#define KICK_SIGNAL SIGUSR1

/* Since protocol 7.40. */
#define NOTIFY_RESEND 7
#define UNIQUE_RESENT (1ULL << 63)

struct session {
	struct fuse_session *fuse;
	void *userdata;
	struct receiver receiver;
	struct agreement agreement;
	struct session_memory memory;
	pthread_key_t resent; /* set in a thread that serves what was sent again */
	int end_fd;
	pthread_t thread;
	bool started;
	atomic_bool ended;
};

static void on_kick(int signal UNUSED)
{
}

static int install_kick(void)
{
	struct sigaction action = {.sa_handler = on_kick}; /* without SA_RESTART */
	return sigaction(KICK_SIGNAL, &action, NULL) < 0 ? -errno : 0;
}

int session_new(const struct fuse_lowlevel_ops *ops, void *userdata, int end_fd, struct session **ret)
{
	int r = install_kick();
	if (r < 0)
		return r;
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;

	char name[] = "vouchfs";
	char *argv[] = {name, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	s->userdata = userdata;
	s->end_fd = end_fd;
	r = -pthread_key_create(&s->resent, NULL);
	if (r < 0) {
		free(s);
		return r;
	}
	s->fuse = fuse_session_new(&args, ops, sizeof(*ops), s);
	fuse_opt_free_args(&args);
	if (!s->fuse) {
		ASSERT(pthread_key_delete(s->resent) == 0);
		free(s);
		return -ENOMEM;
	}
	agreement_init(&s->agreement);
	*ret = s;
	return 0;
}

void *session_userdata(void *userdata)
{
	const struct session *s = userdata;
	return s->userdata;
}

/* ---- requests and answers ---- */

static bool is_resent(const void *bytes, size_t len)
{
	struct fuse_in_header header;
	if (len < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	return header.unique & UNIQUE_RESENT;
}

static void refuse(int fd, const void *bytes)
{
	struct fuse_in_header header;
	memcpy(&header, bytes, sizeof(header));
	const struct fuse_out_header answer = {.len = sizeof(answer), .error = -EIO, .unique = header.unique};
	log_error("a request of user %u (operation %u) was refused: the daemons that had it have died", header.uid,
		  header.opcode);
	if (write(fd, &answer, sizeof(answer)) < 0)
		log_debug("nobody waits for it");
}

static ssize_t io_read(int fd, void *buf, size_t size, void *userdata)
{
	struct session *s = userdata;
	for (;;) {
		ssize_t got = receive(&s->receiver, fd, buf, size);
		if (got > 0 && !atomic_load(&s->agreement.is_made))
			agreement_take_request(&s->agreement, buf, (size_t)got);
		if (got <= 0 || !s->memory.takes_over)
			return got;
		bool resent = is_resent(buf, (size_t)got);
		ASSERT(pthread_setspecific(s->resent, resent ? s : NULL) == 0);
		if (!resent || !s->memory.refuses_resent)
			return got;
		refuse(fd, buf);
	}
}

static ssize_t size_of(const struct iovec *parts, int count)
{
	size_t size = 0;
	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	return (ssize_t)size;
}

static ssize_t io_writev(int fd, struct iovec *parts, int count, void *userdata)
{
	struct session *s = userdata;
	if (atomic_load(&s->agreement.is_made))
		return writev(fd, parts, count);
	if (agreement_swallows(&s->agreement, parts, count))
		return size_of(parts, count);
	ssize_t written = writev(fd, parts, count);
	if (written >= 0)
		agreement_take_answer(&s->agreement, parts, count);
	return written;
}

bool session_is_resent(fuse_req_t req)
{
	const struct session *s = fuse_req_userdata(req);
	return s->memory.takes_over && pthread_getspecific(s->resent) != NULL;
}

int session_resend(struct session *s)
{
	const struct fuse_out_header notification = {.len = sizeof(notification), .error = NOTIFY_RESEND};
	return write(fuse_session_fd(s->fuse), &notification, sizeof(notification)) < 0 ? -errno : 0;
}

/* ---- the loop ---- */

static int run_loop(struct fuse_session *fuse)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, 0);
	fuse_loop_cfg_set_max_threads(config, THREADS_MAX);
	int r = fuse_session_loop_mt(fuse, config);
	fuse_loop_cfg_destroy(config);
	return r;
}

static void *thread_main(void *ctx)
{
	struct session *s = ctx;
	sigset_t kick;
	(void)sigemptyset(&kick);
	(void)sigaddset(&kick, KICK_SIGNAL);
	ASSERT(pthread_sigmask(SIG_UNBLOCK, &kick, NULL) == 0);

	int r = run_loop(s->fuse);
	if (r < 0)
		log_error("a FUSE connection ended: %s", strerror(-r));
	atomic_store(&s->ended, true);
	agreement_end(&s->agreement);
	const uint64_t one = 1;
	ASSERT(io_write_full(s->end_fd, &one, sizeof(one)) == 0);
	return NULL;
}

int session_start(struct session *s, int fuse_fd, const struct session_memory *memory)
{
	ASSERT(!s->started);
	static const struct fuse_custom_io io = {.read = io_read, .writev = io_writev};
	if (fuse_session_custom_io(s->fuse, &io, fuse_fd) != 0) {
		io_close(&fuse_fd);
		return -ENOMEM;
	}
	s->memory = *memory;
	s->agreement.memory = memory->fd;
	s->agreement.side = memory->side;
	int r = memory->takes_over ? agreement_replay(&s->agreement, s->fuse) : 0;
	if (r < 0)
		return r;
	r = -pthread_create(&s->thread, NULL, thread_main, s);
	s->started = r == 0;
	return r < 0 ? r : agreement_await(&s->agreement);
}

bool session_is_running(const struct session *s)
{
	return s->started && !atomic_load(&s->ended);
}

struct fuse_session *session_fuse(struct session *s)
{
	return s->fuse;
}

void session_stop(struct session *s)
{
	if (!s->started)
		return;
	fuse_session_exit(s->fuse);
	while (session_is_running(
		s)) { /* a signal that comes before the wait is lost, so it is sent until it is heard */
		(void)pthread_kill(s->thread, KICK_SIGNAL);
		struct timespec pause = {.tv_nsec = KICK_NS};
		(void)nanosleep(&pause, NULL);
	}
	ASSERT(pthread_join(s->thread, NULL) == 0);
	s->started = false;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	session_stop(s);
	fuse_session_destroy(s->fuse);
	agreement_done(&s->agreement);
	ASSERT(pthread_key_delete(s->resent) == 0);
	free(s);
}
