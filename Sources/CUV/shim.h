#include <uv.h>

/* The loop counts the time that it waits for events; 0 or a libuv error. uv_loop_configure has variable
 * arguments, which Swift cannot call. */
static inline int uv_loop_count_idle_time(uv_loop_t *loop) {
    return uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
}
