#include "diff_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "base/text.h"

#define ATTRIBUTE      "user.vouchfs.layer_versions"
#define ATTRIBUTE_SIZE 8192 /* five lines of a name, a size and two ARNs */

/* ---- reading ---- */

/* The text up to the end character, which is left behind; false: it is too long, or there is none. */
static bool take(const char **at, char end, char *ret, size_t size)
{
	const char *stop = strchrnul(*at, end);
	size_t len = (size_t)(stop - *at);
	if (len >= size || (*stop == '\0' && end != '\n'))
		return false;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at = *stop == '\0' ? stop : stop + 1;
	return true;
}

static void drop_dash(char *text)
{
	if (strcmp(text, "-") == 0)
		text[0] = '\0';
}

/* "tools:3 1234 arn:... arn:...", with a dash for what an unsigned one has not. */
static bool parse_layer(const char **at, struct diff_layer *ret)
{
	char version[24], size[24];
	if (!take(at, ':', ret->name, sizeof(ret->name)) || !take(at, ' ', version, sizeof(version)) ||
	    !text_parse_u64(version, strlen(version), UINT64_MAX, &ret->version) ||
	    !take(at, ' ', size, sizeof(size)) || !take(at, ' ', ret->signer, sizeof(ret->signer)) ||
	    !take(at, '\n', ret->job, sizeof(ret->job)))
		return false;
	drop_dash(ret->signer);
	drop_dash(ret->job);
	return true;
}

int diff_layers_read(int fd, struct diff_layers *ret)
{
	char text[ATTRIBUTE_SIZE];
	int opt_fd = io_open_dirat(fd, "opt");
	if (opt_fd < 0)
		return opt_fd;
	ssize_t len = fgetxattr(opt_fd, ATTRIBUTE, text, sizeof(text) - 1);
	int r = len < 0 ? -errno : 0;
	io_close(&opt_fd);
	ret->count = 0;
	if (r < 0)
		return r == -ENODATA ? 0 : r;

	text[len] = '\0';
	for (const char *at = text; *at != '\0';)
		if (ret->count == LIMIT_LAYERS || !parse_layer(&at, &ret->all[ret->count++]))
			return -EBADMSG;
	return 0;
}

/* ---- comparing ---- */

static const struct diff_layer *find(const struct diff_layers *layers, const char *name)
{
	for (size_t i = 0; i < layers->count; i++)
		if (strcmp(layers->all[i].name, name) == 0)
			return &layers->all[i];
	return NULL;
}

bool diff_layers_are_same(const struct diff_layers *from, const struct diff_layers *to)
{
	bool same = from->count == to->count;
	for (size_t i = 0; same && i < from->count; i++)
		same = strcmp(from->all[i].name, to->all[i].name) == 0 && from->all[i].version == to->all[i].version;
	return same;
}

/* Those that both have stand in another order. */
static bool is_reordered(const struct diff_layers *from, const struct diff_layers *to)
{
	const struct diff_layer *last = NULL;
	for (size_t i = 0; i < from->count; i++) {
		const struct diff_layer *other = find(to, from->all[i].name);
		if (other && last && other < last)
			return true;
		last = other ? other : last;
	}
	return false;
}

/* ---- text ---- */

static const char *signer_of(const struct diff_layer *layer)
{
	return layer->signer[0] ? layer->signer : "(unsigned)";
}

static void print_one(char mark, const struct diff_layer *layer)
{
	(void)printf("%c layer %s:%" PRIu64 "  %s\n", mark, layer->name, layer->version, signer_of(layer));
}

static void print_changed(const struct diff_layer *from, const struct diff_layer *to)
{
	bool is_same_signer = strcmp(from->signer, to->signer) == 0;
	(void)printf("~ layer %s:%" PRIu64 " -> %s:%" PRIu64 "  %s%s%s\n", from->name, from->version, to->name,
		     to->version, signer_of(from), is_same_signer ? "" : " -> ", is_same_signer ? "" : signer_of(to));
}

static void print_order(const struct diff_layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		(void)printf("%s%s:%" PRIu64, i > 0 ? " " : "", layers->all[i].name, layers->all[i].version);
}

void diff_layers_print(const struct diff_layers *from, const struct diff_layers *to)
{
	for (size_t i = 0; i < to->count; i++)
		if (!find(from, to->all[i].name))
			print_one('+', &to->all[i]);
	for (size_t i = 0; i < from->count; i++) {
		const struct diff_layer *before = &from->all[i], *after = find(to, before->name);
		if (!after)
			print_one('-', before);
		else if (after->version != before->version)
			print_changed(before, after);
	}
	if (!is_reordered(from, to))
		return;
	(void)printf("~ layers, in another order  ");
	print_order(from);
	(void)printf(" -> ");
	print_order(to);
	(void)putchar('\n');
}

/* ---- JSON ---- */

static void put_layer(struct json *j, const char *key, const struct diff_layer *layer)
{
	json_object(j, key);
	json_text(j, "layer", layer->name);
	json_u64(j, "version", layer->version);
	json_text(j, "profileVersionArn", layer->signer[0] ? layer->signer : NULL);
	json_text(j, "jobArn", layer->job[0] ? layer->job : NULL);
	json_close(j);
}

/* Those of a side that the other has not; NULL: all. */
static void put_layers(struct json *j, const char *key, const struct diff_layers *side, const struct diff_layers *other)
{
	json_array(j, key);
	for (size_t i = 0; i < side->count; i++)
		if (!other || !find(other, side->all[i].name))
			put_layer(j, NULL, &side->all[i]);
	json_close(j);
}

void diff_layers_put(struct json *j, const struct diff_layers *from, const struct diff_layers *to)
{
	json_object(j, "layers");
	put_layers(j, "from", from, NULL);
	put_layers(j, "to", to, NULL);
	put_layers(j, "attached", to, from);
	put_layers(j, "detached", from, to);
	json_array(j, "changed");
	for (size_t i = 0; i < from->count; i++) {
		const struct diff_layer *after = find(to, from->all[i].name);
		if (!after || after->version == from->all[i].version)
			continue;
		json_object(j, NULL);
		put_layer(j, "from", &from->all[i]);
		put_layer(j, "to", after);
		json_close(j);
	}
	json_close(j);
	json_bool(j, "reordered", is_reordered(from, to));
	json_close(j);
}
