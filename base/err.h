// SPDX-License-Identifier: ISC
/** err.h: error codes of the whole library.  0 is success, every failure is negative. */
#ifndef TACIT_BASE_ERR_H
#define TACIT_BASE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum {
    ERR_ARG = -1,         /* the caller's bug: an argument outside its contract */
    ERR_MEM = -2,         /* out of memory */
    ERR_DATA = -3,        /* a model or data file is malformed or not supported: exit status 3 */
    ERR_NET = -4,         /* connection refused, lost or timed out: exit status 4 */
    ERR_PEER = -5,        /* the peer sent what the protocol forbids: exit status 4 */
    ERR_LIMIT = -6,       /* a session limit is reached (2^40 hashes): set up a new session */
    ERR_INTERRUPTED = -7, /* the caller's stop flag was raised */
    ERR_BUSY = -8,        /* the server has no room: try again later: exit status 4 */
    ERR_CPU = -9,         /* portable C gives wrong results here: exit status 1 */
    ERR_RANDOM = -10,     /* the system gives no random bytes: exit status 1 */
    ERR_DENIED = -11,     /* the server does not admit this client: exit status 4 */
    ERR_OUTPUT = -12,     /* what was asked for could not be written: exit status 1 */
};

/** err_set: keeps a message for people (thread-local, at most 255 bytes) and returns `code`, so that
 *  `return err_set(ERR_DATA, "...")` is one line.  err_text() may be an argument.  Never called with a secret. */
int err_set(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** err_text: the message of the latest err_set on this thread, "" if none. */
const char *err_text(void);

#endif
