/*
 * Libzip's opinion on a thread of its own. It reads what everybody only reads by now, has a window and a refusal of its
 * own, and is heard when it is asked for: it counts as a refusal until then.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "zip_parse.h"

struct zip_opinion {
	struct zip_parse parse; /* the caller's but for the refusal */
	struct zip_refusal refusal;
	pthread_t thread;
	int result;
};

static void *thread_main(void *ctx)
{
	struct zip_opinion *opinion = ctx;
	sigset_t all;
	(void)sigfillset(&all);
	ASSERT(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
	opinion->result = zip_parse_agreement(&opinion->parse);
	return NULL;
}

struct zip_opinion *zip_opinion_begin(const struct zip_parse *parse)
{
	struct zip_opinion *opinion = calloc(1, sizeof(*opinion));
	if (!opinion)
		return NULL;
	opinion->parse = *parse;
	opinion->parse.refusal = &opinion->refusal;
	opinion->result = -EIO;
	if (pthread_create(&opinion->thread, NULL, thread_main, opinion) == 0)
		return opinion;
	free(opinion);
	return NULL;
}

int zip_opinion_end(struct zip_opinion **opinion, struct zip_refusal *refusal)
{
	struct zip_opinion *o = *opinion;
	*opinion = NULL;
	ASSERT(pthread_join(o->thread, NULL) == 0);
	int r = o->result;
	if (r == -EBADMSG && refusal)
		*refusal = o->refusal;
	free(o);
	return r;
}
