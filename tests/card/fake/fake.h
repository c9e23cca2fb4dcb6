/* What the parts of the fake card share. */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What happened on the card since the process began. Bytes, where nothing else is said. */
struct counts {
    uint64_t to_card;     /* copied from the computer's memory */
    uint64_t from_card;   /* copied to it */
    uint64_t copies;      /* how many copies those were */
    uint64_t waits;       /* how often somebody waited for the card */
    uint64_t kernels;     /* ONNX Runtime's own, and calls of cuBLAS and cuDNN that compute */
    uint64_t touched;     /* read and written by them, counting each operand once */
    uint64_t operations;  /* multiplications and additions of convolutions and matrix products */
    uint64_t tf32;        /* how many kernels may round their factors */
    uint64_t allocations; /* of its memory */
    uint64_t live;        /* of its memory, in use */
    uint64_t peak;        /* the most that was in use */
};
extern struct counts fake_counts;

/* Counts a kernel, and tells whether it is to be computed. The name is kept, not copied. */
bool fake_kernel(const char *name, uint64_t touched, uint64_t operations);

/* A factor of a product with TF32: 10 bits of its fraction are left (NVIDIA, CUDA C++ Programming Guide, "Alternate Floating
   Point"). */
static inline float fake_tf32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = (bits + 0x1000) & ~0x1fffu;
    memcpy(&value, &bits, sizeof bits);
    return value;
}

/* Says on standard error that something was called which the fake card does not have. */
void fake_missing(const char *what);

/* One of ONNX Runtime's own kernels, by its mangled name; false if the fake card does not have it. */
bool fake_launch(const char *name, void **arguments);

#endif
