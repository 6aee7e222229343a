#ifndef FRAMELOOM_KERNELS_H
#define FRAMELOOM_KERNELS_H
#include <stddef.h>
#endif
