/* words.h - times as people say them. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "base/base.h"

#define CLI_WORDS_SIZE 48

/* "in 134 months", "3 days ago", "now"; in calendar months from two months on. Returns ret. */
const char *cli_time_words(int64_t at_s, int64_t now_s, char ret[CLI_WORDS_SIZE]);

#endif
