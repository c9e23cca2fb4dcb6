/*
 * The CUDA runtime and driver, and NVML, as far as ONNX Runtime 1.31's CUDA provider and Impasto call them. The card's memory
 * is the computer's, mapped when it is touched, and everything has happened when a call returns.
 *
 *   FAKE_CARD_MEMORY  the card's bytes (8 GiB)
 *   FAKE_CARD_FREE    the bytes that NVML says are free, if it is not all of them
 *   FAKE_CARD_COUNTS  the file that gets `struct counts` as JSON when the process ends, and for each kernel how often it ran,
 *                     what it touched, and its operations
 *   FAKE_CARD_LARGEST kernels that touch more bytes than this compute nothing, for what is about memory only: its memory keeps
 *                     the zeros that it begins with
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake.h"

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_DEVICE_FUNCTION = 98, INVALID_DEVICE = 101, NOT_SUPPORTED = 801 };

struct counts fake_counts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local int last_error;
static uint64_t memory = 8ull << 30, largest = UINT64_MAX;

static int failed(int error)
{
    if (error != OK) last_error = error;
    return error;
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("FAKE_CARD_MEMORY");
    if (text) memory = strtoull(text, NULL, 10);
    text = getenv("FAKE_CARD_LARGEST");
    if (text) largest = strtoull(text, NULL, 10);
}

struct tally {
    const char *name;
    uint64_t count, touched, operations;
};
static struct tally tallies[512];
static size_t tally_count;

bool fake_kernel(const char *name, uint64_t touched, uint64_t operations)
{
    pthread_mutex_lock(&lock);
    size_t at = 0;
    while (at < tally_count && strcmp(tallies[at].name, name)) at++;
    if (at < sizeof tallies / sizeof *tallies) {
        if (at == tally_count) tallies[tally_count++].name = name;
        tallies[at].count++;
        tallies[at].touched += touched;
        tallies[at].operations += operations;
    }
    fake_counts.kernels++;
    fake_counts.touched += touched;
    fake_counts.operations += operations;
    pthread_mutex_unlock(&lock);
    return touched <= largest;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAKE_CARD_COUNTS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    const struct counts *c = &fake_counts;
    fprintf(file,
            "{\"to_card\": %lu, \"from_card\": %lu, \"copies\": %lu, \"waits\": %lu, \"kernels\": %lu, \"touched\": %lu, "
            "\"operations\": %lu, \"tf32\": %lu, \"allocations\": %lu, \"live\": %lu, \"peak\": %lu, \"by_name\": {",
            c->to_card, c->from_card, c->copies, c->waits, c->kernels, c->touched, c->operations, c->tf32, c->allocations, c->live,
            c->peak);
    for (size_t at = 0; at < tally_count; at++)
        fprintf(file, "%s\"%s\": [%lu, %lu, %lu]", at ? ", " : "", tallies[at].name, tallies[at].count, tallies[at].touched,
                tallies[at].operations);
    fprintf(file, "}}\n");
    fclose(file);
}

void fake_missing(const char *what)
{
    fprintf(stderr, "the fake card has no %s\n", what);
}

/* Memory */

struct block {
    char *at;
    size_t size;
    struct block *next;
};
static struct block *blocks;

int cudaMalloc(void **at, size_t size)
{
    *at = NULL;
    if (size == 0) return OK;
    pthread_mutex_lock(&lock);
    int error = OUT_OF_MEMORY;
    if (fake_counts.live + size <= memory) {
        void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        struct block *block = malloc(sizeof *block);
        if (mapped != MAP_FAILED && block) {
            *block = (struct block){mapped, size, blocks};
            blocks = block;
            *at = mapped;
            fake_counts.allocations++;
            fake_counts.live += size;
            if (fake_counts.live > fake_counts.peak) fake_counts.peak = fake_counts.live;
            error = OK;
        }
    }
    pthread_mutex_unlock(&lock);
    return failed(error);
}

int cudaFree(void *at)
{
    if (!at) return OK;
    pthread_mutex_lock(&lock);
    int error = INVALID_VALUE;
    for (struct block **link = &blocks; *link; link = &(*link)->next) {
        struct block *block = *link;
        if (block->at != at) continue;
        *link = block->next;
        munmap(block->at, block->size);
        fake_counts.live -= block->size;
        free(block);
        error = OK;
        break;
    }
    pthread_mutex_unlock(&lock);
    return failed(error);
}

static bool on_card(const void *at)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (struct block *block = blocks; block && !found; block = block->next)
        found = (const char *)at >= block->at && (const char *)at < block->at + block->size;
    pthread_mutex_unlock(&lock);
    return found;
}

int cudaMallocHost(void **at, size_t size)
{
    *at = calloc(1, size);
    return failed(*at ? OK : OUT_OF_MEMORY);
}

int cudaHostAlloc(void **at, size_t size, unsigned flags)
{
    (void)flags;
    return cudaMallocHost(at, size);
}

int cudaFreeHost(void *at)
{
    free(at);
    return OK;
}

int cudaMemGetInfo(size_t *free, size_t *total)
{
    *free = memory - fake_counts.live;
    *total = memory;
    return OK;
}

/* The direction is what the addresses tell, and not what the caller says. */
int cudaMemcpy(void *to, const void *from, size_t size, int kind)
{
    (void)kind;
    if (size == 0) return OK;
    bool there = on_card(to), here = !on_card(from);
    if (there && here) fake_counts.to_card += size;
    if (!there && !here) fake_counts.from_card += size;
    if (there == here) fake_counts.copies++;
    memmove(to, from, size);
    return OK;
}

int cudaMemcpyAsync(void *to, const void *from, size_t size, int kind, void *stream)
{
    (void)stream;
    return cudaMemcpy(to, from, size, kind);
}

int cudaMemset(void *at, int value, size_t size)
{
    memset(at, value, size);
    return OK;
}

int cudaMemsetAsync(void *at, int value, size_t size, void *stream)
{
    (void)stream;
    return cudaMemset(at, value, size);
}

struct pointer_attributes {
    int type, device;
    void *device_pointer, *host_pointer;
};

int cudaPointerGetAttributes(struct pointer_attributes *attributes, const void *at)
{
    bool there = on_card(at);
    *attributes = (struct pointer_attributes){there ? 2 : 0, 0, there ? (void *)at : NULL, there ? NULL : (void *)at};
    return OK;
}

/* The card: one, of compute capability 9.0, with 132 multiprocessors */

struct properties {
    char name[256], uuid[16], luid[8];
    unsigned node_mask;
    size_t memory, shared_memory;
    int registers, warp;
    size_t pitch;
    int threads, block[3], grid[3];
    size_t constants;
    int major, minor;
    size_t alignment, pitch_alignment;
    int multiprocessors;
    char others[620];
};
_Static_assert(offsetof(struct properties, memory) == 288, "cudaDeviceProp of CUDA 13");
_Static_assert(offsetof(struct properties, multiprocessors) == 384, "cudaDeviceProp of CUDA 13");

int cudaGetDeviceProperties(struct properties *properties, int device)
{
    if (device != 0) return failed(INVALID_DEVICE);
    *properties = (struct properties){.name = "a fake card",
                                      .memory = memory,
                                      .shared_memory = 48 << 10,
                                      .registers = 65536,
                                      .warp = 32,
                                      .pitch = 0x7fffffff,
                                      .threads = 1024,
                                      .block = {1024, 1024, 64},
                                      .grid = {0x7fffffff, 65535, 65535},
                                      .constants = 64 << 10,
                                      .major = 9,
                                      .alignment = 512,
                                      .pitch_alignment = 32,
                                      .multiprocessors = 132};
    return OK;
}

int cudaDeviceGetAttribute(int *value, int attribute, int device)
{
    if (device != 0) return failed(INVALID_DEVICE);
    switch (attribute) {
    case 1: *value = 1024; break;   /* threads of a block */
    case 10: *value = 32; break;    /* threads of a warp */
    case 16: *value = 132; break;   /* multiprocessors */
    case 39: *value = 2048; break;  /* threads of a multiprocessor */
    case 75: *value = 9; break;     /* compute capability, major */
    default: *value = 0;
    }
    return OK;
}

int cudaGetDeviceCount(int *count)
{
    *count = 1;
    return OK;
}

int cudaGetDevice(int *device)
{
    *device = 0;
    return OK;
}

int cudaSetDevice(int device)
{
    return failed(device == 0 ? OK : INVALID_DEVICE);
}

int cudaDriverGetVersion(int *version)
{
    *version = 13000;
    return OK;
}

int cudaRuntimeGetVersion(int *version)
{
    return cudaDriverGetVersion(version);
}

/* Errors */

const char *cudaGetErrorName(int error)
{
    return error == OK ? "cudaSuccess" : error == OUT_OF_MEMORY ? "cudaErrorMemoryAllocation" : "an error of the fake card";
}

const char *cudaGetErrorString(int error)
{
    return error == OK ? "no error" : error == OUT_OF_MEMORY ? "out of memory" : "the fake card does not do this";
}

int cudaPeekAtLastError(void)
{
    return last_error;
}

int cudaGetLastError(void)
{
    int error = last_error;
    last_error = OK;
    return error;
}

/* Streams and events */

static int made(void **handle)
{
    *handle = calloc(1, 64);
    return failed(*handle ? OK : OUT_OF_MEMORY);
}

static int waited(void)
{
    fake_counts.waits++;
    return OK;
}

int cudaStreamCreate(void **stream) { return made(stream); }
int cudaStreamCreateWithFlags(void **stream, unsigned flags) { (void)flags; return made(stream); }
int cudaEventCreate(void **event) { return made(event); }
int cudaEventCreateWithFlags(void **event, unsigned flags) { (void)flags; return made(event); }
int cudaStreamDestroy(void *stream) { free(stream); return OK; }
int cudaEventDestroy(void *event) { free(event); return OK; }
int cudaStreamSynchronize(void *stream) { (void)stream; return waited(); }
int cudaEventSynchronize(void *event) { (void)event; return waited(); }
int cudaDeviceSynchronize(void) { return waited(); }
int cudaEventRecord(void *event, void *stream) { (void)event, (void)stream; return OK; }
int cudaStreamWaitEvent(void *stream, void *event, unsigned flags) { (void)stream, (void)event, (void)flags; return OK; }

int cudaStreamIsCapturing(void *stream, int *status)
{
    (void)stream;
    *status = 0;
    return OK;
}

int cudaLaunchHostFunc(void *stream, void (*function)(void *), void *data)
{
    (void)stream;
    function(data);
    return OK;
}

/* Kernels: their code for a card is not looked at, only their names */

struct kernel {
    const void *function;
    const char *name;
};
static struct kernel *kernels;
static size_t kernel_count, kernel_room;

void **__cudaRegisterFatBinary(void *code)
{
    static void *handle;
    (void)code;
    return &handle;
}

void __cudaRegisterFatBinaryEnd(void **handle) { (void)handle; }
void __cudaUnregisterFatBinary(void **handle) { (void)handle; }
void __cudaRegisterVar(void) {}

void __cudaRegisterFunction(void **handle, const void *function, char *here, const char *name)
{
    (void)handle, (void)here;
    if (kernel_count == kernel_room) {
        kernel_room = kernel_room ? 2 * kernel_room : 4096;
        kernels = realloc(kernels, kernel_room * sizeof *kernels);
        if (!kernels) abort();
    }
    kernels[kernel_count++] = (struct kernel){function, name};
}

int __cudaGetKernel(const void **kernel, const void *function)
{
    *kernel = function;
    return OK;
}

/* A grid and a block of three 32-bit numbers each fill two registers. */
int __cudaLaunchKernel(const void *function, uint64_t grid, uint32_t grid_z, uint64_t block, uint32_t block_z, void **arguments,
                       size_t shared, void *stream)
{
    (void)grid, (void)grid_z, (void)block, (void)block_z, (void)shared, (void)stream;
    for (size_t at = 0; at < kernel_count; at++) {
        if (kernels[at].function != function) continue;
        if (fake_launch(kernels[at].name, arguments)) return OK;
        fake_missing(kernels[at].name);
        return failed(INVALID_DEVICE_FUNCTION);
    }
    fake_missing("such kernel");
    return failed(INVALID_DEVICE_FUNCTION);
}

int cudaLaunchKernel(const void *function, uint64_t grid, uint32_t grid_z, uint64_t block, uint32_t block_z, void **arguments,
                     size_t shared, void *stream)
{
    return __cudaLaunchKernel(function, grid, grid_z, block, block_z, arguments, shared, stream);
}

static _Thread_local struct configuration {
    uint32_t grid[3], block[3];
    size_t shared;
    void *stream;
} configuration;

unsigned __cudaPushCallConfiguration(uint64_t grid, uint32_t grid_z, uint64_t block, uint32_t block_z, size_t shared, void *stream)
{
    configuration = (struct configuration){{(uint32_t)grid, (uint32_t)(grid >> 32), grid_z},
                                           {(uint32_t)block, (uint32_t)(block >> 32), block_z},
                                           shared,
                                           stream};
    return 0;
}

int __cudaPopCallConfiguration(void *grid, void *block, size_t *shared, void **stream)
{
    memcpy(grid, configuration.grid, sizeof configuration.grid);
    memcpy(block, configuration.block, sizeof configuration.block);
    *shared = configuration.shared;
    *stream = configuration.stream;
    return OK;
}

int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks_of_one)
{
    *blocks_of_one = 2;
    return OK;
}

/* What the provider links against and the fake card does not do */

#define MISSING(name)                                                                                                            \
    int name(void)                                                                                                               \
    {                                                                                                                            \
        fake_missing(#name);                                                                                                     \
        return failed(NOT_SUPPORTED);                                                                                            \
    }
MISSING(cudaEventElapsedTime)
MISSING(cudaEventRecordWithFlags)
MISSING(cudaFreeAsync)
MISSING(cudaFuncGetAttributes)
MISSING(cudaFuncSetAttribute)
MISSING(cudaGetDriverEntryPointByVersion)
MISSING(cudaGraphDestroy)
MISSING(cudaGraphExecDestroy)
MISSING(cudaGraphInstantiate)
MISSING(cudaGraphLaunch)
MISSING(cudaKernelSetAttributeForDevice)
MISSING(cudaLaunchCooperativeKernel)
MISSING(cudaLaunchKernelExC)
MISSING(cudaLibraryGetKernel)
MISSING(cudaLibraryLoadData)
MISSING(cudaLibraryUnload)
MISSING(cudaMallocFromPoolAsync)
MISSING(cudaMemcpy2DAsync)
MISSING(cudaMemcpyFromSymbol)
MISSING(cudaMemPoolCreate)
MISSING(cudaMemPoolDestroy)
MISSING(cudaMemPoolGetAttribute)
MISSING(cudaMemPoolSetAttribute)
MISSING(cudaMemPoolTrimTo)
MISSING(cudaStreamBeginCapture)
MISSING(cudaStreamEndCapture)
MISSING(cuTensorMapEncodeTiled)

/* The driver, as far as it tells who a card is */

static const char *const uuid_text = "GPU-11111111-1111-1111-1111-111111111111";
static const char *const bus_text = "0000:65:00.0";

int cuInit(unsigned flags)
{
    (void)flags;
    return OK;
}

int cuDeviceGetCount(int *count)
{
    *count = 1;
    return OK;
}

int cuDeviceGet(int *device, int ordinal)
{
    *device = ordinal;
    return ordinal == 0 ? OK : 101;
}

int cuDeviceGetUuid_v2(void *uuid, int device)
{
    (void)device;
    memset(uuid, 0x11, 16);
    return OK;
}

int cuDeviceGetPCIBusId(char *text, int length, int device)
{
    (void)device;
    snprintf(text, (size_t)length, "%s", bus_text);
    return OK;
}

/* NVML. With FAKE_CARD_OTHER_FREE it knows another card, which comes first and has so many bytes free. */

static int other_card;

int nvmlInit_v2(void) { return OK; }
int nvmlShutdown(void) { return OK; }

int nvmlSystemGetDriverVersion(char *text, unsigned size)
{
    snprintf(text, size, "580.0");
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    bool other = getenv("FAKE_CARD_OTHER_FREE") != NULL;
    *device = other && index == 0 ? (void *)&other_card : (void *)&fake_counts;
    return index <= (other ? 1u : 0u) ? OK : 2;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **device)
{
    *device = &fake_counts;
    return strcmp(uuid, uuid_text) == 0 ? OK : 6;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device)
{
    *device = &fake_counts;
    return strcmp(bus, bus_text) == 0 ? OK : 6;
}

struct nvml_memory {
    unsigned version;
    unsigned long long total, reserved, free, used;
};

int nvmlDeviceGetMemoryInfo_v2(void *device, struct nvml_memory *info)
{
    const char *text = getenv(device == &other_card ? "FAKE_CARD_OTHER_FREE" : "FAKE_CARD_FREE");
    info->total = memory;
    info->free = text ? strtoull(text, NULL, 10) : memory - fake_counts.live;
    info->used = info->total - info->free;
    return OK;
}
