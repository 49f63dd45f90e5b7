/*
 * supervisor_restart.c - another program for the one that runs (`vouchfs restart`, SIGUSR2): the daemon leaves, the
 * program that is installed now is executed in this process, and starts a daemon of its own, on the same connections.
 *
 *     checks ---> LEAVE ---> execute ---> (the new program) supervisor_resume ---> serves
 *        |                      | fails           | its daemon cannot serve
 *        v                      v                 v
 *     refused           a daemon again       the program before is executed again
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/config.h"
#include "program.h"
#include "slots/slots.h"
#include "supervisor_state.h"
#include "takeover.h"

/* ---- whether ---- */

static int check_config(const struct supervisor *s, struct explain *why)
{
	struct config *config = NULL;
	struct buf errors = {0};
	if (s->plan->kind != PLAN_DEPLOYMENT)
		return 0;
	int r = config_load(s->plan->source, &config, &errors);
	if (r < 0) {
		const char *text = errors.data ? errors.data : strerror(-r);
		explain_set(why, "the configuration would not be taken: %.*s",
			    (int)(strlen(text) - text_ends_with(text, "\n")), text);
	} else if (s->plan->store && strcmp(s->plan->store, config->store) != 0) {
		explain_set(why, "the configuration would not be taken: " SLOTS_OTHER_STORE);
		r = -EINVAL;
	}
	config_free(config);
	buf_done(&errors);
	return r;
}

static int check(const struct supervisor *s, struct explain *why)
{
	if (s->kept[MEMORY_TREE] < 0) {
		explain_set(why, "the kernel cannot hand a mount over to another process (it can from Linux 6.9 on); "
				 "unmount and mount");
		return -EOPNOTSUPP;
	}
	int r = check_config(s, why);
	return r < 0 ? r : program_check(s->program, why);
}

static void put_outcome(struct supervisor *s, uint64_t request, const char *why)
{
	int r = runtime_put_outcome(&s->plan->runtime, RUNTIME_RESTART, request, why);
	if (r < 0)
		log_warning("the outcome of the restart could not be written down: %s", strerror(-r));
}

/* ---- the daemon leaves ---- */

static void await_left(struct supervisor *s)
{
	uint64_t deadline_ms = clock_monotonic_ms() + LIMIT_LEAVE_MS + LIMIT_LEAVE_END_MS;
	struct channel_message message;
	if (channel_send(s->channel, CHANNEL_LEAVE, NULL, -1) < 0)
		(void)kill(s->daemon, SIGKILL);
	for (;;) {
		enum supervisor_event event = supervisor_next_event(s, true, deadline_ms, &message);
		if (event == EVENT_DAEMON_GONE)
			return;
		if (event == EVENT_MESSAGE) {
			s->wants_stop |= message.kind == CHANNEL_STOP;
			supervisor_take_message(s, &message);
		} else if (event == EVENT_TIMEOUT && clock_monotonic_ms() >= deadline_ms) {
			log_error("the daemon does not leave; killed");
			(void)kill(s->daemon, SIGKILL);
			return;
		} else {
			supervisor_take_meanwhile(s, event);
		}
	}
}

/* ---- what is left to the next program ---- */

static void describe_numbers(const struct supervisor *s, struct takeover *t)
{
	const struct plan *plan = s->plan;
	takeover_set_number(t, TAKEOVER_VERSION_NUMBER, TAKEOVER_VERSION);
	takeover_set_number(t, TAKEOVER_KIND, plan->kind);
	takeover_set_number(t, TAKEOVER_FOREGROUND, plan->foreground);
	takeover_set_number(t, TAKEOVER_ALLOW_OTHER, plan->allow_other);
	takeover_set_number(t, TAKEOVER_NONEMPTY, plan->nonempty);
	takeover_set_number(t, TAKEOVER_NO_EXEC, plan->no_exec);
	takeover_set_number(t, TAKEOVER_RUN_IS_LINKED, plan->run_is_linked);
	takeover_set_number(t, TAKEOVER_LOG, plan->log);
	takeover_set_number(t, TAKEOVER_UID, plan->user.uid);
	takeover_set_number(t, TAKEOVER_GID, plan->user.gid);
	takeover_set_number(t, TAKEOVER_HOOKS_OWNER, plan->hooks.owner);
	takeover_set_number(t, TAKEOVER_HOOKS_UID, plan->hooks.user.uid);
	takeover_set_number(t, TAKEOVER_HOOKS_GID, plan->hooks.user.gid);
	takeover_set_number(t, TAKEOVER_HOOKS_TIMEOUT_MS, plan->hooks.timeout_ms);
	takeover_set_number(t, TAKEOVER_HOOKS_RUNNER, (uint64_t)s->hooks.runner);
	takeover_set_number(t, TAKEOVER_FETCH_INTERVAL_S, plan->fetch.interval_s);
	takeover_set_number(t, TAKEOVER_FETCH_UID, plan->fetch.user.uid);
	takeover_set_number(t, TAKEOVER_FETCH_GID, plan->fetch.user.gid);
	takeover_set_number(t, TAKEOVER_INCARNATION, s->incarnation);
	takeover_set_number(t, TAKEOVER_REPLACED, s->replaced);
	takeover_set_number(t, TAKEOVER_RELOADS_DUE, s->reloads);
	takeover_set_number(t, TAKEOVER_RELOADS_ASKED, plan->runtime.asked[RUNTIME_RELOAD]);
	takeover_set_number(t, TAKEOVER_RESTARTS_ASKED, plan->runtime.asked[RUNTIME_RESTART]);
	takeover_set_number(t, TAKEOVER_IS_KEPT, plan->is_kept);
	takeover_set_fd(t, TAKEOVER_TREE_FD, s->kept[MEMORY_TREE]);
	takeover_set_fd(t, TAKEOVER_RUN_FD, s->kept[MEMORY_RUN]);
	takeover_set_fd(t, TAKEOVER_MEMORY_FD, s->memory);
	takeover_set_fd(t, TAKEOVER_NODES_FD, s->nodes);
	takeover_set_fd(t, TAKEOVER_RUNTIME_FD, plan->runtime.dirfd);
	takeover_set_fd(t, TAKEOVER_LOCK_FD, plan->runtime.lock_fd);
	takeover_set_fd(t, TAKEOVER_COUNT_FD, s->count);
}

int supervisor_describe(const struct supervisor *s, struct takeover *ret)
{
	const struct plan *plan = s->plan;
	const char *const texts[TAKEOVER_TEXTS] = {
		[TAKEOVER_PROGRAM] = s->program,
		[TAKEOVER_SOURCE] = plan->source,
		[TAKEOVER_MOUNTPOINT] = plan->mountpoint,
		[TAKEOVER_RUN_MOUNTPOINT] = plan->run_mountpoint,
		[TAKEOVER_RUNTIME_PATH] = plan->runtime.path,
		[TAKEOVER_HOOKS_DIRECTORY] = plan->hooks.directory,
		[TAKEOVER_FETCH_SOURCE] = plan->fetch.source,
		[TAKEOVER_FETCH_CA] = plan->fetch.ca,
		[TAKEOVER_FETCH_WHY_NOT] = plan->fetch.why_not.text,
		[TAKEOVER_STORE] = plan->store,
	};
	describe_numbers(s, ret);
	int r = 0;
	for (size_t i = 0; i < TAKEOVER_TEXTS && r == 0; i++)
		r = takeover_set_text(ret, (enum takeover_text)i, texts[i]);
	return r;
}

/* before_fd: -1, or the running program, should the other one not serve. Returns when that has failed. */
static int hand_over(struct supervisor *s, const char *path, int fd, int before_fd, const char *failure)
{
	struct takeover takeover = {0};
	char number[16];
	int memfd = -1, r = supervisor_describe(s, &takeover);
	takeover_set_fd(&takeover, TAKEOVER_BEFORE_FD, before_fd);
	if (r == 0)
		r = takeover_set_text(&takeover, TAKEOVER_FAILURE, failure);
	if (r == 0)
		r = takeover_write(&takeover, &memfd);
	if (r == 0)
		r = takeover_let_through(&takeover, true);
	(void)snprintf(number, sizeof(number), "%d", memfd);
	if (r == 0 && (fcntl(memfd, F_SETFD, 0) < 0 || setenv(TAKEOVER_VARIABLE, number, 1) < 0))
		r = -errno;
	if (r == 0) {
		log_close();
		r = program_execute(path, fd);
		log_open(&s->log);
	}
	(void)unsetenv(TAKEOVER_VARIABLE);
	(void)takeover_let_through(&takeover, false);
	io_close(&memfd);
	takeover_done(&takeover);
	return r;
}

/* ---- the program that runs ---- */

int supervisor_restart(struct supervisor *s)
{
	struct explain why = {{0}};
	uint64_t request = s->plan->runtime.asked[RUNTIME_RESTART];
	int before_fd = -1;
	if (check(s, &why) < 0) {
		log_error("not restarted: %s", why.text);
		put_outcome(s, request, why.text);
		return 0;
	}
	log_notice("restarting %s as %s", s->plan->mountpoint, s->program);
	service_manager_status("another program takes over");
	watchdog_done(&s->watchdog);
	fetcher_end(&s->fetcher);
	await_left(s);
	io_close(&s->channel);
	(void)supervisor_reap_daemon(s);
	s->incarnation++;
	s->deaths = 0;

	int r = 0;
	if (!s->wants_stop) {
		before_fd = program_open_running();
		r = hand_over(s, s->program, -1, before_fd, NULL);
		io_close(&before_fd);
		explain_set(&why, "%s cannot be executed: %s", s->program, strerror(-r));
		log_error("not restarted: %s", why.text);
	}
	put_outcome(s, request, r < 0 ? why.text : "the mount ends");
	watchdog_init(&s->watchdog);
	fetcher_begin(&s->fetcher, s->plan);
	return supervisor_start_another(s);
}

/* ---- the program that comes ---- */

/* Takes the texts over. */
static void adopt_plan(struct takeover *t, struct plan *plan)
{
	const uint64_t *n = t->numbers;
	*plan = (struct plan){
		.kind = (enum plan_kind)n[TAKEOVER_KIND],
		.type = plan_mount_type((enum plan_kind)n[TAKEOVER_KIND]),
		.source = t->texts[TAKEOVER_SOURCE],
		.mountpoint = t->texts[TAKEOVER_MOUNTPOINT],
		.store = t->texts[TAKEOVER_STORE],
		.run_mountpoint = t->texts[TAKEOVER_RUN_MOUNTPOINT],
		.run_is_linked = n[TAKEOVER_RUN_IS_LINKED],
		.foreground = n[TAKEOVER_FOREGROUND],
		.allow_other = n[TAKEOVER_ALLOW_OTHER],
		.nonempty = n[TAKEOVER_NONEMPTY],
		.no_exec = n[TAKEOVER_NO_EXEC],
		.is_kept = n[TAKEOVER_IS_KEPT],
		.log = (enum log_target)n[TAKEOVER_LOG],
		.user = {.uid = (uid_t)n[TAKEOVER_UID], .gid = (gid_t)n[TAKEOVER_GID]},
		.hooks = {.directory = t->texts[TAKEOVER_HOOKS_DIRECTORY],
			  .owner = (uid_t)n[TAKEOVER_HOOKS_OWNER],
			  .user = {.uid = (uid_t)n[TAKEOVER_HOOKS_UID], .gid = (gid_t)n[TAKEOVER_HOOKS_GID]},
			  .timeout_ms = n[TAKEOVER_HOOKS_TIMEOUT_MS]},
		.fetch = {.source = t->texts[TAKEOVER_FETCH_SOURCE],
			  .ca = t->texts[TAKEOVER_FETCH_CA],
			  .interval_s = n[TAKEOVER_FETCH_INTERVAL_S],
			  .user = {.uid = (uid_t)n[TAKEOVER_FETCH_UID], .gid = (gid_t)n[TAKEOVER_FETCH_GID]}},
		.runtime = {.dirfd = takeover_fd(t, TAKEOVER_RUNTIME_FD), .lock_fd = takeover_fd(t, TAKEOVER_LOCK_FD)},
	};
	plan->runtime.asked[RUNTIME_RELOAD] = n[TAKEOVER_RELOADS_ASKED];
	plan->runtime.asked[RUNTIME_RESTART] = n[TAKEOVER_RESTARTS_ASKED];
	(void)snprintf(plan->runtime.path, sizeof(plan->runtime.path), "%s", t->texts[TAKEOVER_RUNTIME_PATH]);
	if (t->texts[TAKEOVER_FETCH_WHY_NOT])
		explain_set(&plan->fetch.why_not, "%s", t->texts[TAKEOVER_FETCH_WHY_NOT]);
	for (size_t i = TAKEOVER_SOURCE; i <= TAKEOVER_MOUNTPOINT; i++)
		t->texts[i] = NULL;
	t->texts[TAKEOVER_STORE] = t->texts[TAKEOVER_RUN_MOUNTPOINT] = t->texts[TAKEOVER_HOOKS_DIRECTORY] = NULL;
	t->texts[TAKEOVER_FETCH_SOURCE] = t->texts[TAKEOVER_FETCH_CA] = NULL;
}

void supervisor_adopt(struct supervisor *s, struct takeover *t)
{
	adopt_plan(t, s->plan);
	s->log = (struct log_options){.target = s->plan->log, .background = !s->plan->foreground};
	s->program = t->texts[TAKEOVER_PROGRAM];
	s->failure = t->texts[TAKEOVER_FAILURE];
	t->texts[TAKEOVER_PROGRAM] = t->texts[TAKEOVER_FAILURE] = NULL;
	s->kept[MEMORY_TREE] = takeover_fd(t, TAKEOVER_TREE_FD);
	s->kept[MEMORY_RUN] = takeover_fd(t, TAKEOVER_RUN_FD);
	for (size_t i = 0; i < MEMORY_SIDES; i++)
		s->is_mounted[i] = s->kept[i] >= 0;
	s->memory = takeover_fd(t, TAKEOVER_MEMORY_FD);
	s->nodes = takeover_fd(t, TAKEOVER_NODES_FD);
	s->count = takeover_fd(t, TAKEOVER_COUNT_FD);
	s->program_before = takeover_fd(t, TAKEOVER_BEFORE_FD);
	s->incarnation = (uint32_t)t->numbers[TAKEOVER_INCARNATION];
	s->replaced = (unsigned)t->numbers[TAKEOVER_REPLACED];
	s->reloads = (unsigned)t->numbers[TAKEOVER_RELOADS_DUE];
	s->restart = t->numbers[TAKEOVER_RESTARTS_ASKED];
	s->hooks_before = (struct hooks){.runner = (pid_t)t->numbers[TAKEOVER_HOOKS_RUNNER], .feed = -1};
}

void supervisor_give_back(struct supervisor *s)
{
	if (s->program_before < 0)
		return;
	int fd = s->program_before;
	s->program_before = -1;
	log_error("%s cannot serve the mount; the program before does again", s->program);
	int r = hand_over(s, NULL, fd, -1,
			  "the program that is installed now could not serve the mount, see the log; "
			  "the one before does again");
	log_error("the program before cannot be executed: %s", strerror(-r));
	io_close(&fd);
}

void supervisor_note_restarted(struct supervisor *s)
{
	io_close(&s->program_before);
	put_outcome(s, s->restart, s->failure ? s->failure : "");
	hooks_end(&s->hooks_before);
}
