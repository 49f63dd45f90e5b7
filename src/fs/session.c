#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "receive.h"

#define THREADS_MAX 10
#define KICK_NS	    2000000

/* Interrupts the wait of the loop's thread: libfuse before 3.18 does not wake it. */
#define KICK_SIGNAL SIGUSR1

struct session {
	struct fuse_session *fuse;
	void *userdata;
	struct receiver receiver;
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
	s->fuse = fuse_session_new(&args, ops, sizeof(*ops), s);
	fuse_opt_free_args(&args);
	if (!s->fuse) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void *session_userdata(void *userdata)
{
	const struct session *s = userdata;
	return s->userdata;
}

static ssize_t io_read(int fd, void *buf, size_t size, void *userdata)
{
	struct session *s = userdata;
	return receive(&s->receiver, fd, buf, size);
}

static ssize_t io_writev(int fd, struct iovec *parts, int count, void *userdata UNUSED)
{
	return writev(fd, parts, count);
}

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
	const uint64_t one = 1;
	ASSERT(io_write_full(s->end_fd, &one, sizeof(one)) == 0);
	return NULL;
}

int session_start(struct session *s, int fuse_fd)
{
	ASSERT(!s->started);
	static const struct fuse_custom_io io = {.read = io_read, .writev = io_writev};
	if (fuse_session_custom_io(s->fuse, &io, fuse_fd) != 0) {
		io_close(&fuse_fd);
		return -ENOMEM;
	}
	int r = -pthread_create(&s->thread, NULL, thread_main, s);
	s->started = r == 0;
	return r;
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
	free(s);
}
