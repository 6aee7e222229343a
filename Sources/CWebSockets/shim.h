#include <libwebsockets.h>

/* The room that lws_write needs before its bytes; a macro of macros, which Swift does not see. */
static const size_t web_write_headroom = LWS_PRE;
