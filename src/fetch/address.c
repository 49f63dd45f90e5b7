/* What a URL is made of is libcurl's to say: it connects by the same reading. */
#include "address.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static int refuse(struct explain *why, const char *what)
{
	explain_set(why, "[policy] source: %s; expected https://HOST/PATH or file:///PATH", what);
	return -EINVAL;
}

/* Copies a part, NUL-terminated. False: it is not there, too long, or has no plain text. */
static bool get_part(CURLU *url, CURLUPart part, unsigned flags, char *ret, size_t size)
{
	char *text = NULL;
	bool ok = curl_url_get(url, part, &text, flags) == CURLUE_OK && strlen(text) < size;
	for (const char *at = text; ok && *at; at++)
		ok = (unsigned char)*at > ' ' && *at != 0x7f;
	if (ok)
		(void)snprintf(ret, size, "%s", text);
	curl_free(text);
	return ok;
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
	curl_free(text);
	return has;
}

static int take_file(CURLU *url, struct address *address, struct explain *why)
{
	char *path = NULL;
	int r = 0;
	if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
		r = refuse(why, "a file has no \"?\" and no \"#\" behind its path (%3F and %23 stand for them)");
	else if (curl_url_get(url, CURLUPART_PATH, &path, CURLU_URLDECODE) != CURLUE_OK || path[0] != '/' ||
		 strlen(path) >= sizeof(address->text))
		r = refuse(why, "there is no absolute path in it");
	else
		(void)snprintf(address->text, sizeof(address->text), "%s", path);
	curl_free(path);
	return r;
}

static int take_https(CURLU *url, struct address *address, struct explain *why)
{
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
		return refuse(why, "a user name or password in it would be read by everybody on this host, and a "
				   "bundle's signature needs no secret; leave it out");
	(void)curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	if (!has_part(url, CURLUPART_HOST) || !get_part(url, CURLUPART_URL, 0, address->text, sizeof(address->text)))
		return refuse(why, "it is no URL that can be asked for");
	(void)curl_url_set(url, CURLUPART_QUERY, NULL, 0);
	return 0;
}

static int take(CURLU *url, const char *text, struct address *address, struct explain *why)
{
	char scheme[16], plain[ADDRESS_SIZE];
	if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    !get_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)))
		return refuse(why, "it is no URL");
	address->is_file = strcmp(scheme, "file") == 0;
	if (!address->is_file && strcmp(scheme, "https") != 0)
		return refuse(why, "its scheme is neither https nor file");
	int r = address->is_file ? take_file(url, address, why) : take_https(url, address, why);
	if (r == 0 && !get_part(url, CURLUPART_URL, 0, plain, sizeof(plain)))
		r = refuse(why, "it is too long, or no plain text");
	if (r == 0)
		(void)text_escape_print(address->shown, sizeof(address->shown), plain, strlen(plain));
	return r;
}

int address_parse(const char *text, struct address *ret, struct explain *ret_why)
{
	struct address address = {0};
	CURLU *url = curl_url();
	if (!url)
		return -ENOMEM;
	int r = take(url, text, &address, ret_why);
	curl_url_cleanup(url);
	if (r == 0)
		*ret = address;
	return r;
}
