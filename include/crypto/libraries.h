/* libraries.h - which version of its library the module runs with, for reports of bugs. */
#ifndef CRYPTO_LIBRARIES_H
#define CRYPTO_LIBRARIES_H

const char *crypto_library(void); /* "OpenSSL 3.0.17 1 Jul 2025" */

#endif
