/* A Vulkan loader with faults, for tests: it hands everything to the loader that FAULTY_LOADER names, but for what other
   variables tell it to do wrong. Both Impasto and ONNX Runtime's provider open it as libvulkan.so.1. No headers of Vulkan are
   needed: what is changed in structures is at places that never change.

   FAULTY_NAME        the card's name
   FAULTY_KIND        its kind: 1 integrated, 2 discrete, 3 virtual, 4 software
   FAULTY_BINDING     the most bytes in one storage buffer
   FAULTY_HEAP        the bytes of its memory that it tells
   FAULTY_MEMORY      the bytes of its memory that there are: further ones are refused
   FAULTY_LOST_AFTER  so many submissions are done, and then the device is lost
   FAULTY_SKIP        each so many-th dispatch is not done: the values of its buffers are wrong
   FAULTY_COUNTS      a file for what was counted, as JSON */

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*function)(void);
typedef function (*get_function)(void *, const char *);

enum { DEVICE_LOST = -4, OUT_OF_DEVICE_MEMORY = -2, HEAPS = 16 };
enum { MEMORY_BUDGET = 1000237000, ALLOCATION = 1000168000 };

/* The bytes at which the fields lie in VkPhysicalDeviceProperties. */
enum { KIND_AT = 16, NAME_AT = 20, STORAGE_RANGE_AT = 296 + 28 };

struct memory_properties {
    uint32_t type_count;
    uint32_t types[32][2];
    uint32_t heap_count;
    struct { uint64_t size; uint32_t flags; } heaps[HEAPS];
};
struct header { uint32_t kind; struct header *next; };
struct budget { struct header header; uint64_t budgets[HEAPS], used[HEAPS]; };
struct allocation_properties { struct header header; uint32_t descriptors; uint64_t largest; };
struct allocate_info { struct header header; uint64_t size; uint32_t type; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { uint64_t handle, size; } blocks[65536];
static size_t block_count;
static uint64_t allocated, peak, refused;
static long submitted, dispatched;

static int64_t number(const char *name, int64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

static get_function loader(void) {
    static get_function get;
    if (!get) {
        const char *path = getenv("FAULTY_LOADER");
        void *library = dlopen(path ? path : "", RTLD_NOW | RTLD_LOCAL);
        get = library ? (get_function)dlsym(library, "vkGetInstanceProcAddr") : NULL;
        if (!get) {
            fprintf(stderr, "faulty: FAULTY_LOADER names no Vulkan loader\n");
            abort();
        }
    }
    return get;
}

/* The functions that stand before those of the loader, and these. */
static struct real {
    void (*properties)(void *, char *);
    void (*properties2)(void *, char *);
    void (*memory)(void *, struct memory_properties *);
    void (*memory2)(void *, char *);
    int32_t (*allocate)(void *, const struct allocate_info *, const void *, uint64_t *);
    void (*release)(void *, uint64_t, const void *);
    int32_t (*submit)(void *, uint32_t, const void *, uint64_t);
    void (*dispatch)(void *, uint32_t, uint32_t, uint32_t);
    get_function of_device;
} real;

static void change(char *properties) {
    int32_t kind = (int32_t)number("FAULTY_KIND", -1);
    int64_t range = number("FAULTY_BINDING", -1);
    const char *name = getenv("FAULTY_NAME");
    if (kind >= 0) memcpy(properties + KIND_AT, &kind, sizeof kind);
    if (name) snprintf(properties + NAME_AT, 256, "%s", name);
    if (range >= 0) {
        uint32_t low = (uint32_t)range;
        memcpy(properties + STORAGE_RANGE_AT, &low, sizeof low);
    }
}

static void change_memory(struct memory_properties *memory) {
    int64_t size = number("FAULTY_HEAP", -1);
    for (uint32_t i = 0; size >= 0 && i < memory->heap_count; i++) memory->heaps[i].size = (uint64_t)size;
}

static void properties(void *device, char *out) {
    real.properties(device, out);
    change(out);
}

static void properties2(void *device, char *out) {
    real.properties2(device, out);
    change(out + 16);
}

static void memory(void *device, struct memory_properties *out) {
    real.memory(device, out);
    change_memory(out);
}

static void memory2(void *device, char *out) {
    real.memory2(device, out);
    change_memory((struct memory_properties *)(out + 16));
    int64_t size = number("FAULTY_HEAP", -1);
    for (struct header *next = ((struct header *)out)->next; size >= 0 && next; next = next->next) {
        struct budget *budget = (struct budget *)next;
        for (int i = 0; next->kind == MEMORY_BUDGET && i < HEAPS; i++) budget->budgets[i] = (uint64_t)size;
    }
}

static int32_t allocate(void *device, const struct allocate_info *info, const void *with, uint64_t *out) {
    pthread_mutex_lock(&lock);
    int32_t result = OUT_OF_DEVICE_MEMORY;
    if (allocated + info->size > (uint64_t)number("FAULTY_MEMORY", INT64_MAX)) refused++;
    else result = real.allocate(device, info, with, out);
    if (result == 0 && block_count < sizeof blocks / sizeof *blocks) {
        blocks[block_count].handle = *out;
        blocks[block_count++].size = info->size;
        allocated += info->size;
        if (allocated > peak) peak = allocated;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static void release(void *device, uint64_t handle, const void *with) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; handle && i < block_count; i++)
        if (blocks[i].handle == handle) {
            allocated -= blocks[i].size;
            blocks[i] = blocks[--block_count];
            break;
        }
    pthread_mutex_unlock(&lock);
    real.release(device, handle, with);
}

static int32_t submit(void *queue, uint32_t count, const void *infos, uint64_t fence) {
    long after = (long)number("FAULTY_LOST_AFTER", -1);
    if (after >= 0 && __atomic_add_fetch(&submitted, 1, __ATOMIC_SEQ_CST) > after) return DEVICE_LOST;
    return real.submit(queue, count, infos, fence);
}

static void dispatch(void *commands, uint32_t x, uint32_t y, uint32_t z) {
    long each = (long)number("FAULTY_SKIP", 0);
    long at = __atomic_add_fetch(&dispatched, 1, __ATOMIC_SEQ_CST);
    if (each && at % each == 0) return;
    real.dispatch(commands, x, y, z);
}

static function of_device(void *device, const char *name);
static function of_instance(void *instance, const char *name);

/* Remembers the loader's function and gives the one before it. */
static function before(const char *name, function found) {
    static const struct { const char *name; function own; size_t at; } all[] = {
#define BEFORE(vulkan, own) {vulkan, (function)own, offsetof(struct real, own)}
        BEFORE("vkGetPhysicalDeviceProperties", properties),
        BEFORE("vkGetPhysicalDeviceProperties2", properties2),
        BEFORE("vkGetPhysicalDeviceProperties2KHR", properties2),
        BEFORE("vkGetPhysicalDeviceMemoryProperties", memory),
        BEFORE("vkGetPhysicalDeviceMemoryProperties2", memory2),
        BEFORE("vkGetPhysicalDeviceMemoryProperties2KHR", memory2),
        BEFORE("vkAllocateMemory", allocate),
        BEFORE("vkFreeMemory", release),
        BEFORE("vkQueueSubmit", submit),
        BEFORE("vkCmdDispatch", dispatch),
        BEFORE("vkGetDeviceProcAddr", of_device),
    };
    if (!found) return NULL;
    if (!strcmp(name, "vkGetInstanceProcAddr")) return (function)of_instance;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(name, all[i].name)) {
            memcpy((char *)&real + all[i].at, &found, sizeof found);
            return all[i].own;
        }
    return found;
}

static function of_device(void *device, const char *name) {
    return before(name, real.of_device(device, name));
}

static function of_instance(void *instance, const char *name) {
    return before(name, loader()(instance, name));
}

__attribute__((visibility("default"))) function vkGetInstanceProcAddr(void *instance, const char *name) {
    return of_instance(instance, name);
}

__attribute__((destructor)) static void counts(void) {
    const char *path = getenv("FAULTY_COUNTS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "{\"peak\": %llu, \"left\": %llu, \"refused\": %llu, \"dispatches\": %ld}\n", (unsigned long long)peak,
            (unsigned long long)allocated, (unsigned long long)refused, dispatched);
    fclose(file);
}
